/* Flow control of the HTTP server, and how calls, connections and the server itself end.
 */
#include <sys/resource.h>

#include "http_world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

enum {
    MEBI = 1024 * 1024,
    /* What two loopback sockets hold at most (tcp_rmem and tcp_wmem), with room to spare. */
    KERNEL_MAX = 16 * MEBI,
    FLOOD = 48 * MEBI,
};

/* Runs the loop until nothing changes any more: loopback delivers without delay, so some idle
 * iterations are enough. */
#define run_until_still(world, measure)                                                            \
    do {                                                                                           \
        size_t seen_ = (measure);                                                                  \
        for (int idle_ = 0; idle_ < 200; idle_++) {                                                \
            uv_run(&(world)->loop, UV_RUN_NOWAIT);                                                 \
            if (seen_ != (measure))                                                                \
                idle_ = 0;                                                                         \
            seen_ = (measure);                                                                     \
        }                                                                                          \
    } while (0)

static size_t unsent(const struct client *client)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&client->tcp);
}

static struct http_call *wait_for_call(struct world *world, struct client *client, const char *text)
{
    unsigned before = world->requests;
    client_send(client, text);
    wait_for(world, world->requests > before);
    return world->call;
}

/* --- hanging up --- */

static void handle_wait(struct http_call *call, void *user)
{
    (void)user;
    http_call_wait(call);
}

static void hang_up_during_a_long_poll(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_wait);
    struct client *client = client_open(world);
    wait_for_call(world, client, GET("/poll"));
    client_close(client);
    wait_for(world, world->ended);
    assert_int_equal(world->completed, 0);
    world_close(world);
}

static void reset_during_a_long_poll(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_hold);
    struct client *client = client_open(world);
    wait_for_call(world, client, GET("/poll") GET("/next")); /* bytes that wait hide nothing */
    uv_tcp_close_reset(&client->tcp, on_client_closed);
    wait_for(world, world->ended);
    assert_int_equal(world->requests, 1);
    client_close(client);
    world_close(world);
}

static void handle_stream(struct http_call *call, void *user)
{
    http_call_read(call, note_body, user);
}

static void hang_up_during_an_upload(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_stream);
    struct client *client = client_open(world);
    wait_for_call(world, client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
    wait_for(world, world->body.size == 3);
    client_close(client);
    wait_for(world, world->ended);
    assert_int_equal(world->body_error, ERR_NETWORK);
    assert_int_equal(world->completed, 0);
    world_close(world);
}

struct drains {
    struct world *world;
    unsigned done, failed;
    bool ended_first;
};

static void note_drained(struct http_call *call, int code, void *user)
{
    struct drains *drains = user;
    (void)call;
    drains->done += !code;
    drains->failed += code != 0;
    drains->ended_first = drains->world->ended > 0;
}

static void write_zeros(struct http_call *call, size_t size, struct drains *drains)
{
    struct bytes piece = bytes_give(calloc(1, size), size);
    assert_non_null(piece.data);
    http_call_write(call, &piece, note_drained, drains);
    assert_null(piece.data); /* taken */
}

static void hang_up_during_a_download(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_hold);
    struct client *client = client_open_deaf(world);
    struct drains drains = {.world = world};
    struct http_call *call = wait_for_call(world, client, GET("/"));
    http_call_begin(call, 200, NULL, 0, FLOOD);
    write_zeros(call, FLOOD, &drains);
    run_until_still(world, drains.done);
    assert_int_equal(drains.done, 0);
    client_close(client);
    wait_for(world, world->ended);
    assert_int_equal(drains.failed, 1);
    assert_false(drains.ended_first);
    assert_int_equal(world->completed, 0);
    world_close(world);
}

/* A client may shut down its side after the request (like nc -N) and still read. */
static void on_client_shut(uv_shutdown_t *request, int code)
{
    (void)code;
    *(bool *)request->data = true;
}

static void half_close_after_the_request(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_path);
    struct client *client = client_open(world);
    bool shut = false;
    uv_shutdown_t shutdown = {.data = &shut};
    client_send(client, GET("/asked"));
    uv_shutdown(&shutdown, (uv_stream_t *)&client->tcp, on_client_shut);
    wait_for(world, shut && client_over(client));
    assert_true(client->eof);
    assert_true(client_ends_with(client, "\r\n\r\n/asked"));
    wait_for(world, world->completed == 1);
    client_close(client);
    world_close(world);
}

/* --- uploads --- */

static void send_pattern(struct client *client, size_t size)
{
    char *data = malloc(size);
    assert_non_null(data);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i % 251);
    client_send_bytes(client, data, size);
    free(data);
}

static bool is_pattern(const struct buffer *body)
{
    for (size_t i = 0; i < body->size; i++)
        if (body->data[i] != (char)(i % 251))
            return false;
    return true;
}

static void handle_stream_paused(struct http_call *call, void *user)
{
    http_call_read(call, note_body, user);
    http_call_pause(call);
}

static void a_paused_upload_waits_in_the_client(void **state)
{
    (void)state;
    char head[128];
    struct world *world = world_open(NULL, handle_stream_paused);
    struct client *client = client_open(world);
    snprintf(head, sizeof head, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", FLOOD);
    struct http_call *call = wait_for_call(world, client, head);
    send_pattern(client, FLOOD);
    run_until_still(world, unsent(client));
    assert_int_equal(world->body.size, 0);
    assert_true(unsent(client) > FLOOD - KERNEL_MAX);
    http_call_resume(call);
    wait_for(world, world->body_ends == 1);
    assert_int_equal(world->body.size, FLOOD);
    assert_true(is_pattern(&world->body));
    respond_text(call, 200, "all here");
    wait_for(world, client_ends_with(client, "all here"));
    client_close(client);
    world_close(world);
}

static void take_one_and_pause(struct http_call *call, int code, const void *data, size_t size,
                               void *user)
{
    note_body(call, code, data, size, user);
    http_call_pause(call);
}

static void handle_piecemeal(struct http_call *call, void *user)
{
    http_call_read(call, take_one_and_pause, user);
}

/* Pausing inside on_data delays everything, including the end. */
static void pause_after_each_piece(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_piecemeal);
    struct client *client = client_open(world);
    struct http_call *call =
        wait_for_call(world, client,
                      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n" GET("/next"));
    for (unsigned i = 1; i <= 3; i++) {
        wait_for(world, world->pieces == i);
        run_until_still(world, world->pieces + world->body_ends);
        assert_int_equal(world->pieces, i);
        assert_int_equal(world->body_ends, 0);
        http_call_resume(call);
        assert_int_equal(world->pieces, i); /* not from inside resume */
    }
    wait_for(world, world->body_ends == 1);
    assert_string_equal(world->body.data, "abc");
    assert_int_equal(world->requests, 1);
    world->handler = handle_hold;
    respond_text(call, 200, "abc");
    wait_for(world, world->requests == 2);
    client_close(client);
    world_close(world);
}

static void early_bytes_are_bounded(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_hold);
    struct client *client = client_open(world);
    wait_for_call(world, client, GET("/poll"));
    send_pattern(client, FLOOD);
    run_until_still(world, unsent(client));
    assert_true(unsent(client) > FLOOD - KERNEL_MAX);
    assert_int_equal(world->ended, 0);
    client_close(client);
    world_close(world);
}

static void handle_forbidden(struct http_call *call, void *user)
{
    (void)user;
    respond_text(call, 403, "not yours");
}

/* The peer is still sending when the response is sent; it must get the response, not a reset. */
static void a_large_upload_is_refused(void **state)
{
    (void)state;
    char head[128];
    struct world *world = world_open(NULL, handle_forbidden);
    struct client *client = client_open(world);
    snprintf(head, sizeof head, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", FLOOD);
    client_send(client, head);
    send_pattern(client, FLOOD);
    wait_for(world, client_over(client) && !unsent(client));
    assert_true(client->eof);
    assert_true(client_ends_with(client, "\r\n\r\nnot yours"));
    assert_true(client_has(client, "Connection: close\r\n"));
    assert_int_equal(world->completed, 1);
    client_close(client);
    world_close(world);
}

static void an_endless_unread_upload_ends(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_forbidden);
    struct client *client = client_open(world);
    client_send(client, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (!client_over(client)) {
        char chunk[1024 + 8];
        memcpy(chunk, "400\r\n", 5);
        memset(chunk + 5, 'x', 1024);
        memcpy(chunk + 5 + 1024, "\r\n", 2);
        client_send_bytes(client, chunk, 5 + 1024 + 2);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    assert_true(client->eof);
    assert_true(client_ends_with(client, "\r\n\r\nnot yours"));
    client_close(client);
    world_close(world);
}

/* --- downloads --- */

struct download {
    struct drains drains;
    struct http_call *call;
    size_t left;
};

static void write_more(struct http_call *call, int code, void *user)
{
    struct download *download = user;
    note_drained(call, code, &download->drains);
    if (code)
        return;
    if (!download->left) {
        http_call_end(call);
        return;
    }
    size_t size = 64 * 1024;
    char *data = malloc(size);
    assert_non_null(data);
    size_t at = FLOOD - download->left;
    for (size_t i = 0; i < size; i++)
        data[i] = (char)((at + i) % 251);
    struct bytes piece = bytes_give(data, size);
    download->left -= size;
    http_call_write(call, &piece, write_more, download);
}

static void a_slow_reader_holds_the_writer(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_hold);
    struct client *client = client_open_deaf(world);
    struct download download = {.drains.world = world, .left = FLOOD};
    client->response.max = FLOOD + 4096;
    struct http_call *call = wait_for_call(world, client, GET("/"));
    http_call_begin(call, 200, NULL, 0, FLOOD);
    write_more(call, 0, &download);
    run_until_still(world, download.drains.done);
    assert_true(download.left > FLOOD - KERNEL_MAX);
    client_read(client);
    wait_for(world, world->completed == 1 && client->response.size > FLOOD);
    const char *body = strstr(client_text(client), "\r\n\r\n") + 4;
    struct buffer view = {.data = client->response.data + (body - client->response.data),
                          .size = FLOOD};
    wait_for(world, client->response.size == (size_t)(body - client->response.data) + FLOOD);
    assert_true(is_pattern(&view));
    client_close(client);
    world_close(world);
}

static void a_stalled_reader_times_out(void **state)
{
    (void)state;
    struct http_server_options options = {.idle_ms = 50};
    struct world *world = world_open(&options, handle_hold);
    struct client *client = client_open_deaf(world);
    struct http_call *call = wait_for_call(world, client, GET("/"));
    struct bytes body = bytes_give(calloc(1, FLOOD), FLOOD);
    http_call_respond(call, 200, NULL, 0, &body);
    wait_for(world, world->ended);
    assert_int_equal(world->completed, 0);
    client_close(client);
    world_close(world);
}

static void write_text(struct http_call *call, const char *text)
{
    struct bytes piece = bytes_borrow(text, strlen(text));
    http_call_write(call, &piece, NULL, NULL);
}

static void handle_chunks(struct http_call *call, void *user)
{
    const struct http_header type = {"Content-Type", "text/plain"};
    (void)user;
    http_call_begin(call, 200, &type, 1, -1);
    write_text(call, "hello, ");
    write_text(call, ""); /* sends nothing, and does not end the body */
    write_text(call, "chunked world");
    http_call_end(call);
}

static void streams_chunks(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_chunks);
    struct client *client = client_open(world);
    client_send(client, GET("/1"));
    wait_for(world,
             client_ends_with(client, "\r\n\r\n7\r\nhello, \r\nd\r\nchunked world\r\n0\r\n\r\n"));
    assert_true(client_has(client, "\r\nTransfer-Encoding: chunked\r\n"));
    assert_false(client_has(client, "Content-Length"));
    client_send(client, "HEAD /2 HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_for(world, client_count(client, "\r\nContent-Type: text/plain\r\n\r\n") == 2);
    wait_for(world, world->completed == 2);
    assert_int_equal(client_count(client, "hello"), 1);
    client_close(client);

    client =
        client_open(world); /* HTTP/1.0 knows no chunks: the end of the connection is the end */
    client_send(client, "GET / HTTP/1.0\r\n\r\n");
    wait_for(world, client_over(client));
    assert_true(client->eof);
    assert_true(client_ends_with(client, "\r\n\r\nhello, chunked world"));
    assert_false(client_has(client, "Transfer-Encoding"));
    client_close(client);
    world_close(world);
}

static void handle_length(struct http_call *call, void *user)
{
    (void)user;
    http_call_begin(call, 206, NULL, 0, 6);
    if (!slice_equal_text(http_call_method(call), "HEAD")) {
        write_text(call, "abc");
        write_text(call, "def");
    }
    http_call_end(call);
}

static void streams_with_a_length(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_length);
    struct client *client = client_open(world);
    client_send(client, GET("/") "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" GET("/"));
    wait_for(world, world->completed == 3 && client_count(client, "\r\n\r\nabcdef") == 2);
    assert_int_equal(client_count(client, "HTTP/1.1 206 Partial Content\r\n"), 3);
    assert_int_equal(client_count(client, "\r\nContent-Length: 6\r\n"), 3);
    assert_true(client_has(client, "\r\n\r\nHTTP/1.1")); /* the HEAD's */
    client_close(client);
    world_close(world);
}

/* A response may begin long before its body, and end when nothing is being written. */
static void streams_slowly(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_hold);
    struct client *client = client_open(world);
    struct drains drains = {.world = world};
    struct http_call *call = wait_for_call(world, client, GET("/") GET("/next"));
    http_call_begin(call, 200, NULL, 0, 3);
    struct bytes nothing = {0};
    http_call_write(call, &nothing, note_drained, &drains);
    assert_int_equal(drains.done, 0); /* not from inside write */
    wait_for(world, client_ends_with(client, "\r\n\r\n") && drains.done == 1);
    write_text(call, "abc");
    wait_for(world, client_ends_with(client, "\r\n\r\nabc"));
    run_until_still(world, world->ended);
    http_call_end(call);
    assert_int_equal(world->ended, 0); /* not from inside end */
    wait_for(world, world->completed == 1 && world->requests == 2);
    client_close(client);
    world_close(world);
}

static void echo_piece(struct http_call *call, int code, const void *data, size_t size, void *user)
{
    (void)user;
    assert_int_equal(code, 0);
    if (!size) {
        http_call_end(call);
        return;
    }
    struct bytes piece = bytes_give(malloc(size), size);
    memcpy(piece.data, data, size);
    http_call_write(call, &piece, NULL, NULL);
}

static void handle_streamed_echo(struct http_call *call, void *user)
{
    http_call_read(call, echo_piece, user);
    http_call_begin(call, 200, NULL, 0, -1);
}

/* Reading continues while the response is already being sent. */
static void reads_and_writes_at_once(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_streamed_echo);
    struct client *client = client_open(world);
    client_send(client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nping");
    wait_for(world, client_ends_with(client, "4\r\nping\r\n"));
    client_send(client, "pong");
    wait_for(world, client_ends_with(client, "4\r\npong\r\n0\r\n\r\n"));
    client_send(client, GET("/"));
    wait_for(world, world->completed == 2);
    client_close(client);
    world_close(world);
}

/* --- wrong use, aborts --- */

static void write_too_much(struct http_call *call, void *user)
{
    (void)user;
    http_call_begin(call, 200, NULL, 0, 3);
    write_text(call, "abcd");
    write_text(call, "e"); /* ignored by now */
    http_call_end(call);
}

static void write_too_little(struct http_call *call, void *user)
{
    (void)user;
    http_call_begin(call, 200, NULL, 0, 3);
    write_text(call, "ab");
    http_call_end(call);
}

static void respond_twice(struct http_call *call, void *user)
{
    (void)user;
    respond_text(call, 200, "one");
    respond_text(call, 200, "two");
}

static void abort_at_once(struct http_call *call, void *user)
{
    (void)user;
    http_call_abort(call);
    http_call_abort(call);
    respond_text(call, 200, "too late");
    http_call_read(call, note_body, user);
    http_call_resume(call);
}

static void abort_piece(struct http_call *call, int code, const void *data, size_t size, void *user)
{
    note_body(call, code, data, size, user);
    http_call_abort(call);
}

static void abort_while_reading(struct http_call *call, void *user)
{
    http_call_read(call, abort_piece, user);
}

static void abort_body(struct http_call *call, struct bytes *body, void *user)
{
    (void)body;
    (void)user;
    http_call_abort(call);
}

static void abort_when_collected(struct http_call *call, void *user)
{
    http_call_collect(call, 100, abort_body, user);
}

static void abort_drained(struct http_call *call, int code, void *user)
{
    (void)user;
    if (!code)
        http_call_abort(call);
}

static void abort_while_writing(struct http_call *call, void *user)
{
    struct bytes piece = bytes_borrow("abc", 3);
    http_call_begin(call, 200, NULL, 0, -1);
    http_call_write(call, &piece, abort_drained, user);
}

static void aborted_requests_are_dropped(void **state)
{
    (void)state;
    http_handler *const handlers[] = {write_too_much,     write_too_little,    respond_twice,
                                      abort_at_once,      abort_while_reading, abort_when_collected,
                                      abort_while_writing};
    struct world *world = world_open(NULL, handle_hold);
    for (unsigned i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        struct client *client = client_open(world);
        world->handler = handlers[i];
        client_send(client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
        wait_for(world, world->ended == i + 1 && client_over(client));
        assert_false(client->eof); /* an error, so that a partial body is not taken for a complete
                                    * one */
        assert_false(client_has(client, "too late"));
        client_close(client);
    }
    assert_int_equal(world->completed, 0);
    assert_int_equal(world->body_error, 0); /* the handler that aborts gets no error */
    world_close(world);
}

/* --- closing the server --- */

static void close_with_open_calls(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_hold);
    struct client *clients[6];
    struct drains drains = {.world = world};
    for (unsigned i = 0; i < 6; i++)
        clients[i] = client_open(world);
    struct http_call *writing = wait_for_call(world, clients[0], GET("/"));
    http_call_begin(writing, 200, NULL, 0, -1);
    write_zeros(writing, 5, &drains);
    struct http_call *held = wait_for_call(world, clients[1], GET("/"));
    http_call_begin(held, 200, NULL, 0, -1);
    wait_for_call(world, clients[2], "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    http_call_read(world->call, note_body, world);
    wait_for_call(world, clients[3], "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
    http_call_collect(world->call, 100, echo_whole, world);
    client_send(clients[4], "GET / HT");
    wait_for(world, world->body.size == 2);
    world_close_server(world);
    assert_int_equal(world->ended, 4);
    assert_int_equal(world->completed, 0);
    assert_int_equal(world->body_error, ERR_CANCELLED);
    for (unsigned i = 0; i < 6; i++) {
        wait_for(world, client_over(clients[i]));
        client_close(clients[i]);
    }
    world_close(world);
}

static void close_server(struct world *world)
{
    http_server_close(world->server, on_server_closed, world);
}

static void close_in_request(struct http_call *call, void *user)
{
    close_server(user);
    respond_text(call, 200, "too late");
}

static void close_in_data(struct http_call *call, int code, const void *data, size_t size,
                          void *user)
{
    struct world *world = user;
    note_body(call, code, data, size, user);
    if (!code)
        close_server(world);
}

static void handle_close_in_data(struct http_call *call, void *user)
{
    http_call_read(call, close_in_data, user);
}

static void close_in_drained(struct http_call *call, int code, void *user)
{
    (void)call;
    if (!code)
        close_server(user);
}

static void handle_close_in_drained(struct http_call *call, void *user)
{
    struct bytes piece = bytes_borrow("abc", 3);
    http_call_begin(call, 200, NULL, 0, -1);
    http_call_write(call, &piece, close_in_drained, user);
    http_call_end(call);
}

static void close_in_end(struct http_call *call, bool completed, void *user)
{
    on_call_end(call, completed, user);
    close_server(user);
}

static void handle_close_in_end(struct http_call *call, void *user)
{
    http_call_on_end(call, close_in_end, user);
    respond_text(call, 200, "bye");
}

static void close_inside_callbacks(void **state)
{
    (void)state;
    http_handler *const handlers[] = {close_in_request, handle_close_in_data,
                                      handle_close_in_drained, handle_close_in_end};
    for (unsigned i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        struct world *world = world_open(NULL, handlers[i]);
        struct client *client = client_open(world);
        struct client *other = client_open(world);
        client_send(client, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" GET("/2"));
        wait_for(world, world->server_closed && client_over(client) && client_over(other));
        assert_int_equal(world->requests, 1);
        assert_int_equal(world->ended, 1);
        client_close(client);
        client_close(other);
        world_close(world);
    }
}

/* --- idle --- */

static void long_polls_cause_no_wake_ups(void **state)
{
    (void)state;
    struct http_server_options options = {.idle_ms = 30};
    struct world *world = world_open(&options, handle_hold);
    struct client *clients[4];
    for (unsigned i = 0; i < 4; i++) {
        clients[i] = client_open(world);
        wait_for_call(world, clients[i], GET("/poll"));
    }
    run_until_still(world, world->requests);
    assert_int_equal(uv_backend_timeout(&world->loop), -1); /* the loop waits for I/O alone */
    respond_text(world->call, 200, "a message");
    wait_for(world, client_ends_with(clients[3], "a message") && world->completed == 1);
    wait_for(world, client_over(clients[3])); /* idle now, and it had 30 ms */
    assert_int_equal(world->ended, 1);
    for (unsigned i = 0; i < 4; i++)
        client_close(clients[i]);
    world_close(world);
}

static void out_of_descriptors(void **state)
{
    (void)state;
    struct rlimit normal, none;
    struct world *world = world_open(NULL, handle_path);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &normal), 0);
    struct client *first = client_open(world);
    client_send(first, GET("/1"));
    wait_for(world, client_ends_with(first, "/1"));
    none = normal;
    none.rlim_cur = 3;
    /* The kernel completes the handshake by itself; the server has not run yet when the limit
     * falls. */
    struct client *second = calloc(1, sizeof *second);
    struct sockaddr_in address;
    second->world = world;
    buffer_init(&second->response, RESPONSE_MAX);
    uv_ip4_addr("127.0.0.1", (int)http_server_port(world->server), &address);
    uv_tcp_init(&world->loop, &second->tcp);
    second->tcp.data = second;
    uv_tcp_connect(&second->connecting, &second->tcp, (struct sockaddr *)&address, on_connected);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    wait_for(world, second->connected);
    run_until_still(world, second->response.size);
    assert_true(uv_backend_timeout(&world->loop) > 0); /* no spinning on what cannot be accepted */
    client_send(first, GET("/11"));
    wait_for(world, client_ends_with(first, "/11")); /* connected clients are served */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &normal), 0);
    client_read(second);
    client_send(second, GET("/2"));
    wait_for(world, client_ends_with(second, "/2")); /* and waiting clients are accepted later */
    client_close(first);
    client_close(second);
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hang_up_during_a_long_poll),
        cmocka_unit_test(reset_during_a_long_poll),
        cmocka_unit_test(hang_up_during_an_upload),
        cmocka_unit_test(hang_up_during_a_download),
        cmocka_unit_test(half_close_after_the_request),
        cmocka_unit_test(a_paused_upload_waits_in_the_client),
        cmocka_unit_test(pause_after_each_piece),
        cmocka_unit_test(early_bytes_are_bounded),
        cmocka_unit_test(a_large_upload_is_refused),
        cmocka_unit_test(an_endless_unread_upload_ends),
        cmocka_unit_test(a_slow_reader_holds_the_writer),
        cmocka_unit_test(a_stalled_reader_times_out),
        cmocka_unit_test(streams_chunks),
        cmocka_unit_test(streams_with_a_length),
        cmocka_unit_test(streams_slowly),
        cmocka_unit_test(reads_and_writes_at_once),
        cmocka_unit_test(aborted_requests_are_dropped),
        cmocka_unit_test(close_with_open_calls),
        cmocka_unit_test(close_inside_callbacks),
        cmocka_unit_test(long_polls_cause_no_wake_ups),
        cmocka_unit_test(out_of_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
