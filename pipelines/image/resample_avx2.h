/*
 * The sums of resample_kernel.h with AVX2. The results are the same. Only where the processor has it
 * (resample_has_avx2).
 */
#ifndef THUMBWHEEL_RESAMPLE_AVX2_H
#define THUMBWHEEL_RESAMPLE_AVX2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resample_kernel.h"

bool resample_has_avx2(void);
void weigh_lines_avx2(const struct line_sums *sums, int16_t *scratch, int16_t *columns);
void weigh_columns_avx2(const struct column_sums *sums, size_t x, size_t n, resample_tile *out);
/* As bands_split for three bands, as many pixels as fit; returns their number. */
size_t split_three_avx2(const uint8_t *pixels, size_t n, uint8_t *const *out);

#endif
