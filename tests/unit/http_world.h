/*
 * A server and raw clients on one loop, for tests of the HTTP server. A client sends the test's
 * bytes unchanged and keeps the response; waiting runs the loop until an event has occurred, with a
 * watchdog that fails a test that would wait forever.
 */
#ifndef THUMBWHEEL_TESTS_HTTP_WORLD_H
#define THUMBWHEEL_TESTS_HTTP_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "container_of.h"
#include "http_server.h"
#include "log.h"

enum { RESPONSE_MAX = 16 * 1024 * 1024 };

struct world {
    uv_loop_t loop;
    uv_timer_t watchdog;
    unsigned ticks;
    struct http_server *server;
    bool server_closed;

    http_handler *handler; /* of the test */
    unsigned requests;
    struct http_call *call; /* the last one; NULL once it has ended */
    unsigned ended, completed;
    struct buffer body; /* what handlers were given, all pieces */
    unsigned pieces, body_ends;
    int body_error;
};

struct client {
    uv_tcp_t tcp;
    uv_connect_t connecting;
    struct world *world;
    bool connected, eof, closed;
    int error;
    struct buffer response;
};

/* Runs the loop until the condition holds. */
#define wait_for(world, condition)                                                                 \
    do {                                                                                           \
        wait_start(world);                                                                         \
        while (!(condition) && wait_turn(world))                                                   \
            ;                                                                                      \
        if (!wait_end(world))                                                                      \
            fail_msg("waited in vain for " #condition);                                            \
    } while (0)
void wait_start(struct world *world);
bool wait_turn(struct world *world); /* of the loop; false when it takes too long */
bool wait_end(struct world *world);  /* false when it took too long */

/* Keeps count, for each request and each server. */
void on_call_end(struct http_call *call, bool completed, void *user);
struct world *world_open(const struct http_server_options *options, http_handler *handler);
void on_server_closed(void *user);
void world_close_server(struct world *world);

/* All handles must already be closed, which uv_loop_close checks. */
void world_close(struct world *world);
void on_client_closed(uv_handle_t *handle);
void on_connected(uv_connect_t *request, int status);
void client_read(struct client *client);

/* Connected, but not yet reading. */
struct client *client_open_deaf(struct world *world);
struct client *client_open(struct world *world);
void client_send_bytes(struct client *client, const void *data, size_t size);
void client_send(struct client *client, const char *text);
void client_close(struct client *client);
const char *client_text(const struct client *client);
bool client_has(const struct client *client, const char *text);
unsigned client_count(const struct client *client, const char *text);
bool client_over(const struct client *client);
bool client_ends_with(const struct client *client, const char *text);

/* Handlers that most tests can use. */

void respond_text(struct http_call *call, int status, const char *text);
void note_body(struct http_call *call, int code, const void *data, size_t size, void *user);
void echo_whole(struct http_call *call, struct bytes *body, void *user);
void handle_echo(struct http_call *call, void *user);
void handle_hold(struct http_call *call, void *user);
void handle_path(struct http_call *call, void *user);

#endif
