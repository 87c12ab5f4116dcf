#include "cloud_harness.h"

#include <errno.h>
#include <ftw.h>
#include <jansson.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "buckets.h"
#include "cloud.h"
#include "events_state.h"
#include "hash.h"
#include "http_private.h"
#include "queues.h"
#include "request_log.h"
#include "router.h"
#include "services.h"
#include "signature_check.h"
#include "signature_fields.h"
#include "sns_expiry.h"
#include "sns_outbox.h"
#include "sns_signer.h"
#include "topics.h"

enum { TREE_DEPTH = 8 };

static const struct access_key key = {.access_key = "thumbwheel",
                                      .secret_key = "thumbwheel-secret",
                                      .arn = "arn:aws:iam::000000000000:root",
                                      .user_id = "000000000000"};
static const struct access_key_list keys = {.items = &key, .count = 1};

static uv_loop_t loop;
static struct cloud cloud;
static struct http_server server;
static char directory[64], log_path[96];
static size_t requests;

struct exchange {
    uv_poll_t poll;
    uv_timer_t timer;
    int fd;
    bool over;
    struct buffer *response; /* the caller's */
};

/* --- the cloud --- */

static void cloud_open(void)
{
    const char *const schemas[] = {queues_schema, topics_schema, sns_outbox_schema, events_schema,
                                   buckets_schema};
    struct error error = {0};
    requests = 0;
    snprintf(directory, sizeof directory, "%s/fuzz-cloud-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    require(mkdtemp(directory));
    cloud = (struct cloud){.loop = &loop,
                           .access_keys = &keys,
                           .services = cloud_services,
                           .region = "us-east-1",
                           .account = "000000000000"};
    snprintf(cloud.endpoint, sizeof cloud.endpoint, "http://127.0.0.1");
    require(!storage_open(&loop, directory, STORAGE_RELAXED, schemas, 5, &cloud.storage, &error));
    require(!queues_open(&cloud, &cloud.queues, &error));
    require(!topics_open(&cloud, &cloud.topics, &error));
    require(!sns_signer_open(&loop, directory, &cloud.signer));
    require(!sns_outbox_open(&cloud, NULL, &cloud.outbox, &error));
    require(!sns_expiry_open(&cloud, &cloud.expiry, &error));
    require(!events_open(&cloud, &cloud.events, &error));
    require(!buckets_open(&cloud, &cloud.buckets, &error));
    storage_loaded(cloud.storage);
    snprintf(log_path, sizeof log_path, "%s/requests.log", directory);
    require(!request_log_open(cloud.storage, log_path, &cloud.request_log, &error));
    cloud.server = &server;
}

static int remove_entry(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts;
    (void)type;
    (void)where;
    return remove(path);
}

static void storage_closed(void *user)
{
    (void)user;
    buckets_close(cloud.buckets);
    events_close(cloud.events);
    topics_close(cloud.topics);
    request_log_close(cloud.request_log);
    sns_outbox_close(cloud.outbox, NULL, NULL);
    sns_expiry_close(cloud.expiry, NULL, NULL);
    sns_signer_close(cloud.signer, NULL, NULL);
    queues_close(cloud.queues, NULL, NULL);
}

static void outbox_stopped(void *user)
{
    (void)user;
    storage_close(cloud.storage, storage_closed, NULL);
}

/* A line for each request that came as far as the router. */
static void check_log(void)
{
    FILE *file = fopen(log_path, "re");
    char *line = NULL;
    size_t room = 0, lines = 0;
    require(file);
    for (; getline(&line, &room, file) >= 0; lines++) {
        json_t *json = json_loads(line, 0, NULL);
        require(json_is_object(json));
        json_decref(json);
    }
    require(lines == requests);
    free(line);
    fclose(file);
}

static void cloud_close(void)
{
    queues_stop(cloud.queues);
    sns_expiry_stop(cloud.expiry);
    request_log_stop(cloud.request_log);
    sns_outbox_stop(cloud.outbox, outbox_stopped, NULL);
    uv_run(&loop, UV_RUN_DEFAULT); /* until nothing is left */
    check_log();
    require(!nftw(directory, remove_entry, TREE_DEPTH, FTW_DEPTH | FTW_PHYS));
}

/* --- a request --- */

static bool has_header(const struct fuzz_request *request, const char *name)
{
    struct signed_request headers = {.headers = request->headers,
                                     .header_count = request->header_count};
    return signed_request_header(&headers, name).data != NULL;
}

static struct slice header_of(const struct fuzz_request *request, const char *name)
{
    struct signed_request headers = {.headers = request->headers,
                                     .header_count = request->header_count};
    return signed_request_header(&headers, name);
}

static void put_header(struct buffer *out, struct slice name, struct slice value)
{
    buffer_append(out, name.data, name.size);
    buffer_text(out, ": ");
    buffer_append(out, value.data, value.size);
    buffer_text(out, "\r\n");
}

static void put_authorization(const struct fuzz_request *request, struct slice service,
                              struct sigv4_scope *scope, const char *hash, struct buffer *out)
{
    struct sigv4_request wanted = {request->method,
                                   request->path,
                                   request->query,
                                   request->headers,
                                   request->header_count,
                                   hash,
                                   !slice_equal_text(service, "s3")};
    uint8_t signing_key[SIGV4_KEY_SIZE];
    char signature[SIGV4_HEX_SIZE] = "";
    struct buffer names;
    buffer_init(&names, 8192);
    sigv4_signing_key(key.secret_key, scope, signing_key);
    sigv4_signature(&wanted, scope, signing_key, signature);
    sigv4_signed_headers(&wanted, &names);
    buffer_format(out,
                  "Authorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, "
                  "SignedHeaders=%s, Signature=%s\r\n",
                  key.access_key, scope->date, scope->service, names.data ? names.data : "",
                  signature);
    buffer_free(&names);
}

/* The request as it goes over the wire, signed. */
static void write_request(struct fuzz_request *request, struct slice service, struct buffer *out)
{
    char hash[SIGV4_HEX_SIZE], name[16] = "";
    struct sigv4_scope scope = {.region = "us-east-1", .service = name};
    struct slice stated = header_of(request, "x-amz-content-sha256");
    if (service.size < sizeof name)
        memcpy(name, service.data, service.size);
    sigv4_date((int64_t)time(NULL), scope.date);
    sha256_hex(request->body.data, request->body.size, hash);
    fuzz_request_add(request, "X-Amz-Date", scope.date);
    if (!has_header(request, "host"))
        fuzz_request_add(request, "Host", "127.0.0.1");
    if (!stated.data)
        fuzz_request_add(request, "x-amz-content-sha256", hash);
    char *payload = stated.data ? slice_dup(stated) : strdup(hash);
    require(payload);
    buffer_format(out, "%.*s %.*s%s%.*s HTTP/1.1\r\n", (int)request->method.size,
                  request->method.data, (int)request->path.size, request->path.data,
                  request->query.size ? "?" : "", (int)request->query.size, request->query.data);
    for (size_t i = 0; i < request->header_count; i++)
        put_header(out, request->headers[i].name, request->headers[i].value);
    put_authorization(request, service, &scope, payload, out);
    if (!has_header(request, "transfer-encoding") && !has_header(request, "content-length"))
        buffer_format(out, "Content-Length: %zu\r\n", request->body.size);
    buffer_text(out, "Connection: close\r\n\r\n");
    buffer_append(out, request->body.data, request->body.size);
    free(payload);
}

/* --- over the socket --- */

static void on_readable(uv_poll_t *poll, int code, int events)
{
    struct exchange *e = poll->data;
    char space[16384];
    ssize_t got;
    (void)events;
    while (!code && (got = recv(e->fd, space, sizeof space, 0)) > 0)
        buffer_append(e->response, space, (size_t)got);
    e->over = code || got == 0 || (got < 0 && errno != EAGAIN);
}

static void on_patience_over(uv_timer_t *timer)
{
    ((struct exchange *)timer->data)->over = true;
}

static void exchange_run(struct exchange *e, unsigned patience_ms)
{
    uv_poll_init(&loop, &e->poll, e->fd);
    uv_timer_init(&loop, &e->timer);
    e->poll.data = e->timer.data = e;
    uv_poll_start(&e->poll, UV_READABLE | UV_DISCONNECT, on_readable);
    uv_timer_start(&e->timer, on_patience_over, patience_ms, 0);
    while (!e->over)
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&e->poll, NULL);
    uv_close((uv_handle_t *)&e->timer, NULL);
    close(e->fd); /* a long poll ends with its peer */
    while (server.connection_count || uv_is_closing((uv_handle_t *)&e->poll) == 0)
        uv_run(&loop, UV_RUN_ONCE);
    uv_run(&loop, UV_RUN_NOWAIT);
}

/* A whole body that says it is JSON is JSON. */
static void check_json(struct slice response)
{
    static const char type[] = "application/x-amz-json", length[] = "\r\nContent-Length: ";
    const char *body = memmem(response.data, response.size, "\r\n\r\n", 4);
    if (!body)
        return;
    size_t head = (size_t)(body + 4 - response.data), size = response.size - head;
    const char *stated = memmem(response.data, head, length, sizeof length - 1);
    if (!size || !stated || !memmem(response.data, head, type, sizeof type - 1) ||
        strtoul(stated + sizeof length - 1, NULL, 10) != size)
        return;
    json_t *json = json_loadb(body + 4, size, JSON_REJECT_DUPLICATES, NULL);
    require(json_is_object(json));
    json_decref(json);
}

static void check_response(struct slice response)
{
    if (!response.size)
        return;
    check_json(response);
    require(slice_starts_with(response, "HTTP/1.1 "));
    require(!slice_starts_with(response, "HTTP/1.1 500") &&
            !slice_starts_with(response, "HTTP/1.1 503"));
}

static void send_wire(struct slice wire, unsigned patience_ms, struct buffer *response)
{
    struct exchange e = {.response = response};
    int fds[2], room = 2 * CLOUD_WIRE_MAX;
    require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    e.fd = fds[1];
    connection_accept(&server, fds[0], true);
    ssize_t sent = send(e.fd, wire.data, wire.size, MSG_NOSIGNAL);
    require(sent == (ssize_t)wire.size);
    exchange_run(&e, patience_ms);
    check_response(buffer_slice(response));
}

void cloud_harness_send(struct fuzz_request *request, struct slice service, unsigned patience_ms,
                        struct buffer *response)
{
    struct fuzz_request copy = *request; /* views of what ends here are added to it */
    struct buffer wire;
    buffer_init(&wire, CLOUD_WIRE_MAX);
    write_request(&copy, service, &wire);
    if (!wire.error)
        send_wire(buffer_slice(&wire), patience_ms, response);
    buffer_free(&wire);
}

static void on_request(struct http_call *call, void *user)
{
    requests++;
    router_handle(call, user);
}

static void cloud_start(void)
{
    fuzz_quiet();
    signal(SIGPIPE, SIG_IGN); /* as http_server_start does */
    /* What SNS sends to made-up subscribers stays on this machine. */
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    require(!uv_loop_init(&loop));
    server.loop = &loop;
    server_hold_writes(&server);
    server.options = (struct http_server_options){.header_max = 32 * 1024,
                                                  .collect_max = 64 * 1024 * 1024,
                                                  .body_max = 1 << 30,
                                                  .idle_ms = 60000,
                                                  .connections = 8,
                                                  .on_request = on_request,
                                                  .user = &cloud};
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    cloud_start();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {(const char *)data, size};
    cloud_target.begin();
    cloud_open();
    for (size_t i = 0; i < cloud_target.prelude_count; i++)
        cloud_target.make(slice_of(cloud_target.prelude[i]));
    for (size_t i = 0; i < cloud_target.parts_max && input.size; i++)
        cloud_target.make(cloud_target.next(&input));
    if (cloud_target.end)
        cloud_target.end();
    cloud_close();
    return 0;
}
