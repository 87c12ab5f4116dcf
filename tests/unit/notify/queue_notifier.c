/* Notifications to queues, over the queues in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_services.h"
#include "queue_notifier.h"

static uv_loop_t loop;
static struct fake_queues queues;
static struct queue_notifier notifier;
static unsigned calls, opens;
static struct error result;
static char group[80], deduplication[80];
static int (*real_open)(struct queue_backend *, const char *, queue_opened *, void *);
static int (*real_send)(struct queue *, const struct queue_send *, queue_sent *, void *);

static int counting_open(struct queue_backend *backend, const char *name, queue_opened *done,
                         void *user)
{
    opens++;
    return real_open(backend, name, done, user);
}

static int noting_send(struct queue *queue, const struct queue_send *message, queue_sent *done,
                       void *user)
{
    snprintf(group, sizeof group, "%s", message->group ? message->group : "");
    snprintf(deduplication, sizeof deduplication, "%s",
             message->deduplication ? message->deduplication : "");
    return real_send(queue, message, done, user);
}

static int setup(void **state)
{
    (void)state;
    calls = opens = 0;
    uv_loop_init(&loop);
    fake_queues_init(&queues, &loop);
    real_open = queues.ops.open;
    real_send = queues.ops.send;
    queues.ops.open = counting_open;
    queues.ops.send = noting_send;
    queue_notifier_init(&notifier, &queues.backend);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    queue_notifier_close(&notifier);
    fake_queues_clear(&queues); /* checks that every queue is closed */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static void on_notified(const struct error *error, void *user)
{
    (void)user;
    calls++;
    result = *error;
}

static struct notify_request *begin(const char *target)
{
    const struct notify_message what = {.target = target,
                                        .id = "msg_1",
                                        .group = "group",
                                        .type = "photo.done",
                                        .pipeline = "web",
                                        .document = slice_of("{}")};
    struct notify_request *request = NULL;
    assert_int_equal(
        notifier.notifier.ops->send(&notifier.notifier, &what, on_notified, NULL, &request), 0);
    return request;
}

static void wait_for(unsigned count)
{
    while (calls < count)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(calls, count);
}

static void a_queue_is_opened_once(void **state)
{
    (void)state;
    struct queue *told = fake_queue_add(&queues, "told", NULL);
    begin("told");
    begin("told");
    wait_for(2);
    begin("told");
    wait_for(3);
    assert_int_equal(result.code, 0);
    assert_int_equal(opens, 1);
    assert_int_equal(fake_queue_count(told), 3);
    assert_string_equal(fake_queue_first(told)->body, "{}");
    assert_string_equal(fake_attribute(fake_queue_first(told), "event"), "photo.done");
    assert_string_equal(fake_attribute(fake_queue_first(told), "pipeline"), "web");
    assert_string_equal(group, ""); /* a standard queue has none */
}

static void a_fifo_queue_gets_group_and_deduplication_id(void **state)
{
    (void)state;
    fake_queue_add(&queues, "told.fifo", NULL);
    begin("told.fifo");
    wait_for(1);
    assert_string_equal(group, "group");
    assert_string_equal(deduplication, "msg_1");
}

static void a_missing_queue_is_looked_for_again(void **state)
{
    (void)state;
    begin("told");
    begin("told");
    wait_for(2);
    assert_int_equal(result.code, ERR_NO_CONTAINER);
    fake_queue_add(&queues, "told", NULL);
    begin("told");
    wait_for(3);
    assert_int_equal(result.code, 0);
}

static void what_is_too_long_for_the_queue_is_not_sent(void **state)
{
    (void)state;
    struct queue *told = fake_queue_add(&queues, "told", NULL);
    told->facts.message_max = 1;
    begin("told");
    wait_for(1);
    assert_int_equal(result.code, ERR_LIMIT);
    assert_int_equal(fake_queue_count(told), 0);
}

static void a_cancelled_notification_is_not_reported(void **state)
{
    (void)state;
    struct queue *told = fake_queue_add(&queues, "told", NULL);
    struct notify_request *unsent = begin("told");
    begin("told");
    notifier.notifier.ops->cancel(unsent);
    wait_for(1);
    assert_int_equal(fake_queue_count(told), 1);
    notifier.notifier.ops->cancel(begin("told")); /* sent; its response is ignored */
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(calls, 1);
    assert_int_equal(fake_queue_count(told), 2);
}

static void a_close_ends_what_is_pending(void **state)
{
    (void)state;
    fake_queue_add(&queues, "told", NULL);
    begin("told"); /* the teardown closes the notifier while the queue is being opened */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_queue_is_opened_once),
        CASE(a_fifo_queue_gets_group_and_deduplication_id),
        CASE(a_missing_queue_is_looked_for_again),
        CASE(what_is_too_long_for_the_queue_is_not_sent),
        CASE(a_cancelled_notification_is_not_reported),
        CASE(a_close_ends_what_is_pending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
