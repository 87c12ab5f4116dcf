/*
 * Private to the HTTP client: the sockets of one pool of connections.
 *
 * curl opens them, tells which events to poll for while a transfer uses one, and closes them.
 * Between two transfers a connection is idle and must be silent: HTTP/1.1 matches responses to
 * requests only by their order, so a byte that arrives too early would be read as the response to
 * the next request (RFC 9112, section 9.2: a client must not take such data for a response, and
 * should close the connection). curl 7.88 keeps such a connection. Here an idle connection is
 * polled and shut down when anything arrives, and checked once more when a request is about to be
 * sent on it.
 *
 * Loop thread. A socket is freed in the close callback of its uv_poll.
 */
#ifndef THUMBWHEEL_HTTP_SOCKETS_H
#define THUMBWHEEL_HTTP_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

#include "list.h"

struct http_sockets;

struct http_sockets_owner {
    /* Runs curl. events are CURL_CSELECT_* bits; 0 after an error, so that curl checks the socket
     * itself. May close any socket, and start or end transfers. */
    void (*ready)(struct http_sockets *sockets, curl_socket_t fd, int events);
    /* A uv handle was opened (+1) or closed (-1). */
    void (*counted)(struct http_sockets *sockets, int change);
};

enum { HTTP_SOCKETS_BUCKETS = 256 };

struct http_sockets {
    uv_loop_t *loop;
    const struct http_sockets_owner *owner;
    struct list open;     /* the sockets that curl opened for connections */
    struct list unsorted; /* sockets whose local port has not been looked up yet */
    struct list by_port[HTTP_SOCKETS_BUCKETS]; /* all others */
};

enum http_silence { HTTP_SILENT, HTTP_ENDED, HTTP_SPEAKS };

void http_sockets_init(struct http_sockets *sockets, uv_loop_t *loop,
                       const struct http_sockets_owner *owner);

/* Makes a transfer open and close its connections here; must outlive the transfer. ERR_MEMORY. */
int http_sockets_serve(struct http_sockets *sockets, CURL *easy);

/* Implements CURLMOPT_SOCKETFUNCTION. ERR_MEMORY: the socket cannot be polled. */
int http_sockets_want(struct http_sockets *sockets, CURLM *multi, curl_socket_t fd, int what,
                      void *assigned);

/* The peer's activity on the connection with this local port, on which a request is about to be
 * sent; it must have sent nothing. A new TLS connection is not checked, since its handshake may end
 * with session tickets. */
enum http_silence http_sockets_listen(struct http_sockets *sockets, int local_port, bool tls);

#endif
