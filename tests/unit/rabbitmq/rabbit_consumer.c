/*
 * Consumers of RabbitMQ: how much may arrive, what is said about it, and what is lost. The calls of
 * librabbitmq and of the session that send something are replaced: what they would send is recorded.
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

enum { CHANNEL = 7, SENT_SIZE = 4096 };

static struct {
    struct amqp_session session;
    struct rabbit_consumers consumers;
    struct rabbit_channel channel;
    char sent[SENT_SIZE]; /* "qos 3, consume 1, " */
    size_t delivered;     /* messages in notes */
    size_t opened, lost;  /* notes */
    struct error why;
    unsigned stated_s;
    uint64_t next_tag;
    int connection; /* whose address stands for librabbitmq's state */
} t;

/* ---- replaced ---- */

static void record(const char *format, ...)
{
    const size_t used = strlen(t.sent);
    va_list args;
    va_start(args, format);
    vsnprintf(t.sent + used, sizeof t.sent - used, format, args);
    va_end(args);
}

int amqp_send_method(amqp_connection_state_t state, amqp_channel_t channel, amqp_method_number_t id,
                     void *decoded)
{
    (void)state;
    assert_int_equal(channel, CHANNEL);
    if (id == AMQP_BASIC_QOS_METHOD) {
        record("qos %u, ", ((amqp_basic_qos_t *)decoded)->prefetch_count);
    } else if (id == AMQP_BASIC_CONSUME_METHOD) {
        const amqp_bytes_t tag = ((amqp_basic_consume_t *)decoded)->consumer_tag;
        record("consume %.*s, ", (int)tag.len, (const char *)tag.bytes);
    } else if (id == AMQP_BASIC_CANCEL_METHOD) {
        const amqp_basic_cancel_t *cancel = decoded;
        record("cancel %.*s%s, ", (int)cancel->consumer_tag.len,
               (const char *)cancel->consumer_tag.bytes, cancel->nowait ? "" : " and wait");
    }
    return AMQP_STATUS_OK;
}

int amqp_basic_ack(amqp_connection_state_t state, amqp_channel_t channel, uint64_t tag,
                   amqp_boolean_t multiple)
{
    (void)state;
    assert_int_equal(channel, CHANNEL);
    assert_false(multiple);
    record("ack %u, ", (unsigned)tag);
    return AMQP_STATUS_OK;
}

int amqp_basic_nack(amqp_connection_state_t state, amqp_channel_t channel, uint64_t tag,
                    amqp_boolean_t multiple, amqp_boolean_t requeue)
{
    (void)state;
    assert_int_equal(channel, CHANNEL);
    assert_true(!multiple && requeue);
    record("return %u, ", (unsigned)tag);
    return AMQP_STATUS_OK;
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
    record("open, ");
    return 0;
}

void amqp_session_channel_close(struct amqp_session *session, amqp_channel_t channel)
{
    (void)session;
    assert_int_equal(channel, CHANNEL);
    record("close, ");
}

int amqp_session_channel_closed(struct amqp_session *session, const amqp_frame_t *frame,
                                const char *what, struct error *error)
{
    const amqp_channel_close_t *close = frame->payload.method.decoded;
    (void)session;
    return error_set(error, ERR_CONFLICT, "%s: %.*s", what, (int)close->reply_text.len,
                     (const char *)close->reply_text.bytes);
}

void rabbit_note_arrived(struct amqp_task *task)
{
    (void)task;
}

void amqp_session_post(struct amqp_session *session, struct amqp_task *task, int code,
                       const struct error *error)
{
    struct rabbit_note *note = container_of(task, struct rabbit_note, task);
    struct list *link;
    (void)session;
    t.opened += !note->lost && list_empty(&note->deliveries);
    t.lost += note->lost;
    if (code) {
        t.why = *error;
        t.stated_s = note->consumer_timeout_s;
    }
    while ((link = list_shift(&note->deliveries))) {
        t.delivered++;
        rabbit_delivery_free(container_of(link, struct rabbit_delivery, link));
    }
    free(note);
}

/* ---- the broker's frames ---- */

static void frame_arrives(const amqp_frame_t *frame)
{
    rabbit_consumer_events.frame(&t.session, frame, &t.consumers);
}

static void method_arrives(amqp_method_number_t id, void *decoded)
{
    frame_arrives(&(amqp_frame_t){.frame_type = AMQP_FRAME_METHOD,
                                  .channel = CHANNEL,
                                  .payload.method = {.id = id, .decoded = decoded}});
}

static void head_arrives(uint64_t size)
{
    amqp_basic_properties_t properties = {0};
    char encoded[64];
    const int used = amqp_encode_properties(AMQP_BASIC_CLASS, &properties,
                                            (amqp_bytes_t){sizeof encoded, encoded});
    assert_true(used >= 0);
    frame_arrives(&(amqp_frame_t){.frame_type = AMQP_FRAME_HEADER,
                                  .channel = CHANNEL,
                                  .payload.properties = {.class_id = AMQP_BASIC_CLASS,
                                                         .body_size = size,
                                                         .decoded = &properties,
                                                         .raw = {(size_t)used, encoded}}});
}

static void body_arrives(const char *text)
{
    char copy[64];
    snprintf(copy, sizeof copy, "%s", text);
    frame_arrives(&(amqp_frame_t){.frame_type = AMQP_FRAME_BODY,
                                  .channel = CHANNEL,
                                  .payload.body_fragment = amqp_cstring_bytes(copy)});
}

static void delivery_begins(const char *consumer)
{
    amqp_basic_deliver_t method = {.consumer_tag = amqp_cstring_bytes(consumer),
                                   .delivery_tag = ++t.next_tag};
    method_arrives(AMQP_BASIC_DELIVER_METHOD, &method);
}

static void deliver(const char *consumer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        delivery_begins(consumer);
        head_arrives(4);
        body_arrives("bo");
        body_arrives("dy");
    }
    rabbit_consumer_events.turn(&t.session, &t.consumers);
}

/* ---- the queue's side ---- */

static int begin(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    t.session.state = (amqp_connection_state_t)(void *)&t.connection;
    list_init(&t.consumers.channels);
    list_init(&t.channel.link);
    list_init(&t.channel.fresh);
    t.channel.name = (char *)(uintptr_t) "web";
    rabbit_channel_attach(&t.consumers, &t.channel);
    return 0;
}

static void sent(const char *expected)
{
    assert_string_equal(t.sent, expected);
    t.sent[0] = '\0';
}

static void may_arrive(uint64_t limit)
{
    rabbit_channel_limit(&t.consumers, &t.channel, limit, &t.session);
}

static void settle(uint64_t consumer, uint64_t tag, bool requeue, int expected)
{
    const struct rabbit_settlement what = {
        .serial = 1, .consumer = consumer, .tag = tag, .requeue = requeue};
    struct error error;
    int code = 1;
    assert_int_equal(rabbit_channel_settle(&t.channel, &what, 1, &code, &t.session, &error), 0);
    assert_int_equal(code, expected);
}

/* ---- tests ---- */

static void the_prefetch_is_what_receives_have_asked_for(void **state)
{
    (void)state;
    may_arrive(3);
    sent("open, qos 3, consume 1, ");
    assert_int_equal(t.opened, 1);
    deliver("1", 2);
    assert_int_equal(t.delivered, 2);
    may_arrive(4); /* 2 have arrived, 2 more were asked for: 1 is still on its way */
    sent("");
}

static void an_acknowledgement_must_not_bring_a_message_that_nobody_has_asked_for(void **state)
{
    (void)state;
    may_arrive(2);
    deliver("1", 2);
    t.sent[0] = '\0';
    settle(1, 1, false, 0);
    sent("cancel 1, ack 1, ");
    settle(1, 2, false, 0); /* its consumer has gone, so nothing more can come of it */
    sent("ack 2, ");
    may_arrive(3);
    sent("qos 1, consume 2, ");
}

static void a_consumer_with_credit_is_cancelled_before_its_limit_falls(void **state)
{
    (void)state;
    may_arrive(5);
    t.sent[0] = '\0';
    may_arrive(2);
    sent("cancel 1 and wait, ");
    deliver("1", 1); /* it was on its way */
    may_arrive(4);
    sent("");
    method_arrives(AMQP_BASIC_CANCEL_OK_METHOD, NULL);
    sent("qos 3, consume 2, ");
}

static void a_queue_with_few_messages_keeps_its_consumer(void **state)
{
    (void)state;
    may_arrive(10);
    t.sent[0] = '\0';
    for (uint64_t i = 1; i <= 20; i++) {
        deliver("1", 1);
        may_arrive(10 + i);
        settle(1, i, false, 0);
    }
    assert_null(strstr(t.sent, "cancel"));
    assert_null(strstr(t.sent, "consume"));
}

static void a_used_up_consumer_is_replaced_when_more_is_asked_for(void **state)
{
    (void)state;
    may_arrive(4);
    deliver("1", 4);
    t.sent[0] = '\0';
    may_arrive(12);
    sent("cancel 1, qos 8, consume 2, ");
}

static void nothing_is_consumed_while_nobody_asks(void **state)
{
    (void)state;
    may_arrive(0);
    sent("");
}

static void a_message_of_a_lost_channel_can_no_longer_be_settled(void **state)
{
    static char text[] = "PRECONDITION_FAILED - delivery acknowledgement on channel 7 timed out. "
                         "Timeout value used: 1800000 ms. This timeout value can be configured";
    amqp_channel_close_t close = {.reply_code = 406, .reply_text = amqp_cstring_bytes(text)};
    (void)state;
    may_arrive(2);
    deliver("1", 1);
    t.sent[0] = '\0';
    method_arrives(AMQP_CHANNEL_CLOSE_METHOD, &close);
    assert_int_equal(t.lost, 1);
    assert_int_equal(t.stated_s, 1800);
    settle(1, 1, false, ERR_RECEIPT);
    sent("");
    may_arrive(3);
    sent("open, qos 2, consume 2, ");
    settle(1, 1, false, ERR_RECEIPT); /* tag 1 of the new channel is another message */
    sent("");
}

static void the_end_of_a_queue_is_told_once(void **state)
{
    amqp_basic_cancel_t cancel = {.consumer_tag = amqp_cstring_bytes("1")};
    const struct error gone = {.code = ERR_NETWORK};
    (void)state;
    may_arrive(2);
    method_arrives(AMQP_BASIC_CANCEL_METHOD, &cancel);
    assert_int_equal(t.lost, 1);
    assert_int_equal(t.why.code, ERR_NO_CONTAINER);
    assert_non_null(strstr(t.why.text, "web"));
    rabbit_consumer_events.lost(&t.session, &gone, &t.consumers);
    assert_int_equal(t.lost, 1);
}

static void a_message_that_was_not_passed_on_is_not_counted_as_arrived(void **state)
{
    const struct error gone = {.code = ERR_NETWORK};
    struct error error;
    (void)state;
    may_arrive(2);
    delivery_begins("1");
    head_arrives(0); /* whole, and the connection is lost before the turn */
    delivery_begins("1");
    head_arrives(4);
    rabbit_consumer_events.lost(&t.session, &gone, &t.consumers);
    assert_int_equal(t.delivered, 0);
    t.sent[0] = '\0';
    rabbit_consumer_events.opened(&t.session, &error, &t.consumers);
    sent("open, qos 2, consume 2, ");
}

static void an_unstarted_message_is_returned(void **state)
{
    (void)state;
    may_arrive(1);
    deliver("1", 1);
    t.sent[0] = '\0';
    settle(1, 1, true, 0);
    sent("cancel 1, return 1, ");
}

static void a_body_longer_than_announced_breaks_the_connection(void **state)
{
    (void)state;
    may_arrive(1);
    delivery_begins("1");
    head_arrives(3);
    body_arrives("body");
    assert_true(t.session.broken);
}

static void a_huge_message_is_passed_on_without_its_body(void **state)
{
    (void)state;
    may_arrive(1);
    delivery_begins("1");
    head_arrives((uint64_t)RABBIT_BODY_MAX + 4);
    body_arrives("body");
    assert_non_null(t.channel.partial);
    assert_null(t.channel.partial->body);
    assert_true(t.channel.partial->too_large);
}

static int end(void **state)
{
    (void)state;
    rabbit_channel_detach(&t.consumers, &t.channel, &t.session);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_prefetch_is_what_receives_have_asked_for),
        TEST(an_acknowledgement_must_not_bring_a_message_that_nobody_has_asked_for),
        TEST(a_consumer_with_credit_is_cancelled_before_its_limit_falls),
        TEST(a_queue_with_few_messages_keeps_its_consumer),
        TEST(a_used_up_consumer_is_replaced_when_more_is_asked_for),
        TEST(nothing_is_consumed_while_nobody_asks),
        TEST(a_message_of_a_lost_channel_can_no_longer_be_settled),
        TEST(the_end_of_a_queue_is_told_once),
        TEST(a_message_that_was_not_passed_on_is_not_counted_as_arrived),
        TEST(an_unstarted_message_is_returned),
        TEST(a_body_longer_than_announced_breaks_the_connection),
        TEST(a_huge_message_is_passed_on_without_its_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
