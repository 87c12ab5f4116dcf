/*
 * Counts the symbols that code the coefficients of a JPEG's blocks (ITU-T T.81, F.1.2), for Huffman
 * codes of the picture's own. With AVX2 where the processor has it; the results are the same. Pure
 * functions; any thread.
 */
#ifndef THUMBWHEEL_JPEG_SYMBOLS_H
#define THUMBWHEEL_JPEG_SYMBOLS_H

#include <stdint.h>

enum {
    JPEG_BLOCK = 64, /* coefficients */
    JPEG_SIZES = 16, /* bits of a coefficient */
    JPEG_DC_SIZES = 32,
};

/* By the size of the first coefficient's difference; and for the others, by the number of zeros before
 * them, then their size. ac[0] is the end of a block. Size 16 counts as size 0 after one more zero,
 * which no coefficient has. At most 2^32 - 1 each: 2^26 blocks never exceed that. */
struct jpeg_symbols {
    uint32_t dc[JPEG_DC_SIZES];
    uint32_t ac[JPEG_BLOCK * JPEG_SIZES]; /* zeros × JPEG_SIZES + size */
};

/* block: in the natural order, line by line. previous: the first coefficient of the component's
 * previous block. */
void jpeg_symbols_add(struct jpeg_symbols *s, const int16_t block[JPEG_BLOCK], int previous);
/* The counts of the symbols as they are coded. ERR_LIMIT: a coefficient has more bits than pictures of
 * 8 bits have. */
int jpeg_symbols_coded(const struct jpeg_symbols *s, uint32_t dc[256], uint32_t ac[256]);

#endif
