/*
 * The HTTP/1.1 server: llhttp over libuv.
 *
 * Everything runs on the loop thread. A connection carries one call at a time; pipelined requests
 * wait their turn unread. A handler is called when a request's headers are complete and then
 * decides how the body is taken: streamed (http_call_read), collected (http_call_collect) or
 * dropped (by responding without either). "Expect: 100-continue" is answered when the handler asks
 * for the body, never before.
 *
 * Limits (header bytes, body bytes, idle time, connections) come from the options; what exceeds
 * them is answered with 431, 413 or 408, or refused at accept with 503, and the connection is
 * closed. Both directions have backpressure: a paused reader stops reading the socket, and
 * http_call_write reports when the peer has taken what was written.
 *
 * With an identity the port speaks TLS alone; whoever speaks plain HTTP to it is told with a 400.
 *
 * A call lives from on_request until its response has been written, or its peer is gone, whichever
 * ends it; then `ended` (http_call_on_end) is called once and the pointer is dead. A handler that
 * works asynchronously must set it.
 */
#ifndef THUMBWHEEL_HTTP_SERVER_H
#define THUMBWHEEL_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "bytes.h"
#include "error.h"
#include "http_client.h" /* struct http_header */

struct http_server;
struct tls_identity; /* tls.h */
struct http_call;

typedef void http_handler(struct http_call *call, void *user);

enum { HTTP_UNWELCOME_MAX = 32 };

struct http_server_options {
    const char *host;  /* numeric address */
    unsigned port;     /* 0: any free one */
    size_t header_max; /* bytes of request line and headers; 0: 32 KiB */
    uint64_t body_max; /* bytes; 0: 5 GiB + 1 MiB. A handler may collect less */
    unsigned idle_ms;  /* for a whole head from its first byte, between two pieces of a body, for a
                          peer to take some of its response, and between requests; 0: 60 000. Off
                          while a handler works */
    unsigned connections;     /* 0: 1024. Further peers are told 503, HTTP_UNWELCOME_MAX at a time;
                                 more are just closed */
    struct tls_identity *tls; /* borrowed; NULL: plain HTTP */
    http_handler *on_request;
    void *user;
};

/* Binds and listens, and has the process ignore SIGPIPE where it would end it. ERR_BUSY when the
 * port is taken, and the text says by which address and what to do. */
int http_server_start(uv_loop_t *loop, const struct http_server_options *options,
                      struct http_server **out, struct error *error);
unsigned http_server_port(const struct http_server *server);
/* Stops listening, aborts open calls (their `ended` is called), then calls closed (may be NULL). */
void http_server_close(struct http_server *server, void (*closed)(void *user), void *user);

/* The request. Strings live as long as the call. The target is as sent; the path is what comes
 * before its '?' (without scheme and authority, should it have them), the query what comes after,
 * and may be empty. Nothing is decoded. */
struct slice http_call_method(const struct http_call *call);
struct slice http_call_target(const struct http_call *call);
struct slice http_call_path(const struct http_call *call);
struct slice http_call_query(const struct http_call *call);
/* By case-insensitive name; an empty slice with data NULL where it is absent. Repeated headers: the
 * first. */
struct slice http_call_header(const struct http_call *call, const char *name);
size_t http_call_header_count(const struct http_call *call);
void http_call_header_at(const struct http_call *call, size_t index, struct slice *name,
                         struct slice *value);                  /* as sent, in order */
int64_t http_call_content_length(const struct http_call *call); /* -1: chunked */

/* Taking the body. At most one of the two, at once or later, before responding. */

/* Streams: on_data for each piece (borrowed for the callback), then on_data with size 0 at the end
 * of the body. A nonzero `error` (ERR_LIMIT, ERR_PROTOCOL, ERR_TIMEOUT, ERR_NETWORK, ERR_CANCELLED
 * when the server closes) is the last call; the server answers and closes by itself. None comes
 * once the handler has responded or aborted. */
typedef void http_body_data(struct http_call *call, int error, const void *data, size_t size,
                            void *user);
void http_call_read(struct http_call *call, http_body_data *on_data, void *user);
void http_call_pause(struct http_call *call); /* stops on_data after the current one */
void http_call_resume(struct http_call *call);

/* Collects up to max bytes, then hands them over. More than max is answered with 413 by the server
 * itself and the handler is not called (but `ended` is). */
typedef void http_body_whole(struct http_call *call, struct bytes *body, void *user);
void http_call_collect(struct http_call *call, size_t max, http_body_whole *on_body, void *user);

/* The response. These may be called from any handler or later from the loop; once the connection is
 * lost they do nothing. A second response, or more or less body than was announced, aborts the
 * connection. Date, Server and Connection are added by the server; Content-Length too where it is
 * known; a header that says any of these, an illegal name and a value with control characters are
 * dropped and logged. A HEAD request's body is not sent, but its length is announced. */

/* A whole response; body is taken. */
void http_call_respond(struct http_call *call, int status, const struct http_header *headers,
                       size_t count, struct bytes *body);

/* A streamed one: begin, write…, end. content_length -1 means chunked. `drained` is called from the
 * loop when the piece has been handed to the kernel, or with an error when the peer is gone (then
 * `ended` follows). The response's head leaves with the first piece, which may be empty. */
typedef void http_call_drained(struct http_call *call, int error, void *user);
void http_call_begin(struct http_call *call, int status, const struct http_header *headers,
                     size_t count, int64_t content_length);
void http_call_write(struct http_call *call, struct bytes *piece, http_call_drained *drained,
                     void *user);
void http_call_end(struct http_call *call);

/* In place of http_call_write where the length was announced and the bytes lie in a pipe: they are
 * not copied through this process. True: the kernel has taken all at once. False: drained will be
 * called, after which the pipe's read end is the caller's again; unless the connection is lost
 * (then `ended` follows). */
bool http_call_write_pipe(struct http_call *call, int pipe, size_t size, http_call_drained *drained,
                          void *user);
bool http_call_takes_pipe(const struct http_call *call); /* not with TLS */

/* Resets the connection without an answer. */
void http_call_abort(struct http_call *call);

/* completed: the handler's whole response was handed to the kernel; else the peer hung up, timed
 * out, was refused by the server itself (413, 408, …) or was aborted. Always from the loop, never
 * inside an http_call_ function. */
typedef void http_call_ended(struct http_call *call, bool completed, void *user);
void http_call_on_end(struct http_call *call, http_call_ended *ended, void *user);

#endif
