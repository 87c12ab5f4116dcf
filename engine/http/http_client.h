/*
 * The HTTP client: libcurl's multi interface driven by one libuv loop.
 *
 * There are three classes of requests, each with its own connections, so that no class can exhaust
 * another's: long polls, each of which occupies a connection while its queue is empty; urgent
 * requests (heartbeats, deletes); and all others.
 *
 * One client per loop; call every function on the loop thread. Connections are reused, a body is
 * sent from memory without a copy, and a response never grows beyond the limit that its request
 * states. The client reports the HTTP status or the transport error; it does not interpret a
 * status, and retries are up to the caller.
 */
#ifndef THUMBWHEEL_HTTP_CLIENT_H
#define THUMBWHEEL_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "bytes.h"
#include "error.h"

struct http_client;
struct http_exchange; /* one request and its response */

enum http_class { HTTP_NORMAL, HTTP_URGENT, HTTP_POLL, HTTP_CLASSES };

struct http_client_options {
    unsigned max_connections;      /* connections of HTTP_NORMAL to all hosts; 0: 256 */
    unsigned max_host_connections; /* connections of HTTP_NORMAL to one host; 0: 64 */
    unsigned idle_timeout_ms;      /* default for requests that state none; 0: 30 000 */
    const char *ca_file;           /* PEM bundle; NULL: the system's */
    bool any_host;                 /* do not check the host name of certificates */
    const char *user_agent;        /* NULL: "thumbwheel/<version>" */
};

struct http_header {
    const char *name;
    const char *value;
};

struct http_request {
    const char *method; /* "GET", "PUT", … */
    const char *url;    /* absolute, http or https, already percent-encoded; sent as it is */
    const struct http_header *headers; /* copied; Content-Length is set from body_size */
    size_t header_count;
    enum http_class class;
    const void *body; /* borrowed until the callback has returned or the exchange is cancelled */
    size_t body_size;
    size_t response_max;         /* bytes of body, more is ERR_LIMIT; 0: the body is discarded */
    unsigned connect_timeout_ms; /* with name resolution and TLS; 0: 5 000 */
    unsigned idle_timeout_ms;    /* on a connection, no byte in either direction; 0: the client's. A
                                    long    poll states its wait and a margin */
    unsigned total_timeout_ms;   /* hard limit, from http_client_send on; 0: 300 000 */
};

struct http_response {
    int error; /* 0 if a complete response arrived, whatever its status; else ERR_TIMEOUT,
                * ERR_NETWORK, ERR_LIMIT, ERR_PROTOCOL, ERR_MEMORY */
    int status;
    const struct http_header *headers; /* names in lower case; valid until the callback returns */
    size_t header_count;
    struct bytes body; /* the callback may bytes_take it */
    uint64_t elapsed_us;
    const char *detail; /* one line about a transport error, for messages; never NULL; no secrets,
                         * no query string */
};

/* The value of a header by its lower-case name, or NULL. */
const char *http_response_header(const struct http_response *response, const char *name);

/* Called exactly once for each exchange that was started and not cancelled, always from a fresh
 * loop callback. */
typedef void http_done(const struct http_response *response, void *user);
/* Takes the body of a const response; bytes_take would need a non-const pointer. */
struct bytes http_response_take_body(const struct http_response *response);

int http_client_create(uv_loop_t *loop, const struct http_client_options *options,
                       struct http_client **out, struct error *error);

/* Starts an exchange. On error (ERR_MEMORY, ERR_INVALID) *out is NULL and the callback is never
 * called. */
int http_client_send(struct http_client *client, const struct http_request *request,
                     http_done *done, void *user, struct http_exchange **out);

/* Cancels an exchange; its callback will not be called. Do not call it from that callback. */
void http_exchange_cancel(struct http_exchange *exchange);

/* New requests trust these certificate authorities instead of those of the options: a PEM file, or
 * a directory of PEM files that are named by their hashes (openssl-rehash(1)). ERR_MEMORY. */
int http_client_trust(struct http_client *client, const char *path, bool is_directory);

/* The default for requests that state none, in milliseconds. */
unsigned http_client_idle_timeout(const struct http_client *client);

/* The number of pending exchanges. */
size_t http_client_active(const struct http_client *client);

/* Cancels all exchanges and closes the handles; `closed` (may be NULL) is called from the loop once
 * all memory is freed. */
void http_client_close(struct http_client *client, void (*closed)(void *user), void *user);

#endif
