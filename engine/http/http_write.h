/*
 * One write to a connection, and the heads of responses that are put into it. Private to the HTTP
 * server.
 *
 * Each write is one allocation with its uv request and the generated text (head, chunk size); the
 * body is written in place, without a copy. What the socket accepts at once costs one system call
 * and no callback; the rest is queued. A piece whose writer waits for `drained` is always queued, so
 * that the callback is called from the loop.
 *
 * A small write is held until the loop has handled all input of its turn. Writes that follow one
 * another closely wake a peer once, which then finds the next response whenever it has taken one;
 * with the work on a request between them, each would wake it from sleep, and that costs more than
 * the write.
 */
#ifndef THUMBWHEEL_HTTP_WRITE_H
#define THUMBWHEEL_HTTP_WRITE_H

#include <string.h>

#include "http_private.h"

struct http_write {
    uv_write_t request;
    struct http_connection *connection;
    struct list held;       /* in the server's list */
    struct http_call *call; /* the call whose drained is called; NULL: none */
    http_call_drained *drained;
    void *user;
    struct bytes body;
    size_t size, room;
    char text[];
};

/* NULL: memory is short, and the connection is closed. */
struct http_write *write_create(struct http_connection *c, size_t room);
void write_free(struct http_write *w);

/* Adds to the text. What does not fit is not added: the room was computed before, and a header is never
 * cut. Inline, because the sizes of most pieces are constant. */
static inline void write_put(struct http_write *w, const char *data, size_t size)
{
    if (size > w->room - w->size)
        return;
    memcpy(w->text + w->size, data, size);
    w->size += size;
}

static inline void write_put_text(struct http_write *w, const char *text)
{
    write_put(w, text, strlen(text));
}

void write_put_number(struct http_write *w, uint64_t number);
/* Sends text, body and tail (static), and frees the write when they are sent. May close the
 * connection. */
void write_send(struct http_write *w, const char *tail);

/* http_response_head.c */
enum { HEAD_FIXED = 256 }; /* status line and the server's own headers, at most, in bytes */
/* Room for these headers, in bytes. */
size_t head_headers_size(const struct http_header *headers, size_t count);
void head_put_status(struct http_write *w, int status); /* the status line, Date, Server */
/* Content-Length, Transfer-Encoding, Connection. length -1: unknown, or no body. */
void head_put_framing(struct http_write *w, enum response_framing framing, int64_t length);
/* A handler's headers, and the end of the head. Those that are not legal, or the server's own, are
 * dropped. */
void head_put_headers(struct http_write *w, const struct http_header *headers, size_t count);

#endif
