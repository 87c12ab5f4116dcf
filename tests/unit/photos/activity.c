/* What the gallery remembers of the engine's work. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "activity.h"

#define SECOND 1000000000ull
#define WALL   1700000000000

static struct activity activity;

static int setup(void **state)
{
    (void)state;
    return activity_init(&activity);
}

static int teardown(void **state)
{
    (void)state;
    activity_clear(&activity);
    return 0;
}

static void step(const char *message, const char *name, uint64_t at_ns)
{
    const struct engine_step step = {.pipeline = "web",
                                     .bucket = "photos",
                                     .key = "ingest/cat.jpg",
                                     .message = message,
                                     .step = name,
                                     .at_ns = at_ns,
                                     .received_ns = 10 * SECOND > at_ns ? at_ns : 10 * SECOND,
                                     .sent_ms = WALL - 500};
    activity_step(&activity, &step);
}

static json_t *settle(const char *message, enum outcome outcome, uint64_t now_ns)
{
    const struct engine_record record = {.pipeline = "web",
                                         .bucket = "photos",
                                         .key = "ingest/cat.jpg",
                                         .message = message,
                                         .outcome = outcome,
                                         .reason = outcome == OUTCOME_ACK ? "" : "image-corrupt",
                                         .detail = outcome == OUTCOME_ACK ? "" : "it is no image",
                                         .milliseconds = 100,
                                         .sent_ms = WALL - 500};
    return activity_settle(&activity, &record, now_ns, WALL);
}

static void assert_near(double value, double expected, double distance)
{
    assert_true(fabs(value - expected) <= distance);
}

static double number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void a_record_has_the_time_of_each_step(void **state)
{
    (void)state;
    step("m", "fetch", 10 * SECOND);
    step("m", "render", 10 * SECOND + 30000000);
    step("m", "store", 10 * SECOND + 90000000);
    json_t *record = settle("m", OUTCOME_ACK, 10 * SECOND + 100000000);
    const json_t *steps = json_object_get(record, "steps");
    const double times[][2] = {{0, 30}, {30, 60}, {90, 10}};
    const char *const names[] = {"fetch", "render", "store"};
    assert_int_equal(json_array_size(steps), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(text(json_array_get(steps, i), "name"), names[i]);
        assert_near(number(json_array_get(steps, i), "at"), times[i][0], 1.0 / 64);
        assert_near(number(json_array_get(steps, i), "ms"), times[i][1], 1.0 / 64);
    }
    assert_string_equal(text(record, "outcome"), "ack");
    assert_near(number(record, "sent"), WALL - 500, 0);
    assert_near(number(record, "received"), WALL - 100, 0);
    assert_near(number(record, "ended"), WALL, 0);
    json_decref(record);
}

static void running_records_come_first_and_have_no_end(void **state)
{
    (void)state;
    step("old", "fetch", SECOND);
    json_decref(settle("old", OUTCOME_REJECT, 2 * SECOND));
    step("new", "fetch", 3 * SECOND);
    json_t *all = activity_json(&activity, 5 * SECOND, WALL + 3000);
    assert_int_equal(json_array_size(all), 2);
    const json_t *running = json_array_get(all, 0), *rejected = json_array_get(all, 1);
    assert_string_equal(text(running, "outcome"), "");
    assert_near(number(running, "received"), WALL + 1000, 0);
    assert_near(number(json_array_get(json_object_get(running, "steps"), 0), "ms"), 2000, 0);
    assert_string_equal(text(rejected, "outcome"), "reject");
    assert_string_equal(text(rejected, "reason"), "image-corrupt");
    assert_string_equal(text(rejected, "detail"), "it is no image");
    assert_true(number(running, "id") != number(rejected, "id"));
    json_decref(all);
}

static void the_last_hundred_are_kept(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i < ACTIVITY_SHOWN + 50; i++) {
        snprintf(name, sizeof name, "m%d", i);
        step(name, "fetch", SECOND);
        json_decref(settle(name, OUTCOME_ACK, 2 * SECOND));
    }
    json_t *all = activity_json(&activity, 3 * SECOND, WALL);
    assert_int_equal(json_array_size(all), ACTIVITY_SHOWN);
    assert_near(number(json_array_get(all, 0), "id"), ACTIVITY_SHOWN + 50, 0);
    json_decref(all);
}

/* A peer that has the engine receive without an end must not take its memory. */
static void records_beyond_the_limit_are_counted_only(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i < ACTIVITY_RUNNING_MAX + 10; i++) {
        snprintf(name, sizeof name, "m%d", i);
        step(name, "fetch", SECOND);
    }
    for (int i = 0; i < 100; i++)
        step("m0", "wait", SECOND);
    json_t *all = activity_json(&activity, 3 * SECOND, WALL);
    assert_int_equal(json_array_size(all), ACTIVITY_RUNNING_MAX);
    const json_t *first = json_array_get(all, ACTIVITY_RUNNING_MAX - 1);
    assert_int_equal(json_array_size(json_object_get(first, "steps")), ACTIVITY_STEPS_MAX);
    json_decref(all);
    json_t *late = settle("m4100", OUTCOME_ACK, 2 * SECOND); /* one that was not kept */
    assert_int_equal(json_array_size(json_object_get(late, "steps")), 0);
    json_decref(late);
    assert_near(activity_pace(&activity, 3 * SECOND).per_second, 0.1, 1e-9);
}

static void the_pace_is_of_the_last_ten_seconds(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        json_decref(settle("m", OUTCOME_ACK, 100 * SECOND + i * SECOND / 10));
    for (uint64_t i = 0; i < 40; i++)
        json_decref(settle("m", OUTCOME_REJECT, 105 * SECOND));
    const struct activity_pace pace = activity_pace(&activity, 110 * SECOND);
    assert_near(pace.per_second, 10, 1e-9);
    assert_near(pace.p50_ms, 500, 1e-9); /* from the event, which is WALL - 500 */
    assert_near(activity_pace(&activity, 115 * SECOND).per_second, 5, 1e-9);
    const struct activity_pace later = activity_pace(&activity, 1000 * SECOND);
    assert_near(later.per_second, 0, 0);
    assert_near(later.p95_ms, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_record_has_the_time_of_each_step, setup, teardown),
        cmocka_unit_test_setup_teardown(running_records_come_first_and_have_no_end, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_last_hundred_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(records_beyond_the_limit_are_counted_only, setup, teardown),
        cmocka_unit_test_setup_teardown(the_pace_is_of_the_last_ten_seconds, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
