/*
 * Placeholders of a picture, for web pages that show something before the picture has arrived.
 * Pixels are RGBA, 8 bit, without premultiplication; nothing here needs libvips.
 */
#ifndef THUMBWHEEL_PLACEHOLDER_H
#define THUMBWHEEL_PLACEHOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PLACEHOLDER_SIDE_MAX = 100, /* pixels; ThumbHash accepts no more */
    THUMBHASH_MAX = 25,         /* bytes */
    BLURHASH_SIZE = 29,         /* characters of 4 × 3 components, with a NUL */
    COLOUR_SIZE = 8,            /* "#rrggbb", with a NUL */
};

struct pixels {
    const uint8_t *rgba;
    size_t width, height; /* 1 to PLACEHOLDER_SIDE_MAX */
};

/* As evanw/thumbhash encodes it. Returns the number of bytes. */
size_t thumbhash_make(const struct pixels *pixels, uint8_t out[THUMBHASH_MAX]);
/* As woltapp/blurhash encodes it, with 4 × 3 components, or 3 × 4 of an upright picture. Transparent
 * pixels are blended with white. */
void blurhash_make(const struct pixels *pixels, char out[BLURHASH_SIZE]);
/* The mean of the pixels in the fullest of 16 × 16 × 16 equal boxes of colours; pixels that are more
 * transparent than opaque don't count. False: there are only such. */
bool dominant_colour(const struct pixels *pixels, char out[COLOUR_SIZE]);

#endif
