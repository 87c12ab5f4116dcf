/* The memory budget: the order of grants, on the loop thread and on waiting threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container_of.h"
#include "error.h"
#include "memory_budget.h"

enum { LIMIT = 1000, WORKERS_MAX = 4, TICKETS_MAX = 4 };

struct worker {
    uv_thread_t thread;
    uint64_t bytes;
    struct memory_grant grant;
    atomic_bool cancelled, done;
    int code;
    uv_async_t woken; /* the loop shall look */
};

struct photo {
    struct memory_ticket ticket;
    bool granted;
};

static struct {
    uv_loop_t loop;
    struct memory_budget budget;
    struct worker workers[WORKERS_MAX];
    size_t started;
    struct photo photos[TICKETS_MAX];
    unsigned lingering, relaxed; /* photos of 100 bytes that may be dropped; calls */
    bool closed;
} w;

static bool shed(void *user)
{
    (void)user;
    if (w.lingering == 0)
        return false;
    w.lingering--;
    memory_change(&w.budget, MEMORY_PHOTOS, 100, 0);
    return true;
}

static void relaxed(void *user)
{
    (void)user;
    w.relaxed++;
}

static void on_granted(struct memory_ticket *ticket)
{
    container_of(ticket, struct photo, ticket)->granted = true;
}

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    uv_loop_init(&w.loop);
    const struct memory_budget_options options = {.limit = LIMIT, .shed = shed, .relaxed = relaxed};
    assert_int_equal(memory_budget_init(&w.budget, &w.loop, &options), 0);
    for (size_t i = 0; i < TICKETS_MAX; i++)
        memory_ticket_init(&w.photos[i].ticket, on_granted);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct memory_figures figures;
    memory_figures(&w.budget, &figures);
    assert_int_equal(figures.taken, 0); /* every test gives back what it took */
    for (size_t i = 0; i < w.started; i++)
        uv_close((uv_handle_t *)&w.workers[i].woken, NULL);
    memory_budget_close(&w.budget, NULL);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&w.loop);
}

/* An event sent to the loop is visible when the sender's call has returned. */
static void settle(void)
{
    uv_run(&w.loop, UV_RUN_NOWAIT);
}

static bool is_cancelled(void *user)
{
    return atomic_load(&((struct worker *)user)->cancelled);
}

static void work(void *user)
{
    struct worker *worker = user;
    worker->code = memory_wait(&w.budget, &worker->grant, worker->bytes, is_cancelled, worker);
    atomic_store(&worker->done, true);
    uv_async_send(&worker->woken);
}

static void look(uv_async_t *async)
{
    (void)async;
}

/* A worker that requests bytes. Waits until they are granted or the request is queued. */
static struct worker *ask(uint64_t bytes)
{
    struct worker *worker = &w.workers[w.started++];
    worker->bytes = bytes;
    uv_async_init(&w.loop, &worker->woken, look);
    assert_int_equal(uv_thread_create(&worker->thread, work, worker), 0);
    return worker;
}

static void wait_done(struct worker *worker)
{
    while (!atomic_load(&worker->done))
        uv_run(&w.loop, UV_RUN_ONCE);
    uv_thread_join(&worker->thread);
    settle(); /* what its end has caused */
}

static size_t standing(void)
{
    size_t count = 0;
    uv_mutex_lock(&w.budget.lock);
    for (const struct list *l = w.budget.workers.next; l != &w.budget.workers; l = l->next)
        count++;
    uv_mutex_unlock(&w.budget.lock);
    return count;
}

/* Each waiting request sends an event, so that the loop does not sleep. */
static void wait_standing(size_t count)
{
    while (standing() != count)
        uv_run(&w.loop, UV_RUN_ONCE);
    settle();
}

static void photos_take_a_quarter_and_the_rest_waits(void **state)
{
    (void)state;
    assert_true(memory_ask(&w.budget, &w.photos[0].ticket, 150));
    assert_true(memory_ask(&w.budget, &w.photos[1].ticket, 100));
    assert_false(memory_ask(&w.budget, &w.photos[2].ticket, 1));
    assert_true(memory_is_tight(&w.budget));
    memory_change(&w.budget, MEMORY_PHOTOS, 100, 90); /* the body was smaller than stated */
    assert_false(w.photos[2].granted);                /* not from within a call */
    settle();
    assert_true(w.photos[2].granted);
    assert_false(memory_is_tight(&w.budget));
    assert_int_equal(w.relaxed, 1);
    memory_change(&w.budget, MEMORY_PHOTOS, 241, 0);
}

static void photos_come_in_turn(void **state)
{
    (void)state;
    assert_true(memory_ask(&w.budget, &w.photos[0].ticket, 100));
    assert_false(memory_ask(&w.budget, &w.photos[1].ticket, 200));
    assert_false(memory_ask(&w.budget, &w.photos[2].ticket, 10)); /* would fit, but came later */
    settle();
    assert_false(w.photos[2].granted);
    memory_change(&w.budget, MEMORY_PHOTOS, 100, 0);
    settle();
    assert_true(w.photos[1].granted && w.photos[2].granted);
    memory_change(&w.budget, MEMORY_PHOTOS, 210, 0);
}

static void a_photo_larger_than_the_budget_is_fetched_alone(void **state)
{
    (void)state;
    assert_true(memory_ask(&w.budget, &w.photos[0].ticket, 10));
    assert_false(memory_ask(&w.budget, &w.photos[1].ticket, 5000));
    assert_false(memory_ask(&w.budget, &w.photos[2].ticket, 10));
    settle();
    assert_false(w.photos[1].granted);
    memory_change(&w.budget, MEMORY_PHOTOS, 10, 0);
    settle();
    assert_true(w.photos[1].granted);
    assert_false(w.photos[2].granted);
    memory_change(&w.budget, MEMORY_PHOTOS, 5000, 0);
    settle();
    assert_true(w.photos[2].granted);
    memory_change(&w.budget, MEMORY_PHOTOS, 10, 0);
}

static void a_withdrawn_request_lets_the_next_one_in(void **state)
{
    (void)state;
    assert_true(memory_ask(&w.budget, &w.photos[0].ticket, 100));
    assert_false(memory_ask(&w.budget, &w.photos[1].ticket, 200));
    assert_false(memory_ask(&w.budget, &w.photos[2].ticket, 10));
    memory_withdraw(&w.budget, &w.photos[1].ticket);
    settle();
    assert_false(w.photos[1].granted);
    assert_true(w.photos[2].granted);
    memory_change(&w.budget, MEMORY_PHOTOS, 110, 0);
}

static void lingering_photos_go_first(void **state)
{
    (void)state;
    assert_true(memory_ask(&w.budget, &w.photos[0].ticket, 200));
    w.lingering = 2;
    assert_true(memory_ask(&w.budget, &w.photos[1].ticket, 100));
    assert_int_equal(w.lingering, 1); /* no more than is needed */
    struct worker *worker = ask(850);
    wait_done(worker);
    assert_int_equal(worker->code, 0);
    assert_int_equal(w.lingering, 0);
    memory_change(&w.budget, MEMORY_PHOTOS, 100, 0);
    memory_change(&w.budget, MEMORY_WORK, 850, 0);
}

static void work_waits_for_its_room(void **state)
{
    (void)state;
    struct worker *first = ask(600);
    wait_done(first);
    struct worker *second = ask(500);
    wait_standing(1);
    assert_false(atomic_load(&second->done));
    assert_true(memory_is_tight(&w.budget));
    memory_change(&w.budget, MEMORY_WORK, 600, 40); /* it has become renditions */
    wait_done(second);
    assert_int_equal(second->code, 0);
    memory_change(&w.budget, MEMORY_WORK, 540, 0);
    settle();
    assert_int_equal(w.relaxed, 1);
    struct memory_figures figures;
    memory_figures(&w.budget, &figures);
    assert_int_equal(figures.peak, 600);
}

/* Later small requests do not overtake a large one. */
static void small_work_does_not_starve_large_work(void **state)
{
    (void)state;
    struct worker *first = ask(300);
    wait_done(first);
    struct worker *large = ask(900);
    wait_standing(1);
    struct worker *small = ask(100);
    wait_standing(2);
    assert_false(atomic_load(&small->done));
    memory_change(&w.budget, MEMORY_WORK, 300, 0);
    wait_done(large);
    wait_done(small);
    memory_change(&w.budget, MEMORY_WORK, 1000, 0);
}

static void work_larger_than_the_budget_runs_alone(void **state)
{
    (void)state;
    struct worker *first = ask(10);
    wait_done(first);
    struct worker *huge = ask(5000);
    wait_standing(1);
    assert_false(atomic_load(&huge->done));
    memory_change(&w.budget, MEMORY_WORK, 10, 0);
    wait_done(huge);
    assert_int_equal(huge->code, 0);
    struct worker *next = ask(10);
    wait_standing(1);
    assert_false(atomic_load(&next->done)); /* while it runs nobody else does */
    memory_change(&w.budget, MEMORY_WORK, 5000, 0);
    wait_done(next);
    memory_change(&w.budget, MEMORY_WORK, 10, 0);
}

static void cancelled_work_stops_waiting(void **state)
{
    (void)state;
    struct worker *first = ask(600);
    wait_done(first);
    struct worker *second = ask(600);
    wait_standing(1);
    struct worker *third = ask(100);
    wait_standing(2);
    atomic_store(&second->cancelled, true);
    wait_done(second);
    assert_int_equal(second->code, ERR_CANCELLED);
    wait_done(third); /* whose way it stood in */
    assert_int_equal(third->code, 0);
    memory_change(&w.budget, MEMORY_WORK, 700, 0);
}

/* A decoder was killed, and its render requests memory again. */
static void a_second_wait_keeps_the_grant_of_the_first(void **state)
{
    (void)state;
    struct worker *first = ask(600);
    wait_done(first);
    w.workers[1] = (struct worker){.grant = first->grant};
    struct worker *again = ask(600);
    wait_done(again);
    assert_int_equal(again->code, 0);
    assert_int_equal(w.budget.taken[MEMORY_WORK], 600);
    w.workers[2] = (struct worker){.grant = again->grant};
    struct worker *more = ask(900); /* more than is left beside its own */
    wait_done(more);
    assert_int_equal(more->code, 0);
    assert_int_equal(w.budget.taken[MEMORY_WORK], 900);
    memory_settle(&w.budget, &more->grant, 40);
    assert_int_equal(w.budget.taken[MEMORY_WORK], 40);
    memory_settle(&w.budget, &more->grant, 0); /* a second settlement changes nothing */
    memory_change(&w.budget, MEMORY_WORK, 40, 0);
}

/* ---- random sequences, compared with the sums of what each owner should have ---- */

static uint32_t dice;

static uint32_t roll(uint32_t sides)
{
    dice = dice * 1664525u + 1013904223u;
    return (dice >> 16) % sides;
}

static bool at_once(void *user) /* takes what there is, or gives up */
{
    (void)user;
    return true;
}

enum { OWNERS = 6, ROUNDS = 400 };

/* One step of one owner: request (again), cancel, settle, or drop the results. */
static void owner_step(struct memory_grant *grant, uint64_t *made)
{
    uint64_t bytes = 1 + roll(LIMIT / 2), before = grant->bytes;
    switch (roll(4)) {
    case 0:
    case 1:
        if (memory_wait(&w.budget, grant, bytes, at_once, NULL))
            assert_true(grant->bytes == 0 && bytes > before);
        else
            assert_true(grant->bytes == (bytes > before ? bytes : before));
        break;
    case 2:
        bytes = roll((uint32_t)grant->bytes + 1);
        memory_settle(&w.budget, grant, bytes);
        *made += bytes;
        break;
    default:
        memory_change(&w.budget, MEMORY_WORK, *made, 0);
        *made = 0;
    }
}

static void random_sequences_add_up(void **state)
{
    (void)state;
    for (dice = 1; dice < 2000000000u; dice = dice / 2 * 5 + 77777777u) {
        struct memory_grant grants[OWNERS] = {{0}};
        uint64_t made[OWNERS] = {0};
        for (int i = 0; i < ROUNDS; i++) {
            size_t owner = roll(OWNERS);
            uint64_t sum = 0;
            owner_step(&grants[owner], &made[owner]);
            for (size_t k = 0; k < OWNERS; k++)
                sum += grants[k].bytes + made[k];
            assert_int_equal(w.budget.taken[MEMORY_WORK], sum);
            assert_true(sum <= LIMIT);
        }
        for (size_t k = 0; k < OWNERS; k++)
            memory_settle(&w.budget, &grants[k], 0),
                memory_change(&w.budget, MEMORY_WORK, made[k], 0);
        assert_int_equal(w.budget.taken[MEMORY_WORK], 0);
        settle();
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(photos_take_a_quarter_and_the_rest_waits),
        CASE(photos_come_in_turn),
        CASE(a_photo_larger_than_the_budget_is_fetched_alone),
        CASE(a_withdrawn_request_lets_the_next_one_in),
        CASE(lingering_photos_go_first),
        CASE(work_waits_for_its_room),
        CASE(small_work_does_not_starve_large_work),
        CASE(work_larger_than_the_budget_runs_alone),
        CASE(cancelled_work_stops_waiting),
        CASE(a_second_wait_keeps_the_grant_of_the_first),
        CASE(random_sequences_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
