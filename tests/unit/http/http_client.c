/* The HTTP client against a server with scripted responses. */
#include "http_client.h"
#include "http_easy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scripted_server.h"

enum { HANG_SECONDS = 60, BIG_BODY_BYTES = 5 * 1024 * 1024 + 17 };

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

struct world {
    uv_loop_t loop;
    struct http_client *client;
    struct scripted_server server;
    int closed;
};

/* Records an owner's callback; `then` runs inside it. */
struct result {
    int calls;
    int error;
    int status;
    uint64_t elapsed_us;
    struct bytes body;
    char etag[64];
    char detail[ERROR_TEXT_MAX];
    void (*then)(void *user);
    void *then_user;
};

static struct http_client *client_create(struct world *w, unsigned host_connections)
{
    struct http_client_options options = {.max_host_connections = host_connections};
    struct http_client *client;
    assert_int_equal(http_client_create(&w->loop, &options, &client, NULL), 0);
    return client;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(uv_loop_init(&w->loop), 0);
    scripted_server_start(&w->server, &w->loop);
    w->client = client_create(w, 0);
    *state = w;
    alarm(HANG_SECONDS);
    return 0;
}

static void on_client_closed(void *user)
{
    struct world *w = user;
    w->closed++;
}

static int teardown(void **state)
{
    struct world *w = *state;
    if (w->client)
        http_client_close(w->client, on_client_closed, w);
    scripted_server_stop(&w->server);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(w->closed, 1);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    free(w);
    alarm(0);
    return 0;
}

static void on_done(const struct http_response *response, void *user)
{
    struct result *r = user;
    const char *etag = http_response_header(response, "etag");
    r->calls++;
    r->error = response->error;
    r->status = response->status;
    r->elapsed_us = response->elapsed_us;
    r->body = http_response_take_body(response);
    snprintf(r->etag, sizeof r->etag, "%s", etag ? etag : "");
    snprintf(r->detail, sizeof r->detail, "%s", response->detail);
    if (r->then)
        r->then(r->then_user);
}

static const char *url_of(struct world *w, const char *path)
{
    static char url[2048];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", w->server.port, path);
    return url;
}

static struct http_exchange *start(struct world *w, struct http_request request, struct result *r)
{
    struct http_exchange *exchange;
    if (!request.url)
        request.url = url_of(w, "/");
    if (!request.method)
        request.method = "GET";
    assert_int_equal(http_client_send(w->client, &request, on_done, r, &exchange), 0);
    assert_non_null(exchange);
    assert_int_equal(r->calls, 0); /* never from within send */
    return exchange;
}

static void wait_for(struct world *w, const struct result *r)
{
    while (r->calls == 0)
        uv_run(&w->loop, UV_RUN_ONCE);
    assert_int_equal(r->calls, 1);
}

static struct result fetch(struct world *w, struct http_request request)
{
    struct result r = {0};
    start(w, request, &r);
    wait_for(w, &r);
    return r;
}

static void assert_body(struct result *r, const char *text)
{
    assert_int_equal(r->error, 0);
    assert_int_equal(r->body.size, strlen(text));
    assert_memory_equal(r->body.data, text, strlen(text));
    bytes_free(&r->body);
}

static void assert_failed(struct result *r, int code)
{
    assert_int_equal(r->error, code);
    assert_int_equal(r->body.size, 0);
    assert_string_not_equal(r->detail, "");
    bytes_free(&r->body);
}

/* ---- responses ---- */

static void one_connection_serves_many(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = OK_HELLO});
    for (int i = 0; i < 5; i++) {
        struct result r = fetch(w, (struct http_request){.response_max = 100});
        assert_int_equal(r.status, 200);
        assert_string_equal(r.detail, "");
        assert_body(&r, "hello");
    }
    assert_int_equal(w->server.requests, 5);
    assert_int_equal(w->server.connections, 1);
}

static void headers_are_found(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = "HTTP/1.1 404 Not Found\r\nETag: \t \"a b\" \r\nX-None:\r\n"
                                "Content-Length: 3\r\n\r\nabc"});
    struct result r = fetch(w, (struct http_request){.response_max = 100});
    assert_int_equal(r.status, 404);
    assert_string_equal(r.etag, "\"a b\"");
    assert_body(&r, "abc");
}

static void check_headers(const struct http_response *response, void *user)
{
    int *calls = user;
    assert_string_equal(http_response_header(response, "x-amz-id"), "1");
    assert_string_equal(http_response_header(response, "x-none"), "");
    assert_null(http_response_header(response, "X-Amz-Id"));
    assert_null(http_response_header(response, "link"));
    assert_int_equal(response->header_count, 3);
    (*calls)++;
}

static void interim_headers_are_forgotten(void **state)
{
    struct world *w = *state;
    int calls = 0;
    struct http_exchange *exchange;
    struct http_request request = {.method = "GET", .url = url_of(w, "/")};
    SCRIPT(&w->server,
           {.text = "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nX-AMZ-ID: 1\r\nX-None:\r\nContent-Length: 0\r\n\r\n"});
    assert_int_equal(http_client_send(w->client, &request, check_headers, &calls, &exchange), 0);
    while (!calls)
        uv_run(&w->loop, UV_RUN_ONCE);
}

static void chunked_response(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n"});
    struct result r = fetch(w, (struct http_request){.response_max = 12});
    assert_body(&r, "hello, world");
}

static void response_until_close(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = "HTTP/1.1 200 OK\r\n\r\nhello", .afterwards = CLOSE});
    struct result r = fetch(w, (struct http_request){.response_max = 100});
    assert_body(&r, "hello");
}

static void encoded_body_stays_encoded(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server,
           {.text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nraw!"});
    struct result r = fetch(w, (struct http_request){.response_max = 100});
    assert_body(&r, "raw!");
}

static void head_has_headers_only(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server,
           {.text = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 99999999\r\n\r\n"});
    for (int i = 0; i < 2; i++) {
        struct result r = fetch(w, (struct http_request){.method = "HEAD", .response_max = 10});
        assert_string_equal(r.etag, "\"e\"");
        assert_body(&r, "");
    }
    assert_int_equal(w->server.connections, 1);
    assert_memory_equal(w->server.head.data, "HEAD / HTTP/1.1\r\n", 17);
}

static void redirect_is_only_reported(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\n"
                                "Content-Length: 0\r\n\r\n"});
    struct result r = fetch(w, (struct http_request){.response_max = 10});
    assert_int_equal(r.status, 307);
    assert_body(&r, "");
    assert_int_equal(w->server.requests, 1);
}

/* ---- limits ---- */

static void announced_body_over_cap(void **state)
{
    struct world *w = *state;
    /* No byte of the body is sent, so the length must be sufficient. */
    SCRIPT(&w->server, {.text = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"});
    struct result r = fetch(w, (struct http_request){.response_max = 10});
    assert_failed(&r, ERR_LIMIT);
    assert_int_equal(r.status, 200);
}

static void received_body_over_cap(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "a\r\n0123456789\r\n1\r\n!\r\n"});
    struct result r = fetch(w, (struct http_request){.response_max = 10});
    assert_failed(&r, ERR_LIMIT);
}

static void body_at_cap(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = OK_HELLO});
    struct result r = fetch(w, (struct http_request){.response_max = 5});
    assert_body(&r, "hello");
}

static void unwanted_body_is_dropped(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = OK_HELLO});
    for (int i = 0; i < 2; i++) {
        struct result r = fetch(w, (struct http_request){0});
        assert_body(&r, "");
    }
    assert_int_equal(w->server.connections, 1);
}

static void header_over_limit(void **state)
{
    struct world *w = *state;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_text(&text, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 4000; i++)
        buffer_format(&text, "X-Header-%d: some value that takes space\r\n", i);
    assert_int_equal(buffer_text(&text, "Content-Length: 0\r\n\r\n"), 0);
    SCRIPT(&w->server, {.text = text.data});
    struct result r = fetch(w, (struct http_request){.response_max = 10});
    assert_failed(&r, ERR_PROTOCOL); /* ERR_LIMIT would be said of the body */
    buffer_free(&text);
}

/* ---- failures ---- */

static void connection_refused(void **state)
{
    struct world *w = *state;
    struct scripted_server gone;
    scripted_server_start(&gone, &w->loop);
    scripted_server_stop(&gone);
    uv_run(&w->loop, UV_RUN_NOWAIT);

    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/b/k?X-Amz-Signature=secret", gone.port);
    struct result r = fetch(w, (struct http_request){.url = url, .response_max = 10});
    assert_failed(&r, ERR_NETWORK);
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.detail, "127.0.0.1"));
    assert_non_null(strstr(r.detail, "/b/k"));
    assert_null(strstr(r.detail, "secret"));
}

static void truncated_body(void **state)
{
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        SCRIPT(&w->server, {.text = texts[i], .afterwards = CLOSE});
        struct result r = fetch(w, (struct http_request){.response_max = 100});
        assert_failed(&r, ERR_NETWORK);
    }
}

static void reset_connection(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = "HTTP/1.1 200 OK\r\n", .afterwards = RESET});
    struct result r = fetch(w, (struct http_request){.response_max = 100});
    assert_failed(&r, ERR_NETWORK);
}

static void not_http(void **state)
{
    static const char *const texts[] = {
        "220 smtp.example.com ready\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded: c\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: no name\r\nContent-Length: 0\r\n\r\n",
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        SCRIPT(&w->server, {.text = texts[i], .afterwards = CLOSE});
        struct result r = fetch(w, (struct http_request){.response_max = 100});
        assert_failed(&r, ERR_PROTOCOL);
    }
}

static void silent_server(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = NULL});
    struct result r = fetch(w, (struct http_request){.response_max = 10, .idle_timeout_ms = 50});
    assert_failed(&r, ERR_TIMEOUT);
    assert_true(r.elapsed_us >= 49000);
    assert_non_null(strstr(r.detail, "50 ms"));
}

static void body_that_stops(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"});
    struct result r = fetch(w, (struct http_request){.response_max = 10, .idle_timeout_ms = 50});
    assert_failed(&r, ERR_TIMEOUT);
}

static void slow_body_is_not_idle(void **state)
{
    struct world *w = *state;
    /* Some 90 bytes, 10 ms each: longer than the idle time, but never idle. */
    SCRIPT(&w->server, {.text = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"
                                "01234567890123456789012345678901234567890123456789",
                        .trickle_ms = 10});
    struct result r = fetch(w, (struct http_request){.response_max = 50, .idle_timeout_ms = 500});
    assert_int_equal(r.error, 0);
    assert_true(r.elapsed_us > 500000);
    bytes_free(&r.body);
}

static void total_timeout(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server,
           {.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", .trickle_ms = 100});
    struct result r = fetch(w, (struct http_request){.response_max = 50, .total_timeout_ms = 250});
    assert_failed(&r, ERR_TIMEOUT);
    assert_non_null(strstr(r.detail, "250 ms"));
}

static void client_works_after_failures(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = NULL}, {.text = "HTTP/1.1 200 OK\r\n", .afterwards = RESET},
           {.text = "junk\r\n"}, {.text = OK_HELLO});
    for (int i = 0; i < 3; i++) {
        struct result r =
            fetch(w, (struct http_request){.response_max = 10, .idle_timeout_ms = 50});
        assert_int_not_equal(r.error, 0);
    }
    struct result r = fetch(w, (struct http_request){.response_max = 10});
    assert_body(&r, "hello");
}

/* ---- requests ---- */

static unsigned char *pattern_create(size_t size)
{
    unsigned char *data = malloc(size);
    uint32_t x = 1;
    assert_non_null(data);
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525 + 1013904223;
        data[i] = (unsigned char)(x >> 24);
    }
    return data;
}

static void assert_request_body(struct world *w, const void *data, size_t size)
{
    assert_int_equal(w->server.body.size, size);
    assert_memory_equal(w->server.body.data, data, size);
}

static void big_put_arrives_whole(void **state)
{
    struct world *w = *state;
    unsigned char *data = pattern_create(BIG_BODY_BYTES);
    SCRIPT(&w->server, {.text = OK_EMPTY});
    struct result r =
        fetch(w, (struct http_request){.method = "PUT", .body = data, .body_size = BIG_BODY_BYTES});
    assert_body(&r, "");
    assert_memory_equal(w->server.head.data, "PUT / HTTP/1.1\r\n", 16);
    assert_request_body(w, data, BIG_BODY_BYTES);
    assert_non_null(strcasestr(w->server.head.data, "\r\nExpect: 100-continue\r\n"));
    free(data);
}

static void body_is_sent_again_on_a_dead_connection(void **state)
{
    struct world *w = *state;
    size_t size = 900 * 1024;
    unsigned char *data = pattern_create(size);
    const char *const methods[] = {"PUT", "POST"};
    for (int i = 0; i < 2; i++) {
        SCRIPT(&w->server, {.text = OK_EMPTY}, {.text = "", .afterwards = CLOSE},
               {.text = OK_EMPTY});
        struct http_request request = {.method = methods[i], .body = data, .body_size = size};
        struct result r = fetch(w, request);
        assert_body(&r, "");
        r = fetch(w, request);
        assert_int_equal(r.status, 200);
        assert_body(&r, "");
        assert_int_equal(w->server.requests, 3);
        assert_request_body(w, data, size);
    }
    assert_int_equal(w->server.connections, 3);
    free(data);
}

/* ---- matching responses to requests ---- */

#define OK_FIRST  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"
#define OK_SECOND "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"
#define NOT_FOUND "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

/* Both arrive before the second one is requested. */
static void duplicated_response_is_dropped(void **state)
{
    struct world *w = *state;
    const char *const twice[] = {OK_FIRST OK_FIRST, OK_FIRST NOT_FOUND,
                                 "HTTP/1.1 204 No Content\r\n\r\n" OK_FIRST,
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "5\r\nfirst\r\n0\r\n\r\n" OK_FIRST};
    for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++) {
        SCRIPT(&w->server, {.text = twice[i]}, {.text = OK_SECOND});
        struct result r = fetch(w, (struct http_request){.response_max = 100});
        assert_body(&r, i == 2 ? "" : "first");
        r = fetch(w, (struct http_request){.response_max = 100});
        assert_body(&r, "second");
    }
}

static void idle_connection_that_speaks_is_closed(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = OK_FIRST});
    struct result r = fetch(w, (struct http_request){.response_max = 100});
    assert_body(&r, "first");
    assert_int_equal(w->server.open, 1);
    scripted_server_say(&w->server, OK_FIRST);
    uv_ref((uv_handle_t *)&w->server.listener); /* nothing else keeps the loop */
    while (w->server.open)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&w->server.listener);
    SCRIPT(&w->server, {.text = OK_SECOND});
    r = fetch(w, (struct http_request){.response_max = 100});
    assert_body(&r, "second");
    assert_int_equal(w->server.connections, 2);
}

/* The bytes arrive when the loop has no turn left before the next request. */
static void early_response_is_not_taken(void **state)
{
    struct world *w = *state;
    const char *const methods[] = {"GET", "PUT", "DELETE"};
    const char *const stale[] = {OK_FIRST, NOT_FOUND, "H"};
    for (size_t i = 0; i < 9; i++) {
        SCRIPT(&w->server, {.text = OK_EMPTY}, {.text = OK_SECOND});
        struct result r = fetch(w, (struct http_request){.method = "PUT"});
        assert_int_equal(r.status, 200);
        scripted_server_say(&w->server, stale[i / 3]);
        r = fetch(w, (struct http_request){.method = methods[i % 3], .response_max = 100});
        assert_int_equal(r.status, 200);
        assert_body(&r, "second");
        assert_int_equal(w->server.requests, 2);
    }
}

/* One after the other fails, however many are kept. */
static void many_connections_that_speak(void **state)
{
    struct world *w = *state;
    struct result results[8] = {0};
    SCRIPT(&w->server, {.text = OK_FIRST, .delay_ms = 20});
    for (size_t i = 0; i < 8; i++)
        start(w, (struct http_request){.response_max = 100}, &results[i]);
    for (size_t i = 0; i < 8; i++) {
        wait_for(w, &results[i]);
        assert_body(&results[i], "first");
    }
    assert_int_equal(w->server.connections, 8);
    scripted_server_say(&w->server, OK_FIRST);
    SCRIPT(&w->server, {.text = OK_SECOND});
    struct result r = fetch(w, (struct http_request){.response_max = 100});
    assert_body(&r, "second");
    assert_int_equal(w->server.connections, 9);
}

/* Without the wait for 100 Continue. */
static const struct http_header no_expect[] = {{"Expect", ""}};

static void success_before_the_request_is_sent(void **state)
{
    struct world *w = *state;
    size_t size = 24 * 1024 * 1024; /* more than the kernel's buffers take */
    unsigned char *data = pattern_create(size);
    struct http_request request = {.method = "PUT",
                                   .headers = no_expect,
                                   .header_count = 1,
                                   .body = data,
                                   .body_size = size,
                                   .response_max = 100};
    SCRIPT(&w->server, {.text = OK_EMPTY, .early = true});
    struct result r = fetch(w, request);
    assert_failed(&r, ERR_PROTOCOL);
    assert_non_null(strstr(r.detail, "before the request was sent"));

    SCRIPT(&w->server, {.text = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
                        .early = true,
                        .afterwards = KEEP_OPEN});
    r = fetch(w, request);
    assert_int_equal(r.status, 403);
    assert_body(&r, "no");
    free(data);
}

static void upload_that_stops(void **state)
{
    struct world *w = *state;
    size_t size = 16 * 1024 * 1024; /* more than the kernel's buffers take */
    unsigned char *data = pattern_create(size);
    w->server.deaf = true;
    struct result r = fetch(w, (struct http_request){.method = "PUT",
                                                     .headers = no_expect,
                                                     .header_count = 1,
                                                     .body = data,
                                                     .body_size = size,
                                                     .idle_timeout_ms = 100});
    assert_failed(&r, ERR_TIMEOUT);
    assert_non_null(strstr(r.detail, "100 ms"));
    free(data);
}

static void slow_upload_is_not_idle(void **state)
{
    struct world *w = *state;
    size_t size = 8 * 1024 * 1024; /* twice what the kernel's buffers take */
    unsigned char *data = pattern_create(size);
    w->server.read_pause_ms = 150;
    SCRIPT(&w->server, {.text = OK_EMPTY});
    struct result r = fetch(w, (struct http_request){.method = "PUT",
                                                     .headers = no_expect,
                                                     .header_count = 1,
                                                     .body = data,
                                                     .body_size = size,
                                                     .idle_timeout_ms = 2000});
    assert_body(&r, "");
    assert_true(r.elapsed_us > 2000000);
    assert_request_body(w, data, size);
    free(data);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *p = text; (p = strcasestr(p, part)); p++)
        count++;
    return count;
}

static void request_is_sent_as_it_is(void **state)
{
    struct world *w = *state;
    const struct http_header headers[] = {
        {"Content-Length", "999"}, {"X-Empty", ""}, {"X-Value", "a: b;c"}, {"Host", "s3.test"}};
    SCRIPT(&w->server, {.text = OK_EMPTY});
    struct result r =
        fetch(w, (struct http_request){.method = "PUT",
                                       .url = url_of(w, "/a/../b//c%2F%2f/./d%20+e?x=%41&y=%7E"),
                                       .headers = headers,
                                       .header_count = 4,
                                       .body = "abc",
                                       .body_size = 3});
    const char *head = w->server.head.data;
    assert_body(&r, "");
    assert_request_body(w, "abc", 3);
    assert_memory_equal(head, "PUT /a/../b//c%2F%2f/./d%20+e?x=%41&y=%7E HTTP/1.1\r\n", 52);
    assert_int_equal(count_of(head, "\r\nContent-Length:"), 1);
    assert_non_null(strcasestr(head, "\r\nContent-Length: 3\r\n"));
    assert_non_null(strstr(head, "\r\nX-Value: a: b;c\r\n"));
    assert_non_null(strstr(head, "\r\nX-Empty:\r\n"));
    assert_int_equal(count_of(head, "\r\nHost:"), 1);
    assert_non_null(strstr(head, "\r\nHost: s3.test\r\n"));
    assert_int_equal(count_of(head, "\r\nContent-Type:"), 0);
    assert_int_equal(count_of(head, "\r\nAccept-Encoding:"), 0);
    assert_int_equal(count_of(head, "\r\nExpect:"), 0);
    assert_non_null(strstr(head, "\r\nUser-Agent: thumbwheel/"));
}

static void content_type_of_the_caller(void **state)
{
    struct world *w = *state;
    const struct http_header headers[] = {{"Content-Type", "application/x-amz-json-1.0"}};
    SCRIPT(&w->server, {.text = OK_EMPTY});
    struct result r = fetch(
        w,
        (struct http_request){
            .method = "POST", .headers = headers, .header_count = 1, .body = "{}", .body_size = 2});
    assert_body(&r, "");
    assert_int_equal(count_of(w->server.head.data, "\r\nContent-Type:"), 1);
    assert_non_null(
        strstr(w->server.head.data, "\r\nContent-Type: application/x-amz-json-1.0\r\n"));
}

static void empty_bodies(void **state)
{
    struct world *w = *state;
    static const char *const with_length[] = {"PUT", "POST"};
    SCRIPT(&w->server, {.text = OK_EMPTY});
    for (int i = 0; i < 2; i++) {
        struct result r = fetch(w, (struct http_request){.method = with_length[i]});
        assert_body(&r, "");
        assert_non_null(strcasestr(w->server.head.data, "\r\nContent-Length: 0\r\n"));
    }
    struct result r = fetch(w, (struct http_request){.method = "DELETE"});
    assert_body(&r, "");
    assert_memory_equal(w->server.head.data, "DELETE / HTTP/1.1\r\n", 19);
    assert_int_equal(count_of(w->server.head.data, "\r\nContent-Length:"), 0);
}

static void wrong_requests_are_refused(void **state)
{
    struct world *w = *state;
    static const struct http_header bad[] = {
        {"X-A", "1\r\nX-B: 2"}, {"X-A\n", "1"}, {"", "1"}, {"X-A: b", "1"}};
    static const char *const urls[] = {
        "ftp://127.0.0.1/",    "file:///etc/passwd", "/path", "", "http://user:secret@127.0.0.1/",
        "http://127.0.0.1/a b"};
    struct http_exchange *exchange;
    struct result r = {0};
    for (size_t i = 0; i < 4; i++) {
        struct http_request request = {
            .method = "GET", .url = url_of(w, "/"), .headers = &bad[i], .header_count = 1};
        assert_int_equal(http_client_send(w->client, &request, on_done, &r, &exchange),
                         ERR_INVALID);
        assert_null(exchange);
    }
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct http_request request = {.method = "GET", .url = urls[i]};
        assert_int_equal(http_client_send(w->client, &request, on_done, &r, &exchange),
                         ERR_INVALID);
    }
    struct http_request request = {.method = "GET /x HTTP/1.1\r\n", .url = url_of(w, "/")};
    assert_int_equal(http_client_send(w->client, &request, on_done, &r, &exchange), ERR_INVALID);
    assert_int_equal(http_client_active(w->client), 0);
    assert_int_equal(r.calls, 0);
}

static void loopback_needs_no_proxy(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = OK_HELLO});
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    struct result r = fetch(w, (struct http_request){.response_max = 10});
    unsetenv("http_proxy");
    assert_body(&r, "hello");
}

static void proxy_of_the_environment(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = OK_HELLO});
    setenv("http_proxy", url_of(w, ""), 1);
    struct result r =
        fetch(w, (struct http_request){.url = "http://s3.example.com/k", .response_max = 10});
    unsetenv("http_proxy");
    assert_body(&r, "hello");
    assert_memory_equal(w->server.head.data, "GET http://s3.example.com/k HTTP/1.1\r\n", 38);
}

/* ---- many at once ---- */

static void waiting_for_a_connection_is_not_idle(void **state)
{
    struct world *w = *state;
    struct result results[3] = {0};
    http_client_close(w->client, NULL, NULL);
    w->client = client_create(w, 1);
    SCRIPT(&w->server, {.text = OK_HELLO, .delay_ms = 200}, {.text = OK_HELLO});
    start(w, (struct http_request){.response_max = 10}, &results[0]);
    for (int i = 1; i < 3; i++)
        start(w,
              (struct http_request){
                  .response_max = 10, .idle_timeout_ms = 150, .connect_timeout_ms = 150},
              &results[i]);
    assert_int_equal(http_client_active(w->client), 3);
    for (int i = 0; i < 3; i++) {
        wait_for(w, &results[i]);
        assert_body(&results[i], "hello");
    }
    assert_int_equal(w->server.connections, 1);
    assert_int_equal(http_client_active(w->client), 0);
}

static void waiting_for_a_connection_ends(void **state)
{
    struct world *w = *state;
    struct result first = {0}, second = {0};
    http_client_close(w->client, NULL, NULL);
    w->client = client_create(w, 1);
    SCRIPT(&w->server, {.text = NULL});
    struct http_exchange *holder = start(w, (struct http_request){0}, &first);
    start(w, (struct http_request){.total_timeout_ms = 100}, &second);
    wait_for(w, &second);
    assert_failed(&second, ERR_TIMEOUT);
    http_exchange_cancel(holder);
}

static void many_in_parallel(void **state)
{
    enum { COUNT = 40 };
    struct world *w = *state;
    static struct result results[COUNT];
    memset(results, 0, sizeof results);
    SCRIPT(&w->server, {.text = OK_HELLO, .delay_ms = 20});
    for (int i = 0; i < COUNT; i++)
        start(w, (struct http_request){.response_max = 10}, &results[i]);
    assert_int_equal(http_client_active(w->client), COUNT);
    for (int i = 0; i < COUNT; i++) {
        wait_for(w, &results[i]);
        assert_body(&results[i], "hello");
    }
    assert_int_equal(w->server.requests, COUNT);
}

static void idle_client_lets_the_loop_end(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = OK_HELLO});
    struct result r = fetch(w, (struct http_request){.response_max = 10});
    assert_body(&r, "hello");
    uv_run(&w->loop, UV_RUN_NOWAIT);
    assert_int_equal(w->server.open, 1); /* the connection is kept, and nobody polls it */
    assert_false(uv_loop_alive(&w->loop));
}

static void on_pause_over(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void pause_for(struct world *w, uint64_t seconds)
{
    bool over = false;
    uv_timer_t timer = {.data = &over};
    uv_timer_init(&w->loop, &timer);
    uv_timer_start(&timer, on_pause_over, seconds * 1000, 0);
    while (!over)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&w->loop, UV_RUN_NOWAIT);
}

static int connections_after(struct world *w, uint64_t seconds)
{
    pause_for(w, seconds);
    struct result r = fetch(w, (struct http_request){.response_max = 10});
    assert_body(&r, "hello");
    return (int)w->server.connections;
}

/* A service may have other addresses by then. */
static void an_old_connection_is_replaced(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = OK_HELLO});
    for (int i = 0; i < 6; i++)
        assert_int_equal(connections_after(w, 50), 1);
    assert_int_equal(connections_after(w, 55), 2); /* the first is 305 s old */
    assert_int_equal(connections_after(w, 55), 2);
}

static void a_connection_that_was_idle_for_long_is_replaced(void **state)
{
    struct world *w = *state;
    SCRIPT(&w->server, {.text = OK_HELLO});
    assert_int_equal(connections_after(w, 0), 1);
    assert_int_equal(connections_after(w, 62), 2);
}

static void local_and_metadata_hosts_are_direct(void **state)
{
    (void)state;
    static const char *const direct[] = {
        "127.0.0.1",         "127.255.0.9",     "localhost",
        "LOCALHOST.",        "sqs.localhost",   "[::1]",
        "[0:0:0:0:0:0:0:1]", "169.254.169.254", "169.254.0.1",
        "[fd00:ec2::254]",   "[fd00:0ec2::23]", "[FD00:EC2:0::1]",
        "[fe80::1]",         "[febf::1]",       "[::ffff:169.254.169.254]",
        "[::ffff:7f00:1]"};
    static const char *const others[] = {"128.0.0.1",
                                         "169.253.0.1",
                                         "localhost.example",
                                         "alocalhost",
                                         "[::2]",
                                         "[fd00:ec3::254]",
                                         "[fd00::ec2]",
                                         "[fec0::1]",
                                         "[::ffff:10.0.0.1]",
                                         "",
                                         ".",
                                         "[",
                                         "s3.eu-west-1.amazonaws.com"};
    for (size_t i = 0; i < sizeof direct / sizeof *direct; i++) {
        if (!http_host_is_direct(direct[i]))
            fail_msg("%s would go through a proxy", direct[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (http_host_is_direct(others[i]))
            fail_msg("%s would not go through a proxy", others[i]);
    }
}

struct chain {
    struct world *w;
    struct result results[2];
};

static void send_second(void *user)
{
    struct chain *c = user;
    start(c->w, (struct http_request){.response_max = 10}, &c->results[1]);
}

static void send_from_a_callback(void **state)
{
    struct world *w = *state;
    struct chain c = {.w = w, .results = {{.then = send_second, .then_user = &c}}};
    SCRIPT(&w->server, {.text = OK_HELLO});
    start(w, (struct http_request){.response_max = 10}, &c.results[0]);
    wait_for(w, &c.results[1]);
    assert_body(&c.results[0], "hello");
    assert_body(&c.results[1], "hello");
    assert_int_equal(w->server.connections, 1);
}

/* ---- cancel and close ---- */

static void cancel_exchange(void *user)
{
    http_exchange_cancel(user);
}

static void cancel_at_once(void **state)
{
    struct world *w = *state;
    struct result r = {0};
    SCRIPT(&w->server, {.text = OK_HELLO});
    http_exchange_cancel(start(w, (struct http_request){.response_max = 10}, &r));
    assert_int_equal(http_client_active(w->client), 0);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(r.calls, 0);
}

static void cancel_a_running_one_from_a_callback(void **state)
{
    struct world *w = *state;
    struct result silent = {0}, quick = {.then = cancel_exchange};
    SCRIPT(&w->server, {.text = NULL}, {.text = OK_HELLO});
    quick.then_user = start(w, (struct http_request){.response_max = 10}, &silent);
    while (w->server.requests == 0)
        uv_run(&w->loop, UV_RUN_ONCE);
    start(w, (struct http_request){.response_max = 10}, &quick);
    wait_for(w, &quick);
    assert_body(&quick, "hello");
    assert_int_equal(http_client_active(w->client), 0);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(silent.calls, 0);
}

/* The kernel refuses TCP to the broadcast address without sending anything, so curl completes both
 * in one turn. */
static const char refused_at_once[] = "http://255.255.255.255:9/";

static void cancel_a_finished_one_from_a_callback(void **state)
{
    struct world *w = *state;
    struct result a = {.then = cancel_exchange}, b = {0};
    start(w, (struct http_request){.url = refused_at_once}, &a);
    a.then_user = start(w, (struct http_request){.url = refused_at_once}, &b);
    wait_for(w, &a);
    assert_failed(&a, ERR_NETWORK);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(b.calls, 0);
    assert_int_equal(http_client_active(w->client), 0);
}

static void close_with_exchanges_under_way(void **state)
{
    struct world *w = *state;
    struct result results[3] = {0};
    unsigned char *data = pattern_create(BIG_BODY_BYTES);
    SCRIPT(&w->server, {.text = NULL});
    start(w, (struct http_request){0}, &results[0]);
    start(w, (struct http_request){.method = "PUT", .body = data, .body_size = BIG_BODY_BYTES},
          &results[1]);
    while (w->server.requests < 2)
        uv_run(&w->loop, UV_RUN_ONCE);
    start(w, (struct http_request){0}, &results[2]);
    http_client_close(w->client, on_client_closed, w);
    w->client = NULL;
    free(data);
    assert_int_equal(w->closed, 0); /* never from within close */
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(w->closed, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(results[i].calls, 0);
}

static void close_client(void *user)
{
    struct world *w = user;
    http_client_close(w->client, on_client_closed, w);
    w->client = NULL;
}

static void close_from_a_callback(void **state)
{
    struct world *w = *state;
    struct result a = {.then = close_client, .then_user = w}, b = {0}, silent = {0};
    SCRIPT(&w->server, {.text = NULL});
    start(w, (struct http_request){0}, &silent);
    while (w->server.requests == 0)
        uv_run(&w->loop, UV_RUN_ONCE);
    start(w, (struct http_request){.url = refused_at_once}, &a);
    start(w, (struct http_request){.url = refused_at_once}, &b);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(a.calls, 1);
    assert_int_equal(b.calls, 0);
    assert_int_equal(silent.calls, 0);
    assert_int_equal(w->closed, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_connection_serves_many),
        TEST(headers_are_found),
        TEST(interim_headers_are_forgotten),
        TEST(chunked_response),
        TEST(response_until_close),
        TEST(encoded_body_stays_encoded),
        TEST(head_has_headers_only),
        TEST(redirect_is_only_reported),
        TEST(announced_body_over_cap),
        TEST(received_body_over_cap),
        TEST(body_at_cap),
        TEST(unwanted_body_is_dropped),
        TEST(header_over_limit),
        TEST(connection_refused),
        TEST(truncated_body),
        TEST(reset_connection),
        TEST(not_http),
        TEST(silent_server),
        TEST(body_that_stops),
        TEST(slow_body_is_not_idle),
        TEST(total_timeout),
        TEST(client_works_after_failures),
        TEST(big_put_arrives_whole),
        TEST(upload_that_stops),
        TEST(slow_upload_is_not_idle),
        TEST(body_is_sent_again_on_a_dead_connection),
        TEST(duplicated_response_is_dropped),
        TEST(idle_connection_that_speaks_is_closed),
        TEST(early_response_is_not_taken),
        TEST(many_connections_that_speak),
        TEST(success_before_the_request_is_sent),
        TEST(request_is_sent_as_it_is),
        TEST(content_type_of_the_caller),
        TEST(empty_bodies),
        TEST(wrong_requests_are_refused),
        TEST(loopback_needs_no_proxy),
        TEST(proxy_of_the_environment),
        TEST(waiting_for_a_connection_is_not_idle),
        TEST(waiting_for_a_connection_ends),
        TEST(many_in_parallel),
        TEST(idle_client_lets_the_loop_end),
        TEST(send_from_a_callback),
        TEST(an_old_connection_is_replaced),
        TEST(a_connection_that_was_idle_for_long_is_replaced),
        TEST(local_and_metadata_hosts_are_direct),
        TEST(cancel_at_once),
        TEST(cancel_a_running_one_from_a_callback),
        TEST(cancel_a_finished_one_from_a_callback),
        TEST(close_with_exchanges_under_way),
        TEST(close_from_a_callback),
    };
    static const char *const proxies[] = {"http_proxy", "all_proxy", "ALL_PROXY", "no_proxy",
                                          "NO_PROXY"};
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++)
        unsetenv(proxies[i]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
