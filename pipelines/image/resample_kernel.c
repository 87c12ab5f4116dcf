#include "resample_kernel.h"

#include <string.h>

#include "resample_avx2.h"
#include "resample_avx512.h"

/* The factors of T.871 minus whole numbers, with 15 fractional bits: R = Y + 1.402 Cr,
 * G = Y - 0.344136 Cb - 0.714136 Cr, B = Y + 1.772 Cb. */
enum {
    RED_CR = 13173,    /* 1.402 - 1 */
    GREEN_CB = -11277, /* -0.344136 */
    GREEN_CR = 9367,   /* 1 - 0.714136 */
    BLUE_CB = -7471,   /* 1.772 - 2 */
    COLOUR_ZERO = 128 << VALUE_BITS,
};

static int drop_of(const struct line_sums *sums)
{
    return sums->values ? WEIGHT_BITS : WEIGHT_BITS - VALUE_BITS;
}

#if defined(__SSE2__)

#include <emmintrin.h>

/* Every x86-64 processor has SSE2; AVX2 is looked for. */

enum { WIDTH = 8 /* values of a register */ };

static __m128i load(const void *from)
{
    return _mm_loadu_si128(from);
}

static void store(void *to, __m128i values)
{
    _mm_storeu_si128(to, values);
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
    const __m128i half = _mm_set1_epi32(1 << (drop - 1)), count = _mm_cvtsi32_si128(drop);
    low = _mm_sra_epi32(_mm_add_epi32(low, half), count);
    high = _mm_sra_epi32(_mm_add_epi32(high, half), count);
    return _mm_packs_epi32(low, high);
}

/* ---- vertically ---- */

static __m128i eight_values(const struct line_sums *sums, size_t line, size_t at)
{
    if (sums->values)
        return load((const int16_t *)sums->lines[line] + at);
    const uint8_t *bytes = (const uint8_t *)sums->lines[line] + at;
    return _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)(const void *)bytes),
                             _mm_setzero_si128());
}

/* The pairs of eight columns. */
static void pair_lines(const struct line_sums *sums, size_t at, int16_t *out)
{
    for (size_t k = 0; k < sums->count; k += 2, out += 2 * WIDTH) {
        __m128i a = eight_values(sums, k, at), b = eight_values(sums, k + 1, at);
        store(out, _mm_unpacklo_epi16(a, b));
        store(out + WIDTH, _mm_unpackhi_epi16(a, b));
    }
}

static __m128i sum_pairs(const int16_t *pairs, const int16_t *weights, size_t taps, int drop)
{
    __m128i s0 = _mm_setzero_si128(), s1 = s0;
    for (size_t k = 0; k < taps; k += 2, pairs += 2 * WIDTH) {
        __m128i w = weight_pair(weights + k);
        s0 = add_pairs(s0, load(pairs), w);
        s1 = add_pairs(s1, load(pairs + WIDTH), w);
    }
    return narrow(s0, s1, drop);
}

/* Four lines of four pairs of columns; a pair of columns has LANES lines. */
static void transpose_pairs(const __m128i lines[4], int16_t *columns)
{
    __m128i low = _mm_unpacklo_epi32(lines[0], lines[1]);
    __m128i next = _mm_unpacklo_epi32(lines[2], lines[3]);
    store(columns, _mm_unpacklo_epi64(low, next));
    store(columns + 2 * LANES, _mm_unpackhi_epi64(low, next));
    low = _mm_unpackhi_epi32(lines[0], lines[1]);
    next = _mm_unpackhi_epi32(lines[2], lines[3]);
    store(columns + 4 * LANES, _mm_unpacklo_epi64(low, next));
    store(columns + 6 * LANES, _mm_unpackhi_epi64(low, next));
}

static void weigh_lines_here(const struct line_sums *sums, int16_t *scratch, int16_t *columns)
{
    for (size_t at = 0; at < sums->length; at += WIDTH, columns += WIDTH * LANES) {
        __m128i lines[LANES];
        pair_lines(sums, at, scratch);
        for (size_t i = 0; i < LANES; i++)
            lines[i] = sum_pairs(scratch + sums->first[i] * WIDTH, sums->weights[i], sums->taps,
                                 drop_of(sums));
        transpose_pairs(lines, columns);
        transpose_pairs(lines + 4, columns + LANES);
    }
}

/* ---- horizontally ---- */

static void weigh_columns_here(const struct column_sums *s, size_t x, size_t n, resample_tile *out)
{
    for (size_t i = 0; i < n * s->planes; i++) {
        const size_t plane = i % s->planes, at = i / s->planes;
        const int16_t *pairs = s->columns + plane * s->plane + (size_t)s->first[x + at] * LANES;
        store(out[plane] + at * LANES,
              sum_pairs(pairs, s->weights + (x + at) * s->taps, s->taps, WEIGHT_BITS));
    }
}

/* ---- colours and bytes ---- */

/* d × factor, with 15 fractional bits. */
static __m128i part_of(__m128i twice, int factor)
{
    return _mm_mulhi_epi16(twice, _mm_set1_epi16((int16_t)factor));
}

void ycc_to_rgb(resample_tile tiles[RESAMPLE_PLANES])
{
    const __m128i middle = _mm_set1_epi16(COLOUR_ZERO);
    for (size_t i = 0; i < LANES * LANES; i += WIDTH) {
        __m128i y = load(tiles[0] + i), cb = _mm_subs_epi16(load(tiles[1] + i), middle),
                cr = _mm_subs_epi16(load(tiles[2] + i), middle);
        __m128i cb2 = _mm_adds_epi16(cb, cb), cr2 = _mm_adds_epi16(cr, cr);
        __m128i red = _mm_adds_epi16(cr, part_of(cr2, RED_CR));
        __m128i green =
            _mm_subs_epi16(_mm_adds_epi16(part_of(cb2, GREEN_CB), part_of(cr2, GREEN_CR)), cr);
        __m128i blue = _mm_adds_epi16(cb2, part_of(cb2, BLUE_CB));
        store(tiles[0] + i, _mm_adds_epi16(y, red));
        store(tiles[1] + i, _mm_adds_epi16(y, green));
        store(tiles[2] + i, _mm_adds_epi16(y, blue));
    }
}

/* Of two columns, as bytes. */
static __m128i rounded(const int16_t *a, const int16_t *b)
{
    const __m128i half = _mm_set1_epi16(1 << (VALUE_BITS - 1));
    return _mm_packus_epi16(_mm_srai_epi16(_mm_adds_epi16(load(a), half), VALUE_BITS),
                            _mm_srai_epi16(_mm_adds_epi16(load(b), half), VALUE_BITS));
}

/* The lines of eight columns, two in each register. */
static void transpose_bytes(const int16_t *const columns[LANES], __m128i out[LANES / 2])
{
    __m128i p[4], t[4];
    for (int i = 0; i < 4; i++)
        p[i] = rounded(columns[i], columns[i + 4]);
    for (int i = 0; i < 2; i++) {
        t[i] = _mm_unpacklo_epi8(p[2 * i], p[2 * i + 1]);     /* columns 2 i and 2 i + 1 */
        t[i + 2] = _mm_unpackhi_epi8(p[2 * i], p[2 * i + 1]); /* four columns further */
    }
    const __m128i low = _mm_unpacklo_epi16(t[0], t[1]), next = _mm_unpackhi_epi16(t[0], t[1]);
    const __m128i low4 = _mm_unpacklo_epi16(t[2], t[3]), next4 = _mm_unpackhi_epi16(t[2], t[3]);
    out[0] = _mm_unpacklo_epi32(low, low4);
    out[1] = _mm_unpackhi_epi32(low, low4);
    out[2] = _mm_unpacklo_epi32(next, next4);
    out[3] = _mm_unpackhi_epi32(next, next4);
}

void tiles_to_bytes(const resample_tile *tiles, unsigned bands, uint8_t *out, size_t pitch)
{
    const int16_t *columns[LANES * RESAMPLE_BANDS_MAX], **next = columns;
    for (unsigned pixel = 0; pixel < LANES; pixel++) {
        for (unsigned band = 0; band < bands; band++)
            *next++ = tiles[band] + pixel * LANES;
    }
    for (unsigned at = 0; at < bands; at++, out += LANES) {
        __m128i lines[LANES / 2];
        transpose_bytes(columns + at * LANES, lines);
        for (size_t i = 0; i < LANES / 2; i++) {
            uint8_t *line = out + 2 * i * pitch;
            _mm_storel_epi64((__m128i *)(void *)line, lines[i]);
            _mm_storel_epi64((__m128i *)(void *)(line + pitch), _mm_srli_si128(lines[i], 8));
        }
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

static void add_line(const struct line_sums *sums, size_t line, size_t at, int weight, int32_t *out)
{
    const int16_t *values = (const int16_t *)sums->lines[line] + at;
    const uint8_t *bytes = (const uint8_t *)sums->lines[line] + at;
    for (size_t i = 0; sums->values && i < LINE_MULTIPLE; i++)
        out[i] += weight * values[i];
    for (size_t i = 0; !sums->values && i < LINE_MULTIPLE; i++)
        out[i] += weight * bytes[i];
}

static void weigh_lines_here(const struct line_sums *sums, int16_t *scratch, int16_t *columns)
{
    (void)scratch;
    for (size_t i = 0; i < sums->length / LINE_MULTIPLE * LANES; i++) {
        const size_t at = i / LANES * LINE_MULTIPLE, lane = i % LANES;
        int32_t total[LINE_MULTIPLE] = {0};
        for (size_t k = 0; k < sums->taps; k++)
            add_line(sums, sums->first[lane] + k, at, sums->weights[lane][k], total);
        for (size_t x = 0; x < LINE_MULTIPLE; x++)
            columns[(at + x) / 2 * 2 * LANES + lane * 2 + x % 2] = narrow(total[x], drop_of(sums));
    }
}

static void weigh_pixel(const int16_t *pairs, const int16_t *weights, size_t taps, int16_t *out)
{
    int32_t total[LANES] = {0};
    for (size_t k = 0; k < taps; k += 2, pairs += 2 * LANES) {
        for (size_t lane = 0; lane < LANES; lane++)
            total[lane] += weights[k] * pairs[2 * lane] + weights[k + 1] * pairs[2 * lane + 1];
    }
    for (size_t lane = 0; lane < LANES; lane++)
        out[lane] = narrow(total[lane], WEIGHT_BITS);
}

static void weigh_columns_here(const struct column_sums *s, size_t x, size_t n, resample_tile *out)
{
    for (size_t i = 0; i < n * s->planes; i++) {
        const size_t plane = i % s->planes, at = i / s->planes;
        weigh_pixel(s->columns + plane * s->plane + (size_t)s->first[x + at] * LANES,
                    s->weights + (x + at) * s->taps, s->taps, out[plane] + at * LANES);
    }
}

/* d × factor, with 15 fractional bits. */
static int32_t part_of(int16_t twice, int factor)
{
    return twice * factor >> 16;
}

void ycc_to_rgb(resample_tile tiles[RESAMPLE_PLANES])
{
    for (size_t i = 0; i < LANES * LANES; i++) {
        int16_t y = tiles[0][i], cb = saturated(tiles[1][i] - COLOUR_ZERO),
                cr = saturated(tiles[2][i] - COLOUR_ZERO);
        int16_t cb2 = saturated(cb + cb), cr2 = saturated(cr + cr);
        int16_t red = saturated(cr + part_of(cr2, RED_CR));
        int16_t green = saturated(part_of(cb2, GREEN_CB) + part_of(cr2, GREEN_CR) - cr);
        int16_t blue = saturated(cb2 + part_of(cb2, BLUE_CB));
        tiles[0][i] = saturated(y + red);
        tiles[1][i] = saturated(y + green);
        tiles[2][i] = saturated(y + blue);
    }
}

void tiles_to_bytes(const resample_tile *tiles, unsigned bands, uint8_t *out, size_t pitch)
{
    for (size_t i = 0; i < LANES * LANES; i++) {
        for (unsigned band = 0; band < bands; band++) {
            int value = (tiles[band][i] + (1 << (VALUE_BITS - 1))) >> VALUE_BITS;
            out[i % LANES * pitch + i / LANES * bands + band] = (uint8_t)(value < 0     ? 0
                                                                          : value > 255 ? 255
                                                                                        : value);
        }
    }
}

#endif

void weigh_lines(const struct line_sums *sums, int16_t *scratch, int16_t *columns)
{
    if (resample_has_avx512())
        weigh_lines_avx512(sums, scratch, columns);
    else if (resample_has_avx2())
        weigh_lines_avx2(sums, scratch, columns);
    else
        weigh_lines_here(sums, scratch, columns);
}

void weigh_columns(const struct column_sums *sums, size_t x, size_t n, resample_tile *out)
{
    if (resample_has_avx2())
        weigh_columns_avx2(sums, x, n, out);
    else
        weigh_columns_here(sums, x, n, out);
}

void bands_split(const uint8_t *pixels, size_t n, unsigned bands, uint8_t *const *out)
{
    size_t at = bands == 3 && resample_has_avx2() ? split_three_avx2(pixels, n, out) : 0;
    for (; at < n; at++) {
        for (unsigned band = 0; band < bands; band++)
            out[band][at] = pixels[at * bands + band];
    }
}
