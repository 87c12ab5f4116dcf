/*
 * A body in a pipe: the kernel moves its pages to the socket (splice(2)), so that they are never
 * copied through this process. When the socket is full, a small part is copied and queued like any
 * other write; once it is written, there is room again and splicing continues. So only libuv
 * watches the socket, and its queue keeps the order of writes.
 */
#include "http_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "container_of.h"

enum { COPY_MAX = 4096 }; /* copied bytes that wait for room in the socket */

struct pipe_write {
    uv_write_t request;
    struct http_call *call;
    int pipe;
    size_t left; /* bytes in the pipe */
    http_call_drained *drained;
    void *user;
    char copy[COPY_MAX];
};

/* Moves as much as the socket accepts at once. */
static int move(struct http_connection *c, int pipe, size_t *left)
{
    int socket;
    if (uv_fileno((uv_handle_t *)&c->tcp, &socket))
        return ERR_NETWORK;
    while (*left) {
        ssize_t size = splice(pipe, NULL, socket, NULL, *left, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (size < 0 && errno == EAGAIN)
            return 0;
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return ERR_NETWORK;
        *left -= (size_t)size;
    }
    return 0;
}

static void on_copied(uv_write_t *request, int code);

static int queue_copy(struct pipe_write *w)
{
    struct http_connection *c = w->call->connection;
    ssize_t size;
    do
        size = read(w->pipe, w->copy, w->left < COPY_MAX ? w->left : COPY_MAX);
    while (size < 0 && errno == EINTR);
    if (size <= 0)
        return ERR_IO;
    w->left -= (size_t)size;
    uv_buf_t part = uv_buf_init(w->copy, (unsigned)size);
    if (uv_write(&w->request, (uv_stream_t *)&c->tcp, &part, 1, on_copied))
        return ERR_NETWORK;
    c->writes++;
    return 0;
}

static void on_copied(uv_write_t *request, int code)
{
    struct pipe_write *w = container_of(request, struct pipe_write, request);
    struct http_connection *c = w->call->connection;
    code = code || c->state == CONNECTION_CLOSED ? ERR_NETWORK : 0;
    c->writes--;
    c->active = uv_now(c->server->loop);
    if (!code)
        code = move(c, w->pipe, &w->left);
    if (!code && w->left && !(code = queue_copy(w)))
        return;
    w->drained(w->call, code, w->user);
    free(w);
    if (c->state == CONNECTION_CLOSED)
        return;
    if (code)
        connection_close(c, code, false);
    else
        connection_continue(c);
}

/* Copies and queues a part when the socket is full. */
static int wait_for_room(struct http_call *call, int pipe, size_t left, http_call_drained *drained,
                         void *user)
{
    struct pipe_write *w = malloc(sizeof *w);
    if (!w)
        return ERR_MEMORY;
    w->call = call;
    w->pipe = pipe;
    w->left = left;
    w->drained = drained;
    w->user = user;
    int code = queue_copy(w);
    if (code)
        free(w);
    return code;
}

bool http_call_takes_pipe(const struct http_call *call)
{
    return !call->connection->tls;
}

bool http_call_write_pipe(struct http_call *call, int pipe, size_t size, http_call_drained *drained,
                          void *user)
{
    struct http_connection *c = call->connection;
    if (!response_account(call, size))
        return false;
    connection_write_held(c);
    response_send_head(call);
    if (c->state == CONNECTION_CLOSED)
        return false;
    int code = 0;
    if (!c->writes) {
        c->active = uv_now(c->server->loop);
        code = move(c, pipe, &size);
    }
    bool whole = !code && !size;
    if (!code && size)
        code = wait_for_room(call, pipe, size, drained, user);
    if (code)
        connection_close(c, code, true);
    connection_update(c);
    return whole;
}
