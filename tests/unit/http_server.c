/* What the server makes of bytes: requests, bodies, answers, and what it refuses. */
#include "http_world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static void test_answers_a_request(void **state)
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
    assert_int_equal(world->completed, 2);
    client_close(client);
    world_close(world);
}

static void test_pipelined_requests_in_order(void **state)
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
        respond_text(world->call, 200, path);
        assert_int_equal(world->requests, i); /* the next is not begun before this one is over */
    }
    wait_for(world, client_ends_with(client, "\r\n\r\n/3"));
    const char *first = strstr(client_text(client), "\r\n\r\n/1");
    const char *second = strstr(client_text(client), "\r\n\r\n/2");
    assert_true(first && second && first < second);
    client_close(client);
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_a_request),
        cmocka_unit_test(test_pipelined_requests_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
