#include "resample_avx2.h"

#include "resample_kernel.h"

#if defined(__SSE2__) && !defined(RESAMPLE_WITHOUT_AVX2)

#include <immintrin.h>
#include <string.h>

/* The rest of the program runs on every x86-64 processor. */
#define AVX2 __attribute__((target("avx2")))

bool resample_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

AVX2 static __m256i load(const void *from)
{
    return _mm256_loadu_si256(from);
}

/* Two weights, for vpmaddwd: it multiplies pairs and adds each pair up. */
AVX2 static __m256i weight_pair(const int16_t *weights)
{
    int32_t pair;
    memcpy(&pair, weights, sizeof pair);
    return _mm256_set1_epi32(pair);
}

AVX2 static __m256i add_pairs(__m256i sum, __m256i pairs, __m256i weights)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, weights));
}

AVX2 static __m256i narrow(__m256i low, __m256i high, int drop)
{
    __m256i half = _mm256_set1_epi32(1 << (drop - 1));
    low = _mm256_srai_epi32(_mm256_add_epi32(low, half), drop);
    high = _mm256_srai_epi32(_mm256_add_epi32(high, half), drop);
    return _mm256_packs_epi32(low, high);
}

/* Interleaving works in each half of a register: the values of `first` are 0–7 and 16–23, those of
 * `second` 8–15 and 24–31. */
AVX2 static void store_32(int16_t *out, __m256i first, __m256i second)
{
    _mm256_storeu_si256((__m256i *)(void *)out, _mm256_permute2x128_si256(first, second, 0x20));
    _mm256_storeu_si256((__m256i *)(void *)(out + 16),
                        _mm256_permute2x128_si256(first, second, 0x31));
}

AVX2 size_t weigh_bytes_avx2(const uint8_t *const *lines, const int16_t *weights, size_t taps,
                             size_t n, int16_t *out)
{
    const __m256i zero = _mm256_setzero_si256();
    size_t at = 0;
    for (; at + 32 <= n; at += 32) {
        __m256i s0 = zero, s1 = zero, s2 = zero, s3 = zero;
        for (size_t k = 0; k < taps; k += 2) {
            __m256i w = weight_pair(weights + k);
            __m256i a = load(lines[k] + at), b = load(lines[k + 1] + at);
            __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
            s0 = add_pairs(s0, _mm256_unpacklo_epi8(low, zero), w);
            s1 = add_pairs(s1, _mm256_unpackhi_epi8(low, zero), w);
            s2 = add_pairs(s2, _mm256_unpacklo_epi8(high, zero), w);
            s3 = add_pairs(s3, _mm256_unpackhi_epi8(high, zero), w);
        }
        store_32(out + at, narrow(s0, s1, WEIGHT_BITS - VALUE_BITS),
                 narrow(s2, s3, WEIGHT_BITS - VALUE_BITS));
    }
    return at;
}

AVX2 unsigned weigh_columns_avx2(const int16_t *columns, unsigned bands, const int16_t *weights,
                                 size_t taps, int16_t *out)
{
    const size_t stride = (size_t)bands * LANES;
    unsigned band = 0;
    for (; band + 2 <= bands; band += 2, columns += 2 * LANES, out += 2 * LANES) {
        __m256i s0 = _mm256_setzero_si256(), s1 = s0;
        const int16_t *from = columns;
        for (size_t k = 0; k < taps; k += 2, from += 2 * stride) {
            __m256i w = weight_pair(weights + k);
            __m256i a = load(from), b = load(from + stride);
            s0 = add_pairs(s0, _mm256_unpacklo_epi16(a, b), w);
            s1 = add_pairs(s1, _mm256_unpackhi_epi16(a, b), w);
        }
        _mm256_storeu_si256((__m256i *)(void *)out, narrow(s0, s1, WEIGHT_BITS));
    }
    return band;
}

#else

bool resample_has_avx2(void)
{
    return false;
}

size_t weigh_bytes_avx2(const uint8_t *const *lines, const int16_t *weights, size_t taps, size_t n,
                        int16_t *out)
{
    (void)lines, (void)weights, (void)taps, (void)n, (void)out;
    return 0;
}

unsigned weigh_columns_avx2(const int16_t *columns, unsigned bands, const int16_t *weights,
                            size_t taps, int16_t *out)
{
    (void)columns, (void)bands, (void)weights, (void)taps, (void)out;
    return 0;
}

#endif
