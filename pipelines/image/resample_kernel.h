/*
 * The inner loops of resample.c: weighted sums, many values at a time. Exact integer arithmetic, so
 * that the versions for AVX-512, AVX2 and SSE2 and the plain version give identical results.
 *
 * Numbers: weights have 14 fractional bits and add up to one. Values between the passes have 6 and
 * are signed, because the filter overshoots.
 *
 * Processors multiply and add pairs in one step, so both passes work on pairs: of lines, and of columns.
 * A pair of columns is LANES pairs of neighbours, one for each line.
 */
#ifndef THUMBWHEEL_RESAMPLE_KERNEL_H
#define THUMBWHEEL_RESAMPLE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resample.h"

enum {
    WEIGHT_BITS = 14,
    VALUE_BITS = 6,
    LANES = 8,         /* lines of the result */
    LINE_MULTIPLE = 32 /* values */
};

/* LANES sums of lines, each of `taps` lines from first[i] on. */
struct line_sums {
    const void *const *lines; /* of bytes, or of int16_t values */
    bool values;
    size_t count;        /* of lines, even */
    size_t length;       /* of a line; a multiple of LINE_MULTIPLE that can be read */
    size_t taps;         /* even */
    size_t first[LANES]; /* even; first[i] + taps is at most count */
    const int16_t *weights[LANES];
};
/* Writes pairs of columns: length × LANES values. scratch: count × LINE_MULTIPLE values. */
void weigh_lines(const struct line_sums *sums, int16_t *scratch, int16_t *columns);

/* The same horizontally, for LANES lines and several planes at once: pixel x of the result is the
 * weighted sum of `taps` columns from first[x] on, which is even. */
struct column_sums {
    const int16_t *columns; /* pairs, as weigh_lines writes them */
    size_t plane;           /* values from one plane to the next */
    unsigned planes;
    const int *first;
    const int16_t *weights; /* taps for each pixel of the result */
    size_t taps;            /* even */
};
/* LANES pixels of LANES lines: pixel by pixel, of one plane. */
typedef int16_t resample_tile[LANES * LANES];
/* Pixels x to x + n - 1, n at most LANES. */
void weigh_columns(const struct column_sums *sums, size_t x, size_t n, resample_tile *out);
/* Y, Cb, Cr to red, green, blue (ITU-T T.871), in place. */
void ycc_to_rgb(resample_tile tiles[RESAMPLE_PLANES]);
/* Rounds to bytes and writes LANES lines of LANES pixels of `bands` bytes; pitch: bytes from a line to
 * the next. */
void tiles_to_bytes(const resample_tile *tiles, unsigned bands, uint8_t *out, size_t pitch);
/* Of n pixels, each band to a line of its own. */
void bands_split(const uint8_t *pixels, size_t n, unsigned bands, uint8_t *const *out);

#endif
