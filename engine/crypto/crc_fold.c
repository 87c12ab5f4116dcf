#include "crc_fold.h"

#include <assert.h>

#ifdef __x86_64__

#include <immintrin.h>

#define WITH_CARRYLESS __attribute__((target("pclmul,sse4.1")))

bool crc_fold_available(void)
{
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

WITH_CARRYLESS static __m128i block_at(const void *data)
{
    return _mm_loadu_si128(data);
}

/* The block `next`, to which `sum` is added in the place of all that it stands for. */
WITH_CARRYLESS static __m128i fold_into(__m128i sum, __m128i factors, __m128i next)
{
    __m128i first = _mm_clmulepi64_si128(sum, factors, 0x00);
    __m128i second = _mm_clmulepi64_si128(sum, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(first, second), next);
}

/* ---- four blocks at once ---- */

#define WITH_WIDE __attribute__((target("avx512f,vpclmulqdq,pclmul,sse4.1")))

bool crc_fold_wide_available(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
}

WITH_WIDE static __m512i wide_fold_into(__m512i sum, __m512i factors, __m512i next)
{
    __m512i first = _mm512_clmulepi64_epi128(sum, factors, 0x00);
    __m512i second = _mm512_clmulepi64_epi128(sum, factors, 0x11);
    return _mm512_xor_si512(_mm512_xor_si512(first, second), next);
}

/* Of at least CRC_FOLD_WIDE bytes, as many multiples of it as there are, into the lanes. */
WITH_WIDE static size_t wide_fold(const struct crc_fold *fold, uint64_t value, const uint8_t *data,
                                  size_t size, __m128i lanes[CRC_FOLD_LANES])
{
    enum { SUMS = CRC_FOLD_WIDE / CRC_FOLD_MIN };
    __m512i sums[SUMS], factors = _mm512_broadcast_i32x4(block_at(fold->wide));
    size_t at = CRC_FOLD_WIDE;
    for (size_t i = 0; i < SUMS; i++)
        sums[i] = _mm512_loadu_si512(data + i * CRC_FOLD_MIN);
    sums[0] = _mm512_xor_si512(sums[0], _mm512_zextsi128_si512(_mm_set_epi64x(0, (int64_t)value)));
    for (; size - at >= CRC_FOLD_WIDE; at += CRC_FOLD_WIDE)
        for (size_t i = 0; i < SUMS; i++)
            sums[i] =
                wide_fold_into(sums[i], factors, _mm512_loadu_si512(data + at + i * CRC_FOLD_MIN));
    factors = _mm512_broadcast_i32x4(block_at(fold->lanes));
    for (size_t i = 1; i < SUMS; i++)
        sums[i] = wide_fold_into(sums[i - 1], factors, sums[i]);
    _mm512_storeu_si512(lanes, sums[SUMS - 1]);
    return at;
}

/* ---- any number ---- */

WITH_CARRYLESS static size_t lanes_begin(uint64_t value, const uint8_t *data,
                                         __m128i lanes[CRC_FOLD_LANES])
{
    for (size_t i = 0; i < CRC_FOLD_LANES; i++)
        lanes[i] = block_at(data + i * CRC_FOLD_BLOCK);
    lanes[0] = _mm_xor_si128(lanes[0], _mm_set_epi64x(0, (int64_t)value));
    return CRC_FOLD_MIN;
}

WITH_CARRYLESS size_t crc_fold(const struct crc_fold *fold, uint64_t value, const uint8_t *data,
                               size_t size, uint8_t block[CRC_FOLD_BLOCK])
{
    __m128i lanes[CRC_FOLD_LANES], factors = block_at(fold->lanes);
    assert(size >= CRC_FOLD_MIN);
    size_t at = size >= CRC_FOLD_WIDE && fold->is_wide ? wide_fold(fold, value, data, size, lanes)
                                                       : lanes_begin(value, data, lanes);
    for (; size - at >= CRC_FOLD_MIN; at += CRC_FOLD_MIN)
        for (size_t i = 0; i < CRC_FOLD_LANES; i++)
            lanes[i] = fold_into(lanes[i], factors, block_at(data + at + i * CRC_FOLD_BLOCK));
    factors = block_at(fold->block);
    __m128i sum = lanes[0];
    for (size_t i = 1; i < CRC_FOLD_LANES; i++)
        sum = fold_into(sum, factors, lanes[i]);
    for (; size - at >= CRC_FOLD_BLOCK; at += CRC_FOLD_BLOCK)
        sum = fold_into(sum, factors, block_at(data + at));
    void *out = block;
    _mm_storeu_si128(out, sum);
    return at;
}

#else

bool crc_fold_available(void)
{
    return false;
}

bool crc_fold_wide_available(void)
{
    return false;
}

size_t crc_fold(const struct crc_fold *fold, uint64_t value, const uint8_t *data, size_t size,
                uint8_t block[CRC_FOLD_BLOCK])
{
    (void)fold;
    (void)value;
    (void)data;
    (void)size;
    (void)block;
    assert(false);
    return 0;
}

#endif
