/* JPEGs of random coefficients. */
#ifndef THUMBWHEEL_TEST_JPEG_RANDOM_H
#define THUMBWHEEL_TEST_JPEG_RANDOM_H

#include <stdbool.h>

#include "bytes.h"
#include "plan.h"

struct random_jpeg {
    struct plan_size size;
    int across, down; /* sampling factors of the first of three components */
    unsigned restart; /* MCUs between restart markers, 0: none */
    unsigned density; /* coefficients that are not 0, of 64 */
    unsigned bits;    /* of a coefficient, at most */
    unsigned corner;  /* frequencies of each direction that there are, 1 to 8 */
    int quality;      /* of the quantisation tables: 100 is a factor of 1 */
    bool own_codes;   /* Huffman codes, instead of those of the standard */
};

/* The numbers that follow are the same each time. */
void random_begin(unsigned seed);
unsigned random_below(unsigned limit);
/* The caller frees the file. */
struct slice random_jpeg_make(const struct random_jpeg *picture);

#endif
