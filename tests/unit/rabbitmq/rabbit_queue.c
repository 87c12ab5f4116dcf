/*
 * The loop's side of a queue of RabbitMQ: receives, leases, and what is returned. The connection is
 * replaced by one that runs each task at once; the thread's side by records of what it was told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rabbit_private.h"

enum { SETTLED_MAX = 64 };

static struct {
    uv_loop_t loop;
    uv_timer_t finisher; /* calls done of the tasks that have run */
    struct amqp_task *done[SETTLED_MAX];
    size_t done_count;
    void (*closed[2])(void *user);
    void *closed_user[2];
    size_t closed_count;
    struct amqp_session session;
    struct rabbitmq *rabbitmq;
    struct queue *queue;
    uint64_t limit, next_tag;
    size_t limits; /* how often it was told */
    bool again;    /* the next receive that fails is followed by another */
    bool closing;  /* the next end of a receive closes the queue */
    size_t ends;   /* of receives */
    struct rabbit_settlement settled[SETTLED_MAX];
    size_t settled_count;
    int publish_code; /* of copies; PENDING: they wait */
    struct amqp_task *copy;
    char copied_to[AMQP_NAME_SIZE];
    struct queue_message got;
    size_t received;
    int receive_code, batch_code;
    unsigned batches;
    bool has_dead, redelivered; /* there is web.dead; what arrives was delivered before */
    char purged[AMQP_NAME_SIZE], source[128];
    size_t sources;
} t;

enum { PENDING = 1 };

/* ---- replaced ---- */

static void finish(uv_timer_t *timer)
{
    (void)timer;
    for (size_t i = 0; i < t.done_count; i++)
        t.done[i]->done(t.done[i]);
    t.done_count = 0;
    while (t.closed_count) {
        t.closed_count--;
        t.closed[t.closed_count](t.closed_user[t.closed_count]);
    }
}

static void task_end(struct amqp_task *task, int code)
{
    task->code = code;
    if (code)
        error_set(&task->error, code, "it failed");
    t.done[t.done_count++] = task;
    uv_timer_start(&t.finisher, finish, 0, 0);
}

int amqp_connection_create(uv_loop_t *loop, const struct amqp_connection_options *options,
                           struct amqp_connection **out, struct error *error)
{
    (void)loop;
    (void)options;
    (void)error;
    *out = (struct amqp_connection *)(void *)&t;
    return 0;
}

void amqp_connection_submit(struct amqp_connection *connection, struct amqp_task *task)
{
    (void)connection;
    int code = task->run(task, &t.session);
    if (code != AMQP_TASK_PENDING)
        task_end(task, code);
}

void amqp_connection_destroy(struct amqp_connection *connection, void (*closed)(void *user),
                             void *user)
{
    (void)connection;
    t.closed[t.closed_count] = closed;
    t.closed_user[t.closed_count++] = user;
    uv_timer_start(&t.finisher, finish, 0, 0);
}

int amqp_session_count(struct amqp_session *session, const char *queue, uint64_t *out,
                       struct error *error)
{
    (void)session;
    *out = 0;
    return strcmp(queue, "web") == 0 || (t.has_dead && strcmp(queue, "web.dead") == 0)
               ? 0
               : error_set(error, ERR_NO_CONTAINER, "no such queue");
}

int amqp_session_purge(struct amqp_session *session, const char *queue, struct error *error)
{
    (void)session;
    (void)error;
    snprintf(t.purged, sizeof t.purged, "%s", queue);
    return 0;
}

void rabbit_channel_attach(struct rabbit_consumers *consumers, struct rabbit_channel *channel)
{
    (void)consumers;
    (void)channel;
}

void rabbit_channel_detach(struct rabbit_consumers *consumers, struct rabbit_channel *channel,
                           struct amqp_session *session)
{
    (void)consumers;
    (void)channel;
    (void)session;
}

void rabbit_channel_limit(struct rabbit_consumers *consumers, struct rabbit_channel *channel,
                          uint64_t limit, struct amqp_session *session)
{
    (void)consumers;
    (void)channel;
    (void)session;
    t.limit = limit;
    t.limits++;
}

int rabbit_channel_settle(struct rabbit_channel *channel, const struct rabbit_settlement *what,
                          size_t count, int *codes, struct amqp_session *session,
                          struct error *error)
{
    (void)channel;
    (void)session;
    (void)error;
    for (size_t i = 0; i < count; i++) {
        t.settled[t.settled_count++] = what[i];
        codes[i] = 0;
    }
    return 0;
}

const struct amqp_events rabbit_consumer_events, rabbit_publisher_events;

static int copy_publish(struct amqp_task *task, struct amqp_session *session)
{
    struct rabbit_publication *publication = container_of(task, struct rabbit_publication, task);
    (void)session;
    snprintf(t.copied_to, sizeof t.copied_to, "%s", publication->routing_key);
    t.copy = task;
    return t.publish_code == PENDING ? AMQP_TASK_PENDING : t.publish_code;
}

void rabbit_publication_init(struct rabbit_publication *publication,
                             struct rabbit_publisher *publisher)
{
    (void)publisher;
    publication->task.run = copy_publish;
}

/* ---- the world ---- */

static const struct queue_backend_ops *ops(void)
{
    return rabbitmq_queues(t.rabbitmq)->ops;
}

static void run_for(uint64_t milliseconds);

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    (void)user;
    assert_int_equal(error->code, 0);
    t.queue = queue;
}

static int begin(void **state)
{
    const struct amqp_settings settings = {.consumer_timeout_s = 1800, .max_receives = 2};
    (void)state;
    memset(&t, 0, sizeof t);
    uv_loop_init(&t.loop);
    uv_timer_init(&t.loop, &t.finisher);
    t.rabbitmq = rabbitmq_create(&t.loop, &settings);
    assert_int_equal(ops()->open(rabbitmq_queues(t.rabbitmq), "amqp://b/%2F/web", on_opened, NULL),
                     0);
    run_for(1);
    assert_non_null(t.queue);
    return 0;
}

static int end(void **state)
{
    (void)state;
    queue_message_clear(&t.got);
    if (t.queue)
        ops()->close(t.queue);
    rabbitmq_destroy(t.rabbitmq);
    run_for(1);
    uv_close((uv_handle_t *)&t.finisher, NULL);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&t.loop);
}

static void stop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void run_for(uint64_t milliseconds)
{
    uv_timer_t timer;
    uv_timer_init(&t.loop, &timer);
    uv_timer_start(&timer, stop, milliseconds, 0);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&t.loop, UV_RUN_NOWAIT);
}

static void on_received(struct queue_message *messages, size_t count, const struct error *error,
                        void *user)
{
    (void)user;
    t.received += count;
    t.receive_code = error->code;
    t.ends++;
    if (t.closing)
        ops()->close(t.queue);
    if (t.closing)
        t.queue = NULL;
    t.closing = false;
    if (error->code && t.again) {
        const struct queue_receive what = {.max = 1, .wait_s = 20, .visibility_s = 30};
        t.again = false;
        assert_int_equal(ops()->receive(t.queue, &what, on_received, NULL, NULL), 0);
    }
    if (!count)
        return;
    queue_message_clear(&t.got);
    t.got = queue_message_take(&messages[0]);
}

static struct queue_request *receive(unsigned max, unsigned visibility_s)
{
    const struct queue_receive what = {.max = max, .wait_s = 20, .visibility_s = visibility_s};
    struct queue_request *request;
    t.receive_code = PENDING;
    assert_int_equal(ops()->receive(t.queue, &what, on_received, NULL, &request), 0);
    run_for(1);
    return request;
}

static void arrive(size_t count)
{
    struct rabbit_note *note = calloc(1, sizeof *note);
    list_init(&note->deliveries);
    note->queue = rabbit_of(t.queue);
    for (size_t i = 0; i < count; i++) {
        struct rabbit_delivery *delivery = rabbit_delivery_new();
        delivery->serial = 1;
        delivery->tag = ++t.next_tag;
        delivery->redelivered = t.redelivered;
        rabbit_delivery_name(delivery);
        delivery->body = calloc(1, 5);
        delivery->size = 4;
        list_push(&note->deliveries, &delivery->link);
    }
    rabbit_note_arrived(&note->task);
    run_for(1);
}

static void connection_lost(void)
{
    struct rabbit_note *note = calloc(1, sizeof *note);
    list_init(&note->deliveries);
    note->queue = rabbit_of(t.queue);
    note->lost = true;
    note->task.code = error_set(&note->task.error, ERR_NETWORK, "lost");
    rabbit_note_arrived(&note->task);
    run_for(1);
}

static void on_batch(const int *codes, size_t count, const struct error *error, void *user)
{
    (void)user;
    assert_int_equal(count, 1);
    assert_int_equal(error->code, 0);
    t.batch_code = codes[0];
    t.batches++;
}

static void delete_it(void)
{
    const struct queue_entry entry = {.receipt = t.got.receipt};
    assert_int_equal(ops()->delete_batch(t.queue, &entry, 1, on_batch, NULL), 0);
    assert_int_equal(t.batches, 0); /* from a fresh callback */
    run_for(1);
}

static void extend_it(unsigned visibility_s, bool release)
{
    const struct queue_entry entry = {
        .receipt = t.got.receipt, .visibility_s = visibility_s, .release = release};
    assert_int_equal(ops()->extend_batch(t.queue, &entry, 1, on_batch, NULL), 0);
    run_for(1);
}

static void settled(size_t count, bool requeue)
{
    assert_int_equal(t.settled_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(t.settled[i].requeue, requeue);
}

/* ---- tests ---- */

static void no_more_may_arrive_than_receives_ask_for(void **state)
{
    (void)state;
    receive(4, 30);
    assert_int_equal(t.limit, 4);
    arrive(1); /* ends the receive: nobody asks for the other three any more */
    assert_int_equal(t.received, 1);
    assert_int_equal(t.limit, 1);
    receive(3, 30);
    assert_int_equal(t.limit, 4);
}

static void a_deleted_message_is_acknowledged(void **state)
{
    (void)state;
    receive(1, 30);
    arrive(1);
    delete_it();
    assert_int_equal(t.batch_code, 0);
    settled(1, false);
}

static void a_message_is_held_for_as_long_as_the_receive_has_said(void **state)
{
    (void)state;
    receive(1, 300);
    arrive(1);
    run_for(299 * 1000);
    settled(0, false);
    extend_it(300, false);
    run_for(299 * 1000);
    settled(0, false);
    run_for(2000);
    settled(1, true); /* nobody has extended it */
    extend_it(300, false);
    assert_int_equal(t.batch_code, ERR_RECEIPT);
}

static void a_message_is_never_held_beyond_the_consumer_timeout(void **state)
{
    (void)state;
    receive(1, 900);
    arrive(1);
    run_for(800 * 1000);
    extend_it(900, false);
    run_for(800 * 1000);
    extend_it(900, false);
    settled(0, false);
    run_for(141 * 1000);
    settled(1, true); /* a minute before the broker's 30 minutes */
}

static void a_return_with_a_delay_is_a_confirmed_copy(void **state)
{
    (void)state;
    receive(1, 30);
    arrive(1);
    t.publish_code = PENDING;
    extend_it(9, true);
    assert_string_equal(t.copied_to, "web.retry.10s");
    run_for(60 * 1000); /* its visibility is over, but its copy is on its way */
    settled(0, false);
    assert_int_equal(t.batches, 0);
    task_end(t.copy, 0);
    run_for(1);
    settled(1, false);
    assert_int_equal(t.batch_code, 0);
}

static void a_message_whose_copy_fails_is_not_acknowledged(void **state)
{
    (void)state;
    receive(1, 30);
    arrive(1);
    t.publish_code = ERR_NO_CONTAINER;
    extend_it(9, true);
    assert_int_equal(t.batch_code, ERR_NO_CONTAINER);
    settled(0, false);
    run_for(31 * 1000);
    settled(1, true); /* in the end it goes back as it is */
}

static void a_message_that_was_not_started_goes_back_at_once(void **state)
{
    (void)state;
    receive(1, 30);
    arrive(1);
    extend_it(0, true);
    settled(1, true);
}

static void a_lost_connection_ends_leases_and_receives(void **state)
{
    (void)state;
    receive(1, 30);
    arrive(1);
    receive(1, 30);
    connection_lost();
    assert_int_equal(t.receive_code, ERR_NETWORK);
    delete_it();
    assert_int_equal(t.batch_code, ERR_RECEIPT);
    settled(0, false);
}

/* Otherwise the consumer would not be made again. */
static void the_limit_is_told_again_after_a_loss(void **state)
{
    (void)state;
    receive(1, 30);
    assert_int_equal(t.limits, 1);
    t.again = true;
    connection_lost();
    assert_int_equal(t.limits, 2);
    assert_int_equal(t.limit, 1);
}

static void a_copy_that_outlives_its_delivery_is_confirmed_without_it(void **state)
{
    (void)state;
    receive(1, 30);
    arrive(1);
    t.publish_code = PENDING;
    extend_it(9, true);
    connection_lost();
    task_end(t.copy, 0);
    run_for(1);
    assert_int_equal(t.batch_code, 0);
    settled(0, false);
}

static void a_message_that_no_receive_takes_goes_back(void **state)
{
    (void)state;
    struct queue_request *request = receive(2, 30);
    arrive(3); /* one more than asked for: it was on its way */
    assert_int_equal(t.received, 2);
    (void)request;
    run_for(2500);
    settled(1, true);
}

static void a_cancelled_receive_returns_what_waits(void **state)
{
    (void)state;
    receive(1, 30);
    arrive(1);
    struct queue_request *request = receive(1, 30);
    assert_int_equal(t.limit, 2);
    ops()->receive_cancel(t.queue, request);
    run_for(1);
    assert_int_equal(t.limit, 1);
    arrive(1);
    run_for(2500);
    settled(1, true);
}

static void a_receive_without_messages_ends_in_time(void **state)
{
    (void)state;
    receive(1, 30);
    run_for(19000);
    assert_int_equal(t.receive_code, PENDING);
    run_for(1100);
    assert_int_equal(t.receive_code, 0);
    connection_lost();
    receive(1, 30);
    run_for(20100);
    assert_int_equal(t.receive_code, ERR_NETWORK); /* there is still no connection */
}

static void a_closed_queue_calls_nobody_back(void **state)
{
    (void)state;
    receive(1, 30);
    receive(1, 30);
    t.closing = true;
    run_for(21000); /* both have found nothing */
    assert_int_equal(t.ends, 1);
}

static void a_queue_that_is_closed_for_a_loss_calls_nobody_back(void **state)
{
    (void)state;
    receive(1, 30);
    receive(1, 30);
    t.closing = true;
    connection_lost();
    assert_int_equal(t.ends, 1);
}

static void a_queue_needs_room_for_the_names_of_its_retry_queues(void **state)
{
    char name[AMQP_NAME_MAX + 32] = "amqp://b/%2F/";
    struct error error;
    (void)state;
    const size_t start = strlen(name);
    memset(name + start, 'q', AMQP_WORK_NAME_MAX + 1);
    assert_int_equal(rabbitmq_queue_check(name, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "240"));
    name[start + AMQP_WORK_NAME_MAX] = '\0';
    assert_int_equal(rabbitmq_queue_check(name, &error), 0);
}

static void a_queue_can_be_closed_while_a_copy_is_pending(void **state)
{
    (void)state;
    receive(1, 30);
    arrive(1);
    t.publish_code = PENDING;
    extend_it(9, true);
    ops()->close(t.queue);
    t.queue = NULL;
    run_for(1);
    task_end(t.copy, ERR_CANCELLED);
    run_for(1);
    assert_int_equal(t.batches, 0);
}

/* ---- dead letters ---- */

static void open_again(const char *address)
{
    ops()->close(t.queue);
    t.queue = NULL;
    t.has_dead = true;
    assert_int_equal(ops()->open(rabbitmq_queues(t.rabbitmq), address, on_opened, NULL), 0);
    run_for(1);
    assert_non_null(t.queue);
}

/* The second of two receives. */
static void a_message_that_had_all_its_receives_goes_to_the_dead_letter_queue(void **state)
{
    (void)state;
    open_again("amqp://b/%2F/web");
    receive(1, 30);
    arrive(1);
    extend_it(1, true);
    assert_string_equal(t.copied_to, "web.retry.1s");
    t.redelivered = true;
    receive(1, 30);
    arrive(1);
    extend_it(1, true);
    assert_string_equal(t.copied_to, "web.dead");
    settled(2, false);
}

static void without_a_dead_letter_queue_a_message_is_retried(void **state)
{
    (void)state;
    t.redelivered = true;
    receive(1, 30);
    arrive(1);
    extend_it(1, true);
    assert_string_equal(t.copied_to, "web.retry.1s");
}

static void on_purged(const struct error *error, void *user)
{
    (void)user;
    assert_int_equal(error->code, 0);
    t.batches++;
}

static void on_sources(const char *const *urls, size_t count, bool more, const struct error *error,
                       void *user)
{
    (void)user;
    assert_int_equal(error->code, 0);
    assert_false(more);
    t.sources = count;
    if (count)
        snprintf(t.source, sizeof t.source, "%s", urls[0]);
    t.batches++;
}

static void operators_purge_a_queue_and_find_whose_letters_it_has(void **state)
{
    (void)state;
    const struct queue_admin_ops *admin = rabbitmq_queues(t.rabbitmq)->admin;
    assert_int_equal(admin->sources(t.queue, on_sources, NULL), 0);
    assert_int_equal(t.batches, 0); /* from a fresh callback */
    run_for(1);
    assert_int_equal(t.batches, 1);
    assert_int_equal(t.sources, 0);
    open_again("amqp://b/%2F/web.dead");
    assert_int_equal(admin->sources(t.queue, on_sources, NULL), 0);
    assert_int_equal(admin->purge(t.queue, on_purged, NULL), 0);
    run_for(1);
    assert_int_equal(t.batches, 3);
    assert_int_equal(t.sources, 1);
    assert_string_equal(t.source, "amqp://b:5672/%2F/web");
    assert_string_equal(t.purged, "web.dead");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_more_may_arrive_than_receives_ask_for),
        TEST(a_deleted_message_is_acknowledged),
        TEST(a_message_is_held_for_as_long_as_the_receive_has_said),
        TEST(a_message_is_never_held_beyond_the_consumer_timeout),
        TEST(a_return_with_a_delay_is_a_confirmed_copy),
        TEST(a_message_whose_copy_fails_is_not_acknowledged),
        TEST(a_message_that_was_not_started_goes_back_at_once),
        TEST(a_lost_connection_ends_leases_and_receives),
        TEST(the_limit_is_told_again_after_a_loss),
        TEST(a_copy_that_outlives_its_delivery_is_confirmed_without_it),
        TEST(a_message_that_no_receive_takes_goes_back),
        TEST(a_cancelled_receive_returns_what_waits),
        TEST(a_receive_without_messages_ends_in_time),
        TEST(a_closed_queue_calls_nobody_back),
        TEST(a_queue_that_is_closed_for_a_loss_calls_nobody_back),
        TEST(a_queue_needs_room_for_the_names_of_its_retry_queues),
        TEST(a_queue_can_be_closed_while_a_copy_is_pending),
        TEST(a_message_that_had_all_its_receives_goes_to_the_dead_letter_queue),
        TEST(without_a_dead_letter_queue_a_message_is_retried),
        TEST(operators_purge_a_queue_and_find_whose_letters_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
