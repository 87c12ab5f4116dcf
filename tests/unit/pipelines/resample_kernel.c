/* The inner loops of the resampler compared with their definitions, value by value. */
#include "pipeline_support.h"

#include <math.h>

#include "resample_kernel.h"

/* free */
static uint8_t *noise(size_t count)
{
    uint8_t *made = malloc(count);
    uint32_t state = 2654435761u;
    assert_non_null(made);
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        made[i] = (uint8_t)(state >> 24);
    }
    return made;
}

static double clip(double value)
{
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

enum { TAPS = 6, LINES = TAPS + 4, WIDTH = 3 * LINE_MULTIPLE, SPARE = 3 };

/* With overshoot, as the filter's are; their sum is one. */
static const int16_t some_weights[2][TAPS] = {{-900, 2300, 7000, 8100, 1200, -1316},
                                              {0, -2000, 20000, -2100, 484, 0}};

static int16_t rounded(int32_t sum, int drop)
{
    double value = floor((double)sum / (1 << drop) + 0.5);
    return (int16_t)fmin(fmax(value, INT16_MIN), INT16_MAX);
}

/* The place of a value in pairs of columns. */
static size_t place(size_t column, size_t lane)
{
    return (column / 2 * LANES + lane) * 2 + column % 2;
}

/* `lines` are bytes, or the same as values. */
static void check_lines(const uint8_t *bytes, const void *const *lines, bool values, size_t length)
{
    static const size_t first[LANES] = {0, 0, 2, 0, 4, 2, 2, 4};
    struct line_sums sums = {lines, values, LINES, length, TAPS, {0}, {0}};
    int16_t scratch[LINES * LINE_MULTIPLE], out[WIDTH * LANES + 1];
    for (size_t i = 0; i < LANES; i++) {
        sums.first[i] = first[i];
        sums.weights[i] = some_weights[i % 2];
    }
    out[length * LANES] = 12345;
    weigh_lines(&sums, scratch, out);
    assert_int_equal(out[length * LANES], 12345);
    for (size_t i = 0; i < length * LANES; i++) {
        const size_t column = i / LANES, lane = i % LANES;
        int32_t sum = 0;
        for (size_t k = 0; k < TAPS; k++)
            sum += some_weights[lane % 2][k] * bytes[(first[lane] + k) * WIDTH + column] *
                   (values ? 1 << VALUE_BITS : 1);
        int drop = values ? WEIGHT_BITS : WEIGHT_BITS - VALUE_BITS;
        assert_int_equal(out[place(column, lane)], rounded(sum, drop));
    }
}

static void sums_of_lines_are_exact(void **state)
{
    (void)state;
    uint8_t *from = noise(LINES * WIDTH);
    static int16_t copies[LINES * WIDTH];
    const void *bytes[LINES], *values[LINES];
    for (size_t i = 0; i < LINES * WIDTH; i++)
        copies[i] = (int16_t)(from[i] << VALUE_BITS);
    for (size_t k = 0; k < LINES; k++) {
        bytes[k] = from + k * WIDTH;
        values[k] = copies + k * WIDTH;
    }
    for (size_t length = LINE_MULTIPLE; length <= WIDTH; length += LINE_MULTIPLE) {
        check_lines(from, bytes, false, length);
        check_lines(from, values, true, length);
    }
    free(from);
}

/* Some of LANES pixels, of each number of planes; what is beyond them is not touched. */
static void check_columns(const int16_t *columns, unsigned planes, size_t x, size_t n)
{
    static const int first[] = {0, 4, 2, 2, 6, 0, 4, 8, 2, 6, 0};
    enum { RESULTS = sizeof first / sizeof first[0], PLANE = WIDTH * LANES };
    int16_t weights[RESULTS * TAPS];
    resample_tile out[RESAMPLE_BANDS_MAX + 1];
    for (size_t i = 0; i < RESULTS; i++)
        memcpy(weights + i * TAPS, some_weights[i % 2], sizeof some_weights[0]);
    const struct column_sums sums = {columns, PLANE, planes, first, weights, TAPS};
    memset(out, 0x55, sizeof out);
    weigh_columns(&sums, x, n, out);
    for (size_t i = 0; i < (RESAMPLE_BANDS_MAX + 1) * LANES * LANES; i++) {
        const size_t plane = i / (LANES * LANES), pixel = i / LANES % LANES, lane = i % LANES;
        int32_t sum = 0;
        for (size_t k = 0; plane < planes && pixel < n && k < TAPS; k++)
            sum += weights[(x + pixel) * TAPS + k] *
                   columns[plane * PLANE + place((size_t)first[x + pixel] + k, lane)];
        const bool written = plane < planes && pixel < n;
        assert_int_equal(out[plane][i % (LANES * LANES)],
                         written ? rounded(sum, WEIGHT_BITS) : 0x5555);
    }
}

static void sums_of_columns_are_exact(void **state)
{
    (void)state;
    static int16_t columns[RESAMPLE_BANDS_MAX * WIDTH * LANES];
    uint8_t *from = noise(sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        columns[i] = (int16_t)((from[i] << VALUE_BITS) - 1000);
    for (unsigned planes = 1; planes <= RESAMPLE_BANDS_MAX; planes++) {
        for (size_t n = 1; n <= LANES; n++) {
            check_columns(columns, planes, 0, n);
            check_columns(columns, planes, 3, n);
        }
    }
    free(from);
}

/* Overshoot can reach any value of 16 bits. */
static void values_are_rounded_and_clipped(void **state)
{
    (void)state;
    enum { PITCH = LANES * RESAMPLE_BANDS_MAX + SPARE };
    static const int16_t some[] = {0,         31,   32,   95,    96,    -1,        -33,
                                   INT16_MIN, 8160, 8191, 16319, 16320, INT16_MAX, INT16_MAX - 31,
                                   16351,     64};
    resample_tile tiles[RESAMPLE_BANDS_MAX];
    for (size_t i = 0; i < RESAMPLE_BANDS_MAX * LANES * LANES; i++)
        tiles[i / (LANES * LANES)][i % (LANES * LANES)] = some[(i * 7 + i / 50) % 16];
    for (unsigned bands = 1; bands <= RESAMPLE_BANDS_MAX; bands++) {
        uint8_t out[LANES * PITCH];
        memset(out, 77, sizeof out);
        tiles_to_bytes(tiles, bands, out, PITCH);
        for (size_t i = 0; i < sizeof out; i++) {
            const size_t lane = i / PITCH, at = i % PITCH;
            const size_t pixel = at / bands;
            int expected = 77;
            if (pixel < LANES)
                expected = (int)clip(floor(tiles[at % bands][pixel * LANES + lane] / 64.0 + 0.5));
            assert_int_equal(out[i], expected);
        }
    }
}

static void bands_become_lines(void **state)
{
    (void)state;
    enum { PIXELS = 70 };
    uint8_t *from = noise(PIXELS * RESAMPLE_BANDS_MAX);
    for (unsigned bands = 1; bands <= RESAMPLE_BANDS_MAX; bands++) {
        for (size_t n = 1; n <= PIXELS; n++) {
            uint8_t lines[RESAMPLE_BANDS_MAX][PIXELS + 1], *out[RESAMPLE_BANDS_MAX];
            memset(lines, 77, sizeof lines);
            for (unsigned band = 0; band < bands; band++)
                out[band] = lines[band];
            /* a block of exactly this length, so that reading beyond it is detected */
            unsigned char *pixels = malloc(n * bands);
            assert_non_null(pixels);
            memcpy(pixels, from, n * bands);
            bands_split(pixels, n, bands, out);
            free(pixels);
            for (unsigned band = 0; band < bands; band++) {
                for (size_t x = 0; x < n; x++)
                    assert_int_equal(lines[band][x], from[x * bands + band]);
                assert_int_equal(lines[band][n], 77);
            }
        }
    }
    free(from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_lines_are_exact),
        cmocka_unit_test(sums_of_columns_are_exact),
        cmocka_unit_test(values_are_rounded_and_clipped),
        cmocka_unit_test(bands_become_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
