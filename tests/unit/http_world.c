#include "http_world.h"

enum {
    TICK_MS = 5, /* how long a look at a condition can be late: libuv polls after it ran timers */
    TICKS_MAX = 4000, /* after this many ticks a test fails */
};

struct client_write {
    uv_write_t request;
    char data[];
};

static void on_watchdog(uv_timer_t *timer)
{
    container_of(timer, struct world, watchdog)->ticks++;
}

void wait_start(struct world *world)
{
    world->ticks = 0;
    uv_timer_start(&world->watchdog, on_watchdog, TICK_MS, TICK_MS);
}

bool wait_turn(struct world *world)
{
    if (world->ticks >= TICKS_MAX)
        return false;
    uv_run(&world->loop, UV_RUN_ONCE);
    return true;
}

bool wait_end(struct world *world)
{
    uv_timer_stop(&world->watchdog);
    return world->ticks < TICKS_MAX;
}

void on_call_end(struct http_call *call, bool completed, void *user)
{
    struct world *world = user;
    world->ended++;
    world->completed += completed;
    if (world->call == call)
        world->call = NULL;
}

static void on_world_request(struct http_call *call, void *user)
{
    struct world *world = user;
    world->requests++;
    world->call = call;
    http_call_on_end(call, on_call_end, world);
    world->handler(call, world);
}

struct world *world_open(const struct http_server_options *options, http_handler *handler)
{
    struct world *world = calloc(1, sizeof *world);
    struct http_server_options with = options ? *options : (struct http_server_options){0};
    struct error error = {0};
    assert_non_null(world);
    log_setup(2, LOG_FORMAT_TEXT, LOG_ERROR + 1); /* programming errors are provoked on purpose */
    assert_int_equal(uv_loop_init(&world->loop), 0);
    uv_timer_init(&world->loop, &world->watchdog);
    uv_unref((uv_handle_t *)&world->watchdog);
    world->handler = handler;
    buffer_init(&world->body, 64 * 1024 * 1024);
    with.host = "127.0.0.1";
    with.on_request = on_world_request;
    with.user = world;
    assert_int_equal(http_server_start(&world->loop, &with, &world->server, &error), 0);
    return world;
}

void on_server_closed(void *user)
{
    ((struct world *)user)->server_closed = true;
}

void world_close_server(struct world *world)
{
    http_server_close(world->server, on_server_closed, world);
    wait_for(world, world->server_closed);
    assert_null(world->call);
}

void world_close(struct world *world)
{
    if (!world->server_closed)
        world_close_server(world);
    uv_close((uv_handle_t *)&world->watchdog, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    buffer_free(&world->body);
    free(world);
}

void on_client_closed(uv_handle_t *handle)
{
    ((struct client *)handle->data)->closed = true;
}

static void client_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char space[64 * 1024];
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(space, sizeof space);
}

/* libuv may report a reset that follows data as an end; the socket still knows. */
static int pending_error(const struct client *client)
{
    int code = 0, fd;
    socklen_t size = sizeof code;
    uv_fileno((const uv_handle_t *)&client->tcp, &fd);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
    return -code;
}

static void client_got(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct client *client = stream->data;
    if (size > 0) {
        buffer_append(&client->response, buf->base, (size_t)size);
    } else if (size < 0) {
        client->error = size == UV_EOF ? pending_error(client) : (int)size;
        client->eof = !client->error;
        uv_read_stop(stream);
    }
}

void on_connected(uv_connect_t *request, int status)
{
    struct client *client = container_of(request, struct client, connecting);
    assert_int_equal(status, 0);
    client->connected = true;
}

void client_read(struct client *client)
{
    uv_read_start((uv_stream_t *)&client->tcp, client_alloc, client_got);
}

struct client *client_open_deaf(struct world *world)
{
    struct client *client = calloc(1, sizeof *client);
    struct sockaddr_in address;
    assert_non_null(client);
    client->world = world;
    buffer_init(&client->response, RESPONSE_MAX);
    uv_ip4_addr("127.0.0.1", (int)http_server_port(world->server), &address);
    uv_tcp_init(&world->loop, &client->tcp);
    client->tcp.data = client;
    assert_int_equal(uv_tcp_connect(&client->connecting, &client->tcp, (struct sockaddr *)&address,
                                    on_connected),
                     0);
    wait_for(world, client->connected);
    return client;
}

struct client *client_open(struct world *world)
{
    struct client *client = client_open_deaf(world);
    client_read(client);
    return client;
}

static void on_client_wrote(uv_write_t *request, int status)
{
    (void)status; /* a server may well have closed; its response shows it */
    free(container_of(request, struct client_write, request));
}

void client_send_bytes(struct client *client, const void *data, size_t size)
{
    struct client_write *w = malloc(sizeof *w + size);
    assert_non_null(w);
    memcpy(w->data, data, size);
    uv_buf_t buf = uv_buf_init(w->data, (unsigned)size);
    if (uv_write(&w->request, (uv_stream_t *)&client->tcp, &buf, 1, on_client_wrote))
        free(w);
}

void client_send(struct client *client, const char *text)
{
    client_send_bytes(client, text, strlen(text));
}

static void client_hang_up(struct client *client)
{
    if (!uv_is_closing((uv_handle_t *)&client->tcp))
        uv_close((uv_handle_t *)&client->tcp, on_client_closed);
}

void client_close(struct client *client)
{
    client_hang_up(client);
    wait_for(client->world, client->closed);
    buffer_free(&client->response);
    free(client);
}

const char *client_text(const struct client *client)
{
    return client->response.data ? client->response.data : "";
}

bool client_has(const struct client *client, const char *text)
{
    return strstr(client_text(client), text) != NULL;
}

unsigned client_count(const struct client *client, const char *text)
{
    unsigned count = 0;
    for (const char *p = client_text(client); (p = strstr(p, text)); p += strlen(text))
        count++;
    return count;
}

bool client_over(const struct client *client)
{
    return client->eof || client->error;
}

bool client_ends_with(const struct client *client, const char *text)
{
    size_t size = strlen(text);
    return client->response.size >= size &&
           memcmp(client->response.data + client->response.size - size, text, size) == 0;
}

void respond_text(struct http_call *call, int status, const char *text)
{
    struct bytes body = bytes_borrow(text, strlen(text));
    http_call_respond(call, status, NULL, 0, &body);
}

void note_body(struct http_call *call, int code, const void *data, size_t size, void *user)
{
    struct world *world = user;
    (void)call;
    assert_int_equal(world->body_ends, 0);
    if (code) {
        world->body_error = code;
        world->body_ends++;
    } else if (size) {
        world->pieces++;
        buffer_append(&world->body, data, size);
    } else {
        world->body_ends++;
    }
}

void echo_whole(struct http_call *call, struct bytes *body, void *user)
{
    (void)user;
    http_call_respond(call, 200, NULL, 0, body);
}

void handle_echo(struct http_call *call, void *user)
{
    http_call_collect(call, 1024 * 1024, echo_whole, user);
}

void handle_hold(struct http_call *call, void *user)
{
    (void)call;
    (void)user;
}

void handle_path(struct http_call *call, void *user)
{
    struct slice path = http_call_path(call);
    char *copy = slice_dup(path);
    (void)user;
    struct bytes body = bytes_give(copy, path.size);
    http_call_respond(call, 200, NULL, 0, &body);
}
