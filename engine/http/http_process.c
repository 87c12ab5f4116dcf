/*
 * What a connection does with its input. Callbacks record facts; connection_process goes through
 * the steps of the present state until none of them can go on.
 */
#include <stdlib.h>
#include <string.h>

#include "http_private.h"

static void advance(struct slice *in, size_t size)
{
    in->data += size;
    in->size -= size;
}

static bool begin_call(struct http_connection *c, struct slice head)
{
    int status = head_parse(c, head);
    buffer_free(&c->head);
    if (status) {
        connection_refuse(c, status);
        return false;
    }
    connection_set_state(c, CONNECTION_CALL);
    c->server->options.on_request(c->call, c->server->options.user);
    return true;
}

static bool step_head(struct http_connection *c, struct slice *in)
{
    size_t used = 0;
    if (!in->size)
        return false;
    if (!c->scan.started)
        c->active =
            uv_now(c->server->loop); /* the whole head must arrive within idle_ms from now */
    enum head_progress progress = head_scan(&c->scan, *in, &used);
    struct slice piece = {in->data, used};
    advance(in, used);
    int status = 0;
    if (progress == HEAD_BAD)
        status = 400;
    else if (c->head.size + used > c->server->options.header_max)
        status = 431;
    else if (progress == HEAD_DONE && !c->head.size)
        return begin_call(c, piece);
    else if (buffer_append(&c->head, piece.data, piece.size))
        status = 503;
    else if (progress == HEAD_DONE)
        return begin_call(c, buffer_slice(&c->head));
    if (status)
        connection_refuse(c, status);
    return false;
}

enum body_use connection_body_use(const struct http_connection *c)
{
    const struct http_call *call = c->call;
    if (!call || call->response == RESPONSE_ENDED)
        return BODY_DROPPED;
    if (call->taking == BODY_UNTAKEN)
        return call->response == RESPONSE_NONE ? BODY_KEPT : BODY_DROPPED;
    return call->paused ? BODY_KEPT : BODY_WANTED;
}

static void fail_body(struct http_connection *c, int status, int code)
{
    if (c->call)
        connection_fail_call(c, status, code);
    else
        connection_linger(c);
}

static void collect(struct http_connection *c, struct http_call *call, struct slice piece)
{
    if (!crowd_take(call, piece.size)) {
        connection_fail_call(c, 503, ERR_LIMIT);
        return;
    }
    int code = buffer_append(&call->collected, piece.data, piece.size);
    if (code == ERR_LIMIT)
        connection_fail_call(c, 413, ERR_LIMIT);
    else if (code)
        connection_fail_call(c, 503, ERR_MEMORY);
}

static void drop(struct http_connection *c, struct slice piece)
{
    c->dropped += piece.size;
    if (c->dropped <= HTTP_DRAIN_MAX)
        return;
    c->keep_alive = false;
    if (c->state == CONNECTION_DRAIN)
        connection_linger(c);
}

static void hand_over(struct http_connection *c, enum body_use use)
{
    struct http_call *call = c->call;
    struct slice piece = c->piece;
    if (!piece.size)
        return;
    if (use == BODY_DROPPED)
        drop(c, piece);
    else if (call->taking == BODY_COLLECTED)
        collect(c, call, piece);
    else
        call->on_data(call, 0, piece.data, piece.size, call->body_user);
}

static bool read_body(struct http_connection *c, struct slice *in, enum body_use use)
{
    if (!in->size)
        return false;
    ssize_t used = head_parse_body(c, *in);
    if (used < 0) {
        fail_body(c, 400, ERR_PROTOCOL);
        return false;
    }
    advance(in, (size_t)used);
    c->active = uv_now(c->server->loop);
    c->received += c->piece.size;
    c->overhead += (size_t)used - c->piece.size;
    if (c->received > c->server->options.body_max)
        fail_body(c, 413, ERR_LIMIT);
    else if (c->overhead / 8 > c->server->options.header_max + c->received)
        fail_body(c, 400, ERR_PROTOCOL); /* tiny chunks, or endless trailers */
    else
        hand_over(c, use);
    return true;
}

static void deliver_end(struct http_call *call)
{
    call->body_ended = true;
    if (call->taking == BODY_STREAMED) {
        call->on_data(call, 0, "", 0, call->body_user);
        return;
    }
    struct bytes body = buffer_take(&call->collected);
    crowd_return(call);
    call->on_body(call, &body, call->body_user);
    bytes_free(&body);
}

static bool finish_call(struct http_connection *c)
{
    struct http_call *call = c->call;
    c->call = NULL;
    call_end(call, true);
    if (c->state == CONNECTION_CLOSED)
        return false;
    if (c->peer_done || !c->keep_alive)
        connection_linger(c);
    else if (c->complete)
        connection_expect_head(c);
    else
        connection_set_state(c, CONNECTION_DRAIN);
    return c->state != CONNECTION_CLOSED;
}

static bool step_call(struct http_connection *c, struct slice *in)
{
    struct http_call *call = c->call;
    enum body_use use = connection_body_use(c);
    if (call->response == RESPONSE_ENDED && !c->writes)
        return finish_call(c);
    if (call->refusal && call->response == RESPONSE_NONE) {
        connection_fail_call(c, call->refusal, ERR_LIMIT);
        return false;
    }
    if (use == BODY_KEPT)
        return false;
    if (!c->complete)
        return read_body(c, in, use);
    if (use != BODY_WANTED || call->body_ended)
        return false;
    deliver_end(call);
    return true;
}

static bool step_drain(struct http_connection *c, struct slice *in)
{
    if (!c->complete)
        return read_body(c, in, BODY_DROPPED);
    connection_expect_head(c);
    return true;
}

static bool step(struct http_connection *c, struct slice *in)
{
    switch (c->state) {
    case CONNECTION_HEAD:
        return step_head(c, in);
    case CONNECTION_CALL:
        return step_call(c, in);
    case CONNECTION_DRAIN:
        return step_drain(c, in);
    case CONNECTION_LINGER:
        in->size = 0;
        return false;
    case CONNECTION_CLOSED:
        break;
    }
    return false;
}

/* `in` is in the early buffer, or in the server's input buffer if the former is empty. */
static void keep_rest(struct http_connection *c, struct slice in)
{
    if (!in.size || c->state == CONNECTION_LINGER) {
        buffer_free(&c->early);
    } else if (c->early.size) {
        memmove(c->early.data, in.data, in.size);
        c->early.size = in.size;
    } else if (buffer_append(&c->early, in.data, in.size)) {
        connection_close(c, ERR_MEMORY, true);
    }
}
void connection_process(struct http_connection *c, struct slice in)
{
    c->processing = true;
    while (step(c, &in))
        ;
    c->processing = false;
    if (c->state == CONNECTION_CLOSED)
        return;
    keep_rest(c, in);
    if (c->peer_done && c->call && !c->complete && !c->early.size)
        connection_close(c, ERR_NETWORK, false);
    else
        connection_update(c);
}

void connection_continue(struct http_connection *c)
{
    if (c->state != CONNECTION_CLOSED)
        connection_process(c, buffer_slice(&c->early));
}
