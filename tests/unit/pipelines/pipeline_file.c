/* Pipeline files: the first line of each file in fixtures/pipelines states the expected result. */
#include "pipeline_support.h"

#include <dirent.h>
#include <unistd.h>

#include "pipeline_file.h"

#define FIXTURES "tests/fixtures/pipelines/"

static void first_line(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(out, (int)size, file));
    out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

/* What a fixture's first line expects of the error's text. */
static void expectation(const char *path, const char *line, char *out, size_t size)
{
    static const char mark[] = "# error: ";
    assert_memory_equal(line, mark, sizeof mark - 1);
    const char *text = line + sizeof mark - 1;
    bool placed = *text >= '0' && *text <= '9'; /* a line and a column */
    snprintf(out, size, "%s%s%s", placed ? path : "", placed ? ":" : "", text);
}

static bool is_as_expected(const char *path)
{
    char line[512], expected[1024] = "";
    struct pipeline *pipeline = NULL;
    struct error error = {0};
    first_line(path, line, sizeof line);
    int code = pipeline_load(path, &pipeline, &error);
    if (strcmp(line, "# ok") != 0)
        expectation(path, line, expected, sizeof expected);
    bool right = *expected ? code == ERR_INVALID && error.code == code &&
                                 strncmp(error.text, path, strlen(path)) == 0 &&
                                 strstr(error.text, expected)
                           : code == 0;
    if (!right)
        print_error("%s: %d\n  expected \"%s\"\n  found    \"%s\"\n", path, code, expected,
                    error.text);
    vips_pipeline_ops.release(pipeline);
    return right;
}

static void every_fixture_gives_its_expected_result(void **state)
{
    (void)state;
    DIR *directory = opendir(FIXTURES);
    size_t count = 0, wrong = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        char path[512];
        if (!strstr(entry->d_name, ".yaml"))
            continue;
        snprintf(path, sizeof path, FIXTURES "%s", entry->d_name);
        wrong += !is_as_expected(path);
        count++;
    }
    closedir(directory);
    assert_int_equal(wrong, 0);
    assert_true(count > 30);
}

/* In file order; checks that depend on an invalid value are skipped. */
static void every_problem_of_a_file_is_reported(void **state)
{
    (void)state;
    static const char *const lines[] = {
        ":3:1: queue: defined twice (first in line 2)",
        ":4:1: wieght: unknown key; did you mean \"weight\"?",
        ":5:18: match.prefix: must not contain line breaks",
        ":5:40: match.suffix: must not contain line breaks",
        ":7:5: outputs[0].key: is required",
        ":7:12: outputs[0].width: expected a whole number",
        ":8:12: outputs[1].key: unknown placeholder {nmae}",
        ":8:32: outputs[1].format: expected one of",
        ":9:24: outputs[2].fit: cover needs width and height",
        ":11:8: labels.max: expected a whole number",
    };
    struct pipeline *pipeline = NULL;
    struct problem_list problems = {0};
    const char *path = FIXTURES "many-problems.yaml";
    assert_int_equal(vips_pipeline_ops.load(path, &pipeline, &problems), ERR_INVALID);
    problem_list_sort(&problems, 0);
    for (size_t i = 0; i < problems.count; i++) {
        char *line = problem_line(&problems.items[i]);
        const char *wanted = i < sizeof lines / sizeof *lines ? lines[i] : "no more";
        if (strncmp(line, path, strlen(path)) != 0 || !strstr(line, wanted))
            fail_msg("%zu: expected \"%s\", found \"%s\"", i, wanted, line);
        free(line);
    }
    assert_int_equal(problems.errors, sizeof lines / sizeof *lines);
    assert_null(pipeline);
    problem_list_clear(&problems);
}

static void a_file_of_nothing_but_problems_has_a_bounded_list(void **state)
{
    (void)state;
    struct pipeline *pipeline = NULL;
    struct problem_list problems = {0};
    char path[] = "/tmp/thumbwheel-pipeline-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fprintf(file, "k%d: x\n", i);
    fclose(file);
    assert_int_equal(vips_pipeline_ops.load(path, &pipeline, &problems), ERR_INVALID);
    unlink(path);
    assert_int_equal(problems.count, PROBLEMS_MAX);
    assert_int_equal(problems.errors, 1000 + 2); /* name and queue are missing */
    problem_list_clear(&problems);
}

/* match, an output or labels, and what the warning says; NULL: there is none. */
static const struct {
    const char *match, *what, *warning;
} named[] = {
    {"{suffix: [.jpg, .JPEG]}", "outputs: [{key: 'o/{name}', format: jpeg}]", NULL},
    {"{suffix: [.jpg, .png]}", "outputs: [{key: 'o/{name}', format: jpeg}]", "such as .png"},
    {"{}", "outputs: [{key: 'o/{name}', format: jpeg}]", "use {image}"},
    {"{}", "outputs: [{key: 'o/{key}', format: webp}]", "the format is webp"},
    {"{}", "outputs: [{key: 'o/{image}', format: jpeg}]", NULL},
    {"{}", "outputs: [{key: 'o/{name}.{ext}', format: jpeg}]", NULL},
    {"{}", "outputs: [{key: 'o/{stem}.jpeg', format: jpeg}]", NULL},
    {"{}", "outputs: [{key: 'o/{stem}.png', format: jpeg}]", "extension of png"},
    {"{}", "outputs: [{key: 'o/{stem}-small.bak', format: jpeg}]", NULL},
    {"{}", "outputs: [{key: 'o.png/{stem}', format: jpeg}]", NULL},
    {"{}", "outputs: [{key: 'o/{name}'}]", NULL},
    {"{suffix: [.jpg, .heic]}", "outputs: [{key: 'o/{name}'}]", "jpeg for HEIC"},
    {"{suffix: [.jpg, .jpeg]}", "outputs: [{key: 'o/{stem}.jpg'}]", NULL},
    {"{suffix: [.jpg, .png]}", "outputs: [{key: 'o/{stem}.jpg'}]", "can differ"},
    {"{}", "labels: {sidecar: 'o/{name}.json'}", NULL},
    {"{}", "labels: {sidecar: 'o/{name}'}", "the format is json"},
    {"{}", "labels: {sidecar: 'o/{stem}.jpg'}", "the format is json"},
};

static void an_extension_of_another_format_is_warned_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        char text[400], path[] = "/tmp/thumbwheel-pipeline-XXXXXX";
        struct pipeline *pipeline = NULL;
        struct problem_list problems = {0};
        FILE *file = fdopen(mkstemp(path), "w");
        snprintf(text, sizeof text, "name: x\nqueue: q\nmatch: %s\n%s\n", named[i].match,
                 named[i].what);
        assert_true(file && fputs(text, file) > 0);
        fclose(file);
        assert_int_equal(vips_pipeline_ops.load(path, &pipeline, &problems), 0);
        unlink(path);
        const char *said = problems.count ? problems.items[0].text : "";
        if (problems.warnings != (named[i].warning != NULL) ||
            !strstr(said, named[i].warning ? named[i].warning : ""))
            fail_msg("%s: %s", text, said);
        if (problems.count)
            assert_int_equal(problems.items[0].line, 4);
        problem_list_clear(&problems);
        vips_pipeline_ops.release(pipeline);
    }
}

/* libfyaml hangs on Latin-1 in a directive. */
static void text_that_is_not_utf8_is_refused_where_it_stands(void **state)
{
    (void)state;
    static const char *const texts[] = {"# caf\xc3\xa9\nna\xe9: x\n", "# ok\n%Y\xe9\n",
                                        "# ok\n# \xc3", "# ok\n--\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pipeline *pipeline = NULL;
        struct error error = {0};
        assert_int_equal(load_text(texts[i], &pipeline, &error), ERR_INVALID);
        assert_non_null(strstr(error.text, ":2:3: not UTF-8"));
    }
}

static void every_key_reaches_its_field(void **state)
{
    (void)state;
    struct pipeline *p = NULL;
    struct error error = {0};
    assert_int_equal(pipeline_load(FIXTURES "all-keys.yaml", &p, &error), 0);
    const struct pipeline_facts *facts = vips_pipeline_ops.facts(p);
    assert_string_equal(facts->name, "all-keys");
    assert_string_equal(facts->queue, "arn:aws:sqs:eu-west-1:123456789012:web-queue");
    assert_string_equal(facts->file, FIXTURES "all-keys.yaml");
    assert_int_equal(facts->weight, 7);
    assert_int_equal(facts->visibility_s, 90);
    assert_int_equal(facts->output_count, 2);
    assert_true(facts->labels);
    assert_null(facts->labeler); /* built in */
    assert_false(facts->tags);
    assert_string_equal(facts->match_bucket, "photos");
    assert_int_equal(facts->match_prefix_count, 2);
    assert_string_equal(facts->match_prefixes[1], "b/");
    assert_string_equal(p->match.suffixes.entries[0], ".JPG");
    assert_ptr_equal(vips_pipeline_ops.output(p, 0).settings, &p->outputs.entries[0].settings);
    assert_null(vips_pipeline_ops.output(p, 2).settings);
    const struct output_config *o = &p->outputs.entries[0];
    assert_string_equal(o->bucket, "other-bucket");
    assert_int_equal(o->width, 640);
    assert_int_equal(o->height, 480);
    assert_int_equal(o->fit, FIT_COVER);
    assert_int_equal(o->crop, CROP_ATTENTION);
    assert_true(o->enlarge);
    assert_int_equal(o->format, FORMAT_WEBP);
    assert_int_equal(o->quality, 75);
    assert_int_equal(o->effort, 2);
    assert_false(o->strip);
    assert_true(o->background.given);
    assert_int_equal(o->background.green, 0x20);
    assert_int_equal(o->frames, FRAMES_ALL);
    assert_string_equal(o->settings.cache_control, "public, max-age=86400");
    assert_string_equal(o->settings.content_disposition, "inline; filename=\"a.webp\"");
    assert_string_equal(o->settings.sse, "aws:kms");
    assert_string_equal(strrchr(o->settings.kms_key, ':'),
                        ":key/1234abcd-12ab-34cd-56ef-1234567890ab");
    assert_string_equal(o->settings.storage_class, "STANDARD_IA");
    assert_string_equal(o->settings.acl, "bucket-owner-full-control");
    assert_int_equal(o->settings.tag_count, 3);
    assert_string_equal(o->settings.tags[1].name, "Größe");
    assert_string_equal(o->settings.tags[1].value, "640");
    assert_string_equal(o->settings.tags[2].value, "");
    assert_int_equal(o->settings.metadata_count, 2);
    assert_string_equal(o->settings.metadata[0].value, "CC BY 4.0");
    assert_null(p->outputs.entries[1].settings.sse);
    assert_true(p->outputs.entries[1].scale == 0.5);
    assert_false(p->labels.tags);
    assert_true(p->labels.min_confidence == 12.5);
    assert_int_equal(p->labels.max, 48);
    vips_pipeline_ops.release(p);
}

static void a_focal_point_is_fixed_unless_metadata_name_it(void **state)
{
    (void)state;
    static const char text[] = "name: x\nqueue: q\noutputs:\n"
                               "  - {key: a, width: 9, height: 9, fit: cover, focal: {%s}}\n";
    static const struct {
        const char *keys;
        int from;
        double x, y;
    } cases[] = {{"x: 0.25", FOCAL_FIXED, 0.25, 0.5},
                 {"from: fixed, y: 1", FOCAL_FIXED, 0.5, 1},
                 {"from: metadata", FOCAL_METADATA, 0.5, 0.5},
                 {"from: metadata, x: 0, y: 0.25", FOCAL_METADATA, 0, 0.25},
                 {"from: tags", FOCAL_TAGS, 0.5, 0.5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char file[200];
        snprintf(file, sizeof file, text, cases[i].keys);
        struct pipeline *p = pipeline_of(file);
        const struct focal_config *focal = &p->outputs.entries[0].operations.focal;
        assert_int_equal(focal->from, cases[i].from);
        assert_true(focal->x == cases[i].x && focal->y == cases[i].y);
        assert_int_equal(p->facts.named_focal, cases[i].from == FOCAL_METADATA);
        assert_int_equal(p->facts.tagged_focal, cases[i].from == FOCAL_TAGS);
        vips_pipeline_ops.release(p);
    }
}

static void a_labeling_service_has_its_settings(void **state)
{
    (void)state;
    struct pipeline *p = pipeline_of("name: x\nqueue: q\nlabels: { labeler: rekognition, "
                                     "min_confidence: 70, max: 9 }\n");
    const struct labeler_settings *s = p->facts.labeler;
    assert_int_equal(s->kind, LABELER_REKOGNITION);
    assert_true(s->rate == 5 && s->min_confidence == 70 && s->max == 9);
    vips_pipeline_ops.release(p);
    p = pipeline_of("name: x\nqueue: q\nlabels: { labeler: { url: 'https://models/v1', size: 320, "
                    "timeout: 2500ms, concurrency: 7, max_response: 64KiB }, rate: 0.5 }\n");
    s = p->facts.labeler;
    assert_int_equal(s->kind, LABELER_SERVER);
    assert_string_equal(s->url, "https://models/v1");
    assert_null(s->token);
    assert_int_equal(s->image_max, 320);
    assert_int_equal(s->timeout_ms, 2500);
    assert_int_equal(s->concurrency, 7);
    assert_int_equal(s->response_max, 64 * 1024);
    assert_true(s->rate == 0.5);
    vips_pipeline_ops.release(p);
    p = pipeline_of("name: x\nqueue: q\nlabels: { labeler: { url: 'http://models' } }\n");
    s = p->facts.labeler;
    assert_true(s->image_max == 640 && s->timeout_ms == 10000 && s->concurrency == 4);
    assert_true(s->response_max == 256 * 1024 && s->rate == 0);
    vips_pipeline_ops.release(p);
}

/* The decoder processes parse pipelines too; they have no token. */
static void a_token_is_read_by_loading_only(void **state)
{
    (void)state;
    static const char text[] = "name: x\nqueue: q\nlabels: { labeler: { url: 'http://models', "
                               "token_env: TEST_LABELS_TOKEN } }\n";
    char path[] = "/tmp/token-XXXXXX";
    struct error error = {0};
    struct pipeline *p = NULL;
    assert_int_equal(pipeline_parse("p.yaml", SLICE_LITERAL(text), &p, &error), 0);
    assert_null(p->facts.labeler->token);
    vips_pipeline_ops.release(p);
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    setenv("TEST_LABELS_TOKEN", "abc", 1);
    assert_int_equal(pipeline_load(path, &p, &error), 0);
    assert_string_equal(p->facts.labeler->token, "abc");
    vips_pipeline_ops.release(p);
    setenv("TEST_LABELS_TOKEN", "a\nb", 1);
    assert_int_equal(pipeline_load(path, &p, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "contains no token"));
    unlink(path);
}

static void omitted_keys_have_the_documented_default(void **state)
{
    (void)state;
    struct pipeline *p = pipeline_of("name: x\nqueue: q\noutputs: [{key: 'o/{name}'}]\n");
    const struct output_config *o = &p->outputs.entries[0];
    assert_int_equal(p->facts.weight, 1);
    assert_int_equal(p->facts.visibility_s, 0);
    assert_false(p->facts.labels);
    assert_null(p->facts.labeler);
    assert_int_equal(o->fit, FIT_INSIDE);
    assert_int_equal(o->format, FORMAT_KEEP);
    assert_false(o->enlarge);
    assert_true(o->strip);
    assert_false(o->background.given);
    assert_int_equal(o->frames, FRAMES_FIRST);
    vips_pipeline_ops.release(p);
}

/* Keys of an output, and what the error says; NULL: they are valid. */
static const struct {
    const char *keys, *error;
} stored_as[] = {
    {"sse: AES256", NULL},
    {"sse: 'aws:kms:dsse', kms_key: alias/aws/s3", NULL},
    {"sse: aes256", "outputs[0].sse: expected one of AES256, aws:kms, aws:kms:dsse"},
    {"kms_key: k", "outputs[0].kms_key: needs sse: aws:kms"},
    {"sse: AES256, kms_key: k", "outputs[0].kms_key: needs sse: aws:kms"},
    {"sse: 'aws:kms', kms_key: 'a b'", "outputs[0].kms_key: must be the id, alias"},
    {"storage_class: standard", "outputs[0].storage_class: expected one of STANDARD,"},
    {"acl: everybody", "outputs[0].acl: expected one of private,"},
    {"content_disposition: Attachment ; filename=a", NULL},
    {"content_disposition: attachments", "must be inline or attachment"},
    {"content_disposition: thumbwheel-1", "must be inline or attachment"},
    {"content_disposition: 'inline; filename=\"{name}\"'", "placeholders are not expanded"},
    {"content_disposition: 'inline; filename=é'", "filename*=UTF-8''"},
    {"content_disposition: \"inline\\r\\nx-amz-acl: public-read\"", "control characters"},
    {"cache_control: é", "outputs[0].cache_control: must be printable ASCII"},
    {"tags: a=b", "outputs[0].tags: expected a map of 1 to 10 strings, found \"a=b\""},
    {"tags: {}", "outputs[0].tags: expected 1 to 10 entries, found 0"},
    {"tags: {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1}", NULL},
    {"tags: {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1, k: 1}",
     "outputs[0].tags: expected 1 to 10 entries, found 11"},
    {"tags: {a: [b]}", "outputs[0].tags.a: expected a string, found a list"},
    {"tags: {a: }", ":3:29: outputs[0].tags.a: expected a string, found nothing"},
    {"tags: {'': b}", "a tag's name must have 1 to 128 characters"},
    {"tags: {a: 'b&c=d'}", "outputs[0].tags.a: tags may contain letters"},
    {"tags: {a: \"b\\nc\"}", "outputs[0].tags.a: must not contain line breaks"},
    {"tags: {'AWS:x': b}", "names that begin with aws: are reserved"},
    {"metadata: {A: b}", "outputs[0].metadata.A: a name must contain only lowercase letters"},
    {"metadata: {'a:b': c}", "a name must contain only lowercase letters"},
    {"metadata: {\"a\\r\\nb\": c}", "control characters"},
    {"metadata: {thumbwheel-sequencer: FF}", "names that begin with thumbwheel- are reserved"},
    {"metadata: {a: é}", "outputs[0].metadata.a: must be printable ASCII"},
    {"metadata: {a: \"b\\nc\"}", "outputs[0].metadata.a: must not contain line breaks"},
    {"metadata: {a: ' b'}", "must not begin or end with a space"},
    {"metadata: {a: ''}", NULL},
};

static void expect_keys(const char *keys, const char *expected)
{
    struct error error = {0};
    struct pipeline *p = NULL;
    char *text;
    assert_true(asprintf(&text, "name: x\nqueue: q\noutputs: [{key: 'o', %s}]\n", keys) > 0);
    int code = load_text(text, &p, &error);
    if (expected ? code != ERR_INVALID || !strstr(error.text, expected) : code != 0)
        fail_msg("%s\n  expected \"%s\"\n  found    \"%s\"", keys, expected, error.text);
    vips_pipeline_ops.release(p);
    free(text);
}

static void how_an_output_is_stored_is_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stored_as / sizeof *stored_as; i++)
        expect_keys(stored_as[i].keys, stored_as[i].error);
}

/* The name `n` and a value of so many bytes, in a map. */
static void expect_length(const char *map, size_t size, const char *expected)
{
    char value[2000] = "", keys[2100];
    memset(value, 'v', size);
    value[size] = '\0';
    snprintf(keys, sizeof keys, "%s: {n: %s}", map, value);
    expect_keys(keys, expected);
}

static void tags_and_metadata_have_the_limits_of_s3(void **state)
{
    (void)state;
    expect_length("tags", 256, NULL);
    expect_length("tags", 257, "outputs[0].tags.n: a tag's value must have at most 256");
    expect_length("metadata", 1023, NULL);
    expect_length("metadata", 1024, "outputs[0].metadata: more than 1024 bytes");
}

static void colours_by_name_and_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int red, green, blue;
    } cases[] = {{"white", 255, 255, 255},
                 {"Navy", 0, 0, 128},
                 {"'#FF8000'", 255, 128, 0},
                 {"'#fa0'", 255, 170, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "name: x\nqueue: q\noutputs: [{key: 'o', background: %s}]\n",
                 cases[i].text);
        struct pipeline *p = pipeline_of(text);
        const struct colour *colour = &p->outputs.entries[0].background;
        assert_int_equal(colour->red, cases[i].red);
        assert_int_equal(colour->green, cases[i].green);
        assert_int_equal(colour->blue, cases[i].blue);
        vips_pipeline_ops.release(p);
    }
}

/* A control character with the low bits of a digit once counted as that digit. */
static void a_colour_of_control_characters_is_refused(void **state)
{
    (void)state;
    struct error error = {0};
    struct pipeline *p = NULL;
    const char *text =
        "name: x\nqueue: q\noutputs: [{key: 'o', background: \"#\\x11\\x12\\x13\"}]\n";
    assert_int_not_equal(load_text(text, &p, &error), 0);
    assert_non_null(strstr(error.text, "expected a colour"));
}

static void a_file_that_is_too_large_is_refused(void **state)
{
    (void)state;
    struct error error = {0};
    struct pipeline *p = NULL;
    char *text = malloc(PIPELINE_FILE_MAX + 2);
    assert_non_null(text);
    memset(text, '#', PIPELINE_FILE_MAX + 1);
    text[PIPELINE_FILE_MAX + 1] = '\0';
    assert_int_equal(load_text(text, &p, &error), ERR_LIMIT);
    free(text);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct error error = {0};
    struct pipeline *p = NULL;
    assert_int_equal(pipeline_load("/nonexistent/a.yaml", &p, &error), ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nonexistent/a.yaml"));
    assert_int_equal(pipeline_load("/tmp", &p, &error), ERR_IO);
}

/* All bytes, in a place where they can do the most harm. Nothing may crash, and each error has a
 * position. */
static void damaged_files_are_errors(void **state)
{
    (void)state;
    static const char good[] = "name: x\nqueue: q\nmatch: {prefix: a/}\noutputs:\n"
                               "  - key: 'o/{name}'\n    width: 10\n    strip: true\n";
    static const char bytes[] = "\0\t\n\"'{}[]:,#&*!|>%@`-?\x01\x7f\x80\xff";
    for (size_t at = 0; at < sizeof good - 1; at += 3) {
        for (size_t i = 1; i < sizeof bytes - 1; i++) {
            char text[sizeof good];
            struct error error = {0};
            struct pipeline *p = NULL;
            memcpy(text, good, sizeof good);
            text[at] = bytes[i];
            if (load_text(text, &p, &error) == 0)
                vips_pipeline_ops.release(p);
            else
                assert_non_null(strchr(error.text, ':'));
        }
    }
}

static void the_defaults_and_examples_load_and_do_not_loop(void **state)
{
    (void)state;
    static const char *const folders[] = {"pipelines/",
                                          "pipelines/examples/fan-out/",
                                          "pipelines/examples/dead-letter/",
                                          "pipelines/examples/raw-and-tags/",
                                          "pipelines/examples/mailed-link/",
                                          "pipelines/examples/uploads/",
                                          "pipelines/examples/existing-photos/",
                                          "pipelines/examples/label-server/"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        struct pipeline *loaded[16];
        size_t count = 0;
        DIR *directory = opendir(folders[i]);
        assert_non_null(directory);
        for (struct dirent *entry; (entry = readdir(directory));) {
            char path[600];
            struct error error = {0};
            if (!strstr(entry->d_name, ".yaml"))
                continue;
            snprintf(path, sizeof path, "%s%s", folders[i], entry->d_name);
            if (pipeline_load(path, &loaded[count++], &error))
                fail_msg("%s", error.text);
        }
        closedir(directory);
        assert_true(count >= 1);
        for (size_t a = 0; a < count; a++) {
            for (size_t b = 0; b < count; b++) {
                struct error error = {0};
                for (size_t o = 0; o <= loaded[a]->facts.output_count; o++)
                    if (vips_pipeline_ops.check_loop(loaded[a], o, loaded[b], &error))
                        fail_msg("%s", error.text);
            }
        }
        for (size_t a = 0; a < count; a++)
            vips_pipeline_ops.release(loaded[a]);
    }
}

static void a_retained_pipeline_outlives_its_release(void **state)
{
    (void)state;
    struct pipeline *p = pipeline_of("name: x\nqueue: q\noutputs: [{key: 'o/{name}'}]\n");
    assert_ptr_equal(vips_pipeline_ops.retain(p), p);
    vips_pipeline_ops.release(p);
    assert_string_equal(vips_pipeline_ops.facts(p)->name, "x");
    vips_pipeline_ops.release(p);
}

static char *schema_text(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    assert_int_equal(pipeline_schema_print(stream), 0);
    fclose(stream);
    return text;
}

static void the_schema_prints_a_row_for_each_key(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "| `name` | string | required |",
        "| `match.suffix` | string or list | any |",
        "| `outputs[].key` | template | required |",
        "| `outputs[].fit` | inside, cover, contain, fill | `inside` |",
        "| `outputs[].width` | whole number, 1–16384 |",
        "| `labels.max` | whole number, 1–48 |"};
    char *text = schema_text();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!strstr(text, rows[i]))
            fail_msg("no row \"%s\" in\n%s", rows[i], text);
    }
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        size_t bars = 0;
        for (const char *c = line; *c; c++)
            bars += *c == '|';
        assert_int_equal(bars, 5);
    }
    free(text);
}

static void the_documentation_shows_the_schema(void **state)
{
    (void)state;
    static char page[256 * 1024];
    FILE *file = fopen("docs/pipelines.md", "r");
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    char *text = schema_text();
    if (!strstr(page, text))
        fail_msg("docs/pipelines.md needs the table that `thumbwheel check --schema` prints");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fixture_gives_its_expected_result),
        cmocka_unit_test(every_problem_of_a_file_is_reported),
        cmocka_unit_test(a_file_of_nothing_but_problems_has_a_bounded_list),
        cmocka_unit_test(an_extension_of_another_format_is_warned_of),
        cmocka_unit_test(text_that_is_not_utf8_is_refused_where_it_stands),
        cmocka_unit_test(every_key_reaches_its_field),
        cmocka_unit_test(a_focal_point_is_fixed_unless_metadata_name_it),
        cmocka_unit_test(a_labeling_service_has_its_settings),
        cmocka_unit_test(a_token_is_read_by_loading_only),
        cmocka_unit_test(omitted_keys_have_the_documented_default),
        cmocka_unit_test(how_an_output_is_stored_is_checked),
        cmocka_unit_test(tags_and_metadata_have_the_limits_of_s3),
        cmocka_unit_test(colours_by_name_and_number),
        cmocka_unit_test(a_colour_of_control_characters_is_refused),
        cmocka_unit_test(a_file_that_is_too_large_is_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(damaged_files_are_errors),
        cmocka_unit_test(the_defaults_and_examples_load_and_do_not_loop),
        cmocka_unit_test(a_retained_pipeline_outlives_its_release),
        cmocka_unit_test(the_schema_prints_a_row_for_each_key),
        cmocka_unit_test(the_documentation_shows_the_schema),
    };
    return cmocka_run_group_tests(tests, start_pipelines, stop_pipelines);
}
