/* The virtual clock of these tests: when it goes on, and when it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>
#include <uv.h>

enum { HOUR_MS = 3600 * 1000 };

static struct {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_work_t work;
    uv_async_t async;
    uv_mutex_t lock;
    uv_cond_t changed;
    bool open;          /* what the worker waits for; with the lock */
    int result;         /* of its timed wait */
    uint64_t waited_ns; /* by its clock */
    char order[8];      /* what happened: w(ork), a(sync), t(imer) */
} t;

static void happened(char what)
{
    t.order[strlen(t.order)] = what;
}

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    uv_loop_init(&t.loop);
    uv_timer_init(&t.loop, &t.timer);
    uv_mutex_init(&t.lock);
    uv_cond_init(&t.changed);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    uv_close((uv_handle_t *)&t.timer, NULL);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    uv_cond_destroy(&t.changed);
    uv_mutex_destroy(&t.lock);
    return uv_loop_close(&t.loop);
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
    happened('t');
    uv_mutex_lock(&t.lock);
    t.open = true;
    uv_cond_broadcast(&t.changed);
    uv_mutex_unlock(&t.lock);
}

static void on_async(uv_async_t *async)
{
    happened('a');
    uv_close((uv_handle_t *)async, NULL);
}

static void on_worked(uv_work_t *work, int code)
{
    (void)work, (void)code;
    happened('w');
}

static void run(uint64_t timer_ms, uv_work_cb work)
{
    uv_timer_start(&t.timer, on_timer, timer_ms, 0);
    if (work)
        uv_queue_work(&t.loop, &t.work, work, on_worked);
    uv_run(&t.loop, UV_RUN_DEFAULT);
}

static void an_idle_loop_advances_to_its_next_timer(void **state)
{
    (void)state;
    uint64_t began = uv_now(&t.loop);
    run(HOUR_MS, NULL);
    assert_int_equal(uv_now(&t.loop) - began, HOUR_MS);
    assert_string_equal(t.order, "t");
}

static void work_for_long(uv_work_t *work)
{
    (void)work;
    for (volatile unsigned i = 0; i < 50000000; i++)
        ;
}

static void no_timer_overtakes_a_worker(void **state)
{
    (void)state;
    run(1, work_for_long);
    assert_string_equal(t.order, "wt");
}

static void wait_for_the_timer(uv_work_t *work)
{
    (void)work;
    uv_mutex_lock(&t.lock);
    while (!t.open)
        uv_cond_wait(&t.changed, &t.lock);
    uv_mutex_unlock(&t.lock);
}

static void a_worker_that_waits_does_not_stop_the_clock(void **state)
{
    (void)state;
    run(HOUR_MS, wait_for_the_timer);
    assert_string_equal(t.order, "tw");
}

static void send_and_wait(uv_work_t *work)
{
    uv_async_send(&t.async);
    wait_for_the_timer(work);
}

static void no_timer_overtakes_what_a_worker_sent_before_it_waits(void **state)
{
    (void)state;
    uv_async_init(&t.loop, &t.async, on_async);
    run(1, send_and_wait);
    assert_string_equal(t.order, "atw");
}

static void wait_for_a_minute(uv_work_t *work)
{
    (void)work;
    uint64_t began = uv_hrtime();
    uv_mutex_lock(&t.lock);
    t.result = uv_cond_timedwait(&t.changed, &t.lock, 60000000000u);
    uv_mutex_unlock(&t.lock);
    t.waited_ns = uv_hrtime() - began;
}

static void a_timed_wait_ends_by_this_clock(void **state)
{
    (void)state;
    run(HOUR_MS, wait_for_a_minute);
    assert_string_equal(t.order, "wt");
    assert_int_equal(t.result, UV_ETIMEDOUT);
    assert_int_equal(t.waited_ns, 60000000000u);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_idle_loop_advances_to_its_next_timer),
        CASE(no_timer_overtakes_a_worker),
        CASE(a_worker_that_waits_does_not_stop_the_clock),
        CASE(no_timer_overtakes_what_a_worker_sent_before_it_waits),
        CASE(a_timed_wait_ends_by_this_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
