#include "http_sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "container_of.h"
#include "error.h"

struct http_socket {
    uv_poll_t poll;
    struct http_sockets *sockets;
    struct list link;      /* in no list: a socket that curl uses internally, such as its
                            * resolver's */
    struct list port_link; /* a connection's socket: in sockets->unsorted or one of by_port */
    curl_socket_t fd;
    int events; /* of uv_poll_event: what curl waits for */
    int local_port;
    bool used; /* a request was sent on it */
};

void http_sockets_init(struct http_sockets *sockets, uv_loop_t *loop,
                       const struct http_sockets_owner *owner)
{
    sockets->loop = loop;
    sockets->owner = owner;
    list_init(&sockets->open);
    list_init(&sockets->unsorted);
    for (size_t i = 0; i < HTTP_SOCKETS_BUCKETS; i++)
        list_init(&sockets->by_port[i]);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct http_socket *socket = container_of((uv_poll_t *)handle, struct http_socket, poll);
    struct http_sockets *sockets = socket->sockets;
    free(socket);
    sockets->owner->counted(sockets, -1);
}

static struct http_socket *socket_create(struct http_sockets *sockets, curl_socket_t fd)
{
    struct http_socket *socket = calloc(1, sizeof *socket);
    if (!socket)
        return NULL;
    if (uv_poll_init_socket(sockets->loop, &socket->poll, fd)) {
        free(socket);
        return NULL;
    }
    socket->sockets = sockets;
    socket->fd = fd;
    list_init(&socket->link);
    list_init(&socket->port_link);
    sockets->owner->counted(sockets, 1);
    return socket;
}

/* The poll must stop before the descriptor is closed; uv_close stops it at once. */
static void socket_destroy(struct http_socket *socket)
{
    list_remove(&socket->link);
    list_remove(&socket->port_link);
    uv_close((uv_handle_t *)&socket->poll, on_poll_closed);
}

static bool is_connection(const struct http_socket *socket)
{
    return !list_empty(&socket->link);
}

static struct http_socket *socket_find(struct http_sockets *sockets, curl_socket_t fd)
{
    for (struct list *link = sockets->open.next; link != &sockets->open; link = link->next) {
        struct http_socket *socket = container_of(link, struct http_socket, link);
        if (socket->fd == fd)
            return socket;
    }
    return NULL;
}

/* ---- opened and closed by curl ---- */

static curl_socket_t on_open(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_sockets *sockets = user;
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    struct http_socket *socket = socket_create(sockets, fd);
    if (!socket) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    list_push(&sockets->open, &socket->link);
    list_push(&sockets->unsorted, &socket->port_link);
    return fd;
}

static int on_close(void *user, curl_socket_t fd)
{
    struct http_socket *socket = socket_find(user, fd);
    if (socket)
        socket_destroy(socket);
    return close(fd);
}

int http_sockets_serve(struct http_sockets *sockets, CURL *easy)
{
    unsigned code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    code |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, sockets);
    code |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    code |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sockets);
    return code ? ERR_MEMORY : 0;
}

/* ---- during a transfer ---- */

static void on_ready(uv_poll_t *poll, int code, int events)
{
    struct http_socket *socket = container_of(poll, struct http_socket, poll);
    int bits = 0;
    if (code == 0 && (events & UV_READABLE))
        bits |= CURL_CSELECT_IN;
    if (code == 0 && (events & UV_WRITABLE))
        bits |= CURL_CSELECT_OUT;
    /* libuv stops a poll after an error, but curl may still have to read data that arrived before
     * it. */
    if (!uv_is_active((uv_handle_t *)poll))
        uv_poll_start(poll, socket->events, on_ready);
    socket->sockets->owner->ready(socket->sockets, socket->fd, bits);
}

/* The connection is idle: nothing may arrive. Any data stays unread, and http_sockets_listen finds
 * it. */
static void on_idle(uv_poll_t *poll, int code, int events)
{
    struct http_socket *socket = container_of(poll, struct http_socket, poll);
    (void)code;
    (void)events;
    uv_poll_stop(poll);
    shutdown(socket->fd, SHUT_RDWR);
}

static void release(struct http_socket *socket)
{
    if (!is_connection(socket)) {
        socket_destroy(socket);
        return;
    }
    uv_poll_start(&socket->poll, UV_READABLE | UV_DISCONNECT, on_idle);
    uv_unref((uv_handle_t *)&socket->poll); /* idle connections do not keep the loop running */
}

int http_sockets_want(struct http_sockets *sockets, CURLM *multi, curl_socket_t fd, int what,
                      void *assigned)
{
    struct http_socket *socket = assigned;
    if (what == CURL_POLL_REMOVE) {
        if (socket)
            release(socket);
        return 0;
    }
    if (!socket) {
        socket = socket_find(sockets, fd);
        if (!socket)
            socket = socket_create(sockets, fd);
        if (!socket)
            return ERR_MEMORY;
        curl_multi_assign(multi, fd, socket);
    }
    socket->events =
        (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&socket->poll, socket->events, on_ready);
    uv_ref((uv_handle_t *)&socket->poll);
    return 0;
}

/* ---- before use ---- */

static int port_of(curl_socket_t fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, &address.any, &size))
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static struct list *bucket_of(struct http_sockets *sockets, int local_port)
{
    return &sockets->by_port[(unsigned)local_port % HTTP_SOCKETS_BUCKETS];
}

/* A socket has a local port once it is connected; each is moved once. */
static void sort(struct http_sockets *sockets)
{
    struct list *next;
    for (struct list *link = sockets->unsorted.next; link != &sockets->unsorted; link = next) {
        struct http_socket *socket = container_of(link, struct http_socket, port_link);
        next = link->next;
        socket->local_port = port_of(socket->fd);
        if (socket->local_port == 0)
            continue;
        list_remove(&socket->port_link);
        list_push(bucket_of(sockets, socket->local_port), &socket->port_link);
    }
}

static enum http_silence look(curl_socket_t fd)
{
    char byte;
    ssize_t size = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size > 0)
        return HTTP_SPEAKS;
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? HTTP_SILENT : HTTP_ENDED;
}

/* Two connections to different peers may have the same local port: then the worse result counts. */
enum http_silence http_sockets_listen(struct http_sockets *sockets, int local_port, bool tls)
{
    enum http_silence worst = HTTP_SILENT;
    sort(sockets);
    const struct list *bucket = bucket_of(sockets, local_port);
    for (struct list *link = bucket->next; link != bucket; link = link->next) {
        struct http_socket *socket = container_of(link, struct http_socket, port_link);
        if (socket->local_port != local_port)
            continue;
        enum http_silence now = socket->used || !tls ? look(socket->fd) : HTTP_SILENT;
        socket->used = true;
        worst = now > worst ? now : worst;
    }
    return worst;
}
