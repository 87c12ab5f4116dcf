/*
 * Messages and their confirms, on the thread of the publishing connection.
 *
 * One channel, in confirm mode. A message ends when the broker confirms or refuses it, when the
 * channel or the connection is lost, or after 30 seconds. basic.return names only the routing key:
 * all pending messages with it count as returned. One that was stored after all is then published
 * again, which is harmless; the other mistake would lose one.
 */
#include <string.h>

#include "container_of.h"
#include "rabbit_private.h"

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static struct rabbit_publication *publication_at(struct list *link)
{
    return container_of(link, struct rabbit_publication, link);
}

static void publication_end(struct rabbit_publication *publication, struct amqp_session *session,
                            int code, const struct error *error)
{
    struct rabbit_publisher *publisher = publication->publisher;
    struct error returned;
    if (!code && publication->returned) {
        code = error_set(&returned, ERR_NO_CONTAINER,
                         "there is no queue \"%s\"; create it with \"thumbwheel provision\"",
                         publication->routing_key);
        error = &returned;
    }
    list_remove(&publication->link);
    amqp_session_post(session, &publication->task, code, error);
    session->ticking = !list_empty(&publisher->pending);
}

static void all_end(struct rabbit_publisher *publisher, struct amqp_session *session,
                    const struct error *error)
{
    while (!list_empty(&publisher->pending))
        publication_end(publication_at(publisher->pending.next), session, error->code, error);
}

/* ---- the channel ---- */

static int channel_open(struct rabbit_publisher *publisher, struct amqp_session *session,
                        struct error *error)
{
    publisher->published = 0;
    publisher->channel = 0;
    amqp_channel_t channel;
    int code = amqp_session_channel_open(session, &channel, error);
    if (code)
        return code;
    amqp_confirm_select(session->state, channel);
    code = amqp_session_check(session, channel, amqp_get_rpc_reply(session->state),
                              "confirm.select", error);
    if (!code)
        publisher->channel = channel;
    return code;
}

static int publish(struct amqp_task *task, struct amqp_session *session)
{
    struct rabbit_publication *publication = container_of(task, struct rabbit_publication, task);
    struct rabbit_publisher *publisher = publication->publisher;
    if (session->blocked)
        return error_set(&task->error, ERR_THROTTLED,
                         "%s takes no messages for now: it is short of memory or disk space",
                         session->host);
    int code = publisher->channel ? 0 : channel_open(publisher, session, &task->error);
    if (code)
        return code;
    const int result = amqp_basic_publish(session->state, publisher->channel, amqp_empty_bytes,
                                          amqp_cstring_bytes(publication->routing_key), true, false,
                                          &publication->properties, publication->body);
    code = amqp_session_sent(session, result, "basic.publish", &task->error);
    if (code)
        return code;
    publication->tag = ++publisher->published;
    publication->due_ms = now_ms() + RABBIT_PUBLISH_TIMEOUT_MS;
    publication->returned = false;
    list_push(&publisher->pending, &publication->link);
    session->ticking = true;
    return AMQP_TASK_PENDING;
}

void rabbit_publication_init(struct rabbit_publication *publication,
                             struct rabbit_publisher *publisher)
{
    publication->publisher = publisher;
    publication->task.run = publish;
    list_init(&publication->link);
}

/* ---- frames ---- */

static void confirmed(struct rabbit_publisher *publisher, struct amqp_session *session,
                      uint64_t tag, bool multiple, const struct error *error)
{
    struct list *next;
    for (struct list *l = publisher->pending.next; l != &publisher->pending; l = next) {
        struct rabbit_publication *publication = publication_at(l);
        next = l->next;
        if (publication->tag > tag)
            return; /* they are in the order of their tags */
        if (publication->tag == tag || multiple)
            publication_end(publication, session, error ? error->code : 0, error);
    }
}

static void refused(struct rabbit_publisher *publisher, struct amqp_session *session,
                    const amqp_basic_nack_t *nack)
{
    struct error error;
    error_set(&error, ERR_THROTTLED, "%s refused the message: the queue is full or not available",
              session->host);
    confirmed(publisher, session, nack->delivery_tag, nack->multiple, &error);
}

static void returned(struct rabbit_publisher *publisher, const amqp_basic_return_t *method)
{
    for (struct list *l = publisher->pending.next; l != &publisher->pending; l = l->next) {
        struct rabbit_publication *publication = publication_at(l);
        if (strlen(publication->routing_key) == method->routing_key.len &&
            memcmp(publication->routing_key, method->routing_key.bytes, method->routing_key.len) ==
                0)
            publication->returned = true;
    }
}

/* The content of returned messages needs no handling. */
static void on_frame(struct amqp_session *session, const amqp_frame_t *frame, void *user)
{
    struct rabbit_publisher *publisher = user;
    struct error error;
    if (frame->frame_type != AMQP_FRAME_METHOD || frame->channel > AMQP_CHANNELS_MAX)
        return;
    void *method = frame->payload.method.decoded;
    switch (frame->payload.method.id) {
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *ack = method;
        confirmed(publisher, session, ack->delivery_tag, ack->multiple, NULL);
        break;
    }
    case AMQP_BASIC_NACK_METHOD:
        refused(publisher, session, method);
        break;
    case AMQP_BASIC_RETURN_METHOD:
        returned(publisher, method);
        break;
    case AMQP_CHANNEL_CLOSE_METHOD:
        amqp_session_channel_closed(session, frame, "the message was refused", &error);
        publisher->channel = 0;
        all_end(publisher, session, &error);
        break;
    default:
        break;
    }
}

static void on_turn(struct amqp_session *session, void *user)
{
    struct rabbit_publisher *publisher = user;
    struct error error;
    while (!list_empty(&publisher->pending)) {
        struct rabbit_publication *first = publication_at(publisher->pending.next);
        if (first->due_ms > now_ms())
            return;
        error_set(&error, ERR_TIMEOUT, "%s has not confirmed the message in time", session->host);
        publication_end(first, session, error.code, &error);
    }
}

static void on_lost(struct amqp_session *session, const struct error *error, void *user)
{
    struct rabbit_publisher *publisher = user;
    publisher->channel = 0;
    all_end(publisher, session, error);
}

static int on_opened(struct amqp_session *session, struct error *error, void *user)
{
    return channel_open(user, session, error);
}

const struct amqp_events rabbit_publisher_events = {
    .opened = on_opened, .frame = on_frame, .turn = on_turn, .lost = on_lost};
