/* Spans as OTLP/JSON, what a collector may respond, and where the spans are sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "otlp_export.h"
#include "otlp_json.h"
#include "otlp_target.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static void any_text_becomes_json(void **state)
{
    (void)state;
    char longest[2 * OTLP_TEXT_MAX + 1];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const struct trace_attribute attributes[] = {
        {"quoted", "a\"b\\c\n\x01\x7f", 0}, {"broken", "\xff\xc3", 0}, {"umlaut", "ü", 0},
        {"number", NULL, UINT64_MAX},       {"nothing", NULL, 0},      {"long", longest, 0}};
    const struct trace_span span = {.name = "fetch",
                                    .kind = SPAN_CLIENT,
                                    .context = {TRACE, SPAN, true},
                                    .parent = "",
                                    .began_ns = 5,
                                    .ended_ns = 4, /* never before it began */
                                    .error = "it \"failed\"",
                                    .attributes = attributes,
                                    .attribute_count = sizeof attributes / sizeof attributes[0]};
    struct buffer out;
    buffer_init(&out, 64 * 1024);
    otlp_json_begin(&out);
    otlp_json_span(&out, &span, 1000);
    otlp_json_next(&out);
    otlp_json_span(&out, &span, 1000);
    otlp_json_end(&out);
    json_t *root = json_loadb(out.data, out.size, 0, NULL);
    const char *start, *end, *message, *quoted, *broken, *umlaut, *number, *text;
    json_t *spans, *list;
    assert_int_equal(
        json_unpack(root, "{s:[{s:[{s:o}]}]}", "resourceSpans", "scopeSpans", "spans", &spans), 0);
    assert_int_equal(json_array_size(spans), 2);
    assert_int_equal(json_unpack(json_array_get(spans, 0), "{s:s, s:s, s:{s:s}, s:o}",
                                 "startTimeUnixNano", &start, "endTimeUnixNano", &end, "status",
                                 "message", &message, "attributes", &list),
                     0);
    assert_string_equal(start, "1005");
    assert_string_equal(end, "1005");
    assert_string_equal(message, "it \"failed\"");
    assert_int_equal(json_unpack(list, "[{s:{s:s}}, {s:{s:s}}, {s:{s:s}}, {s:{s:s}}, {s:{s:s}}]",
                                 "value", "stringValue", &quoted, "value", "stringValue", &broken,
                                 "value", "stringValue", &umlaut, "value", "intValue", &number,
                                 "value", "stringValue", &text),
                     0);
    assert_string_equal(quoted, "a\"b\\c\n\x01\x7f");
    assert_string_equal(broken, "??");
    assert_string_equal(umlaut, "ü");
    assert_string_equal(number, "18446744073709551615");
    assert_int_equal(strlen(text), OTLP_TEXT_MAX);
    json_decref(root);
    buffer_free(&out);
}

static void a_response_is_read(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t rejected;
    } cases[] = {
        {"", 0},
        {"{}", 0},
        {"{\"partialSuccess\":{}}", 0},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"7\",\"errorMessage\":\"no\"}}", 7},
        {"{\"partialSuccess\":{\"rejectedSpans\":7}}", 7},
        {"{\"partialSuccess\":{\"rejectedSpans\":-7}}", -1},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"-7\"}}", -1},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"7x\"}}", -1},
        {"{\"partialSuccess\":{\"rejectedSpans\":[]}}", -1},
        {"{\"partialSuccess\":1}", -1},
        {"[]", -1},
        {"<html>", -1},
        {"{", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(otlp_json_rejected(slice_of(cases[i].text)), cases[i].rejected);
}

static void the_target_is_read(void **state)
{
    (void)state;
    struct otlp_target target;
    struct error error;
    assert_int_equal(
        otlp_target_read("https://collector:4318/base//", " a = b%20c ,d=", &target, &error), 0);
    assert_string_equal(target.url, "https://collector:4318/base/v1/traces");
    assert_int_equal(target.header_count, 3);
    assert_string_equal(target.headers[1].name, "a");
    assert_string_equal(target.headers[1].value, "b c");
    assert_string_equal(target.headers[2].value, "");
    otlp_target_free(&target);
}

static void bad_headers_are_refused_without_being_shown(void **state)
{
    (void)state;
    const char *const headers[] = {
        "hidden",
        "=hidden",
        "a b=hidden",
        "a=hidden%",
        "a=hidden%0a",
        "a=hidden\x7f",
        "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=1,k=2,l=3,m=4,n=5,o=6,p=7,q=hidden"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        struct otlp_target target;
        struct error error = {0};
        assert_int_equal(otlp_target_read("http://a", headers[i], &target, &error), ERR_INVALID);
        assert_null(strstr(error.text, "hidden"));
        assert_null(target.url);
    }
}

static void set(void *flag)
{
    *(bool *)flag = true;
}

static void assert_dropped(const struct otlp_export *export, const char *reason, unsigned count)
{
    char line[96];
    struct buffer out;
    buffer_init(&out, 4096);
    otlp_export_write_metrics(export, &out);
    snprintf(line, sizeof line, "thumbwheel_spans_dropped_total{reason=\"%s\"} %u\n", reason,
             count);
    assert_non_null(strstr(out.data, line));
    buffer_free(&out);
}

/* Nobody listens on the port: what waits is dropped at the end, and the end comes. */
static void what_exceeds_the_queue_is_dropped_and_counted(void **state)
{
    (void)state;
    enum { BEYOND = 52 };
    const struct trace_span span = {.name = "fetch", .context = {TRACE, SPAN, true}, .parent = ""};
    const struct http_client_options options = {0};
    uv_loop_t loop;
    struct http_client *http;
    struct otlp_export *export;
    struct error error;
    bool closed = false;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(http_client_create(&loop, &options, &http, &error), 0);
    assert_int_equal(otlp_export_open(&loop, http, "http://127.0.0.1:1", NULL, &export, &error), 0);
    struct tracer *tracer = otlp_export_tracer(export);
    for (int i = 0; i < OTLP_SPANS_MAX + BEYOND; i++)
        tracer->record(tracer, &span);
    assert_dropped(export, "queue_full", BEYOND);
    assert_dropped(export, "unavailable", 0);
    otlp_export_close(export, set, &closed);
    while (!closed)
        uv_run(&loop, UV_RUN_ONCE);
    http_client_close(http, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_text_becomes_json),
        cmocka_unit_test(a_response_is_read),
        cmocka_unit_test(the_target_is_read),
        cmocka_unit_test(what_exceeds_the_queue_is_dropped_and_counted),
        cmocka_unit_test(bad_headers_are_refused_without_being_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
