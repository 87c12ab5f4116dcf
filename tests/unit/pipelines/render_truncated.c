/* Files that end too early: what is complete is processed with a warning, what has lost pixels is
 * rejected unless the pipeline tolerates it. */
#include "image_support.h"

#include "gif_blocks.h"
#include "image_damage.h"
#include "jpeg_frame.h"

static const char strict_one[] =
    "name: strict\nqueue: q\nlabels: {sidecar: \"l/{name}\"}\noutputs:\n"
    "  - {key: \"a/{name}\", format: png}\n";
static const char tolerant_one[] = "name: tolerant\nqueue: q2\ntolerate: truncated\n"
                                   "labels: {sidecar: \"m/{name}\"}\n"
                                   "outputs: [{key: \"b/{name}\", format: png}]\n";
static const char strict_frames[] =
    "name: frames\nqueue: q3\noutputs: [{key: \"c/{name}\", frames: all}]\n";
static const char tolerant_frames[] = "name: frames-tolerant\nqueue: q4\ntolerate: truncated\n"
                                      "outputs: [{key: \"d/{name}\", frames: all}]\n";

enum { STRICT, TOLERANT, COUNT };

/* Both pipelines, in one render. */
static void render_cut(const struct bytes *image, size_t size, const char *first,
                       const char *second, struct render_item items[COUNT])
{
    /* a copy, so that a sanitizer sees every byte that is read behind the end */
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, image->data, size);
    memset(items, 0, COUNT * sizeof *items);
    items[STRICT].pipeline = pipeline_of(first);
    items[TOLERANT].pipeline = pipeline_of(second);
    render_items((struct slice){copy, size}, items, COUNT);
    free(copy);
}

static void free_both(struct render_item items[COUNT])
{
    item_free(&items[STRICT]);
    item_free(&items[TOLERANT]);
}

static bool has_label(const struct render_item *item, const char *value)
{
    for (size_t i = 0; i < item->labels.count; i++) {
        if (strcmp(item->labels.entries[i].name, "Incomplete") == 0)
            return strcmp(item->labels.entries[i].value, value) == 0;
    }
    return false;
}

/* What the whole file becomes. */
static VipsImage *intact(const struct bytes *image)
{
    struct render_item items[COUNT];
    render_cut(image, image->size, strict_one, tolerant_one, items);
    assert_int_equal(items[STRICT].error.code, 0);
    assert_int_equal(items[STRICT].facts.damage, IMAGE_INTACT);
    assert_false(has_label(&items[STRICT], "end"));
    VipsImage *whole = decode(&items[STRICT].renditions[0].body);
    free_both(items);
    return whole;
}

static double likeness(struct render_item *item, VipsImage *whole)
{
    VipsImage *made = decode(&item->renditions[0].body);
    if (made->Bands > whole->Bands) { /* opaque, as a GIF may be decoded */
        VipsImage *colours = NULL, *alpha = NULL;
        double least;
        MUST(vips_extract_band(made, &alpha, made->Bands - 1, NULL));
        MUST(vips_min(alpha, &least, NULL));
        assert_true(least == 255);
        g_object_unref(alpha);
        MUST(vips_extract_band(made, &colours, 0, "n", whole->Bands, NULL));
        made = swap(made, colours);
    }
    double db = psnr(made, whole);
    g_object_unref(made);
    return db;
}

static void expect_rejected(const struct render_item *item, size_t left)
{
    if (item->error.code != ERR_CORRUPT || !strstr(item->error.text, "damaged or truncated"))
        fail_msg("%zu bytes: %d %s", left, item->error.code, item->error.text);
    assert_null(item->renditions);
}

/* Whether the cut image was accepted, which is right only with all of its pixels. */
static bool check_strict(struct render_item *item, VipsImage *whole, size_t left)
{
    if (item->error.code) {
        expect_rejected(item, left);
        return false;
    }
    if (item->facts.damage != IMAGE_ENDS_EARLY || !has_label(item, "end"))
        fail_msg("%zu bytes: damage %u", left, item->facts.damage);
    if (likeness(item, whole) != 99)
        fail_msg("%zu bytes: %g dB", left, likeness(item, whole));
    return true;
}

static void check_tolerant(struct render_item *item, bool complete, size_t left)
{
    if (item->error.code)
        fail_msg("%zu bytes: %d %s", left, item->error.code, item->error.text);
    if (complete)
        assert_int_equal(item->facts.damage, IMAGE_ENDS_EARLY);
    else if (item->facts.damage != IMAGE_TRUNCATED || !has_label(item, "pixels"))
        fail_msg("%zu bytes: damage %u", left, item->facts.damage);
}

static bool tolerated = true; /* whether the format can be processed as far as it goes */

static bool check_cut(const struct bytes *image, VipsImage *whole, size_t left)
{
    struct render_item items[COUNT];
    render_cut(image, left, strict_one, tolerant_one, items);
    bool complete = check_strict(&items[STRICT], whole, left);
    if (complete || tolerated)
        check_tolerant(&items[TOLERANT], complete, left);
    else
        expect_rejected(&items[TOLERANT], left);
    free_both(items);
    return complete;
}

/* end: bytes that follow the last pixel. data: where the pixels begin. */
static void check_cuts(VipsImage *picture, const char *suffix, size_t end, size_t data)
{
    struct bytes image = encode(picture, suffix);
    VipsImage *whole = intact(&image);
    for (size_t cut = 1; cut <= end; cut++) {
        if (!check_cut(&image, whole, image.size - cut))
            fail_msg("%s without its last %zu bytes was rejected", suffix, cut);
    }
    /* Beyond a few bits, which may be padding, pixels are missing. */
    for (size_t cut = end + 9; cut < image.size - data; cut += image.size / 23) {
        if (check_cut(&image, whole, image.size - cut))
            fail_msg("%s without its last %zu bytes was accepted", suffix, cut);
    }
    for (size_t cut = end + 1; cut < end + 9; cut++) /* either, but consistently */
        check_cut(&image, whole, image.size - cut);
    g_object_unref(whole);
    bytes_free(&image);
}

static void a_jpeg_needs_its_pixels_and_not_its_end(void **state)
{
    (void)state;
    check_cuts(photograph(150, 110), ".jpg[Q=85]", 2, 1000);
    check_cuts(photograph(150, 110), ".jpg[Q=85,interlace]", 2, 1000);
    check_cuts(photograph(151, 113), ".jpg[Q=85,restart-interval=3]", 2, 1000);
}

static void a_png_needs_its_pixels_and_not_its_end(void **state)
{
    (void)state;
    check_cuts(photograph(90, 70), ".png", 12, 500);
    tolerated = false; /* libvips reads it as a whole */
    check_cuts(photograph(90, 70), ".png[interlace]", 12, 500);
    tolerated = true;
}

static void a_gif_needs_its_pixels_and_not_its_end(void **state)
{
    (void)state;
    check_cuts(photograph(90, 70), ".gif", 2, 900); /* the trailer, and the end of its blocks */
}

/* A progressive JPEG that ends behind one of its scans is a coarse picture, without a sign that
 * data is missing. */
static void a_jpeg_without_its_last_scan_lacks_pixels(void **state)
{
    (void)state;
    struct bytes image = encode(photograph(150, 110), ".jpg[Q=85,interlace]");
    VipsImage *whole = intact(&image);
    size_t scans = 0;
    for (size_t at = 600; at + 1 < image.size; at++) {
        const unsigned char *byte = (const unsigned char *)image.data + at;
        if (byte[0] != 0xff || (byte[1] != 0xc4 && byte[1] != 0xda))
            continue;
        struct slice cut = {image.data, at};
        assert_false(jpeg_frame_scans_complete(cut));
        assert_false(check_cut(&image, whole, at));
        scans++;
    }
    assert_true(scans >= 5);
    assert_true(jpeg_frame_scans_complete(view(&image)));
    g_object_unref(whole);
    bytes_free(&image);
}

/* What is missing must not be whatever was in memory. */
static void missing_pixels_are_of_one_colour(void **state)
{
    (void)state;
    static const char *const suffixes[] = {".png", ".gif"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const double white[] = {250, 250, 250};
        struct render_item items[COUNT];
        struct bytes before = encode(plain(200, 160, 3, white), ".png");
        struct bytes image = encode(photograph(200, 160), suffixes[i]);
        for (int k = 0; k < 3; k++) { /* memory that was in use */
            render_cut(&before, before.size, strict_one, tolerant_one, items);
            free_both(items);
        }
        render_cut(&image, image.size / 8, strict_one, tolerant_one, items);
        assert_int_equal(items[TOLERANT].error.code, 0);
        VipsImage *made = decode(&items[TOLERANT].renditions[0].body);
        const double none[] = {0, 0, 0};
        if (strcmp(suffixes[i], ".png") == 0)
            assert_pixel(made, 100, 150, none, 3, 0);
        double deviation;
        VipsImage *part = NULL;
        MUST(vips_extract_area(made, &part, 0, 150, 200, 10, NULL));
        MUST(vips_deviate(part, &deviation, NULL));
        assert_true(deviation < 1);
        g_object_unref(part);
        g_object_unref(made);
        free_both(items);
        bytes_free(&before);
        bytes_free(&image);
    }
}

static struct bytes animation(const char *suffix, int frames)
{
    VipsImage *image = photograph(60, 40 * frames), *made = NULL;
    MUST(vips_copy(image, &made, NULL));
    vips_image_set_int(made, VIPS_META_PAGE_HEIGHT, 40);
    g_object_unref(image);
    return encode(made, suffix);
}

/* The first frame of an animation is complete if only later ones are missing. */
static void an_animation_needs_all_frames_where_all_are_kept(void **state)
{
    (void)state;
    static const char *const suffixes[] = {".gif", ".webp[lossless]"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        struct bytes image = animation(suffixes[i], 5);
        struct render_item whole[COUNT], items[COUNT];
        render_cut(&image, image.size, strict_one, strict_frames, whole);
        VipsImage *first = decode(&whole[STRICT].renditions[0].body);
        for (size_t part = 7; part < 20; part += 4) {
            size_t left = image.size * part / 20;
            render_cut(&image, left, strict_one, tolerant_frames, items);
            assert_true(check_strict(&items[STRICT], first, left));
            assert_int_equal(items[TOLERANT].error.code, 0);
            assert_int_equal(items[TOLERANT].facts.damage, IMAGE_TRUNCATED);
            assert_in_range(items[TOLERANT].renditions[0].frames, 1, 5);
            free_both(items);
            render_cut(&image, left, strict_frames, tolerant_frames, items);
            expect_rejected(&items[STRICT], left);
            assert_int_equal(items[TOLERANT].error.code, 0);
            free_both(items);
        }
        g_object_unref(first);
        free_both(whole);
        bytes_free(&image);
    }
}

static void an_animation_needs_no_trailer(void **state)
{
    (void)state;
    struct bytes image = animation(".gif", 3);
    struct render_item items[COUNT];
    render_cut(&image, image.size - 1, strict_frames, tolerant_frames, items);
    assert_int_equal(items[STRICT].error.code, 0);
    assert_int_equal(items[STRICT].renditions[0].frames, 3);
    assert_int_equal(items[STRICT].facts.damage, IMAGE_ENDS_EARLY);
    free_both(items);
    bytes_free(&image);
}

/* Behind the pixels of a WebP is metadata. */
static void a_webp_needs_its_pixels_and_not_its_metadata(void **state)
{
    (void)state;
    VipsImage *picture = photograph(90, 70), *copy = NULL;
    MUST(vips_copy(picture, &copy, NULL));
    static const char exif[] = "Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0";
    vips_image_set_blob_copy(copy, VIPS_META_EXIF_NAME, exif, sizeof exif - 1);
    g_object_unref(picture);
    struct bytes image = encode(copy, ".webp[lossless]");
    VipsImage *whole = intact(&image);
    size_t metadata = image.size;
    while (memcmp(image.data + metadata - 4, "EXIF", 4) != 0)
        metadata--;
    for (size_t left = metadata - 4; left < image.size - 1; left += 5)
        assert_true(check_cut(&image, whole, left));
    struct render_item items[COUNT];
    render_cut(&image, metadata - 40, strict_one, tolerant_one, items);
    expect_rejected(&items[STRICT], metadata - 40);
    expect_rejected(&items[TOLERANT], metadata - 40); /* libwebp has no part of it */
    free_both(items);
    g_object_unref(whole);
    bytes_free(&image);
}

/* Their libraries have no part of a picture; libtiff would leave what was in memory. */
static void tiff_and_avif_are_complete_or_rejected(void **state)
{
    (void)state;
    static const char *const suffixes[] = {".tif", ".tif[compression=deflate]",
                                           ".tif[tile,tile-width=16,tile-height=16]", ".avif"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        struct bytes image = encode(photograph(120, 90), suffixes[i]);
        VipsImage *whole = intact(&image);
        for (size_t part = 1; part < 20; part += 2) {
            struct render_item items[COUNT];
            size_t left = image.size * part / 20;
            render_cut(&image, left, strict_one, tolerant_one, items);
            expect_rejected(&items[STRICT], left);
            expect_rejected(&items[TOLERANT], left);
            free_both(items);
        }
        g_object_unref(whole);
        bytes_free(&image);
    }
}

/* Reference: a frame of one colour per code. Counted by hand for a picture of 2 × 2 pixels. */
static void the_pixels_of_a_gif_are_counted(void **state)
{
    (void)state;
    /* Appendix F: codes of 3 bits: clear, 1, 2, 3, 0, end. */
    static const char gif[] = "GIF89a\x02\0\x02\0\x81\0\0"
                              "\0\0\0\xff\0\0\0\xff\0\0\0\xff"
                              ",\0\0\0\0\x02\0\x02\0\0"
                              "\x02\x03\x8c\x06\x05\0;";
    struct slice whole = {gif, sizeof gif - 1};
    struct gif_end end = gif_end_of(whole);
    assert_true(end.complete);
    assert_int_equal(end.frames, 1);
    for (size_t cut = 1; cut <= 5; cut++) {
        end = gif_end_of((struct slice){gif, whole.size - cut});
        assert_false(end.complete);
        /* the last byte of data has the end code only; the one before has the last pixel */
        assert_int_equal(end.cut, cut > 3);
        assert_int_equal(end.frames, cut <= 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jpeg_needs_its_pixels_and_not_its_end),
        cmocka_unit_test(a_png_needs_its_pixels_and_not_its_end),
        cmocka_unit_test(a_gif_needs_its_pixels_and_not_its_end),
        cmocka_unit_test(a_jpeg_without_its_last_scan_lacks_pixels),
        cmocka_unit_test(missing_pixels_are_of_one_colour),
        cmocka_unit_test(an_animation_needs_all_frames_where_all_are_kept),
        cmocka_unit_test(an_animation_needs_no_trailer),
        cmocka_unit_test(a_webp_needs_its_pixels_and_not_its_metadata),
        cmocka_unit_test(tiff_and_avif_are_complete_or_rejected),
        cmocka_unit_test(the_pixels_of_a_gif_are_counted),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
