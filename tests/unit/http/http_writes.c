/* Small writes wait for the end of a turn of the loop. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "http_world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

enum { PEERS = 3, LARGE = 100000 };

static struct client *peers[PEERS];
static size_t unread; /* bytes that the peers had received when the last request was handled */

static size_t arrived(void)
{
    size_t sum = 0;
    for (unsigned i = 0; i < PEERS; i++) {
        int fd, size = 0;
        assert_int_equal(uv_fileno((uv_handle_t *)&peers[i]->tcp, &fd), 0);
        assert_int_equal(ioctl(fd, FIONREAD, &size), 0);
        sum += (size_t)size;
    }
    return sum;
}

static void handle_and_look(struct http_call *call, void *user)
{
    (void)user;
    respond_text(call, 200, "ok");
    unread = arrived();
}

static bool all_have(unsigned count)
{
    for (unsigned i = 0; i < PEERS; i++)
        if (client_count(peers[i], "\r\n\r\nok") != count)
            return false;
    return true;
}

/* Else each response would wake its peer while the next request is handled. */
static void responses_of_one_turn_are_written_together(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_and_look);
    for (unsigned i = 0; i < PEERS; i++)
        peers[i] = client_open(world);
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned i = 0; i < PEERS; i++)
            client_send(peers[i], GET("/"));
        wait_for(world, all_have(round));
        if (round > 1) /* in the first, connections are accepted one after the other */
            assert_int_equal(unread, 0);
    }
    assert_int_equal(world->completed, 3 * PEERS);
    for (unsigned i = 0; i < PEERS; i++)
        client_close(peers[i]);
    world_close(world);
}

static void respond_and_close(struct http_call *call, void *user)
{
    struct world *world = user;
    respond_text(call, 200, "last");
    http_server_close(world->server, on_server_closed, world);
}

static void a_waiting_response_is_written_before_the_server_closes(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, respond_and_close);
    struct client *client = client_open(world);
    client_send(client, GET("/"));
    wait_for(world, client_over(client) && world->server_closed);
    assert_true(client_ends_with(client, "\r\n\r\nlast"));
    assert_int_equal(world->ended, 1);
    client_close(client);
    world_close(world);
}

static void refuse(struct http_call *call, void *user)
{
    (void)user;
    respond_text(call, 403, "no");
}

/* The rest of the request is invalid, but a reset could overtake the response. */
static void a_response_before_the_end_of_its_request_ends_without_a_reset(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, refuse);
    struct client *client = client_open(world);
    client_send(client, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "no chunk size\r\n");
    wait_for(world, client_over(client));
    assert_true(client->eof);
    assert_true(client_ends_with(client, "\r\n\r\nno"));
    client_close(client);
    world_close(world);
}

static char large[LARGE];

static void write_piece(struct http_call *call, const void *data, size_t size)
{
    struct bytes piece = bytes_borrow(data, size);
    http_call_write(call, &piece, NULL, NULL);
}

static void handle_pieces(struct http_call *call, void *user)
{
    (void)user;
    memset(large, 'x', sizeof large);
    http_call_begin(call, 200, NULL, 0, 3 + LARGE + 4);
    write_piece(call, "abc", 3);
    write_piece(call, large, sizeof large);
    write_piece(call, "defg", 4);
    http_call_end(call);
}

static void assert_pieces(const struct client *client)
{
    const char *body = strstr(client_text(client), "\r\n\r\n");
    assert_non_null(body);
    body += 4;
    assert_memory_equal(body, "abc", 3);
    assert_memory_equal(body + 3, large, sizeof large);
    assert_string_equal(body + 3 + sizeof large, "defg");
}

static void small_and_large_pieces_keep_their_order(void **state)
{
    (void)state;
    struct world *world = world_open(NULL, handle_pieces);
    struct client *client = client_open(world);
    client_send(client, GET("/"));
    wait_for(world, client_ends_with(client, "defg"));
    assert_pieces(client);
    client_close(client);
    world_close(world);
}

static void on_moved(struct http_call *call, int code, void *user)
{
    (void)user;
    assert_int_equal(code, 0);
    http_call_end(call);
}

static int ends[2]; /* of a pipe */

static void handle_piece_and_pipe(struct http_call *call, void *user)
{
    (void)user;
    assert_int_equal(write(ends[1], "pipe", 4), 4);
    http_call_begin(call, 200, NULL, 0, 7);
    write_piece(call, "abc", 3);
    if (http_call_write_pipe(call, ends[0], 4, on_moved, NULL))
        http_call_end(call);
}

static void a_piece_comes_before_a_pipe(void **state)
{
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    struct world *world = world_open(NULL, handle_piece_and_pipe);
    struct client *client = client_open(world);
    client_send(client, GET("/"));
    wait_for(world, client_ends_with(client, "\r\n\r\nabcpipe") && world->completed == 1);
    client_close(client);
    world_close(world);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_of_one_turn_are_written_together),
        cmocka_unit_test(a_waiting_response_is_written_before_the_server_closes),
        cmocka_unit_test(a_response_before_the_end_of_its_request_ends_without_a_reset),
        cmocka_unit_test(small_and_large_pieces_keep_their_order),
        cmocka_unit_test(a_piece_comes_before_a_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
