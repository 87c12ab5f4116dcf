/* The text format of Prometheus, and the histograms that it shows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "metric_text.h"

static struct buffer out;

static int begin(void **state)
{
    (void)state;
    buffer_init(&out, 1 << 16);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buffer_free(&out);
    return 0;
}

static void a_family_has_help_and_type(void **state)
{
    (void)state;
    metric_single(&out, METRIC_COUNTER, "a_total", "What it counts.", 3);
    assert_string_equal(out.data,
                        "# HELP a_total What it counts.\n# TYPE a_total counter\na_total 3\n");
}

/* "label_value can be any sequence of UTF-8 characters, but the backslash, double-quote, and line
 * feed characters have to be escaped": the format's description. */
static void labels_are_escaped(void **state)
{
    (void)state;
    const struct metric_label labels[] = {{"a", "x\\y"}, {"b", "say \"hi\"\nthere"}};
    metric_sample(&out, "m", labels, 2, 1.5);
    assert_string_equal(out.data, "m{a=\"x\\\\y\",b=\"say \\\"hi\\\"\\nthere\"} 1.5\n");
}

static void whole_numbers_stay_exact(void **state)
{
    (void)state;
    metric_sample(&out, "m", NULL, 0, 9007199254740991.0);
    metric_sample(&out, "m", NULL, 0, NAN);
    metric_sample(&out, "m", NULL, 0, -INFINITY);
    assert_string_equal(out.data, "m 9007199254740991\nm NaN\nm -Inf\n");
}

static void buckets_are_cumulative(void **state)
{
    (void)state;
    struct histogram h;
    histogram_of_work(&h);
    const struct histogram empty = h;
    histogram_observe(&h, 0.001); /* a bound belongs to its bucket */
    histogram_observe(&h, 0.0011);
    histogram_observe(&h, 1000);
    assert_int_equal(empty.count, 0);
    metric_histogram(&out, "m", NULL, 0, &h);
    assert_non_null(strstr(out.data, "m_bucket{le=\"0.001\"} 1\nm_bucket{le=\"0.0025\"} 2\n"));
    assert_non_null(strstr(out.data, "m_bucket{le=\"60\"} 2\nm_bucket{le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(out.data, "m_sum 1000.0021\nm_count 3\n"));
}

static void clocks_that_differ_count_as_no_time(void **state)
{
    (void)state;
    struct histogram h;
    histogram_of_waits(&h);
    histogram_observe(&h, -5);
    histogram_observe(&h, NAN);
    assert_int_equal(h.counts[0], 2);
    assert_true(h.sum == 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_family_has_help_and_type),
        CASE(labels_are_escaped),
        CASE(whole_numbers_stay_exact),
        CASE(buckets_are_cumulative),
        CASE(clocks_that_differ_count_as_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
