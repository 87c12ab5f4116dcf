/* Sharing one decode: it does not change any output, items do not affect each other, and a repeat
 * gives the same bytes. */
#include "image_support.h"

#include <pthread.h>

#include "schema.h"

enum { ITEMS = 3 };

static const char *const settings[ITEMS] = {
    "width: 640, height: 640",
    "width: 240, height: 240",
    "width: 64, height: 64",
};

static struct pipeline *named(const char *name, const char *rest, const char *format)
{
    char text[400];
    snprintf(text, sizeof text,
             "name: %s\nqueue: q\noutputs: [{key: '%s/{name}', %s, format: %s}]\n", name, name,
             rest, format);
    return pipeline_of(text);
}

static void make_items(struct render_item *items, const char *format)
{
    for (int i = 0; i < ITEMS; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        items[i] = (struct render_item){.pipeline = named(name, settings[i], format)};
    }
}

static void free_items(struct render_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        item_free(&items[i]);
}

/* The picture without any of our code: libvips' own resize of the undamaged original. */
static VipsImage *ideal(VipsImage *original, int width, int height)
{
    VipsImage *made = NULL;
    MUST(vips_resize(original, &made, (double)width / original->Xsize, "vscale",
                     (double)height / original->Ysize, NULL));
    VipsImage *memory = vips_image_copy_memory(made);
    return swap(made, memory);
}

/*
 * Two thresholds. 40 dB between the shared and the unshared path, compared without the encoder: the
 * level from which two pictures are taken for equal side by side; the JPEG encoder at quality 80
 * alone is about ten below it. And against the ideal picture, the shared path may lose no more than
 * half a decibel to the unshared one, unless it is beyond 48 dB, where the error is that of
 * rounding to one step of 255: sharing must not be a quality setting.
 */
static void check_quality(int width, int height, const char *suffix)
{
    struct render_item shared[ITEMS] = {0}, alone[ITEMS] = {0};
    VipsImage *original = photograph(width, height);
    struct bytes source = encode(g_object_ref(original), suffix);
    make_items(shared, "png");
    make_items(alone, "png");
    render_items(view(&source), shared, ITEMS);
    for (int i = 0; i < ITEMS; i++) {
        render_items(view(&source), &alone[i], 1);
        VipsImage *a = only_output(&shared[i]), *b = only_output(&alone[i]);
        VipsImage *best = ideal(original, a->Xsize, a->Ysize);
        double between = psnr(a, b), with = psnr(a, best), without = psnr(b, best);
        if (between < 40 || (with < without - 0.5 && with < 48))
            fail_msg("%d × %d %s, %s: %.1f dB between the paths; %.1f and %.1f to the ideal", width,
                     height, suffix, settings[i], between, with, without);
        g_object_unref(a);
        g_object_unref(b);
        g_object_unref(best);
    }
    free_items(shared, ITEMS);
    free_items(alone, ITEMS);
    bytes_free(&source);
    g_object_unref(original);
}

static void sharing_cannot_be_seen(void **state)
{
    (void)state;
    check_quality(800, 600, ".jpg[Q=92]");
    check_quality(1300, 867, ".jpg[Q=92]");
    check_quality(1500, 1000, ".jpg[Q=92,no-subsample]");
    check_quality(700, 450, ".png[compression=1]");
    check_quality(1300, 700, ".webp[Q=90,effort=0]");
}

static bool same_bytes(const struct bytes *a, const struct bytes *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static void a_repeat_gives_the_same_bytes(void **state)
{
    (void)state;
    static const char *const formats[] = {"jpeg", "png", "webp", "avif", "tiff", "gif"};
    struct bytes source = encode(photograph(280, 200), ".jpg[Q=90]");
    for (size_t f = 0; f < sizeof formats / sizeof formats[0]; f++) {
        struct render_item first[ITEMS], second[ITEMS];
        make_items(first, formats[f]);
        make_items(second, formats[f]);
        render_items(view(&source), first, ITEMS);
        render_items(view(&source), second, ITEMS);
        for (int i = 0; i < ITEMS; i++) {
            assert_int_equal(first[i].error.code, 0);
            assert_true(same_bytes(&first[i].renditions[0].body, &second[i].renditions[0].body));
        }
        free_items(first, ITEMS);
        free_items(second, ITEMS);
    }
    bytes_free(&source);
}

/* A message that is repeated alone writes the same bytes as in a shared render. */
static void the_bytes_do_not_depend_on_the_other_items(void **state)
{
    (void)state;
    struct bytes source = encode(photograph(1500, 1000), ".jpg[Q=90]");
    struct render_item together[ITEMS] = {0}, alone[ITEMS] = {0};
    struct pipeline *audience[ITEMS];
    make_items(together, "jpeg");
    make_items(alone, "jpeg");
    for (int i = 0; i < ITEMS; i++)
        audience[i] = (struct pipeline *)(uintptr_t)together[i].pipeline;
    render_for(view(&source), audience, ITEMS, together, ITEMS);
    for (int i = 0; i < ITEMS; i++) {
        render_for(view(&source), audience, ITEMS, &alone[i], 1);
        assert_int_equal(alone[i].error.code, 0);
        assert_true(same_bytes(&together[i].renditions[0].body, &alone[i].renditions[0].body));
    }
    free_items(together, ITEMS);
    free_items(alone, ITEMS);
    bytes_free(&source);
}

/* Queues that request the same picture under different names: the encoder runs once, and each gets
 * its copy. */
static void twins_have_the_same_bytes_and_their_own_names(void **state)
{
    (void)state;
    struct bytes source = encode(photograph(400, 300), ".jpg");
    struct render_item items[3] = {{.pipeline = named("a", "scale: 0.5", "jpeg")},
                                   {.pipeline = named("b", "scale: 0.5", "jpeg")},
                                   {.pipeline = named("c", "scale: 0.5, quality: 60", "jpeg")}};
    render_items(view(&source), items, 3);
    assert_string_equal(items[0].renditions[0].key, "a/a b.jpg");
    assert_string_equal(items[1].renditions[0].key, "b/a b.jpg");
    assert_true(same_bytes(&items[0].renditions[0].body, &items[1].renditions[0].body));
    assert_ptr_not_equal(items[0].renditions[0].body.data, items[1].renditions[0].body.data);
    assert_true(items[2].renditions[0].body.size < items[0].renditions[0].body.size);
    assert_int_equal(items[1].renditions[0].width, 200);
    free_items(items, 3);
    bytes_free(&source);
}

static void a_cancelled_item_leaves_the_others(void **state)
{
    (void)state;
    struct bytes source = encode(photograph(400, 300), ".jpg");
    for (int cancelled = 0; cancelled < ITEMS; cancelled++) {
        atomic_bool flag;
        atomic_init(&flag, true);
        struct render_item items[ITEMS];
        make_items(items, "jpeg");
        items[cancelled].cancelled = &flag;
        render_items(view(&source), items, ITEMS);
        for (int i = 0; i < ITEMS; i++) {
            assert_int_equal(items[i].error.code, i == cancelled ? ERR_CANCELLED : 0);
            assert_int_equal(items[i].rendition_count, i == cancelled ? 0 : 1);
        }
        free_items(items, ITEMS);
    }
    bytes_free(&source);
}

static void a_failing_item_leaves_the_others(void **state)
{
    (void)state;
    struct bytes source = encode(photograph(400, 300), ".jpg");
    struct render_item items[2] = {
        {.pipeline = pipeline_of("name: a\nqueue: q\noutputs:\n  - {key: 'o/{name}', width: 300}\n"
                                 "  - {key: '{key}{key}', width: 30}\n")},
        {.pipeline = named("b", "width: 300", "jpeg")}};
    char key[800];
    static const struct pipeline_limits defaults;
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    struct render_source from = {
        .bucket = "photos", .key = key, .etag = "etag", .image = view(&source)};
    vips_pipeline_ops.render(&from, &defaults, items, 2); /* twice 799 bytes are too many */
    assert_int_equal(items[0].error.code, ERR_NAME_TOO_LONG);
    assert_null(items[0].renditions);
    assert_int_equal(items[1].error.code, 0);
    free_items(items, 2);
    bytes_free(&source);
}

static void a_corrupt_source_fails_every_item(void **state)
{
    (void)state;
    struct bytes source = encode(photograph(400, 300), ".jpg");
    struct render_item items[ITEMS];
    make_items(items, "jpeg");
    render_items((struct slice){source.data, source.size / 2}, items, ITEMS);
    for (int i = 0; i < ITEMS; i++) {
        assert_int_equal(items[i].error.code, ERR_CORRUPT);
        assert_int_equal(items[i].facts.width, 400); /* the facts of the header */
    }
    free_items(items, ITEMS);
    bytes_free(&source);
}

static void labels_come_with_the_pictures(void **state)
{
    (void)state;
    struct bytes source = encode(photograph(1000, 500), ".jpg");
    struct render_item items[2] = {
        {.pipeline = named("a", "width: 600", "jpeg")},
        {.pipeline =
             pipeline_of("name: tags\nqueue: q\nlabels: {sidecar: 'tags/{stem}-{width}.{ext}', "
                         "bucket: labels, max: 2}\n")}};
    render_items(view(&source), items, 2);
    assert_int_equal(items[0].error.code, 0);
    assert_int_equal(items[0].labels.count, 0);
    assert_null(items[0].sidecar_key);
    assert_int_equal(items[1].error.code, 0);
    assert_int_equal(items[1].rendition_count, 0);
    assert_int_equal(items[1].labels.count, 2);
    assert_true(items[1].labels.entries[0].confidence >= items[1].labels.entries[1].confidence);
    assert_true(items[1].write_tags);
    assert_string_equal(items[1].sidecar_key, "tags/a b-1000.json");
    assert_string_equal(items[1].sidecar_bucket, "labels");
    free_items(items, 2);
    bytes_free(&source);
}

/* A picture that was refused for its size must not be used for the labels.
 */
static void labels_do_not_use_a_refused_size(void **state)
{
    (void)state;
    struct bytes source = encode(photograph(300, 200), ".png");
    struct render_item items[2] = {
        {.pipeline = named("huge", "width: 16000, height: 16000, enlarge: true", "png")},
        {.pipeline = pipeline_of("name: tags\nqueue: q\nlabels: {}\n")}};
    render_items(view(&source), items, 2);
    assert_int_equal(items[0].error.code, ERR_LIMIT);
    assert_int_equal(items[1].error.code, 0);
    assert_true(items[1].labels.count > 0);
    free_items(items, 2);
    bytes_free(&source);
}

/* A labeler that is a service gets its names from the render, and no labels. */
static void a_service_labels_later(void **state)
{
    (void)state;
    struct bytes source = encode(photograph(300, 200), ".jpg");
    struct render_item item = {.pipeline =
                                   pipeline_of("name: t\nqueue: q\nlabels: "
                                               "{labeler: rekognition, sidecar: 't/{name}'}\n")};
    render_items(view(&source), &item, 1);
    assert_int_equal(item.error.code, 0);
    assert_int_equal(item.labels.count, 0);
    assert_string_equal(item.sidecar_key, "t/a b.jpg");
    assert_int_equal(item.facts.width, 300);
    item_free(&item);
    bytes_free(&source);
}

static struct render_item labelled_by(const char *labeler, bool reads, struct slice source)
{
    static const struct pipeline_limits defaults;
    char text[200];
    snprintf(text, sizeof text, "name: t\nqueue: q\nlabels: {labeler: %s}\n", labeler);
    struct render_item item = {.pipeline = pipeline_of(text)};
    struct render_source from = {
        .bucket = "photos", .key = "a", .etag = "e", .image = source, .labeler_reads = reads};
    vips_pipeline_ops.render(&from, &defaults, &item, 1);
    assert_int_equal(item.error.code, 0);
    assert_int_equal(item.rendition_count, 0);
    return item;
}

static void check_label_image(const char *labeler, bool reads, struct slice source, unsigned width,
                              unsigned height)
{
    struct render_item item = labelled_by(labeler, reads, source);
    assert_int_equal(item.label_image.body.size > 0, width > 0);
    assert_int_equal(item.label_image.width, width);
    assert_int_equal(item.label_image.height, height);
    assert_null(item.label_image.key);
    if (width)
        assert_memory_equal(item.label_image.body.data, "\xff\xd8\xff", 3);
    item_free(&item);
}

/* A service gets a JPEG unless it can use the object as it is. */
static void a_service_gets_a_jpeg_of_what_it_cannot_use(void **state)
{
    (void)state;
    struct bytes jpeg = encode(photograph(300, 200), ".jpg");
    struct bytes webp = encode(photograph(300, 200), ".webp");
    check_label_image("builtin", true, view(&webp), 0, 0);
    check_label_image("rekognition", true, view(&jpeg), 0, 0);
    check_label_image("rekognition", false, view(&jpeg), 0, 0);
    check_label_image("rekognition", true, view(&webp), 300, 200);
    check_label_image("{url: http://x/, size: 64}", true, view(&jpeg), 64, 43);
    check_label_image("{url: http://x/}", true, view(&jpeg), 300, 200);
    bytes_free(&webp);
    /* With its size: a comment of many segments after the first marker. */
    struct buffer large;
    buffer_init(&large, 8 * 1024 * 1024);
    static char segment[65537] = "\xff\xfe\xff\xff";
    buffer_append(&large, jpeg.data, 2);
    while (large.size <= REKOGNITION_BYTES_MAX)
        buffer_append(&large, segment, sizeof segment);
    buffer_append(&large, (char *)jpeg.data + 2, jpeg.size - 2);
    assert_int_equal(large.error, 0);
    check_label_image("rekognition", true, buffer_slice(&large), 0, 0);
    check_label_image("rekognition", false, buffer_slice(&large), 300, 200);
    buffer_free(&large);
    bytes_free(&jpeg);
}

/* Each key of an output, set to a value that changes the bytes beside outputs with `base`. */
static const struct difference {
    const char *key, *base, *value;
} differences[] = {
    {"key", "width: 40", "'other/{name}'"},
    {"bucket", "width: 40", "elsewhere"},
    {"width", "height: 40", "20"},
    {"height", "width: 40", "20"},
    {"widths", "format: png", "[20]"},
    {"dpr", "width: 40", "[0.5]"},
    {"scale", "format: png", "0.5"},
    {"fit", "width: 40, height: 40, enlarge: true", "contain"},
    {"crop", "width: 20, height: 40, fit: cover", "attention"},
    {"gravity", "width: 20, height: 40, fit: cover", "east"},
    {"focal", "width: 20, height: 40, fit: cover", "{x: 0.2}"},
    {"trim", "width: 40", "70"},
    {"linear", "width: 40, format: png", "true"},
    {"gamma", "width: 40, format: png", "2.2"},
    {"normalise", "width: 40, format: png", "true"},
    {"greyscale", "width: 40, format: png", "true"},
    {"tint", "width: 40, format: png", "red"},
    {"blur", "width: 40, format: png", "2"},
    {"sharpen", "width: 40, format: png", "1"},
    {"round", "width: 40, format: png", "5"},
    {"mask", "width: 40, format: png", "circle"},
    {"overlay", "width: 40, format: png", "{text: x}"},
    {"rotate", "width: 40", "180"},
    {"flip", "width: 40", "true"},
    {"flop", "width: 40", "true"},
    {"pad", "width: 40", "{left: 3}"},
    {"enlarge", "width: 300, height: 300, fit: contain, format: png", "true"},
    {"format", "width: 40", "webp"},
    {"quality", "width: 40, format: jpeg", "20"},
    {"formats", "width: 40, format: auto", "[jpeg]"},
    {"max_bytes", "width: 190, format: jpeg, target: ssim, ssim: 0.999", "1KiB"},
    {"target", "width: 40, format: jpeg, min_quality: 20, max_bytes: 1MiB", "ssim"},
    {"ssim", "width: 40, format: jpeg, target: ssim", "0.6"},
    {"min_quality", "width: 40, format: jpeg, target: ssim, ssim: 0.5", "60"},
    {"effort", "width: 40, format: webp, quality: 40", "6"},
    {"progressive", "width: 40, format: png", "true"},
    {"chroma", "width: 40, format: jpeg", "'4:4:4'"},
    {"lossless", "width: 40, format: webp", "true"},
    {"near_lossless", "width: 40, format: webp", "20"},
    {"palette", "width: 40, format: png", "true"},
    {"colours", "width: 40, format: png, palette: true", "2"},
    {"compression", "width: 40, format: tiff", "lzw"},
    {"strip", "width: 40, format: png", "false"},
    {"keep", "width: 40, format: png", "xmp"},
    {"background", "width: 40, format: jpeg", "red"},
    {"frames", "width: 40, format: webp", "all"},
    {"page", "width: 40", "1"},
    {"placeholder", "width: 40", "blurhash"},
    {"manifest", "width: 40", "'m/{name}.json'"},
    {"manifest_url", "width: 40, manifest: 'm/{name}.json'", "'https://x/'"},
    {"cache_control", "width: 40", "no-store"},
    {"content_disposition", "width: 40", "attachment"},
    {"sse", "width: 40", "'aws:kms'"},
    {"kms_key", "width: 40, sse: 'aws:kms'", "alias/photos"},
    {"storage_class", "width: 40", "STANDARD_IA"},
    {"acl", "width: 40", "public-read"},
    {"tags", "width: 40", "{a: b}"},
    {"metadata", "width: 40", "{a: b}"},
};

static const struct schema_key *output_keys(void)
{
    const struct schema_key *key = schema_pipeline.keys;
    while (strcmp(key->name, "outputs") != 0)
        key++;
    return key->section->keys;
}

static const struct difference *difference_of(const char *key)
{
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        if (strcmp(differences[i].key, key) == 0)
            return &differences[i];
    }
    fail_msg("no test of what a difference in \"%s\" does to twins", key);
    return NULL;
}

/* A plain output, and one that differs from it in one key. */
static struct render_item pair_of(const struct difference *d)
{
    char text[600];
    bool is_key = strcmp(d->key, "key") == 0;
    snprintf(text, sizeof text,
             "name: x\nqueue: q\noutputs: [{key: 'plain/{name}', %s}, {%s%s: %s, %s}]\n", d->base,
             is_key ? "" : "key: 'o/{width}/{name}', ", d->key, d->value, d->base);
    return (struct render_item){.pipeline = pipeline_of(text)};
}

static void check_difference(struct slice source, const struct schema_key *key)
{
    const struct difference *d = difference_of(key->name);
    struct render_item item = pair_of(d);
    render_items(source, &item, 1);
    assert_int_equal(item.error.code, 0);
    bool same = same_bytes(&item.renditions[0].body, &item.renditions[1].body);
    /* of a picture without others */
    bool still = strcmp(key->name, "frames") == 0 || strcmp(key->name, "page") == 0;
    if (same != (still || key->effect == EFFECT_STORE))
        fail_msg("outputs that differ in \"%s\" have %s bytes", key->name,
                 same ? "the same" : "different");
    item_free(&item);
}

static void a_difference_in_any_key_makes_no_twin(void **state)
{
    (void)state;
    static const char xmp[] = "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>";
    VipsImage *image = NULL, *opaque = photograph(200, 150);
    MUST(vips_bandjoin_const1(opaque, &image, 100, NULL)); /* so that a background shows */
    vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, xmp, sizeof xmp - 1);
    g_object_unref(opaque);
    struct bytes source = encode(image, ".png");
    for (const struct schema_key *key = output_keys(); key->name; key++)
        check_difference(view(&source), key);
    bytes_free(&source);
}

/* Simulates another value; the key's text is no longer valid afterwards. */
static void value_change(const struct schema_key *key, void *field)
{
    static char other[] = "other";
    switch (key->type) {
    case SCHEMA_INTEGER:
    case SCHEMA_CHOICE:
    case SCHEMA_SET:
    case SCHEMA_BYTES:
        ++*(int *)field;
        break;
    case SCHEMA_NUMBERS:
    case SCHEMA_INTEGERS:
    case SCHEMA_NUMBER: /* the first one */
        *(double *)field += 1;
        break;
    case SCHEMA_BOOLEAN:
        *(bool *)field = !*(bool *)field;
        break;
    case SCHEMA_COLOUR:
        ((struct colour *)field)->blue ^= 1;
        break;
    default:
        *(char **)field = other;
        break;
    }
}

static void only_keys_that_leave_the_bytes_alone_may_differ(void **state)
{
    (void)state;
    static const char *const harmless[] = {"key",      "bucket",        "width",
                                           "height",   "scale",         "enlarge",
                                           "frames",   "cache_control", "content_disposition",
                                           "sse",      "kms_key",       "storage_class",
                                           "acl",      "tags",          "metadata",
                                           "widths",   "dpr",           "placeholder",
                                           "manifest", "manifest_url",  "page"};
    size_t alike = 0;
    for (const struct schema_key *key = output_keys(); key->name; key++) {
        struct output_config a = {.effort = -1}, b = a;
        assert_true(schema_outputs_alike(&a, &b));
        value_change(key, (char *)&b + key->offset);
        bool expected = false;
        for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
            expected = expected || strcmp(harmless[i], key->name) == 0;
        if (schema_outputs_alike(&a, &b) != expected)
            fail_msg("outputs that differ in \"%s\"", key->name);
        alike += expected;
    }
    assert_int_equal(alike, sizeof harmless / sizeof harmless[0]);
}

static struct bytes thread_source;
static struct bytes thread_expected[ITEMS];

static const char focal_outputs[] =
    "name: a\nqueue: q\noutputs:\n"
    "  - {key: 'named/{name}', width: 20, height: 40, fit: cover, focal: {from: metadata, x: "
    "0.2}}\n"
    "  - {key: 'fixed/{name}', width: 20, height: 40, fit: cover, focal: {x: 0.2}}\n"
    "  - {key: 'right/{name}', width: 20, height: 40, fit: cover, focal: {x: 0.8}}\n"
    "  - {key: 'other/{name}', width: 20, height: 40, fit: cover, focal: {from: metadata, x: "
    "0.8}}\n";
enum { NAMED, FIXED, RIGHT, OTHER };

static struct render_item focal_render(const struct bytes *photo, struct focal_point point)
{
    static const struct pipeline_limits defaults;
    struct render_item item = {.pipeline = pipeline_of(focal_outputs)};
    const struct render_source from = {
        .bucket = "photos", .key = "a.png", .etag = "etag", .image = view(photo), .focal = point};
    vips_pipeline_ops.render(&from, &defaults, &item, 1);
    assert_int_equal(item.error.code, 0);
    return item;
}

static bool are_same(const struct render_item *item, size_t a, size_t b)
{
    return same_bytes(&item->renditions[a].body, &item->renditions[b].body);
}

static void twins_are_cut_around_the_same_point(void **state)
{
    (void)state;
    struct bytes source = encode(photograph(200, 150), ".png");
    struct render_item item = focal_render(&source, (struct focal_point){true, 0.8, 0.5});
    assert_false(are_same(&item, NAMED, FIXED));
    assert_true(are_same(&item, NAMED, RIGHT));
    assert_true(are_same(&item, NAMED, OTHER));
    item_free(&item);
    item = focal_render(&source, (struct focal_point){0});
    assert_true(are_same(&item, NAMED, FIXED));
    assert_false(are_same(&item, NAMED, OTHER));
    assert_true(are_same(&item, OTHER, RIGHT));
    item_free(&item);
    bytes_free(&source);
}

static void *render_on_a_thread(void *wrong)
{
    struct render_item items[ITEMS];
    for (int round = 0; round < 3; round++) {
        make_items(items, "jpeg");
        render_items(view(&thread_source), items, ITEMS);
        for (int i = 0; i < ITEMS; i++) {
            if (items[i].error.code ||
                !same_bytes(&items[i].renditions[0].body, &thread_expected[i]))
                atomic_fetch_add((atomic_int *)wrong, 1);
        }
        free_items(items, ITEMS);
    }
    vips_pipeline_ops.thread_end();
    return NULL;
}

static void threads_do_not_meet(void **state)
{
    (void)state;
    pthread_t threads[4];
    struct render_item items[ITEMS];
    atomic_int wrong;
    atomic_init(&wrong, 0);
    thread_source = encode(photograph(900, 700), ".jpg");
    make_items(items, "jpeg");
    render_items(view(&thread_source), items, ITEMS);
    for (int i = 0; i < ITEMS; i++)
        thread_expected[i] = items[i].renditions[0].body;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, render_on_a_thread, &wrong), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    free_items(items, ITEMS);
    bytes_free(&thread_source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sharing_cannot_be_seen),
        cmocka_unit_test(a_repeat_gives_the_same_bytes),
        cmocka_unit_test(the_bytes_do_not_depend_on_the_other_items),
        cmocka_unit_test(twins_have_the_same_bytes_and_their_own_names),
        cmocka_unit_test(a_cancelled_item_leaves_the_others),
        cmocka_unit_test(a_failing_item_leaves_the_others),
        cmocka_unit_test(a_corrupt_source_fails_every_item),
        cmocka_unit_test(labels_come_with_the_pictures),
        cmocka_unit_test(labels_do_not_use_a_refused_size),
        cmocka_unit_test(a_service_labels_later),
        cmocka_unit_test(a_service_gets_a_jpeg_of_what_it_cannot_use),
        cmocka_unit_test(a_difference_in_any_key_makes_no_twin),
        cmocka_unit_test(only_keys_that_leave_the_bytes_alone_may_differ),
        cmocka_unit_test(twins_are_cut_around_the_same_point),
        cmocka_unit_test(threads_do_not_meet),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
