/*
 * One connection. Its states are HEAD → CALL → (DRAIN →) HEAD …, and from each of them LINGER →
 * CLOSED or CLOSED.
 *
 * The timer runs only while the peer has to act: send bytes of a request, read our response, or
 * close. It is not reset at each byte; when it fires, it is set again to the remainder since the
 * last activity.
 */
#include "http_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container_of.h"

enum { KEEPALIVE_PROBE_S = 60 }; /* TCP keep-alive, for a peer that vanished during a long poll */

static uint64_t now_of(const struct http_connection *c)
{
    return uv_now(c->server->loop);
}

void connection_set_state(struct http_connection *c, enum connection_state state)
{
    static const char *const names[] = {"head", "call", "drain", "linger", "closed"};
    log_debug("connection state", LOG_TEXT("from", names[c->state]), LOG_TEXT("to", names[state]));
    c->state = state;
    c->active = now_of(c);
}

void connection_expect_head(struct http_connection *c)
{
    connection_set_state(c, CONNECTION_HEAD);
    c->scan = (struct head_scan){0};
    c->head_done = c->complete = false;
    c->received = c->overhead = c->dropped = 0;
}

/* --- closing --- */

static void fail_stream(struct http_call *call, int code)
{
    if (call->taking != BODY_STREAMED || call->body_ended)
        return;
    call->body_ended = true;
    call->on_data(call, code, NULL, 0, call->body_user);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_connection *c = handle->data;
    if (--c->handles)
        return;
    if (c->call && c->close_error && c->call->response != RESPONSE_ENDED)
        fail_stream(c->call, c->close_error);
    if (c->call)
        call_end(c->call, false);
    buffer_free(&c->early);
    buffer_free(&c->head);
    tls_session_close(c->tls);
    server_forget(c);
}

void connection_close(struct http_connection *c, int code, bool reset)
{
    if (c->state == CONNECTION_CLOSED)
        return;
    connection_drop_held(c);
    connection_set_state(c, CONNECTION_CLOSED);
    c->close_error = code;
    if (!reset || uv_tcp_close_reset(&c->tcp, on_closed))
        uv_close((uv_handle_t *)&c->tcp, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void on_shutdown(uv_shutdown_t *request, int code)
{
    (void)request;
    (void)code; /* on failure the end of input or the timer closes the connection */
}

void connection_linger(struct http_connection *c)
{
    connection_set_state(c, CONNECTION_LINGER);
    connection_write_held(c);
    if (c->state == CONNECTION_CLOSED)
        return;
    connection_tls_finish(c);
    if (c->state == CONNECTION_CLOSED)
        return;
    if (c->peer_done || uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown))
        connection_close(c, 0, false);
}

void connection_end(struct http_connection *c)
{
    if (c->state == CONNECTION_CALL)
        connection_close(c, ERR_PROTOCOL, true);
    else if (c->state != CONNECTION_CLOSED && c->state != CONNECTION_LINGER)
        connection_linger(c);
}

void connection_refuse(struct http_connection *c, int status)
{
    if (!connection_tls_ready(c)) {
        connection_close(c, 0, false);
        return;
    }
    response_refuse(c, status);
    if (c->state != CONNECTION_CLOSED)
        connection_linger(c);
}

void connection_fail_call(struct http_connection *c, int status, int code)
{
    struct http_call *call = c->call;
    if (call->response != RESPONSE_NONE) {
        connection_close(c, code, true);
        return;
    }
    call->refusal = status; /* whatever the handler writes from now on is not sent */
    call->response = RESPONSE_ENDED;
    fail_stream(call, code);
    if (c->state == CONNECTION_CLOSED)
        return;
    c->call = NULL;
    call_end(call, false);
    if (c->state != CONNECTION_CLOSED)
        connection_refuse(c, status);
}

/* --- the timer --- */

/* Whether the peer has to act, and by when. */
static bool timer_wanted(const struct http_connection *c, uint64_t *due)
{
    uint64_t limit = c->server->options.idle_ms;
    if (c->state == CONNECTION_LINGER && limit > HTTP_LINGER_MS)
        limit = HTTP_LINGER_MS;
    *due = c->active + limit;
    if (c->state != CONNECTION_CALL || c->writes)
        return true;
    return !c->complete && connection_body_use(c) != BODY_KEPT;
}

static void time_out(struct http_connection *c)
{
    if (c->state == CONNECTION_HEAD && c->scan.started)
        connection_refuse(c, 408);
    else if (c->state == CONNECTION_CALL && !c->writes)
        connection_fail_call(c, 408, ERR_TIMEOUT);
    else
        connection_close(c, ERR_TIMEOUT, c->state == CONNECTION_CALL);
}

/* Sending a large piece may take long; progress of the write queue counts as activity. */
static bool writing_moves(struct http_connection *c)
{
    size_t queued = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
    bool moves = c->writes && queued != c->queue_seen;
    c->queue_seen = queued;
    return moves;
}

static void on_timer(uv_timer_t *timer)
{
    struct http_connection *c = container_of(timer, struct http_connection, timer);
    uint64_t due;
    if (c->kicked) {
        c->kicked = false;
        connection_continue(c);
        return;
    }
    if (c->state != CONNECTION_LINGER && writing_moves(c))
        c->active = now_of(c);
    if (timer_wanted(c, &due) && now_of(c) >= due)
        time_out(c);
    connection_update(c);
}

static void update_timer(struct http_connection *c)
{
    uint64_t due;
    bool running = uv_is_active((uv_handle_t *)&c->timer);
    if (!timer_wanted(c, &due)) {
        uv_timer_stop(&c->timer);
        return;
    }
    if (running && c->timer_due <= due)
        return;
    uint64_t now = now_of(c);
    c->timer_due = due;
    uv_timer_start(&c->timer, on_timer, due > now ? due - now : 0, 0);
}

void connection_kick(struct http_connection *c)
{
    if (c->processing || c->kicked || c->state == CONNECTION_CLOSED)
        return;
    c->kicked = true;
    uv_timer_start(&c->timer, on_timer, 0, 0);
}

/* --- the socket --- */

static size_t read_room(const struct http_connection *c)
{
    size_t limit = c->server->options.header_max;
    if (c->state != CONNECTION_CALL || (!c->complete && connection_body_use(c) != BODY_KEPT))
        return HTTP_READ_MAX;
    size_t room = c->early.size < limit ? limit - c->early.size : 0;
    return room < HTTP_READ_MAX ? room : HTTP_READ_MAX;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct http_connection *c = handle->data;
    (void)suggested;
    *buf = uv_buf_init(c->server->input, (unsigned)read_room(c));
}

/* A peer that shuts down its side after its request may still read the response. */
static void on_input_end(struct http_connection *c, ssize_t result)
{
    const struct http_call *call = c->call;
    bool whole = call && !call->waits && (c->complete || c->early.size);
    bool finishing = call && call->response == RESPONSE_ENDED;
    if (result == UV_EOF && (whole || finishing)) {
        c->peer_done = true;
        connection_update(c);
    } else {
        connection_close(c, ERR_NETWORK, false);
    }
}

void connection_input_end(struct http_connection *c)
{
    on_input_end(c, UV_EOF);
}

void connection_input(struct http_connection *c, struct slice in)
{
    if (!c->early.size)
        connection_process(c, in);
    else if (buffer_append(&c->early, in.data, in.size))
        connection_close(c, ERR_MEMORY, true);
    else
        connection_continue(c);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct http_connection *c = stream->data;
    if (size == 0 || size == UV_ENOBUFS)
        return;
    if (size < 0)
        on_input_end(c, size);
    else if (c->tls)
        connection_tls_input(c, (struct slice){buf->base, (size_t)size});
    else
        connection_input(c, (struct slice){buf->base, (size_t)size});
}

static void update_reading(struct http_connection *c)
{
    bool wanted = !c->peer_done && read_room(c) > 0;
    if (wanted == c->reading)
        return;
    c->reading = wanted;
    if (!wanted)
        uv_read_stop((uv_stream_t *)&c->tcp);
    else if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read))
        connection_close(c, ERR_NETWORK, false);
}

void connection_update(struct http_connection *c)
{
    if (c->processing || c->state == CONNECTION_CLOSED)
        return;
    update_reading(c);
    if (!c->kicked && c->state != CONNECTION_CLOSED)
        update_timer(c);
}

/* --- opening --- */

static struct http_connection *connection_create(struct http_server *server)
{
    struct http_connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->server = server;
    c->handles = 2;
    uv_tcp_init(server->loop, &c->tcp);
    uv_timer_init(server->loop, &c->timer);
    c->tcp.data = c->timer.data = c;
    /* With TLS a read may complete a record that began in an earlier one. */
    buffer_init(&c->early, server->options.header_max + 2 * (size_t)HTTP_READ_MAX);
    buffer_init(&c->head, server->options.header_max);
    c->next = server->connections;
    if (c->next)
        c->next->previous = c;
    server->connections = c;
    server->connection_count++;
    connection_expect_head(c);
    return c;
}

void connection_accept(struct http_server *server, int fd, bool welcome)
{
    struct http_connection *c = connection_create(server);
    if (!c || uv_tcp_open(&c->tcp, fd)) {
        close(fd);
        if (c)
            connection_close(c, 0, false);
        return;
    }
    if (server->options.tls && tls_session_open(server->options.tls, &c->tls)) {
        connection_close(c, 0, false);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_PROBE_S);
    if (!welcome)
        connection_refuse(c, 503);
    connection_update(c);
}
