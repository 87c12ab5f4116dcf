/*
 * Writes blocks of a JPEG that were kept (jpeg_symbols.h) with their Huffman codes (ITU-T T.81, F.1.2). Pure functions; any
 * thread.
 */
#ifndef THUMBWHEEL_JPEG_BITS_H
#define THUMBWHEEL_JPEG_BITS_H

#include <stdint.h>

#include "huffman_code.h"
#include "jpeg_symbols.h"

/* 64 coefficients with a code and bits of their own, and a byte after each that is 0xff. */
enum { JPEG_BLOCK_BYTES = 2 * JPEG_BLOCK * (HUFFMAN_LENGTH_MAX + JPEG_KEPT_BITS) / 8 + 16 };

/* For each symbol, the code, then 8 bits for the length with the bits that follow. 0: no code. */
struct jpeg_code {
    uint32_t entries[HUFFMAN_SYMBOLS];
};

struct jpeg_bits {  /* zero at first */
    uint64_t held;  /* the last `count` of its bits are not written yet */
    unsigned count; /* less than 32 */
};

void jpeg_code_make(const struct huffman_code *from, struct jpeg_code *out);
/* All symbols must have codes. *out has room for JPEG_BLOCK_BYTES, and is moved to the end of what was
 * written. Returns the end of the block. */
const uint16_t *jpeg_bits_block(struct jpeg_bits *b, const uint16_t *kept,
                                const struct jpeg_code *dc, const struct jpeg_code *ac,
                                uint8_t **out);
/* Fills the last byte with ones. *out has room for 8 bytes. */
void jpeg_bits_end(struct jpeg_bits *b, uint8_t **out);

#endif
