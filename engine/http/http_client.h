/*
 * The HTTP client: libcurl's multi interface driven by one libuv loop.
 *
 * Requests are of three classes, each with connections of its own, so that none can take another's
 * last one: long polls, which hold a connection for as long as nothing comes (as many as there are
 * polls), what is urgent (heartbeats, deletes), and all else.
 *
 * One client a loop; every function is called on the loop thread. Connections are kept and reused,
 * a body is sent from memory without a copy, and a response never grows beyond the cap that its
 * request states. The client judges nothing: it reports the status it was given or the transport
 * error it met, and retries belong to the caller.
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
    unsigned max_connections;      /* of HTTP_NORMAL, all hosts together; 0: 256 */
    unsigned max_host_connections; /* of HTTP_NORMAL; 0: 64 */
    unsigned idle_timeout_ms;      /* of requests that state none; 0: 30 000 */
    const char *ca_file;           /* PEM bundle; NULL: the system's */
    bool any_host;                 /* certificates may be for another host's name */
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
    size_t response_max; /* bytes of body, more is ERR_LIMIT; 0: none is expected, any is dropped */
    unsigned connect_timeout_ms; /* with name resolution and TLS; 0: 5 000 */
    unsigned idle_timeout_ms;    /* on a connection, no byte in either direction; 0: the client's. A
                                    long    poll states its wait and a margin */
    unsigned total_timeout_ms;   /* hard limit, from http_client_send on; 0: 300 000 */
};

struct http_response {
    int error; /* 0 when a whole response arrived, whatever its status; else ERR_TIMEOUT,
                  ERR_NETWORK, ERR_LIMIT, ERR_PROTOCOL, ERR_MEMORY */
    int status;
    const struct http_header *headers; /* names in lower case; live until the callback returns */
    size_t header_count;
    struct bytes body; /* the callback may bytes_take it */
    uint64_t elapsed_us;
    const char *detail; /* one line about a transport error for people, never NULL; no secrets, no
                           query string */
};

/* The value of a header by its lower-case name, or NULL. */
const char *http_response_header(const struct http_response *response, const char *name);

/* Called exactly once for each exchange that was started and not cancelled, always from a fresh
 * loop callback. */
typedef void http_done(const struct http_response *response, void *user);
/* bytes_take through a const response would lie about ownership, hence this: */
struct bytes http_response_take_body(const struct http_response *response);

int http_client_create(uv_loop_t *loop, const struct http_client_options *options,
                       struct http_client **out, struct error *error);

/* Starts an exchange. On error (ERR_MEMORY, ERR_INVALID) *out is NULL and no callback will come. */
int http_client_send(struct http_client *client, const struct http_request *request,
                     http_done *done, void *user, struct http_exchange **out);

/* Ends an exchange whose callback has not come yet; it will not come. Not from within its own
 * callback. */
void http_exchange_cancel(struct http_exchange *exchange);

/* Requests from now on trust these authorities instead of those of the options: a PEM file, or a
 * directory of PEM files that are named by their hashes (openssl-rehash(1)). ERR_MEMORY. */
int http_client_trust(struct http_client *client, const char *path, bool is_directory);

/* Of requests that state none, milliseconds. */
unsigned http_client_idle_timeout(const struct http_client *client);

/* Exchanges under way. */
size_t http_client_active(const struct http_client *client);

/* Cancels what is under way and closes the handles; `closed` (may be NULL) is called from the loop
 * when the memory is gone. */
void http_client_close(struct http_client *client, void (*closed)(void *user), void *user);

#endif
