#include "amqp_session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"

enum { CONTROL_CHANNEL = 0, CLOSE_TIMEOUT_S = 2 };

/* ---- errors ---- */

/* Reply codes: "Constants", AMQP 0-9-1 Complete Reference Guide. */
static int code_of(unsigned reply_code)
{
    switch (reply_code) {
    case AMQP_CONTENT_TOO_LARGE:
        return ERR_LIMIT;
    case AMQP_NO_ROUTE:
    case AMQP_NOT_FOUND:
        return ERR_NO_CONTAINER;
    case AMQP_CONNECTION_FORCED:
        return ERR_NETWORK;
    case AMQP_ACCESS_REFUSED:
    case AMQP_NOT_ALLOWED:
        return ERR_DENIED;
    case AMQP_RESOURCE_LOCKED:
        return ERR_BUSY;
    case AMQP_PRECONDITION_FAILED:
        return ERR_CONFLICT;
    case AMQP_RESOURCE_ERROR:
        return ERR_THROTTLED;
    case AMQP_NOT_IMPLEMENTED:
        return ERR_UNSUPPORTED;
    case AMQP_INTERNAL_ERROR:
        return ERR_SERVER;
    default:
        return ERR_REFUSED;
    }
}

static int code_of_library(int result)
{
    switch (result) {
    case AMQP_STATUS_NO_MEMORY:
        return ERR_MEMORY;
    case AMQP_STATUS_TIMEOUT:
    case AMQP_STATUS_HEARTBEAT_TIMEOUT:
        return ERR_TIMEOUT;
    case AMQP_STATUS_BAD_AMQP_DATA:
    case AMQP_STATUS_UNKNOWN_CLASS:
    case AMQP_STATUS_UNKNOWN_METHOD:
    case AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION:
    case AMQP_STATUS_WRONG_METHOD:
        return ERR_PROTOCOL;
    default:
        return ERR_NETWORK;
    }
}

static int break_session(struct amqp_session *session, const struct error *error)
{
    if (!session->broken)
        session->error = *error;
    session->broken = true;
    return error->code;
}

int amqp_session_sent(struct amqp_session *session, int result, const char *what,
                      struct error *error)
{
    struct error own;
    if (result >= 0)
        return 0;
    if (!error)
        error = &own;
    error_set(error, code_of_library(result), "%s: %s: %s", session->host, what,
              amqp_error_string2(result));
    return break_session(session, error);
}

static int text_size(amqp_bytes_t text)
{
    return text.len < ERROR_TEXT_MAX ? (int)text.len : ERROR_TEXT_MAX;
}

static const char *text_of(amqp_bytes_t text)
{
    return text.len ? text.bytes : "";
}

static int channel_closed(struct amqp_session *session, amqp_channel_t channel,
                          const amqp_channel_close_t *close, const char *what, struct error *error)
{
    amqp_channel_close_ok_t ok = {0};
    int code = error_set(error, code_of(close->reply_code), "%s: %.*s", what,
                         text_size(close->reply_text), text_of(close->reply_text));
    session->channels[channel] = false;
    amqp_session_sent(session,
                      amqp_send_method(session->state, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok),
                      what, NULL);
    return code;
}

/* The connection ends by the broker's decision: it expects an answer. */
static int connection_closed(struct amqp_session *session, const amqp_connection_close_t *close,
                             const char *what, struct error *error)
{
    amqp_connection_close_ok_t ok = {0};
    error_set(error, code_of(close->reply_code), "%s: %s: %.*s", session->host, what,
              text_size(close->reply_text), text_of(close->reply_text));
    amqp_send_method(session->state, CONTROL_CHANNEL, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
    return break_session(session, error);
}

int amqp_session_check(struct amqp_session *session, amqp_channel_t channel, amqp_rpc_reply_t reply,
                       const char *what, struct error *error)
{
    struct error own;
    if (!error)
        error = &own;
    switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
        return 0;
    case AMQP_RESPONSE_SERVER_EXCEPTION:
        if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD)
            return channel_closed(session, channel, reply.reply.decoded, what, error);
        if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
            return connection_closed(session, reply.reply.decoded, what, error);
        error_set(error, ERR_PROTOCOL, "%s: %s: unexpected reply", session->host, what);
        return break_session(session, error);
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
        return amqp_session_sent(session, reply.library_error, what, error);
    case AMQP_RESPONSE_NONE:
    default:
        return amqp_session_sent(session, AMQP_STATUS_SOCKET_ERROR, what, error);
    }
}

int amqp_session_channel_closed(struct amqp_session *session, const amqp_frame_t *frame,
                                const char *what, struct error *error)
{
    return channel_closed(session, frame->channel, frame->payload.method.decoded, what, error);
}

/* ---- channels ---- */

int amqp_session_channel_open(struct amqp_session *session, amqp_channel_t *out,
                              struct error *error)
{
    int most = amqp_get_channel_max(session->state);
    if (most <= 0 || most > AMQP_CHANNELS_MAX)
        most = AMQP_CHANNELS_MAX;
    int channel = 1;
    *out = 0;
    while (channel <= most && session->channels[channel])
        channel++;
    if (channel > most)
        return error_set(error, ERR_LIMIT,
                         "%s allows %d channels, one for each queue: raise its channel_max",
                         session->host, most);
    amqp_channel_open(session->state, (amqp_channel_t)channel);
    *out = (amqp_channel_t)channel;
    session->channels[channel] = true;
    return amqp_session_check(session, *out, amqp_get_rpc_reply(session->state), "channel.open",
                              error);
}

void amqp_session_channel_close(struct amqp_session *session, amqp_channel_t channel)
{
    if (session->broken || !session->channels[channel])
        return;
    amqp_session_check(session, channel,
                       amqp_channel_close(session->state, channel, AMQP_REPLY_SUCCESS),
                       "channel.close", NULL);
    session->channels[channel] = false;
}

int amqp_session_count(struct amqp_session *session, const char *queue, uint64_t *out,
                       struct error *error)
{
    amqp_channel_t channel = 0;
    int code = amqp_session_channel_open(session, &channel, error);
    if (code)
        return code;
    const amqp_queue_declare_ok_t *ok =
        amqp_queue_declare(session->state, channel, amqp_cstring_bytes(queue), true, false, false,
                           false, amqp_empty_table);
    code = amqp_session_check(session, channel, amqp_get_rpc_reply(session->state),
                              "the queue cannot be used", error);
    if (code)
        return code;
    *out = ok->message_count;
    amqp_session_channel_close(session, channel);
    return 0;
}

int amqp_session_purge(struct amqp_session *session, const char *queue, struct error *error)
{
    amqp_channel_t channel = 0;
    int code = amqp_session_channel_open(session, &channel, error);
    if (code)
        return code;
    amqp_queue_purge(session->state, channel, amqp_cstring_bytes(queue));
    code = amqp_session_check(session, channel, amqp_get_rpc_reply(session->state),
                              "the queue cannot be purged", error);
    if (code)
        return code;
    amqp_session_channel_close(session, channel);
    return 0;
}

/* ---- closing and reading ---- */

void amqp_session_close(struct amqp_session *session)
{
    const struct timeval limit = {.tv_sec = CLOSE_TIMEOUT_S};
    if (!session->state)
        return;
    amqp_set_rpc_timeout(session->state, &limit);
    if (!session->broken)
        amqp_connection_close(session->state, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(session->state);
    session->state = NULL;
    session->blocked = session->ticking = false;
    memset(session->channels, 0, sizeof session->channels);
}

static void blocked(struct amqp_session *session, const amqp_connection_blocked_t *method)
{
    char reason[ERROR_TEXT_MAX];
    snprintf(reason, sizeof reason, "%.*s", text_size(method->reason), text_of(method->reason));
    session->blocked = true;
    log_warn("RabbitMQ takes no messages for now; retries and dead letters wait",
             LOG_TEXT("host", session->host), LOG_TEXT("reason", reason));
}

/* Whether the frame was about the connection. */
static bool read_control(struct amqp_session *session, const amqp_frame_t *frame)
{
    struct error error;
    if (frame->channel != CONTROL_CHANNEL)
        return false;
    if (frame->frame_type != AMQP_FRAME_METHOD)
        return true;
    switch (frame->payload.method.id) {
    case AMQP_CONNECTION_CLOSE_METHOD:
        connection_closed(session, frame->payload.method.decoded, "closed by the broker", &error);
        break;
    case AMQP_CONNECTION_BLOCKED_METHOD:
        blocked(session, frame->payload.method.decoded);
        break;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        session->blocked = false;
        log_info("RabbitMQ takes messages again", LOG_TEXT("host", session->host));
        break;
    default:
        break;
    }
    return true;
}

void amqp_session_read(struct amqp_session *session, const struct amqp_events *events, void *user)
{
    while (!session->broken) {
        const struct timeval now = {0};
        amqp_frame_t frame;
        int result = amqp_simple_wait_frame_noblock(session->state, &frame, &now);
        if (result == AMQP_STATUS_TIMEOUT)
            return;
        if (amqp_session_sent(session, result, "the connection was lost", NULL))
            return;
        if (!read_control(session, &frame) && events->frame)
            events->frame(session, &frame, user);
        amqp_maybe_release_buffers(session->state);
    }
}
