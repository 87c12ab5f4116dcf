/*
 * The sums of resample_kernel.h with AVX2, twice as many values at a time. The results are the same.
 * Only where the processor has AVX2 (resample_has_avx2).
 */
#ifndef THUMBWHEEL_RESAMPLE_AVX2_H
#define THUMBWHEEL_RESAMPLE_AVX2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resample_kernel.h"

bool resample_has_avx2(void);
/* As weigh_bytes, for as many values as fit; returns their number, a multiple of 32. */
size_t weigh_bytes_avx2(const uint8_t *const *lines, const int16_t *weights, size_t taps, size_t n,
                        int16_t *out);
/* As weigh_columns, for one band, or for an even number of several; returns that number. */
unsigned weigh_columns_avx2(const int16_t *columns, const struct column_sums *sums, int16_t *out);

#endif
