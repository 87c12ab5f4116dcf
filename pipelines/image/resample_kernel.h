/*
 * The inner loops of resample.c: weighted sums, many values at a time. Exact integer arithmetic, so
 * that the versions for AVX2 and SSE2 and the plain version give identical results.
 *
 * Numbers: weights have 14 fractional bits and add up to one. Values between the passes have 6 and
 * are signed, because the filter overshoots.
 */
#ifndef THUMBWHEEL_RESAMPLE_KERNEL_H
#define THUMBWHEEL_RESAMPLE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

enum { WEIGHT_BITS = 14, VALUE_BITS = 6, LANES = 8 };

/* out[i] = the sum of weights[k] × lines[k][i]. taps is even; n is a multiple of LANES, and n
 * values of each line must be readable. */
void weigh_bytes(const uint8_t *const *lines, const int16_t *weights, size_t taps, size_t n,
                 int16_t *out);
void weigh_values(const int16_t *const *lines, const int16_t *weights, size_t taps, size_t n,
                  int16_t *out);
/* The same horizontally, for LANES lines at once. A pixel is `bands` columns of LANES values; pixel x
 * of the result is the weighted sum of `taps` pixels from first[x] on. */
struct column_sums {
    unsigned bands;
    const int *first;
    const int16_t *weights; /* taps for each pixel of the result */
    size_t taps;            /* even */
    size_t count;           /* pixels of the result */
    size_t pitch;           /* values from one of them to the next, in `out` */
};
void weigh_columns(const int16_t *columns, const struct column_sums *sums, int16_t *out);
/* n pixels of three columns: Y, Cb, Cr to red, green, blue (ITU-T T.871), in place. */
void ycc_to_rgb(int16_t *columns, size_t n);
/* Transposes LANES lines of n values (a multiple of LANES), `pitch` values apart, to n columns of
 * LANES values; and back. */
void lines_to_columns(const int16_t *lines, size_t pitch, size_t n, int16_t *columns);
/* Transposes a group of LANES columns to LANES values in each of LANES lines, rounded to bytes. */
void columns_to_bytes(const int16_t *columns, uint8_t out[LANES][LANES]);

#endif
