/*
 * Responses of the server itself and of handlers. The head of a streamed response is sent together
 * with the first piece.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "http_write.h"

enum { CHUNK_LINE = 24 }; /* a chunk's size and line end, at most */

/* --- responses of the server itself --- */

void response_refuse(struct http_connection *c, int status)
{
    c->keep_alive = false;
    struct http_write *w = write_create(c, HEAD_FIXED);
    if (!w)
        return;
    head_put_status(w, status);
    head_put_framing(w, FRAMING_LENGTH, 0);
    write_put_text(w, "\r\n");
    write_send(w, "");
}

void response_continue(struct http_connection *c)
{
    struct http_write *w = write_create(c, 0);
    if (w)
        write_send(w, "HTTP/1.1 100 Continue\r\n\r\n");
}

void response_discard(struct http_call *call)
{
    if (call->pending_head)
        write_free(call->pending_head);
    call->pending_head = NULL;
}

/* --- responses of a handler --- */

static bool is_head(const struct http_call *call)
{
    return slice_equal_text(call->method, "HEAD");
}

static bool status_has_body(int status)
{
    return status != 204 && status != 304;
}

/* Whether the unread rest of this request lets another one follow on the connection. */
static bool rest_is_small(const struct http_call *call)
{
    const struct http_connection *c = call->connection;
    /* The 100-continue was never sent, so the body may or may not follow. Botocore needs the close
     * even for an empty body: it would take this status for that of its next request on the
     * connection. */
    if (call->expects_continue)
        return false;
    if (c->complete)
        return true;
    if (call->content_length < 0)
        return true; /* it is counted while it is dropped */
    return (uint64_t)call->content_length - c->received <= HTTP_DRAIN_MAX;
}

static bool wrong_use(struct http_call *call, const char *what)
{
    log_error("response aborted", LOG_TEXT("reason", what));
    http_call_abort(call);
    return false;
}

static bool may_begin(struct http_call *call, int status)
{
    if (call->connection->state == CONNECTION_CLOSED || call->refusal)
        return false;
    if (call->response != RESPONSE_NONE)
        return wrong_use(call, "a second response to one request");
    if (status < 200 || status > 999)
        return wrong_use(call, "not a final status");
    return true;
}

static void choose_framing(struct http_call *call, int status, int64_t length)
{
    struct http_connection *c = call->connection;
    if (is_head(call) || !status_has_body(status))
        call->framing = FRAMING_NONE;
    else if (length >= 0)
        call->framing = FRAMING_LENGTH;
    else
        call->framing = call->version_minor ? FRAMING_CHUNKED : FRAMING_CLOSE;
    call->response_left = length > 0 ? (uint64_t)length : 0;
    /* A body that the handler still reads while it responds is not dropped. */
    bool reading = call->taking == BODY_STREAMED && call->response == RESPONSE_BEGUN;
    if (call->framing == FRAMING_CLOSE || c->server->closing || (!reading && !rest_is_small(call)))
        c->keep_alive = false;
}

static struct http_write *make_head(struct http_call *call, int status,
                                    const struct http_header *headers, size_t count, int64_t length)
{
    size_t room = HEAD_FIXED + CHUNK_LINE + head_headers_size(headers, count);
    struct http_write *w = write_create(call->connection, room);
    if (!w)
        return NULL;
    choose_framing(call, status, length);
    head_put_status(w, status);
    head_put_framing(w, call->framing, status_has_body(status) ? length : -1);
    head_put_headers(w, headers, count);
    return w;
}

/* After the end of the response: the rest of the request is dropped, or the call ends. */
static void response_said(struct http_call *call)
{
    struct http_connection *c = call->connection;
    if (c->complete && c->writes)
        connection_update(c);
    else
        connection_kick(c);
}

void http_call_respond(struct http_call *call, int status, const struct http_header *headers,
                       size_t count, struct bytes *body)
{
    struct bytes taken = body ? bytes_take(body) : (struct bytes){0};
    struct http_write *w = NULL;
    if (may_begin(call, status)) {
        call->response = RESPONSE_ENDED;
        w = make_head(call, status, headers, count, (int64_t)taken.size);
    }
    if (w && call->framing == FRAMING_LENGTH)
        w->body = bytes_take(&taken);
    bytes_free(&taken);
    if (!w)
        return;
    write_send(w, "");
    response_said(call);
}

void http_call_begin(struct http_call *call, int status, const struct http_header *headers,
                     size_t count, int64_t content_length)
{
    if (!may_begin(call, status))
        return;
    call->response = RESPONSE_BEGUN;
    call->pending_head = make_head(call, status, headers, count, content_length);
    if (!call->connection->complete && call->taking == BODY_UNTAKEN)
        connection_kick(call->connection);
}

static bool may_write(const struct http_call *call)
{
    return call->response == RESPONSE_BEGUN && call->connection->state != CONNECTION_CLOSED;
}

static struct http_write *pending_or_new(struct http_call *call)
{
    struct http_write *w = call->pending_head;
    call->pending_head = NULL;
    return w ? w : write_create(call->connection, CHUNK_LINE);
}

static void put_piece(struct http_write *w, const struct http_call *call, struct bytes *piece)
{
    char line[CHUNK_LINE];
    if (call->framing == FRAMING_NONE)
        return;
    w->body = bytes_take(piece);
    if (call->framing == FRAMING_CHUNKED && w->body.size) {
        int size = snprintf(line, sizeof line, "%zx\r\n", w->body.size);
        write_put(w, line, (size_t)size);
    }
}

bool response_account(struct http_call *call, size_t size)
{
    if (!may_write(call))
        return false;
    if (call->framing != FRAMING_LENGTH)
        return true;
    if (size > call->response_left)
        return wrong_use(call, "more body than announced");
    call->response_left -= size;
    return true;
}

/* The kernel delays it (MSG_MORE) until the body, which follows at once. */
void response_send_head(struct http_call *call)
{
    struct http_write *w = call->pending_head;
    struct http_connection *c = call->connection;
    int socket;
    call->pending_head = NULL;
    if (!w)
        return;
    if (!c->writes && !uv_fileno((uv_handle_t *)&c->tcp, &socket)) {
        ssize_t sent = send(socket, w->text, w->size, MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL);
        size_t taken = sent > 0 ? (size_t)sent : 0;
        memmove(w->text, w->text + taken, w->size - taken);
        w->size -= taken;
    }
    if (w->size)
        write_send(w, "");
    else
        write_free(w);
}

void http_call_write(struct http_call *call, struct bytes *piece, http_call_drained *drained,
                     void *user)
{
    struct bytes taken = bytes_take(piece);
    struct http_write *w = NULL;
    if (response_account(call, taken.size))
        w = pending_or_new(call);
    if (w) {
        w->call = call;
        w->drained = drained;
        w->user = user;
        put_piece(w, call, &taken);
        write_send(w, call->framing == FRAMING_CHUNKED && w->body.size ? "\r\n" : "");
        connection_update(call->connection);
    }
    bytes_free(&taken);
}

void http_call_end(struct http_call *call)
{
    if (!may_write(call))
        return;
    if (call->framing == FRAMING_LENGTH && call->response_left) {
        wrong_use(call, "less body than announced");
        return;
    }
    call->response = RESPONSE_ENDED;
    if (call->pending_head || call->framing == FRAMING_CHUNKED) {
        struct http_write *w = pending_or_new(call);
        if (!w)
            return;
        write_send(w, call->framing == FRAMING_CHUNKED ? "0\r\n\r\n" : "");
    }
    response_said(call);
}
