/* The coefficients of a JPEG, as its Huffman decoder reads them: they are taken where libjpeg passes them
 * to the inverse DCT. */
#ifndef THUMBWHEEL_TEST_JPEG_BLOCKS_H
#define THUMBWHEEL_TEST_JPEG_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

enum { JPEG_BLOCK = 64 }; /* coefficients */

struct jpeg_blocks {
    int16_t *values; /* malloc'd, the caller frees them */
    size_t count;    /* of blocks */
};

/* With jpeg_huffman_use (`ours`) or with libjpeg alone. False: the file is damaged, or it is not one that
 * jpeg_planes decodes; out is empty then. No more than `blocks_max` blocks are read. */
bool jpeg_blocks_read(struct slice file, bool ours, size_t blocks_max, struct jpeg_blocks *out);
bool jpeg_blocks_same(const struct jpeg_blocks *a, const struct jpeg_blocks *b);

#endif
