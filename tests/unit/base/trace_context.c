/* traceparent and X-Ray's header: what is read, what is ignored, what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace_context.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"
#define ROOT  "1-4bf92f35-77b34da6a3ce929d0e0e4736"
#define ZEROS "00000000000000000000000000000000"

typedef bool reader(const char *text, struct trace_context *out);

/* From memory that ends with the text, so that a sanitizer sees a read beyond it. */
static bool read_exactly(reader *read, const char *text, struct trace_context *out)
{
    char *copy = malloc(strlen(text) + 1);
    memcpy(copy, text, strlen(text) + 1);
    bool is_valid = read(copy, out);
    free(copy);
    assert_int_equal(is_valid, trace_context_known(out));
    return is_valid;
}

static void assert_ignored(reader *read, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct trace_context out = {.trace = "old"};
        if (read_exactly(read, texts[i], &out))
            fail_msg("accepted \"%s\"", texts[i]);
        assert_string_equal(out.span, "");
    }
}

static void traceparent_is_read(void **state)
{
    (void)state;
    struct trace_context out;
    assert_true(read_exactly(trace_context_of_traceparent, "00-" TRACE "-" SPAN "-01", &out));
    assert_string_equal(out.trace, TRACE);
    assert_string_equal(out.span, SPAN);
    assert_true(out.sampled);
    assert_true(read_exactly(trace_context_of_traceparent, "00-" TRACE "-" SPAN "-fe", &out));
    assert_false(out.sampled);
    /* later versions */
    assert_true(read_exactly(trace_context_of_traceparent, "cc-" TRACE "-" SPAN "-01", &out));
    assert_true(read_exactly(trace_context_of_traceparent, "01-" TRACE "-" SPAN "-01-more", &out));
}

static void a_bad_traceparent_is_ignored(void **state)
{
    (void)state;
    const char *const texts[] = {
        "",
        "0",
        "00-",
        "00-" TRACE,
        "00-" TRACE "-" SPAN,
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-01-more", /* of version 0 */
        "00-" TRACE "-" SPAN "-01 ",
        " 00-" TRACE "-" SPAN "-01",
        "01-" TRACE "-" SPAN "-01more",
        "ff-" TRACE "-" SPAN "-01",
        "0g-" TRACE "-" SPAN "-01",
        "00-" ZEROS "-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
        "00-" TRACE "-" SPAN "-0G",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-" TRACE "-" SPAN "_01",
        "00-4bf92f3577b34da6a3ce929d0e0e473\n-" SPAN "-01",
    };
    struct trace_context out;
    assert_ignored(trace_context_of_traceparent, texts, sizeof texts / sizeof texts[0]);
    assert_false(trace_context_of_traceparent(NULL, &out));
    for (size_t size = 0; size < TRACE_PARENT_SIZE - 1; size++) {
        char text[TRACE_PARENT_SIZE] = "00-" TRACE "-" SPAN "-01";
        text[size] = '\0';
        assert_false(read_exactly(trace_context_of_traceparent, text, &out));
    }
}

static void an_xray_header_is_read(void **state)
{
    (void)state;
    struct trace_context out;
    assert_true(read_exactly(trace_context_of_xray,
                             "Root=" ROOT ";Parent=" SPAN ";Sampled=0;Lineage=a:1", &out));
    assert_string_equal(out.trace, TRACE);
    assert_string_equal(out.span, SPAN);
    assert_false(out.sampled);
    assert_true(read_exactly(trace_context_of_xray, "Self=1-2-3; Root=" ROOT, &out));
    assert_string_equal(out.span, "");
    assert_true(out.sampled);
    assert_true(read_exactly(trace_context_of_xray, "Sampled=?;Root=" ROOT ";", &out));
    assert_true(out.sampled);
}

static void a_bad_xray_header_is_ignored(void **state)
{
    (void)state;
    char longest[1024];
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "Root=" ROOT ";Self=", sizeof "Root=" ROOT ";Self=" - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const texts[] = {
        "",
        ";",
        "Root",
        "Root=",
        "Root=;Parent=" SPAN,
        "Parent=" SPAN ";Sampled=1",
        "Root=" ROOT ";Root=" ROOT,
        "Root=" ROOT ";Parent=" SPAN ";Parent=" SPAN,
        "Root=" ROOT ";Sampled=1;Sampled=1",
        "Root=" ROOT ";Sampled=2",
        "Root=" ROOT ";Sampled=",
        "Root=" ROOT ";Parent=00f067aa",
        "Root=" ROOT ";Parent=0000000000000000",
        "Root=" ROOT ";nonsense",
        "Root=" ROOT ";=x",
        "Root=2-4bf92f35-77b34da6a3ce929d0e0e4736",
        "Root=1-4BF92F35-77B34DA6A3CE929D0E0E4736",
        "Root=1-00000000-000000000000000000000000",
        "Root=" ROOT "0",
        "root=" ROOT,
        longest,
    };
    struct trace_context out;
    assert_ignored(trace_context_of_xray, texts, sizeof texts / sizeof texts[0]);
    assert_false(trace_context_of_xray(NULL, &out));
}

static void both_are_written(void **state)
{
    (void)state;
    char parent[TRACE_PARENT_SIZE], xray[TRACE_XRAY_SIZE];
    struct trace_context context = {TRACE, SPAN, true};
    trace_context_traceparent(&context, parent);
    trace_context_xray(&context, xray);
    assert_string_equal(parent, "00-" TRACE "-" SPAN "-01");
    assert_string_equal(xray, "Root=" ROOT ";Parent=" SPAN ";Sampled=1");
    context = (struct trace_context){.trace = TRACE};
    trace_context_traceparent(&context, parent);
    trace_context_xray(&context, xray);
    assert_string_equal(parent, "");
    assert_string_equal(xray, "Root=" ROOT ";Sampled=0");
    trace_context_xray(&(struct trace_context){0}, xray);
    assert_string_equal(xray, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traceparent_is_read),    cmocka_unit_test(a_bad_traceparent_is_ignored),
        cmocka_unit_test(an_xray_header_is_read), cmocka_unit_test(a_bad_xray_header_is_ignored),
        cmocka_unit_test(both_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
