/* Reads a directory of a TIFF: what the pixels of a page are, without decoding them. */
#ifndef THUMBWHEEL_TIFF_HEADER_H
#define THUMBWHEEL_TIFF_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

enum { TIFF_EXTRAS_MAX = 8 };

enum tiff_compression { TIFF_OLD_JPEG = 6, TIFF_JPEG = 7 };
enum tiff_photometric { TIFF_RGB = 2, TIFF_YCBCR = 6, TIFF_CIELAB = 8 };
enum tiff_form { TIFF_UNSIGNED = 1, TIFF_SIGNED = 2, TIFF_FLOAT = 3 };

struct tiff_header {
    uint32_t bits; /* per sample */
    uint32_t samples, form, compression, photometric;
    uint32_t planes; /* 2: each sample has its own */
    uint32_t extras[TIFF_EXTRAS_MAX];
    size_t extra_count;  /* samples of a pixel that are not colours */
    uint64_t values;     /* bytes of all values that are in the file, and a little for each entry */
    struct slice pixels; /* the first strip or tile; empty if it is not in the file */
};

/* Page: from 0. false: it cannot be parsed, or there is no such page. */
bool tiff_header_read(struct slice image, unsigned page, struct tiff_header *out);
/* The only band that the header declares as alpha; 0: there is none, or there are several: some
 * programs mark all extra bands so. */
unsigned tiff_header_alpha(const struct tiff_header *header);

#endif
