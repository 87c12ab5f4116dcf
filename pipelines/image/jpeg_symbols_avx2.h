/*
 * jpeg_symbols.h with AVX2: the sizes of all coefficients of a block at once, in the order of their
 * codes. Only where the processor has it (jpeg_symbols_has_avx2).
 */
#ifndef THUMBWHEEL_JPEG_SYMBOLS_AVX2_H
#define THUMBWHEEL_JPEG_SYMBOLS_AVX2_H

#include <stdbool.h>
#include <stdint.h>

#include "jpeg_symbols.h"

bool jpeg_symbols_has_avx2(void);
/* All coefficients but the first; the set is without it. Returns the end of the numbers. */
uint16_t *jpeg_symbols_take_avx2(struct jpeg_symbols *s, const int16_t block[JPEG_BLOCK],
                                 uint64_t *set, uint16_t *numbers);

#endif
