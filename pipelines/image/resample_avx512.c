#include "resample_avx512.h"

#if defined(__SSE2__) && !defined(RESAMPLE_WITHOUT_AVX2) && !defined(RESAMPLE_WITHOUT_AVX512)

#include <immintrin.h>
#include <string.h>

/* The rest of the program runs on every x86-64 processor. */
#define AVX512        __attribute__((target("avx512f,avx512bw")))
#define AVX512_INLINE AVX512 __attribute__((always_inline)) static inline

enum {
    WIDTH = 32, /* values of a register */
    GROUP = 2,
    PAIR = 2 * LANES, /* values of a pair of columns */
};

bool resample_has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vbmi");
}

AVX512_INLINE __m512i load(const int16_t *from)
{
    return _mm512_loadu_si512(from);
}

AVX512_INLINE __m512i load_bytes(const uint8_t *from)
{
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)from));
}

/* Two weights, for vpmaddwd: it multiplies pairs and adds each pair up. */
AVX512_INLINE __m512i weight_pair(const int16_t *weights)
{
    int32_t pair;
    memcpy(&pair, weights, sizeof pair);
    return _mm512_set1_epi32(pair);
}

/* Interleaving works in each quarter of a register. Of 32 columns, the pairs of two lines are in two
 * registers: columns 0–3, 8–11, 16–19, 24–27, and the others. */
AVX512 static void pair_lines(const struct line_sums *sums, size_t at, int16_t *out)
{
    for (size_t k = 0; k < sums->count; k += 2, out += GROUP * WIDTH) {
        const void *first = sums->lines[k], *second = sums->lines[k + 1];
        __m512i a, b;
        if (sums->values) {
            a = load((const int16_t *)first + at);
            b = load((const int16_t *)second + at);
        } else {
            a = load_bytes((const uint8_t *)first + at);
            b = load_bytes((const uint8_t *)second + at);
        }
        _mm512_storeu_si512(out, _mm512_unpacklo_epi16(a, b));
        _mm512_storeu_si512(out + WIDTH, _mm512_unpackhi_epi16(a, b));
    }
}

/* One line of the result, in order. */
AVX512_INLINE __m512i sum_pairs(const int16_t *pairs, const int16_t *weights, size_t taps, int drop)
{
    __m512i low = _mm512_setzero_si512(), high = low;
    for (size_t k = 0; k < taps; k += 2, pairs += GROUP * WIDTH) {
        __m512i w = weight_pair(weights + k);
        low = _mm512_add_epi32(low, _mm512_madd_epi16(load(pairs), w));
        high = _mm512_add_epi32(high, _mm512_madd_epi16(load(pairs + WIDTH), w));
    }
    const __m128i count = _mm_cvtsi32_si128(drop);
    const __m512i half = _mm512_set1_epi32(1 << (drop - 1));
    low = _mm512_sra_epi32(_mm512_add_epi32(low, half), count);
    high = _mm512_sra_epi32(_mm512_add_epi32(high, half), count);
    return _mm512_packs_epi32(low, high);
}

/* Four lines of 16 pairs of columns: of pairs i, i + 4, i + 8 and i + 12, in each quarter one. */
AVX512_INLINE void transpose_four(const __m512i lines[4], __m512i out[4])
{
    __m512i a = _mm512_unpacklo_epi32(lines[0], lines[1]);
    __m512i b = _mm512_unpacklo_epi32(lines[2], lines[3]);
    out[0] = _mm512_unpacklo_epi64(a, b);
    out[1] = _mm512_unpackhi_epi64(a, b);
    a = _mm512_unpackhi_epi32(lines[0], lines[1]);
    b = _mm512_unpackhi_epi32(lines[2], lines[3]);
    out[2] = _mm512_unpacklo_epi64(a, b);
    out[3] = _mm512_unpackhi_epi64(a, b);
}

AVX512_INLINE void store_two(__m512i pairs, int16_t *first, int16_t *second)
{
    _mm256_storeu_si256((__m256i *)(void *)first, _mm512_castsi512_si256(pairs));
    _mm256_storeu_si256((__m256i *)(void *)second, _mm512_extracti64x4_epi64(pairs, 1));
}

/* The first four and the last four lines of the same pairs of columns. */
AVX512_INLINE void store_pairs(const __m512i upper[4], const __m512i lower[4], int16_t *columns)
{
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    for (int i = 0; i < 4; i++, columns += PAIR) {
        store_two(_mm512_permutex2var_epi64(upper[i], low, lower[i]), columns, columns + 4 * PAIR);
        store_two(_mm512_permutex2var_epi64(upper[i], high, lower[i]), columns + 8 * PAIR,
                  columns + 12 * PAIR);
    }
}

AVX512 void weigh_lines_avx512(const struct line_sums *sums, int16_t *scratch, int16_t *columns)
{
    const int drop = sums->values ? WEIGHT_BITS : WEIGHT_BITS - VALUE_BITS;
    for (size_t at = 0; at < sums->length; at += LINE_MULTIPLE) {
        __m512i lines[LANES], upper[4], lower[4];
        pair_lines(sums, at, scratch);
        for (size_t i = 0; i < LANES; i++)
            lines[i] = sum_pairs(scratch + sums->first[i] / 2 * GROUP * WIDTH, sums->weights[i],
                                 sums->taps, drop);
        transpose_four(lines, upper);
        transpose_four(lines + 4, lower);
        store_pairs(upper, lower, columns + at * LANES);
    }
}
#else

bool resample_has_avx512(void)
{
    return false;
}

void weigh_lines_avx512(const struct line_sums *sums, int16_t *scratch, int16_t *columns)
{
    (void)sums, (void)scratch, (void)columns;
}

#endif
