/*
 * The listening socket and the registry of connections.
 *
 * Connections are accepted with plain calls on a polled socket: if the process is out of
 * descriptors or memory, accepting pauses for a moment and the peers wait in the backlog. libuv's
 * own listener would either drop them or, if another thread takes its spare descriptor, loop
 * without end.
 */
#include "http_private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "container_of.h"

enum {
    BACKLOG = 511,
    ACCEPT_BATCH = 32,     /* connections accepted per loop iteration */
    ACCEPT_RETRY_MS = 200, /* pause after a failed accept */
};

static void on_acceptable(uv_poll_t *poll, int code, int events);

static void listen_again(struct http_server *server)
{
    int code = uv_poll_start(&server->accept, UV_READABLE, on_acceptable);
    if (code)
        log_error("cannot watch the listening socket", LOG_TEXT("error", uv_strerror(code)));
}

static void on_accept_retry(uv_timer_t *timer)
{
    listen_again(container_of(timer, struct http_server, accept_retry));
}

static void accept_failed(struct http_server *server, int code)
{
    uv_poll_stop(&server->accept);
    uv_timer_start(&server->accept_retry, on_accept_retry, ACCEPT_RETRY_MS, 0);
    if (log_gate_open(&server->accept_gate, uv_now(server->loop), HTTP_LOG_EVERY_MS))
        log_warn("cannot accept connections for now", LOG_TEXT("error", strerror(code)),
                 LOG_INT("connections", server->connection_count),
                 LOG_SUPPRESSED(&server->accept_gate));
}

static void accept_one(struct http_server *server, int fd)
{
    size_t limit = server->options.connections;
    bool welcome = server->connection_count < limit || crowd_make_room(server);
    if (!welcome && log_gate_open(&server->crowd_gate, uv_now(server->loop), HTTP_LOG_EVERY_MS))
        log_warn("too many connections: new ones are refused", LOG_INT("connections", limit),
                 LOG_SUPPRESSED(&server->crowd_gate));
    if (server->connection_count >= limit + HTTP_UNWELCOME_MAX)
        close(fd);
    else
        connection_accept(server, fd, welcome);
}

static void on_acceptable(uv_poll_t *poll, int code, int events)
{
    struct http_server *server = container_of(poll, struct http_server, accept);
    (void)events;
    (void)code; /* accept reports the error */
    for (int i = 0; i < ACCEPT_BATCH && !server->closing; i++) {
        int fd = accept4(server->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            accept_one(server, fd);
            continue;
        }
        if (errno == EAGAIN)
            return;
        if (errno != EINTR && errno != ECONNABORTED) {
            accept_failed(server, errno);
            return;
        }
    }
}

static int parse_address(const struct http_server_options *options,
                         struct sockaddr_storage *address, struct error *error)
{
    int port = (int)options->port;
    if (options->host && options->port <= 65535 &&
        (!uv_ip4_addr(options->host, port, (struct sockaddr_in *)address) ||
         !uv_ip6_addr(options->host, port, (struct sockaddr_in6 *)address)))
        return 0;
    return error_set(error, ERR_INVALID,
                     "cannot listen on '%s', port %u: give a numeric address such as 127.0.0.1 and "
                     "a port from 0 to 65535",
                     options->host ? options->host : "", options->port);
}

static int listen_failed(const struct http_server_options *options, struct error *error)
{
    const char *host = options->host;
    unsigned port = options->port;
    if (errno == EADDRINUSE)
        return error_set(error, ERR_BUSY,
                         "cannot listen on %s port %u: the port is in use; stop the process that "
                         "uses it, or choose another port (0 picks a free one)",
                         host, port);
    if (errno == EACCES)
        return error_set(error, ERR_DENIED,
                         "cannot listen on %s port %u: not permitted; choose a port above 1023",
                         host, port);
    if (errno == EADDRNOTAVAIL)
        return error_set(error, ERR_INVALID,
                         "cannot listen on %s port %u: this machine has no such address", host,
                         port);
    return error_set(error, ERR_NETWORK, "cannot listen on %s port %u: %s", host, port,
                     strerror(errno));
}

/* Returns the descriptor, or a negative code. */
static int open_socket(const struct http_server_options *options, unsigned *port,
                       struct error *error)
{
    struct sockaddr_storage address = {0};
    int code = parse_address(options, &address, error);
    if (code)
        return code;
    bool v6 = address.ss_family == AF_INET6;
    socklen_t size = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int one = 1;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return listen_failed(options, error);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
        bind(fd, (struct sockaddr *)&address, size) || listen(fd, BACKLOG) ||
        getsockname(fd, (struct sockaddr *)&address, &size)) {
        code = listen_failed(options, error);
        close(fd);
        return code;
    }
    *port = ntohs(v6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                     : ((struct sockaddr_in *)&address)->sin_port);
    return fd;
}

static void set_options(struct http_server *server, const struct http_server_options *options)
{
    struct http_server_options *o = &server->options;
    *o = *options;
    o->host = NULL;
    if (!o->header_max)
        o->header_max = 32 * 1024;
    if (!o->collect_max)
        o->collect_max = 128 * 1024 * 1024;
    if (!o->body_max)
        o->body_max = 5 * UINT64_C(1024) * 1024 * 1024 + 1024 * 1024;
    if (!o->idle_ms)
        o->idle_ms = 60000;
    if (!o->connections)
        o->connections = 1024;
}

static void on_prepare(uv_prepare_t *prepare)
{
    server_write_held(container_of(prepare, struct http_server, before_poll));
}

void server_hold_writes(struct http_server *server)
{
    list_init(&server->held);
    uv_prepare_init(server->loop, &server->before_poll);
    uv_prepare_start(&server->before_poll, on_prepare);
    uv_unref((uv_handle_t *)&server->before_poll);
}

/* Writing to a closed connection raises SIGPIPE, and libuv 1.44 does not pass MSG_NOSIGNAL. */
static void ignore_broken_pipes(void)
{
    struct sigaction now;
    if (!sigaction(SIGPIPE, NULL, &now) && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

int http_server_start(uv_loop_t *loop, const struct http_server_options *options,
                      struct http_server **out, struct error *error)
{
    *out = NULL;
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return error_set(error, ERR_MEMORY, "not enough memory for the HTTP server");
    ignore_broken_pipes();
    server->loop = loop;
    set_options(server, options);
    int code = server->socket = open_socket(options, &server->port, error);
    if (code < 0)
        goto free_server;
    code = uv_poll_init(loop, &server->accept, server->socket);
    if (code) {
        code = error_set(error, ERR_NETWORK, "cannot watch the listening socket: %s",
                         uv_strerror(code));
        goto close_socket;
    }
    uv_timer_init(loop, &server->accept_retry);
    server_hold_writes(server);
    server->handles = 3;
    listen_again(server);
    *out = server;
    return 0;

close_socket:
    close(server->socket);
free_server:
    free(server);
    return code;
}

unsigned http_server_port(const struct http_server *server)
{
    return server->port;
}

static void free_when_closed(struct http_server *server)
{
    if (!server->closing || server->handles || server->connection_count)
        return;
    if (server->closed)
        server->closed(server->closed_user);
    free(server);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    server->handles--;
    free_when_closed(server);
}

void http_server_close(struct http_server *server, void (*closed)(void *user), void *user)
{
    server->closing = true;
    server->closed = closed;
    server->closed_user = user;
    server->accept.data = server->accept_retry.data = server->before_poll.data = server;
    uv_close((uv_handle_t *)&server->accept, on_handle_closed);
    uv_close((uv_handle_t *)&server->accept_retry, on_handle_closed);
    uv_close((uv_handle_t *)&server->before_poll, on_handle_closed);
    close(server->socket); /* uv_close has removed it from the poll set */
    for (struct http_connection *c = server->connections; c; c = c->next)
        connection_close(c, ERR_CANCELLED, false);
}

void server_forget(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    server->connection_count--;
    free(connection);
    free_when_closed(server);
}

/* IMF-fixdate (RFC 9110, 5.6.7), in English regardless of the locale, formatted once per second. */
const char *server_date(struct http_server *server)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    if (now != server->date_second) {
        struct tm utc;
        gmtime_r(&now, &utc);
        snprintf(server->date, sizeof server->date, "%s, %02u %s %04u %02u:%02u:%02u GMT",
                 days[utc.tm_wday % 7], (unsigned)utc.tm_mday % 100, months[utc.tm_mon % 12],
                 (unsigned)(utc.tm_year + 1900) % 10000, (unsigned)utc.tm_hour % 100,
                 (unsigned)utc.tm_min % 100, (unsigned)utc.tm_sec % 100);
        server->date_second = now;
    }
    return server->date;
}
