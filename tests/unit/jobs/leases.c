/*
 * The lease keeper and the delete batcher on a virtual clock: twelve hours pass in an instant. The
 * linker replaces uv_now and uv_timer_start with those of this file (--wrap), and the queue service
 * records calls and responds when the test decides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lease_keeper.h"
#include "lease_private.h"
#include "log.h"

/* ---- the clock ---- */

static struct {
    uint64_t now_ms, due_ms;
    uv_timer_t *timer;
    uv_timer_cb fire;
} watch;

uint64_t __wrap_uv_now(const uv_loop_t *loop);
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb fire, uint64_t timeout, uint64_t repeat);
int __wrap_uv_timer_stop(uv_timer_t *timer);

uint64_t __wrap_uv_now(const uv_loop_t *loop)
{
    (void)loop;
    return watch.now_ms;
}

int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb fire, uint64_t timeout, uint64_t repeat)
{
    (void)repeat;
    watch.timer = timer;
    watch.fire = fire;
    watch.due_ms = watch.now_ms + timeout;
    return 0;
}

int __wrap_uv_timer_stop(uv_timer_t *timer)
{
    (void)timer;
    watch.timer = NULL;
    return 0;
}

/* ---- memory ---- */

static bool memory_is_short;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return memory_is_short ? NULL : __real_calloc(count, size);
}

/* Advances to the next time at which the keeper has something to do. */
static void step(void)
{
    assert_non_null(watch.timer);
    uv_timer_t *timer = watch.timer;
    watch.timer = NULL;
    if (watch.due_ms > watch.now_ms)
        watch.now_ms = watch.due_ms;
    watch.fire(timer);
}

static void run_until(uint64_t when_ms)
{
    while (watch.timer && watch.due_ms <= when_ms)
        step();
    watch.now_ms = when_ms;
}

/* ---- the service ---- */

enum { CALLS_MAX = 64, HOMES = 2 };

struct call {
    struct queue *queue;
    bool removes, responded;
    size_t count;
    char receipts[QUEUE_BATCH_MAX][16];
    unsigned visibility_s[QUEUE_BATCH_MAX];
    uint64_t at_ms;
    queue_batch_done *done;
    void *user;
};

static struct call calls[CALLS_MAX];
static size_t call_count;

static int record(struct queue *queue, bool removes, const struct queue_entry *entries,
                  size_t count, queue_batch_done *done, void *user)
{
    assert_in_range(count, 1, QUEUE_BATCH_MAX);
    assert_true(call_count < CALLS_MAX);
    struct call *call = &calls[call_count++];
    *call = (struct call){.queue = queue,
                          .removes = removes,
                          .count = count,
                          .at_ms = watch.now_ms,
                          .done = done,
                          .user = user};
    for (size_t i = 0; i < count; i++) {
        snprintf(call->receipts[i], sizeof call->receipts[i], "%s", entries[i].receipt);
        call->visibility_s[i] = entries[i].visibility_s;
    }
    return 0;
}

static int extend_batch(struct queue *queue, const struct queue_entry *entries, size_t count,
                        queue_batch_done *done, void *user)
{
    return record(queue, false, entries, count, done, user);
}

static int delete_batch(struct queue *queue, const struct queue_entry *entries, size_t count,
                        queue_batch_done *done, void *user)
{
    return record(queue, true, entries, count, done, user);
}

static struct call *last_call(void)
{
    assert_true(call_count > 0);
    return &calls[call_count - 1];
}

static void respond_codes(struct call *call, const int *codes)
{
    struct error none = {0};
    assert_false(call->responded);
    call->responded = true;
    call->done(codes, call->count, &none, call->user);
}

static void respond(struct call *call, int code)
{
    int codes[QUEUE_BATCH_MAX];
    for (size_t i = 0; i < QUEUE_BATCH_MAX; i++)
        codes[i] = code;
    respond_codes(call, codes);
}

/* ---- the world ---- */

static struct {
    uv_loop_t loop;
    struct lease_keeper keeper;
    struct queue_backend backend;
    struct queue_backend_ops ops;
    struct lease_home homes[HOMES];
    unsigned lost, ended;
} t;

static void on_ended(void *user)
{
    (void)user;
    t.ended++;
}

static void on_lost(void *user)
{
    struct lease **lease = user;
    t.lost++;
    lease_forget(*lease);
    *lease = NULL;
}

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    memset(&watch, 0, sizeof watch);
    call_count = 0;
    watch.now_ms = 1000000;
    uv_loop_init(&t.loop);
    t.ops.extend_batch = extend_batch;
    t.ops.delete_batch = delete_batch;
    t.backend.ops = &t.ops;
    lease_keeper_init(&t.keeper, &t.loop, on_ended, NULL);
    for (size_t i = 0; i < HOMES; i++)
        lease_home_open(&t.homes[i], &t.keeper, &t.backend, (struct queue *)(uintptr_t)(i + 1),
                        i ? "second" : "first");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOMES; i++)
        lease_home_close(&t.homes[i]);
    lease_keeper_close(&t.keeper, NULL);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&t.loop);
}

static void hold_at(struct lease **lease, size_t home, const char *receipt, unsigned visibility_s,
                    uint64_t received_ms)
{
    *lease = lease_take(&t.homes[home], strdup(receipt), visibility_s, received_ms, on_lost, lease);
    assert_non_null(*lease);
}

static void hold(struct lease **lease, const char *receipt, unsigned visibility_s)
{
    hold_at(lease, 0, receipt, visibility_s, watch.now_ms);
}

/* ---- the schedule ---- */

static const uint64_t life_ms = 12 * 3600 * 1000; /* ChangeMessageVisibility, SQS API Reference */

/* A message that is processed for longer than 12 hours, with various visibility timeouts. */
static void live_through(unsigned visibility_s)
{
    struct lease *lease;
    const uint64_t received = watch.now_ms;
    uint64_t set_at = received, hidden_until = received + visibility_s * 1000ull;
    hold(&lease, "r", visibility_s);
    for (unsigned lost = t.lost; t.lost == lost;) {
        call_count = 0;
        step();
        if (!call_count)
            continue;
        struct call *call = last_call();
        assert_in_range(watch.now_ms, set_at, hidden_until - 1000); /* a second before, or more */
        uint64_t half = set_at + (hidden_until - set_at) / 2;
        assert_in_range(watch.now_ms, half - 50, half + 50);
        assert_in_range(watch.now_ms + call->visibility_s[0] * 1000ull, hidden_until + 1,
                        received + life_ms); /* beyond that SQS refuses */
        assert_in_range(call->visibility_s[0], 1, visibility_s);
        set_at = watch.now_ms;
        hidden_until = set_at + call->visibility_s[0] * 1000ull;
        respond(call, 0);
    }
    assert_null(lease);
    assert_in_range(watch.now_ms, received + life_ms - 10000, received + life_ms);
    assert_in_range(watch.now_ms, hidden_until - 100, hidden_until);
    assert_int_equal(t.homes[0].count, 0);
}

static void any_timeout_is_extended_for_twelve_hours(void **state)
{
    (void)state;
    static const unsigned timeouts[] = {2, 3, 5, 7, 30, 60, 900, 3600, 10000, 30000, 43199, 43200};
    size_t count = sizeof timeouts / sizeof timeouts[0];
    log_setup(2, LOG_FORMAT_TEXT, LOG_ERROR);
    for (size_t i = 0; i < count; i++)
        live_through(timeouts[i]);
    assert_int_equal(t.keeper.stats.lost, count);
    log_setup(2, LOG_FORMAT_TEXT, LOG_INFO);
}

static void the_earliest_deadline_goes_first_ten_at_a_time(void **state)
{
    (void)state;
    struct lease *leases[25];
    char receipt[16];
    for (size_t i = 0; i < 25; i++) { /* the later taken, the longer ago received */
        snprintf(receipt, sizeof receipt, "r%zu", i);
        hold_at(&leases[i], 0, receipt, 30, watch.now_ms - i * 10);
    }
    run_until(watch.now_ms + 15100);
    assert_int_equal(call_count, 3);
    assert_int_equal(calls[0].count, 10);
    assert_int_equal(calls[1].count, 10);
    assert_int_equal(calls[2].count, 5);
    assert_string_equal(calls[0].receipts[0], "r24");
    assert_string_equal(calls[0].receipts[9], "r15");
    assert_string_equal(calls[2].receipts[4], "r0");
    for (size_t i = 0; i < 3; i++)
        respond(&calls[i], 0);
    assert_int_equal(t.keeper.stats.extended, 25);
}

static void one_keeper_serves_all_queues(void **state)
{
    (void)state;
    struct lease *slow, *quick;
    hold_at(&slow, 0, "slow", 30, watch.now_ms);
    hold_at(&quick, 1, "quick", 4, watch.now_ms);
    run_until(watch.now_ms + 2100);
    assert_int_equal(call_count, 1);
    assert_ptr_equal(calls[0].queue, (struct queue *)2);
    respond(&calls[0], 0);
    for (int i = 0; i < 6; i++) {
        run_until(watch.now_ms + 2100);
        respond(last_call(), 0);
    }
    run_until(1000000 + 15100);
    bool extended = false;
    for (size_t i = 0; i < call_count; i++)
        extended |= strcmp(calls[i].receipts[0], "slow") == 0 && calls[i].at_ms < 1015100;
    assert_true(extended);
}

static void an_extension_that_fails_is_tried_again_in_time(void **state)
{
    (void)state;
    struct lease *lease;
    hold(&lease, "r", 2);
    const uint64_t end = watch.now_ms + 2000;
    unsigned tries = 0;
    for (; !t.lost && tries < 3; tries++) {
        while (call_count == tries)
            step();
        assert_in_range(watch.now_ms, 0, end - 1);
        respond(last_call(), tries == 2 ? 0 : ERR_SERVER);
    }
    assert_int_equal(t.lost, 0);
    assert_int_equal(t.keeper.stats.extended, 1);
}

static void an_extension_that_fails_to_the_end_loses_the_lease(void **state)
{
    (void)state;
    struct lease *lease;
    hold(&lease, "r", 30);
    while (!t.lost) {
        size_t before = call_count;
        step();
        if (call_count > before)
            respond(last_call(), ERR_SERVER);
    }
    assert_in_range(watch.now_ms, 1030000, 1031000);
    assert_int_equal(t.keeper.stats.lost, 1);
    assert_int_equal(t.homes[0].count, 0);
}

/* ---- requests of the owner ---- */

static void an_expired_receipt_loses_the_lease(void **state)
{
    (void)state;
    struct lease *lease, *other;
    hold(&lease, "a", 30);
    hold(&other, "b", 30);
    run_until(watch.now_ms + 15100);
    respond_codes(last_call(), (const int[]){ERR_RECEIPT, 0});
    assert_null(lease);
    assert_non_null(other); /* the rest of the call is not touched */
    assert_int_equal(t.keeper.stats.lost, 1);
    assert_int_equal(t.homes[0].count, 1);
}

static void no_beat_comes_while_a_delete_is_under_way(void **state)
{
    (void)state;
    struct lease *lease;
    hold(&lease, "r", 4);
    run_until(watch.now_ms + 1500);
    lease_delete(lease, NULL);
    run_until(watch.now_ms + 200);
    assert_int_equal(call_count, 1);
    assert_true(calls[0].removes);
    run_until(watch.now_ms + 60000); /* its response takes long */
    assert_int_equal(call_count, 1);
    respond(&calls[0], 0);
    assert_int_equal(t.homes[0].count, 0);
    assert_int_equal(t.keeper.stats.deleted, 1);
    assert_null(watch.timer); /* nothing is due any more */
}

static void a_delete_waits_for_the_beat_that_is_under_way(void **state)
{
    (void)state;
    struct lease *lease;
    hold(&lease, "r", 4);
    run_until(watch.now_ms + 2100);
    assert_int_equal(call_count, 1);
    lease_delete(lease, NULL);
    run_until(watch.now_ms + 1000);
    assert_int_equal(call_count, 1);
    respond(&calls[0], 0);
    run_until(watch.now_ms + 1000);
    assert_int_equal(call_count, 2);
    assert_true(calls[1].removes);
    respond(&calls[1], 0);
    assert_int_equal(t.homes[0].count, 0);
}

static void a_message_whose_delete_failed_is_extended(void **state)
{
    (void)state;
    struct lease *lease;
    unsigned beats = 0, deletes = 0;
    hold(&lease, "r", 2);
    lease_delete(lease, NULL);
    while (t.homes[0].count) {
        call_count = 0;
        step();
        if (!call_count)
            continue;
        deletes += last_call()->removes;
        beats += !last_call()->removes;
        respond(last_call(), last_call()->removes && deletes < 6 ? ERR_SERVER : 0);
    }
    assert_int_equal(deletes, 6);
    assert_int_equal(t.keeper.stats.deleted, 1);
    assert_int_equal(t.keeper.stats.lost, 0);
    assert_true(beats > 0 || watch.now_ms < 1002000);
}

static void a_beat_does_not_overwrite_a_backoff(void **state)
{
    (void)state;
    struct lease *lease;
    hold(&lease, "r", 30);
    run_until(watch.now_ms + 15100);
    assert_int_equal(call_count, 1); /* the heartbeat is pending */
    lease_release(lease, 7);
    run_until(watch.now_ms + 5000);
    assert_int_equal(call_count, 1);
    respond(&calls[0], 0);
    run_until(watch.now_ms + 5000);
    assert_int_equal(call_count, 2);
    assert_int_equal(calls[1].visibility_s[0], 7);
    respond(&calls[1], 0);
    assert_int_equal(t.homes[0].count, 0);
    run_until(watch.now_ms + 60000);
    assert_int_equal(call_count, 2); /* and nothing comes after it */
}

static void a_backoff_replaces_a_beat_that_waits(void **state)
{
    (void)state;
    struct lease *lease;
    hold(&lease, "r", 30);
    while (!lease->queued)
        step();
    lease_release(lease, 7);
    run_until(watch.now_ms + 60000);
    assert_int_equal(call_count, 1);
    assert_int_equal(calls[0].visibility_s[0], 7);
    respond(&calls[0], 0);
    assert_int_equal(t.homes[0].count, 0);
}

static void a_backoff_that_fails_is_tried_again(void **state)
{
    (void)state;
    struct lease *lease;
    hold(&lease, "r", 30);
    lease_release(lease, 0);
    run_until(watch.now_ms + 50);
    respond(last_call(), ERR_NETWORK);
    run_until(watch.now_ms + 2000);
    assert_int_equal(call_count, 2);
    respond(last_call(), 0);
    assert_int_equal(t.keeper.stats.released, 1);
    assert_int_equal(t.homes[0].count, 0);
}

/* The loop would have no time for the work that frees memory. */
static void a_change_without_memory_is_not_tried_in_every_turn(void **state)
{
    (void)state;
    struct lease *lease;
    hold(&lease, "r", 30);
    const uint64_t start = watch.now_ms;
    lease_release(lease, 0);
    memory_is_short = true;
    for (int i = 0; i < 5; i++)
        step();
    memory_is_short = false;
    assert_int_equal(call_count, 0);
    assert_in_range(watch.now_ms, start + 400, start + 1000);
    step();
    respond(last_call(), 0);
    assert_int_equal(t.keeper.stats.released, 1);
}

static void a_backoff_stays_within_twelve_hours(void **state)
{
    (void)state;
    struct lease *lease;
    hold_at(&lease, 0, "r", 900, watch.now_ms);
    lease->received_ms -= life_ms - 600 * 1000; /* ten minutes are left */
    lease_release(lease, 901);
    run_until(watch.now_ms + 50);
    assert_in_range(last_call()->visibility_s[0], 580, 600);
    respond(last_call(), 0);
}

/* ---- deletes ---- */

static void ten_deletes_go_at_once(void **state)
{
    (void)state;
    struct lease *leases[12];
    char receipt[16];
    for (size_t i = 0; i < 12; i++) {
        snprintf(receipt, sizeof receipt, "r%zu", i);
        hold(&leases[i], receipt, 30);
    }
    for (size_t i = 0; i < 10; i++)
        lease_delete(leases[i], NULL);
    uint64_t began = watch.now_ms;
    step();
    assert_int_equal(watch.now_ms, began);
    assert_int_equal(call_count, 1);
    assert_int_equal(calls[0].count, 10);
    respond(&calls[0], 0);
    assert_int_equal(t.keeper.stats.deleted, 10);
}

static void a_lone_delete_leaves_after_fifty_milliseconds(void **state)
{
    (void)state;
    struct lease *lease;
    hold(&lease, "r", 30);
    lease_delete(lease, NULL);
    while (!call_count)
        step();
    assert_in_range(watch.now_ms, 1000000, 1000050);
    respond(last_call(), 0);
}

static void a_delete_waits_a_second_for_company_at_most(void **state)
{
    (void)state;
    struct lease *lease, *working;
    hold(&lease, "r", 30);
    hold(&working, "w", 30);
    lease_delete(lease, NULL);
    while (!call_count)
        step();
    assert_in_range(watch.now_ms, 1000051, 1001000);
    respond(last_call(), 0);
}

static void only_the_entry_that_failed_is_deleted_again(void **state)
{
    (void)state;
    struct lease *leases[3];
    static const char *const receipts[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++)
        hold(&leases[i], receipts[i], 30);
    for (size_t i = 0; i < 3; i++)
        lease_delete(leases[i], NULL);
    run_until(watch.now_ms + 100);
    assert_int_equal(calls[0].count, 3);
    respond_codes(&calls[0], (const int[]){0, ERR_SERVER, ERR_RECEIPT});
    assert_int_equal(t.keeper.stats.deleted, 1);
    assert_int_equal(t.keeper.stats.lost, 1); /* an expired receipt: counted and dropped */
    run_until(watch.now_ms + 11000);
    assert_int_equal(call_count, 2);
    assert_int_equal(calls[1].count, 1);
    assert_string_equal(calls[1].receipts[0], "b");
    respond(&calls[1], 0);
    assert_int_equal(t.homes[0].count, 0);
}

static void a_failed_call_is_repeated(void **state)
{
    (void)state;
    struct lease *a, *b;
    hold(&a, "a", 30);
    hold(&b, "b", 30);
    lease_delete(a, NULL);
    lease_delete(b, NULL);
    run_until(watch.now_ms + 100);
    respond(&calls[0], ERR_NETWORK);
    size_t deleted = 0;
    while (t.homes[0].count) {
        size_t before = call_count;
        step();
        for (; before < call_count; before++) {
            deleted += calls[before].count;
            respond(&calls[before], 0);
        }
    }
    assert_int_equal(deleted, 2);
    assert_int_equal(t.keeper.stats.deleted, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(any_timeout_is_extended_for_twelve_hours),
        CASE(the_earliest_deadline_goes_first_ten_at_a_time),
        CASE(one_keeper_serves_all_queues),
        CASE(an_extension_that_fails_is_tried_again_in_time),
        CASE(an_extension_that_fails_to_the_end_loses_the_lease),
        CASE(an_expired_receipt_loses_the_lease),
        CASE(no_beat_comes_while_a_delete_is_under_way),
        CASE(a_delete_waits_for_the_beat_that_is_under_way),
        CASE(a_message_whose_delete_failed_is_extended),
        CASE(a_beat_does_not_overwrite_a_backoff),
        CASE(a_backoff_replaces_a_beat_that_waits),
        CASE(a_backoff_that_fails_is_tried_again),
        CASE(a_change_without_memory_is_not_tried_in_every_turn),
        CASE(a_backoff_stays_within_twelve_hours),
        CASE(ten_deletes_go_at_once),
        CASE(a_lone_delete_leaves_after_fifty_milliseconds),
        CASE(a_delete_waits_a_second_for_company_at_most),
        CASE(only_the_entry_that_failed_is_deleted_again),
        CASE(a_failed_call_is_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
