/*
 * The server behind a socket pair, with handlers that receive bodies and respond in every possible
 * way; the path's first letter selects it. The first byte of an input is the number of bytes that
 * are sent at a time, the second how the peer disconnects. For any input, each call ends once,
 * responses are HTTP, and nothing leaks.
 */
#include "http_private.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

enum { COLLECT_MAX = 4096, CALLS_MAX = 64, TURNS_MAX = 64 };

struct handled { /* a call that is open */
    struct http_call *call;
    char way;
    bool responded;
};

static uv_loop_t loop;
static struct http_server server;
static struct handled handled[CALLS_MAX];
static size_t begun, ended;
static size_t response_size;
static char response_start[9];

static const struct http_header headers[] = {{"X-Fuzz", "1"}};

static void on_call_end(struct http_call *call, bool completed, void *user)
{
    struct handled *h = user;
    (void)completed;
    require(h->call == call);
    h->call = NULL;
    ended++;
}

static void respond(struct handled *h, int status, struct slice text)
{
    struct bytes body = bytes_give(fuzz_copy(text), text.size);
    h->responded = true;
    http_call_respond(h->call, status, headers, 1, &body);
    bytes_free(&body);
}

static void on_drained(struct http_call *call, int code, void *user)
{
    struct handled *h = user;
    (void)call;
    if (!code && h->call)
        http_call_end(h->call);
}

static void stream(struct handled *h, int64_t length, size_t pieces)
{
    h->responded = true;
    http_call_begin(h->call, 200, headers, 1, length);
    for (size_t i = 0; i < pieces; i++) {
        struct bytes piece = bytes_borrow("piece", 5);
        bool last = i + 1 == pieces;
        http_call_write(h->call, &piece, last ? on_drained : NULL, last ? h : NULL);
    }
}

static void on_body(struct http_call *call, struct bytes *body, void *user)
{
    struct handled *h = user;
    require(h->call == call && !h->responded && body->size <= COLLECT_MAX);
    respond(h, 200, (struct slice){body->data, body->size});
}

static void on_data(struct http_call *call, int code, const void *data, size_t size, void *user)
{
    struct handled *h = user;
    require(h->call == call && (code || data));
    if (code || h->responded)
        return;
    if (!size)
        respond(h, 200, SLICE_LITERAL("read"));
    else if (h->way == 'p')
        http_call_pause(call);
    else if (h->way == 'q')
        respond(h, 403, SLICE_LITERAL("enough"));
    else if (h->way == 'x')
        http_call_abort(call);
}

static void on_request(struct http_call *call, void *user)
{
    struct slice path = http_call_path(call);
    struct handled *h = &handled[begun++ % CALLS_MAX];
    (void)user;
    require(!h->call);
    *h = (struct handled){call, path.size > 1 ? path.data[1] : ' ', false};
    http_call_on_end(call, on_call_end, h);
    switch (h->way) {
    case 'c':
        http_call_collect(call, COLLECT_MAX, on_body, h);
        break;
    case 'p':
    case 'q':
    case 'r':
    case 'x':
        http_call_read(call, on_data, h);
        break;
    case 's':
        stream(h, -1, 3);
        break;
    case 'l':
        stream(h, 10, 2);
        break;
    case 'w':
        stream(h, 10, 3);
        break;
    case 'b':
        http_call_begin(call, 200, headers, 1, -1);
        http_call_read(call, on_data, h);
        break;
    case 'a':
        http_call_abort(call);
        break;
    case 'd': /* in a later turn */
    case 'n': /* never */
        break;
    default:
        respond(h, 200, SLICE_LITERAL("hello"));
    }
}

/* What handlers do between two turns of the loop. */
static void go_on(void)
{
    for (size_t i = 0; i < CALLS_MAX; i++) {
        struct handled *h = &handled[i];
        if (h->call && h->way == 'p')
            http_call_resume(h->call);
        else if (h->call && h->way == 'd' && !h->responded)
            respond(h, 404, SLICE_LITERAL("later"));
    }
}

static void receive(int fd)
{
    char space[4096];
    for (ssize_t got; (got = recv(fd, space, sizeof space, 0)) > 0;) {
        for (ssize_t i = 0; i < got && response_size + (size_t)i < sizeof response_start; i++)
            response_start[response_size + (size_t)i] = space[i];
        response_size += (size_t)got;
    }
}

static void turn(int fd)
{
    uv_run(&loop, UV_RUN_NOWAIT);
    receive(fd);
    go_on();
}

/* Stops where the server no longer reads. */
static void send_pieces(int fd, struct slice in, size_t piece)
{
    while (in.size && server.connection_count) {
        size_t size = in.size < piece ? in.size : piece;
        ssize_t sent = send(fd, in.data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        in = (struct slice){in.data + sent, in.size - (size_t)sent};
        turn(fd);
    }
}

static void close_what_is_left(int fd)
{
    close(fd);
    for (int i = 0; i < TURNS_MAX && server.connection_count; i++) {
        if (i == TURNS_MAX / 2)
            connection_close(server.connections, ERR_CANCELLED, false);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_quiet();
    signal(SIGPIPE, SIG_IGN); /* as http_server_start does */
    require(!uv_loop_init(&loop));
    server.loop = &loop;
    server_hold_writes(&server);
    server.options = (struct http_server_options){.header_max = 4096,
                                                  .collect_max = 1024 * 1024,
                                                  .body_max = 64 * 1024,
                                                  .idle_ms = 60000,
                                                  .connections = 8,
                                                  .on_request = on_request};
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    unsigned piece = fuzz_choice(&in) % 32, leave = fuzz_choice(&in);
    int fds[2];
    require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
    begun = ended = response_size = 0;
    connection_accept(&server, fds[0], true);
    send_pieces(fds[1], in, piece ? 16 * piece : SIZE_MAX);
    if (leave & 1)
        shutdown(fds[1], SHUT_WR);
    for (unsigned i = 0; i < (leave & 2 ? 1 : 8); i++)
        turn(fds[1]);
    close_what_is_left(fds[1]);
    require(!server.connection_count && begun == ended);
    require(!response_size ||
            memcmp(response_start, "HTTP/1.1 ", response_size < 9 ? response_size : 9) == 0);
    return 0;
}
