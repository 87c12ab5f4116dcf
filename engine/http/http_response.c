/*
 * Responses. Each write is one allocation with its uv request and the generated text (head, chunk
 * size); the body is written in place, without a copy. What the socket accepts at once costs one
 * system call and no callback; the rest is queued. A piece whose writer waits for `drained` is
 * always queued, so that the callback is called from the loop.
 *
 * The head of a streamed response is sent together with the first piece.
 */
#include "http_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "container_of.h"

enum {
    FIXED_HEAD = 256,  /* status line and the server's own headers, at most */
    CHUNK_LINE = 24,   /* a chunk's size and line end, at most */
    NAME_LOG_MAX = 64, /* of a header's name in the log */
};

struct http_write {
    uv_write_t request;
    struct http_connection *connection;
    struct http_call *call; /* the call whose drained is called; NULL: none */
    http_call_drained *drained;
    void *user;
    struct bytes body;
    size_t size, room;
    char text[];
};

static struct http_write *write_create(struct http_connection *c, size_t room)
{
    struct http_write *w = malloc(sizeof *w + room);
    if (!w) {
        connection_close(c, ERR_MEMORY, true);
        return NULL;
    }
    *w = (struct http_write){.connection = c, .room = room};
    return w;
}

static void write_free(struct http_write *w)
{
    bytes_free(&w->body);
    free(w);
}

static void write_put(struct http_write *w, const char *data, size_t size)
{
    if (size > w->room - w->size)
        return; /* the room was checked before; a header is never cut */
    memcpy(w->text + w->size, data, size);
    w->size += size;
}

static void write_put_text(struct http_write *w, const char *text)
{
    write_put(w, text, strlen(text));
}

static void write_put_number(struct http_write *w, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    write_put(w, digits + at, sizeof digits - at);
}

static void on_written(uv_write_t *request, int code)
{
    struct http_write *w = container_of(request, struct http_write, request);
    struct http_connection *c = w->connection;
    c->writes--;
    if (w->drained)
        w->drained(w->call, code ? ERR_NETWORK : 0, w->user);
    write_free(w);
    if (c->state == CONNECTION_CLOSED)
        return;
    if (c->state != CONNECTION_LINGER)
        c->active = uv_now(c->server->loop);
    if (code)
        connection_close(c, ERR_NETWORK, false);
    else
        connection_continue(c);
}

/* Tries to write at once and reduces the parts to what is left. True: everything was written. */
static bool write_now(struct http_connection *c, uv_buf_t *parts, unsigned count)
{
    int result = uv_try_write((uv_stream_t *)&c->tcp, parts, count);
    size_t written = result > 0 ? (size_t)result : 0; /* uv_write will report the error */
    bool whole = true;
    for (unsigned i = 0; i < count; i++) {
        size_t size = written < parts[i].len ? written : parts[i].len;
        parts[i].base += size;
        parts[i].len -= size;
        written -= size;
        whole = whole && !parts[i].len;
    }
    return whole && result >= 0;
}

/* False: the connection is closed and the write was freed. */
static bool seal(struct http_write *w, uv_buf_t *parts, unsigned *count)
{
    struct bytes sealed;
    int code = connection_tls_seal(w->connection, parts, *count, &sealed);
    bytes_free(&w->body);
    w->body = sealed;
    parts[0] = uv_buf_init(sealed.data, (unsigned)sealed.size);
    *count = 1;
    if (!code)
        return true;
    connection_close(w->connection, code, true);
    write_free(w);
    return false;
}

static void write_send(struct http_write *w, const char *tail)
{
    struct http_connection *c = w->connection;
    uv_buf_t parts[3];
    unsigned count = 0;
    parts[count++] = (uv_buf_t){w->text, w->size};
    if (w->body.size)
        parts[count++] = (uv_buf_t){w->body.data, w->body.size};
    if (*tail) /* uv only reads it */
        parts[count++] = (uv_buf_t){(char *)(uintptr_t)tail, strlen(tail)};
    if (c->tls && !seal(w, parts, &count))
        return;
    if (!c->writes)
        c->active = uv_now(c->server->loop);
    if (!w->drained && write_now(c, parts, count)) {
        write_free(w);
        return;
    }
    c->writes++;
    if (uv_write(&w->request, (uv_stream_t *)&c->tcp, parts, count, on_written)) {
        c->writes--;
        write_free(w);
        connection_close(c, ERR_NETWORK, false);
    }
}

/* --- heads --- */

static const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return ""; /* may be empty (RFC 9112, 4) */
}

static void put_status(struct http_write *w, int status)
{
    write_put_text(w, "HTTP/1.1 ");
    write_put_number(w, (unsigned)status); /* three digits, as may_begin has checked */
    write_put_text(w, " ");
    write_put_text(w, reason_phrase(status));
    write_put_text(w, "\r\nDate: ");
    write_put_text(w, server_date(w->connection->server));
    write_put_text(w, "\r\nServer: Thumbwheel\r\n");
}

static void put_framing(struct http_write *w, const struct http_call *call, int64_t length)
{
    if (length >= 0) {
        write_put_text(w, "Content-Length: ");
        write_put_number(w, (uint64_t)length);
        write_put_text(w, "\r\n");
    } else if (call->framing == FRAMING_CHUNKED) {
        write_put_text(w, "Transfer-Encoding: chunked\r\n");
    }
    if (!w->connection->keep_alive)
        write_put_text(w, "Connection: close\r\n");
}

/* RFC 9110, 5.6.2 */
static bool name_is_token(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
              strchr("!#$%&'*+-.^_`|~", *p)))
            return false;
    return *name != '\0';
}

/* RFC 9110, 5.5: no control characters except the tab, so that a value cannot end its line. */
static bool value_is_legal(const char *value)
{
    for (const unsigned char *p = (const unsigned char *)value; *p; p++)
        if ((*p < ' ' && *p != '\t') || *p == 0x7f)
            return false;
    return true;
}

static bool name_is_ours(const char *name)
{
    static const struct slice ours[] = {
        SLICE_LITERAL("connection"), SLICE_LITERAL("content-length"),    SLICE_LITERAL("date"),
        SLICE_LITERAL("server"),     SLICE_LITERAL("transfer-encoding"),
    };
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (size == ours[i].size && strcasecmp(name, ours[i].data) == 0)
            return true;
    return false;
}

static bool header_sendable(struct http_server *server, const struct http_header *header)
{
    bool safe = name_is_token(header->name) && value_is_legal(header->value);
    if (safe && !name_is_ours(header->name))
        return true;
    if (!log_gate_open(&server->header_gate, uv_now(server->loop), HTTP_LOG_EVERY_MS))
        return false;
    char name[NAME_LOG_MAX];
    snprintf(name, sizeof name, "%s", header->name);
    log_warn("response header dropped", LOG_TEXT("header", name),
             LOG_TEXT("reason", safe ? "the server sets it" : "not a legal name or value"),
             LOG_SUPPRESSED(&server->header_gate));
    return false;
}

static size_t headers_size(const struct http_header *headers, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += strlen(headers[i].name) + strlen(headers[i].value) + 4;
    return size;
}

static void put_headers(struct http_write *w, const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!header_sendable(w->connection->server, &headers[i]))
            continue;
        write_put_text(w, headers[i].name);
        write_put_text(w, ": ");
        write_put_text(w, headers[i].value);
        write_put_text(w, "\r\n");
    }
    write_put_text(w, "\r\n");
}

/* --- responses of the server itself --- */

void response_refuse(struct http_connection *c, int status)
{
    c->keep_alive = false;
    struct http_write *w = write_create(c, FIXED_HEAD);
    if (!w)
        return;
    put_status(w, status);
    put_framing(w, NULL, 0);
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
    if (call->held)
        write_free(call->held);
    call->held = NULL;
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
    size_t room = FIXED_HEAD + CHUNK_LINE + headers_size(headers, count);
    struct http_write *w = write_create(call->connection, room);
    if (!w)
        return NULL;
    choose_framing(call, status, length);
    put_status(w, status);
    put_framing(w, call, status_has_body(status) ? length : -1);
    put_headers(w, headers, count);
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
    call->held = make_head(call, status, headers, count, content_length);
    if (!call->connection->complete && call->taking == BODY_UNTAKEN)
        connection_kick(call->connection);
}

static bool may_write(const struct http_call *call)
{
    return call->response == RESPONSE_BEGUN && call->connection->state != CONNECTION_CLOSED;
}

static struct http_write *held_or_new(struct http_call *call)
{
    struct http_write *w = call->held;
    call->held = NULL;
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
    struct http_write *w = call->held;
    struct http_connection *c = call->connection;
    int socket;
    call->held = NULL;
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
        w = held_or_new(call);
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
    if (call->held || call->framing == FRAMING_CHUNKED) {
        struct http_write *w = held_or_new(call);
        if (!w)
            return;
        write_send(w, call->framing == FRAMING_CHUNKED ? "0\r\n\r\n" : "");
    }
    response_said(call);
}
