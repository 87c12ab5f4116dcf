/* Outputs of several pages: each is made of its own page, whatever else is rendered, and fails
 * alone. */
#include "image_support.h"

#include "container_of.h"

enum { SIDE = 60, PAGES = 4 };

static const double colours[PAGES][3] = {{200, 0, 0}, {0, 180, 0}, {0, 0, 160}, {90, 90, 0}};

static struct bytes pages_as(const char *suffix)
{
    VipsImage *strip = plain(SIDE, SIDE * PAGES, 3, colours[0]);
    for (int i = 1; i < PAGES; i++)
        fill(strip, colours[i][0], colours[i][1], colours[i][2], 0, i * SIDE, SIDE, SIDE);
    vips_image_set_int(strip, VIPS_META_PAGE_HEIGHT, SIDE);
    return encode(strip, suffix);
}

static void check_colour(const struct rendition *rendition, const double *colour)
{
    VipsImage *image = decode(&rendition->body), *opaque = NULL;
    MUST(vips_extract_band(image, &opaque, 0, "n", 3, NULL)); /* a frame of a GIF has alpha */
    assert_pixel(opaque, 3, 3, colour, 3, 0);
    g_object_unref(swap(image, opaque));
}

static struct render_item item_of(const char *outputs)
{
    char text[600];
    snprintf(text, sizeof text, "name: x\nqueue: q\noutputs: [%s]\n", outputs);
    return (struct render_item){.pipeline = pipeline_of(text)};
}

static const char *const files[] = {".gif", ".tif", ".tif[bigtiff]", ".tif[compression=deflate]",
                                    ".webp[lossless]"};

static void an_output_shows_its_page(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct bytes source = pages_as(files[i]);
        struct render_item item =
            item_of("{key: c, page: 3, format: png}, {key: none, format: png}, "
                    "{key: b, page: 2, width: 20, format: png}, {key: a, page: 1, format: png}, "
                    "{key: d, page: 4, width: 20, format: png}");
        render_items(view(&source), &item, 1);
        assert_int_equal(item.error.code, 0);
        static const size_t pages[] = {2, 0, 1, 0, 3};
        for (size_t k = 0; k < sizeof pages / sizeof pages[0]; k++)
            check_colour(&item.renditions[k], colours[pages[k]]);
        assert_int_equal(item.facts.frames, PAGES);
        item_free(&item);
        bytes_free(&source);
    }
}

static bool same(const struct bytes *a, const struct bytes *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* A photograph, and the same photograph turned. */
static struct bytes two_photographs(void)
{
    VipsImage *image = photograph(320, 240), *turned = NULL, *both = NULL;
    MUST(vips_rot180(image, &turned, NULL));
    MUST(vips_join(image, turned, &both, VIPS_DIRECTION_VERTICAL, NULL));
    g_object_unref(image);
    g_object_unref(turned);
    VipsImage *strip = vips_image_copy_memory(both);
    g_object_unref(both);
    vips_image_set_int(strip, VIPS_META_PAGE_HEIGHT, 240);
    return encode(strip, ".tif");
}

/* Bytes follow from the pipelines that accept the photo, not from those that are rendered together. */
static void the_bytes_depend_on_the_audience_only(void **state)
{
    (void)state;
    struct bytes source = two_photographs();
    struct render_item items[] = {
        item_of("{key: a, width: 200, format: png}, {key: b, page: 2, width: 64, format: png}"),
        item_of("{key: c, page: 2, width: 160, format: png}, {key: d, width: 64, format: png}")};
    struct render_item alone =
        item_of("{key: a, width: 200, format: png}, {key: b, page: 2, width: 64, format: png}");
    struct pipeline *audience[] = {(struct pipeline *)(uintptr_t)items[0].pipeline,
                                   (struct pipeline *)(uintptr_t)items[1].pipeline};
    render_for(view(&source), audience, 2, items, 2);
    render_for(view(&source), audience, 2, &alone, 1);
    assert_int_equal(items[0].error.code, 0);
    assert_int_equal(alone.error.code, 0);
    for (size_t i = 0; i < 2; i++)
        assert_true(same(&items[0].renditions[i].body, &alone.renditions[i].body));
    assert_false(same(&items[0].renditions[1].body, &items[1].renditions[1].body));
    item_free(&items[0]);
    item_free(&items[1]);
    item_free(&alone);
    bytes_free(&source);
}

struct counter {
    struct render_gate gate;
    unsigned passed;
    int code;
};

static int count(struct render_gate *gate, uint64_t bytes)
{
    struct counter *counter = container_of(gate, struct counter, gate);
    assert_true(bytes > 0);
    counter->passed++;
    return counter->code;
}

static void render_through(struct bytes *source, struct counter *counter, struct render_item *items,
                           size_t item_count)
{
    static const struct pipeline_limits defaults;
    const struct render_source photo = {
        .bucket = "b", .key = "k.tif", .image = view(source), .gate = &counter->gate};
    vips_pipeline_ops.render(&photo, &defaults, items, item_count);
}

/* The header tells it, so nothing waits for memory or is decoded. */
static void a_missing_page_is_found_before_decoding(void **state)
{
    (void)state;
    struct bytes source = pages_as(".tif");
    struct counter counter = {.gate = {count}};
    struct render_item item = item_of("{key: a}, {key: b, page: 5}");
    render_through(&source, &counter, &item, 1);
    assert_int_equal(item.error.code, ERR_UNSUPPORTED);
    assert_string_equal(item.error.text, "an output needs page 5, but the image has 4 pages");
    assert_int_equal(counter.passed, 0);
    item_free(&item);
    bytes_free(&source);
}

static void memory_is_requested_once_for_all_pages(void **state)
{
    (void)state;
    struct bytes source = pages_as(".tif");
    struct counter counter = {.gate = {count}};
    struct render_item items[] = {item_of("{key: a, page: 2}, {key: b, page: 4}"),
                                  item_of("{key: c, page: 9}")};
    render_through(&source, &counter, items, 2);
    assert_int_equal(counter.passed, 1);
    assert_int_equal(items[0].error.code, 0);
    assert_int_equal(items[1].error.code, ERR_UNSUPPORTED);
    item_free(&items[0]);
    item_free(&items[1]);
    counter.code = ERR_CANCELLED;
    struct render_item cancelled = item_of("{key: a, page: 2}");
    render_through(&source, &counter, &cancelled, 1);
    assert_int_equal(cancelled.error.code, ERR_CANCELLED);
    item_free(&cancelled);
    bytes_free(&source);
}

/* Labels are of the first page, also if no output is. */
static void labels_are_of_the_first_page(void **state)
{
    (void)state;
    struct bytes source = pages_as(".tif");
    struct render_item item = {
        .pipeline = pipeline_of("name: x\nqueue: q\noutputs: [{key: a, page: 2, format: png}]\n"
                                "labels: {sidecar: l, min_confidence: 0}\n")};
    struct render_item plain_item = {
        .pipeline = pipeline_of("name: y\nqueue: q\nlabels: {sidecar: l, min_confidence: 0}\n")};
    render_items(view(&source), &item, 1);
    render_items(view(&source), &plain_item, 1);
    check_colour(&item.renditions[0], colours[1]);
    assert_true(item.labels.count > 0);
    assert_int_equal(item.labels.count, plain_item.labels.count);
    for (size_t i = 0; i < item.labels.count; i++)
        assert_string_equal(item.labels.entries[i].name, plain_item.labels.entries[i].name);
    item_free(&item);
    item_free(&plain_item);
    bytes_free(&source);
}

/* A chain of directories that leads back to its begin has no end, and no page behind it. */
static void a_circle_of_directories_ends(void **state)
{
    (void)state;
    struct bytes source = pages_as(".tif");
    unsigned char *at = source.data;
    size_t first = at[4] | (size_t)at[5] << 8 | (size_t)at[6] << 16;
    size_t entries = at[first] | (size_t)at[first + 1] << 8;
    memcpy(at + first + 2 + entries * 12, at + 4, 4);
    struct render_item item = item_of("{key: a, page: 9999}");
    render_items(view(&source), &item, 1);
    assert_int_not_equal(item.error.code, 0);
    item_free(&item);
    bytes_free(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_output_shows_its_page),
        cmocka_unit_test(the_bytes_depend_on_the_audience_only),
        cmocka_unit_test(a_missing_page_is_found_before_decoding),
        cmocka_unit_test(memory_is_requested_once_for_all_pages),
        cmocka_unit_test(labels_are_of_the_first_page),
        cmocka_unit_test(a_circle_of_directories_ends),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
