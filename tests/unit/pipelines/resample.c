/* The resampler compared with the definition in floating point. */
#include "pipeline_support.h"

#include <math.h>

#include "resample.h"

struct picture {
    struct plan_size size;
    unsigned bands;
    unsigned char *pixels;
};

static struct picture picture_new(unsigned width, unsigned height, unsigned bands)
{
    struct picture p = {{width, height}, bands, calloc((size_t)width * height, bands)};
    assert_non_null(p.pixels);
    return p;
}

/* Noise is the hardest case, because it contains every frequency. */
static struct picture noise(unsigned width, unsigned height, unsigned bands, unsigned seed)
{
    struct picture p = picture_new(width, height, bands);
    uint32_t state = seed * 2654435761u + 1;
    for (size_t i = 0; i < (size_t)width * height * bands; i++) {
        state = state * 1664525u + 1013904223u;
        p.pixels[i] = (unsigned char)(state >> 24);
    }
    return p;
}

static struct picture resample(const struct picture *from, struct plan_size to, bool alpha)
{
    struct picture out = picture_new(to.width, to.height, from->bands);
    const struct resample_source source = {
        from->size, {from->size.width, from->size.height}, from->bands, alpha};
    struct resampler *r = resampler_new(&source, to, out.pixels);
    assert_non_null(r);
    size_t line = (size_t)from->size.width * from->bands;
    for (unsigned y = 0; y < from->size.height; y++) {
        /* A line in a block of exactly its length, so that reading beyond it is detected. */
        unsigned char *copy = malloc(line);
        assert_non_null(copy);
        memcpy(copy, from->pixels + y * line, line);
        resampler_push(r, copy);
        free(copy);
    }
    resampler_free(r);
    return out;
}

static double lanczos3(double x)
{
    if (x == 0)
        return 1;
    if (fabs(x) >= 3)
        return 0;
    return sin(M_PI * x) / (M_PI * x) * sin(M_PI * x / 3) / (M_PI * x / 3);
}

/* One dimension of n values, `step` apart. */
static void reference_line(const double *in, unsigned n, size_t step, double *out, unsigned m)
{
    double factor = (double)n / m, stretch = factor > 1 ? factor : 1;
    for (unsigned i = 0; i < m; i++) {
        double centre = (i + 0.5) * factor - 0.5, sum = 0, total = 0;
        int reach = (int)ceil(3 * stretch) + 1;
        for (int k = (int)centre - reach; k <= (int)centre + reach; k++) {
            double weight = lanczos3((k - centre) / stretch);
            unsigned at = k < 0 ? 0 : k >= (int)n ? n - 1 : (unsigned)k;
            sum += weight * in[at * step];
            total += weight;
        }
        out[i * step] = sum / total;
    }
}

static double *doubles(size_t count)
{
    double *made = calloc(count + 1, sizeof *made);
    assert_non_null(made);
    return made;
}

static double *reference(const struct picture *from, struct plan_size to)
{
    size_t bands = from->bands, w = from->size.width, h = from->size.height;
    double *a = doubles(w * h * bands), *b = doubles(w * to.height * bands);
    double *c = doubles((size_t)to.width * to.height * bands);
    for (size_t i = 0; i < w * h * bands; i++)
        a[i] = from->pixels[i];
    for (size_t x = 0; x < w * bands; x++)
        reference_line(a + x, (unsigned)h, w * bands, b + x, to.height);
    for (size_t y = 0; y < to.height; y++) {
        for (size_t i = 0; i < bands; i++)
            reference_line(b + y * w * bands + i, (unsigned)w, bands, c + y * to.width * bands + i,
                           to.width);
    }
    free(a);
    free(b);
    return c;
}

static double clip(double value)
{
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

static void check_against_reference(unsigned w, unsigned h, unsigned bands, struct plan_size to)
{
    struct picture from = noise(w, h, bands, w + h);
    struct picture out = resample(&from, to, false);
    double *exact = reference(&from, to);
    for (size_t i = 0; i < (size_t)to.width * to.height * bands; i++) {
        double wrong = fabs(out.pixels[i] - clip(exact[i]));
        if (wrong > 1)
            fail_msg("%u × %u × %u to %u × %u: value %zu is %u, not %.2f", w, h, bands, to.width,
                     to.height, i, out.pixels[i], exact[i]);
    }
    free(exact);
    free(from.pixels);
    free(out.pixels);
}

static void every_factor_agrees_with_the_definition(void **state)
{
    (void)state;
    static const struct plan_size sizes[] = {{64, 48}, {63, 47}, {40, 48},  {64, 30},
                                             {32, 24}, {21, 17}, {7, 5},    {1, 1},
                                             {64, 1},  {1, 48},  {100, 80}, {300, 49}};
    for (unsigned bands = 1; bands <= RESAMPLE_BANDS_MAX; bands++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            check_against_reference(64, 48, bands, sizes[i]);
    }
    check_against_reference(1, 1, 3, (struct plan_size){5, 5});
    check_against_reference(2, 3, 3, (struct plan_size){1, 1});
    check_against_reference(1000, 3, 1, (struct plan_size){10, 3});
    check_against_reference(3, 1000, 4, (struct plan_size){3, 10});
}

static void the_same_size_is_the_same_picture(void **state)
{
    (void)state;
    struct picture from = noise(37, 29, 3, 1);
    struct picture out = resample(&from, from.size, false);
    assert_memory_equal(out.pixels, from.pixels, 37 * 29 * 3);
    free(from.pixels);
    free(out.pixels);
}

/* No weight is lost to rounding: a wall stays the same colour however small the picture becomes. */
static void a_flat_area_keeps_its_value(void **state)
{
    (void)state;
    for (int value = 0; value < 256; value += 5) {
        struct picture from = picture_new(400, 10, 3);
        memset(from.pixels, value, 400 * 10 * 3);
        struct picture out = resample(&from, (struct plan_size){9, 3}, false);
        for (size_t i = 0; i < 9 * 3 * 3; i++)
            assert_int_equal(out.pixels[i], value);
        free(from.pixels);
        free(out.pixels);
    }
}

static void transparent_pixels_contribute_no_colour(void **state)
{
    (void)state;
    struct picture from = picture_new(40, 40, 4);
    for (unsigned i = 0; i < 40 * 40; i++) { /* left half opaque blue, right half invisible red */
        unsigned char *p = from.pixels + i * 4;
        bool left = i % 40 < 20;
        p[0] = left ? 0 : 255;
        p[2] = left ? 255 : 0;
        p[3] = left ? 255 : 0;
    }
    struct picture out = resample(&from, (struct plan_size){11, 7}, true);
    for (unsigned i = 0; i < 11 * 7; i++) {
        unsigned char *p = out.pixels + i * 4;
        assert_int_equal(p[0], 0);
        if (p[3] > 8)
            assert_true(p[2] >= 250);
    }
    assert_int_equal(out.pixels[3], 255);
    assert_int_equal(out.pixels[10 * 4 + 3], 0);
    free(from.pixels);
    free(out.pixels);
}

static void opaque_alpha_changes_nothing(void **state)
{
    (void)state;
    struct picture from = noise(61, 43, 4, 3);
    for (size_t i = 3; i < 61 * 43 * 4; i += 4)
        from.pixels[i] = 255;
    struct picture with = resample(&from, (struct plan_size){25, 18}, true);
    struct picture without = resample(&from, (struct plan_size){25, 18}, false);
    for (size_t i = 0; i < 25 * 18 * 4; i++)
        assert_true(abs(with.pixels[i] - without.pixels[i]) <= 1);
    free(from.pixels);
    free(with.pixels);
    free(without.pixels);
}

static struct picture resample_planes(const struct picture planes[RESAMPLE_PLANES],
                                      struct plan_size size, struct plan_size to)
{
    struct picture out = picture_new(to.width, to.height, 3);
    struct resample_source sources[RESAMPLE_PLANES];
    unsigned pushed[RESAMPLE_PLANES] = {0};
    for (size_t i = 0; i < RESAMPLE_PLANES; i++) {
        const struct plan_size own = planes[i].size;
        sources[i] =
            (struct resample_source){own,
                                     {own.width < size.width ? size.width / 2.0 : size.width,
                                      own.height < size.height ? size.height / 2.0 : size.height},
                                     1,
                                     false};
    }
    struct resampler *r = resampler_new_ycc(sources, to, out.pixels);
    assert_non_null(r);
    for (unsigned y = 0; y < size.height; y += RESAMPLE_TURN) {
        for (size_t i = 0; i < RESAMPLE_PLANES; i++) {
            bool half = planes[i].size.height < size.height;
            unsigned until = (y + RESAMPLE_TURN) / (half ? 2 : 1);
            for (; pushed[i] < until && pushed[i] < planes[i].size.height; pushed[i]++)
                resampler_push_plane(r, i, planes[i].pixels + pushed[i] * planes[i].size.width);
        }
    }
    resampler_free(r);
    return out;
}

/* Brightness and colour are resized each for itself, and then converted, by the formulas of T.871. */
static void check_planes(struct plan_size size, unsigned across, unsigned down, struct plan_size to)
{
    struct plan_size half = {(size.width + across - 1) / across, (size.height + down - 1) / down};
    struct picture planes[RESAMPLE_PLANES] = {noise(size.width, size.height, 1, 1),
                                              noise(half.width, half.height, 1, 2),
                                              noise(half.width, half.height, 1, 3)};
    /* noise of less contrast has colours that exist */
    for (size_t i = 0; i < RESAMPLE_PLANES; i++) {
        for (size_t at = 0; at < (size_t)planes[i].size.width * planes[i].size.height; at++)
            planes[i].pixels[at] = (unsigned char)(96 + planes[i].pixels[at] / 4);
    }
    struct picture out = resample_planes(planes, size, to);
    double *exact[RESAMPLE_PLANES];
    for (size_t i = 0; i < RESAMPLE_PLANES; i++)
        exact[i] = reference(&planes[i], to);
    for (size_t i = 0; i < (size_t)to.width * to.height; i++) {
        double y = exact[0][i], cb = exact[1][i] - 128, cr = exact[2][i] - 128;
        double rgb[] = {y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb};
        for (size_t c = 0; c < 3; c++) {
            if (fabs(out.pixels[3 * i + c] - clip(rgb[c])) > 1)
                fail_msg("%u × %u to %u × %u: value %zu of pixel %zu is %u, not %.2f", size.width,
                         size.height, to.width, to.height, c, i, out.pixels[3 * i + c], rgb[c]);
        }
    }
    for (size_t i = 0; i < RESAMPLE_PLANES; i++) {
        free(exact[i]);
        free(planes[i].pixels);
    }
    free(out.pixels);
}

static void planes_become_colours(void **state)
{
    (void)state;
    static const struct plan_size sizes[] = {{64, 48}, {63, 47}, {40, 30},
                                             {21, 17}, {7, 5},   {1, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_planes((struct plan_size){64, 48}, 1, 1, sizes[i]);
        check_planes((struct plan_size){64, 48}, 2, 1, sizes[i]);
        check_planes((struct plan_size){64, 48}, 1, 2, sizes[i]);
        check_planes((struct plan_size){64, 48}, 2, 2, sizes[i]);
    }
    check_planes((struct plan_size){64, 320}, 2, 2, (struct plan_size){60, 318});
    check_planes((struct plan_size){64, 320}, 2, 2, (struct plan_size){3, 12});
}

/* Colours that do not exist end at the nearest that does. */
static void impossible_colours_are_clipped(void **state)
{
    (void)state;
    static const unsigned char corners[][6] = {
        /* Y, Cb, Cr; red, green, blue by T.871, clipped */
        {255, 128, 128, 255, 255, 255}, {0, 128, 128, 0, 0, 0},     {76, 85, 255, 254, 0, 0},
        {255, 255, 255, 255, 121, 255}, {0, 0, 0, 0, 135, 0},       {255, 0, 0, 76, 255, 28},
        {0, 255, 255, 178, 0, 225},     {128, 255, 0, 0, 176, 255}, {128, 0, 255, 255, 81, 0},
    };
    for (size_t i = 0; i < sizeof corners / sizeof corners[0]; i++) {
        struct picture planes[RESAMPLE_PLANES];
        for (size_t p = 0; p < RESAMPLE_PLANES; p++) {
            planes[p] = picture_new(16, 16, 1);
            memset(planes[p].pixels, corners[i][p], 16 * 16);
        }
        struct picture out =
            resample_planes(planes, (struct plan_size){16, 16}, (struct plan_size){5, 5});
        for (size_t at = 0; at < 5 * 5 * 3; at++)
            assert_true(abs(out.pixels[at] - corners[i][3 + at % 3]) <= 1);
        for (size_t p = 0; p < RESAMPLE_PLANES; p++)
            free(planes[p].pixels);
        free(out.pixels);
    }
}

/* A corner of white with the strongest blue overshoots to more than twice the range of a byte. */
static void the_brightest_colours_do_not_become_black(void **state)
{
    (void)state;
    const struct plan_size size = {40, 32}, to = {90, 72};
    struct picture planes[RESAMPLE_PLANES];
    for (size_t p = 0; p < RESAMPLE_PLANES; p++) {
        planes[p] = picture_new(size.width, size.height, 1);
        for (size_t at = 0; at < (size_t)size.width * size.height; at++) {
            const bool bright = at % size.width >= 20 && at / size.width >= 16;
            planes[p].pixels[at] = p == 2 ? 128 : bright ? 255 : 0;
        }
    }
    struct picture out = resample_planes(planes, size, to);
    for (size_t y = to.height / 2 + 2; y < to.height; y++) {
        for (size_t x = to.width / 2 + 2; x < to.width; x++)
            assert_int_equal(out.pixels[(y * to.width + x) * 3 + 2], 255);
    }
    for (size_t p = 0; p < RESAMPLE_PLANES; p++)
        free(planes[p].pixels);
    free(out.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_factor_agrees_with_the_definition),
        cmocka_unit_test(the_same_size_is_the_same_picture),
        cmocka_unit_test(a_flat_area_keeps_its_value),
        cmocka_unit_test(transparent_pixels_contribute_no_colour),
        cmocka_unit_test(opaque_alpha_changes_nothing),
        cmocka_unit_test(planes_become_colours),
        cmocka_unit_test(impossible_colours_are_clipped),
        cmocka_unit_test(the_brightest_colours_do_not_become_black),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
