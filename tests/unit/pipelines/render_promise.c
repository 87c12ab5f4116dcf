/* The memory estimates of renders, compared with what the standards of the formats require of a
 * codec. */
#include "image_support.h"

#include "container_of.h"

struct keeper {
    struct render_gate gate;
    uint64_t asked;
};

static int keep(struct render_gate *gate, uint64_t bytes)
{
    container_of(gate, struct keeper, gate)->asked = bytes;
    return ERR_CANCELLED; /* the pixels are of no interest */
}

static uint64_t promise_of(struct slice image, const char *settings)
{
    static const struct pipeline_limits defaults;
    char text[300];
    struct keeper keeper = {.gate = {keep}};
    snprintf(text, sizeof text, "name: x\nqueue: q\noutputs: [{key: 'o/{name}', %s}]\n", settings);
    struct render_item item = {.pipeline = pipeline_of(text)};
    const struct render_source source = {
        .bucket = "b", .key = "k.jpg", .image = image, .gate = &keeper.gate};
    vips_pipeline_ops.render(&source, &defaults, &item, 1);
    assert_int_equal(item.error.code, ERR_CANCELLED);
    assert_null(item.renditions);
    vips_pipeline_ops.release((struct pipeline *)(uintptr_t)item.pipeline);
    return keeper.asked;
}

static uint64_t promise_as(VipsImage *image, const char *suffix, const char *settings)
{
    struct bytes bytes = encode(image, suffix);
    uint64_t promise = promise_of(view(&bytes), settings);
    bytes_free(&bytes);
    return promise;
}

enum { WIDTH = 2400, HEIGHT = 1600, AREA = WIDTH * HEIGHT };

static const char small[] = "width: 100";

/* A baseline JPEG and a PNG are read line by line: a small output of a large picture is cheap. */
static void lines_are_not_a_picture(void **state)
{
    (void)state;
    assert_in_range(promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80]", small), 1, 2 * AREA);
    assert_in_range(promise_as(four_corners(WIDTH, HEIGHT), ".png", small), 1, 2 * AREA);
}

/* A progressive JPEG's 16-bit coefficients are kept until the last pass: 1.5 for each pixel with
 * 4:2:0, 3 without subsampling. An interlaced PNG's pixels are. */
static void passes_hold_the_picture(void **state)
{
    (void)state;
    uint64_t lines = promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80]", small);
    uint64_t part = promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80,interlace]", small);
    uint64_t full =
        promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80,interlace,subsample_mode=off]", small);
    uint64_t pixels = promise_as(four_corners(WIDTH, HEIGHT), ".png[interlace]", small);
    assert_in_range(part - lines, 3 * AREA, 4 * AREA);
    assert_in_range(full - lines, 6 * AREA, 7 * AREA);
    assert_in_range(pixels, 3 * AREA, 5 * AREA);
}

/* WebP is decoded as a whole, at four bytes for each pixel at the least. */
static void webp_holds_the_picture(void **state)
{
    (void)state;
    assert_in_range(promise_as(four_corners(WIDTH, HEIGHT), ".webp", small), 4 * AREA, 10 * AREA);
}

/* An output in the source's size is a picture in memory; two that don't derive from one another
 * keep the decoded one, too. */
static void large_outputs_count(void **state)
{
    (void)state;
    uint64_t one = promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80]", "scale: 1, format: jpeg");
    uint64_t two =
        promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80]",
                   "scale: 1, format: jpeg}, {key: 'p/{name}', scale: 0.9, format: jpeg");
    assert_true(one >= 3ull * AREA);
    assert_true(two >= one + 2 * 3ull * AREA);
}

/* Measured with bench_promise: 34 bytes for each pixel of a lossless WebP and more, 72 of a JPEG XL; a
 * comparison decodes what was encoded, and needs both in luma. */
static void encoders_and_comparisons_count(void **state)
{
    (void)state;
    static const char full[] = "scale: 1, format: ";
    char settings[100];
    struct bytes photo = encode(four_corners(WIDTH, HEIGHT), ".jpg[Q=80]");
    uint64_t promises[5];
    static const char *const rest[] = {"webp", "webp, lossless: true", "jxl", "jxl, lossless: true",
                                       "webp, target: ssim"};
    for (size_t i = 0; i < 5; i++) {
        snprintf(settings, sizeof settings, "%s%s", full, rest[i]);
        promises[i] = promise_of(view(&photo), settings);
    }
    assert_true(promises[1] >= 34ull * AREA && promises[1] > promises[0]);
    assert_true(promises[3] >= 72ull * AREA && promises[3] > promises[2]);
    assert_true(promises[4] >= promises[0] + 6ull * AREA);
    bytes_free(&photo);
}

static void every_kept_frame_counts(void **state)
{
    (void)state;
    enum { SIDE = 200, FRAMES = 10 };
    VipsImage *strip = four_corners(SIDE, SIDE * FRAMES);
    vips_image_set_int(strip, VIPS_META_PAGE_HEIGHT, SIDE);
    struct bytes gif = encode(strip, ".gif");
    uint64_t first = promise_of(view(&gif), "width: 100");
    uint64_t all = promise_of(view(&gif), "width: 100, frames: all");
    assert_true(all >= first + (uint64_t)FRAMES * SIDE * SIDE * 4);
    bytes_free(&gif);
}

/* The border is looked for in the whole decoded picture, which stays until the renditions are made;
 * what remains may have any size that the source has. */
static void a_trim_needs_the_decoded_picture(void **state)
{
    (void)state;
    uint64_t plain =
        promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80]", "width: 1200, format: jpeg");
    uint64_t trimmed = promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80]",
                                  "width: 1200, trim: 10, format: jpeg");
    assert_true(trimmed >= plain + 3ull * AREA + 3ull * 1200 * (HEIGHT - HEIGHT / 2));
}

static void an_overlay_counts(void **state)
{
    (void)state;
    uint64_t plain =
        promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80]", "scale: 1, format: jpeg");
    uint64_t with = promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80]",
                               "scale: 1, overlay: {text: x}, format: jpeg");
    assert_true(with >= plain + 4ull * AREA);
}

/* One page is in memory at a time, and the outputs of all. A later frame is made over another one. */
static void pages_count_one_at_a_time(void **state)
{
    (void)state;
    enum { SIDE = 1000, FRAMES = 4, PIXELS = SIDE * SIDE };
    VipsImage *strip = four_corners(SIDE, SIDE * FRAMES);
    vips_image_set_int(strip, VIPS_META_PAGE_HEIGHT, SIDE);
    struct bytes gif = encode(strip, ".gif");
    uint64_t first = promise_of(view(&gif), "scale: 1, format: jpeg");
    uint64_t second = promise_of(view(&gif), "scale: 1, format: jpeg, page: 2");
    uint64_t both = promise_of(view(&gif), "scale: 1, format: jpeg}, "
                                           "{key: 'p/{name}', scale: 1, page: 2, format: jpeg");
    assert_true(second >= first + 4ull * PIXELS);
    assert_in_range(both - second, 3 * PIXELS, 4 * PIXELS); /* the encoded bytes, three times */
    bytes_free(&gif);
}

static void padding_counts(void **state)
{
    (void)state;
    uint64_t plain =
        promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80]", "width: 100, format: jpeg");
    uint64_t padded = promise_as(four_corners(WIDTH, HEIGHT), ".jpg[Q=80]",
                                 "width: 100, pad: {top: 2000, left: 2000}, format: jpeg");
    assert_true(padded >= plain + 3ull * 2000 * 2000);
}

/* Numerical Recipes' generator. */
static VipsImage *noise(int side)
{
    size_t count = (size_t)side * (size_t)side * 3;
    unsigned char *pixels = malloc(count);
    uint32_t state = 3;
    assert_non_null(pixels);
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = (unsigned char)(state >> 24);
    }
    VipsImage *image =
        vips_image_new_from_memory_copy(pixels, count, side, side, 3, VIPS_FORMAT_UCHAR);
    image->Type = VIPS_INTERPRETATION_sRGB;
    free(pixels);
    return image;
}

/* An output of no more than one byte for each pixel is included at the default quality. Of a larger
 * one there are three copies: the encoder's, the shared one and the engine's. */
static void noise_of_any_quality_fits(void **state)
{
    (void)state;
    enum { SIDE = 400, PIXELS = SIDE * SIDE, COPIES = 3 };
    static const char *const formats[] = {"jpeg", "webp", "avif", "jxl"};
    static const char *const settings[] = {"quality: 75",     "quality: 90",
                                           "quality: 97",     "quality: 100",
                                           "chroma: '4:4:4'", "chroma: '4:4:4', quality: 85"};
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < (i % 2 ? 4 : 6); k++) { /* WebP and JPEG XL have no chroma */
            char usual[100], text[200];
            struct bytes png = encode(noise(SIDE), ".png");
            snprintf(usual, sizeof usual, "scale: 1, effort: 3, format: %s", formats[i]);
            snprintf(text, sizeof text, "%s, %s", usual, settings[k]);
            if (i % 2 == 0)
                strcat(usual, ", chroma: '4:2:0'");
            const uint64_t least = promise_of(view(&png), usual),
                           most = promise_of(view(&png), text);
            struct render_item item = render_with(png, text);
            assert_int_equal(item.error.code, 0);
            const uint64_t size = item.renditions[0].body.size;
            if (size > PIXELS && most < least + COPIES * (size - PIXELS))
                fail_msg("%s: %llu bytes for %d pixels", text, (unsigned long long)size, PIXELS);
            item_free(&item);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_not_a_picture),
        cmocka_unit_test(passes_hold_the_picture),
        cmocka_unit_test(webp_holds_the_picture),
        cmocka_unit_test(large_outputs_count),
        cmocka_unit_test(every_kept_frame_counts),
        cmocka_unit_test(encoders_and_comparisons_count),
        cmocka_unit_test(a_trim_needs_the_decoded_picture),
        cmocka_unit_test(pages_count_one_at_a_time),
        cmocka_unit_test(padding_counts),
        cmocka_unit_test(an_overlay_counts),
        cmocka_unit_test(noise_of_any_quality_fits),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
