/*
 * A TCP server that responds to request number n with entry n of a script, byte for byte, valid or
 * not. It parses just enough HTTP to find the end of a request (Content-Length), and responds to
 * Expect: 100-continue.
 */
#ifndef THUMBWHEEL_TEST_SCRIPTED_SERVER_H
#define THUMBWHEEL_TEST_SCRIPTED_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "bytes.h"

enum afterwards { KEEP_OPEN, CLOSE, RESET };

struct scripted_reply {
    const char *text;    /* NULL: silence */
    bool early;          /* once the request's head is there; its body is never read */
    unsigned delay_ms;   /* before the first byte */
    unsigned trickle_ms; /* one byte each so many milliseconds; 0: all at once */
    enum afterwards afterwards;
};

struct peer;

struct scripted_server {
    uv_tcp_t listener;
    int port;
    const struct scripted_reply *replies; /* the last one is repeated */
    size_t response_count;
    bool deaf;              /* accepts and never reads */
    unsigned read_pause_ms; /* after each 512 KiB of a request */
    size_t requests;        /* seen whole */
    size_t connections;     /* accepted */
    size_t open;            /* not yet closed */
    struct buffer head;     /* of the last whole request */
    struct buffer body;
    struct peer *peers;
};

void scripted_server_start(struct scripted_server *server, uv_loop_t *loop);
void scripted_server_script(struct scripted_server *server, const struct scripted_reply *replies,
                            size_t count);
/* Writes this to every open connection, whether or not something was requested, and returns when it
 * has arrived. */
void scripted_server_say(struct scripted_server *server, const char *text);
/* Closes everything; run the loop afterwards. */
void scripted_server_stop(struct scripted_server *server);

#define SCRIPT(server, ...)                                                                        \
    scripted_server_script(server, (const struct scripted_reply[]){__VA_ARGS__},                   \
                           sizeof((const struct scripted_reply[]){__VA_ARGS__}) /                  \
                               sizeof(struct scripted_reply))

#endif
