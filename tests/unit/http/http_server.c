/* The server's parsing: requests and their parts, bodies, and refusals. */
#include "http_world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

/* Sends one request on a new connection and waits for the end of the response. */
static struct client *ask(struct world *world, const char *request, const char *end)
{
    struct client *client = client_open(world);
    client_send(client, request);
    wait_for(world, client_ends_with(client, end));
    return client;
}

static void responds_to_a_request(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_path);
    struct client *client = client_open(world);
    client_send(client, GET("/a"));
    wait_for(world, client_ends_with(client, "\r\n\r\n/a"));
    assert_true(client_has(client, "HTTP/1.1 200 OK\r\n"));
    assert_true(client_has(client, "\r\nContent-Length: 2\r\n"));
    assert_true(client_has(client, "\r\nDate: "));
    assert_true(client_has(client, " GMT\r\n"));
    assert_false(client_has(client, "Connection:"));
    client_send(client, GET("/b")); /* the connection is kept */
    wait_for(world, client_ends_with(client, "\r\n\r\n/b"));
    wait_for(world, world->completed == 2);
    client_close(client);
    world_close(world);
}

static void pipelined_requests_in_order(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_hold);
    struct client *client = client_open(world);
    client_send(client, GET("/1") GET("/2") GET("/3"));
    for (unsigned i = 1; i <= 3; i++) {
        wait_for(world, world->requests == i && world->call);
        char path[] = "/0";
        path[1] = (char)('0' + i);
        assert_true(slice_equal_text(http_call_path(world->call), path));
        struct bytes body = bytes_give(strdup(path), 2);
        http_call_respond(world->call, 200, NULL, 0, &body);
        /* the next call begins only after this one has ended */
        assert_int_equal(world->requests, i);
    }
    wait_for(world, client_ends_with(client, "\r\n\r\n/3"));
    const char *first = strstr(client_text(client), "\r\n\r\n/1");
    const char *second = strstr(client_text(client), "\r\n\r\n/2");
    assert_true(first && second && first < second);
    client_close(client);
    world_close(world);
}

static void handle_parts(struct http_call *call, void *user)
{
    struct slice name, value;
    (void)user;
    assert_true(slice_equal_text(http_call_method(call), "GET"));
    assert_true(slice_equal_text(http_call_target(call), "/a%20b?x=1&y=%26?z"));
    assert_true(slice_equal_text(http_call_path(call), "/a%20b"));
    assert_true(slice_equal_text(http_call_query(call), "x=1&y=%26?z"));
    assert_int_equal(http_call_content_length(call), 0);
    assert_int_equal(http_call_header_count(call), 5);
    http_call_header_at(call, 1, &name, &value);
    assert_true(slice_equal_text(name, "X-Amz-Meta-One"));
    assert_true(slice_equal_text(value, "first  value"));
    assert_true(slice_equal_text(http_call_header(call, "x-amz-meta-one"), "first  value"));
    assert_true(slice_equal_text(http_call_header(call, "X-EMPTY"), ""));
    assert_non_null(http_call_header(call, "x-empty").data);
    assert_null(http_call_header(call, "absent").data);
    http_call_header_at(call, 4, &name, &value);
    assert_true(slice_equal_text(value, "second"));
    respond_text(call, 200, "seen");
}

#define PARTS                                                                                      \
    "\r\nGET /a%20b?x=1&y=%26?z HTTP/1.1\r\nHost: h\r\nX-Amz-Meta-One:\t first  value \t\r\n"      \
    "X-Empty:\r\nCookie: c\r\nx-amz-meta-one: second\r\n\r\n"

static void parts_of_a_request(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_parts);
    client_close(ask(world, PARTS, "seen"));
    world_close(world);
}

static void byte_at_a_time(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_parts);
    struct client *client = client_open(world);
    for (const char *p = PARTS; *p; p++) {
        client_send_bytes(client, p, 1);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    wait_for(world, client_ends_with(client, "seen"));
    client_close(client);

    world->handler = handle_echo;
    client = client_open(world);
    for (const char *p = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "5;x=y\r\nhello\r\nA\r\n, chunking\r\n0\r\nTrailer: t\r\n\r\n" GET("/");
         *p; p++) {
        client_send_bytes(client, p, 1);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    wait_for(world, client_count(client, "HTTP/1.1 200") == 2);
    assert_true(client_has(client, "\r\n\r\nhello, chunkingHTTP/1.1 200"));
    client_close(client);
    world_close(world);
}

/* RFC 9112, 7.1.1: the value of a chunk extension may be a quoted string (RFC 9110, 5.6.4). */
static void chunk_extensions_may_be_quoted(void **state)
{
    static const char *const extensions[] = {
        "",
        "a",
        "a=b",
        "a=\"\"",
        "a=\"b c;d\"",
        "a=\"b\\\"c\\\\\"",
        "a=\"\\\\\";b=\"\\\r\";c",
        "a=\"\t\xc3\xa9\";b=c;d=\"\\;\"",
    };
    (void)state;
    struct world *world = world_open(NULL, handle_echo);
    for (size_t i = 1; i < sizeof extensions / sizeof *extensions; i++) {
        bool bad = strchr(extensions[i], '\r') != NULL;
        char text[512];
        snprintf(text, sizeof text,
                 "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "5;%s\r\nhello\r\nA;%s\r\n, chunking\r\n0;%s\r\n\r\n",
                 extensions[i], extensions[i], extensions[i]);
        for (int bytewise = 0; bytewise < 2; bytewise++) {
            struct client *client = client_open(world);
            size_t step = bytewise ? 1 : strlen(text);
            for (const char *p = text; *p && !client_has(client, "HTTP/1.1 400"); p += step) {
                client_send_bytes(client, p, step);
                uv_run(&world->loop, UV_RUN_NOWAIT);
            }
            wait_for(world, client_has(client, bad ? "HTTP/1.1 400" : "\r\n\r\nhello, chunking"));
            client_close(client);
        }
    }
    world_close(world);
}

static void absolute_target(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_path);
    client_close(ask(world, "GET http://h:80/p/q?r HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n/p/q"));
    client_close(ask(world, "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n/"));
    client_close(ask(world, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "\r\n\r\n*"));
    world_close(world);
}

static void an_upgrade_is_declined(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_path);
    struct client *client = client_open(world);
    client_send(client, "GET /1 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
                        "Upgrade: h2c\r\n\r\n" GET("/2"));
    wait_for(world, client_ends_with(client, "\r\n\r\n/2"));
    assert_true(client_has(client, "\r\n\r\n/1"));
    client_close(client);
    world_close(world);
}

/* --- bodies --- */

static void collects_a_body(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_echo);
    struct client *client =
        ask(world, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nfirst", "\r\n\r\nfirst");
    client_send(client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n" GET("/"));
    wait_for(world, world->completed == 3); /* a request without a body collects nothing */
    client_close(client);
    world_close(world);
}

static void handle_stream(struct http_call *call, void *user)
{
    struct world *world = user;
    buffer_clear(&world->body);
    world->body_ends = 0;
    http_call_read(call, note_body, user);
}

static void streams_a_body(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_stream);
    struct client *client = client_open(world);
    client_send(client,
                "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    wait_for(world, world->body.size == 3);
    assert_int_equal(http_call_content_length(world->call), -1);
    client_send(client, "3\r\ntwo\r\n0\r\n\r\n" GET("/next"));
    wait_for(world, world->body_ends == 1);
    assert_string_equal(world->body.data, "onetwo");
    assert_int_equal(world->body_error, 0);
    respond_text(world->call, 200, "thanks");
    wait_for(world, world->requests == 2 && world->body_ends == 1);
    assert_int_equal(world->body.size, 0);
    respond_text(world->call, 200, "bye");
    wait_for(world, client_ends_with(client, "bye"));
    client_close(client);
    world_close(world);
}

static void takes_the_body_later(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_hold);
    struct client *client = client_open(world);
    client_send(client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nlate" GET("/"));
    wait_for(world, world->call);
    http_call_collect(world->call, 4, echo_whole, world);
    assert_int_equal(world->ended, 0); /* callbacks come from the loop */
    wait_for(world, client_ends_with(client, "late"));
    wait_for(world, world->requests == 2);
    client_close(client);
    world_close(world);
}

#define EXPECT "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n"

static void expect_continue(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_hold);
    struct client *client = client_open(world);
    client_send(client, EXPECT);
    wait_for(world, world->call);
    assert_int_equal(client->response.size, 0); /* not before the handler asks */
    http_call_collect(world->call, 100, echo_whole, world);
    wait_for(world, client->response.size);
    assert_string_equal(client_text(client), "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(client, "body");
    wait_for(world, client_ends_with(client, "\r\n\r\nbody"));
    assert_false(client_has(client, "Connection: close"));
    client_close(client);
    world_close(world);
}

static void handle_forbidden(struct http_call *call, void *user)
{
    (void)user;
    respond_text(call, 403, "no");
}

/* It is unknown whether the body will still be sent, so the connection cannot be kept. */
static void expectation_refused_with_a_response(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_forbidden);
    struct client *client = client_open(world);
    client_send(client, EXPECT);
    wait_for(world, client_over(client));
    assert_true(client->eof);
    assert_true(client_has(client, "HTTP/1.1 403 Forbidden\r\n"));
    assert_true(client_has(client, "Connection: close\r\n"));
    assert_false(client_has(client, "100 Continue"));
    client_close(client);
    world_close(world);
}

static void unread_body(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_forbidden);
    struct client *client = client_open(world);
    client_send(client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234");
    wait_for(world, world->completed == 1);
    client_send(client, "56789PUT /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    client_send(client, "2\r\nab\r\n0\r\n\r\n" GET("/3"));
    wait_for(world, world->completed == 3); /* a small rest is dropped, and the next is found */
    client_close(client);
    world_close(world);
}

/* --- responses --- */

static void head_has_no_body(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_path);
    struct client *client = client_open(world);
    client_send(client, "HEAD /long-path HTTP/1.1\r\nHost: h\r\n\r\n" GET("/b"));
    wait_for(world, client_ends_with(client, "\r\n\r\n/b"));
    assert_true(client_has(client, "\r\nContent-Length: 10\r\n"));
    assert_false(client_has(client, "/long-path"));
    client_close(client);
    world_close(world);
}

static void handle_status(struct http_call *call, void *user)
{
    (void)user;
    respond_text(call, atoi(http_call_path(call).data + 1), "should not be sent");
}

static void statuses_without_a_body(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_status);
    struct client *client = client_open(world);
    client_send(client, GET("/204") GET("/304") GET("/204"));
    wait_for(world, client_count(client, "\r\n\r\n") == 3);
    assert_true(client_has(client, "HTTP/1.1 304 Not Modified\r\n"));
    assert_false(client_has(client, "should"));
    assert_false(client_has(client, "Content-Length"));
    client_close(client);
    world_close(world);
}

static void http_1_0(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_path);
    struct client *client = client_open(world);
    client_send(client, "GET /old HTTP/1.0\r\n\r\n");
    wait_for(world, client_over(client));
    assert_true(client->eof);
    assert_true(client_has(client, "Connection: close\r\n"));
    assert_true(client_ends_with(client, "\r\n\r\n/old"));
    client_close(client);
    world_close(world);
}

static void connection_close(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_path);
    struct client *client = client_open(world);
    client_send(client, "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" GET("/never"));
    wait_for(world, client_over(client));
    assert_true(client->eof);
    assert_true(client_ends_with(client, "\r\n\r\n/x"));
    assert_int_equal(world->requests, 1);
    client_close(client);
    world_close(world);
}

static void handle_headers(struct http_call *call, void *user)
{
    const struct http_header headers[] = {
        {"ETag", "\"abc\""},        {"X-Split", "a\r\nX-Injected: b"}, {"Bad Name", "x"},
        {"Content-Length", "1000"}, {"X-Latin", "caf\xc3\xa9"},        {"", "x"},
    };
    (void)user;
    struct bytes body = bytes_borrow("ok", 2);
    http_call_respond(call, 200, headers, sizeof headers / sizeof *headers, &body);
}

static void unsafe_response_headers_are_dropped(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_headers);
    struct client *client = ask(world, GET("/"), "\r\n\r\nok");
    assert_true(client_has(client, "\r\nETag: \"abc\"\r\n"));
    assert_true(client_has(client, "\r\nX-Latin: caf\xc3\xa9\r\n"));
    assert_false(client_has(client, "X-Injected"));
    assert_false(client_has(client, "Bad Name"));
    assert_int_equal(client_count(client, "Content-Length"), 1);
    assert_true(client_has(client, "\r\nContent-Length: 2\r\n"));
    client_close(client);
    world_close(world);
}

/* A header for each byte that a value can have, behind as many other bytes as the path says. */
static void handle_bytes(struct http_call *call, void *user)
{
    enum { LONGEST = 20 };
    static char names[255][8], values[255][LONGEST + 3];
    struct http_header headers[255];
    int before = (int)strtol(http_call_path(call).data + 1, NULL, 10);
    (void)user;
    for (int byte = 1; byte <= 255; byte++) {
        snprintf(names[byte - 1], sizeof names[0], "X-%02x", (unsigned)byte);
        snprintf(values[byte - 1], sizeof values[0], "%.*s%cx", before, "aaaaaaaaaaaaaaaaaaaa",
                 byte);
        headers[byte - 1] = (struct http_header){names[byte - 1], values[byte - 1]};
    }
    struct bytes body = bytes_borrow("ok", 2);
    http_call_respond(call, 200, headers, 255, &body);
}

/* RFC 9110, 5.5 */
static void control_characters_but_the_tab_are_never_sent(void **state)
{
    static const char *const requests[] = {GET("/0"), GET("/3"), GET("/7"),
                                           GET("/8"), GET("/9"), GET("/16")};
    (void)state;
    struct world *world = world_open(NULL, handle_bytes);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct client *client = ask(world, requests[i], "\r\n\r\nok");
        for (int byte = 1; byte <= 255; byte++) {
            char name[16];
            snprintf(name, sizeof name, "\r\nX-%02x: ", (unsigned)byte);
            bool control = byte < 0x20 || byte == 0x7f;
            assert_int_equal(client_has(client, name), !control || byte == '\t');
        }
        client_close(client);
    }
    world_close(world);
}

/* --- refusals --- */

struct refusal {
    const char *what;
    int status;
    const char *request;
};

#define LENGTH "Content-Length: 4\r\n"
#define CODING "Transfer-Encoding: chunked\r\n"
#define POST   "POST / HTTP/1.1\r\nHost: h\r\n"

static const struct refusal refusals[] = {
    {"length and coding", 400, POST LENGTH CODING "\r\n0\r\n\r\n"},
    {"coding and length", 400, POST CODING LENGTH "\r\n0\r\n\r\n"},
    {"two lengths", 400, POST LENGTH "Content-Length: 5\r\n\r\nabcde"},
    {"two equal lengths", 400, POST LENGTH LENGTH "\r\nabcd"},
    {"a list of lengths", 400, POST "Content-Length: 4, 4\r\n\r\nabcd"},
    {"a signed length", 400, POST "Content-Length: +4\r\n\r\nabcd"},
    {"a negative length", 400, POST "Content-Length: -4\r\n\r\nabcd"},
    {"a hexadecimal length", 400, POST "Content-Length: 0x4\r\n\r\nabcd"},
    {"an empty length", 400, POST "Content-Length:\r\n\r\nabcd"},
    {"a length beyond 64 bits", 400, POST "Content-Length: 18446744073709551617\r\n\r\nabcd"},
    {"a length beyond the limit", 413, POST "Content-Length: 9223372036854775000\r\n\r\nabcd"},
    {"two codings", 400, POST CODING CODING "\r\n0\r\n\r\n"},
    {"a coding that does not end in chunked", 400,
     POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"},
    {"a coding that we don't know", 501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {"a coding in HTTP/1.0", 400, "POST / HTTP/1.0\r\nHost: h\r\n" CODING "\r\n0\r\n\r\n"},
    {"a folded line", 400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"},
    {"a folded coding", 400, POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
    {"a blank before the colon", 400, POST "Content-Length : 4\r\n\r\nabcd"},
    {"a tab before the colon", 400, POST "Content-Length\t: 4\r\n\r\nabcd"},
    {"a blank before the name", 400, "GET / HTTP/1.1\r\n Host: h\r\n\r\n"},
    {"no name", 400, "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n"},
    {"no colon", 400, "GET / HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n"},
    {"a name that is no token", 400, "GET / HTTP/1.1\r\nHost: h\r\nX(: a\r\n\r\n"},
    {"a bare line feed", 400, "GET / HTTP/1.1\r\nHost: h\nX: a\r\n\r\n"},
    {"bare line feeds only", 400, "GET / HTTP/1.1\nHost: h\n\n"},
    {"a bare carriage return", 400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\rY: b\r\n\r\n"},
    {"a control character", 400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\001b\r\n\r\n"},
    {"no host", 400, "GET / HTTP/1.1\r\nX: a\r\n\r\n"},
    {"two hosts", 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
    {"no target", 400, "GET HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a blank in the target", 400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"an unknown method", 501, "BREW / HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"a tunnel", 501, "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"},
    {"version 2", 505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
    {"version 0.9", 505, "GET / HTTP/0.9\r\nHost: h\r\n\r\n"},
    {"an unknown version", 505, "GET / HTTP/7.3\r\nHost: h\r\n\r\n"},
    {"an unknown expectation", 417, POST LENGTH "Expect: 200-ok\r\n\r\nabcd"},
    {"two expectations", 417, POST LENGTH "Expect: 100-continue\r\nExpect: x\r\n\r\nabcd"},
    {"a chunk size that is no number", 400, POST CODING "\r\nxyz\r\n"},
    {"a signed chunk size", 400, POST CODING "\r\n-1\r\n"},
    {"a chunk size beyond 64 bits", 400, POST CODING "\r\n10000000000000001\r\n"},
    {"a chunk longer than its size", 400, POST CODING "\r\n3\r\nabcdef\r\n0\r\n\r\n"},
    {"a chunk size that ends in a bare line feed", 400, POST CODING "\r\n4\nabcd\r\n0\r\n\r\n"},
    {"a TLS greeting", 400, "\026\003\001\002\001\001\374\003\003\n"},
};

/* Each gets one response, nothing after it is parsed as a request, and the peer sees an end rather
 * than a reset. */
static void bad_requests_are_refused(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_echo);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        char start[32];
        struct client *client = client_open(world);
        client_send(client, refusals[i].request);
        client_send(client, GET("/smuggled"));
        wait_for(world, client_over(client));
        snprintf(start, sizeof start, "HTTP/1.1 %d ", refusals[i].status);
        if (strncmp(client_text(client), start, strlen(start)) != 0 || !client->eof ||
            client_count(client, "HTTP/1.1") != 1)
            fail_msg("%s: expected %d and an end, got %s%s", refusals[i].what, refusals[i].status,
                     client_text(client), client->eof ? "" : " and a reset");
        assert_true(client_has(client, "Connection: close\r\n"));
        client_close(client);
    }
    assert_int_equal(world->completed, 0);
    world_close(world);
}

static void a_nul_is_refused(void **state)
{
    (void)state;
    static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n";
    struct world *world = world_open(NULL, handle_echo);
    struct client *client = client_open(world);
    client_send_bytes(client, request, sizeof request - 1);
    wait_for(world, client_over(client));
    assert_true(client_has(client, "HTTP/1.1 400 "));
    client_close(client);
    world_close(world);
}

/* --- limits --- */

static void head_limit(void **state)
{
    (void)state;
    struct http_server_options options = {.header_max = 200};
    char path[400];
    struct world *world = world_open(&options, handle_path);
    memset(path, 'a', sizeof path);
    int fits = 200 - (int)strlen("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    for (int over = 0; over <= 1; over++) {
        char request[512];
        struct client *client = client_open(world);
        snprintf(request, sizeof request, "GET /%.*s HTTP/1.1\r\nHost: h\r\n\r\n", fits + over,
                 path);
        client_send(client, request);
        wait_for(world, client_has(client, "\r\n\r\n"));
        assert_true(client_has(client, over ? "HTTP/1.1 431 " : "HTTP/1.1 200 "));
        client_close(client);
    }
    struct client *client = client_open(world);
    client_send_bytes(client, path, sizeof path); /* a head that never ends */
    wait_for(world, client_over(client));
    assert_true(client_has(client, "HTTP/1.1 431 "));
    client_close(client);
    world_close(world);
}

static void many_headers(void **state)
{
    (void)state;
    struct buffer request;
    struct world *world = world_open(NULL, handle_path);
    buffer_init(&request, 32 * 1024);
    buffer_text(&request, "GET /many HTTP/1.1\r\nHost: h\r\n");
    while (request.size < 32 * 1024 - 6)
        buffer_text(&request, "a:\r\n");
    buffer_text(&request, "\r\n");
    assert_int_equal(request.error, 0);
    client_close(ask(world, request.data, "\r\n\r\n/many"));
    buffer_free(&request);
    world_close(world);
}

static void handle_collect_four(struct http_call *call, void *user)
{
    http_call_collect(call, 4, echo_whole, user);
}

static void collect_limit(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_collect_four);
    client_close(ask(world, POST LENGTH "\r\nfour", "\r\n\r\nfour"));
    client_close(ask(world, POST CODING "\r\n4\r\nfour\r\n0\r\n\r\n", "\r\n\r\nfour"));
    static const char *const requests[] = {
        POST "Content-Length: 5\r\n\r\nabcde",
        POST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        POST CODING "\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < 3; i++) {
        struct client *client = client_open(world);
        client_send(client, requests[i]);
        wait_for(world, client_over(client));
        assert_true(client->eof);
        assert_int_equal(strncmp(client_text(client), "HTTP/1.1 413 ", 13), 0);
        client_close(client);
    }
    wait_for(world, world->ended == 5);
    assert_int_equal(world->completed, 2);
    world_close(world);
}

static void body_limit(void **state)
{
    (void)state;
    struct http_server_options options = {.body_max = 10};
    struct world *world = world_open(&options, handle_stream);
    struct client *client = client_open(world);
    client_send(client, POST "Content-Length: 11\r\n\r\n");
    wait_for(world, client_over(client));
    assert_true(client_has(client, "HTTP/1.1 413 "));
    assert_int_equal(world->requests, 0);
    client_close(client);

    client = client_open(world);
    client_send(client, POST CODING "\r\n8\r\n01234567\r\n3\r\nabc\r\n0\r\n\r\n");
    wait_for(world, client_over(client));
    assert_true(client_has(client, "HTTP/1.1 413 "));
    assert_int_equal(world->body_error, ERR_LIMIT);
    assert_int_equal(world->ended, 1);
    assert_int_equal(world->completed, 0);
    client_close(client);
    world_close(world);
}

/* Trailers and chunk extensions are not passed to the handler, but they are limited. */
static void endless_trailers(void **state)
{
    (void)state;
    struct http_server_options options = {.header_max = 1024};
    struct world *world = world_open(&options, handle_stream);
    struct client *client = client_open(world);
    client_send(client, POST CODING "\r\n0\r\n");
    while (!client_over(client)) {
        client_send(client, "X-Trailer: 0123456789012345678901234567890123456789\r\n");
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    assert_true(client_has(client, "HTTP/1.1 400 "));
    assert_int_equal(world->body_error, ERR_PROTOCOL);
    client_close(client);
    world_close(world);
}

static void connection_limit(void **state)
{
    (void)state;
    struct http_server_options options = {.connections = 2};
    struct world *world = world_open(&options, handle_path);
    struct client *first = ask(world, GET("/1"), "/1");
    struct client *second = ask(world, GET("/2"), "/2");
    struct client *third = client_open(world);
    wait_for(world, client_over(third));
    assert_true(third->eof);
    assert_true(client_has(third, "HTTP/1.1 503 "));
    client_close(third);
    client_send(second, GET("/still")); /* the others are served on */
    wait_for(world, client_ends_with(second, "/still"));
    client_close(first);
    client_close(second);
    struct client *fourth;
    do { /* the server has room again once it has noticed that the others disconnected */
        fourth = client_open(world);
        client_send(fourth, GET("/4"));
        wait_for(world, client_has(fourth, "\r\n\r\n"));
        bool served = client_ends_with(fourth, "/4");
        client_close(fourth);
        if (served)
            break;
    } while (true);
    world_close(world);
}

static void time_limits(void **state)
{
    (void)state;
    struct http_server_options options = {.idle_ms = 50};
    struct world *world = world_open(&options, handle_stream);
    struct client *silent = client_open(world);
    struct client *partial = client_open(world);
    struct client *body = client_open(world);
    client_send(partial, "GET / HT");
    client_send(body, POST LENGTH "\r\nab");
    wait_for(world, client_over(silent) && client_over(partial) && client_over(body));
    assert_int_equal(silent->response.size, 0); /* nothing was asked */
    assert_true(client_has(partial, "HTTP/1.1 408 "));
    assert_true(client_has(body, "HTTP/1.1 408 "));
    assert_int_equal(world->body_error, ERR_TIMEOUT);
    assert_int_equal(world->ended, 1);
    client_close(silent);
    client_close(partial);
    client_close(body);
    world_close(world);
}

static void start_errors(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_path);
    struct http_server *other;
    struct error error = {0};
    struct http_server_options options = {.host = "127.0.0.1",
                                          .port = http_server_port(world->server)};
    char port[16];
    snprintf(port, sizeof port, "%u", options.port);
    assert_int_equal(http_server_start(&world->loop, &options, &other, &error), ERR_BUSY);
    assert_null(other);
    assert_non_null(strstr(error.text, "127.0.0.1"));
    assert_non_null(strstr(error.text, port));
    options.host = "localhost";
    assert_int_equal(http_server_start(&world->loop, &options, &other, &error), ERR_INVALID);
    options = (struct http_server_options){.host = "127.0.0.1", .port = 65536};
    assert_int_equal(http_server_start(&world->loop, &options, &other, &error), ERR_INVALID);
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responds_to_a_request),
        cmocka_unit_test(pipelined_requests_in_order),
        cmocka_unit_test(parts_of_a_request),
        cmocka_unit_test(byte_at_a_time),
        cmocka_unit_test(chunk_extensions_may_be_quoted),
        cmocka_unit_test(absolute_target),
        cmocka_unit_test(an_upgrade_is_declined),
        cmocka_unit_test(collects_a_body),
        cmocka_unit_test(streams_a_body),
        cmocka_unit_test(takes_the_body_later),
        cmocka_unit_test(expect_continue),
        cmocka_unit_test(expectation_refused_with_a_response),
        cmocka_unit_test(unread_body),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(statuses_without_a_body),
        cmocka_unit_test(http_1_0),
        cmocka_unit_test(connection_close),
        cmocka_unit_test(unsafe_response_headers_are_dropped),
        cmocka_unit_test(control_characters_but_the_tab_are_never_sent),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(head_limit),
        cmocka_unit_test(many_headers),
        cmocka_unit_test(collect_limit),
        cmocka_unit_test(body_limit),
        cmocka_unit_test(endless_trailers),
        cmocka_unit_test(connection_limit),
        cmocka_unit_test(time_limits),
        cmocka_unit_test(start_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
