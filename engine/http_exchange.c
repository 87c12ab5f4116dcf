/*
 * One exchange: options of the easy handle, curl's callbacks, deadlines, and the response as its
 * owner sees it.
 *
 * Bodies are sent as POSTFIELDS whatever the method is, with the method's name set beside it: curl
 * then reads the caller's memory in place and can start again from its beginning when a kept
 * connection turns out to be dead, without read and seek callbacks. It adds Expect: 100-continue by
 * itself above 1 MiB.
 *
 * Deadlines are our own, on one timer: curl's would not count while an exchange waits for a free
 * connection, and its low-speed limit has whole seconds only. The timer is not moved with each
 * byte; when it fires, it is set again to what is left. The connect timeout is curl's.
 */
#include "http_exchange.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "container_of.h"

enum {
    CONNECT_TIMEOUT_MS = 5000,
    IDLE_TIMEOUT_MS = 30000,
    TOTAL_TIMEOUT_MS = 300000,
    KEEPALIVE_IDLE_SECONDS = 30,
    KEEPALIVE_INTERVAL_SECONDS = 15,
    RECEIVE_BUFFER_BYTES = 64 * 1024,
    HEAD_MAX_BYTES = 64 * 1024,
    METHOD_MAX_BYTES = 16,
};

/* ---- the response, as curl reports it ---- */

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

static void failure_set(struct http_exchange *exchange, int code, const char *what)
{
    if (!exchange->failure.code)
        error_set(&exchange->failure, code, "%s: %s", exchange->label, what);
}

static struct slice slice_trim(struct slice s)
{
    while (s.size && strchr(" \t\r\n", s.data[0])) {
        s.data++;
        s.size--;
    }
    while (s.size && strchr(" \t\r\n", s.data[s.size - 1]))
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
    int rc = buffer_byte(&exchange->head, '\0');
    if (rc)
        failure_set(exchange, rc, "the response's header is too large");
    else
        exchange->head_count++;
    return rc;
}

static void mark_progress(struct http_exchange *exchange)
{
    exchange->progress_ms = uv_now(exchange->timer.loop);
}

static size_t on_header(char *data, size_t one, size_t size, void *user)
{
    struct http_exchange *exchange = user;
    struct slice line = {data, one * size};
    mark_progress(exchange);
    if (slice_starts_with(line, "HTTP/")) { /* what came before was an interim answer */
        buffer_clear(&exchange->head);
        exchange->head_count = 0;
        exchange->head_complete = false;
    } else if (slice_trim(line).size == 0) {
        exchange->head_complete = true;
    } else if (head_add(exchange, line)) {
        return 0;
    }
    return line.size;
}

/* One allocation for a body whose size is known; curl has refused a length above the cap already.
 */
static int reserve_body(struct http_exchange *exchange)
{
    curl_off_t length = -1;
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length > 0 ? buffer_reserve(&exchange->body, (size_t)length) : 0;
}

static size_t on_body(char *data, size_t one, size_t count, void *user)
{
    struct http_exchange *exchange = user;
    size_t size = one * count;
    if (exchange->response_max == 0)
        return size;
    int rc = exchange->body.capacity ? 0 : reserve_body(exchange);
    if (!rc)
        rc = buffer_append(&exchange->body, data, size);
    if (rc == ERR_LIMIT)
        failure_set(exchange, rc, "the response is larger than allowed");
    else if (rc)
        failure_set(exchange, rc, "no memory for the response");
    return rc ? 0 : size;
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

    if (!exchange->failure.code && now < next_due_ms(exchange)) {
        arm(exchange);
        return;
    }
    if (now >= exchange->total_due_ms)
        snprintf(what, sizeof what, "not finished after %u ms", exchange->total_timeout_ms);
    else
        snprintf(what, sizeof what, "no data moved for %u ms", exchange->idle_timeout_ms);
    failure_set(exchange, ERR_TIMEOUT, what);
    http_client_expire(exchange);
}

/* A connection is there and the request is about to be sent: the idle time counts from now. */
static int on_connected(void *user, char *remote_ip, char *local_ip, int remote_port,
                        int local_port)
{
    struct http_exchange *exchange = user;
    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    exchange->connected = true;
    mark_progress(exchange);
    arm(exchange);
    return CURL_PREREQFUNC_OK;
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
    uv_timer_start(&exchange->timer, on_deadline, 0, 0);
}

/* ---- the request ---- */

static bool method_valid(const char *method)
{
    size_t size = strlen(method);
    return size > 0 && size <= METHOD_MAX_BYTES &&
           strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == size;
}

/* A name or value that could end its line would let a key or a message write headers of its own. */
static bool header_valid(const struct http_header *header)
{
    return header->name[0] && !strpbrk(header->name, "\r\n:; \t") &&
           !strpbrk(header->value, "\r\n");
}

static bool host_is_loopback(const char *host)
{
    struct in_addr address;
    size_t size = strlen(host);
    const char suffix[] = ".localhost";
    size_t suffix_size = sizeof suffix - 1;
    if (inet_pton(AF_INET, host, &address) == 1)
        return ntohl(address.s_addr) >> 24 == 127;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (size > suffix_size && strcasecmp(host + size - suffix_size, suffix) == 0);
}

/* Judges the URL before curl does, so that a wrong one is the caller's error and not the network's.
 */
static int url_check(const char *url, bool *loopback)
{
    char *scheme = NULL, *host = NULL;
    CURLU *parts = curl_url();
    if (!parts)
        return ERR_MEMORY;
    int rc = ERR_INVALID;
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    if (!code)
        code = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    if (!code)
        code = curl_url_get(parts, CURLUPART_HOST, &host, 0);
    if (code == CURLUE_OUT_OF_MEMORY)
        rc = ERR_MEMORY;
    if (!code && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0)) {
        *loopback = host_is_loopback(host);
        rc = 0;
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return rc;
}

static int request_check(const struct http_request *request, bool *loopback)
{
    if (!request->url || !request->method || !method_valid(request->method))
        return ERR_INVALID;
    if (request->body_size > 0 && (!request->body || strcmp(request->method, "HEAD") == 0))
        return ERR_INVALID;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!header_valid(&request->headers[i]))
            return ERR_INVALID;
    }
    return url_check(request->url, loopback);
}

static int line_append(struct curl_slist **lines, const char *text)
{
    struct curl_slist *grown = curl_slist_append(*lines, text);
    if (!grown)
        return ERR_MEMORY;
    *lines = grown;
    return 0;
}

static int header_append(struct curl_slist **lines, const struct http_header *header)
{
    char *text;
    /* curl's notation: "Name;" sends an empty value, where "Name:" would send nothing. */
    int size = *header->value ? asprintf(&text, "%s: %s", header->name, header->value)
                              : asprintf(&text, "%s;", header->name);
    if (size < 0)
        return ERR_MEMORY;
    int rc = line_append(lines, text);
    free(text);
    return rc;
}

static int headers_copy(struct http_exchange *exchange, const struct http_request *request)
{
    /* Without one of the caller's, curl would call every body a form. */
    int rc = line_append(&exchange->header_lines, "Content-Type:");
    for (size_t i = 0; !rc && i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, "Content-Length") != 0)
            rc = header_append(&exchange->header_lines, &request->headers[i]);
    }
    return rc;
}

static int set_request(struct http_exchange *exchange, const struct http_request *request)
{
    CURL *easy = exchange->easy;
    unsigned code = curl_easy_setopt(easy, CURLOPT_URL, request->url);
    code |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->header_lines);
    if (strcmp(request->method, "HEAD") == 0)
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) || code ? ERR_MEMORY : 0;

    code |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    bool has_body = request->body_size > 0 || strcmp(request->method, "PUT") == 0 ||
                    strcmp(request->method, "POST") == 0;
    if (has_body) {
        const char *body = request->body_size ? request->body : "";
        code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
        code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    }
    /* The headers of a HEAD response state the object's length, so this is not for those. */
    code |= curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)exchange->response_max);
    return code ? ERR_MEMORY : 0;
}

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

static int set_transport(CURL *easy, const struct http_exchange_common *common,
                         long connect_timeout_ms, bool loopback)
{
    unsigned code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    code |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    code |= curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Otherwise dropping a handle waits for its resolver thread, and the loop with it. */
    code |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
    code |= curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_SECONDS);
    code |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_SECONDS);
    code |= curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER_BYTES);
    code |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    code |= curl_easy_setopt(easy, CURLOPT_SHARE, common->share);
    code |= curl_easy_setopt(easy, CURLOPT_USERAGENT, common->user_agent);
    if (common->ca_file)
        code |= curl_easy_setopt(easy, CURLOPT_CAINFO, common->ca_file);
    if (loopback) /* empty: none, whatever the environment says */
        code |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
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

static void limits_set(struct http_exchange *exchange, const struct http_request *request)
{
    exchange->idle_timeout_ms =
        request->idle_timeout_ms ? request->idle_timeout_ms : IDLE_TIMEOUT_MS;
    exchange->total_timeout_ms =
        request->total_timeout_ms ? request->total_timeout_ms : TOTAL_TIMEOUT_MS;
    exchange->response_max = request->response_max;
    buffer_init(&exchange->head, HEAD_MAX_BYTES);
    buffer_init(&exchange->body, request->response_max);
}

int http_exchange_create(const struct http_exchange_common *common,
                         const struct http_request *request, struct http_exchange **out)
{
    bool loopback = false;
    long connect_timeout_ms =
        request->connect_timeout_ms ? (long)request->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    int rc = request_check(request, &loopback);
    if (rc)
        return rc;
    struct http_exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        return ERR_MEMORY;
    limits_set(exchange, request);
    exchange->easy = curl_easy_init();
    rc = exchange->easy ? label_set(exchange, request) : ERR_MEMORY;
    if (!rc)
        rc = headers_copy(exchange, request);
    if (!rc)
        rc = set_request(exchange, request);
    if (!rc)
        rc = set_callbacks(exchange);
    if (!rc)
        rc = set_transport(exchange->easy, common, connect_timeout_ms, loopback);
    if (rc) {
        http_exchange_free(exchange);
        return rc;
    }
    *out = exchange;
    return 0;
}

/* ---- the end ---- */

static int error_of(CURLcode result)
{
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return ERR_MEMORY;
    case CURLE_FILESIZE_EXCEEDED:
        return ERR_LIMIT;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* the URL was checked: an answer that is not HTTP/1 */
    case CURLE_BAD_CONTENT_ENCODING:
        return ERR_PROTOCOL;
    default:
        return ERR_NETWORK;
    }
}

/* Turns "name\0value\0…" into the table that the owner sees. */
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

void http_exchange_conclude(struct http_exchange *exchange, CURLcode result)
{
    struct http_response *response = &exchange->response;
    long status = 0;
    uv_timer_stop(&exchange->timer);
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result)
        failure_set(exchange, error_of(result),
                    *exchange->curl_text ? exchange->curl_text : curl_easy_strerror(result));
    else
        exchange->failure = (struct error){0};
    if (!result && !exchange->head_complete) /* for curl that is a success without a body */
        failure_set(exchange, ERR_NETWORK, "the connection closed within the response's header");
    if (headers_index(exchange))
        failure_set(exchange, ERR_MEMORY, "no memory for the response");

    response->error = exchange->failure.code;
    response->detail = exchange->failure.text;
    response->status = (int)status;
    response->elapsed_us = now_us() - exchange->start_us;
    response->headers = exchange->headers;
    response->header_count = exchange->headers ? exchange->head_count : 0;
    if (!response->error)
        response->body = buffer_take(&exchange->body);
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
    struct http_client *client = exchange->client;
    free(exchange);
    http_client_handle_closed(client);
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
    /* Every response lies in an exchange, which is not const. */
    return bytes_take(&((struct http_response *)(uintptr_t)response)->body);
}
