/*
 * A load generator for S3, SQS and SNS servers: one thread and several keep-alive connections, each
 * with one request after the other, for some seconds.
 *
 * The same program measures every server, so it does as little as possible: requests are built and
 * signed before the clock starts unless their bytes depend on a response (only a DeleteMessage
 * does), and responses are parsed by llhttp and discarded. A response other than 2xx counts as an
 * error, and the first one is shown.
 *
 * Prints one JSON object: requests (or messages, for "consume"), seconds, errors, and latencies in
 * microseconds.
 *
 * usage: bench_requests --port N --operation
 *        send|consume|put|get|fill|queues|bucket|purge|topic|publish
 *        [--size BYTES] [--connections N] [--seconds S] [--queues N] [--count N]
 *        [--access-key ID] [--secret-key SECRET]
 *
 *   send      SendMessage with a body of --size bytes
 *   consume   ReceiveMessage of one message, then DeleteMessage
 *   put       PutObject of --size bytes, KEYS keys in turn
 *   get       GetObject of what put has stored
 *   fill      SendMessageBatch of ten until --count messages are stored; not timed
 *   queues    creates --queues queues, bench-0 and so on
 *   bucket    creates the bucket
 *   purge     empties the first queue
 *   topic     creates a topic and subscribes the first queue (no raw delivery); one connection
 *   publish   Publish to that topic of a message of --size bytes
 *
 * With --count, put ends after this many requests, regardless of the time.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <llhttp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "hash.h"
#include "sigv4.h"

enum {
    CONNECTIONS_MAX = 1024,
    QUEUES_MAX = 10000,
    KEYS = 1000,
    SAMPLES_MAX = 4 * 1000 * 1000,
    READ_SIZE = 256 * 1024,
    HEAD_MAX = 4096,
    BODY_KEPT = 64 * 1024, /* of a response: a received message's receipt is in it */
};

enum operation {
    OP_SEND,
    OP_CONSUME,
    OP_PUT,
    OP_GET,
    OP_FILL,
    OP_QUEUES,
    OP_PURGE,
    OP_BUCKET,
    OP_TOPIC,
    OP_PUBLISH
};
static const char *const operation_names[] = {"send",   "consume", "put",    "get",   "fill",
                                              "queues", "purge",   "bucket", "topic", "publish"};

#define TOPIC "arn:aws:sns:us-east-1:000000000000:bench"
#define QUEUE "arn:aws:sqs:us-east-1:000000000000:bench-0"

struct request {
    struct buffer head;
    const void *body;
    size_t body_size;
};

struct connection {
    int fd;
    bool writable_wanted;
    struct request request;
    bool own_request; /* the request is this connection's alone: a delete */
    size_t written;
    uint64_t began_us;
    llhttp_t parser;
    struct buffer response;
    bool complete;
    unsigned queue;
};

static struct {
    unsigned port;
    enum operation operation;
    size_t size;
    unsigned connections;
    double seconds;
    unsigned queues;
    uint64_t count;
    const char *access_key, *secret_key;

    char date[SIGV4_DATE_SIZE];
    uint8_t s3_key[SIGV4_KEY_SIZE], sqs_key[SIGV4_KEY_SIZE], sns_key[SIGV4_KEY_SIZE];
    char *payload;
    char *message; /* JSON of a SendMessage, for one queue */
    struct request *requests;
    size_t request_count;
    uint64_t next;

    int epoll;
    struct connection *all;
    char *read_buffer;
    uint64_t began_us, end_us, done, errors, asked;
    unsigned busy;
    uint32_t *samples;
    size_t sample_count;
} g = {.size = 1024,
       .connections = 1,
       .seconds = 3,
       .queues = 1,
       .access_key = "test",
       .secret_key = "test"};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_requests: %s%s%s\n", what, errno ? ": " : "",
            errno ? strerror(errno) : "");
    exit(1);
}

static uint64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- requests ---- */

static void signing_keys(void)
{
    sigv4_date(time(NULL), g.date);
    struct sigv4_scope scope = {.region = "us-east-1", .service = "s3"};
    memcpy(scope.date, g.date, sizeof scope.date);
    sigv4_signing_key(g.secret_key, &scope, g.s3_key);
    scope.service = "sqs";
    sigv4_signing_key(g.secret_key, &scope, g.sqs_key);
    scope.service = "sns";
    sigv4_signing_key(g.secret_key, &scope, g.sns_key);
}

/* The whole head of a signed request. target: of SQS's JSON protocol; NULL for S3. */
static void request_make(struct request *request, const char *method, const char *path,
                         const char *target, const void *body, size_t size)
{
    char hash[SIGV4_HEX_SIZE] = SIGV4_UNSIGNED_PAYLOAD, host[64], full_target[96],
         signature[SIGV4_HEX_SIZE];
    if (target)
        sha256_hex(body, size, hash);
    snprintf(host, sizeof host, "127.0.0.1:%u", g.port);
    snprintf(full_target, sizeof full_target, "AmazonSQS.%s", target ? target : "");
    struct sigv4_header headers[] = {
        {SLICE_LITERAL("host"), slice_of(host)},
        {SLICE_LITERAL("x-amz-content-sha256"), slice_of(hash)},
        {SLICE_LITERAL("x-amz-date"), slice_of(g.date)},
        {SLICE_LITERAL("x-amz-target"), slice_of(full_target)},
    };
    struct sigv4_request what = {.method = slice_of(method),
                                 .path = slice_of(path),
                                 .headers = headers,
                                 .header_count = target ? 4 : 3,
                                 .payload_hash = hash,
                                 .normalise_path = target != NULL};
    struct sigv4_scope scope = {.region = "us-east-1", .service = target ? "sqs" : "s3"};
    memcpy(scope.date, g.date, sizeof scope.date);
    if (sigv4_signature(&what, &scope, target ? g.sqs_key : g.s3_key, signature))
        die("signing failed");
    buffer_init(&request->head, HEAD_MAX);
    buffer_format(&request->head,
                  "%s %s HTTP/1.1\r\nHost: %s\r\nx-amz-date: %s\r\nx-amz-content-sha256: %s\r\n"
                  "Content-Length: %zu\r\n",
                  method, path, host, g.date, hash, size);
    if (target)
        buffer_format(&request->head,
                      "x-amz-target: %s\r\nContent-Type: application/x-amz-json-1.0\r\n",
                      full_target);
    buffer_format(&request->head,
                  "Authorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, "
                  "SignedHeaders=host;x-amz-content-sha256;x-amz-date%s, Signature=%s\r\n\r\n",
                  g.access_key, g.date, scope.service, target ? ";x-amz-target" : "", signature);
    if (request->head.error)
        die("a request head is too long");
    request->body = body;
    request->body_size = size;
}

static char *format(const char *text, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *text, ...)
{
    va_list args;
    va_start(args, text);
    char *out = NULL;
    if (vasprintf(&out, text, args) < 0)
        die("out of memory");
    va_end(args);
    return out;
}

static char *queue_url(unsigned queue)
{
    return format("http://127.0.0.1:%u/000000000000/bench-%u", g.port, queue);
}

static void add_sqs(const char *target, char *body)
{
    request_make(&g.requests[g.request_count++], "POST", "/", target, body, strlen(body));
}

static void make_sends(void)
{
    for (unsigned i = 0; i < g.queues; i++)
        add_sqs("SendMessage",
                format("{\"QueueUrl\":\"%s\",\"MessageBody\":\"%s\"}", queue_url(i), g.payload));
}

static void make_receives(void)
{
    for (unsigned i = 0; i < g.queues; i++)
        add_sqs("ReceiveMessage",
                format("{\"QueueUrl\":\"%s\",\"MaxNumberOfMessages\":1}", queue_url(i)));
}

static void make_fills(void)
{
    for (unsigned i = 0; i < g.queues; i++) {
        struct buffer body;
        buffer_init(&body, 11 * (g.size + 100));
        buffer_format(&body, "{\"QueueUrl\":\"%s\",\"Entries\":[", queue_url(i));
        for (int entry = 0; entry < 10; entry++)
            buffer_format(&body, "%s{\"Id\":\"%d\",\"MessageBody\":\"%s\"}", entry ? "," : "",
                          entry, g.payload);
        buffer_text(&body, "]}");
        char *text = buffer_take_text(&body);
        if (!text)
            die("a batch is too long");
        add_sqs("SendMessageBatch", text);
    }
}

static void make_queues(void)
{
    for (unsigned i = 0; i < g.queues; i++)
        add_sqs("CreateQueue", format("{\"QueueName\":\"bench-%u\"}", i));
}

/* A form, of SNS's Query protocol. */
static void add_sns(char *body)
{
    struct request *request = &g.requests[g.request_count++];
    char hash[SIGV4_HEX_SIZE], host[64], signature[SIGV4_HEX_SIZE];
    size_t size = strlen(body);
    sha256_hex(body, size, hash);
    snprintf(host, sizeof host, "127.0.0.1:%u", g.port);
    struct sigv4_header headers[] = {{SLICE_LITERAL("host"), slice_of(host)},
                                     {SLICE_LITERAL("x-amz-date"), slice_of(g.date)}};
    struct sigv4_request what = {.method = SLICE_LITERAL("POST"),
                                 .path = SLICE_LITERAL("/"),
                                 .headers = headers,
                                 .header_count = 2,
                                 .payload_hash = hash,
                                 .normalise_path = true};
    struct sigv4_scope scope = {.region = "us-east-1", .service = "sns"};
    memcpy(scope.date, g.date, sizeof scope.date);
    if (sigv4_signature(&what, &scope, g.sns_key, signature))
        die("signing failed");
    buffer_init(&request->head, HEAD_MAX);
    buffer_format(&request->head,
                  "POST / HTTP/1.1\r\nHost: %s\r\nx-amz-date: %s\r\nContent-Length: %zu\r\n"
                  "Content-Type: application/x-www-form-urlencoded\r\n"
                  "Authorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/sns/aws4_request, "
                  "SignedHeaders=host;x-amz-date, Signature=%s\r\n\r\n",
                  host, g.date, size, g.access_key, g.date, signature);
    if (request->head.error)
        die("a request head is too long");
    request->body = body;
    request->body_size = size;
}

static void make_topic(void)
{
    add_sqs("SetQueueAttributes",
            format("{\"QueueUrl\":\"%s\",\"Attributes\":{\"Policy\":\"{\\\"Statement\\\":[{"
                   "\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\",\\\"Action\\\":"
                   "\\\"sqs:SendMessage\\\",\\\"Resource\\\":\\\"*\\\"}]}\"}}",
                   queue_url(0)));
    add_sns(format("Action=CreateTopic&Version=2010-03-31&Name=bench"));
    add_sns(format("Action=Subscribe&Version=2010-03-31&TopicArn=" TOPIC
                   "&Protocol=sqs&Endpoint=" QUEUE));
}

static void make_objects(const char *method, const void *body, size_t size)
{
    for (unsigned i = 0; i < KEYS; i++) {
        char *path = format("/bench/%zu/%u", g.size, i);
        request_make(&g.requests[g.request_count++], method, path, NULL, body, size);
        free(path);
    }
}

static void requests_make(void)
{
    g.payload = malloc(g.size + 1);
    g.requests = calloc(QUEUES_MAX + KEYS, sizeof *g.requests);
    if (!g.payload || !g.requests)
        die("out of memory");
    memset(g.payload, 'x', g.size);
    g.payload[g.size] = '\0';
    switch (g.operation) {
    case OP_SEND:
        make_sends();
        break;
    case OP_CONSUME:
        make_receives();
        break;
    case OP_FILL:
        make_fills();
        break;
    case OP_QUEUES:
        make_queues();
        break;
    case OP_PURGE:
        add_sqs("PurgeQueue", format("{\"QueueUrl\":\"%s\"}", queue_url(0)));
        break;
    case OP_BUCKET:
        request_make(&g.requests[g.request_count++], "PUT", "/bench", NULL, "", 0);
        break;
    case OP_TOPIC:
        make_topic();
        break;
    case OP_PUBLISH:
        add_sns(
            format("Action=Publish&Version=2010-03-31&TopicArn=" TOPIC "&Message=%s", g.payload));
        break;
    case OP_PUT:
        make_objects("PUT", g.payload, g.size);
        break;
    case OP_GET:
        make_objects("GET", "", 0);
        break;
    }
}

/* ---- connections ---- */

static int on_body(llhttp_t *parser, const char *at, size_t size)
{
    struct connection *c = parser->data;
    if (c->response.size + size <= BODY_KEPT)
        buffer_append(&c->response, at, size);
    return 0;
}

static int on_message(llhttp_t *parser)
{
    struct connection *c = parser->data;
    c->complete = true;
    return 0;
}

static const llhttp_settings_t settings = {.on_body = on_body, .on_message_complete = on_message};

static void wait_for(struct connection *c, bool writable)
{
    struct epoll_event event = {.events = EPOLLIN | (writable ? (uint32_t)EPOLLOUT : 0),
                                .data.ptr = c};
    if (c->writable_wanted == writable)
        return;
    c->writable_wanted = writable;
    epoll_ctl(g.epoll, EPOLL_CTL_MOD, c->fd, &event);
}

/* Head and body with one system call, as far as the socket takes them. */
static ssize_t send_rest(const struct connection *c)
{
    const struct request *request = &c->request;
    size_t head = c->written < request->head.size ? request->head.size - c->written : 0;
    size_t body = request->head.size + request->body_size - c->written - head;
    char *body_end = (char *)(uintptr_t)request->body + request->body_size; /* it is only read */
    struct iovec parts[] = {{request->head.data + request->head.size - head, head},
                            {body_end - body, body}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    return sendmsg(c->fd, &message, MSG_NOSIGNAL);
}

static void write_on(struct connection *c)
{
    size_t whole = c->request.head.size + c->request.body_size;
    while (c->written < whole) {
        ssize_t sent = send_rest(c);
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0)
            die("a connection failed");
        c->written += (size_t)sent;
    }
    wait_for(c, c->written < whole);
}

static void request_start(struct connection *c)
{
    c->written = 0;
    c->complete = false;
    buffer_clear(&c->response);
    llhttp_init(&c->parser, HTTP_RESPONSE, &settings);
    c->parser.data = c;
    write_on(c);
}

static bool more_wanted(void)
{
    return g.count ? g.asked < g.count : now_us() < g.end_us;
}

static void next_request(struct connection *c)
{
    if (!more_wanted()) {
        g.busy--;
        return;
    }
    g.asked++;
    c->queue = (unsigned)(g.next++ % g.request_count);
    c->request = g.requests[c->queue];
    c->own_request = false;
    c->began_us = now_us();
    request_start(c);
}

static void request_drop(struct connection *c)
{
    if (c->own_request) {
        buffer_free(&c->request.head);
        free((void *)(uintptr_t)c->request.body);
    }
    c->own_request = false;
}

static void sample(struct connection *c)
{
    if (g.sample_count < SAMPLES_MAX)
        g.samples[g.sample_count++] = (uint32_t)(now_us() - c->began_us);
}

/* The second half of "consume". False: nothing was received. */
static bool delete_received(struct connection *c)
{
    static const char name[] = "\"ReceiptHandle\":\"";
    buffer_byte(&c->response, '\0');
    char *from = c->response.data ? strstr(c->response.data, name) : NULL;
    char *to = from ? strchr(from + sizeof name, '"') : NULL;
    if (!to)
        return false;
    from += sizeof name - 1;
    char *body = format("{\"QueueUrl\":\"%s\",\"ReceiptHandle\":\"%.*s\"}", queue_url(c->queue),
                        (int)(to - from), from);
    request_make(&c->request, "POST", "/", "DeleteMessage", body, strlen(body));
    c->own_request = true;
    request_start(c);
    return true;
}

static void complain(struct connection *c)
{
    if (g.errors++ == 0)
        fprintf(stderr, "bench_requests: %s: status %d: %.*s\n", operation_names[g.operation],
                c->parser.status_code, (int)(c->response.size < 300 ? c->response.size : 300),
                c->response.data ? c->response.data : "");
}

static void request_done(struct connection *c)
{
    bool good = c->parser.status_code / 100 == 2;
    bool deleted = c->own_request;
    request_drop(c);
    if (!good) {
        complain(c);
    } else if (g.operation == OP_CONSUME && !deleted) {
        if (delete_received(c))
            return;
        complain(c); /* the queue is empty: the run is not worth anything */
    } else {
        sample(c);
        g.done++;
    }
    next_request(c);
}

static void read_on(struct connection *c)
{
    ssize_t size = read(c->fd, g.read_buffer, READ_SIZE);
    if (size < 0 && errno == EAGAIN)
        return;
    if (size <= 0)
        die("the server closed a connection");
    enum llhttp_errno code = llhttp_execute(&c->parser, g.read_buffer, (size_t)size);
    if (code != HPE_OK && code != HPE_PAUSED_UPGRADE)
        die(llhttp_errno_name(code));
    if (c->complete)
        request_done(c);
}

static void connection_open(struct connection *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)g.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to))
        die("cannot connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    buffer_init(&c->response, BODY_KEPT + 1);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(g.epoll, EPOLL_CTL_ADD, c->fd, &event))
        die("epoll_ctl");
}

/* ---- the run ---- */

static void run(void)
{
    g.epoll = epoll_create1(EPOLL_CLOEXEC);
    g.all = calloc(g.connections, sizeof *g.all);
    g.samples = calloc(SAMPLES_MAX, sizeof *g.samples);
    g.read_buffer = malloc(READ_SIZE);
    if (g.epoll < 0 || !g.all || !g.samples || !g.read_buffer)
        die("out of memory");
    for (unsigned i = 0; i < g.connections; i++)
        connection_open(&g.all[i]);
    g.busy = g.connections;
    g.began_us = now_us();
    g.end_us = g.began_us + (uint64_t)(g.seconds * 1e6);
    for (unsigned i = 0; i < g.connections; i++)
        next_request(&g.all[i]);
    struct epoll_event events[64];
    while (g.busy) {
        int count = epoll_wait(g.epoll, events, 64, 30000);
        if (count == 0)
            die("no response for 30 seconds");
        for (int i = 0; i < count; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                write_on(c);
            if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
                read_on(c);
        }
    }
}

static int compare_samples(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(void)
{
    double seconds = (double)(now_us() - g.began_us) / 1e6;
    qsort(g.samples, g.sample_count, sizeof *g.samples, compare_samples);
    size_t last = g.sample_count ? g.sample_count - 1 : 0;
    printf(
        "{\"done\": %llu, \"seconds\": %.3f, \"errors\": %llu, \"p50_us\": %u, \"p99_us\": %u}\n",
        (unsigned long long)g.done, seconds, (unsigned long long)g.errors, g.samples[last / 2],
        g.samples[last * 99 / 100]);
}

static enum operation operation_of(const char *name)
{
    for (size_t i = 0; i < sizeof operation_names / sizeof operation_names[0]; i++) {
        if (!strcmp(name, operation_names[i]))
            return (enum operation)i;
    }
    errno = 0;
    die("unknown --operation");
}

static void read_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},       {"operation", required_argument, NULL, 'o'},
        {"size", required_argument, NULL, 's'},       {"connections", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 't'},    {"queues", required_argument, NULL, 'q'},
        {"count", required_argument, NULL, 'n'},      {"access-key", required_argument, NULL, 'a'},
        {"secret-key", required_argument, NULL, 'k'}, {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        const char *value = optarg ? optarg : ""; /* of an unknown option */
        unsigned long long number = strtoull(value, NULL, 10);
        switch (option) {
        case 'p':
            g.port = (unsigned)number;
            break;
        case 'o':
            g.operation = operation_of(value);
            break;
        case 's':
            g.size = (size_t)number;
            break;
        case 'c':
            g.connections = (unsigned)number;
            break;
        case 't':
            g.seconds = strtod(value, NULL);
            break;
        case 'q':
            g.queues = (unsigned)number;
            break;
        case 'n':
            g.count = number;
            break;
        case 'a':
            g.access_key = value;
            break;
        case 'k':
            g.secret_key = value;
            break;
        default:
            exit(2);
        }
    }
    errno = 0;
    if (!g.port || !g.connections || g.connections > CONNECTIONS_MAX || !g.queues ||
        g.queues > QUEUES_MAX)
        die("--port, --connections 1..1024, --queues 1..10000");
}

int main(int argc, char **argv)
{
    read_arguments(argc, argv);
    if (g.operation == OP_QUEUES)
        g.count = g.queues;
    else if (g.operation == OP_FILL)
        g.count = (g.count + 9) / 10;
    else if (g.operation == OP_PURGE || g.operation == OP_BUCKET)
        g.count = 1;
    else if (g.operation == OP_TOPIC)
        g.count = 3;
    signing_keys();
    requests_make();
    run();
    report();
    return g.errors ? 1 : 0;
}
