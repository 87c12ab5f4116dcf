/* Looking at all messages of a queue: each once, and what is not deleted is put back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_services.h"
#include <cmocka.h>

#include "queue_scan.h"

static struct {
    uv_loop_t loop;
    struct fake_queues queues;
    struct queue *queue;
    struct queue_scan *scan;
    size_t looks, stop_after, delete_after; /* a number of looks; 0: never */
    bool all_visible;                       /* as if every timeout ended at once */
    unsigned failures;                      /* of the next calls */
    int failure;
} world;

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    uv_loop_init(&world.loop);
    fake_queues_init(&world.queues, &world.loop);
    world.queue = fake_queue_add(&world.queues, "dead", NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    queue_scan_free(world.scan);
    fake_queues_clear(&world.queues);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    return 0;
}

static void fill(size_t count)
{
    for (size_t i = 0; i < count; i++)
        fake_queue_put(world.queue, "body");
}

static enum scan_verdict look(struct queue_message *message, struct scan_item *item, void *user)
{
    (void)message, (void)item, (void)user;
    world.looks++;
    for (struct list *l = world.queue->messages.next;
         world.all_visible && l != &world.queue->messages; l = l->next)
        container_of(l, struct fake_message, link)->visible_at_ms = 0;
    if (world.stop_after == world.looks)
        queue_scan_stop(world.scan);
    return world.delete_after && world.looks > world.delete_after ? SCAN_DELETE : SCAN_HOLD;
}

static const struct queue_scan_facts *scan(void)
{
    const struct queue_scan_options options = {.loop = &world.loop,
                                               .ops = &world.queues.ops,
                                               .queue = world.queue,
                                               .visibility_s = 30,
                                               .look = look};
    assert_int_equal(queue_scan_start(&options, &world.scan), 0);
    while (!queue_scan_is_done(world.scan))
        uv_run(&world.loop, UV_RUN_ONCE);
    return queue_scan_facts(world.scan);
}

static size_t visible(void)
{
    size_t count = 0;
    for (struct list *l = world.queue->messages.next; l != &world.queue->messages; l = l->next)
        count += container_of(l, struct fake_message, link)->visible_at_ms <= uv_now(&world.loop);
    return count;
}

static void each_message_is_seen_once_and_put_back(void **state)
{
    (void)state;
    fill(125);
    const struct queue_scan_facts *facts = scan();
    assert_int_equal(world.looks, 125);
    assert_int_equal(facts->seen, 125);
    assert_true(facts->complete);
    assert_int_equal(visible(), 125);
}

static void an_empty_queue_is_complete(void **state)
{
    (void)state;
    assert_true(scan()->complete);
    assert_int_equal(world.looks, 0);
}

static void a_stopped_scan_puts_everything_back(void **state)
{
    (void)state;
    fill(95);
    world.stop_after = 33;
    const struct queue_scan_facts *facts = scan();
    assert_int_equal(world.looks, 33);
    assert_false(facts->complete);
    assert_int_equal(visible(), 95);
}

/* Without this, a queue whose messages come back faster than they are seen never ends. */
static void messages_that_come_again_end_the_scan(void **state)
{
    (void)state;
    fill(7);
    world.all_visible = true;
    const struct queue_scan_facts *facts = scan();
    assert_int_equal(world.looks, 7);
    assert_true(facts->complete);
    assert_in_range(world.queue->receive_calls, 2, 20);
}

static void what_is_deleted_is_gone(void **state)
{
    (void)state;
    fill(25);
    world.delete_after = 4;
    const struct queue_scan_facts *facts = scan();
    assert_int_equal(facts->deleted, 21);
    assert_int_equal(fake_queue_count(world.queue), 4);
    assert_int_equal(visible(), 4);
}

static struct queue_backend_ops original;

/* The first deletion fails, because the message is visible again. */
static int delete_late(struct queue *queue, const struct queue_entry *entries, size_t count,
                       queue_batch_done *done, void *user)
{
    if (world.failures && world.failures--) {
        struct fake_message *message = fake_queue_first(queue);
        message->visible_at_ms = 0;
        message->receipt[0] = '\0';
    }
    return original.delete_batch(queue, entries, count, done, user);
}

static void a_deletion_that_came_too_late_is_repeated(void **state)
{
    (void)state;
    fill(1);
    original = world.queues.ops;
    world.queues.ops.delete_batch = delete_late;
    world.failures = 1;
    world.delete_after = 0;
    world.stop_after = 0;
    world.looks = 1; /* so that the first look deletes */
    world.delete_after = 1;
    const struct queue_scan_facts *facts = scan();
    assert_int_equal(world.looks, 2); /* one look */
    assert_int_equal(facts->deleted, 1);
    assert_int_equal(facts->undeleted, 0);
    assert_int_equal(fake_queue_count(world.queue), 0);
}

struct failing {
    uv_timer_t timer;
    queue_received *done;
    void *user;
};

static void failing_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void failing_fire(uv_timer_t *timer)
{
    struct failing *failing = timer->data;
    struct error error;
    error_set(&error, world.failure, "as the test demands");
    failing->done(NULL, 0, &error, failing->user);
    uv_close((uv_handle_t *)timer, failing_closed);
}

static int receive_failing(struct queue *queue, const struct queue_receive *what,
                           queue_received *done, void *user, struct queue_request **out)
{
    if (!world.failures || !world.failures--)
        return original.receive(queue, what, done, user, out);
    struct failing *failing = calloc(1, sizeof *failing);
    failing->done = done;
    failing->user = user;
    uv_timer_init(&world.loop, &failing->timer);
    failing->timer.data = failing;
    uv_timer_start(&failing->timer, failing_fire, 0, 0);
    *out = NULL;
    return 0;
}

static void a_transient_failure_is_repeated(void **state)
{
    (void)state;
    fill(3);
    original = world.queues.ops;
    world.queues.ops.receive = receive_failing;
    world.failures = 3;
    world.failure = ERR_THROTTLED;
    const struct queue_scan_facts *facts = scan();
    assert_int_equal(facts->error.code, 0);
    assert_int_equal(world.looks, 3);
}

static void a_permanent_failure_ends_the_scan(void **state)
{
    (void)state;
    fill(3);
    original = world.queues.ops;
    world.queues.ops.receive = receive_failing;
    world.failures = 1;
    world.failure = ERR_DENIED;
    const struct queue_scan_facts *facts = scan();
    assert_int_equal(facts->error.code, ERR_DENIED);
    assert_false(facts->complete);
}

static void the_timeout_grows_with_the_queue(void **state)
{
    (void)state;
    assert_int_equal(queue_scan_visibility(0), 30);
    assert_int_equal(queue_scan_visibility(100000), 530);
    assert_int_equal(queue_scan_visibility(1u << 30), 900);
}

#define SCAN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCAN_TEST(each_message_is_seen_once_and_put_back),
        SCAN_TEST(an_empty_queue_is_complete),
        SCAN_TEST(a_stopped_scan_puts_everything_back),
        SCAN_TEST(messages_that_come_again_end_the_scan),
        SCAN_TEST(what_is_deleted_is_gone),
        SCAN_TEST(a_deletion_that_came_too_late_is_repeated),
        SCAN_TEST(a_transient_failure_is_repeated),
        SCAN_TEST(a_permanent_failure_ends_the_scan),
        cmocka_unit_test(the_timeout_grows_with_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
