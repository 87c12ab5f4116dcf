/*
 * Confirms of RabbitMQ. The calls of librabbitmq and of the session that send something are
 * replaced.
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

enum { CHANNEL = 3, MESSAGES = 4, PENDING = 99 };

static struct {
    struct amqp_session session;
    struct rabbit_publisher publisher;
    struct rabbit_publication messages[MESSAGES];
    size_t channels, published;
    bool breaks; /* the next publish */
    struct error error;
    int connection; /* whose address stands for librabbitmq's state */
} t;

/* ---- replaced ---- */

int amqp_basic_publish(amqp_connection_state_t state, amqp_channel_t channel, amqp_bytes_t exchange,
                       amqp_bytes_t routing_key, amqp_boolean_t mandatory, amqp_boolean_t immediate,
                       struct amqp_basic_properties_t_ const *properties, amqp_bytes_t body)
{
    (void)state;
    (void)properties;
    (void)body;
    assert_int_equal(channel, CHANNEL);
    assert_int_equal(exchange.len, 0);
    assert_true(mandatory && !immediate && routing_key.len);
    t.published++;
    return t.breaks ? AMQP_STATUS_SOCKET_ERROR : AMQP_STATUS_OK;
}

int amqp_session_sent(struct amqp_session *session, int result, const char *what,
                      struct error *error)
{
    (void)what;
    if (result >= 0)
        return 0;
    session->broken = true;
    return error_set(error, ERR_NETWORK, "lost");
}

int amqp_session_channel_open(struct amqp_session *session, amqp_channel_t *out,
                              struct error *error)
{
    (void)session;
    (void)error;
    *out = CHANNEL;
    t.channels++;
    return 0;
}

int amqp_session_channel_closed(struct amqp_session *session, const amqp_frame_t *frame,
                                const char *what, struct error *error)
{
    (void)session;
    (void)frame;
    return error_set(error, ERR_CONFLICT, "%s", what);
}

amqp_confirm_select_ok_t *amqp_confirm_select(amqp_connection_state_t state, amqp_channel_t channel)
{
    (void)state;
    assert_int_equal(channel, CHANNEL);
    return NULL;
}

amqp_rpc_reply_t amqp_get_rpc_reply(amqp_connection_state_t state)
{
    (void)state;
    return (amqp_rpc_reply_t){.reply_type = AMQP_RESPONSE_NORMAL};
}

int amqp_session_check(struct amqp_session *session, amqp_channel_t channel, amqp_rpc_reply_t reply,
                       const char *what, struct error *error)
{
    (void)session;
    (void)channel;
    (void)what;
    (void)error;
    return reply.reply_type == AMQP_RESPONSE_NORMAL ? 0 : ERR_SERVER;
}

void amqp_session_post(struct amqp_session *session, struct amqp_task *task, int code,
                       const struct error *error)
{
    (void)session;
    task->code = code;
    if (error)
        task->error = *error;
}

/* ---- the broker's frames ---- */

static void method_arrives(amqp_method_number_t id, void *decoded)
{
    const amqp_frame_t frame = {.frame_type = AMQP_FRAME_METHOD,
                                .channel = CHANNEL,
                                .payload.method = {.id = id, .decoded = decoded}};
    rabbit_publisher_events.frame(&t.session, &frame, &t.publisher);
}

static void ack(uint64_t tag, bool multiple)
{
    amqp_basic_ack_t method = {.delivery_tag = tag, .multiple = multiple};
    method_arrives(AMQP_BASIC_ACK_METHOD, &method);
}

static void nack(uint64_t tag, bool multiple)
{
    amqp_basic_nack_t method = {.delivery_tag = tag, .multiple = multiple};
    method_arrives(AMQP_BASIC_NACK_METHOD, &method);
}

static void give_back(const char *routing_key)
{
    amqp_basic_return_t method = {.reply_code = 312,
                                  .routing_key = amqp_cstring_bytes(routing_key)};
    method_arrives(AMQP_BASIC_RETURN_METHOD, &method);
}

/* ---- messages ---- */

static int begin(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    t.session.state = (amqp_connection_state_t)(void *)&t.connection;
    t.session.host = "broker:5672";
    list_init(&t.publisher.pending);
    return rabbit_publisher_events.opened(&t.session, &t.error, &t.publisher);
}

static int publish(size_t index, const char *routing_key)
{
    struct rabbit_publication *message = &t.messages[index];
    rabbit_publication_init(message, &t.publisher);
    snprintf(message->routing_key, sizeof message->routing_key, "%s", routing_key);
    message->task.code = PENDING;
    return message->task.run(&message->task, &t.session);
}

static void publish_all(void)
{
    for (size_t i = 0; i < MESSAGES; i++)
        assert_int_equal(publish(i, i % 2 ? "odd" : "even"), AMQP_TASK_PENDING);
}

static void codes(int first, int second, int third, int fourth)
{
    const int expected[MESSAGES] = {first, second, third, fourth};
    for (size_t i = 0; i < MESSAGES; i++)
        assert_int_equal(t.messages[i].task.code, expected[i]);
}

/* ---- tests ---- */

static void a_message_ends_with_its_confirm(void **state)
{
    (void)state;
    publish_all();
    assert_true(t.session.ticking);
    ack(2, false);
    codes(PENDING, 0, PENDING, PENDING);
    ack(3, true);
    codes(0, 0, 0, PENDING);
    ack(9, false); /* of no message */
    ack(4, false);
    codes(0, 0, 0, 0);
    assert_false(t.session.ticking);
}

static void a_refused_message_was_not_stored(void **state)
{
    (void)state;
    publish_all();
    nack(2, true);
    codes(ERR_THROTTLED, ERR_THROTTLED, PENDING, PENDING);
    ack(4, true);
    codes(ERR_THROTTLED, ERR_THROTTLED, 0, 0);
}

/* basic.return does not say which message it means, and the broker confirms it all the same. */
static void a_returned_message_was_not_stored_although_it_is_confirmed(void **state)
{
    (void)state;
    publish_all();
    give_back("odd");
    ack(4, true);
    codes(0, ERR_NO_CONTAINER, 0, ERR_NO_CONTAINER);
    assert_non_null(strstr(t.messages[1].task.error.text, "\"odd\""));
}

static void whatever_is_pending_fails_with_the_connection(void **state)
{
    const struct error lost = {.code = ERR_NETWORK, .text = "lost"};
    (void)state;
    publish_all();
    ack(1, false);
    rabbit_publisher_events.lost(&t.session, &lost, &t.publisher);
    codes(0, ERR_NETWORK, ERR_NETWORK, ERR_NETWORK);
    assert_int_equal(rabbit_publisher_events.opened(&t.session, &t.error, &t.publisher), 0);
    assert_int_equal(publish(0, "even"), AMQP_TASK_PENDING);
    ack(1, false); /* the tags of the new channel begin again */
    assert_int_equal(t.messages[0].task.code, 0);
}

static void a_closed_channel_is_opened_again_by_the_next_message(void **state)
{
    amqp_channel_close_t close = {.reply_code = 406};
    (void)state;
    publish_all();
    method_arrives(AMQP_CHANNEL_CLOSE_METHOD, &close);
    codes(ERR_CONFLICT, ERR_CONFLICT, ERR_CONFLICT, ERR_CONFLICT);
    assert_int_equal(t.channels, 1);
    assert_int_equal(publish(0, "even"), AMQP_TASK_PENDING);
    assert_int_equal(t.channels, 2);
    ack(1, false);
    assert_int_equal(t.messages[0].task.code, 0);
}

static void a_blocked_broker_is_sent_nothing(void **state)
{
    (void)state;
    t.session.blocked = true;
    assert_int_equal(publish(0, "even"), ERR_THROTTLED);
    assert_non_null(strstr(t.messages[0].task.error.text, "memory"));
    assert_int_equal(t.published, 0);
}

static void a_message_that_could_not_be_written_is_not_pending(void **state)
{
    (void)state;
    t.breaks = true;
    assert_int_equal(publish(0, "even"), ERR_NETWORK);
    assert_true(list_empty(&t.publisher.pending));
}

static void a_message_that_is_never_confirmed_ends(void **state)
{
    (void)state;
    publish_all();
    t.messages[0].due_ms = t.messages[1].due_ms = 0;
    rabbit_publisher_events.turn(&t.session, &t.publisher);
    codes(ERR_TIMEOUT, ERR_TIMEOUT, PENDING, PENDING);
    ack(4, true); /* a late confirm of the first two is of no interest */
    codes(ERR_TIMEOUT, ERR_TIMEOUT, 0, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_ends_with_its_confirm),
        TEST(a_refused_message_was_not_stored),
        TEST(a_returned_message_was_not_stored_although_it_is_confirmed),
        TEST(whatever_is_pending_fails_with_the_connection),
        TEST(a_closed_channel_is_opened_again_by_the_next_message),
        TEST(a_blocked_broker_is_sent_nothing),
        TEST(a_message_that_could_not_be_written_is_not_pending),
        TEST(a_message_that_is_never_confirmed_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
