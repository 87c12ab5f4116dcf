/*
 * The HTTP/1.1 server: llhttp over libuv.
 *
 * Everything runs on the loop thread. A connection has one call at a time; pipelined requests stay
 * unread until the call ends. A handler is called when a request's headers are complete and then
 * decides how to read the body: streamed (http_call_read), collected (http_call_collect) or dropped
 * (by responding without either). The response to "Expect: 100-continue" is sent when the handler
 * asks for the body, never before.
 *
 * Limits (header bytes, body bytes, idle time, connections) come from the options. A request that
 * exceeds one gets a 431, 413 or 408, a connection beyond the limit a 503, and the connection is
 * closed. Both directions have backpressure: a paused reader stops reading the socket, and
 * http_call_write reports when the kernel has accepted the data.
 *
 * With an identity the port accepts only TLS; a plain HTTP request gets a 400.
 *
 * A call is valid from on_request until its response has been written or its connection is lost;
 * then `ended` (http_call_on_end) is called once and the pointer becomes invalid. An asynchronous
 * handler must set `ended`.
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
    const char *host;   /* numeric address */
    unsigned port;      /* 0: any free port */
    size_t header_max;  /* bytes of request line and headers; 0: 32 KiB */
    uint64_t body_max;  /* bytes; 0: 5 GiB + 1 MiB. A handler may collect less */
    unsigned idle_ms;   /* limit for a whole head from its first byte, between two pieces of a body,
                        * for the peer to read some of the response, and between requests; 0: 60
                        * 000. It does not apply while a handler works */
    size_t collect_max; /* bytes of incomplete collected bodies in all calls; 0: 128 MiB. If a
                               * further one does not fit, the call that has stalled for the longest
                               * time is ended, or else the new one gets a 503 */
    unsigned
        connections; /* 0: 1024. The one that is idle for the longest time makes room. Further connections get a 503, HTTP_UNWELCOME_MAX at a
                               * time; more are closed without a response */
    struct tls_identity *tls; /* borrowed; NULL: plain HTTP */
    http_handler *on_request;
    void *user;
};

/* Binds and listens, and makes the process ignore SIGPIPE if it has the default action. ERR_BUSY:
 * the port is in use; the text names the address and says what to do. */
int http_server_start(uv_loop_t *loop, const struct http_server_options *options,
                      struct http_server **out, struct error *error);
unsigned http_server_port(const struct http_server *server);
/* Stops listening, aborts open calls (their `ended` is called), then calls closed (may be NULL). */
void http_server_close(struct http_server *server, void (*closed)(void *user), void *user);

/* The request. Strings are valid as long as the call. The target is as sent; the path is the part
 * before its '?' (without scheme and authority), and the query is the part after it, which may be
 * empty. Nothing is decoded. */
struct slice http_call_method(const struct http_call *call);
struct slice http_call_target(const struct http_call *call);
struct slice http_call_path(const struct http_call *call);
struct slice http_call_query(const struct http_call *call);
/* By case-insensitive name; an empty slice with data NULL if absent. For repeated headers, the
 * first. */
struct slice http_call_header(const struct http_call *call, const char *name);
size_t http_call_header_count(const struct http_call *call);
void http_call_header_at(const struct http_call *call, size_t index, struct slice *name,
                         struct slice *value);                  /* as sent, in order */
int64_t http_call_content_length(const struct http_call *call); /* -1: chunked */
/* The numeric address of the peer, without its port; "" if the connection is lost. out has room for
 * INET6_ADDRSTRLEN bytes. */
void http_call_peer(const struct http_call *call, char *out);

/* Reading the body. Call at most one of the two, at once or later, before responding. */

/* Streams: on_data is called for each piece (borrowed for the callback), then with size 0 at the
 * end of the body. A call with a nonzero `error` (ERR_LIMIT, ERR_PROTOCOL, ERR_TIMEOUT,
 * ERR_NETWORK, or ERR_CANCELLED if the server closes) is the last; the server then responds and
 * closes by itself. on_data is not called after the handler has responded or aborted. */
typedef void http_body_data(struct http_call *call, int code, const void *data, size_t size,
                            void *user);
void http_call_read(struct http_call *call, http_body_data *on_data, void *user);
void http_call_pause(struct http_call *call); /* stops on_data after the current one */
void http_call_resume(struct http_call *call);

/* Collects up to max bytes, then passes them to the callback. If the body is larger, the server
 * responds with 413 and does not call the callback (but it calls `ended`). */
typedef void http_body_whole(struct http_call *call, struct bytes *body, void *user);
void http_call_collect(struct http_call *call, size_t max, http_body_whole *on_body, void *user);

/* The call ends if the peer shuts down its side, since it has most likely left: for a handler that
 * waits for an event that may never happen, as a long poll does, or works hard for this peer alone.
 * Any other call gets its response, since the peer may still read. */
void http_call_wait(struct http_call *call);

/* The response. These functions may be called from any handler or later from the loop; after the
 * connection is lost they do nothing. A second response, or a body that is longer or shorter than
 * announced, aborts the connection. The server adds Date, Server and Connection, and Content-Length
 * if it is known; it drops and logs the same headers of a handler, invalid names, and values with
 * control characters. The body of a response to HEAD is not sent, but its length is announced. */

/* A complete response; takes ownership of body. */
void http_call_respond(struct http_call *call, int status, const struct http_header *headers,
                       size_t count, struct bytes *body);

/* A streamed response: begin, write…, end. content_length -1: chunked. `drained` is called from the
 * loop when the kernel has accepted the piece, or with an error if the connection is lost (then
 * `ended` follows). The response's head is sent with the first piece, which may be empty. */
typedef void http_call_drained(struct http_call *call, int code, void *user);
void http_call_begin(struct http_call *call, int status, const struct http_header *headers,
                     size_t count, int64_t content_length);
void http_call_write(struct http_call *call, struct bytes *piece, http_call_drained *drained,
                     void *user);
void http_call_end(struct http_call *call);

/* Instead of http_call_write, for a response of known length whose bytes are in a pipe: they are
 * not copied through this process. True: the kernel has accepted all of them. False: drained will
 * be called, and from then on the caller may use the pipe's read end again, unless the connection
 * is lost (then `ended` follows). */
bool http_call_write_pipe(struct http_call *call, int pipe, size_t size, http_call_drained *drained,
                          void *user);
bool http_call_takes_pipe(const struct http_call *call); /* not with TLS */

/* Resets the connection without a response. */
void http_call_abort(struct http_call *call);

/* completed: the kernel has accepted the handler's whole response. Otherwise the peer closed the
 * connection or timed out, the server rejected the request (413, 408, …), or the handler aborted.
 * Always called from the loop, never inside an http_call_ function. */
typedef void http_call_ended(struct http_call *call, bool completed, void *user);
void http_call_on_end(struct http_call *call, http_call_ended *ended, void *user);

#endif
