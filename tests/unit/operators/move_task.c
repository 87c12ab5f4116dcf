/* Following a message move task of the service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "move_task.h"

static struct {
    uv_loop_t loop;
    uv_timer_t reply; /* one request at a time */
    enum { ASKED_LOOK, ASKED_START, ASKED_CANCEL } asked;
    queue_move_known *known;
    queue_move_started *started;
    queue_move_cancelled *cancelled;
    void *user;
    enum queue_move_state state; /* of the newest task */
    unsigned looks, starts, cancels, ends_after, fail_looks;
    int start_code;
    struct move_follower *task;
} world;

static struct error answer(int code)
{
    struct error error = {0};
    if (code)
        error_set(&error, code, "as the test demands");
    return error;
}

static void answer_look(void)
{
    const struct error error = answer(world.fail_looks ? ERR_SERVER : 0);
    if (world.fail_looks)
        world.fail_looks--;
    if (++world.looks == world.ends_after && world.state == QUEUE_MOVE_RUNNING)
        world.state = QUEUE_MOVE_COMPLETED;
    const struct queue_move_facts move = {
        .state = world.state, .moved = world.looks, .to_move = 9, .reason = "the reason"};
    world.known(&move, &error, world.user);
}

static void on_reply(uv_timer_t *timer)
{
    (void)timer;
    const struct error start_error = answer(world.start_code), none = {0};
    switch (world.asked) {
    case ASKED_LOOK:
        answer_look();
        break;
    case ASKED_START:
        world.starts++;
        if (!world.start_code)
            world.state = QUEUE_MOVE_RUNNING;
        world.started(world.start_code ? NULL : "handle", &start_error, world.user);
        break;
    case ASKED_CANCEL:
        world.cancels++;
        world.state = QUEUE_MOVE_CANCELLED;
        world.cancelled(&none, world.user);
        break;
    }
}

static int look(struct queue *queue, queue_move_known *done, void *user)
{
    (void)queue;
    world.asked = ASKED_LOOK;
    world.known = done;
    world.user = user;
    return uv_timer_start(&world.reply, on_reply, 0, 0);
}

static int start(struct queue *queue, const struct queue *to, queue_move_started *done, void *user)
{
    (void)queue, (void)to;
    world.asked = ASKED_START;
    world.started = done;
    world.user = user;
    return uv_timer_start(&world.reply, on_reply, 0, 0);
}

static int cancel(struct queue *queue, const char *handle, queue_move_cancelled *done, void *user)
{
    (void)queue;
    assert_string_equal(handle, "handle");
    world.asked = ASKED_CANCEL;
    world.cancelled = done;
    world.user = user;
    return uv_timer_start(&world.reply, on_reply, 0, 0);
}

static const struct queue_admin_ops admin = {
    .move_start = start, .move_look = look, .move_cancel = cancel};
static const struct queue_backend backend = {.admin = &admin};

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    uv_loop_init(&world.loop);
    uv_timer_init(&world.loop, &world.reply);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    move_task_free(world.task);
    uv_close((uv_handle_t *)&world.reply, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    return 0;
}

static const struct move_task_facts *follow(unsigned stop_after_looks)
{
    assert_int_equal(move_task_start(&world.loop, &backend, NULL, NULL, &world.task), 0);
    while (!move_task_is_done(world.task)) {
        if (stop_after_looks && world.looks >= stop_after_looks)
            move_task_stop(world.task);
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    return move_task_facts(world.task);
}

static void a_task_is_followed_to_its_end(void **state)
{
    (void)state;
    world.ends_after = 5;
    const struct move_task_facts *facts = follow(0);
    assert_true(facts->started);
    assert_int_equal(facts->error.code, 0);
    assert_int_equal(facts->moved, 5);
    assert_int_equal(world.starts, 1);
}

static void a_running_task_is_left_alone(void **state)
{
    (void)state;
    world.state = QUEUE_MOVE_RUNNING;
    const struct move_task_facts *facts = follow(0);
    assert_int_equal(facts->error.code, ERR_CONFLICT);
    assert_int_equal(world.starts, 0);
}

static void an_interrupt_cancels_the_task(void **state)
{
    (void)state;
    const struct move_task_facts *facts = follow(3);
    assert_true(facts->cancelled);
    assert_int_equal(world.cancels, 1);
    assert_int_equal(facts->error.code, 0);
}

static void a_refusal_is_reported_as_not_started(void **state)
{
    (void)state;
    world.start_code = ERR_UNSUPPORTED;
    const struct move_task_facts *facts = follow(0);
    assert_false(facts->started);
    assert_int_equal(facts->error.code, ERR_UNSUPPORTED);
}

static int start_failing(struct queue *queue, const struct queue *to, queue_move_started *done,
                         void *user)
{
    int code = start(queue, to, done, user);
    world.ends_after = 3;
    return code;
}

static void a_failed_task_gives_its_reason(void **state)
{
    (void)state;
    struct queue_admin_ops failing = admin;
    failing.move_start = start_failing;
    const struct queue_backend other = {.admin = &failing};
    assert_int_equal(move_task_start(&world.loop, &other, NULL, NULL, &world.task), 0);
    while (!move_task_is_done(world.task)) {
        if (world.starts && world.looks == 2)
            world.state = QUEUE_MOVE_FAILED;
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    assert_non_null(strstr(move_task_facts(world.task)->error.text, "the reason"));
}

static void a_look_that_fails_is_repeated(void **state)
{
    (void)state;
    world.ends_after = 6;
    assert_int_equal(move_task_start(&world.loop, &backend, NULL, NULL, &world.task), 0);
    while (!move_task_is_done(world.task)) {
        if (world.looks == 2)
            world.fail_looks = 1;
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    assert_int_equal(move_task_facts(world.task)->error.code, 0);
}

#define TASK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TASK_TEST(a_task_is_followed_to_its_end),  TASK_TEST(a_running_task_is_left_alone),
        TASK_TEST(an_interrupt_cancels_the_task),  TASK_TEST(a_refusal_is_reported_as_not_started),
        TASK_TEST(a_failed_task_gives_its_reason), TASK_TEST(a_look_that_fails_is_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
