/*
 * A connection's TLS. Input is decrypted here; a write is encrypted as a whole, so that it is one
 * piece for the socket as without TLS. The handshake's bytes are written separately.
 *
 * A plain HTTP request to a TLS port gets a plain-text response that says so.
 */
#include "http_private.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"

static const char plain_response[] =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    "Content-Length: 55\r\n\r\nThis port speaks TLS: use https:// instead of http://.\n";

enum { RECORD_HANDSHAKE = 22 };

struct raw_write { /* bytes written without a waiting handler */
    uv_write_t request;
    struct bytes bytes;
};

static void on_raw_written(uv_write_t *request, int code)
{
    struct raw_write *w = container_of(request, struct raw_write, request);
    (void)code; /* the next read reports a broken connection */
    bytes_free(&w->bytes);
    free(w);
}

static void raw_send(struct http_connection *c, struct bytes bytes)
{
    struct raw_write *w = bytes.size ? calloc(1, sizeof *w) : NULL;
    if (!w) {
        if (bytes.size)
            connection_close(c, ERR_MEMORY, true);
        bytes_free(&bytes);
        return;
    }
    w->bytes = bytes;
    uv_buf_t part = uv_buf_init(bytes.data, (unsigned)bytes.size);
    if (uv_write(&w->request, (uv_stream_t *)&c->tcp, &part, 1, on_raw_written)) {
        on_raw_written(&w->request, 0);
        connection_close(c, ERR_NETWORK, false);
    }
}

bool connection_tls_ready(const struct http_connection *c)
{
    return !c->tls || tls_session_ready(c->tls);
}

void connection_tls_finish(struct http_connection *c)
{
    if (!c->tls)
        return;
    tls_session_finish(c->tls);
    raw_send(c, tls_session_take(c->tls));
}

int connection_tls_seal(struct http_connection *c, const uv_buf_t *parts, unsigned count,
                        struct bytes *out)
{
    int code = 0;
    for (unsigned i = 0; i < count && !code; i++)
        code = tls_session_write(c->tls, (struct slice){parts[i].base, parts[i].len});
    *out = code ? (struct bytes){0} : tls_session_take(c->tls);
    return code;
}

/* The first byte tells whether the peer speaks TLS. */
static bool speaks_tls(struct http_connection *c, struct slice in)
{
    if (c->tls_begun || in.data[0] == RECORD_HANDSHAKE) {
        c->tls_begun = true;
        return true;
    }
    if (in.data[0] >= 'A' && in.data[0] <= 'Z')
        raw_send(c, bytes_borrow(plain_response, sizeof plain_response - 1));
    connection_end(c);
    return false;
}

/* False: the connection is closing. */
static bool step(struct http_connection *c, struct slice *in)
{
    char *plain = c->server->plain;
    size_t size;
    enum tls_progress progress = tls_session_read(c->tls, in, plain, HTTP_READ_MAX, &size);
    raw_send(c, tls_session_take(c->tls));
    if (c->state == CONNECTION_CLOSED)
        return false;
    if (progress == TLS_DATA)
        connection_input(c, (struct slice){plain, size});
    else if (progress == TLS_END)
        connection_input_end(c);
    else if (progress == TLS_FAILED)
        connection_end(c);
    return progress == TLS_DATA && c->state != CONNECTION_CLOSED;
}

void connection_tls_input(struct http_connection *c, struct slice in)
{
    if (c->state != CONNECTION_LINGER && !speaks_tls(c, in))
        return;
    while (c->state != CONNECTION_LINGER && step(c, &in))
        ;
}
