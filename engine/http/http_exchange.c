/*
 * One exchange: curl's callbacks, deadlines, and the response as its owner sees it.
 *
 * The exchange has its own deadlines, on one timer, because curl's do not run while an exchange
 * waits for a free connection, and its low-speed limit has a resolution of one second. The timer is
 * not reset at each byte; when it fires, it is set again to the remainder. The connect timeout is
 * curl's.
 */
#include "http_exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "http_error.h"
#include "large_blocks.h"

enum {
    TOTAL_TIMEOUT_MS = 300000,
    HEAD_MAX_BYTES = 64 * 1024,
};

/* ---- the response, as curl reports it ---- */

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

static void failure_set(struct http_exchange *exchange, int code, const char *what)
{
    if (!exchange->failure.code)
        error_set(&exchange->failure, code, "%s (%s)", what, exchange->label);
}

static struct slice slice_trim(struct slice s)
{
    while (s.size && memchr(" \t\r\n", s.data[0], 4)) {
        s.data++;
        s.size--;
    }
    while (s.size && memchr(" \t\r\n", s.data[s.size - 1], 4))
        s.size--;
    return s;
}

static void append_lower(struct buffer *b, struct slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        buffer_byte(b, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    buffer_byte(b, '\0');
}

static int head_add(struct http_exchange *exchange, struct slice line)
{
    const char *colon = memchr(line.data, ':', line.size);
    if (!colon || colon == line.data || line.data[0] == ' ' || line.data[0] == '\t' ||
        memchr(line.data, '\0', line.size)) {
        failure_set(exchange, ERR_PROTOCOL, "a line of the response's header is malformed");
        return ERR_PROTOCOL;
    }
    size_t name_size = (size_t)(colon - line.data);
    struct slice value = slice_trim((struct slice){colon + 1, line.size - name_size - 1});
    append_lower(&exchange->head, slice_trim((struct slice){line.data, name_size}));
    buffer_append(&exchange->head, value.data, value.size);
    int code = buffer_byte(&exchange->head, '\0');
    if (code) /* this is not about the body's size, so ERR_LIMIT would be wrong */
        failure_set(exchange, code == ERR_LIMIT ? ERR_PROTOCOL : code,
                    "the response's header is too large");
    else
        exchange->head_count++;
    return code;
}

static void mark_progress(struct http_exchange *exchange)
{
    exchange->progress_ms = uv_now(exchange->timer.loop);
}

/* Reported once the header is complete, so that the owner has the response's headers. */
static bool announces_too_much(struct http_exchange *exchange)
{
    curl_off_t length = -1;
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (exchange->is_head || exchange->response_max == 0 ||
        length <= (curl_off_t)exchange->response_max)
        return false;
    failure_set(exchange, ERR_LIMIT, "the response is larger than allowed");
    return true;
}

/* A peer may reject a request before it has read all of it, but it cannot have accepted it. */
static bool accepts_unseen(struct http_exchange *exchange)
{
    long status = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!exchange->early || status / 100 != 2)
        return false;
    failure_set(exchange, ERR_PROTOCOL,
                "the response began before the request was sent, so it belongs to another request");
    return true;
}

static bool body_unsent(struct http_exchange *exchange)
{
    curl_off_t sent = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return sent < exchange->body_size;
}

static size_t on_header(char *data, size_t one, size_t size, void *user)
{
    struct http_exchange *exchange = user;
    struct slice line = {data, one * size};
    mark_progress(exchange);
    if (slice_starts_with(line, "HTTP/")) { /* the previous header was an interim response (1xx) */
        buffer_clear(&exchange->head);
        exchange->head_count = 0;
        exchange->head_complete = false;
        exchange->early = exchange->spoken_to || body_unsent(exchange);
    } else if (slice_trim(line).size == 0) {
        exchange->head_complete = true;
        if (accepts_unseen(exchange) || announces_too_much(exchange))
            return 0;
    } else if (head_add(exchange, line)) {
        return 0;
    }
    return line.size;
}

/* Room for the whole body at once if its size is known. announces_too_much has checked that. */
static int reserve_body(struct http_exchange *exchange)
{
    struct buffer *body = &exchange->body;
    curl_off_t length = -1;
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length < LARGE_BLOCK_MIN || (size_t)length > body->max)
        return length > 0 ? buffer_reserve(body, (size_t)length) : 0;
    body->data = large_block_take((size_t)length + 1, &body->capacity);
    return body->data ? 0 : ERR_MEMORY;
}

static struct bytes take_body(struct http_exchange *exchange)
{
    struct bytes body = buffer_take(&exchange->body);
    if (body.size >= LARGE_BLOCK_MIN)
        body.release = large_block_give;
    return body;
}

static size_t on_body(char *data, size_t one, size_t count, void *user)
{
    struct http_exchange *exchange = user;
    size_t size = one * count;
    if (exchange->response_max == 0)
        return size;
    int code = exchange->body.capacity ? 0 : reserve_body(exchange);
    if (!code)
        code = buffer_append(&exchange->body, data, size);
    if (code == ERR_LIMIT)
        failure_set(exchange, code, "the response is larger than allowed");
    else if (code)
        failure_set(exchange, code, "not enough memory for the response");
    return code ? 0 : size;
}

static int on_progress(void *user, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct http_exchange *exchange = user;
    (void)down_total;
    (void)up_total;
    if (down + up != exchange->moved)
        mark_progress(exchange);
    exchange->moved = down + up;
    return 0;
}

/* ---- deadlines ---- */

static uint64_t next_due_ms(const struct http_exchange *exchange)
{
    uint64_t idle_due = exchange->progress_ms + exchange->idle_timeout_ms;
    if (exchange->failure.code)
        return 0;
    if (exchange->connected && idle_due < exchange->total_due_ms)
        return idle_due;
    return exchange->total_due_ms;
}

static void on_deadline(uv_timer_t *timer);

static void arm(struct http_exchange *exchange)
{
    uint64_t now = uv_now(exchange->timer.loop);
    uint64_t due = next_due_ms(exchange);
    uv_timer_start(&exchange->timer, on_deadline, due > now ? due - now : 0, 0);
}

static void on_deadline(uv_timer_t *timer)
{
    struct http_exchange *exchange = container_of(timer, struct http_exchange, timer);
    uint64_t now = uv_now(timer->loop);
    char what[80];

    if (now < next_due_ms(exchange)) {
        arm(exchange);
        return;
    }
    if (now >= exchange->total_due_ms)
        snprintf(what, sizeof what, "timed out after %u ms", exchange->total_timeout_ms);
    else
        snprintf(what, sizeof what, "no data received or sent for %u ms",
                 exchange->idle_timeout_ms);
    failure_set(exchange, ERR_TIMEOUT, what);
    http_client_expire(exchange);
}

/* If the peer also sends first on a new connection, or closes it, curl handles it: it may have
 * refused the connection with a 503. Such a response is never taken for a success. */
static bool connection_fit(struct http_exchange *exchange, enum http_silence silence)
{
    exchange->unfit = silence != HTTP_SILENT && !exchange->renewed;
    exchange->spoken_to = silence == HTTP_SPEAKS;
    return !exchange->unfit;
}

/* The connection is established and the request is about to be sent: the idle timeout starts
 * now. */
static int on_connected(void *user, char *remote_ip, char *local_ip, int remote_port,
                        int local_port)
{
    struct http_exchange *exchange = user;
    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    if (!connection_fit(exchange, http_client_listen(exchange, local_port)))
        return CURL_PREREQFUNC_ABORT;
    exchange->connected = true;
    mark_progress(exchange);
    arm(exchange);
    return CURL_PREREQFUNC_OK;
}

int http_exchange_rewind(struct http_exchange *exchange)
{
    exchange->unfit = false;
    exchange->renewed = true;
    return curl_easy_setopt(exchange->easy, CURLOPT_FRESH_CONNECT, 1L) ? ERR_MEMORY : 0;
}

void http_exchange_start(struct http_exchange *exchange, uv_loop_t *loop)
{
    uv_timer_init(loop, &exchange->timer);
    exchange->start_us = now_us();
    exchange->total_due_ms = uv_now(loop) + exchange->total_timeout_ms;
    arm(exchange);
}

void http_exchange_fail(struct http_exchange *exchange, int code, const char *what)
{
    failure_set(exchange, code, what);
    arm(exchange);
}

/* ---- start ---- */

static int set_callbacks(struct http_exchange *exchange)
{
    CURL *easy = exchange->easy;
    unsigned code = curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    code |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_text);
    code |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    code |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    code |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    code |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    code |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
    code |= curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    code |= curl_easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
    code |= curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    return code ? ERR_MEMORY : 0;
}

static int label_set(struct http_exchange *exchange, const struct http_request *request)
{
    int size = (int)strcspn(request->url, "?#");
    if (asprintf(&exchange->label, "%s %.*s", request->method, size, request->url) < 0) {
        exchange->label = NULL;
        return ERR_MEMORY;
    }
    return 0;
}

static void limits_set(struct http_exchange *exchange, const struct http_common *common,
                       const struct http_request *request)
{
    exchange->idle_timeout_ms =
        request->idle_timeout_ms ? request->idle_timeout_ms : common->idle_timeout_ms;
    exchange->total_timeout_ms =
        request->total_timeout_ms ? request->total_timeout_ms : TOTAL_TIMEOUT_MS;
    exchange->response_max = request->response_max;
    exchange->body_size = (curl_off_t)request->body_size;
    exchange->is_head = strcmp(request->method, "HEAD") == 0;
    buffer_init(&exchange->head, HEAD_MAX_BYTES);
    buffer_init(&exchange->body, request->response_max);
}

int http_exchange_create(const struct http_common *common, const struct http_request *request,
                         struct http_exchange **out)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return ERR_MEMORY;
    limits_set(exchange, common, request);
    int code =
        http_easy_create(common, request, &exchange->easy, &exchange->header_lines, &exchange->tls);
    if (code)
        goto failed;
    code = set_callbacks(exchange);
    if (code)
        goto failed;
    code = label_set(exchange, request);
    if (code)
        goto failed;
    *out = exchange;
    return 0;
failed:
    http_exchange_free(exchange);
    return code;
}

/* ---- closing ---- */

/* Turns "name\0value\0…" into the response's header table. */
static int headers_index(struct http_exchange *exchange)
{
    const char *p = exchange->head.data;
    if (exchange->head_count == 0)
        return 0;
    exchange->headers = calloc(exchange->head_count, sizeof *exchange->headers);
    if (!exchange->headers)
        return ERR_MEMORY;
    for (size_t i = 0; i < exchange->head_count; i++) {
        exchange->headers[i].name = p;
        p += strlen(p) + 1;
        exchange->headers[i].value = p;
        p += strlen(p) + 1;
    }
    return 0;
}

/* curl quotes a proxy that it cannot use, with its password. */
static const char *reason_of(const struct http_exchange *exchange, CURLcode result)
{
    static const char quoting[] = "Unsupported proxy";
    if (strncmp(exchange->curl_text, quoting, sizeof quoting - 1) == 0)
        return "the proxy in the environment is not usable: it must be http://host:port or "
               "https://host:port";
    return *exchange->curl_text ? exchange->curl_text : curl_easy_strerror(result);
}

void http_exchange_conclude(struct http_exchange *exchange, CURLcode result)
{
    struct http_response *response = &exchange->response;
    long status = 0;
    uv_timer_stop(&exchange->timer);
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result)
        failure_set(exchange, http_error_of(result), reason_of(exchange, result));
    else
        exchange->failure = (struct error){0};
    if (!result && !exchange->head_complete) /* curl reports this as a success without a body */
        failure_set(exchange, ERR_NETWORK, "the connection closed within the response's header");
    if (headers_index(exchange))
        failure_set(exchange, ERR_MEMORY, "not enough memory for the response");

    response->error = exchange->failure.code;
    response->detail = exchange->failure.text;
    response->status = (int)status;
    response->elapsed_us = now_us() - exchange->start_us;
    response->headers = exchange->headers;
    response->header_count = exchange->headers ? exchange->head_count : 0;
    if (!response->error)
        response->body = take_body(exchange);
}

void http_exchange_deliver(struct http_exchange *exchange)
{
    exchange->delivering = true;
    exchange->done(&exchange->response, exchange->user);
    http_exchange_close(exchange);
}

static void contents_free(struct http_exchange *exchange)
{
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->header_lines);
    free(exchange->label);
    free(exchange->headers);
    buffer_free(&exchange->head);
    buffer_free(&exchange->body);
    bytes_free(&exchange->response.body);
}

void http_exchange_free(struct http_exchange *exchange)
{
    contents_free(exchange);
    free(exchange);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct http_exchange *exchange =
        container_of((uv_timer_t *)handle, struct http_exchange, timer);
    struct http_pool *pool = exchange->pool;
    free(exchange);
    http_client_handle_closed(pool);
}

void http_exchange_close(struct http_exchange *exchange)
{
    contents_free(exchange);
    uv_close((uv_handle_t *)&exchange->timer, on_timer_closed);
}

const char *http_response_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    }
    return NULL;
}

struct bytes http_response_take_body(const struct http_response *response)
{
    /* Every response is embedded in an exchange, which is not const. */
    return bytes_take(&((struct http_response *)(uintptr_t)response)->body);
}
