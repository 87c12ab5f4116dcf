#include "resample_kernel.h"

#include "resample_avx2.h"

/* The factors of T.871 minus whole numbers, with 15 fractional bits: R = Y + 1.402 Cr,
 * G = Y - 0.344136 Cb - 0.714136 Cr, B = Y + 1.772 Cb. */
enum {
    RED_CR = 13173,    /* 1.402 - 1 */
    GREEN_CB = -11277, /* -0.344136 */
    GREEN_CR = 9367,   /* 1 - 0.714136 */
    BLUE_CB = -7471,   /* 1.772 - 2 */
    COLOUR_ZERO = 128 << VALUE_BITS,
};

#if defined(__SSE2__)

#include <emmintrin.h>
#include <string.h>

/* Every x86-64 processor has SSE2; AVX2 is looked for. */

static __m128i load(const void *from)
{
    return _mm_loadu_si128(from);
}

/* Two weights, for pmaddwd: it multiplies pairs and adds each pair up. */
static __m128i weight_pair(const int16_t *weights)
{
    int32_t pair;
    memcpy(&pair, weights, sizeof pair);
    return _mm_set1_epi32(pair);
}

static __m128i add_pairs(__m128i sum, __m128i pairs, __m128i weights)
{
    return _mm_add_epi32(sum, _mm_madd_epi16(pairs, weights));
}

static __m128i narrow(__m128i low, __m128i high, int drop)
{
    __m128i half = _mm_set1_epi32(1 << (drop - 1));
    low = _mm_srai_epi32(_mm_add_epi32(low, half), drop);
    high = _mm_srai_epi32(_mm_add_epi32(high, half), drop);
    return _mm_packs_epi32(low, high);
}

static void weigh_bytes_16(const uint8_t *const *lines, const int16_t *weights, size_t taps,
                           size_t at, int16_t *out)
{
    const __m128i zero = _mm_setzero_si128();
    __m128i s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    for (size_t k = 0; k < taps; k += 2) {
        __m128i w = weight_pair(weights + k);
        __m128i a = load(lines[k] + at), b = load(lines[k + 1] + at);
        __m128i low = _mm_unpacklo_epi8(a, b), high = _mm_unpackhi_epi8(a, b);
        s0 = add_pairs(s0, _mm_unpacklo_epi8(low, zero), w);
        s1 = add_pairs(s1, _mm_unpackhi_epi8(low, zero), w);
        s2 = add_pairs(s2, _mm_unpacklo_epi8(high, zero), w);
        s3 = add_pairs(s3, _mm_unpackhi_epi8(high, zero), w);
    }
    _mm_storeu_si128((__m128i *)(void *)(out + at), narrow(s0, s1, WEIGHT_BITS - VALUE_BITS));
    _mm_storeu_si128((__m128i *)(void *)(out + at + 8), narrow(s2, s3, WEIGHT_BITS - VALUE_BITS));
}

static void weigh_bytes_8(const uint8_t *const *lines, const int16_t *weights, size_t taps,
                          size_t at, int16_t *out)
{
    const __m128i zero = _mm_setzero_si128();
    __m128i s0 = zero, s1 = zero;
    for (size_t k = 0; k < taps; k += 2) {
        __m128i w = weight_pair(weights + k);
        __m128i a = _mm_loadl_epi64((const __m128i *)(const void *)(lines[k] + at));
        __m128i b = _mm_loadl_epi64((const __m128i *)(const void *)(lines[k + 1] + at));
        __m128i both = _mm_unpacklo_epi8(a, b);
        s0 = add_pairs(s0, _mm_unpacklo_epi8(both, zero), w);
        s1 = add_pairs(s1, _mm_unpackhi_epi8(both, zero), w);
    }
    _mm_storeu_si128((__m128i *)(void *)(out + at), narrow(s0, s1, WEIGHT_BITS - VALUE_BITS));
}

void weigh_bytes(const uint8_t *const *lines, const int16_t *weights, size_t taps, size_t n,
                 int16_t *out)
{
    size_t at = resample_has_avx2() ? weigh_bytes_avx2(lines, weights, taps, n, out) : 0;
    for (; at + 16 <= n; at += 16)
        weigh_bytes_16(lines, weights, taps, at, out);
    if (at < n)
        weigh_bytes_8(lines, weights, taps, at, out);
}

void weigh_values(const int16_t *const *lines, const int16_t *weights, size_t taps, size_t n,
                  int16_t *out)
{
    for (size_t at = 0; at < n; at += LANES) {
        __m128i s0 = _mm_setzero_si128(), s1 = s0;
        for (size_t k = 0; k < taps; k += 2) {
            __m128i w = weight_pair(weights + k);
            __m128i a = load(lines[k] + at), b = load(lines[k + 1] + at);
            s0 = add_pairs(s0, _mm_unpacklo_epi16(a, b), w);
            s1 = add_pairs(s1, _mm_unpackhi_epi16(a, b), w);
        }
        _mm_storeu_si128((__m128i *)(void *)(out + at), narrow(s0, s1, WEIGHT_BITS));
    }
}

static void weigh_band(const int16_t *columns, size_t stride, const int16_t *weights, size_t taps,
                       int16_t *out)
{
    __m128i s0 = _mm_setzero_si128(), s1 = s0;
    for (size_t k = 0; k < taps; k += 2, columns += 2 * stride) {
        __m128i w = weight_pair(weights + k);
        __m128i a = load(columns), b = load(columns + stride);
        s0 = add_pairs(s0, _mm_unpacklo_epi16(a, b), w);
        s1 = add_pairs(s1, _mm_unpackhi_epi16(a, b), w);
    }
    _mm_storeu_si128((__m128i *)(void *)out, narrow(s0, s1, WEIGHT_BITS));
}

void weigh_columns(const int16_t *columns, const struct column_sums *sums, int16_t *out)
{
    const size_t stride = (size_t)sums->bands * LANES;
    unsigned done = resample_has_avx2() ? weigh_columns_avx2(columns, sums, out) : 0;
    for (size_t x = 0; done < sums->bands && x < sums->count; x++) {
        const int16_t *from = columns + (size_t)sums->first[x] * stride;
        for (unsigned band = done; band < sums->bands; band++)
            weigh_band(from + band * LANES, stride, sums->weights + x * sums->taps, sums->taps,
                       out + x * sums->pitch + band * LANES);
    }
}

/* d × factor, with 15 fractional bits. */
static __m128i part_of(__m128i twice, int factor)
{
    return _mm_mulhi_epi16(twice, _mm_set1_epi16((int16_t)factor));
}

void ycc_to_rgb(int16_t *columns, size_t n)
{
    const __m128i middle = _mm_set1_epi16(COLOUR_ZERO);
    for (size_t i = 0; i < n; i++, columns += 3 * LANES) {
        __m128i *pixel = (__m128i *)(void *)columns;
        __m128i y = load(pixel), cb = _mm_subs_epi16(load(pixel + 1), middle),
                cr = _mm_subs_epi16(load(pixel + 2), middle);
        __m128i cb2 = _mm_adds_epi16(cb, cb), cr2 = _mm_adds_epi16(cr, cr);
        __m128i red = _mm_adds_epi16(cr, part_of(cr2, RED_CR));
        __m128i green =
            _mm_subs_epi16(_mm_adds_epi16(part_of(cb2, GREEN_CB), part_of(cr2, GREEN_CR)), cr);
        __m128i blue = _mm_adds_epi16(cb2, part_of(cb2, BLUE_CB));
        _mm_storeu_si128(pixel, _mm_adds_epi16(y, red));
        _mm_storeu_si128(pixel + 1, _mm_adds_epi16(y, green));
        _mm_storeu_si128(pixel + 2, _mm_adds_epi16(y, blue));
    }
}

/* Transposes rows to columns in three rounds of interleaving, each with half the distance. */
static void transpose(__m128i v[LANES])
{
    for (int round = 0; round < 3; round++) {
        __m128i t[LANES];
        for (int i = 0; i < LANES / 2; i++) {
            t[2 * i] = _mm_unpacklo_epi16(v[i], v[i + LANES / 2]);
            t[2 * i + 1] = _mm_unpackhi_epi16(v[i], v[i + LANES / 2]);
        }
        for (int i = 0; i < LANES; i++)
            v[i] = t[i];
    }
}

void lines_to_columns(const int16_t *lines, size_t pitch, size_t n, int16_t *columns)
{
    for (size_t at = 0; at < n; at += LANES) {
        __m128i v[LANES];
        for (size_t i = 0; i < LANES; i++)
            v[i] = load(lines + i * pitch + at);
        transpose(v);
        for (size_t i = 0; i < LANES; i++)
            _mm_storeu_si128((__m128i *)(void *)(columns + (at + i) * LANES), v[i]);
    }
}

void columns_to_bytes(const int16_t *columns, uint8_t out[LANES][LANES])
{
    const __m128i half = _mm_set1_epi16(1 << (VALUE_BITS - 1));
    __m128i v[LANES];
    for (size_t i = 0; i < LANES; i++)
        v[i] = load(columns + i * LANES);
    transpose(v);
    for (size_t i = 0; i < LANES; i++) {
        __m128i whole = _mm_srai_epi16(_mm_add_epi16(v[i], half), VALUE_BITS);
        _mm_storel_epi64((__m128i *)(void *)out[i], _mm_packus_epi16(whole, whole));
    }
}

#else

static int16_t saturated(int32_t value)
{
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

static int16_t narrow(int32_t sum, int drop)
{
    int32_t value = (sum + (1 << (drop - 1))) >> drop;
    return saturated(value);
}

void weigh_bytes(const uint8_t *const *lines, const int16_t *weights, size_t taps, size_t n,
                 int16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        int32_t sum = 0;
        for (size_t k = 0; k < taps; k++)
            sum += weights[k] * lines[k][i];
        out[i] = narrow(sum, WEIGHT_BITS - VALUE_BITS);
    }
}

void weigh_values(const int16_t *const *lines, const int16_t *weights, size_t taps, size_t n,
                  int16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        int32_t sum = 0;
        for (size_t k = 0; k < taps; k++)
            sum += weights[k] * lines[k][i];
        out[i] = narrow(sum, WEIGHT_BITS);
    }
}

static int16_t weigh_value(const int16_t *from, size_t stride, const int16_t *weights, size_t taps)
{
    int32_t sum = 0;
    for (size_t k = 0; k < taps; k++)
        sum += weights[k] * from[k * stride];
    return narrow(sum, WEIGHT_BITS);
}

void weigh_columns(const int16_t *columns, const struct column_sums *sums, int16_t *out)
{
    const size_t stride = (size_t)sums->bands * LANES;
    for (size_t x = 0; x < sums->count; x++) {
        const int16_t *from = columns + (size_t)sums->first[x] * stride;
        for (size_t i = 0; i < stride; i++)
            out[x * sums->pitch + i] =
                weigh_value(from + i, stride, sums->weights + x * sums->taps, sums->taps);
    }
}

/* d × factor, with 15 fractional bits. */
static int32_t part_of(int16_t twice, int factor)
{
    return twice * factor >> 16;
}

static void pixel_to_rgb(int16_t *pixel)
{
    int16_t y = pixel[0], cb = saturated(pixel[LANES] - COLOUR_ZERO),
            cr = saturated(pixel[2 * LANES] - COLOUR_ZERO);
    int16_t cb2 = saturated(cb + cb), cr2 = saturated(cr + cr);
    int16_t red = saturated(cr + part_of(cr2, RED_CR));
    int16_t green = saturated(part_of(cb2, GREEN_CB) + part_of(cr2, GREEN_CR) - cr);
    int16_t blue = saturated(cb2 + part_of(cb2, BLUE_CB));
    pixel[0] = saturated(y + red);
    pixel[LANES] = saturated(y + green);
    pixel[2 * LANES] = saturated(y + blue);
}

void ycc_to_rgb(int16_t *columns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t lane = 0; lane < LANES; lane++)
            pixel_to_rgb(columns + i * 3 * LANES + lane);
    }
}

void lines_to_columns(const int16_t *lines, size_t pitch, size_t n, int16_t *columns)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t lane = 0; lane < LANES; lane++)
            columns[i * LANES + lane] = lines[lane * pitch + i];
    }
}

void columns_to_bytes(const int16_t *columns, uint8_t out[LANES][LANES])
{
    for (size_t i = 0; i < LANES; i++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            int value = (columns[i * LANES + lane] + (1 << (VALUE_BITS - 1))) >> VALUE_BITS;
            out[lane][i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
    }
}

#endif
