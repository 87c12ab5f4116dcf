#include "http_write.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "spare_blocks.h"

enum {
    PARTS_MAX = 3,        /* of a write: head, body, tail */
    HELD_MAX = 16 * 1024, /* a larger write is never held */
};

struct http_write *write_create(struct http_connection *c, size_t room)
{
    struct http_write *w = block_new(sizeof *w + room);
    if (!w) {
        connection_close(c, ERR_MEMORY, true);
        return NULL;
    }
    *w = (struct http_write){.connection = c, .room = room};
    return w;
}

void write_free(struct http_write *w)
{
    bytes_free(&w->body);
    block_free(w);
}

void write_put_number(struct http_write *w, uint64_t number)
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

static unsigned parts_of(struct http_write *w, const char *tail, uv_buf_t parts[PARTS_MAX])
{
    unsigned count = 0;
    parts[count++] = (uv_buf_t){w->text, w->size};
    if (w->body.size)
        parts[count++] = (uv_buf_t){w->body.data, w->body.size};
    if (*tail) /* uv only reads it */
        parts[count++] = (uv_buf_t){(char *)(uintptr_t)tail, strlen(tail)};
    return count;
}

static void write_queue(struct http_write *w, const uv_buf_t *parts, unsigned count)
{
    struct http_connection *c = w->connection;
    c->writes++;
    if (!uv_write(&w->request, (uv_stream_t *)&c->tcp, parts, count, on_written))
        return;
    c->writes--;
    write_free(w);
    connection_close(c, ERR_NETWORK, false);
}

static void write_start(struct http_write *w, const char *tail)
{
    struct http_connection *c = w->connection;
    uv_buf_t parts[PARTS_MAX];
    unsigned count = parts_of(w, tail, parts);
    if (c->tls && !seal(w, parts, &count))
        return;
    if (!c->writes)
        c->active = uv_now(c->server->loop);
    if (!w->drained && write_now(c, parts, count))
        write_free(w);
    else
        write_queue(w, parts, count);
}

/* While a request is incomplete, what follows depends on whether the response is written. */
static bool may_wait(const struct http_write *w, const char *tail)
{
    const struct http_connection *c = w->connection;
    return c->complete && !c->writes && !c->tls && !w->drained && !*tail &&
           w->size + w->body.size <= HELD_MAX;
}

static struct http_write *held_take(struct http_connection *c)
{
    struct http_write *w = c->held;
    c->held = NULL;
    c->writes--;
    list_remove(&w->held);
    return w;
}

void server_write_held(struct http_server *server)
{
    while (!list_empty(&server->held)) {
        struct http_write *w = container_of(server->held.next, struct http_write, held);
        struct http_connection *c = w->connection;
        write_start(held_take(c), "");
        if (!c->writes)
            connection_continue(c);
    }
}

void connection_write_held(struct http_connection *c)
{
    uv_buf_t parts[PARTS_MAX];
    if (!c->held)
        return;
    struct http_write *w = held_take(c);
    write_queue(w, parts,
                parts_of(w, "", parts)); /* calls back later, since this may be a handler */
}

void connection_drop_held(struct http_connection *c)
{
    uv_buf_t parts[PARTS_MAX];
    if (!c->held)
        return;
    struct http_write *w = held_take(c);
    write_now(c, parts, parts_of(w, "", parts));
    write_free(w);
}

void write_send(struct http_write *w, const char *tail)
{
    struct http_connection *c = w->connection;
    if (may_wait(w, tail)) {
        c->held = w;
        c->writes++;
        list_push(&c->server->held, &w->held);
        return;
    }
    connection_write_held(c);
    if (c->state == CONNECTION_CLOSED)
        write_free(w);
    else
        write_start(w, tail);
}
