/*
 * The handler's view of a request, and reading its body. These functions only record what the
 * handler wants; connection_process acts.
 */
#include "http_private.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spare_blocks.h"

enum {
    COLLECT_RESERVE = 64 * 1024
}; /* of a body with a known length; the buffer grows with the
                                       * data */

struct slice http_call_method(const struct http_call *call)
{
    return call->method;
}

struct slice http_call_target(const struct http_call *call)
{
    return call->target;
}

struct slice http_call_path(const struct http_call *call)
{
    return call->path;
}

struct slice http_call_query(const struct http_call *call)
{
    return call->query;
}

uint64_t name_bit(const char *name, size_t size)
{
    /* equal for both cases of a letter */
    unsigned last = size ? (unsigned char)name[size - 1] | 0x20u : 0;
    return UINT64_C(1) << ((5 * size + last) & 63);
}

struct slice http_call_header(const struct http_call *call, const char *name)
{
    size_t size = strlen(name);
    if (!(call->names & name_bit(name, size)))
        return (struct slice){0};
    for (size_t i = 0; i < call->field_count; i++) {
        const struct http_field *field = &call->fields[i];
        if (field->name.size == size && strncasecmp(field->name.data, name, size) == 0)
            return field->value;
    }
    return (struct slice){0};
}

size_t http_call_header_count(const struct http_call *call)
{
    return call->field_count;
}

void http_call_header_at(const struct http_call *call, size_t index, struct slice *name,
                         struct slice *value)
{
    *name = call->fields[index].name;
    *value = call->fields[index].value;
}

int64_t http_call_content_length(const struct http_call *call)
{
    return call->content_length;
}

void http_call_peer(const struct http_call *call, char *out)
{
    struct sockaddr_storage address = {0};
    int size = sizeof address;
    *out = '\0';
    if (uv_tcp_getpeername(&call->connection->tcp, (struct sockaddr *)&address, &size) == 0)
        uv_ip_name((struct sockaddr *)&address, out, INET6_ADDRSTRLEN);
}

/* False if the body has ended or has been taken. */
static bool take_body(struct http_call *call, enum body_taking taking, void *user)
{
    if (call->response != RESPONSE_NONE || call->taking != BODY_UNTAKEN)
        return false;
    call->taking = taking;
    call->body_user = user;
    return true;
}

static void start_body(struct http_call *call)
{
    struct http_connection *c = call->connection;
    /* Also sent for an empty body, where it is optional: botocore that gets no 100 takes the final
     * status for the response to its next request. */
    bool arrived = c->complete && c->received > 0;
    if (call->expects_continue && !arrived && !call->refusal)
        response_continue(c);
    call->expects_continue = false;
    c->active = uv_now(c->server->loop);
    connection_kick(c);
}

void http_call_read(struct http_call *call, http_body_data *on_data, void *user)
{
    if (!take_body(call, BODY_STREAMED, user))
        return;
    call->on_data = on_data;
    start_body(call);
}

void http_call_collect(struct http_call *call, size_t max, http_body_whole *on_body, void *user)
{
    if (!take_body(call, BODY_COLLECTED, user))
        return;
    call->on_body = on_body;
    buffer_init(&call->collected, max);
    uint64_t length = call->content_length > 0 ? (uint64_t)call->content_length : 0;
    if (length > max)
        call->refusal = 413;
    else if (length)
        buffer_reserve(&call->collected, length < COLLECT_RESERVE ? length : COLLECT_RESERVE);
    start_body(call);
}

void http_call_pause(struct http_call *call)
{
    call->paused = true;
    connection_update(call->connection);
}

void http_call_resume(struct http_call *call)
{
    if (!call->paused)
        return;
    call->paused = false;
    call->connection->active = uv_now(call->connection->server->loop);
    connection_kick(call->connection);
}

void http_call_wait(struct http_call *call)
{
    call->waits = true;
    if (call->connection->peer_done && call->response == RESPONSE_NONE)
        connection_close(call->connection, ERR_NETWORK, false);
}

void http_call_abort(struct http_call *call)
{
    connection_close(call->connection, 0, true);
    call->connection->close_error = 0; /* a handler that aborts is not told about earlier errors */
}

void http_call_on_end(struct http_call *call, http_call_ended *ended, void *user)
{
    call->ended = ended;
    call->ended_user = user;
}

void call_end(struct http_call *call, bool completed)
{
    if (call->ended)
        call->ended(call, completed, call->ended_user);
    response_discard(call);
    crowd_return(call);
    buffer_free(&call->collected);
    block_free(call);
}
