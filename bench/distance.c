/*
 * Puts a service at a distance: passes the connections of one port on to another, and holds each
 * response back by a random time, as if the service took that long.
 *
 * usage: bench_distance HOST PORT MEDIAN_MS SIGMA LOSS SEED
 *
 * The times are log-normal: MEDIAN_MS is the median, SIGMA the standard deviation of the logarithm.
 * With the probability LOSS, a response is lost: its connection is reset instead. Prints the port
 * on which it listens, and serves until it is terminated. One thread; it copies what it passes on,
 * and holds at most HELD_MAX bytes of a connection.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { PIECE = 256 * 1024, HELD_MAX = 8 * 1024 * 1024, BACKLOG = 1024 };

static struct {
    uv_loop_t loop;
    uv_tcp_t server;
    struct sockaddr_in service;
    double median_ms, sigma, loss;
    uint64_t state;   /* of the random numbers */
    char room[PIECE]; /* for what is read, which is copied at once */
} proxy;

struct held_piece { /* of a response */
    struct held_piece *next;
    size_t size;
    char data[];
};

struct side {
    uv_tcp_t tcp;
    struct link *link;
};

struct link {
    struct side client, service;
    bool requested; /* a request has begun, and no response to it has */
    bool held;      /* the timer runs */
    bool over;      /* the service has ended */
    bool closing;
    struct held_piece *first, **last; /* what the service has sent, while it is held back */
    size_t size;
    uv_timer_t timer;
    int open; /* handles */
};

struct send {
    uv_write_t request;
    struct side *from; /* reads on when this is written */
    char data[];
};

/* ---- random numbers: xorshift64*, Vigna 2016 ---- */

static double uniform(void)
{
    proxy.state ^= proxy.state >> 12;
    proxy.state ^= proxy.state << 25;
    proxy.state ^= proxy.state >> 27;
    return (double)((proxy.state * 2685821657736338717u) >> 11) / 9007199254740992.0;
}

/* Box and Muller's transform of two uniform numbers. */
static double latency_ms(void)
{
    const double normal = sqrt(-2 * log(1 - uniform())) * cos(2 * acos(-1) * uniform());
    return proxy.median_ms * exp(proxy.sigma * normal);
}

/* ---- the end of a connection ---- */

static void on_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    if (--link->open)
        return;
    while (link->first) {
        struct held_piece *piece = link->first;
        link->first = piece->next;
        free(piece);
    }
    free(link);
}

static void link_close(struct link *link)
{
    if (link->closing)
        return;
    link->closing = true;
    uv_close((uv_handle_t *)&link->client.tcp, on_closed);
    uv_close((uv_handle_t *)&link->service.tcp, on_closed);
    uv_close((uv_handle_t *)&link->timer, on_closed);
}

static void link_reset(struct link *link)
{
    if (!link->closing)
        uv_tcp_close_reset(&link->client.tcp, on_closed);
    if (link->closing)
        return;
    link->closing = true;
    uv_close((uv_handle_t *)&link->service.tcp, on_closed);
    uv_close((uv_handle_t *)&link->timer, on_closed);
}

/* ---- passing on ---- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)handle, (void)suggested;
    *out = uv_buf_init(proxy.room, PIECE);
}

static void on_request(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf);
static void on_response(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf);

static void on_sent(uv_write_t *request, int status)
{
    struct send *send = (struct send *)request;
    struct link *link = send->from->link;
    if (status)
        link_close(link);
    else if (!link->closing && send->from == &link->client)
        uv_read_start((uv_stream_t *)&link->client.tcp, on_room, on_request);
    free(send);
}

static void pass(struct side *from, struct side *to, const char *data, size_t size)
{
    struct send *send = malloc(sizeof *send + size);
    if (!send) {
        link_close(from->link);
        return;
    }
    memcpy(send->data, data, size);
    send->from = from;
    const uv_buf_t buf = uv_buf_init(send->data, (unsigned)size);
    if (uv_write(&send->request, (uv_stream_t *)&to->tcp, &buf, 1, on_sent)) {
        free(send);
        link_close(from->link);
    }
}

static void on_request(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct link *link = stream->data;
    if (size < 0) {
        link_close(link);
    } else if (size > 0) {
        link->requested = true;
        uv_read_stop(stream); /* until this piece is written */
        pass(&link->client, &link->service, buf->base, (size_t)size);
    }
}

static void on_time(uv_timer_t *timer)
{
    struct link *link = timer->data;
    link->held = false;
    while (link->first && !link->closing) {
        struct held_piece *piece = link->first;
        link->first = piece->next;
        pass(&link->service, &link->client, piece->data, piece->size);
        free(piece);
    }
    link->last = &link->first;
    link->size = 0;
    if (link->over)
        link_close(link);
    else if (!link->closing)
        uv_read_start((uv_stream_t *)&link->service.tcp, on_room, on_response);
}

static void hold(struct link *link, const char *data, size_t size)
{
    struct held_piece *piece = malloc(sizeof *piece + size);
    if (!piece) {
        link_close(link);
        return;
    }
    *piece = (struct held_piece){.size = size};
    memcpy(piece->data, data, size);
    *link->last = piece;
    link->last = &piece->next;
    link->size += size;
    if (link->size > HELD_MAX)
        uv_read_stop((uv_stream_t *)&link->service.tcp);
}

static void response_begin(struct link *link)
{
    link->requested = false;
    if (uniform() < proxy.loss) {
        link_reset(link);
        return;
    }
    link->held = true;
    uv_timer_start(&link->timer, on_time, (uint64_t)(latency_ms() + uniform()), 0);
}

static void on_response(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct link *link = stream->data;
    if (size > 0 && link->requested)
        response_begin(link);
    if (size > 0 && !link->closing) {
        if (link->held)
            hold(link, buf->base, (size_t)size);
        else
            pass(&link->service, &link->client, buf->base, (size_t)size);
    } else if (size < 0) {
        link->over = true;
        if (!link->held)
            link_close(link);
    }
}

/* ---- connections ---- */

static void on_connected(uv_connect_t *request, int status)
{
    struct link *link = request->data;
    free(request);
    if (link->closing)
        return;
    if (status) {
        link_close(link);
        return;
    }
    uv_read_start((uv_stream_t *)&link->client.tcp, on_room, on_request);
    uv_read_start((uv_stream_t *)&link->service.tcp, on_room, on_response);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct link *link = status ? NULL : calloc(1, sizeof *link);
    uv_connect_t *connect = link ? calloc(1, sizeof *connect) : NULL;
    if (!connect) {
        free(link);
        return;
    }
    link->client.link = link->service.link = link;
    link->client.tcp.data = link->service.tcp.data = link->timer.data = connect->data = link;
    link->last = &link->first;
    link->open = 3;
    uv_tcp_init(&proxy.loop, &link->client.tcp);
    uv_tcp_init(&proxy.loop, &link->service.tcp);
    uv_timer_init(&proxy.loop, &link->timer);
    uv_tcp_nodelay(&link->client.tcp, 1);
    uv_tcp_nodelay(&link->service.tcp, 1);
    if (uv_accept(server, (uv_stream_t *)&link->client.tcp) ||
        uv_tcp_connect(connect, &link->service.tcp, (struct sockaddr *)&proxy.service,
                       on_connected)) {
        free(connect);
        link_close(link);
    }
}

static int listen_somewhere(void)
{
    struct sockaddr_in address;
    int size = sizeof address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(&proxy.loop, &proxy.server);
    if (uv_tcp_bind(&proxy.server, (struct sockaddr *)&address, 0) ||
        uv_listen((uv_stream_t *)&proxy.server, BACKLOG, on_connection) ||
        uv_tcp_getsockname(&proxy.server, (struct sockaddr *)&address, &size))
        return -1;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 7 || uv_ip4_addr(argv[1], atoi(argv[2]), &proxy.service)) {
        fputs("usage: bench_distance HOST PORT MEDIAN_MS SIGMA LOSS SEED\n", stderr);
        return 2;
    }
    proxy.median_ms = atof(argv[3]);
    proxy.sigma = atof(argv[4]);
    proxy.loss = atof(argv[5]);
    proxy.state = strtoull(argv[6], NULL, 10) * 2 + 1;
    uv_loop_init(&proxy.loop);
    if (listen_somewhere()) {
        fputs("bench_distance: no port\n", stderr);
        return 1;
    }
    return uv_run(&proxy.loop, UV_RUN_DEFAULT);
}
