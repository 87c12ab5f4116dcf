/* The run queue with one worker, so that tasks run in the order in which they were chosen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "worker_queue.h"

enum { TASKS_MAX = 32 };

struct test_task {
    struct worker_task task;
    char name;
};

static struct {
    uv_loop_t loop;
    struct worker_queue queue;
    struct test_task tasks[TASKS_MAX];
    size_t count;
    char order[TASKS_MAX + 1]; /* names, as they were done */
    size_t done;
    double cost; /* milliseconds that each is charged */
} w;

static void note(struct worker_task *task)
{
    struct test_task *test = container_of(task, struct test_task, task);
    w.order[w.done++] = test->name;
    worker_share_charge(task->share, w.cost);
}

static void nothing(struct worker_task *task)
{
    (void)task;
}

static void push_sized(char name, struct worker_share *share, uint64_t size)
{
    struct test_task *test = &w.tasks[w.count++];
    *test = (struct test_task){.task = {.run = nothing, .done = note, .share = share, .size = size},
                               .name = name};
    worker_queue_push(&w.queue, &test->task);
}

static void push(char name, struct worker_share *share)
{
    push_sized(name, share, 0);
}

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    w.cost = 10;
    uv_loop_init(&w.loop);
    worker_queue_init(&w.queue, &w.loop, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return uv_loop_close(&w.loop);
}

static void one_share_is_served_in_order(void **state)
{
    (void)state;
    struct worker_share share = {.weight = 1};
    for (int c = 'a'; c <= 'e'; c++)
        push((char)c, &share);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_string_equal(w.order, "abcde");
}

static void a_flood_does_not_starve_a_latecomer(void **state)
{
    (void)state;
    struct worker_share flood = {.weight = 1}, late = {.weight = 1};
    for (int i = 0; i < 10; i++)
        push('f', &flood);
    push('l', &late);
    push('l', &late);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    /* One had left before anybody else came, and one is chosen before the first is charged. */
    assert_in_range(strcspn(w.order, "l"), 1, 2);
    assert_in_range(strrchr(w.order, 'l') - w.order, 2, 4);
}

static void weights_share_out_the_work(void **state)
{
    (void)state;
    struct worker_share heavy = {.weight = 3}, light = {.weight = 1};
    for (int i = 0; i < 12; i++) {
        push('h', &heavy);
        push('l', &light);
    }
    uv_run(&w.loop, UV_RUN_DEFAULT);
    size_t heavies = 0;
    for (size_t i = 0; i < 12; i++)
        heavies += w.order[i] == 'h';
    assert_in_range(heavies, 8, 10); /* three of four in the long run */
}

static void idling_earns_nothing(void **state)
{
    (void)state;
    struct worker_share busy = {.weight = 1}, idle = {.weight = 1};
    for (int i = 0; i < 8; i++)
        push('b', &busy);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    for (int i = 0; i < 4; i++) {
        push('b', &busy);
        push('i', &idle);
    }
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_null(strstr(w.order + 8, "iii")); /* it does not catch up on the time it slept */
}

/* The first one leaves at once, before anybody else has come. */
static void the_largest_of_the_last_two_goes_first(void **state)
{
    (void)state;
    struct worker_share share = {.weight = 1};
    for (int c = 'a'; c <= 'f'; c++)
        push_sized((char)c, &share, (uint64_t)c); /* the largest came last */
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_string_equal(w.order, "abcdfe");
}

static void without_a_backlog_the_first_goes_first(void **state)
{
    (void)state;
    struct worker_share share = {.weight = 1};
    for (int c = 'a'; c <= 'e'; c++)
        push_sized((char)c, &share, (uint64_t)c);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_string_equal(w.order, "abcde");
}

static void a_backlog_is_over_when_nothing_is_left_of_it(void **state)
{
    (void)state;
    struct worker_share share = {.weight = 1};
    for (int c = 'a'; c <= 'f'; c++)
        push_sized((char)c, &share, (uint64_t)c);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    for (int c = 'g'; c <= 'i'; c++)
        push_sized((char)c, &share, (uint64_t)c);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_string_equal(w.order, "abcdfeghi");
}

/* The two that were on their way come. */
static void note_and_push_two(struct worker_task *task)
{
    note(task);
    worker_queue_expect(&w.queue, 0);
    push_sized('d', task->share, 4);
    push_sized('e', task->share, 5);
}

static void tasks_on_their_way_are_a_part_of_the_backlog(void **state)
{
    (void)state;
    struct worker_share share = {.weight = 1};
    push_sized('a', &share, 1);
    w.tasks[0].task.done = note_and_push_two;
    worker_queue_expect(&w.queue, 3);
    push_sized('b', &share, 2);
    push_sized('c', &share, 3);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_string_equal(w.order, "abced");
}

/* Each task that is done is followed by a larger one, until there have been so many. */
static void note_and_push_larger(struct worker_task *task)
{
    note(task);
    if (w.count == TASKS_MAX)
        return;
    push_sized('l', task->share, 1000 + w.count);
    w.tasks[w.count - 1].task.done = note_and_push_larger;
}

static void a_small_task_is_overtaken_only_a_few_times(void **state)
{
    (void)state;
    struct worker_share share = {.weight = 1};
    for (int c = 'a'; c <= 'd'; c++)
        push_sized((char)c, &share, 10);
    push_sized('l', &share, 1000);
    w.tasks[4].task.done = note_and_push_larger;
    push_sized('s', &share, 1);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(w.done, TASKS_MAX);
    assert_in_range(strchr(w.order, 's') - w.order, 4, 7);
}

static void a_large_task_does_not_go_before_a_share_that_is_behind(void **state)
{
    (void)state;
    struct worker_share ahead = {.weight = 1, .clock = 1000}, behind = {.weight = 1};
    for (int c = 'a'; c <= 'e'; c++)
        push_sized((char)c, &behind, 1);
    push_sized('l', &ahead, 1000);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_string_equal(w.order, "abcdel");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_share_is_served_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood_does_not_starve_a_latecomer, setup, teardown),
        cmocka_unit_test_setup_teardown(weights_share_out_the_work, setup, teardown),
        cmocka_unit_test_setup_teardown(idling_earns_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_largest_of_the_last_two_goes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(tasks_on_their_way_are_a_part_of_the_backlog, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_a_backlog_the_first_goes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backlog_is_over_when_nothing_is_left_of_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_small_task_is_overtaken_only_a_few_times, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_large_task_does_not_go_before_a_share_that_is_behind,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
