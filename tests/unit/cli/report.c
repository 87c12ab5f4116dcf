/* The output for users: widths, tables, the progress bar, and the results derived from the engine's
 * records.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "photo_results.h"
#include "progress.h"
#include "report.h"
#include "table.h"
#include "terminal.h"

/* ---- texts ---- */

static void assert_fit(const char *text, size_t columns, enum text_cut cut, const char *expected)
{
    char *fitted = text_fit(text, columns, cut);
    assert_string_equal(fitted, expected);
    assert_true(text_columns(fitted) <= columns);
    free(fitted);
}

static void widths_are_those_of_the_screen(void **state)
{
    (void)state;
    assert_int_equal(text_columns("abc"), 3);
    assert_int_equal(text_columns("Ümläut"), 6);
    assert_int_equal(text_columns("日本"), 4);    /* wide */
    assert_int_equal(text_columns("e\u0301"), 1); /* combining acute */
}

static void long_names_are_cut_in_the_middle(void **state)
{
    (void)state;
    assert_fit("harbour.jpg", 11, CUT_MIDDLE, "harbour.jpg");
    assert_fit("harbour-at-night.jpg", 11, CUT_MIDDLE, "harbo…t.jpg");
    assert_fit("harbour-at-night.jpg", 8, CUT_END, "harbour…");
    assert_fit("日本の写真.jpg", 9, CUT_MIDDLE, "日本….jpg");
    assert_fit("日本", 3, CUT_END, "日…");
    assert_fit("abc", 1, CUT_MIDDLE, "…");
    assert_fit("abc", 0, CUT_MIDDLE, "");
}

static void names_cannot_command_the_terminal(void **state)
{
    (void)state;
    char *text = text_display("a\033]0;x\007\tb\xff\xc3(\u202egpj.\xc2\x9b");
    assert_string_equal(text, "a?]0;x??b??"
                              "(?gpj.?");
    free(text);
    text = text_display("Zürich + 100 %.jpg");
    assert_string_equal(text, "Zürich + 100 %.jpg");
    free(text);
}

static char *shell_word(const char *text)
{
    char *word = NULL;
    size_t size;
    FILE *out = open_memstream(&word, &size);
    assert_non_null(out);
    terminal_shell_word(out, text);
    fclose(out);
    return word;
}

static void a_shell_word_can_be_shown_and_pasted(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"/a/b-c.jpg", "/a/b-c.jpg"},
        {"it's a $HOME", "'it'\\''s a $HOME'"},
        {"Zürich.jpg", "'Zürich.jpg'"},
        {"", "''"},
        {"a\n'\033[2J\\\xff"
         "0",
         "$'a\\012\\047\\033[2J\\134\\3770'"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char *word = shell_word(words[i][0]);
        assert_string_equal(word, words[i][1]);
        free(word);
    }
}

/* ---- the table ---- */

static const struct table_column columns[] = {{"Name", TABLE_LEFT, TABLE_CUT_MIDDLE},
                                              {"Bytes", TABLE_RIGHT, TABLE_WHOLE},
                                              {"Tags", TABLE_LEFT, TABLE_CUT_END}};

static char *print_table(size_t width, bool colour)
{
    char *text = NULL;
    size_t size;
    struct table *table = table_create(columns, 3);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    table_row(table, TABLE_PLAIN,
              (const char *[]){"日本-holiday-photo.jpg", "7", "Landscape, Blue"});
    table_row(table, TABLE_FAILED, (const char *[]){NULL, "123456", NULL});
    assert_int_equal(table_print(table, out, width, colour), 0);
    fclose(out);
    table_free(table);
    return text;
}

static void columns_are_aligned(void **state)
{
    (void)state;
    char *text = print_table(0, false);
    assert_string_equal(text, "Name                     Bytes  Tags\n"
                              "日本-holiday-photo.jpg       7  Landscape, Blue\n"
                              "                        123456\n");
    free(text);
}

static void a_table_fits_its_terminal(void **state)
{
    (void)state;
    char *text = print_table(36, false);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(text_columns(line) <= 36);
    free(text);
    text = print_table(36, false);
    assert_non_null(strstr(text, "123456")); /* numbers stay whole */
    assert_non_null(strstr(text, ".jpg"));
    free(text);
    text = print_table(36, true);
    assert_non_null(strstr(text, "\033[31m        ")); /* the failed row is red */
    free(text);
}

/* ---- the bar ---- */

static void the_bar_fits_and_counts(void **state)
{
    (void)state;
    const struct progress_facts facts = {.what = "photos",
                                         .count = 14,
                                         .done = 7,
                                         .failed = 1,
                                         .parts = 56,
                                         .parts_done = 28,
                                         .elapsed_ms = 1234};
    for (size_t width = 1; width < 120; width++) {
        struct buffer line;
        buffer_init(&line, 1 << 16);
        progress_format(&line, &facts, width, false);
        assert_int_equal(line.error, 0);
        assert_true(text_columns(line.data) < width);
        if (width >= 60) {
            assert_non_null(strstr(line.data, "7/14 photos, 1 failed  1.2 s"));
            assert_non_null(strstr(line.data, "━─")); /* half of it is done */
        }
        buffer_free(&line);
    }
}

/* A file or pipe gets no carriage returns and no escape sequences. */
static void without_a_terminal_a_line_comes_every_ten_seconds(void **state)
{
    struct progress progress;
    struct progress_facts facts = {.what = "photos", .count = 9000, .parts = 36000};
    char text[4096];
    int fds[2];
    (void)state;
    assert_int_equal(pipe(fds), 0);
    progress_init(&progress, fds[1]);
    for (facts.elapsed_ms = 0; facts.elapsed_ms <= 25000; facts.elapsed_ms += 100) {
        facts.done = (size_t)facts.elapsed_ms / 10;
        facts.failed = facts.elapsed_ms > 15000;
        progress_show(&progress, &facts);
    }
    progress_clear(&progress);
    close(fds[1]);
    ssize_t size = read(fds[0], text, sizeof text - 1);
    close(fds[0]);
    assert_true(size > 0);
    text[size] = '\0';
    assert_string_equal(text, "1000/9000 photos  10.0 s\n2000/9000 photos, 1 failed  20.0 s\n");
}

/* ---- the results ---- */

struct pipeline {
    struct pipeline_facts facts;
    const char *suffix;
};

static struct pipeline web = {{.name = "web"}, ".jpg"}, tags = {{.name = "tags"}, ""};

static const struct pipeline_facts *facts_of(const struct pipeline *pipeline)
{
    return &pipeline->facts;
}

static bool matches(const struct pipeline *pipeline, const char *bucket, const char *key)
{
    size_t length = strlen(key), suffix = strlen(pipeline->suffix);
    assert_string_equal(bucket, "photos");
    assert_int_equal(strncmp(key, "ingest/", 7), 0);
    return length >= suffix && strcmp(key + length - suffix, pipeline->suffix) == 0;
}

static const struct pipeline_ops stub_ops = {.facts = facts_of, .matches = matches};

struct fixture {
    struct photos photos;
    struct photo_results results;
};

static int setup(void **state)
{
    static struct photo items[] = {
        {"/p/a.jpg", "a.jpg"}, {"/p/b.png", "b.png"}, {"/p/c.jpg", "c.jpg"}};
    static struct pipeline *const pipelines[] = {&web, &tags};
    const struct photo_results_options options = {.bucket = "photos",
                                                  .prefix = "ingest/",
                                                  .ops = &stub_ops,
                                                  .pipelines = pipelines,
                                                  .pipeline_count = 2,
                                                  .max_attempts = 3};
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    f->photos = (struct photos){.items = items, .count = 3};
    *state = f;
    return photo_results_init(&f->results, &f->photos, &options, NULL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    photo_results_clear(&f->results);
    free(f);
    return 0;
}

static struct photo_results_change record(struct fixture *f, const char *pipeline, const char *key,
                                          enum outcome outcome)
{
    struct rendition rendition = {
        .key = "web/WebImage-x.jpg", .width = 1280, .height = 960, .milliseconds = 12.34};
    static const struct label_set labels = {
        .entries = {{"Landscape", "", 99}, {"Dominant Colour", "Blue", 80}}, .count = 2};
    bool image = strcmp(pipeline, "web") == 0, ack = outcome == OUTCOME_ACK;
    rendition.body.size = 204800;
    const struct engine_record what = {.pipeline = pipeline,
                                       .bucket = "photos",
                                       .key = key,
                                       .outcome = outcome,
                                       .reason = ack ? "" : "image-corrupt",
                                       .detail = ack ? "" : "premature end",
                                       .renditions = &rendition,
                                       .rendition_count = ack && image,
                                       .labels = ack && !image ? &labels : NULL,
                                       .sidecar_key = ack && !image ? "tags/x.jpg.json" : NULL};
    struct photo_results_change event;
    assert_int_equal(photo_results_record(&f->results, &what, &event), 0);
    return event;
}

static void a_photo_is_settled_when_each_pipeline_has_reported(void **state)
{
    struct fixture *f = *state;
    struct photo_results *results = &f->results;
    assert_int_equal(results->parts, 5); /* web takes no .png */
    assert_false(record(f, "web", "ingest/a.jpg", OUTCOME_ACK).photo_settled);
    assert_false(record(f, "web", "ingest/a.jpg", OUTCOME_ACK).settled); /* a second delivery */
    assert_true(record(f, "tags", "ingest/a.jpg", OUTCOME_ACK).photo_settled);
    assert_true(record(f, "tags", "ingest/b.png", OUTCOME_ACK).photo_settled);
    assert_null(record(f, "tags", "ingest/other.png", OUTCOME_ACK).photo);
    assert_null(record(f, "web", "ingest/b.png", OUTCOME_ACK).photo); /* not expected of it */
    record(f, "web", "ingest/c.jpg", OUTCOME_ACK);
    assert_false(photo_results_settled(results));
    assert_false(photo_results_succeeded(results));
    record(f, "tags", "ingest/c.jpg", OUTCOME_ACK);
    assert_true(photo_results_settled(results));
    assert_true(photo_results_succeeded(results));
    results->photos[0].parts[0].outputs[0].problem = strdup("disk full");
    assert_false(photo_results_succeeded(results));
}

static void an_output_is_where_its_pipeline_put_it(void **state)
{
    struct fixture *f = *state;
    struct rendition rendition = {.key = "x.jpg", .bucket = (char *)(uintptr_t) "renditions"};
    struct engine_record what = {.pipeline = "web",
                                 .bucket = "photos",
                                 .key = "ingest/a.jpg",
                                 .outcome = OUTCOME_ACK,
                                 .renditions = &rendition,
                                 .rendition_count = 1,
                                 .sidecar_bucket = "labels",
                                 .sidecar_key = "x.json"};
    struct photo_results_change event;
    assert_int_equal(photo_results_record(&f->results, &what, &event), 0);
    assert_string_equal(event.part->outputs[0].bucket, "renditions");
    assert_string_equal(event.part->outputs[1].bucket, "labels");
    what.pipeline = "tags"; /* without a bucket of its own: beside the photo */
    what.sidecar_bucket = NULL;
    what.rendition_count = 0;
    assert_int_equal(photo_results_record(&f->results, &what, &event), 0);
    assert_string_equal(event.part->outputs[0].bucket, "photos");
}

static void a_retry_is_open_until_the_queue_gives_up(void **state)
{
    struct fixture *f = *state;
    assert_false(record(f, "tags", "ingest/b.png", OUTCOME_RETRY).settled);
    assert_false(record(f, "tags", "ingest/b.png", OUTCOME_RETRY).settled);
    assert_true(record(f, "tags", "ingest/b.png", OUTCOME_RETRY).photo_settled);
    assert_int_equal(f->results.photos_failed, 1);
}

static void photos_that_cannot_be_sent_are_settled(void **state)
{
    struct fixture *f = *state;
    record(f, "web", "ingest/a.jpg", OUTCOME_REJECT);
    photo_results_failed(&f->results, 0, "connection lost");
    assert_int_equal(f->results.parts_settled, 2);
    assert_int_equal(f->results.photos_failed, 1);
    assert_null(record(f, "tags", "ingest/a.jpg", OUTCOME_ACK).photo);

    record(f, "tags", "ingest/b.png", OUTCOME_ACK);
    photo_results_failed(&f->results, 1, "response lost"); /* it had arrived all the same */
    assert_int_equal(f->results.photos_settled, 2);
    assert_int_equal(f->results.photos_failed, 1);
}

/* The report on a fixture's photos, in the order of the output. */
static void collect_line(const char *text, void *user)
{
    fprintf(user, "%s\n", text);
}

static char *report_text(struct fixture *f, bool table)
{
    const struct report_options options = {.out = "/somewhere/out", .elapsed_ms = 3400};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (size_t i = 0; i < f->results.count; i++) {
        report_failures(&f->results.photos[i], collect_line, out);
        report_unwritten(&f->results.photos[i], collect_line, out);
    }
    if (table)
        assert_int_equal(report_table(&f->results, &options, out), 0);
    report_summary(&f->results, &options, out);
    fclose(out);
    return text;
}

static void the_report_has_the_result_of_each(void **state)
{
    struct fixture *f = *state;
    record(f, "web", "ingest/a.jpg", OUTCOME_ACK);
    record(f, "tags", "ingest/a.jpg", OUTCOME_ACK);
    record(f, "tags", "ingest/b.png", OUTCOME_REJECT);
    record(f, "web", "ingest/c.jpg", OUTCOME_ACK);
    photo_results_close(&f->results, "no-result");
    char *text = report_text(f, true);
    assert_non_null(strstr(text, "Photo  Rendition    Pixels   Bytes    ms  Tags\n"));
    assert_non_null(strstr(text, "a.jpg  web        1280×960  204800  12.3\n"));
    assert_non_null(strstr(text, "Landscape, Dominant Colour: Blue\n"));
    assert_non_null(strstr(text, "failed: b.png: tags: image-corrupt: premature end\n"));
    assert_non_null(strstr(text, "\nfailed: c.jpg: tags: no-result\n"));
    assert_null(strstr(strstr(text, "Rendition"), "image-corrupt")); /* it was said */
    assert_non_null(
        strstr(text, "\n3 photos: 1 done, 2 failed, 3.4 s. 0 files in /somewhere/out\n"));
    free(text);
}

static void a_failure_is_reported_once_with_all_its_pipelines(void **state)
{
    struct fixture *f = *state;
    record(f, "tags", "ingest/b.png", OUTCOME_ACK);
    record(f, "web", "ingest/c.jpg", OUTCOME_ACK);
    record(f, "tags", "ingest/c.jpg", OUTCOME_ACK);
    record(f, "web", "ingest/a.jpg", OUTCOME_REJECT);
    record(f, "tags", "ingest/a.jpg", OUTCOME_REJECT);
    f->results.photos[2].parts[0].outputs[0].problem = strdup("cannot write c.jpg: disk full");
    f->results.photos[2].parts[1].outputs[0].problem = strdup("cannot write c.json: disk full");
    char *text = report_text(f, false);
    assert_string_equal(text,
                        "failed: a.jpg: web, tags: image-corrupt: premature end\n"
                        "failed: c.jpg: web, tags: cannot write c.jpg: disk full (and 1 more)\n"
                        "3 photos: 1 done, 2 failed, 3.4 s. 0 files in /somewhere/out\n");
    free(text);
}

static void returned_photos_count_as_not_processed(void **state)
{
    struct fixture *f = *state;
    const struct engine_record back = {.pipeline = "tags",
                                       .bucket = "photos",
                                       .key = "ingest/b.png",
                                       .outcome = OUTCOME_RETRY,
                                       .handed_back = true,
                                       .reason = "handed-back",
                                       .detail = "the engine is shutting down"};
    struct photo_results_change event;
    record(f, "web", "ingest/a.jpg", OUTCOME_ACK);
    record(f, "tags", "ingest/a.jpg", OUTCOME_ACK);
    record(f, "web", "ingest/c.jpg", OUTCOME_ACK);
    for (int i = 0; i < 4; i++) { /* more often than the queue would deliver it */
        assert_int_equal(photo_results_record(&f->results, &back, &event), 0);
        assert_false(event.settled);
    }
    char *text = report_text(f, false);
    assert_string_equal(text, "3 photos: 1 done, 0 failed, 2 not processed, 3.4 s. 0 files in "
                              "/somewhere/out\n");
    free(text);
    text = report_text(f, true);
    assert_non_null(strstr(text, "not processed\n"));
    assert_null(strstr(text, "handed-back"));
    free(text);
    assert_false(photo_results_succeeded(&f->results));
}

/* ---- for scripts ---- */

static json_t *json_line(const char *text, size_t index)
{
    for (; index > 0; index--)
        text = strchr(text, '\n') + 1;
    json_t *value = json_loadb(text, (size_t)(strchr(text, '\n') - text), 0, NULL);
    assert_non_null(value);
    return value;
}

static char *json_report(struct fixture *f)
{
    const struct report_options options = {.out = "/out", .elapsed_ms = 3400, .interrupted = true};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(report_json(&f->results, &options, out), 0);
    fclose(out);
    return text;
}

static void each_photo_is_a_json_object_and_the_last_sums_up(void **state)
{
    struct fixture *f = *state;
    record(f, "web", "ingest/a.jpg", OUTCOME_ACK);
    record(f, "tags", "ingest/a.jpg", OUTCOME_ACK);
    record(f, "tags", "ingest/b.png", OUTCOME_REJECT);
    f->results.photos[2].path = "/p/\xff\n.jpg"; /* any bytes */
    char *text = json_report(f);
    const char *type, *result, *path, *reason, *error;
    json_int_t width, done, failed, open;
    json_t *value = json_line(text, 0);
    assert_int_equal(json_unpack(value, "{ss ss s[{s[{sI}]}]}", "type", &type, "result", &result,
                                 "pipelines", "outputs", "width", &width),
                     0);
    assert_string_equal(type, "photo");
    assert_string_equal(result, "done");
    assert_int_equal(width, 1280);
    json_decref(value);
    value = json_line(text, 1);
    assert_int_equal(json_unpack(value, "{ss s[{ss ss}]}", "result", &result, "pipelines", "reason",
                                 &reason, "error", &error),
                     0);
    assert_string_equal(result, "failed");
    assert_string_equal(reason, "image-corrupt");
    assert_string_equal(error, "premature end");
    json_decref(value);
    value = json_line(text, 2);
    assert_int_equal(json_unpack(value, "{ss ss}", "path", &path, "result", &result), 0);
    assert_string_equal(path, "/p/??.jpg");
    assert_string_equal(result, "not-processed");
    json_decref(value);
    value = json_line(text, 3);
    assert_int_equal(json_unpack(value, "{ss sI sI sI}", "type", &type, "done", &done, "failed",
                                 &failed, "not_processed", &open),
                     0);
    assert_string_equal(type, "summary");
    assert_int_equal(done + 10 * failed + 100 * open, 111);
    json_decref(value);
    free(text);
}

static void a_file_that_no_pipeline_takes_has_failed(void **state)
{
    struct fixture *f = *state;
    tags.suffix = ".nothing";
    photo_results_clear(&f->results);
    free(f);
    assert_int_equal(setup(state), 0);
    tags.suffix = "";
    f = *state;
    assert_int_equal(f->results.photos[1].part_count, 0);
    photo_results_sent(&f->results, 1, 10);
    assert_int_equal(f->results.photos_settled, 1);
    assert_int_equal(f->results.photos_failed, 1);
    assert_non_null(strstr(f->results.photos[1].failure, "no pipeline"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_are_those_of_the_screen),
        cmocka_unit_test(long_names_are_cut_in_the_middle),
        cmocka_unit_test(names_cannot_command_the_terminal),
        cmocka_unit_test(a_shell_word_can_be_shown_and_pasted),
        cmocka_unit_test(columns_are_aligned),
        cmocka_unit_test(a_table_fits_its_terminal),
        cmocka_unit_test(the_bar_fits_and_counts),
        cmocka_unit_test(without_a_terminal_a_line_comes_every_ten_seconds),
        cmocka_unit_test_setup_teardown(a_photo_is_settled_when_each_pipeline_has_reported, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_output_is_where_its_pipeline_put_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_retry_is_open_until_the_queue_gives_up, setup, teardown),
        cmocka_unit_test_setup_teardown(photos_that_cannot_be_sent_are_settled, setup, teardown),
        cmocka_unit_test_setup_teardown(the_report_has_the_result_of_each, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_is_reported_once_with_all_its_pipelines, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(returned_photos_count_as_not_processed, setup, teardown),
        cmocka_unit_test_setup_teardown(each_photo_is_a_json_object_and_the_last_sums_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_that_no_pipeline_takes_has_failed, setup, teardown),
    };
    terminal_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
