/*
 * Carry-less multiplication for crc.h: processors that have it compute a CRC about ten times as fast as
 * with tables, and those that do four at once (VPCLMULQDQ with AVX-512) twice as fast again. x86-64
 * alone (PCLMULQDQ); elsewhere it is unavailable. Any thread.
 *
 * A block of 16 bytes is a polynomial of degree 127 over GF(2). Multiplied by x^n modulo the CRC's
 * polynomial, it can be added to the block n bits further on without changing the remainder of the whole.
 * So a body is folded into one block that has the same CRC as the body.
 */
#ifndef THUMBWHEEL_CRC_FOLD_H
#define THUMBWHEEL_CRC_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CRC_FOLD_BLOCK = 16, /* bytes */
    CRC_FOLD_LANES = 4,  /* blocks that are folded independently of each other */
    CRC_FOLD_MIN = CRC_FOLD_LANES * CRC_FOLD_BLOCK,
    CRC_FOLD_WIDE = 4 * CRC_FOLD_MIN, /* bytes that a processor with AVX-512 folds at once */
};

/* For the two halves of a block, the one that comes first first: x^(n + 63) and x^(n - 1) modulo the
 * polynomial, reflected, with x^0 as the highest bit. (A product of reflected factors lacks one x.) */
struct crc_fold {
    uint64_t wide[2];  /* n: the bits of CRC_FOLD_WIDE */
    uint64_t lanes[2]; /* n: the bits of all lanes */
    uint64_t block[2]; /* n: the bits of a block */
    bool is_wide;      /* CRC_FOLD_WIDE bytes are folded at once; only if available */
};

bool crc_fold_available(void);
bool crc_fold_wide_available(void);

/* Folds the whole blocks of at least CRC_FOLD_MIN bytes into `block`, whose CRC, begun with 0, is that of
 * the blocks, begun with value. Returns the number of bytes that it has taken. Only if available. */
size_t crc_fold(const struct crc_fold *fold, uint64_t value, const uint8_t *data, size_t size,
                uint8_t block[CRC_FOLD_BLOCK]);

#endif
