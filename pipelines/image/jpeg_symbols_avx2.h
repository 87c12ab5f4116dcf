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
/* All coefficients but the first. */
void jpeg_symbols_add_avx2(struct jpeg_symbols *s, const int16_t block[JPEG_BLOCK]);

#endif
