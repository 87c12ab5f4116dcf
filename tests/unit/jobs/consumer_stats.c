/* The age of the oldest message that a consumer received lately. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "consumer_stats.h"

enum { START_MS = 5 * OLDEST_WINDOW_MS + 7 };

static void the_oldest_counts(void **state)
{
    (void)state;
    struct consumer_stats stats;
    consumer_stats_init(&stats);
    assert_int_equal(consumer_stats_oldest_ms(&stats, START_MS), 0);
    consumer_stats_received(&stats, START_MS, 500);
    consumer_stats_received(&stats, START_MS + 1, 300);
    consumer_stats_received(&stats, START_MS + 2, 0); /* unknown */
    consumer_stats_received(&stats, START_MS + 3, 400);
    assert_int_equal(consumer_stats_oldest_ms(&stats, START_MS + 3), 300);
    assert_int_equal(stats.received, 4);
}

static void a_message_counts_for_one_to_two_windows(void **state)
{
    (void)state;
    struct consumer_stats stats;
    consumer_stats_init(&stats);
    consumer_stats_received(&stats, START_MS, 300);
    assert_int_equal(consumer_stats_oldest_ms(&stats, START_MS + OLDEST_WINDOW_MS), 300);
    consumer_stats_received(&stats, START_MS + OLDEST_WINDOW_MS, 900);
    assert_int_equal(consumer_stats_oldest_ms(&stats, START_MS + OLDEST_WINDOW_MS), 300);
    assert_int_equal(consumer_stats_oldest_ms(&stats, START_MS + 2 * OLDEST_WINDOW_MS), 900);
    assert_int_equal(consumer_stats_oldest_ms(&stats, START_MS + 3 * OLDEST_WINDOW_MS), 0);
    consumer_stats_received(&stats, START_MS + 9 * OLDEST_WINDOW_MS, 950);
    assert_int_equal(consumer_stats_oldest_ms(&stats, START_MS + 9 * OLDEST_WINDOW_MS), 950);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_counts),
        cmocka_unit_test(a_message_counts_for_one_to_two_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
