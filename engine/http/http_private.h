/*
 * Private to the HTTP server: declarations that its files share.
 *
 *     http_server.c      options, the listening socket, accepting, the registry of connections,
 * closing http_connection.c  one connection: what is read, what is next, timers, the end
 *     http_tls.c         between the socket and a connection, where there is TLS
 *     http_head.c        a request head: found, checked, made into a call
 *     http_call.c        the handler's face: request and body
 *     http_response.c    the handler's face: response and writes
 *     http_pipe.c        the handler's face: a body that lies in a pipe
 *
 * Bytes arrive in one buffer of the server and are consumed where they lie. What cannot be consumed
 * yet (the handler paused, or the next request is already here) is copied to the connection's
 * `early` buffer, and once that holds header_max bytes the socket is no longer read. Until then it
 * is read while a handler works, since that is how a peer that hangs up is noticed.
 *
 * Facts are recorded by callbacks; connection_process alone decides what is next. It never runs
 * inside a handler: handlers run inside it, or outside and then kick it. So a call can only die in
 * connection_process, or in the close callback of its connection, and never under the feet of the
 * handler that is using it.
 */
#ifndef THUMBWHEEL_HTTP_PRIVATE_H
#define THUMBWHEEL_HTTP_PRIVATE_H

#include <llhttp.h>
#include <time.h>

#include "http_server.h"
#include "log.h"
#include "tls.h"

enum {
    HTTP_READ_MAX = 64 * 1024, /* bytes of one read */
    HTTP_DRAIN_MAX =
        256 * 1024,            /* an unread rest of a body that is worth more than the connection */
    HTTP_LOG_EVERY_MS = 10000, /* for events that a peer can cause at will */
    HTTP_LINGER_MS = 5000,     /* how long a peer may take to see our last answer */
};

struct http_server {
    uv_loop_t *loop;
    struct http_server_options options; /* host is not kept */
    unsigned port;

    int socket;
    uv_poll_t accept;
    uv_timer_t accept_retry; /* runs only after accept failed for want of descriptors or memory */
    struct log_gate accept_gate, crowd_gate;
    struct log_gate header_gate;

    struct http_connection *connections; /* doubly linked */
    size_t connection_count;

    unsigned handles; /* of the server's own, not yet closed */
    bool closing;
    void (*closed)(void *user);
    void *closed_user;

    time_t date_second;
    char date[32];
    char input[HTTP_READ_MAX];
    char plain[HTTP_READ_MAX]; /* with TLS: what input means */
};

enum connection_state {
    CONNECTION_HEAD,   /* between requests, or within a request's head */
    CONNECTION_CALL,   /* a call is open */
    CONNECTION_DRAIN,  /* the call has ended before its request: the rest is read and dropped */
    CONNECTION_LINGER, /* our side is shut; input is dropped until the peer's end or the timer's */
    CONNECTION_CLOSED, /* waiting for the close callbacks */
};

struct head_scan {
    size_t line;  /* bytes of the line under way */
    size_t lines; /* whole lines that were not empty */
    char last;    /* byte of the line under way; 0 at its begin */
    bool started; /* a byte has come */
};

struct http_connection {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_shutdown_t shutdown;
    struct http_server *server;
    struct tls_session *tls; /* NULL: without */
    bool tls_begun;          /* the peer speaks TLS */
    struct http_connection *next, *previous;
    unsigned handles;

    enum connection_state state;
    bool processing; /* connection_process is on the stack */
    bool kicked;     /* it will run from the timer at once */
    bool reading;
    bool peer_done;  /* the peer has shut its side while our response was on its way */
    int close_error; /* for the handler of a call that dies with the connection; 0 when it asked for
                        it */
    uint64_t active; /* loop time of the last sign of life that counts */
    uint64_t timer_due;
    size_t queue_seen; /* bytes not yet taken by the kernel when last looked at */

    struct buffer early;
    struct buffer head;
    struct head_scan scan;

    llhttp_t parser;
    struct slice piece; /* of the body, from the last step of the parser */
    bool head_done;
    bool complete;     /* the whole request has been read */
    bool keep_alive;   /* as things stand, another request may follow */
    uint64_t received; /* bytes of body */
    uint64_t overhead; /* bytes around it: chunk sizes, extensions, trailers */
    uint64_t dropped;  /* bytes of body that nobody wanted */

    struct http_call *call;
    unsigned writes; /* not yet called back */
};

enum body_taking { BODY_UNTAKEN, BODY_STREAMED, BODY_COLLECTED };
enum response_progress { RESPONSE_NONE, RESPONSE_BEGUN, RESPONSE_ENDED };
enum response_framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

struct http_field {
    struct slice name, value;
};

/* One allocation: the fields and the text that they point into follow. */
struct http_call {
    struct http_connection *connection;

    struct slice method, target, path, query;
    int64_t content_length; /* -1: chunked */
    bool expects_continue;
    unsigned version_minor;

    enum body_taking taking;
    bool paused;
    bool body_ended; /* the handler has been told */
    int refusal;     /* the status that the server answers with in the handler's stead; 0: none */
    http_body_data *on_data;
    http_body_whole *on_body;
    void *body_user;
    struct buffer collected;

    enum response_progress response;
    enum response_framing framing;
    uint64_t response_left;  /* of an announced length */
    struct http_write *held; /* the response's head, waiting for the first piece of its body */

    http_call_ended *ended;
    void *ended_user;

    size_t field_count;
    struct http_field fields[];
};

/* http_server.c */
const char *server_date(struct http_server *server);
void server_forget(struct http_connection *connection);

/* http_connection.c */
void connection_accept(struct http_server *server, int fd, bool welcome);
/* Has connection_process run soon; does nothing inside it. */
void connection_kick(struct http_connection *connection);
/* Runs connection_process on what lies in `early`. From a fresh loop callback only. */
void connection_continue(struct http_connection *connection);
/* Starts or stops reading and the timer as the facts want it. */
void connection_update(struct http_connection *connection);
/* The end; error (0 or from error.h) is for the handler of an open call. With reset the peer sees
 * an error. */
void connection_close(struct http_connection *connection, int error, bool reset);

/* What the peer said, as if it had come from the socket. From a fresh loop callback only. */
void connection_input(struct http_connection *connection, struct slice in);
void connection_input_end(struct http_connection *connection);
/* What came cannot be understood: what was sent so far is the last. */
void connection_end(struct http_connection *connection);

/* http_tls.c */
void connection_tls_input(struct http_connection *connection, struct slice in); /* ciphertext */
bool connection_tls_ready(const struct http_connection *connection); /* something can be said */
void connection_tls_finish(struct http_connection *connection);
/* Makes what is to be written into one piece of ciphertext. ERR_MEMORY, ERR_PROTOCOL. */
int connection_tls_seal(struct http_connection *connection, const uv_buf_t *parts, unsigned count,
                        struct bytes *out);

/* http_head.c */
enum head_progress { HEAD_MORE, HEAD_DONE, HEAD_BAD };
enum head_progress head_scan(struct head_scan *scan, struct slice in, size_t *used);
/* Makes connection->call from a whole head. 0, or the status to refuse with; then there is no call.
 */
int head_parse(struct http_connection *connection, struct slice head);
/* Feeds body bytes to the parser until it has a piece or its end; the number of bytes used, or -1.
 */
ssize_t head_parse_body(struct http_connection *connection, struct slice in);

/* http_call.c */
/* Tells the handler and frees. */
void call_end(struct http_call *call, bool completed);

/* http_response.c */
void response_refuse(struct http_connection *connection, int status);
void response_continue(struct http_connection *connection);
void response_discard(struct http_call *call);
/* Counts bytes of the body that are about to go; false: they must not. */
bool response_account(struct http_call *call, size_t size);
/* The head by itself, where the body goes another way. */
void response_send_head(struct http_call *call);

#endif
