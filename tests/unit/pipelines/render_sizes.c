/* Geometry of renditions: orientation, fits, crops, margins, and never larger than requested. */
#include "image_support.h"

static const double red[] = {255, 0, 0}, green[] = {0, 255, 0}, blue[] = {0, 0, 255};
static const double white[] = {255, 255, 255};

/* JPEG at full chroma: colours stay within a few steps. */
enum { LOSS = 12 };

static struct bytes jpeg_turned(VipsImage *upright, int orientation)
{
    /* The pixels that a camera stores for an upright scene: the inverse of what a viewer does (EXIF
     * 2.32, tag 0x0112). */
    static const struct {
        VipsAngle angle;
        bool mirrored;
    } stored[9] = {[1] = {VIPS_ANGLE_D0, false},   [2] = {VIPS_ANGLE_D0, true},
                   [3] = {VIPS_ANGLE_D180, false}, [4] = {VIPS_ANGLE_D180, true},
                   [5] = {VIPS_ANGLE_D270, true},  [6] = {VIPS_ANGLE_D270, false},
                   [7] = {VIPS_ANGLE_D90, true},   [8] = {VIPS_ANGLE_D90, false}};
    VipsImage *flipped = NULL, *turned = NULL;
    if (stored[orientation].mirrored) {
        MUST(vips_flip(upright, &flipped, VIPS_DIRECTION_HORIZONTAL, NULL));
        upright = swap(upright, flipped);
    }
    MUST(vips_rot(upright, &turned, stored[orientation].angle, NULL));
    upright = swap(upright, vips_image_copy_memory(turned));
    g_object_unref(turned);
    vips_image_set_int(upright, VIPS_META_ORIENTATION, orientation);
    return encode(upright, ".jpg[Q=95,no-subsample]");
}

static void check_corners(VipsImage *image)
{
    int w = image->Xsize, h = image->Ysize;
    assert_pixel(image, w / 8, h / 8, red, 3, LOSS);
    assert_pixel(image, w - 1 - w / 8, h / 8, green, 3, LOSS);
    assert_pixel(image, w / 8, h - 1 - h / 8, blue, 3, LOSS);
    assert_pixel(image, w - 1 - w / 8, h - 1 - h / 8, white, 3, LOSS);
}

/* A ramp of one pixel's width for each step, so that a picture that was decoded short and enlarged
 * again shows. */
static VipsImage *ramp(int width, int height)
{
    VipsImage *xy = NULL, *x = NULL, *scaled = NULL, *bytes = NULL;
    MUST(vips_xyz(&xy, width, height, NULL));
    MUST(vips_extract_band(xy, &x, 0, NULL));
    MUST(vips_linear1(x, &scaled, 255.0 / width, 127.5 / width, NULL));
    MUST(vips_cast(scaled, &bytes, VIPS_FORMAT_UCHAR, NULL));
    g_object_unref(xy);
    g_object_unref(x);
    g_object_unref(scaled);
    bytes->Type = VIPS_INTERPRETATION_B_W;
    return bytes;
}

static void check_last_pixel(VipsImage *image, const char *format)
{
    double *found = NULL, expected = 255.0 * (image->Xsize - 0.5) / image->Xsize;
    int n = 0;
    MUST(vips_getpoint(image, &found, &n, image->Xsize - 1, 0, NULL));
    if (fabs(found[0] - expected) > 8)
        fail_msg("%s to %d x %d: last pixel %.0f, expected %.0f", format, image->Xsize,
                 image->Ysize, found[0], expected);
    g_free(found);
}

static void check_fit(int width, int height, struct slice source, int target, const char *format)
{
    char settings[64];
    snprintf(settings, sizeof settings, "width: %d, height: %d, format: png", target, target);
    VipsImage *image = rendered(bytes_borrow(source.data, source.size), settings);
    int longest = width > height ? width : height;
    int across = longest > target ? width * target / longest : width;
    int down = longest > target ? height * target / longest : height;
    assert_in_range(image->Xsize, across ? across : 1, across + 1);
    assert_in_range(image->Ysize, down ? down : 1, down + 1);
    check_last_pixel(image, format);
    g_object_unref(image);
}

/* Also the smallest, which leave nothing after the decoder's shrink, and those that leave a part of
 * a pixel. Each picture is encoded once, since that takes longer than to render it. */
static void pictures_of_any_size_are_rendered(void **state)
{
    (void)state;
    static const int sides[] = {1, 2, 3, 5, 7, 8, 9, 15, 17, 31, 64, 65, 127, 255, 1023};
    static const char *const formats[] = {".jpg[Q=95]", ".webp[lossless,effort=0]", ".png", ".tif"};
    static const int targets[] = {1, 8, 64};
    enum { SIDES = sizeof sides / sizeof *sides };
    for (int i = 0; i < SIDES * SIDES * 4; i++) {
        int width = sides[i % SIDES], height = sides[i / SIDES % SIDES];
        const char *format = formats[i / SIDES / SIDES];
        struct bytes source = encode(ramp(width, height), format);
        for (int t = 0; t < 3; t++)
            check_fit(width, height, view(&source), targets[t], format);
        bytes_free(&source);
    }
}

static void every_orientation_comes_out_upright(void **state)
{
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++) {
        struct render_item item = render_with(jpeg_turned(four_corners(400, 200), orientation),
                                              "width: 100, format: png");
        VipsImage *image = only_output(&item);
        assert_int_equal(item.facts.orientation, orientation);
        assert_int_equal(item.facts.width, orientation < 5 ? 400 : 200);
        assert_size(image, 100, 50);
        assert_int_equal(item.renditions[0].width, 100);
        assert_int_equal(item.renditions[0].height, 50);
        check_corners(image);
        assert_int_equal(vips_image_get_orientation(image), 1);
        g_object_unref(image);
        item_free(&item);
    }
}

/* With metadata kept, the flag must not turn the picture a second time. */
static void kept_metadata_does_not_turn_twice(void **state)
{
    (void)state;
    VipsImage *image = rendered(jpeg_turned(four_corners(400, 200), 6),
                                "width: 100, format: jpeg, quality: 95, strip: false");
    assert_size(image, 100, 50);
    assert_int_equal(vips_image_get_orientation(image), 1);
    check_corners(image);
    g_object_unref(image);
}

static void sizes_and_fits(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        int width, height;
    } cases[] = {
        {"width: 100, height: 100, format: png", 100, 50},
        {"width: 100, height: 100, fit: cover, format: png", 100, 100},
        {"width: 100, height: 100, fit: contain, format: png", 100, 100},
        {"width: 100, height: 100, fit: fill, format: png", 100, 100},
        {"height: 33, format: png", 66, 33},
        {"scale: 0.25, format: png", 100, 50},
        {"format: png", 400, 200},
        {"width: 4000, format: png", 400, 200},
        {"width: 800, height: 800, enlarge: true, format: png", 800, 400},
        {"width: 800, height: 800, fit: cover, format: png", 200, 200},
        {"width: 1, height: 1, fit: cover, format: png", 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        VipsImage *image =
            rendered(encode(four_corners(400, 200), ".jpg[Q=95]"), cases[i].settings);
        assert_size(image, cases[i].width, cases[i].height);
        g_object_unref(image);
    }
}

static void cover_keeps_the_centre(void **state)
{
    (void)state;
    VipsImage *source = four_corners(400, 100);
    source = swap(source, vips_image_copy_memory(source));
    fill(source, 255, 255, 0, 150, 0, 100, 100); /* a yellow square in the middle */
    VipsImage *image =
        rendered(encode(source, ".png"), "width: 50, height: 50, fit: cover, format: png");
    const double yellow[] = {255, 255, 0};
    assert_size(image, 50, 50);
    assert_pixel(image, 25, 25, yellow, 3, 2);
    assert_pixel(image, 3, 25, yellow, 3, 2);
    assert_pixel(image, 46, 25, yellow, 3, 2);
    g_object_unref(image);
}

/* A flat picture with all its detail at the right: the two crops that look must find it, the
 * central one must not. */
static void content_aware_crops_find_the_detail(void **state)
{
    (void)state;
    static const struct {
        const char *crop;
        bool finds;
    } cases[] = {{"centre", false}, {"entropy", true}, {"attention", true}};
    for (size_t i = 0; i < 3; i++) {
        const double grey[] = {90, 90, 90};
        char settings[100];
        double deviation;
        VipsImage *source = plain(600, 200, 3, grey);
        source = swap(source, vips_image_copy_memory(source));
        for (int k = 0; k < 10; k++)
            fill(source, 255, 200 - 10 * k, 10 * k, 480 + k * 8, 40 + k * 10, 30, 12);
        snprintf(settings, sizeof settings,
                 "width: 100, height: 100, fit: cover, crop: %s, format: png", cases[i].crop);
        VipsImage *image = rendered(encode(source, ".png"), settings);
        assert_size(image, 100, 100);
        MUST(vips_deviate(image, &deviation, NULL));
        assert_true(cases[i].finds ? deviation > 10 : deviation < 1);
        g_object_unref(image);
    }
}

static void contain_pads_with_the_background(void **state)
{
    (void)state;
    const double navy[] = {0, 0, 128}, clear[] = {0, 0, 0, 0};
    VipsImage *image =
        rendered(encode(four_corners(400, 200), ".png"),
                 "width: 100, height: 100, fit: contain, format: png, background: navy");
    assert_pixel(image, 50, 5, navy, 3, 0);
    assert_pixel(image, 50, 95, navy, 3, 0);
    assert_pixel(image, 10, 30, red, 3, 3);
    g_object_unref(image);
    /* Without one: transparent where the format can, white where it can't. */
    image = rendered(encode(four_corners(400, 200), ".png"),
                     "width: 100, height: 100, fit: contain, format: webp");
    assert_pixel(image, 50, 5, clear, 4, 0);
    g_object_unref(image);
    image = rendered(encode(four_corners(400, 200), ".png"),
                     "width: 100, height: 100, fit: contain, format: jpeg");
    assert_pixel(image, 50, 5, white, 3, LOSS);
    g_object_unref(image);
}

static void contain_of_a_small_picture_is_not_enlarged(void **state)
{
    (void)state;
    const double ink[] = {10, 20, 30};
    VipsImage *image =
        rendered(encode(plain(40, 20, 3, ink), ".png"),
                 "width: 100, height: 100, fit: contain, format: png, background: white");
    assert_size(image, 100, 100);
    assert_pixel(image, 50, 50, ink, 3, 0);
    assert_pixel(image, 50, 35, white, 3, 0);
    assert_pixel(image, 25, 50, white, 3, 0);
    g_object_unref(image);
}

static void many_outputs_each_have_their_own_size_and_key(void **state)
{
    (void)state;
    struct render_item item = {
        .pipeline =
            pipeline_of("name: many\nqueue: q\noutputs:\n"
                        "  - {key: '{pipeline}/{width}x{height}.{ext}', width: 300}\n"
                        "  - {key: '{dir}/{stem}-s.{ext}', width: 30, format: webp}\n"
                        "  - {key: 'c/{name}', width: 40, height: 40, fit: cover, bucket: other}\n"
                        "  - {key: 'full/{name}', format: png, cache_control: no-store}\n")};
    struct bytes source = encode(four_corners(400, 200), ".jpg[Q=90]");
    render_items(view(&source), &item, 1);
    assert_int_equal(item.error.code, 0);
    assert_int_equal(item.rendition_count, 4);
    struct rendition *r = item.renditions;
    assert_string_equal(r[0].key, "many/300x150.jpg");
    assert_string_equal(r[0].content_type, "image/jpeg");
    assert_null(r[0].bucket);
    assert_string_equal(r[1].key, "ingest/a b-s.webp");
    assert_string_equal(r[1].content_type, "image/webp");
    assert_string_equal(r[2].key, "c/a b.jpg");
    assert_string_equal(r[2].bucket, "other");
    assert_int_equal(r[2].width, 40);
    assert_string_equal(r[3].settings->cache_control, "no-store");
    assert_int_equal(r[3].width, 400);
    for (int i = 0; i < 4; i++) {
        VipsImage *image = decode(&r[i].body);
        assert_size(image, (int)r[i].width, (int)r[i].height);
        g_object_unref(image);
    }
    bytes_free(&source);
    item_free(&item);
}

static void a_picture_too_large_for_its_format_is_refused(void **state)
{
    (void)state;
    const double ink[] = {9, 9, 9};
    struct render_item item = render_with(encode(plain(17000, 2, 3, ink), ".png"), "format: webp");
    assert_int_equal(item.error.code, ERR_LIMIT);
    assert_non_null(strstr(item.error.text, "16383"));
    item_free(&item);
}

/* Every third column is white: 85 on average, however many columns become one. */
static void extreme_factors_are_exact(void **state)
{
    (void)state;
    VipsImage *image = NULL;
    MUST(vips_black(&image, 30000, 4, "bands", 1, NULL));
    image = swap(image, vips_image_copy_memory(image));
    for (int i = 0; i < 4 * 30000; i++)
        image->data[i] = i % 3 == 1 ? 255 : 0;
    image->Type = VIPS_INTERPRETATION_B_W;
    VipsImage *small =
        rendered(encode(image, ".png"), "width: 20, height: 4, fit: fill, format: png");
    const double grey[] = {85};
    assert_size(small, 20, 4);
    for (int x = 0; x < 20; x++)
        assert_pixel(small, x, 1, grey, 1, 1);
    g_object_unref(small);
}

/* The whole picture would have 300 × 750000 pixels, of which 7 lines are wanted. */
static void cover_enlarges_only_what_it_keeps(void **state)
{
    (void)state;
    const double top[] = {10, 20, 30}, middle[] = {200, 100, 50};
    VipsImage *image = plain(2, 5000, 3, top);
    image = swap(image, vips_image_copy_memory(image));
    fill(image, 200, 100, 50, 0, 2400, 2, 200);
    image = rendered(encode(image, ".png"),
                     "width: 300, height: 7, fit: cover, enlarge: true, format: png");
    assert_size(image, 300, 7);
    assert_pixel(image, 1, 1, middle, 3, 0);
    assert_pixel(image, 298, 5, middle, 3, 0);
    g_object_unref(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_orientation_comes_out_upright),
        cmocka_unit_test(pictures_of_any_size_are_rendered),
        cmocka_unit_test(kept_metadata_does_not_turn_twice),
        cmocka_unit_test(sizes_and_fits),
        cmocka_unit_test(cover_keeps_the_centre),
        cmocka_unit_test(content_aware_crops_find_the_detail),
        cmocka_unit_test(contain_pads_with_the_background),
        cmocka_unit_test(contain_of_a_small_picture_is_not_enlarged),
        cmocka_unit_test(many_outputs_each_have_their_own_size_and_key),
        cmocka_unit_test(a_picture_too_large_for_its_format_is_refused),
        cmocka_unit_test(extreme_factors_are_exact),
        cmocka_unit_test(cover_enlarges_only_what_it_keeps),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
