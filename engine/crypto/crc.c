#include "crc.h"

/* A CRC is a reflected polynomial over GF(2): the highest bit is the coefficient of x^0. */

static uint64_t times_x(const struct crc *crc, uint64_t value)
{
    return value & 1 ? (value >> 1) ^ crc->polynomial : value >> 1;
}

static uint64_t power_of_x(const struct crc *crc, unsigned exponent)
{
    uint64_t value = UINT64_C(1) << (crc->bits - 1);
    for (; exponent; exponent--)
        value = times_x(crc, value);
    return value;
}

uint64_t crc_ones(const struct crc *crc)
{
    return UINT64_MAX >> (64 - crc->bits);
}

/* Preparing. */

static void make_tables(struct crc *crc)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = times_x(crc, value);
        crc->tables[0][byte] = value;
    }
    for (unsigned slice = 1; slice < CRC_SLICES; slice++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t value = crc->tables[slice - 1][byte];
            crc->tables[slice][byte] = crc->tables[0][value & 0xff] ^ (value >> 8);
        }
    }
}

static void make_factors(const struct crc *crc, unsigned bytes, uint64_t factors[2])
{
    factors[0] = power_of_x(crc, 8 * bytes + 63) << (64 - crc->bits);
    factors[1] = power_of_x(crc, 8 * bytes - 1) << (64 - crc->bits);
}

void crc_prepare(struct crc *crc, uint64_t polynomial, unsigned bits)
{
    *crc = (struct crc){.polynomial = polynomial, .bits = bits, .folds = crc_fold_available()};
    make_tables(crc);
    crc->fold.is_wide = crc_fold_wide_available();
    make_factors(crc, CRC_FOLD_WIDE, crc->fold.wide);
    make_factors(crc, CRC_FOLD_MIN, crc->fold.lanes);
    make_factors(crc, CRC_FOLD_BLOCK, crc->fold.block);
}

/* Computing. */

static uint64_t little_endian(const uint8_t *data)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < CRC_SLICES; i++)
        value |= (uint64_t)data[i] << (8 * i);
    return value;
}

static uint64_t of_slice(const struct crc *crc, uint64_t slice)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < CRC_SLICES; i++)
        value ^= crc->tables[CRC_SLICES - 1 - i][(slice >> (8 * i)) & 0xff];
    return value;
}

static uint64_t update_by_table(const struct crc *crc, uint64_t value, const uint8_t *data,
                                size_t size)
{
    for (; size >= CRC_SLICES; data += CRC_SLICES, size -= CRC_SLICES)
        value = of_slice(crc, value ^ little_endian(data));
    for (size_t i = 0; i < size; i++)
        value = crc->tables[0][(value ^ data[i]) & 0xff] ^ (value >> 8);
    return value;
}

uint64_t crc_update(const struct crc *crc, uint64_t value, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint8_t block[CRC_FOLD_BLOCK];
    if (!crc->folds || size < CRC_FOLD_MIN)
        return update_by_table(crc, value, bytes, size);
    size_t folded = crc_fold(&crc->fold, value, bytes, size, block);
    value = update_by_table(crc, 0, block, sizeof block);
    return update_by_table(crc, value, bytes + folded, size - folded);
}

/* Combining. Appending `size` bytes multiplies the CRC of what precedes them by x^(8 * size). */

static uint64_t multiply(const struct crc *crc, uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    for (uint64_t term = UINT64_C(1) << (crc->bits - 1); term; term >>= 1) {
        if (a & term)
            product ^= b;
        b = times_x(crc, b);
    }
    return product;
}

uint64_t crc_append(const struct crc *crc, uint64_t before, uint64_t next, uint64_t size)
{
    uint64_t square = power_of_x(crc, 8); /* one byte */
    for (; size; size >>= 1) {
        if (size & 1)
            before = multiply(crc, before, square);
        square = multiply(crc, square, square);
    }
    return before ^ next;
}
