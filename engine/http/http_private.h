/*
 * Private to the HTTP server: declarations that its files share.
 *
 *     http_server.c         options, listening socket, accepting, list of connections, closing
 *     http_connection.c     one connection: its socket, its timer, its states and its end
 *     http_process.c        what a connection does with its input, and when
 *     http_crowd.c          limits for all connections together
 *     http_tls.c            TLS between the socket and a connection
 *     http_head.c           finds, checks and parses a request head into a call
 *     http_call.c           the handler's interface to request and body
 *     http_response.c       the handler's interface to the response
 *     http_response_head.c  the head of a response
 *     http_write.c          one write to a connection
 *     http_pipe.c           response bodies that are spliced from a pipe
 *
 * Bytes arrive in one buffer of the server and are consumed in place. Bytes that cannot be consumed
 * yet (the handler paused, or they belong to the next request) are copied to the connection's
 * `early` buffer; once that has header_max bytes, the socket is no longer read. Until then it is
 * read while a handler works, to notice that the peer has closed the connection.
 *
 * Callbacks record facts; only connection_process decides what to do next. It never runs inside a
 * handler: handlers run inside it, or elsewhere and then schedule it. So a call is freed only in
 * connection_process or in the close callback of its connection, and never while its handler is
 * running.
 */
#ifndef THUMBWHEEL_HTTP_PRIVATE_H
#define THUMBWHEEL_HTTP_PRIVATE_H

#include <llhttp.h>
#include <time.h>

#include "http_server.h"
#include "list.h"
#include "log.h"
#include "tls.h"

enum {
    HTTP_READ_MAX = 64 * 1024,   /* bytes of one read */
    HTTP_DRAIN_MAX = 256 * 1024, /* if more of a body is unread, close instead of reading it */
    HTTP_LOG_EVERY_MS = 10000,   /* for events that a peer can cause at will */
    HTTP_LINGER_MS = 5000,       /* how long a peer may take to read our last response */
};

struct http_server {
    uv_loop_t *loop;
    struct http_server_options options; /* host is not kept */
    unsigned port;

    int socket;
    uv_poll_t accept;
    uv_timer_t accept_retry; /* runs only after accept failed for lack of descriptors or memory */
    struct log_gate accept_gate, crowd_gate;
    struct log_gate header_gate, body_gate;
    size_t collected; /* bytes of incomplete bodies in all calls */

    struct http_connection *connections; /* doubly linked */
    size_t connection_count;

    struct list held; /* writes that wait for the end of this turn of the loop */
    uv_prepare_t before_poll;

    unsigned handles; /* the server's own handles that are not closed yet */
    bool closing;
    void (*closed)(void *user);
    void *closed_user;

    time_t date_second;
    char date[32];
    char input[HTTP_READ_MAX];
    char plain[HTTP_READ_MAX]; /* with TLS: the decrypted input */
};

enum connection_state {
    CONNECTION_HEAD,   /* between requests, or reading a request's head */
    CONNECTION_CALL,   /* a call is open */
    CONNECTION_DRAIN,  /* the call ended before its request: the rest is read and dropped */
    CONNECTION_LINGER, /* our side is shut down; input is dropped until the peer closes or a
                        * timeout */
    CONNECTION_CLOSED, /* waiting for the close callbacks */
};

struct head_scan {
    size_t line;  /* bytes of the current line */
    size_t lines; /* complete lines that were not empty */
    char last;    /* last byte of the current line; 0 at its start */
    bool started; /* a byte has arrived */
};

/* VALUE: behind the name of a chunk extension; QUOTED: in a quoted value; ESCAPED: behind a backslash
 * there. */
enum chunk_extension { EXTENSION_NONE, EXTENSION_VALUE, EXTENSION_QUOTED, EXTENSION_ESCAPED };

struct http_connection {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_shutdown_t shutdown;
    struct http_server *server;
    struct tls_session *tls; /* NULL: no TLS */
    bool tls_begun;          /* the peer speaks TLS */
    struct http_connection *next, *previous;
    unsigned handles;

    enum connection_state state;
    bool processing; /* connection_process is on the stack */
    bool kicked;     /* it is scheduled with the timer */
    bool reading;
    bool peer_done;  /* the peer shut down its side while our response was being sent */
    int close_error; /* for the handler of a call that ends with the connection; 0 if the handler
                      * requested it */
    uint64_t active; /* loop time of the last relevant activity */
    uint64_t timer_due;
    size_t queue_seen; /* bytes not yet accepted by the kernel at the last check */

    struct buffer early;
    struct buffer head;
    struct head_scan scan;

    llhttp_t parser;
    enum chunk_extension extension; /* where the parser stands in one */
    struct slice piece;             /* body bytes of the last step of the parser */
    bool head_done;
    bool complete;     /* the whole request has been read */
    bool keep_alive;   /* another request may follow */
    uint64_t received; /* bytes of body */
    uint64_t overhead; /* bytes of framing: chunk sizes, extensions, trailers */
    uint64_t dropped;  /* bytes of body that were dropped */

    struct http_call *call;
    unsigned writes; /* not yet called back, with the held one */
    struct http_write *held;
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
    bool waits;      /* it ends when the peer shuts down its side */
    bool body_ended; /* the handler has been told */
    int refusal;     /* the status with which the server responds instead of the handler; 0: none */
    http_body_data *on_data;
    http_body_whole *on_body;
    void *body_user;
    struct buffer collected;
    size_t counted; /* of it, in the server's sum; 0 once the body is whole */

    enum response_progress response;
    enum response_framing framing;
    uint64_t response_left;          /* of an announced length */
    struct http_write *pending_head; /* waits for the first piece of the body */

    http_call_ended *ended;
    void *ended_user;

    uint64_t names; /* of the fields: the bits of name_bit */
    size_t field_count;
    struct http_field fields[];
};

/* http_server.c */
const char *server_date(struct http_server *server);
void server_forget(struct http_connection *connection);

/* http_connection.c */
void connection_accept(struct http_server *server, int fd, bool welcome);
/* Schedules connection_process; does nothing while it runs. */
void connection_kick(struct http_connection *connection);
/* Starts or stops reading and the timer according to the connection's state. */
void connection_update(struct http_connection *connection);
/* Closes the connection; error (0 or from error.h) is for the handler of an open call. With reset
 * the peer gets a TCP reset. */
void connection_close(struct http_connection *connection, int code, bool reset);

/* Processes decrypted input like input of the socket. From a fresh loop callback only. */
void connection_input(struct http_connection *connection, struct slice in);
void connection_input_end(struct http_connection *connection);
/* The input is invalid: nothing more is sent. */
void connection_end(struct http_connection *connection);

/* The only places where the state changes. */
void connection_set_state(struct http_connection *connection, enum connection_state state);
void connection_expect_head(struct http_connection *connection);
/* Shuts down our side. Closing while the peer still sends would make the kernel send a reset, which
 * can overtake our response. */
void connection_linger(struct http_connection *connection);
/* The server responds instead of a handler, and lingers. There is no call. */
void connection_refuse(struct http_connection *connection, int status);
/* The request of an open call is invalid: the server responds unless the handler has started to. */
void connection_fail_call(struct http_connection *connection, int status, int code);

/* http_process.c */
enum body_use { BODY_KEPT, BODY_WANTED, BODY_DROPPED };
/* What is done with the next bytes of the body: they are kept for later, given to the handler, or
 * dropped. */
enum body_use connection_body_use(const struct http_connection *connection);
/* Does what the input and the recorded facts allow. `in` is in the early buffer, or in the server's
 * input buffer if the former is empty; the rest of it is kept. From a fresh loop callback only. */
void connection_process(struct http_connection *connection, struct slice in);
/* Runs it on the `early` buffer. */
void connection_continue(struct http_connection *connection);

/* http_crowd.c */
/* Ends a connection that is between two requests, so that a new one fits. False: none is idle. */
bool crowd_make_room(struct http_server *server);
/* Counts further bytes of a body that is being collected, and ends calls that stall if there are too
 * many. False: there is no room. */
bool crowd_take(struct http_call *call, size_t size);
void crowd_return(struct http_call *call); /* all of them */

/* http_write.c */
/* Prepares a server's list of held writes, and the handle that empties it. Before the first connection. */
void server_hold_writes(struct http_server *server);
/* Writes what is held, in all connections. From a fresh loop callback only. */
void server_write_held(struct http_server *server);
/* Passes the held write on, before something else is written or our side is shut down. */
void connection_write_held(struct http_connection *connection);
/* The same before the connection closes, as far as the socket takes it. */
void connection_drop_held(struct http_connection *connection);

/* http_tls.c */
void connection_tls_input(struct http_connection *connection, struct slice in); /* ciphertext */
bool connection_tls_ready(const struct http_connection *connection); /* data can be written */
void connection_tls_finish(struct http_connection *connection);
/* Encrypts the data to write into one piece of ciphertext. ERR_MEMORY, ERR_PROTOCOL. */
int connection_tls_seal(struct http_connection *connection, const uv_buf_t *parts, unsigned count,
                        struct bytes *out);

/* http_head.c */
enum head_progress { HEAD_MORE, HEAD_DONE, HEAD_BAD };
enum head_progress head_scan(struct head_scan *scan, struct slice in, size_t *used);
/* Creates connection->call from a complete head. Returns 0, or the status to reject the request
 * with; then there is no call. */
int head_parse(struct http_connection *connection, struct slice head);
/* Feeds body bytes to the parser until it has a piece or the end of the body. Returns the number of
 * bytes used, or -1. */
ssize_t head_parse_body(struct http_connection *connection, struct slice in);

/* http_call.c */
/* One of 64 bits for a name in any case, so that a header that is not there is mostly found to be
 * missing without a look at the fields. */
uint64_t name_bit(const char *name, size_t size);
/* Notifies the handler and frees the call. */
void call_end(struct http_call *call, bool completed);

/* http_response.c */
void response_refuse(struct http_connection *connection, int status);
void response_continue(struct http_connection *connection);
void response_discard(struct http_call *call);
/* Counts bytes of the body that are about to be written; false: they exceed the announced
 * length. */
bool response_account(struct http_call *call, size_t size);
/* Writes the head alone, for a body that is spliced. */
void response_send_head(struct http_call *call);

#endif
