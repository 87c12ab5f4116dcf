/*
 * Channels and consumers, on the thread of the consuming connection.
 *
 * Each queue has a channel, so that an error of one queue closes no other. The queue says how many
 * messages may arrive, as a sum over its whole life (`limit`), so that a message that is on its way
 * while the number changes is never counted twice. The channel's consumer has the difference as its
 * prefetch. Quorum queues have no prefetch of a channel that could be changed later ("Quorum
 * Queues", RabbitMQ documentation: global QoS), so another number needs another consumer: cancel,
 * wait for cancel-ok if messages may still arrive before it, and consume again.
 *
 * An acknowledgement gives its consumer a new credit. If that would be more than the limit allows,
 * the consumer is cancelled first: the broker handles the methods of a channel in their order.
 * Less credit than the limit allows is topped up only when it has fallen below the half, so that
 * a queue with few messages keeps one consumer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "rabbit_private.h"

enum { PREFETCH_MAX = 65535, TAG_SIZE = 24 };

static void fail(struct amqp_session *session, int result, const char *what)
{
    amqp_session_sent(session, result, what, NULL);
}

static bool is_open(const struct rabbit_channel *channel, const struct amqp_session *session)
{
    return session->state && !session->broken && channel->number;
}

/* ---- telling the queue ---- */

static struct rabbit_note *note_new(struct rabbit_channel *channel)
{
    struct rabbit_note *note = calloc(1, sizeof *note);
    if (!note)
        return NULL;
    note->task.done = rabbit_note_arrived;
    note->queue = channel->queue;
    list_init(&note->deliveries);
    return note;
}

static void deliveries_drop(struct list *list)
{
    struct list *link;
    while ((link = list_shift(list)))
        rabbit_delivery_free(container_of(link, struct rabbit_delivery, link));
}

static void post_fresh(struct rabbit_channel *channel, struct amqp_session *session)
{
    struct rabbit_note *note = list_empty(&channel->fresh) ? NULL : note_new(channel);
    if (!note)
        return; /* without memory they wait for the next turn */
    list_move_all(&note->deliveries, &channel->fresh);
    amqp_session_post(session, &note->task, 0, NULL);
}

/* "delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms." (rabbit_channel.erl) */
static unsigned timeout_stated(const char *text)
{
    static const char before[] = "Timeout value used: ";
    const char *at = strstr(text, before);
    const unsigned long ms = at ? strtoul(at + sizeof before - 1, NULL, 10) : 0;
    return ms / 1000 > UINT32_MAX ? 0 : (unsigned)(ms / 1000);
}

/* The channel is closed. All that it has delivered is back in the queue. */
static void channel_lost(struct rabbit_consumers *consumers, struct rabbit_channel *channel,
                         struct amqp_session *session, const struct error *error)
{
    if (channel->number)
        consumers->by_number[channel->number] = NULL;
    channel->number = 0;
    channel->state = RABBIT_IDLE;
    channel->credit = 0;
    if (channel->partial)
        rabbit_delivery_free(channel->partial);
    channel->partial = NULL;
    for (struct list *l = channel->fresh.next; l != &channel->fresh; l = l->next)
        channel->arrived--; /* the queue never hears of them */
    deliveries_drop(&channel->fresh);
    struct rabbit_note *note = channel->told ? NULL : note_new(channel);
    if (!note)
        return;
    channel->told = true;
    note->lost = true;
    note->consumer_timeout_s = timeout_stated(error->text);
    amqp_session_post(session, &note->task, error->code, error);
}

/* ---- consuming ---- */

static bool channel_open(struct rabbit_consumers *consumers, struct rabbit_channel *channel,
                         struct amqp_session *session)
{
    struct error error;
    if (amqp_session_channel_open(session, &channel->number, &error)) {
        channel->number = 0;
        channel_lost(consumers, channel, session, &error);
        return false;
    }
    consumers->by_number[channel->number] = channel;
    channel->serial++;
    channel->told = false;
    struct rabbit_note *note = note_new(channel);
    if (note)
        amqp_session_post(session, &note->task, 0, NULL);
    return true;
}

static void consumer_tag(const struct rabbit_channel *channel, char out[TAG_SIZE])
{
    snprintf(out, TAG_SIZE, "%llu", (unsigned long long)channel->consumer);
}

/* consume-ok is not waited for: an error closes the channel. */
static void consume(struct rabbit_channel *channel, uint64_t prefetch, struct amqp_session *session)
{
    char tag[TAG_SIZE];
    channel->consumer++;
    channel->credit = prefetch < PREFETCH_MAX ? prefetch : PREFETCH_MAX;
    channel->state = RABBIT_CONSUMING;
    consumer_tag(channel, tag);
    amqp_basic_qos_t qos = {.prefetch_count = (uint16_t)channel->credit};
    amqp_basic_consume_t method = {.queue = amqp_cstring_bytes(channel->name),
                                   .consumer_tag = amqp_cstring_bytes(tag),
                                   .nowait = true};
    fail(session, amqp_send_method(session->state, channel->number, AMQP_BASIC_QOS_METHOD, &qos),
         "basic.qos");
    fail(session,
         amqp_send_method(session->state, channel->number, AMQP_BASIC_CONSUME_METHOD, &method),
         "basic.consume");
}

/* Without credit nothing can arrive any more, so cancel-ok is not waited for. */
static void cancel(struct rabbit_channel *channel, struct amqp_session *session)
{
    char tag[TAG_SIZE];
    consumer_tag(channel, tag);
    amqp_basic_cancel_t method = {.consumer_tag = amqp_cstring_bytes(tag),
                                  .nowait = channel->credit == 0};
    channel->state = method.nowait ? RABBIT_IDLE : RABBIT_CANCELLING;
    fail(session,
         amqp_send_method(session->state, channel->number, AMQP_BASIC_CANCEL_METHOD, &method),
         "basic.cancel");
}

static uint64_t allowed(const struct rabbit_channel *channel)
{
    return channel->limit > channel->arrived ? channel->limit - channel->arrived : 0;
}

static void adjust(struct rabbit_consumers *consumers, struct rabbit_channel *channel,
                   struct amqp_session *session)
{
    const uint64_t most = allowed(channel);
    if (!session->state || session->broken)
        return;
    if (channel->state == RABBIT_CONSUMING &&
        (channel->credit > most || channel->credit * 2 < most))
        cancel(channel, session);
    if (channel->state != RABBIT_IDLE || most == 0)
        return;
    if (channel->number || channel_open(consumers, channel, session))
        consume(channel, most, session);
}

void rabbit_channel_limit(struct rabbit_consumers *consumers, struct rabbit_channel *channel,
                          uint64_t limit, struct amqp_session *session)
{
    channel->limit = limit;
    adjust(consumers, channel, session);
}

/* ---- settling ---- */

static size_t credit_returned(const struct rabbit_channel *channel,
                              const struct rabbit_settlement *what, size_t count)
{
    size_t returned = 0;
    for (size_t i = 0; i < count; i++)
        returned += what[i].serial == channel->serial && what[i].consumer == channel->consumer;
    return returned;
}

static int settle_one(const struct rabbit_channel *channel, const struct rabbit_settlement *what,
                      struct amqp_session *session, struct error *error)
{
    const int result =
        what->requeue ? amqp_basic_nack(session->state, channel->number, what->tag, false, true)
                      : amqp_basic_ack(session->state, channel->number, what->tag, false);
    return amqp_session_sent(session, result, "acknowledgement", error);
}

int rabbit_channel_settle(struct rabbit_channel *channel, const struct rabbit_settlement *what,
                          size_t count, int *codes, struct amqp_session *session,
                          struct error *error)
{
    const bool open = is_open(channel, session);
    const size_t returned = open ? credit_returned(channel, what, count) : 0;
    if (channel->state == RABBIT_CONSUMING && channel->credit + returned > allowed(channel))
        cancel(channel, session);
    else if (channel->state == RABBIT_CONSUMING)
        channel->credit += returned;
    for (size_t i = 0; i < count; i++) {
        codes[i] = open && what[i].serial == channel->serial ? 0 : ERR_RECEIPT;
        int code = codes[i] ? 0 : settle_one(channel, &what[i], session, error);
        if (code)
            return code;
    }
    if (open && channel->state == RABBIT_IDLE && allowed(channel))
        consume(channel, allowed(channel), session);
    return 0;
}

/* ---- frames ---- */

static void delivery_complete(struct rabbit_channel *channel)
{
    list_push(&channel->fresh, &channel->partial->link);
    channel->partial = NULL;
    channel->arrived++;
}

static void delivery_start(struct rabbit_channel *channel, const amqp_basic_deliver_t *method,
                           struct amqp_session *session)
{
    char tag[TAG_SIZE];
    if (channel->partial)
        rabbit_delivery_free(channel->partial);
    channel->partial = rabbit_delivery_new();
    if (!channel->partial) {
        fail(session, AMQP_STATUS_NO_MEMORY, "basic.deliver");
        return;
    }
    const size_t size =
        method->consumer_tag.len < TAG_SIZE - 1 ? method->consumer_tag.len : TAG_SIZE - 1;
    memcpy(tag, size ? method->consumer_tag.bytes : "", size);
    tag[size] = '\0';
    channel->partial->serial = channel->serial;
    channel->partial->consumer = strtoull(tag, NULL, 10);
    channel->partial->tag = method->delivery_tag;
    channel->partial->redelivered = method->redelivered;
    if (channel->state == RABBIT_CONSUMING && channel->partial->consumer == channel->consumer &&
        channel->credit)
        channel->credit--;
}

static void delivery_head(struct rabbit_channel *channel, const amqp_frame_t *frame,
                          struct amqp_session *session)
{
    if (!channel->partial)
        return;
    if (rabbit_delivery_read(channel->partial, frame))
        fail(session, AMQP_STATUS_NO_MEMORY, "basic.deliver");
    else if (channel->partial->size == 0)
        delivery_complete(channel);
}

static void delivery_body(struct rabbit_channel *channel, const amqp_bytes_t *fragment,
                          struct amqp_session *session)
{
    struct rabbit_delivery *delivery = channel->partial;
    if (!delivery)
        return;
    if (fragment->len > delivery->size - delivery->received) {
        fail(session, AMQP_STATUS_BAD_AMQP_DATA, "basic.deliver");
        return;
    }
    if (delivery->body)
        memcpy(delivery->body + delivery->received, fragment->bytes, fragment->len);
    delivery->received += fragment->len;
    if (delivery->received == delivery->size)
        delivery_complete(channel);
}

static void method_read(struct rabbit_consumers *consumers, struct rabbit_channel *channel,
                        const amqp_frame_t *frame, struct amqp_session *session)
{
    struct error error;
    switch (frame->payload.method.id) {
    case AMQP_BASIC_DELIVER_METHOD:
        delivery_start(channel, frame->payload.method.decoded, session);
        break;
    case AMQP_BASIC_CANCEL_OK_METHOD:
        channel->state = RABBIT_IDLE;
        channel->credit = 0;
        adjust(consumers, channel, session);
        break;
    case AMQP_BASIC_CANCEL_METHOD: /* the queue was deleted, or its node has gone */
        error_set(&error, ERR_NO_CONTAINER,
                  "the broker ended the consumer: the queue \"%s\" was deleted or has no node now",
                  channel->name);
        amqp_session_channel_close(session, channel->number);
        channel_lost(consumers, channel, session, &error);
        break;
    case AMQP_CHANNEL_CLOSE_METHOD:
        amqp_session_channel_closed(session, frame, "the broker closed the channel", &error);
        channel_lost(consumers, channel, session, &error);
        break;
    default: /* qos-ok */
        break;
    }
}

static void on_frame(struct amqp_session *session, const amqp_frame_t *frame, void *user)
{
    struct rabbit_consumers *consumers = user;
    struct rabbit_channel *channel =
        frame->channel <= AMQP_CHANNELS_MAX ? consumers->by_number[frame->channel] : NULL;
    if (!channel) {
        if (frame->frame_type == AMQP_FRAME_METHOD &&
            frame->payload.method.id == AMQP_CHANNEL_CLOSE_METHOD &&
            frame->channel <= AMQP_CHANNELS_MAX)
            amqp_session_channel_closed(session, frame, "closed", NULL);
        return;
    }
    switch (frame->frame_type) {
    case AMQP_FRAME_METHOD:
        method_read(consumers, channel, frame, session);
        break;
    case AMQP_FRAME_HEADER:
        delivery_head(channel, frame, session);
        break;
    case AMQP_FRAME_BODY:
        delivery_body(channel, &frame->payload.body_fragment, session);
        break;
    default:
        break;
    }
}

static void on_turn(struct amqp_session *session, void *user)
{
    struct rabbit_consumers *consumers = user;
    for (struct list *l = consumers->channels.next; l != &consumers->channels; l = l->next)
        post_fresh(container_of(l, struct rabbit_channel, link), session);
}

static void on_lost(struct amqp_session *session, const struct error *error, void *user)
{
    struct rabbit_consumers *consumers = user;
    for (struct list *l = consumers->channels.next; l != &consumers->channels; l = l->next)
        channel_lost(consumers, container_of(l, struct rabbit_channel, link), session, error);
}

static int on_opened(struct amqp_session *session, struct error *error, void *user)
{
    struct rabbit_consumers *consumers = user;
    (void)error;
    for (struct list *l = consumers->channels.next; l != &consumers->channels; l = l->next)
        adjust(consumers, container_of(l, struct rabbit_channel, link), session);
    return 0;
}

const struct amqp_events rabbit_consumer_events = {
    .opened = on_opened, .frame = on_frame, .turn = on_turn, .lost = on_lost};

void rabbit_channel_attach(struct rabbit_consumers *consumers, struct rabbit_channel *channel)
{
    list_push(&consumers->channels, &channel->link);
}

/* Closing the channel returns what it has delivered. */
void rabbit_channel_detach(struct rabbit_consumers *consumers, struct rabbit_channel *channel,
                           struct amqp_session *session)
{
    list_remove(&channel->link);
    if (channel->number) {
        consumers->by_number[channel->number] = NULL;
        if (session->state)
            amqp_session_channel_close(session, channel->number);
    }
    if (channel->partial)
        rabbit_delivery_free(channel->partial);
    channel->partial = NULL;
    deliveries_drop(&channel->fresh);
}
