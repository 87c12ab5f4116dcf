/*
 * Private to the HTTP client: one request, its deadlines and its response.
 *
 * http_easy.c sets curl's options, http_exchange.c implements one exchange, and http_client.c keeps
 * the list of exchanges and runs curl. curl's callbacks only record facts in the exchange; a loop
 * callback finishes it and calls its owner.
 */
#ifndef THUMBWHEEL_HTTP_EXCHANGE_H
#define THUMBWHEEL_HTTP_EXCHANGE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>

#include "bytes.h"
#include "error.h"
#include "http_client.h"
#include "http_easy.h"
#include "http_sockets.h"
#include "list.h"

struct http_pool; /* the connections of its class */

struct http_exchange {
    struct http_pool *pool;
    struct list link; /* in the client's running or finished list */
    CURL *easy;       /* NULL once finished */
    struct curl_slist *header_lines;
    char *label; /* "GET http://host/path", for messages; without the query string */

    http_done *done;
    void *user;
    bool delivering;

    uv_timer_t timer; /* the nearest deadline; its close callback frees the exchange */
    uint64_t start_us;
    uint64_t total_due_ms;
    uint64_t progress_ms; /* loop time of the last byte in either direction */
    curl_off_t moved;
    unsigned total_timeout_ms;
    unsigned idle_timeout_ms;
    bool tls;
    bool unfit;     /* the reused connection was unusable: start again on a new one */
    bool renewed;   /* it has been started again */
    bool connected; /* before that the connect timeout applies, or it waits for a free connection */

    curl_off_t body_size; /* of the request */
    bool spoken_to;       /* bytes had arrived before the request was sent */
    bool early;           /* the response began before all of the request was sent */
    bool is_head;         /* its response states the length of a body that is not sent */
    size_t response_max;
    struct buffer head; /* "name\0value\0" for each header */
    size_t head_count;
    bool head_complete; /* the empty line after the headers was read */
    struct buffer body;
    struct error failure; /* the first error is kept */
    char curl_text[CURL_ERROR_SIZE];
    struct http_header *headers;
    struct http_response response;
};

/* ERR_INVALID or ERR_MEMORY. The exchange has no timer yet; release it with http_exchange_free. */
int http_exchange_create(const struct http_common *common, const struct http_request *request,
                         struct http_exchange **out);
/* Frees an exchange whose timer was never started. */
void http_exchange_free(struct http_exchange *exchange);

/* Starts the timer. From now on release the exchange with http_exchange_close. */
void http_exchange_start(struct http_exchange *exchange, uv_loop_t *loop);
/* Records a failure that curl does not know of; the exchange expires in the next loop iteration. */
void http_exchange_fail(struct http_exchange *exchange, int code, const char *what);
/* Prepares the exchange for a restart on a new connection after the first was unusable.
 * ERR_MEMORY. */
int http_exchange_rewind(struct http_exchange *exchange);
/* Fills in the response; result is curl's, or CURLE_OPERATION_TIMEDOUT for an expired exchange. */
void http_exchange_conclude(struct http_exchange *exchange, CURLcode result);
/* Calls the owner, who may cancel other exchanges or close the client. */
void http_exchange_deliver(struct http_exchange *exchange);
/* Frees everything except the exchange itself, which is freed from the loop with
 * http_client_handle_closed. Its easy handle must have been removed from the multi handle. */
void http_exchange_close(struct http_exchange *exchange);

/* Implemented by http_client.c: a deadline passed or a failure was recorded. */
void http_client_expire(struct http_exchange *exchange);
/* Implemented by http_client.c: the peer's activity on the connection that is about to be used. */
enum http_silence http_client_listen(struct http_exchange *exchange, int local_port);
/* Implemented by http_client.c: one of the client's uv handles has closed. */
void http_client_handle_closed(struct http_pool *pool);

#endif
