/* Response bodies from a pipe. */
#include <fcntl.h>
#include <unistd.h>

#include "http_world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

enum {
    MEBI = 1024 * 1024,
    BODY = 12 * MEBI, /* more than two loopback sockets take while nobody reads */
};

struct piped {
    struct http_call *call;
    int ends[2];
    size_t size, filled; /* of the body */
    unsigned drained, failed, at_once;
};

static struct piped piped; /* of the test under way */

static char pattern(size_t at)
{
    return (char)(at * 31 % 251);
}

/* Fills the pipe. */
static size_t fill(void)
{
    static char data[64 * 1024];
    size_t size = piped.size - piped.filled;
    size = size < sizeof data ? size : sizeof data;
    for (size_t i = 0; i < size; i++)
        data[i] = pattern(piped.filled + i);
    ssize_t written = write(piped.ends[1], data, size);
    assert_true(written > 0);
    piped.filled += (size_t)written;
    return (size_t)written;
}

static void on_drained(struct http_call *call, int code, void *user);

static void send_on(struct http_call *call)
{
    while (piped.filled < piped.size) {
        if (!http_call_write_pipe(call, piped.ends[0], fill(), on_drained, &piped))
            return;
        piped.at_once++;
    }
    http_call_end(call);
}

static void on_drained(struct http_call *call, int code, void *user)
{
    assert_ptr_equal(user, &piped);
    piped.drained++;
    piped.failed += code != 0;
    if (!code)
        send_on(call);
}

static void handle_piped(struct http_call *call, void *user)
{
    (void)user;
    assert_true(http_call_takes_pipe(call));
    piped.filled = 0;
    piped.call = call;
    http_call_begin(call, 200, NULL, 0, (int64_t)piped.size);
    send_on(call);
}

static struct world *open_piped(size_t size)
{
    piped = (struct piped){.size = size};
    assert_int_equal(pipe2(piped.ends, O_CLOEXEC | O_NONBLOCK), 0);
    return world_open(NULL, handle_piped);
}

static void close_piped(struct world *world)
{
    world_close(world);
    close(piped.ends[0]);
    close(piped.ends[1]);
}

static void assert_body(const struct client *client, size_t begin, size_t size)
{
    const char *end = strstr(client->response.data + begin, "\r\n\r\n");
    assert_non_null(end);
    size_t head = (size_t)(end + 4 - client->response.data);
    assert_int_equal(client->response.size - head, size);
    for (size_t i = 0; i < size; i++)
        if (client->response.data[head + i] != pattern(i))
            fail_msg("byte %zu of the body is another", i);
}

static bool body_arrived(const struct client *client, size_t begin, size_t size)
{
    return client->response.size > begin + size;
}

static void bodies_follow_each_other(void **state)
{
    (void)state;
    struct world *world = open_piped(100000);
    struct client *client = client_open(world);
    client_send(client, GET("/1"));
    wait_for(world, world->completed == 1 && body_arrived(client, 0, piped.size));
    assert_body(client, 0, piped.size);
    size_t begin = client->response.size;
    client_send(client, GET("/2"));
    wait_for(world, world->completed == 2 && body_arrived(client, begin, piped.size));
    assert_body(client, begin, piped.size);
    client_close(client);
    close_piped(world);
}

/* A client that sends a request and does not read, when the socket is full. */
static struct client *stalled_client(struct world *world)
{
    struct client *client = client_open_deaf(world);
    client_send(client, GET("/"));
    wait_for(world, piped.filled > 0);
    for (int i = 0; i < 200; i++)
        uv_run(&world->loop, UV_RUN_NOWAIT);
    return client;
}

static void a_slow_reader_holds_the_writer(void **state)
{
    (void)state;
    struct world *world = open_piped(BODY);
    struct client *client = stalled_client(world);
    assert_true(piped.filled < piped.size);
    assert_int_equal(world->ended, 0);
    client_read(client);
    wait_for(world, world->completed == 1 && body_arrived(client, 0, piped.size));
    assert_true(piped.drained > 0); /* the socket was full, */
    assert_true(piped.at_once > 0); /* and was not */
    assert_int_equal(piped.failed, 0);
    assert_body(client, 0, piped.size);
    client_close(client);
    close_piped(world);
}

static void hang_up(void **state)
{
    (void)state;
    struct world *world = open_piped(BODY);
    struct client *client = stalled_client(world);
    client_close(client);
    wait_for(world, world->ended);
    assert_int_equal(world->completed, 0);
    assert_int_equal(piped.failed, 1); /* told once, that it may let the pipe go */
    close_piped(world);
}

static void handle_too_much(struct http_call *call, void *user)
{
    (void)user;
    http_call_begin(call, 200, NULL, 0, 10);
    assert_false(http_call_write_pipe(call, piped.ends[0], fill(), on_drained, &piped));
}

static void more_than_was_announced_aborts(void **state)
{
    (void)state;
    struct world *world = open_piped(11);
    world->handler = handle_too_much;
    struct client *client = client_open(world);
    client_send(client, GET("/"));
    wait_for(world, world->ended && client_over(client));
    assert_int_equal(client->response.size, 0);
    assert_int_equal(piped.drained, 0);
    client_close(client);
    close_piped(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_follow_each_other),
        cmocka_unit_test(a_slow_reader_holds_the_writer),
        cmocka_unit_test(hang_up),
        cmocka_unit_test(more_than_was_announced_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
