/*
 * The symbols that code the coefficients of a JPEG's blocks (ITU-T T.81, F.1.2): counts them, for Huffman
 * codes of the picture's own, and keeps blocks until there are codes. With AVX2 where the processor has
 * it; the results are the same. Pure functions; any thread.
 *
 * A block is kept as a set of 64 bits, one for each coefficient in the order of their codes that is not
 * zero, which occupies JPEG_KEPT_SET numbers, and then a number for each: its size, and the bits that
 * follow its symbol. The first coefficient, of which the difference is coded, is always there. A block
 * of a photo needs a quarter of the memory of its coefficients.
 */
#ifndef THUMBWHEEL_JPEG_SYMBOLS_H
#define THUMBWHEEL_JPEG_SYMBOLS_H

#include <stdint.h>

enum {
    JPEG_BLOCK = 64, /* coefficients */
    JPEG_SIZES = 16, /* bits of a coefficient */
    JPEG_DC_SIZES = 32,
    JPEG_KEPT_SET = 4,
    JPEG_KEPT_MAX = JPEG_KEPT_SET + JPEG_BLOCK, /* numbers */
    JPEG_KEPT_BITS = 12,                        /* of a number, below the size */
};

/* By the size of the first coefficient's difference; and for the others, by the number of zeros before
 * them, then their size. ac[0] is the end of a block. Size 16 counts as size 0 after one more zero,
 * which no coefficient has. At most 2^32 - 1 each: 2^26 blocks never exceed that. */
struct jpeg_symbols {
    uint32_t dc[JPEG_DC_SIZES];
    uint32_t ac[JPEG_BLOCK * JPEG_SIZES]; /* zeros × JPEG_SIZES + size */
};

/* Counts the symbols of a block and keeps it. block: in the natural order, line by line. previous: the
 * first coefficient of the component's previous block. Returns the end of what it has written. */
uint16_t *jpeg_symbols_take(struct jpeg_symbols *s, const int16_t block[JPEG_BLOCK], int previous,
                            uint16_t kept[JPEG_KEPT_MAX]);
/* The counts of the symbols as they are coded. ERR_LIMIT: a coefficient has more bits than pictures of
 * 8 bits have; what was kept is useless. */
int jpeg_symbols_coded(const struct jpeg_symbols *s, uint32_t dc[256], uint32_t ac[256]);

/* T.81, figure A.6: the places of coefficients in the natural order, in the order of their codes. */
extern const uint8_t jpeg_zigzag[JPEG_BLOCK];
/* A coefficient that is kept. The bits of a negative one are those of the next smaller one, so that the
 * first is zero. */
static inline uint16_t jpeg_kept_number(int value, unsigned size)
{
    const unsigned bits = (unsigned)(value + (value >> 31)) & ((1u << size) - 1);
    return (uint16_t)(size << JPEG_KEPT_BITS | bits);
}

#endif
