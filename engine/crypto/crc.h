/*
 * Reflected CRCs of 32 or 64 bits that begin with all ones and end inverted, as S3 uses them. By
 * carry-less multiplication where the processor has it, otherwise with tables. Any thread.
 */
#ifndef THUMBWHEEL_CRC_H
#define THUMBWHEEL_CRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crc_fold.h"

/* Reflected polynomials: IEEE 802.3, Castagnoli, and NVMe's ("NVM Command Set", 64b CRC). */
#define CRC_POLYNOMIAL_32     UINT64_C(0xEDB88320)
#define CRC_POLYNOMIAL_32C    UINT64_C(0x82F63B78)
#define CRC_POLYNOMIAL_64NVME UINT64_C(0x9A6C9329AC4BC9B5)

enum { CRC_SLICES = 8 };

struct crc { /* constant once it is prepared */
    uint64_t polynomial;
    unsigned bits; /* 32 or 64 */
    bool folds;    /* the processor can; false: tables alone */
    struct crc_fold fold;
    /* [n][byte]: the CRC of a byte that n zero bytes follow ("slicing by 8") */
    uint64_t tables[CRC_SLICES][256];
};

void crc_prepare(struct crc *crc, uint64_t polynomial, unsigned bits);

/* All ones: the value to begin with, and what inverts the value at the end. */
uint64_t crc_ones(const struct crc *crc);
/* The value after `size` further bytes. */
uint64_t crc_update(const struct crc *crc, uint64_t value, const void *data, size_t size);

/* The CRC of data with the CRC `before` and the `size` bytes with the CRC `next` behind it. Both are
 * inverted; the CRC of nothing is 0. */
uint64_t crc_append(const struct crc *crc, uint64_t before, uint64_t next, uint64_t size);

#endif
