/* Invalid input: refused with the right code, early, and never with a crash. */
#include "image_support.h"

#include <sys/resource.h>

#include "image_format.h"
#include "image_load.h"

static struct slice text_slice(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static struct render_item render_limited(struct slice image, const char *settings,
                                         const struct pipeline_limits *limits)
{
    char text[300];
    struct render_source source = {
        .bucket = "photos", .key = "ingest/a.jpg", .etag = "etag", .image = image};
    snprintf(text, sizeof text, "name: x\nqueue: q\noutputs: [{key: 'o/{name}', %s}]\n", settings);
    struct render_item item = {.pipeline = pipeline_of(text)};
    vips_pipeline_ops.render(&source, limits, &item, 1);
    return item;
}

/* Renders and expects an error: nothing else may be in the item. */
static void refused(struct slice image, const char *settings, int code, const char *text)
{
    static const struct pipeline_limits defaults;
    struct render_item item = render_limited(image, settings, &defaults);
    if (item.error.code != code || (text && !strstr(item.error.text, text)))
        fail_msg("%d \"%s\", expected %d \"%s\"", item.error.code, item.error.text, code, text);
    assert_null(item.renditions);
    assert_int_equal(item.rendition_count, 0);
    assert_string_equal(vips_error_buffer(), "");
    item_free(&item);
}

static void data_that_is_no_image_is_described(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *what;
    } cases[] = {
        {"", "the file is empty"},
        {"hello, this is not a picture\n", "text"},
        {"%PDF-1.7\n", "this is a pdf image, and that format is not enabled"},
        {"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
         "this is a svg image, and that format is not enabled"},
        {"<?xml version=\"1.0\"?><svg/>", "--formats=+svg enables it"},
        {"<!DOCTYPE html><title>x</title>", "an HTML page"},
        {"PK\3\4rest", "a ZIP archive"},
        {"8BPS", "a Photoshop document"},
        {"xxxxftypisom", "a video"},
        {"\1\2\3\4\5", "unknown"},
        {"\xff\xd8", "unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused(text_slice(cases[i].bytes), "width: 10", ERR_UNSUPPORTED, cases[i].what);
}

static void a_format_is_detected_from_its_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *suffix;
        enum image_format format;
    } cases[] = {{".jpg", FORMAT_JPEG}, {".png", FORMAT_PNG},  {".webp", FORMAT_WEBP},
                 {".gif", FORMAT_GIF},  {".tif", FORMAT_TIFF}, {".tif[bigtiff]", FORMAT_TIFF},
                 {".avif", FORMAT_AVIF}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes image = encode(four_corners(32, 32), cases[i].suffix);
        assert_int_equal(image_format_sniff(view(&image)), cases[i].format);
        bytes_free(&image);
    }
}

static uint32_t crc32_of(const unsigned char *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void put32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* A PNG with a huge size in its header and only a few bytes of data. */
static size_t png_bomb(unsigned char *out, uint32_t width, uint32_t height)
{
    static const unsigned char start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                          0,    0,   0,   13,  'I',  'H',  'D',  'R'};
    static const unsigned char rest[] = {8, 2, 0, 0, 0};
    static const unsigned char data[] = {'I', 'D', 'A', 'T', 0x78, 0x9c, 0x63, 0x60, 0x18, 0x05};
    memcpy(out, start, 16);
    put32(out + 16, width);
    put32(out + 20, height);
    memcpy(out + 24, rest, 5);
    put32(out + 29, crc32_of(out + 12, 17));
    put32(out + 33, 6);
    memcpy(out + 37, data, 10);
    put32(out + 47, crc32_of(out + 37, 10));
    return 51;
}

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static int probe(struct slice image, struct image_facts *facts, struct error *error)
{
    static const struct pipeline_limits limits;
    struct image_source source;
    int code = image_probe(image, &limits, &source, NULL, error);
    *facts = source.facts;
    return code;
}

static void a_bomb_is_refused_from_its_header(void **state)
{
    (void)state;
    unsigned char png[64];
    size_t size = png_bomb(png, 100000, 100000);
    struct slice bomb = {(const char *)png, size};
    struct image_facts facts;
    struct error error = {0};
    long before = peak_kib();
    assert_int_equal(probe(bomb, &facts, &error), 0);
    assert_int_equal(facts.width, 100000);
    assert_int_equal(facts.height, 100000);
    refused(bomb, "width: 10", ERR_LIMIT, "100000 × 100000 pixels");
    assert_true(peak_kib() - before < 16 * 1024); /* its pixels would be 28 GiB */
}

static void limits_are_exact(void **state)
{
    (void)state;
    struct bytes image = encode(four_corners(100, 50), ".png");
    struct slice slice = view(&image);
    const struct {
        struct pipeline_limits limits;
        int code;
    } cases[] = {
        {{.max_pixels = 5000}, 0},      {{.max_pixels = 4999}, ERR_LIMIT},
        {{.max_bytes = image.size}, 0}, {{.max_bytes = image.size - 1}, ERR_LIMIT},
        {{.max_frames = 1}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct render_item item = render_limited(slice, "width: 10", &cases[i].limits);
        assert_int_equal(item.error.code, cases[i].code);
        item_free(&item);
    }
    bytes_free(&image);
}

static struct bytes animation(int frames)
{
    const double ink[] = {9, 99, 199};
    VipsImage *image = plain(20, 10 * frames, 3, ink), *made = NULL;
    for (int i = 0; i < frames; i++) { /* each frame differs, or the encoder would join them */
        if (i == 0)
            image = swap(image, vips_image_copy_memory(image));
        fill(image, i % 256, 0, 0, i % 10, i * 10, 5, 5);
    }
    MUST(vips_copy(image, &made, NULL));
    vips_image_set_int(made, VIPS_META_PAGE_HEIGHT, 10);
    g_object_unref(image);
    return encode(made, ".gif");
}

static void many_frames_are_refused(void **state)
{
    (void)state;
    struct bytes gif = animation(30);
    const struct pipeline_limits few = {.max_frames = 29}, enough = {.max_frames = 30};
    const struct pipeline_limits pixels = {.max_pixels = 200 * 29};
    struct render_item item = render_limited(view(&gif), "width: 10", &few);
    assert_int_equal(item.error.code, 0); /* the first one needs no other */
    assert_int_equal(item.renditions[0].frames, 1);
    item_free(&item);
    item = render_limited(view(&gif), "width: 10, frames: all", &few);
    assert_int_equal(item.error.code, ERR_LIMIT);
    assert_non_null(strstr(item.error.text, "30 frames"));
    item_free(&item);
    item = render_limited(view(&gif), "width: 10, frames: all", &enough);
    assert_int_equal(item.error.code, 0);
    item_free(&item);
    /* All frames together count against the pixels where all are kept, and only there. */
    item = render_limited(view(&gif), "width: 10, frames: all", &pixels);
    assert_int_equal(item.error.code, ERR_LIMIT);
    item_free(&item);
    item = render_limited(view(&gif), "width: 10", &pixels);
    assert_int_equal(item.error.code, 0);
    item_free(&item);
    bytes_free(&gif);
}

static const char *const suffixes[] = {
    ".jpg[Q=90]", ".jpg[Q=90,interlace]",      ".png", ".png[interlace]", ".webp",
    ".gif",       ".tif[compression=deflate]", ".avif"};

static void a_truncated_image_is_corrupt(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        struct bytes image = encode(photograph(320, 240), suffixes[i]);
        for (size_t part = 1; part < 20; part += 3) {
            struct slice cut = {image.data, image.size * part / 20};
            static const struct pipeline_limits defaults;
            struct render_item item = render_limited(cut, "width: 100, format: png", &defaults);
            if (item.error.code != ERR_CORRUPT)
                fail_msg("%s cut to %zu of %zu bytes: %d %s", suffixes[i], cut.size, image.size,
                         item.error.code, item.error.text);
            assert_non_null(strstr(item.error.text, "damaged or truncated"));
            item_free(&item);
        }
        bytes_free(&image);
    }
}

/* The last bytes of a JPEG's pixels, not of its end: the case that many decoders let pass. */
static void a_jpeg_without_its_last_lines_is_corrupt(void **state)
{
    (void)state;
    struct bytes image = encode(photograph(640, 480), ".jpg[Q=90]");
    struct slice cut = {image.data, image.size - image.size / 50};
    refused(cut, "width: 600", ERR_CORRUPT, "jpeg");
    refused(cut, "width: 60", ERR_CORRUPT, "jpeg");
    bytes_free(&image);
}

/* Junk after the end, as some cameras write it, is accepted. */
static void small_oddities_are_tolerated(void **state)
{
    (void)state;
    struct bytes image = encode(photograph(64, 64), ".jpg[Q=90]");
    char *longer = calloc(1, image.size + 1000);
    assert_non_null(longer);
    memcpy(longer, image.data, image.size);
    struct render_item item =
        render_with(bytes_give(longer, image.size + 1000), "width: 32, format: png");
    assert_int_equal(item.error.code, 0);
    bytes_free(&image);
    item_free(&item);
}

/* Bytes changed anywhere: any result but a crash. Under the sanitizers this is where they look. */
static void damaged_images_never_crash(void **state)
{
    (void)state;
    uint32_t random = 12345;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        struct bytes image = encode(photograph(48, 40), suffixes[i]);
        for (int round = 0; round < 25; round++) {
            static const struct pipeline_limits small = {.max_pixels = 4 * 1000 * 1000};
            char *copy = malloc(image.size);
            assert_non_null(copy);
            memcpy(copy, image.data, image.size);
            for (int k = 0; k < 1 + round / 5; k++) {
                random = random * 1664525 + 1013904223;
                copy[(random >> 8) % image.size] = (char)random;
            }
            struct render_item item =
                render_limited((struct slice){copy, image.size}, "width: 20", &small);
            item_free(&item);
            free(copy);
        }
        bytes_free(&image);
    }
}

static void a_probe_reads_the_header_alone(void **state)
{
    (void)state;
    struct bytes image = encode(photograph(640, 480), ".jpg[Q=90]");
    struct slice head = {image.data, 1000};
    struct image_facts facts;
    struct error error = {0};
    assert_int_equal(probe(head, &facts, &error), 0);
    assert_int_equal(facts.width, 640);
    assert_int_equal(facts.height, 480);
    assert_int_equal(facts.bands, 3);
    assert_int_equal(facts.frames, 1);
    assert_int_equal(facts.orientation, 1);
    assert_string_equal(facts.format, "jpeg");
    assert_int_equal(probe(text_slice("hello"), &facts, &error), ERR_UNSUPPORTED);
    assert_int_equal(probe((struct slice){image.data, 20}, &facts, &error), ERR_CORRUPT);
    bytes_free(&image);
}

/* A line of pixels that is to cover a square becomes huge on the way there. */
static void results_have_the_same_limit(void **state)
{
    (void)state;
    struct bytes image = encode(four_corners(4000, 2), ".png");
    long before = peak_kib();
    refused(view(&image), "width: 16000, height: 16000, fit: cover, enlarge: true", ERR_LIMIT,
            "16000 × 16000");
    refused(view(&image), "width: 16000, height: 16000, fit: contain", ERR_LIMIT, "16000 × 16000");
    assert_true(peak_kib() - before < 16 * 1024);
    bytes_free(&image);
}

static void a_key_that_would_be_too_long_is_a_limit(void **state)
{
    (void)state;
    char key[1025];
    static const struct pipeline_limits defaults;
    memset(key, 'k', 1024);
    key[1024] = '\0';
    struct bytes image = encode(four_corners(32, 32), ".png");
    struct render_source source = {
        .bucket = "photos", .key = key, .etag = "etag", .image = view(&image)};
    struct render_item item = {
        .pipeline = pipeline_of("name: x\nqueue: q\noutputs: [{key: 'o/{name}', width: 3}]\n")};
    vips_pipeline_ops.render(&source, &defaults, &item, 1);
    assert_int_equal(item.error.code, ERR_NAME_TOO_LONG);
    assert_null(item.renditions);
    bytes_free(&image);
    item_free(&item);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_that_is_no_image_is_described),
        cmocka_unit_test(a_format_is_detected_from_its_bytes),
        cmocka_unit_test(a_bomb_is_refused_from_its_header),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(many_frames_are_refused),
        cmocka_unit_test(a_truncated_image_is_corrupt),
        cmocka_unit_test(a_jpeg_without_its_last_lines_is_corrupt),
        cmocka_unit_test(small_oddities_are_tolerated),
        cmocka_unit_test(damaged_images_never_crash),
        cmocka_unit_test(a_probe_reads_the_header_alone),
        cmocka_unit_test(results_have_the_same_limit),
        cmocka_unit_test(a_key_that_would_be_too_long_is_a_limit),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
