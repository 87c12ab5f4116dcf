/*
 * Private to the HTTP client: one request, its deadlines and its response.
 *
 * http_easy.c knows what curl is asked for, http_exchange.c what an exchange is, http_client.c
 * which exchanges there are and when curl runs. curl's callbacks only record facts in the exchange;
 * it is finished, and its owner called, from a loop callback.
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

struct http_pool; /* the connections that it uses */

struct http_exchange {
    struct http_pool *pool;
    struct list link; /* of the client's running or finished list */
    CURL *easy;       /* NULL once finished */
    struct curl_slist *header_lines;
    char *label; /* "GET http://host/path", for people; without the query string */

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
    bool unfit;     /* its kept connection: to be started again on a new one */
    bool renewed;   /* which has been done */
    bool connected; /* before that the connect timeout rules, or it waits for a free connection */

    curl_off_t body_size; /* of the request */
    bool spoken_to;       /* bytes had arrived before the request was sent */
    bool early;           /* the response began before all of the request was sent */
    bool is_head;         /* its response states the length of a body that does not come */
    size_t response_max;
    struct buffer head; /* "name\0value\0" for each header */
    size_t head_count;
    bool head_complete; /* its empty line was seen */
    struct buffer body;
    struct error failure; /* the first one sticks */
    char curl_text[CURL_ERROR_SIZE];
    struct http_header *headers;
    struct http_response response;
};

/* ERR_INVALID or ERR_MEMORY; the exchange has no timer yet and ends with http_exchange_free. */
int http_exchange_create(const struct http_common *common, const struct http_request *request,
                         struct http_exchange **out);
/* Frees one whose timer was never started. */
void http_exchange_free(struct http_exchange *exchange);

/* Starts the clock. From here on the exchange ends with http_exchange_close. */
void http_exchange_start(struct http_exchange *exchange, uv_loop_t *loop);
/* Records a failure that curl does not know of; the exchange expires in the next turn of the loop.
 */
void http_exchange_fail(struct http_exchange *exchange, int code, const char *what);
/* Prepares it for a new start, on a new connection, where the first was unfit. ERR_MEMORY. */
int http_exchange_rewind(struct http_exchange *exchange);
/* Fills in the response; result is curl's, or CURLE_OPERATION_TIMEDOUT for one that expired. */
void http_exchange_conclude(struct http_exchange *exchange, CURLcode result);
/* Calls the owner, who may cancel other exchanges or close the client. */
void http_exchange_deliver(struct http_exchange *exchange);
/* Frees everything but the exchange at once, and that from the loop, with
 * http_client_handle_closed. Its easy handle must be out of the multi handle. */
void http_exchange_close(struct http_exchange *exchange);

/* Implemented by http_client.c: a deadline passed or a failure was recorded. */
void http_client_expire(struct http_exchange *exchange);
/* Implemented by http_client.c: what the peer has done on the connection that is about to be used.
 */
enum http_silence http_client_listen(struct http_exchange *exchange, int local_port);
/* Implemented by http_client.c: one uv handle less keeps the client in memory. */
void http_client_handle_closed(struct http_pool *pool);

#endif
