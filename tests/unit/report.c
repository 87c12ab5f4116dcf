/* What a user reads: widths, tables, the bar, and what the ledger makes of the engine's records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger.h"
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
    const struct progress_facts facts = {.photos = 14,
                                         .photos_done = 7,
                                         .photos_failed = 1,
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

/* ---- the ledger ---- */

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
    struct ledger ledger;
};

static int setup(void **state)
{
    static struct photo items[] = {
        {"/p/a.jpg", "a.jpg"}, {"/p/b.png", "b.png"}, {"/p/c.jpg", "c.jpg"}};
    static struct pipeline *const pipelines[] = {&web, &tags};
    const struct ledger_options options = {.bucket = "photos",
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
    return ledger_init(&f->ledger, &f->photos, &options, NULL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    ledger_clear(&f->ledger);
    free(f);
    return 0;
}

static struct ledger_event record(struct fixture *f, const char *pipeline, const char *key,
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
    struct ledger_event event;
    assert_int_equal(ledger_record(&f->ledger, &what, &event), 0);
    return event;
}

static void it_is_over_when_each_pipeline_has_answered(void **state)
{
    struct fixture *f = *state;
    struct ledger *ledger = &f->ledger;
    assert_int_equal(ledger->parts, 5); /* web takes no .png */
    assert_false(record(f, "web", "ingest/a.jpg", OUTCOME_ACK).photo_settled);
    assert_false(record(f, "web", "ingest/a.jpg", OUTCOME_ACK).settled); /* a second delivery */
    assert_true(record(f, "tags", "ingest/a.jpg", OUTCOME_ACK).photo_settled);
    assert_true(record(f, "tags", "ingest/b.png", OUTCOME_ACK).photo_settled);
    assert_null(record(f, "tags", "ingest/other.png", OUTCOME_ACK).photo);
    assert_null(record(f, "web", "ingest/b.png", OUTCOME_ACK).photo); /* not expected of it */
    record(f, "web", "ingest/c.jpg", OUTCOME_ACK);
    assert_false(ledger_settled(ledger));
    assert_false(ledger_succeeded(ledger));
    record(f, "tags", "ingest/c.jpg", OUTCOME_ACK);
    assert_true(ledger_settled(ledger));
    assert_true(ledger_succeeded(ledger));
    ledger->photos[0].parts[0].outputs[0].problem = strdup("disk full");
    assert_false(ledger_succeeded(ledger));
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
    struct ledger_event event;
    assert_int_equal(ledger_record(&f->ledger, &what, &event), 0);
    assert_string_equal(event.part->outputs[0].bucket, "renditions");
    assert_string_equal(event.part->outputs[1].bucket, "labels");
    what.pipeline = "tags"; /* without a bucket of its own: beside the photo */
    what.sidecar_bucket = NULL;
    what.rendition_count = 0;
    assert_int_equal(ledger_record(&f->ledger, &what, &event), 0);
    assert_string_equal(event.part->outputs[0].bucket, "photos");
}

static void a_retry_is_open_until_the_queue_gives_up(void **state)
{
    struct fixture *f = *state;
    assert_false(record(f, "tags", "ingest/b.png", OUTCOME_RETRY).settled);
    assert_false(record(f, "tags", "ingest/b.png", OUTCOME_RETRY).settled);
    assert_true(record(f, "tags", "ingest/b.png", OUTCOME_RETRY).photo_settled);
    assert_int_equal(f->ledger.photos_failed, 1);
}

static void what_cannot_be_sent_is_settled(void **state)
{
    struct fixture *f = *state;
    record(f, "web", "ingest/a.jpg", OUTCOME_REJECT);
    ledger_failed(&f->ledger, 0, "connection lost");
    assert_int_equal(f->ledger.parts_settled, 2);
    assert_int_equal(f->ledger.photos_failed, 1);
    assert_null(record(f, "tags", "ingest/a.jpg", OUTCOME_ACK).photo);

    record(f, "tags", "ingest/b.png", OUTCOME_ACK);
    ledger_failed(&f->ledger, 1, "answer lost"); /* it had arrived all the same */
    assert_int_equal(f->ledger.photos_settled, 2);
    assert_int_equal(f->ledger.photos_failed, 1);
}

static void the_report_says_what_came_of_each(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t size;
    record(f, "web", "ingest/a.jpg", OUTCOME_ACK);
    record(f, "tags", "ingest/a.jpg", OUTCOME_ACK);
    record(f, "tags", "ingest/b.png", OUTCOME_REJECT);
    record(f, "web", "ingest/c.jpg", OUTCOME_ACK);
    ledger_close(&f->ledger, "no-answer");
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    const struct report_options options = {.out = "/somewhere/out", .elapsed_ms = 3400};
    assert_int_equal(report_print(&f->ledger, &options, out), 0);
    fclose(out);
    assert_non_null(strstr(text, "Photo  Rendition    Pixels   Bytes    ms  Tags\n"));
    assert_non_null(strstr(text, "a.jpg  web        1280×960  204800  12.3\n"));
    assert_non_null(strstr(text, "Landscape, Dominant Colour: Blue\n"));
    assert_non_null(strstr(text, "failed: image-corrupt\n"));
    assert_non_null(strstr(text, "\nfailed: b.png: tags: image-corrupt: premature end\n"));
    assert_non_null(strstr(text, "\nfailed: c.jpg: tags: no-answer\n"));
    assert_non_null(
        strstr(text, "\n3 photos: 1 done, 2 failed, 3.4 s. 0 files in /somewhere/out\n"));
    free(text);
}

static void a_file_that_no_pipeline_takes_has_failed(void **state)
{
    struct fixture *f = *state;
    tags.suffix = ".nothing";
    ledger_clear(&f->ledger);
    free(f);
    assert_int_equal(setup(state), 0);
    tags.suffix = "";
    f = *state;
    assert_int_equal(f->ledger.photos[1].part_count, 0);
    ledger_sent(&f->ledger, 1, 10);
    assert_int_equal(f->ledger.photos_settled, 1);
    assert_int_equal(f->ledger.photos_failed, 1);
    assert_non_null(strstr(f->ledger.photos[1].failure, "no pipeline"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_are_those_of_the_screen),
        cmocka_unit_test(long_names_are_cut_in_the_middle),
        cmocka_unit_test(names_cannot_command_the_terminal),
        cmocka_unit_test(columns_are_aligned),
        cmocka_unit_test(a_table_fits_its_terminal),
        cmocka_unit_test(the_bar_fits_and_counts),
        cmocka_unit_test_setup_teardown(it_is_over_when_each_pipeline_has_answered, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_output_is_where_its_pipeline_put_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_retry_is_open_until_the_queue_gives_up, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_sent_is_settled, setup, teardown),
        cmocka_unit_test_setup_teardown(the_report_says_what_came_of_each, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_no_pipeline_takes_has_failed, setup, teardown),
    };
    terminal_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
