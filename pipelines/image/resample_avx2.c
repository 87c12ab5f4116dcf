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

/* Four weights of one column after another: those of even columns in the lower half, of odd columns in
 * the upper half, as pairs. */
AVX2 static __m256i four_weights(const int16_t *weights)
{
    int64_t four;
    memcpy(&four, weights, sizeof four);
    const __m256i order = _mm256_setr_epi8(0, 1, 4, 5, 0, 1, 4, 5, 0, 1, 4, 5, 0, 1, 4, 5, 2, 3, 6,
                                           7, 2, 3, 6, 7, 2, 3, 6, 7, 2, 3, 6, 7);
    return _mm256_shuffle_epi8(_mm256_set1_epi64x(four), order);
}

/* Both halves. */
AVX2 static __m128i halves_added(__m256i sums)
{
    return _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

/* The columns follow one another, so that a register has two of them. */
AVX2 static void weigh_single(const int16_t *columns, const int16_t *weights, size_t taps,
                              int16_t *out)
{
    __m256i low = _mm256_setzero_si256(), high = low;
    size_t k = 0;
    for (; k + 4 <= taps; k += 4, columns += 4 * LANES) {
        __m256i w = four_weights(weights + k);
        __m256i a = load(columns), b = load(columns + 2 * LANES);
        low = add_pairs(low, _mm256_unpacklo_epi16(a, b), w);
        high = add_pairs(high, _mm256_unpackhi_epi16(a, b), w);
    }
    __m128i s0 = halves_added(low), s1 = halves_added(high);
    if (k < taps) {
        __m128i w = _mm256_castsi256_si128(weight_pair(weights + k));
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)columns);
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(columns + LANES));
        s0 = _mm_add_epi32(s0, _mm_madd_epi16(_mm_unpacklo_epi16(a, b), w));
        s1 = _mm_add_epi32(s1, _mm_madd_epi16(_mm_unpackhi_epi16(a, b), w));
    }
    const __m128i half = _mm_set1_epi32(1 << (WEIGHT_BITS - 1));
    s0 = _mm_srai_epi32(_mm_add_epi32(s0, half), WEIGHT_BITS);
    s1 = _mm_srai_epi32(_mm_add_epi32(s1, half), WEIGHT_BITS);
    _mm_storeu_si128((__m128i *)(void *)out, _mm_packs_epi32(s0, s1));
}

AVX2 static void weigh_pair(const int16_t *columns, size_t stride, const int16_t *weights,
                            size_t taps, int16_t *out)
{
    __m256i s0 = _mm256_setzero_si256(), s1 = s0;
    for (size_t k = 0; k < taps; k += 2, columns += 2 * stride) {
        __m256i w = weight_pair(weights + k);
        __m256i a = load(columns), b = load(columns + stride);
        s0 = add_pairs(s0, _mm256_unpacklo_epi16(a, b), w);
        s1 = add_pairs(s1, _mm256_unpackhi_epi16(a, b), w);
    }
    _mm256_storeu_si256((__m256i *)(void *)out, narrow(s0, s1, WEIGHT_BITS));
}

AVX2 unsigned weigh_columns_avx2(const int16_t *columns, const struct column_sums *sums,
                                 int16_t *out)
{
    const size_t stride = (size_t)sums->bands * LANES;
    const unsigned even = sums->bands & ~1u;
    for (size_t x = 0; x < sums->count; x++, out += sums->pitch) {
        const int16_t *from = columns + (size_t)sums->first[x] * stride;
        const int16_t *weights = sums->weights + x * sums->taps;
        if (sums->bands == 1)
            weigh_single(from, weights, sums->taps, out);
        for (unsigned band = 0; band < even; band += 2)
            weigh_pair(from + band * LANES, stride, weights, sums->taps, out + band * LANES);
    }
    return sums->bands == 1 ? 1 : even;
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

unsigned weigh_columns_avx2(const int16_t *columns, const struct column_sums *sums, int16_t *out)
{
    (void)columns, (void)sums, (void)out;
    return 0;
}

#endif
