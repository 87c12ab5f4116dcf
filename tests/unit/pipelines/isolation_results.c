/*
 * What a decoder process sends back: the same results as a thread, and nothing else is accepted.
 * This executable is also the decoder, and renders as the product does.
 */
#include "isolation_world.h"

#include <limits.h>
#include <unistd.h>

#include "decoder_child.h"
#include "decoder_reply.h"
#include "isolation.h"
#include "samples.h"

enum { MEMORY = 512 << 20 };

static int set_up(void **state)
{
    return isolation_set_up(PATIENCE_MS, MEMORY, state);
}

/* ---- results ---- */

static void assert_same_rendition(const struct rendition *a, const struct rendition *b)
{
    assert_int_equal(!a->key, !b->key);
    if (a->key)
        assert_string_equal(a->key, b->key);
    if (a->bucket)
        assert_string_equal(a->bucket, b->bucket);
    else
        assert_null(b->bucket);
    assert_string_equal(a->content_type, b->content_type);
    assert_ptr_equal(a->settings, b->settings);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->frames, b->frames);
    assert_int_equal(a->body.size, b->body.size);
    assert_memory_equal(a->body.data, b->body.data, a->body.size);
}

static void assert_same_item(const struct render_item *a, const struct render_item *b)
{
    assert_int_equal(a->error.code, b->error.code);
    if (a->error.code)
        assert_string_equal(a->error.text, b->error.text);
    assert_int_equal(a->rendition_count, b->rendition_count);
    for (size_t i = 0; i < a->rendition_count; i++)
        assert_same_rendition(&a->renditions[i], &b->renditions[i]);
    assert_memory_equal(&a->labels, &b->labels, sizeof a->labels);
    assert_int_equal(a->label_image.body.size, b->label_image.body.size);
    if (a->label_image.body.size)
        assert_same_rendition(&a->label_image, &b->label_image);
    assert_memory_equal(&a->facts, &b->facts, sizeof a->facts);
    assert_int_equal(a->write_tags, b->write_tags);
    assert_int_equal(!a->sidecar_key, !b->sidecar_key);
    if (a->sidecar_key)
        assert_string_equal(a->sidecar_key, b->sidecar_key);
}

enum { PIPELINES = 5 };

/* For the first of the pipelines; the others are waited for. */
static void compare(struct slice image, struct pipeline **pipelines, size_t count)
{
    static const struct pipeline_limits defaults;
    struct render_source source = source_of("in/a b.jpg", image);
    source.focal = (struct focal_point){true, 0.1, 0.9};
    source.audience = pipelines;
    source.audience_count = PIPELINES;
    struct render_item here[PIPELINES] = {{0}}, there[PIPELINES] = {{0}};
    for (size_t i = 0; i < PIPELINES; i++)
        here[i].pipeline = there[i].pipeline = pipelines[i];
    vips_pipeline_ops.render(&source, &defaults, here, count);
    isolated_pipeline_ops.render(&source, &defaults, there, count);
    for (size_t i = 0; i < count; i++) {
        assert_same_item(&here[i], &there[i]);
        render_item_clear(&here[i]);
        render_item_clear(&there[i]);
    }
}

static void compare_file(const char *path, struct pipeline **pipelines)
{
    gchar *data;
    gsize size;
    assert_true(g_file_get_contents(path, &data, &size, NULL));
    compare((struct slice){data, size}, pipelines, PIPELINES);
    compare((struct slice){data, size}, pipelines, 1);
    compare((struct slice){data, size / 2}, pipelines, PIPELINES); /* damaged */
    g_free(data);
}

/* In the place of the largest sample, which takes as long as the others together: samples_write keeps what is there. */
static void put_small_photo(const char *folder)
{
    char path[PATH_MAX];
    struct bytes photo = encode(four_corners(120, 80), ".jpg");
    snprintf(path, sizeof path, "%s/sierra-24-megapixels.jpg", folder);
    assert_true(g_file_set_contents(path, photo.data, (gssize)photo.size, NULL));
    bytes_free(&photo);
}

/* Every sample, whole and cut short, through pipelines that use every codec. */
static void results_are_those_of_a_thread(void **state)
{
    (void)state;
    static const char *const texts[PIPELINES] = {
        "name: a\nqueue: qa\noutputs: [{key: 'a/{name}', width: 300, cache_control: 'max-age=5'},"
        " {key: 'b/{stem}.{ext}', bucket: other, width: 100, height: 100, fit: cover,"
        " crop: attention, format: webp}]\n",
        "name: b\nqueue: qb\noutputs: [{key: 'c/{width}x{height}/{name}', width: 64, format: png},"
        " {key: 'd/{name}', format: keep, frames: all, width: 50, strip: false}]\n",
        "name: c\nqueue: qc\nlabels: {tags: true, sidecar: 's/{dir}/{name}.json'}\n",
        "name: d\nqueue: qd\noutputs: [{key: 'e/{name}', width: 40, format: tiff},"
        " {key: 'f/{name}', width: 60, format: gif},"
        " {key: 'g/{name}', width: 30, height: 60, fit: cover, focal: {from: metadata}}]\n",
        "name: e\nqueue: qe\nlabels: {labeler: {url: 'http://x/', size: 70}, sidecar: "
        "'l/{name}'}\n",
    };
    struct pipeline *pipelines[PIPELINES];
    char folder[] = "/tmp/thumbwheel-isolation-XXXXXX", **paths = NULL;
    size_t count = 0;
    struct error error = {0};
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < PIPELINES; i++)
        pipelines[i] = pipeline_of(texts[i]);
    put_small_photo(folder);
    if (samples_write(folder, &paths, &count, &error))
        fail_msg("%s", error.text);
    assert_true(count > 10);
    for (size_t i = 0; i < count; i++) {
        compare_file(paths[i], pipelines);
        unlink(paths[i]);
        free(paths[i]);
    }
    compare(slice_of("not an image"), pipelines, PIPELINES);
    compare(slice_of(""), pipelines, PIPELINES);
    for (size_t i = 0; i < PIPELINES; i++)
        vips_pipeline_ops.release(pipelines[i]);
    free(paths);
    rmdir(folder);
}

/* More pipelines than a decoder caches, in sequence and twice, as after reloads. */
static void pipelines_come_and_go(void **state)
{
    const struct world *w = *state;
    for (unsigned i = 0; i < 2 * DECODER_SLOTS + 5; i++) {
        char text[128];
        unsigned width = 10 + i % 70;
        snprintf(text, sizeof text,
                 "name: p%u\nqueue: q\noutputs: [{key: '{pipeline}', width: %u}]\n", i, width);
        struct render_item items[2] = {{.pipeline = pipeline_of(text)}, {.pipeline = w->pipeline}};
        static const struct pipeline_limits defaults;
        const struct render_source source = source_of("in/a.png", view(&w->photo));
        isolated_pipeline_ops.render(&source, &defaults, items, 2);
        assert_int_equal(items[0].error.code, 0);
        assert_int_equal(items[0].renditions[0].width, width);
        assert_int_equal(items[1].renditions[0].width, 40);
        render_item_clear(&items[1]);
        item_free(&items[0]);
    }
}

static void limits_reach_the_decoder(void **state)
{
    const struct world *w = *state;
    const struct pipeline_limits tight = {.max_pixels = 120 * 80 - 1};
    const struct render_source source = source_of("in/a.png", view(&w->photo));
    struct render_item item = {.pipeline = w->pipeline};
    isolated_pipeline_ops.render(&source, &tight, &item, 1);
    assert_int_equal(item.error.code, ERR_LIMIT);
    assert_int_equal(item.facts.width, 120);
}

/* ---- replies, byte for byte ---- */

static struct render_item truth(const struct pipeline *pipeline)
{
    struct render_item item = {.pipeline = pipeline,
                               .facts = {120, 80, 3, 1, 1, IMAGE_INTACT, "png"},
                               .rendition_count = 1,
                               .labels = {.entries = {{"Sharp", "", 90}}, .count = 1}};
    item.renditions = calloc(1, sizeof *item.renditions);
    item.renditions[0] = (struct rendition){.content_type = "image/png",
                                            .body = {.size = 100},
                                            .width = 40,
                                            .height = 27,
                                            .frames = 1,
                                            .milliseconds = 2};
    return item;
}

static int read_back(struct buffer *reply, uint64_t most, const struct pipeline *pipeline)
{
    const struct render_source source = source_of("in/a.png", (struct slice){0});
    struct render_item item = {.pipeline = pipeline}, *items[] = {&item};
    int code = decoder_reply_read(buffer_slice(reply), most, &source, items, 1);
    if (!code && !item.error.code) {
        assert_int_equal(item.rendition_count, 1);
        assert_true(item.renditions[0].body.size <= most);
        assert_true(item.labels.count <= LABELS_MAX);
    }
    render_item_clear(&item);
    return code;
}

typedef void change(struct render_item *item);

static int read_changed(const struct pipeline *pipeline, change *edit)
{
    struct buffer reply;
    struct render_item item = truth(pipeline);
    edit(&item);
    buffer_init(&reply, DECODER_META_MAX);
    assert_int_equal(decoder_reply_write(&reply, &item, 1), 0);
    int code = read_back(&reply, 100, pipeline);
    buffer_free(&reply);
    free(item.renditions);
    return code;
}

static void no_change(struct render_item *item)
{
    (void)item;
}
static void larger_than_sent(struct render_item *item)
{
    item->renditions[0].body.size = 101;
}
static void empty_body(struct render_item *item)
{
    item->renditions[0].body.size = 0;
}
static void no_width(struct render_item *item)
{
    item->renditions[0].width = 0;
}
static void too_high(struct render_item *item)
{
    item->renditions[0].height = 2000000;
}
static void no_frames(struct render_item *item)
{
    item->renditions[0].frames = 0;
}
static void not_a_time(struct render_item *item)
{
    item->renditions[0].milliseconds = NAN;
}
static void other_type(struct render_item *item)
{
    item->renditions[0].content_type = "text/html";
}
static void no_type(struct render_item *item)
{
    item->renditions[0].content_type = NULL;
}
static void too_few(struct render_item *item)
{
    item->rendition_count = 0;
}
static void many_labels(struct render_item *item)
{
    item->labels.count = 3;
}
static void sure_label(struct render_item *item)
{
    item->labels.entries[0].confidence = 1e9;
}
static void no_label(struct render_item *item)
{
    item->labels.entries[0].name[0] = '\0';
}
static void dirty_label(struct render_item *item)
{
    item->labels.entries[0].name[1] = '\n';
}
static void not_utf8(struct render_item *item)
{
    item->labels.entries[0].name[1] = (char)0xff;
}
static void no_format(struct render_item *item)
{
    strcpy(item->facts.format, "exe");
}
static void no_facts(struct render_item *item)
{
    item->facts.width = 0;
}
static void label_image(struct render_item *item)
{
    item->label_image = item->renditions[0];
    item->label_image.content_type = "image/jpeg";
    item->label_image.body.size = 1;
    item->renditions[0].body.size = 99;
}
static void png_for_labels(struct render_item *item)
{
    label_image(item);
    item->label_image.content_type = "image/png";
}
static void large_label_image(struct render_item *item)
{
    label_image(item);
    item->label_image.body.size = 2;
}
static void odd_error(struct render_item *item)
{
    item->error.code = ERR_DENIED;
}
static void good_error(struct render_item *item)
{
    error_set(&item->error, ERR_CORRUPT, "bad");
}

static void invalid_replies_are_refused(void **state)
{
    (void)state;
    static const struct {
        change *edit;
        int code;
    } cases[] = {
        {no_change, 0},
        {good_error, 0},
        {larger_than_sent, ERR_PROTOCOL},
        {empty_body, ERR_PROTOCOL},
        {no_width, ERR_PROTOCOL},
        {too_high, ERR_PROTOCOL},
        {no_frames, ERR_PROTOCOL},
        {not_a_time, ERR_PROTOCOL},
        {other_type, ERR_PROTOCOL},
        {no_type, ERR_PROTOCOL},
        {too_few, ERR_PROTOCOL},
        {many_labels, ERR_PROTOCOL},
        {sure_label, ERR_PROTOCOL},
        {no_label, ERR_PROTOCOL},
        {dirty_label, ERR_PROTOCOL},
        {not_utf8, ERR_PROTOCOL},
        {no_format, ERR_PROTOCOL},
        {no_facts, ERR_PROTOCOL},
        {odd_error, ERR_PROTOCOL},
        {label_image, ERR_PROTOCOL}, /* not asked for */
    };
    struct pipeline *pipeline = pipeline_of("name: x\nqueue: q\n"
                                            "outputs: [{key: 'o/{name}', format: png}]\n"
                                            "labels: {tags: true, max: 2}\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int code = read_changed(pipeline, cases[i].edit);
        if (code != cases[i].code)
            fail_msg("case %zu: %s", i, error_name(code));
    }
    vips_pipeline_ops.release(pipeline);
}

/* A model server always gets a JPEG; Rekognition, only if it cannot read the object. */
static void the_jpeg_for_a_service_is_checked(void **state)
{
    (void)state;
    static change *const wrong[] = {png_for_labels, large_label_image};
    static const char head[] = "name: x\nqueue: q\noutputs: [{key: 'o/{name}', format: png}]\n";
    char server[200], rekognition[200];
    snprintf(server, sizeof server, "%slabels: {labeler: {url: 'http://x/'}}\n", head);
    snprintf(rekognition, sizeof rekognition, "%slabels: {labeler: rekognition}\n", head);
    struct pipeline *pipelines[] = {pipeline_of(server), pipeline_of(rekognition)};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read_changed(pipelines[i], label_image), 0);
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++)
            assert_int_equal(read_changed(pipelines[i], wrong[k]), ERR_PROTOCOL);
    }
    assert_int_equal(read_changed(pipelines[0], no_change), ERR_PROTOCOL); /* none */
    assert_int_equal(read_changed(pipelines[1], no_change), 0);
    for (size_t i = 0; i < 2; i++)
        vips_pipeline_ops.release(pipelines[i]);
}

/* Every truncation and every changed byte of a valid reply: refused, or still valid. */
static void broken_replies_do_no_harm(void **state)
{
    (void)state;
    struct pipeline *pipeline = pipeline_of("name: x\nqueue: q\noutputs: [{key: 'o/{name}'}]\n"
                                            "labels: {tags: true, sidecar: 's/{name}'}\n");
    struct render_item item = truth(pipeline);
    struct buffer reply;
    buffer_init(&reply, DECODER_META_MAX);
    assert_int_equal(decoder_reply_write(&reply, &item, 1), 0);
    size_t whole = reply.size;
    for (reply.size = 0; reply.size < whole; reply.size++)
        assert_int_equal(read_back(&reply, 100, pipeline), ERR_PROTOCOL);
    for (size_t at = 0; at < whole; at++) {
        for (int bit = 0; bit < 8; bit++) {
            reply.data[at] = (char)(reply.data[at] ^ (1 << bit));
            read_back(&reply, 100, pipeline);
            reply.data[at] = (char)(reply.data[at] ^ (1 << bit));
        }
    }
    buffer_free(&reply);
    free(item.renditions);
    vips_pipeline_ops.release(pipeline);
}

#define WITH_DECODERS(test) cmocka_unit_test_setup_teardown(test, set_up, isolation_tear_down)

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "decoder") == 0)
        return decoder_main(vips_pipeline_ops.render);
    const struct CMUnitTest tests[] = {
        WITH_DECODERS(results_are_those_of_a_thread),
        WITH_DECODERS(pipelines_come_and_go),
        WITH_DECODERS(limits_reach_the_decoder),
        cmocka_unit_test(invalid_replies_are_refused),
        cmocka_unit_test(the_jpeg_for_a_service_is_checked),
        cmocka_unit_test(broken_replies_do_no_harm),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
