#include "scripted_server.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>

#include "container_of.h"

enum {
    REQUEST_MAX_BYTES = 64 * 1024 * 1024,
    RECEIVE_WINDOW_BYTES = 64 * 1024,
    PAUSE_BYTES = 512 * 1024,
};

struct peer {
    uv_tcp_t tcp;
    uv_timer_t timer;
    struct scripted_server *server;
    struct peer *next;
    struct buffer in;
    size_t told_to_continue; /* number of the request that was */
    const struct scripted_reply *reply;
    size_t sent;
    size_t unpaused; /* read since the last pause */
    int handles;
    char chunk[65536];
};

/* A server that cannot work makes every test meaningless. */
static void must(int code)
{
    if (code < 0)
        abort();
}

static void on_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    if (--peer->handles > 0)
        return;
    struct peer **link = &peer->server->peers;
    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    peer->server->open--;
    buffer_free(&peer->in);
    free(peer);
}

static void peer_close(struct peer *peer, bool reset)
{
    if (uv_is_closing((uv_handle_t *)&peer->tcp))
        return;
    if (!reset || uv_tcp_close_reset(&peer->tcp, on_closed))
        uv_close((uv_handle_t *)&peer->tcp, on_closed);
    uv_close((uv_handle_t *)&peer->timer, on_closed);
}

static void peer_write(struct peer *peer, const char *data, size_t size)
{
    /* Responses are small, so the kernel accepts them completely. */
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)size);
    while (buf.len > 0) {
        int written = uv_try_write((uv_stream_t *)&peer->tcp, &buf, 1);
        if (written == UV_EAGAIN)
            continue;
        if (written < 0)
            return; /* the client is gone, which some tests want */
        buf.base += written;
        buf.len -= (size_t)written;
    }
}

static void peer_go_on(uv_timer_t *timer)
{
    struct peer *peer = timer->data;
    const struct scripted_reply *reply = peer->reply;
    size_t left = reply->text ? strlen(reply->text) - peer->sent : 0;
    size_t size = reply->trickle_ms && left ? 1 : left;
    if (size)
        peer_write(peer, reply->text + peer->sent, size);
    peer->sent += size;
    if (left > size)
        uv_timer_start(timer, peer_go_on, reply->trickle_ms, 0);
    else if (reply->afterwards != KEEP_OPEN)
        peer_close(peer, reply->afterwards == RESET);
}

static size_t content_length(const char *head)
{
    const char *field = strcasestr(head, "\r\nContent-Length:");
    return field ? strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

static void request_store(struct scripted_server *server, const char *data, size_t head,
                          size_t body)
{
    buffer_clear(&server->head);
    buffer_clear(&server->body);
    buffer_append(&server->head, data, head);
    buffer_append(&server->body, data + head, body);
}

static const struct scripted_reply *next_response(const struct scripted_server *server)
{
    size_t last = server->response_count - 1;
    return &server->replies[server->requests < last ? server->requests : last];
}

static void response_begin(struct peer *peer)
{
    peer->reply = next_response(peer->server);
    peer->server->requests++;
    peer->sent = 0;
    uv_timer_start(&peer->timer, peer_go_on, peer->reply->delay_ms, 0);
}

/* Responds to the first request in the input once it is complete. */
static bool request_take(struct peer *peer)
{
    struct scripted_server *server = peer->server;
    char *end = peer->in.data ? strstr(peer->in.data, "\r\n\r\n") : NULL;
    if (!end)
        return false;
    size_t head = (size_t)(end - peer->in.data) + 4;
    end[2] = '\0';
    size_t body = content_length(peer->in.data);
    bool expects = strcasestr(peer->in.data, "\r\nExpect: 100-continue") != NULL;
    end[2] = '\r';
    if (server->response_count && next_response(server)->early) {
        uv_read_stop((uv_stream_t *)&peer->tcp);
        response_begin(peer);
        return true;
    }
    if (peer->in.size < head + body) {
        if (expects && peer->told_to_continue != server->requests + 1)
            peer_write(peer, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        peer->told_to_continue = server->requests + 1;
        return false;
    }
    request_store(server, peer->in.data, head, body);
    peer->in.size -= head + body;
    memmove(peer->in.data, peer->in.data + head + body, peer->in.size + 1);

    response_begin(peer);
    return true;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct peer *peer = handle->data;
    (void)suggested;
    *buf = uv_buf_init(peer->chunk, sizeof peer->chunk);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf);

static void on_pause_over(uv_timer_t *timer)
{
    struct peer *peer = timer->data;
    must(uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct peer *peer = stream->data;
    if (size < 0) {
        peer_close(peer, false);
        return;
    }
    must(buffer_append(&peer->in, buf->base, (size_t)size));
    peer->unpaused += (size_t)size;
    if (!request_take(peer) && peer->server->read_pause_ms && peer->unpaused >= PAUSE_BYTES) {
        peer->unpaused = 0;
        uv_read_stop(stream);
        uv_timer_start(&peer->timer, on_pause_over, peer->server->read_pause_ms, 0);
    }
}

enum { SLOW_BUFFER_BYTES = 64 * 1024 };

static void on_connection(uv_stream_t *listener, int code)
{
    struct scripted_server *server =
        container_of((uv_tcp_t *)listener, struct scripted_server, listener);
    struct peer *peer = calloc(1, sizeof *peer);
    must(code);
    if (!peer)
        abort();
    peer->server = server;
    peer->handles = 2;
    buffer_init(&peer->in, REQUEST_MAX_BYTES);
    must(uv_tcp_init(listener->loop, &peer->tcp));
    must(uv_timer_init(listener->loop, &peer->timer));
    peer->tcp.data = peer->timer.data = peer;
    must(uv_accept(listener, (uv_stream_t *)&peer->tcp));
    int room = SLOW_BUFFER_BYTES; /* else the kernel takes megabytes ahead of a slow reader */
    if (server->read_pause_ms)
        must(uv_recv_buffer_size((uv_handle_t *)&peer->tcp, &room));
    if (!server->deaf)
        must(uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read));
    uv_unref((uv_handle_t *)&peer->tcp);
    peer->next = server->peers;
    server->peers = peer;
    server->connections++;
    server->open++;
}

void scripted_server_start(struct scripted_server *server, uv_loop_t *loop)
{
    struct sockaddr_in address;
    int size = sizeof address;
    int window = RECEIVE_WINDOW_BYTES;
    *server = (struct scripted_server){0};
    buffer_init(&server->head, REQUEST_MAX_BYTES);
    buffer_init(&server->body, REQUEST_MAX_BYTES);
    must(uv_ip4_addr("127.0.0.1", 0, &address));
    must(uv_tcp_init(loop, &server->listener));
    must(uv_tcp_bind(&server->listener, (struct sockaddr *)&address, 0));
    must(uv_recv_buffer_size((uv_handle_t *)&server->listener, &window));
    must(uv_listen((uv_stream_t *)&server->listener, 128, on_connection));
    must(uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &size));
    uv_unref((uv_handle_t *)&server->listener);
    server->port = ntohs(address.sin_port);
}

void scripted_server_script(struct scripted_server *server, const struct scripted_reply *replies,
                            size_t count)
{
    server->replies = replies;
    server->response_count = count;
    server->requests = 0;
}

/* Waits until the client has acknowledged everything; a disconnected client never does. */
static void wait_for_arrival(struct peer *peer)
{
    int fd, left = 1;
    struct tcp_info info;
    socklen_t size = sizeof info;
    must(uv_fileno((uv_handle_t *)&peer->tcp, &fd));
    do {
        must(ioctl(fd, SIOCOUTQ, &left));
        must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size));
    } while (left && info.tcpi_state == TCP_ESTABLISHED);
}

void scripted_server_say(struct scripted_server *server, const char *text)
{
    for (struct peer *peer = server->peers; peer; peer = peer->next) {
        peer_write(peer, text, strlen(text));
        wait_for_arrival(peer);
    }
}

void scripted_server_stop(struct scripted_server *server)
{
    for (struct peer *peer = server->peers; peer; peer = peer->next)
        peer_close(peer, false);
    uv_close((uv_handle_t *)&server->listener, NULL);
    buffer_free(&server->head);
    buffer_free(&server->body);
}
