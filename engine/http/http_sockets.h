/*
 * Private to the HTTP client: the sockets of one pool of connections.
 *
 * curl opens them, says what to watch for while a transfer uses one, and closes them. Between two
 * transfers a connection is idle and must be silent: HTTP/1.1 has nothing that ties a response to
 * its request but their order, so a byte that arrives too early would be read as the response to
 * the next request (RFC 9112, section 9.2: a client must not take such data for a response, and
 * should close the connection). curl 7.88 keeps such a connection. Here an idle connection is
 * watched and shut down when anything arrives, and looked at once more when a request is about to
 * be sent on it.
 *
 * Loop thread. The memory of a socket goes in the close callback of its uv_poll.
 */
#ifndef THUMBWHEEL_HTTP_SOCKETS_H
#define THUMBWHEEL_HTTP_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

#include "list.h"

struct http_sockets;

struct http_sockets_owner {
    /* events are CURL_CSELECT_* bits, 0 after an error: curl then looks for itself. Runs curl; may
     * close any socket, and start or end transfers. */
    void (*ready)(struct http_sockets *sockets, curl_socket_t fd, int events);
    /* A uv handle more (+1) or less (-1) keeps the sockets in use. */
    void (*counted)(struct http_sockets *sockets, int change);
};

enum { HTTP_SOCKETS_BUCKETS = 256 };

struct http_sockets {
    uv_loop_t *loop;
    const struct http_sockets_owner *owner;
    struct list open;     /* those that curl opened for connections */
    struct list unsorted; /* of these, those whose local port was not looked up yet */
    struct list by_port[HTTP_SOCKETS_BUCKETS]; /* and all others */
};

enum http_silence { HTTP_SILENT, HTTP_ENDED, HTTP_SPEAKS };

void http_sockets_init(struct http_sockets *sockets, uv_loop_t *loop,
                       const struct http_sockets_owner *owner);

/* Has the connections of a transfer opened and closed here; outlives the transfer. ERR_MEMORY. */
int http_sockets_serve(struct http_sockets *sockets, CURL *easy);

/* What CURLMOPT_SOCKETFUNCTION asks for. ERR_MEMORY: the socket cannot be watched. */
int http_sockets_want(struct http_sockets *sockets, CURLM *multi, curl_socket_t fd, int what,
                      void *assigned);

/* What the peer has done on the connection with this local port, on which a request is about to be
 * sent: it must have said nothing. A new TLS connection is not judged, since its handshake may end
 * with session tickets. */
enum http_silence http_sockets_listen(struct http_sockets *sockets, int local_port, bool tls);

#endif
