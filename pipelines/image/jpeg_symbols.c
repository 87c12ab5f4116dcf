#include "jpeg_symbols.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "jpeg_symbols_avx2.h"

enum {
    SIXTEEN_ZEROS = 0xf0, /* a symbol of its own (ZRL) */
    DC_SIZE_MAX = 11,
    AC_SIZE_MAX = 10,
};

const uint8_t jpeg_zigzag[JPEG_BLOCK] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

static unsigned size_of(int value)
{
    return value ? 32 - (unsigned)__builtin_clz((unsigned)abs(value)) : 0;
}

static uint16_t *ac_take(uint32_t *ac, const int16_t *block, uint64_t *set, uint16_t *numbers)
{
    unsigned zeros = 0;
    *set = 0;
    for (unsigned k = 1; k < JPEG_BLOCK; k++) {
        const int value = block[jpeg_zigzag[k]];
        if (value) {
            const unsigned size = size_of(value);
            ac[zeros * JPEG_SIZES + size]++;
            *numbers++ = jpeg_kept_number(value, size);
            *set |= (uint64_t)1 << k;
        }
        zeros = value ? 0 : zeros + 1;
    }
    if (zeros)
        ac[0]++;
    return numbers;
}

uint16_t *jpeg_symbols_take(struct jpeg_symbols *s, const int16_t block[JPEG_BLOCK], int previous,
                            uint16_t kept[JPEG_KEPT_MAX])
{
    const int difference = block[0] - previous;
    const unsigned size = size_of(difference);
    uint16_t *numbers = kept + JPEG_KEPT_SET;
    uint64_t set;
    s->dc[size]++;
    *numbers++ = jpeg_kept_number(difference, size);
    if (jpeg_symbols_has_avx2())
        numbers = jpeg_symbols_take_avx2(s, block, &set, numbers);
    else
        numbers = ac_take(s->ac, block, &set, numbers);
    set |= 1;
    memcpy(kept, &set, sizeof set);
    return numbers;
}

static bool is_size(unsigned zeros, unsigned size)
{
    return size ? size <= AC_SIZE_MAX : zeros == 0;
}

int jpeg_symbols_coded(const struct jpeg_symbols *s, uint32_t dc[256], uint32_t ac[256])
{
    memset(dc, 0, 256 * sizeof *dc);
    memset(ac, 0, 256 * sizeof *ac);
    for (unsigned size = 0; size < JPEG_DC_SIZES; size++) {
        dc[size] = s->dc[size];
        if (dc[size] && size > DC_SIZE_MAX)
            return ERR_LIMIT;
    }
    for (unsigned i = 0; i < JPEG_BLOCK * JPEG_SIZES; i++) {
        const unsigned zeros = i / JPEG_SIZES, size = i % JPEG_SIZES;
        const uint32_t count = s->ac[i];
        if (count && !is_size(zeros, size))
            return ERR_LIMIT;
        ac[zeros % 16 << 4 | size] += count;
        ac[SIXTEEN_ZEROS] += zeros / 16 * count;
    }
    return 0;
}
