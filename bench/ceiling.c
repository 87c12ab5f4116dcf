/*
 * A server with constant responses: it shows the upper bound for any server with bench_requests on
 * this machine and kernel.
 *
 * One thread. A request is read to its end, by its Content-Length, and gets a constant response:
 * GET as many bytes as its path says (/bench/SIZE/KEY, as bench_requests names its objects),
 * ReceiveMessage a message of 1 KB, all others an empty object. Nothing is checked or stored.
 *
 * usage: bench_ceiling --port N; ends with a signal.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DESCRIPTORS_MAX = 4096,
    READ_SIZE = 1024 * 1024,
    BODY_MAX = 1024 * 1024,
    MESSAGE_SIZE = 1024,
    HEAD_ROOM = 256,
};

struct ceiling_connection {
    size_t body_left; /* of a request that is not read to its end */
    const char *response;
    size_t response_left;
    bool waits; /* for room to write */
};

static struct ceiling_connection connections[DESCRIPTORS_MAX];
static char input[READ_SIZE + 1];
static char empty[HEAD_ROOM], message[HEAD_ROOM + MESSAGE_SIZE], object[HEAD_ROOM + BODY_MAX];
static size_t empty_size, message_size, object_size, object_body;
static int epoll;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_ceiling: %s: %s\n", what, strerror(errno));
    exit(1);
}

static size_t head_put(char *out, size_t body)
{
    return (size_t)snprintf(out, HEAD_ROOM, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body);
}

static void object_make(size_t size)
{
    if (size > BODY_MAX)
        size = BODY_MAX;
    object_body = size;
    object_size = head_put(object, size);
    memset(object + object_size, 'x', size);
    object_size += size;
}

static void responses_make(void)
{
    static const char before[] = "{\"Messages\":[{\"ReceiptHandle\":\"none\",\"Body\":\"";
    static const char after[] = "\"}]}";
    empty_size = head_put(empty, 2);
    memcpy(empty + empty_size, "{}", 2);
    empty_size += 2;
    char *at = message;
    at += head_put(at, sizeof before - 1 + MESSAGE_SIZE + sizeof after - 1);
    at = mempcpy(at, before, sizeof before - 1);
    at = memset(at, 'x', MESSAGE_SIZE);
    at = mempcpy(at + MESSAGE_SIZE, after, sizeof after - 1);
    message_size = (size_t)(at - message);
    object_make(0);
}

static void watch(int fd, bool writable)
{
    struct epoll_event event = {.events = EPOLLIN | (writable ? (uint32_t)EPOLLOUT : 0),
                                .data.fd = fd};
    if (connections[fd].waits == writable)
        return;
    connections[fd].waits = writable;
    epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
}

static void write_on(int fd)
{
    struct ceiling_connection *c = &connections[fd];
    while (c->response_left) {
        ssize_t sent = send(fd, c->response, c->response_left, MSG_NOSIGNAL);
        if (sent < 0)
            break;
        c->response += sent;
        c->response_left -= (size_t)sent;
    }
    watch(fd, c->response_left > 0);
}

static void choose(struct ceiling_connection *c, const char *head)
{
    if (strncmp(head, "GET ", 4) == 0) {
        size_t size = strtoul(head + sizeof "GET /bench/" - 1, NULL, 10);
        if (size != object_body)
            object_make(size);
        c->response = object;
        c->response_left = object_size;
    } else if (strstr(head, "AmazonSQS.ReceiveMessage")) {
        c->response = message;
        c->response_left = message_size;
    } else {
        c->response = empty;
        c->response_left = empty_size;
    }
}

/* A head comes whole: it is less than a segment of the loopback. */
static void take(int fd, size_t size)
{
    struct ceiling_connection *c = &connections[fd];
    if (!c->body_left) {
        input[size] = '\0';
        const char *end = strstr(input, "\r\n\r\n"), *length = strstr(input, "Content-Length: ");
        if (!end)
            die("an incomplete request head");
        choose(c, input);
        size_t body = length && length < end ? strtoul(length + 16, NULL, 10) : 0;
        size_t have = size - (size_t)(end + 4 - input);
        c->body_left = body - (have < body ? have : body);
    } else {
        c->body_left -= size < c->body_left ? size : c->body_left;
    }
    if (!c->body_left)
        write_on(fd);
}

static void read_on(int fd)
{
    ssize_t size = read(fd, input, READ_SIZE);
    if (size > 0) {
        take(fd, (size_t)size);
    } else if (size == 0 || errno != EAGAIN) {
        connections[fd] = (struct ceiling_connection){0};
        close(fd);
    }
}

static void accept_one(int listener)
{
    int one = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 || fd >= DESCRIPTORS_MAX)
        die("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int listen_on(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof to) || listen(fd, 1024))
        die("listen");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[64];
    if (argc != 3 || strcmp(argv[1], "--port") != 0) {
        fprintf(stderr, "usage: bench_ceiling --port N\n");
        return 2;
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    responses_make();
    int listener = listen_on((unsigned)strtoul(argv[2], NULL, 10));
    for (;;) {
        int count = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener)
                accept_one(fd);
            else if (events[i].events & EPOLLOUT)
                write_on(fd);
            else
                read_on(fd);
        }
    }
}
