#include "resample_avx2.h"

#if defined(__SSE2__) && !defined(RESAMPLE_WITHOUT_AVX2)

#include <immintrin.h>
#include <string.h>

/* The rest of the program runs on every x86-64 processor. */
#define AVX2        __attribute__((target("avx2")))
#define AVX2_INLINE AVX2 __attribute__((always_inline)) static inline

enum { GROUP = 4, WIDTH = 16 /* values of a register */ };

bool resample_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

AVX2_INLINE __m256i load(const void *from)
{
    return _mm256_loadu_si256(from);
}

AVX2_INLINE void store(void *to, __m256i values)
{
    _mm256_storeu_si256(to, values);
}

/* Two weights, for vpmaddwd: it multiplies pairs and adds each pair up. */
AVX2_INLINE __m256i weight_pair(const int16_t *weights)
{
    int32_t pair;
    memcpy(&pair, weights, sizeof pair);
    return _mm256_set1_epi32(pair);
}

AVX2_INLINE __m256i add_pairs(__m256i sum, __m256i pairs, __m256i weights)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, weights));
}

AVX2_INLINE __m256i narrow(__m256i low, __m256i high, int drop)
{
    const __m128i count = _mm_cvtsi32_si128(drop);
    const __m256i half = _mm256_set1_epi32(1 << (drop - 1));
    low = _mm256_sra_epi32(_mm256_add_epi32(low, half), count);
    high = _mm256_sra_epi32(_mm256_add_epi32(high, half), count);
    return _mm256_packs_epi32(low, high);
}

/* ---- vertically ---- */

/* Interleaving works in each half of a register. Of 32 columns, the pairs of two lines are in four
 * registers: columns 0–3 and 16–19, 4–7 and 20–23, and so on. */

AVX2_INLINE void pair_bytes(const uint8_t *a, const uint8_t *b, int16_t *out)
{
    const __m256i zero = _mm256_setzero_si256(), first = load(a), second = load(b);
    __m256i low = _mm256_unpacklo_epi8(first, second), high = _mm256_unpackhi_epi8(first, second);
    store(out, _mm256_unpacklo_epi8(low, zero));
    store(out + WIDTH, _mm256_unpackhi_epi8(low, zero));
    store(out + 2 * WIDTH, _mm256_unpacklo_epi8(high, zero));
    store(out + 3 * WIDTH, _mm256_unpackhi_epi8(high, zero));
}

AVX2_INLINE void pair_values(const int16_t *a, const int16_t *b, int16_t *out)
{
    const __m256i a0 = load(a), a1 = load(a + WIDTH), b0 = load(b), b1 = load(b + WIDTH);
    __m256i first = _mm256_permute2x128_si256(a0, a1, 0x20),
            second = _mm256_permute2x128_si256(b0, b1, 0x20);
    store(out, _mm256_unpacklo_epi16(first, second));
    store(out + WIDTH, _mm256_unpackhi_epi16(first, second));
    first = _mm256_permute2x128_si256(a0, a1, 0x31);
    second = _mm256_permute2x128_si256(b0, b1, 0x31);
    store(out + 2 * WIDTH, _mm256_unpacklo_epi16(first, second));
    store(out + 3 * WIDTH, _mm256_unpackhi_epi16(first, second));
}

AVX2 static void pair_lines(const struct line_sums *sums, size_t at, int16_t *out)
{
    for (size_t k = 0; k < sums->count; k += 2, out += GROUP * WIDTH) {
        const void *a = sums->lines[k], *b = sums->lines[k + 1];
        if (sums->values)
            pair_values((const int16_t *)a + at, (const int16_t *)b + at, out);
        else
            pair_bytes((const uint8_t *)a + at, (const uint8_t *)b + at, out);
    }
}

/* One line of the result: columns 0–7 and 16–23, and the others. */
AVX2_INLINE void sum_pairs(const int16_t *pairs, const int16_t *weights, size_t taps, int drop,
                           __m256i out[2])
{
    __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
    for (size_t k = 0; k < taps; k += 2, pairs += GROUP * WIDTH) {
        __m256i w = weight_pair(weights + k);
        s0 = add_pairs(s0, load(pairs), w);
        s1 = add_pairs(s1, load(pairs + WIDTH), w);
        s2 = add_pairs(s2, load(pairs + 2 * WIDTH), w);
        s3 = add_pairs(s3, load(pairs + 3 * WIDTH), w);
    }
    out[0] = narrow(s0, s1, drop);
    out[1] = narrow(s2, s3, drop);
}

/* From LANES lines of four pairs of columns in each half to these pairs, eight pairs apart. */
AVX2_INLINE void transpose_pairs(__m256i lines[LANES][2], int which, int16_t *columns)
{
    __m256i t[LANES], u[LANES];
    for (int i = 0; i < LANES; i += 2) {
        t[i] = _mm256_unpacklo_epi32(lines[i][which], lines[i + 1][which]);
        t[i + 1] = _mm256_unpackhi_epi32(lines[i][which], lines[i + 1][which]);
    }
    for (int i = 0; i < LANES; i += 4) {
        u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
        u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
        u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
        u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        store(columns + i * WIDTH, _mm256_permute2x128_si256(u[i], u[i + 4], 0x20));
        store(columns + (i + 8) * WIDTH, _mm256_permute2x128_si256(u[i], u[i + 4], 0x31));
    }
}

AVX2 void weigh_lines_avx2(const struct line_sums *sums, int16_t *scratch, int16_t *columns)
{
    const int drop = sums->values ? WEIGHT_BITS : WEIGHT_BITS - VALUE_BITS;
    for (size_t at = 0; at < sums->length; at += LINE_MULTIPLE) {
        __m256i lines[LANES][2];
        pair_lines(sums, at, scratch);
        for (size_t i = 0; i < LANES; i++)
            sum_pairs(scratch + sums->first[i] / 2 * GROUP * WIDTH, sums->weights[i], sums->taps,
                      drop, lines[i]);
        transpose_pairs(lines, 0, columns + at * LANES);
        transpose_pairs(lines, 1, columns + at * LANES + 4 * WIDTH);
    }
}

/* ---- horizontally ---- */

AVX2_INLINE void store_lanes(__m256i sums, int16_t *out)
{
    const __m256i half = _mm256_set1_epi32(1 << (WEIGHT_BITS - 1));
    sums = _mm256_srai_epi32(_mm256_add_epi32(sums, half), WEIGHT_BITS);
    _mm_storeu_si128((__m128i *)(void *)out, _mm_packs_epi32(_mm256_castsi256_si128(sums),
                                                             _mm256_extracti128_si256(sums, 1)));
}

/* `planes` is constant where this is called. */
AVX2_INLINE void weigh_planes(const struct column_sums *s, size_t x, size_t n, unsigned from,
                              unsigned planes, resample_tile *out)
{
    for (size_t i = 0; i < n; i++) {
        const int16_t *weights = s->weights + (x + i) * s->taps;
        const int16_t *pairs = s->columns + from * s->plane + (size_t)s->first[x + i] * LANES;
        __m256i sums[3] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t k = 0; k < s->taps; k += 2, pairs += WIDTH) {
            __m256i w = weight_pair(weights + k);
            for (unsigned p = 0; p < planes; p++)
                sums[p] = add_pairs(sums[p], load(pairs + p * s->plane), w);
        }
        for (unsigned p = 0; p < planes; p++)
            store_lanes(sums[p], out[from + p] + i * LANES);
    }
}

AVX2 void weigh_columns_avx2(const struct column_sums *s, size_t x, size_t n, resample_tile *out)
{
    unsigned from = 0;
    for (; from + 3 <= s->planes; from += 3)
        weigh_planes(s, x, n, from, 3, out);
    if (from + 2 == s->planes)
        weigh_planes(s, x, n, from, 2, out);
    else if (from < s->planes)
        weigh_planes(s, x, n, from, 1, out);
}

/* ---- bands ---- */

/* Which of 48 bytes are those of a band. */
AVX2_INLINE __m128i third_of(const __m128i parts[3], int band)
{
    __m128i all = _mm_setzero_si128();
    const __m128i place =
        _mm_add_epi8(_mm_setr_epi8(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45),
                     _mm_set1_epi8((char)band));
    for (int i = 0; i < 3; i++) {
        /* 0 to 15 in this part; the high bit, which gives zero, in the others */
        const __m128i order =
            _mm_adds_epu8(_mm_xor_si128(place, _mm_set1_epi8((char)(16 * i))), _mm_set1_epi8(0x70));
        all = _mm_or_si128(all, _mm_shuffle_epi8(parts[i], order));
    }
    return all;
}

AVX2 size_t split_three_avx2(const uint8_t *pixels, size_t n, uint8_t *const *out)
{
    size_t at = 0;
    for (; at + 16 <= n; at += 16, pixels += 48) {
        const __m128i parts[3] = {_mm_loadu_si128((const __m128i *)(const void *)pixels),
                                  _mm_loadu_si128((const __m128i *)(const void *)(pixels + 16)),
                                  _mm_loadu_si128((const __m128i *)(const void *)(pixels + 32))};
        for (int band = 0; band < 3; band++)
            _mm_storeu_si128((__m128i *)(void *)(out[band] + at), third_of(parts, band));
    }
    return at;
}

#else

bool resample_has_avx2(void)
{
    return false;
}

void weigh_lines_avx2(const struct line_sums *sums, int16_t *scratch, int16_t *columns)
{
    (void)sums, (void)scratch, (void)columns;
}

void weigh_columns_avx2(const struct column_sums *sums, size_t x, size_t n, resample_tile *out)
{
    (void)sums, (void)x, (void)n, (void)out;
}

size_t split_three_avx2(const uint8_t *pixels, size_t n, uint8_t *const *out)
{
    (void)pixels, (void)n, (void)out;
    return 0;
}

#endif
