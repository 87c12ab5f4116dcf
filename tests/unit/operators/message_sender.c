/* Batches of messages: how they are filled, what is sent again, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "container_of.h"
#include "message_sender.h"

enum { MESSAGES_MAX = 64, CALLS_MAX = 64 };

struct queue { /* the seam's opaque type */
    struct queue_facts facts;
};

static struct world {
    uv_loop_t loop;
    struct queue_backend backend;
    struct queue queue;
    struct message_sender sender;
    /* calls, each as the bodies of its messages: "a,b" */
    char calls[CALLS_MAX][256];
    size_t call_count, pending, most_pending;
    /* the result of the next attempts to send a body that begins with this letter */
    char letter;
    int code, times;
    /* results */
    char stored[256], failed[256];
    size_t settled;
    int last_code;
    char last_why[ERROR_TEXT_MAX];
} w;

struct reply {
    uv_timer_t timer;
    struct queue_send_result results[QUEUE_BATCH_MAX];
    char ids[QUEUE_BATCH_MAX][64];
    size_t count;
    queue_batch_sent *done;
    void *user;
};

static const struct queue_facts *facts(const struct queue *queue)
{
    return &queue->facts;
}

static void reply_free(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct reply, timer));
}

static void on_reply(uv_timer_t *timer)
{
    struct reply *reply = container_of(timer, struct reply, timer);
    struct error error = {0};
    w.pending--;
    reply->done(reply->results, reply->count, &error, reply->user);
    uv_close((uv_handle_t *)timer, reply_free);
}

static int send_batch(struct queue *queue, const struct queue_send *messages, size_t count,
                      queue_batch_sent *done, void *user)
{
    struct reply *reply = calloc(1, sizeof *reply);
    char *call = w.calls[w.call_count++];
    assert_ptr_equal(queue, &w.queue);
    assert_in_range(count, 1, QUEUE_BATCH_MAX);
    *reply = (struct reply){.count = count, .done = done, .user = user};
    for (size_t i = 0; i < count; i++) {
        const bool fails = messages[i].body[0] == w.letter && w.times != 0;
        snprintf(call + strlen(call), sizeof w.calls[0] - strlen(call), "%s%.20s", i ? "," : "",
                 messages[i].body);
        w.times -= fails;
        snprintf(reply->ids[i], sizeof reply->ids[i], "id-%.20s", messages[i].body);
        reply->results[i] =
            (struct queue_send_result){fails ? w.code : 0, fails ? NULL : reply->ids[i], "because"};
    }
    if (++w.pending > w.most_pending)
        w.most_pending = w.pending;
    uv_timer_init(&w.loop, &reply->timer);
    uv_timer_start(&reply->timer, on_reply, 5, 0);
    return 0;
}

static const struct queue_backend_ops ops = {.facts = facts, .send_batch = send_batch};

static void on_settled(struct outgoing *message, const char *id, const struct error *error,
                       void *user)
{
    char *list = error->code ? w.failed : w.stored;
    assert_ptr_equal(user, &w);
    if (!error->code) {
        assert_non_null(id);
        assert_int_equal(strncmp(id + 3, message->body, strlen(id + 3)), 0);
    }
    w.last_code = error->code;
    snprintf(w.last_why, sizeof w.last_why, "%s", error->text);
    snprintf(list + strlen(list), sizeof w.stored - strlen(list), "%.20s ", message->body);
    w.settled++;
    outgoing_free(message);
}

static int setup(void **state)
{
    (void)state;
    w = (struct world){.backend = {.ops = &ops}};
    w.queue.facts = (struct queue_facts){
        .name = "photos", .arn = "arn:aws:sqs:eu-west-1:123456789012:photos", .message_max = 1024};
    const struct send_target target = {.queues = &w.backend, .queue = &w.queue};
    assert_int_equal(uv_loop_init(&w.loop), 0);
    message_sender_init(&w.sender, &w.loop, &target, on_settled, &w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    message_sender_close(&w.sender, NULL);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w.loop), 0);
    return 0;
}

static void add(const char *body)
{
    struct outgoing *message = calloc(1, sizeof *message);
    message->body = strdup(body);
    message->body_size = strlen(body);
    message_sender_add(&w.sender, message);
}

static void add_all(const char *letters)
{
    for (; *letters; letters++)
        add((char[]){*letters, '\0'});
}

static void run(void)
{
    uv_run(&w.loop, UV_RUN_DEFAULT);
}

static void messages_go_ten_at_a_time(void **state)
{
    (void)state;
    add_all("abcdefghijkl");
    run();
    assert_int_equal(w.call_count, 2);
    assert_string_equal(w.calls[0], "a,b,c,d,e,f,g,h,i,j");
    assert_string_equal(w.calls[1], "k,l");
    assert_int_equal(w.settled, 12);
}

static void a_batch_is_no_larger_than_a_message_may_be(void **state)
{
    char large[601];
    (void)state;
    memset(large, 'a', 600);
    large[600] = '\0';
    add(large);
    large[0] = 'b';
    add(large);
    add("c");
    run();
    assert_int_equal(w.call_count, 2);
    assert_int_equal(w.settled, 3);
}

static void only_what_failed_is_sent_again(void **state)
{
    (void)state;
    w.letter = 'b';
    w.code = ERR_THROTTLED;
    w.times = 2;
    add_all("abc");
    run();
    assert_int_equal(w.call_count, 3);
    assert_string_equal(w.calls[0], "a,b,c");
    assert_string_equal(w.calls[1], "b");
    assert_string_equal(w.calls[2], "b");
    assert_string_equal(w.stored, "a c b ");
    assert_string_equal(w.failed, "");
}

static void what_the_service_refuses_is_not_sent_again(void **state)
{
    (void)state;
    w.letter = 'b';
    w.code = ERR_UNACCEPTABLE;
    w.times = -1;
    add_all("abc");
    run();
    assert_int_equal(w.call_count, 1);
    assert_string_equal(w.failed, "b ");
    assert_int_equal(w.settled, 3);
}

static void a_failure_that_does_not_pass_is_reported_in_the_end(void **state)
{
    (void)state;
    w.letter = 'b';
    w.code = ERR_SERVER;
    w.times = -1;
    add_all("b");
    run();
    assert_in_range(w.call_count, 3, 20);
    assert_string_equal(w.failed, "b ");
    assert_int_equal(w.last_code, ERR_SERVER);
    assert_string_equal(w.last_why, "because");
    assert_true(send_is_unknown(w.last_code));
}

static void a_fifo_queue_gets_one_batch_at_a_time_in_order(void **state)
{
    (void)state;
    w.queue.facts.name = "photos.fifo";
    w.letter = 'b';
    w.code = ERR_THROTTLED;
    w.times = 1;
    add_all("abcdefghijklmnopqrstuvwxyz");
    run();
    assert_int_equal(w.most_pending, 1);
    /* Nothing overtakes the message that is sent again. */
    assert_string_equal(w.calls[1], "b,k,l,m,n,o,p,q,r,s");
    assert_int_equal(w.settled, 26);
}

static void the_region_is_that_of_the_arn(void **state)
{
    (void)state;
    char region[SEND_REGION_SIZE];
    const struct send_target topic = {.topic = "arn:aws:sns:us-east-2:123456789012:photos.fifo"};
    send_target_region(&w.sender.target, region);
    assert_string_equal(region, "eu-west-1");
    send_target_region(&topic, region);
    assert_string_equal(region, "us-east-2");
    assert_string_equal(send_target_name(&topic), "photos.fifo");
    assert_true(send_target_is_fifo(&topic));
    assert_false(send_target_is_fifo(&w.sender.target));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(messages_go_ten_at_a_time),
        CASE(a_batch_is_no_larger_than_a_message_may_be),
        CASE(only_what_failed_is_sent_again),
        CASE(what_the_service_refuses_is_not_sent_again),
        CASE(a_failure_that_does_not_pass_is_reported_in_the_end),
        CASE(a_fifo_queue_gets_one_batch_at_a_time_in_order),
        CASE(the_region_is_that_of_the_arn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
