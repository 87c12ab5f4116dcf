/* Colours, depths, transparency and metadata, from every kind of source to every kind of output. */
#include "image_support.h"

static const double red[] = {255, 0, 0}, white[] = {255, 255, 255};

static VipsImage *with_type(VipsImage *image, VipsInterpretation type)
{
    VipsImage *made = NULL;
    MUST(vips_copy(image, &made, "interpretation", type, NULL));
    return swap(image, made);
}

static VipsImage *times(VipsImage *image, double factor, VipsBandFormat format)
{
    VipsImage *product = NULL, *made = NULL;
    MUST(vips_linear1(image, &product, factor, 0, NULL));
    MUST(vips_cast(product, &made, format, NULL));
    g_object_unref(image);
    return swap(product, made);
}

/* 8-bit RGB to the same in 16 bits. */
static VipsImage *deepened(VipsImage *image)
{
    VipsInterpretation type =
        image->Bands < 3 ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16;
    return with_type(times(image, 257, VIPS_FORMAT_USHORT), type);
}

static void grey_stays_grey(void **state)
{
    (void)state;
    static const char *const formats[] = {"jpeg", "png", "tiff"};
    const double ink[] = {77};
    for (size_t i = 0; i < 3; i++) {
        char settings[100];
        snprintf(settings, sizeof settings, "width: 20, format: %s", formats[i]);
        VipsImage *image = rendered(encode(plain(100, 100, 1, ink), ".png"), settings);
        assert_int_equal(image->Bands, 1);
        assert_pixel(image, 10, 10, ink, 1, 1);
        g_object_unref(image);
    }
}

static void a_coloured_margin_makes_grey_coloured(void **state)
{
    (void)state;
    const double ink[] = {77}, grey[] = {77, 77, 77};
    VipsImage *image =
        rendered(encode(plain(100, 50, 1, ink), ".png"),
                 "width: 40, height: 40, fit: contain, format: png, background: red");
    assert_pixel(image, 20, 2, red, 3, 0);
    assert_pixel(image, 20, 20, grey, 3, 1);
    g_object_unref(image);
}

static void sixteen_bits_become_eight_unless_kept(void **state)
{
    (void)state;
    const double ink[] = {200, 100, 50}, kept[] = {51400, 25700, 12850};
    VipsImage *image = rendered(encode(deepened(plain(60, 40, 3, ink)), ".png"),
                                "width: 30, format: jpeg, quality: 95");
    assert_int_equal(image->BandFmt, VIPS_FORMAT_UCHAR);
    assert_pixel(image, 10, 10, ink, 3, 3);
    g_object_unref(image);
    image = rendered(encode(deepened(plain(60, 40, 3, ink)), ".tif"), "width: 30, format: png");
    assert_int_equal(image->BandFmt, VIPS_FORMAT_UCHAR);
    assert_pixel(image, 10, 10, ink, 3, 1);
    g_object_unref(image);
    image = rendered(encode(deepened(plain(60, 40, 3, ink)), ".png"), "width: 30, format: keep");
    assert_int_equal(image->BandFmt, VIPS_FORMAT_USHORT);
    assert_pixel(image, 10, 10, kept, 3, 2);
    g_object_unref(image);
}

/* One render that keeps the depth for one output and not for the other. */
static void both_depths_from_one_source(void **state)
{
    (void)state;
    const double ink[] = {40};
    struct render_item item = {
        .pipeline = pipeline_of("name: x\nqueue: q\noutputs:\n  - {key: a, width: 30}\n"
                                "  - {key: b, width: 30, format: jpeg}\n")};
    struct bytes source = encode(deepened(plain(60, 40, 1, ink)), ".png");
    render_items(view(&source), &item, 1);
    assert_int_equal(item.error.code, 0);
    VipsImage *deep = decode(&item.renditions[0].body), *shallow = decode(&item.renditions[1].body);
    const double kept[] = {40 * 257};
    assert_pixel(deep, 5, 5, kept, 1, 2);
    assert_pixel(shallow, 5, 5, ink, 1, 2);
    g_object_unref(deep);
    g_object_unref(shallow);
    bytes_free(&source);
    item_free(&item);
}

/* Left half opaque red, right half transparent. */
static VipsImage *half_transparent(void)
{
    const double ink[] = {255, 0, 0, 255};
    VipsImage *image = plain(100, 100, 4, ink);
    image = swap(image, vips_image_copy_memory(image));
    double clear[4] = {0, 0, 255, 0};
    MUST(vips_draw_rect(image, clear, 4, 50, 0, 50, 100, "fill", TRUE, NULL));
    return image;
}

static void transparency_is_kept_where_it_can_be(void **state)
{
    (void)state;
    static const char *const formats[] = {"png", "webp", "tiff", "avif", "gif"};
    const double opaque[] = {255, 0, 0, 255};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        char settings[100];
        double *found = NULL;
        int n;
        snprintf(settings, sizeof settings, "width: 40, format: %s, quality: 90", formats[i]);
        VipsImage *image = rendered(encode(half_transparent(), ".png"), settings);
        assert_int_equal(image->Bands, 4);
        assert_pixel(image, 8, 20, opaque, 4, 6);
        MUST(vips_getpoint(image, &found, &n, 32, 20, NULL));
        assert_true(found[3] == 0);
        g_free(found);
        g_object_unref(image);
    }
}

static void transparency_becomes_the_background_in_jpeg(void **state)
{
    (void)state;
    const double olive[] = {128, 128, 0};
    VipsImage *image =
        rendered(encode(half_transparent(), ".png"), "width: 40, format: jpeg, quality: 95");
    assert_int_equal(image->Bands, 3);
    assert_pixel(image, 32, 20, white, 3, 6);
    assert_pixel(image, 8, 20, red, 3, 8);
    g_object_unref(image);
    image = rendered(encode(half_transparent(), ".png"),
                     "width: 40, format: jpeg, quality: 95, background: olive");
    assert_pixel(image, 32, 20, olive, 3, 6);
    g_object_unref(image);
}

static VipsImage *cmyk(void)
{
    const double ink[] = {0, 255, 255, 0}; /* magenta and yellow: red */
    return with_type(plain(64, 48, 4, ink), VIPS_INTERPRETATION_CMYK);
}

static void cmyk_becomes_srgb(void **state)
{
    (void)state;
    static const char *const suffixes[] = {".jpg[Q=95]", ".tif"};
    for (size_t i = 0; i < 2; i++) {
        double *found = NULL;
        int n;
        VipsImage *image = rendered(encode(cmyk(), suffixes[i]), "width: 32, format: png");
        assert_int_equal(image->Type, VIPS_INTERPRETATION_sRGB);
        MUST(vips_getpoint(image, &found, &n, 10, 10, NULL));
        assert_int_equal(n, 3);
        assert_true(found[0] > 180 && found[1] < 90 && found[2] < 90); /* red, as ink goes */
        g_free(found);
        g_object_unref(image);
    }
}

static VipsImage *with_blob(VipsImage *image, const char *name, const void *data, size_t size)
{
    VipsImage *made = NULL;
    MUST(vips_copy(image, &made, NULL));
    vips_image_set_blob_copy(made, name, data, size);
    return swap(image, made);
}

static VipsImage *with_profile(VipsImage *image, const char *name)
{
    VipsBlob *profile = NULL;
    size_t size;
    MUST(vips_profile_load(name, &profile, NULL));
    const void *data = vips_blob_get(profile, &size);
    image = with_blob(image, VIPS_META_ICC_NAME, data, size);
    vips_area_unref(VIPS_AREA(profile));
    return image;
}

/* Display P3's purest colours lie outside sRGB; a muted one has a counterpart: by the matrices of
 * CSS Color 4, Display P3 (102, 153, 76) is sRGB (85.1, 154.7, 64.3). */
static void another_profile_is_converted(void **state)
{
    (void)state;
    const double p3[] = {102, 153, 76}, srgb[] = {85.1, 154.7, 64.3};
    VipsImage *image = rendered(encode(with_profile(plain(64, 64, 3, p3), "p3"), ".png"),
                                "width: 32, format: png");
    assert_pixel(image, 10, 10, srgb, 3, 1.5);
    assert_int_equal(vips_image_get_typeof(image, VIPS_META_ICC_NAME), 0);
    g_object_unref(image);
}

static void a_profile_is_kept_with_its_colours(void **state)
{
    (void)state;
    const double p3[] = {102, 153, 77};
    VipsImage *image = rendered(encode(with_profile(plain(64, 64, 3, p3), "p3"), ".png"),
                                "width: 32, format: png, strip: false");
    assert_pixel(image, 10, 10, p3, 3, 1);
    assert_true(vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0);
    g_object_unref(image);
}

/* CMYK's own metadata are kept, its profile only where its colours are. */
static void cmyk_is_kept_where_the_format_can(void **state)
{
    (void)state;
    VipsImage *image =
        rendered(encode(with_profile(cmyk(), "cmyk"), ".jpg[Q=95]"), "width: 32, strip: false");
    assert_int_equal(image->Type, VIPS_INTERPRETATION_CMYK);
    assert_true(vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0);
    g_object_unref(image);
    image = rendered(encode(with_profile(cmyk(), "cmyk"), ".jpg[Q=95]"),
                     "width: 32, format: png, strip: false");
    assert_int_equal(image->Type, VIPS_INTERPRETATION_sRGB);
    assert_int_equal(vips_image_get_typeof(image, VIPS_META_ICC_NAME), 0);
    g_object_unref(image);
}

static void packed_lab_is_unpacked(void **state)
{
    (void)state;
    VipsImage *lab = NULL, *packed = NULL, *rgb = four_corners(64, 64);
    MUST(vips_icc_import(rgb, &lab, "input_profile", "srgb", NULL)); /* by D50, as in TIFF */
    MUST(vips_colourspace(lab, &packed, VIPS_INTERPRETATION_LABQ, NULL));
    g_object_unref(rgb);
    vips_image_remove(lab, VIPS_META_ICC_NAME);
    lab = swap(lab, packed);
    VipsImage *image = rendered(encode(lab, ".tif"), "width: 32, format: png");
    assert_pixel(image, 4, 4, red, 3, 8); /* 8-bit Lab is coarse */
    assert_pixel(image, 28, 28, white, 3, 4);
    g_object_unref(image);
}

static void srgb_profiles_change_nothing(void **state)
{
    (void)state;
    const double ink[] = {102, 153, 77};
    VipsImage *image = rendered(encode(with_profile(plain(64, 64, 3, ink), "srgb"), ".png"),
                                "width: 32, format: png");
    assert_pixel(image, 10, 10, ink, 3, 1);
    g_object_unref(image);
}

static void a_broken_profile_is_ignored(void **state)
{
    (void)state;
    const double ink[] = {102, 153, 77};
    char garbage[500];
    memset(garbage, 'x', sizeof garbage);
    for (int i = 0; i < 2; i++) { /* the second time with a header that looks right */
        VipsImage *image = plain(64, 64, 3, ink);
        image = with_blob(image, VIPS_META_ICC_NAME, garbage, sizeof garbage);
        image = rendered(encode(image, ".jpg[Q=98,no-subsample]"), "width: 32, format: png");
        assert_pixel(image, 10, 10, ink, 3, 3);
        g_object_unref(image);
        memcpy(garbage + 16, "RGB ", 4);
        memcpy(garbage + 36, "acsp", 4);
        memset(garbage + 128, 0xff, 4);
    }
}

static VipsImage *with_exif(void)
{
    const double ink[] = {1, 2, 3};
    VipsImage *image = plain(64, 64, 3, ink), *made = NULL;
    MUST(vips_copy(image, &made, NULL));
    vips_image_set_string(made, "exif-ifd0-Model",
                          "Secret Camera (Secret Camera, ASCII, 14 components, 14 bytes)");
    return swap(image, made);
}

static bool contains(const struct bytes *body, const char *text)
{
    return memmem(body->data, body->size, text, strlen(text)) != NULL;
}

static void metadata_go_unless_kept(void **state)
{
    (void)state;
    static const char *const formats[] = {"jpeg", "webp", "tiff", "png"};
    struct bytes check = encode(with_exif(), ".jpg");
    assert_true(contains(&check, "Secret Camera"));
    bytes_free(&check);
    for (size_t i = 0; i < 4; i++) {
        char settings[100];
        snprintf(settings, sizeof settings, "width: 20, format: %s", formats[i]);
        struct render_item item = render_with(encode(with_exif(), ".jpg"), settings);
        assert_int_equal(item.error.code, 0);
        assert_false(contains(&item.renditions[0].body, "Secret Camera"));
        item_free(&item);
    }
    struct render_item item = render_with(encode(with_exif(), ".jpg"), "width: 20, strip: false");
    assert_int_equal(item.error.code, 0);
    assert_true(contains(&item.renditions[0].body, "Secret Camera"));
    item_free(&item);
}

static void keep_writes_the_format_it_read(void **state)
{
    (void)state;
    static const struct {
        const char *suffix, *type;
    } cases[] = {{".jpg", "image/jpeg"}, {".png", "image/png"},  {".webp", "image/webp"},
                 {".gif", "image/gif"},  {".tif", "image/tiff"}, {".avif", "image/avif"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct render_item item =
            render_with(encode(four_corners(64, 64), cases[i].suffix), "width: 32");
        VipsImage *image = only_output(&item);
        assert_string_equal(item.renditions[0].content_type, cases[i].type);
        assert_size(image, 32, 32);
        g_object_unref(image);
        item_free(&item);
    }
}

static void animated(const char *from, const char *settings, int frames, int page_height)
{
    /* Three frames of one colour each; a resize that mixed them would show. */
    const double inks[3][3] = {{250, 0, 0}, {0, 250, 0}, {0, 0, 250}};
    VipsImage *pages[3], *joined = NULL, *made = NULL;
    int delays[] = {100, 200, 300};
    for (int i = 0; i < 3; i++)
        pages[i] = plain(80, 40, 3, inks[i]);
    MUST(vips_arrayjoin(pages, &joined, 3, "across", 1, NULL));
    MUST(vips_copy(joined, &made, NULL));
    for (int i = 0; i < 3; i++)
        g_object_unref(pages[i]);
    joined = swap(joined, made);
    vips_image_set_int(joined, VIPS_META_PAGE_HEIGHT, 40);
    vips_image_set_array_int(joined, "delay", delays, 3);
    vips_image_set_int(joined, "loop", 5);
    struct render_item item = render_with(encode(joined, from), settings);
    if (item.error.code)
        fail_msg("%s", item.error.text);
    assert_int_equal(item.facts.frames, 3);
    assert_int_equal(item.renditions[0].frames, frames);
    assert_int_equal(item.renditions[0].height, page_height);
    const struct bytes *body = &item.renditions[0].body;
    VipsImage *out = frames > 1
                         ? vips_image_new_from_buffer(body->data, body->size, "", "n", -1, NULL)
                         : decode(body);
    assert_non_null(out);
    assert_int_equal(vips_image_get_n_pages(out), frames);
    for (int i = 0; i < frames; i++) {
        VipsImage *rgb = NULL;
        MUST(vips_extract_band(out, &rgb, 0, "n", 3, NULL));
        assert_pixel(rgb, 3, i * page_height + page_height / 2, inks[i], 3, 12);
        assert_pixel(rgb, 3, i * page_height + page_height - 1, inks[i], 3, 12);
        g_object_unref(rgb);
    }
    if (frames > 1) {
        int *delay, n, loop;
        MUST(vips_image_get_array_int(out, "delay", &delay, &n));
        assert_int_equal(n, 3);
        assert_int_equal(delay[1], 200);
        MUST(vips_image_get_int(out, "loop", &loop));
        assert_int_equal(loop, 5);
    }
    g_object_unref(out);
    item_free(&item);
}

static void animations_give_the_first_frame_or_all(void **state)
{
    (void)state;
    animated(".gif", "width: 40", 1, 20);
    animated(".gif", "width: 40, frames: all", 3, 20);
    animated(".webp[lossless]", "width: 40, frames: all, format: gif", 3, 20);
    animated(".gif", "width: 40, frames: all, format: webp, quality: 90", 3, 20);
    animated(".gif", "width: 30, height: 30, fit: cover, frames: all", 3, 30);
    animated(".gif", "width: 40, format: jpeg, quality: 95", 1, 20);
}

static void many_bands_are_still_a_picture(void **state)
{
    (void)state;
    VipsImage *rgb = four_corners(64, 64), *both = NULL;
    MUST(vips_bandjoin2(rgb, rgb, &both, NULL));
    g_object_unref(rgb);
    both = with_type(both, VIPS_INTERPRETATION_MULTIBAND);
    VipsImage *image = rendered(encode(both, ".tif"), "width: 32, format: png");
    assert_pixel(image, 4, 4, red, 3, 3);
    g_object_unref(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_stays_grey),
        cmocka_unit_test(a_coloured_margin_makes_grey_coloured),
        cmocka_unit_test(sixteen_bits_become_eight_unless_kept),
        cmocka_unit_test(both_depths_from_one_source),
        cmocka_unit_test(transparency_is_kept_where_it_can_be),
        cmocka_unit_test(transparency_becomes_the_background_in_jpeg),
        cmocka_unit_test(cmyk_becomes_srgb),
        cmocka_unit_test(another_profile_is_converted),
        cmocka_unit_test(a_profile_is_kept_with_its_colours),
        cmocka_unit_test(cmyk_is_kept_where_the_format_can),
        cmocka_unit_test(packed_lab_is_unpacked),
        cmocka_unit_test(srgb_profiles_change_nothing),
        cmocka_unit_test(a_broken_profile_is_ignored),
        cmocka_unit_test(metadata_go_unless_kept),
        cmocka_unit_test(keep_writes_the_format_it_read),
        cmocka_unit_test(animations_give_the_first_frame_or_all),
        cmocka_unit_test(many_bands_are_still_a_picture),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
