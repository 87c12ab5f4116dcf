/* A request's head and body at the parser: whole and in pieces they are the same request. */
#include "http_private.h"

#include "fuzz.h"

enum { HEADER_MAX = 32 * 1024, BODY_MAX = 1 << 20 };

static struct http_server server;
static struct http_connection connection;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_quiet();
    server.options.header_max = HEADER_MAX;
    server.options.body_max = BODY_MAX;
    connection.server = &server;
    return 0;
}

/* Looks for the head's end with `piece` bytes at a time; its size in *size. */
static enum head_progress scan(struct slice in, size_t piece, struct head_scan *scan, size_t *size)
{
    enum head_progress progress = HEAD_MORE;
    *scan = (struct head_scan){0};
    *size = 0;
    while (progress == HEAD_MORE && *size < in.size) {
        size_t left = in.size - *size, used = 0;
        struct slice part = {in.data + *size, left < piece ? left : piece};
        progress = head_scan(scan, part, &used);
        if (progress == HEAD_BAD)
            break;
        require(used && used <= part.size);
        require(progress == HEAD_DONE || used == part.size);
        *size += used;
    }
    return progress;
}

static void check_inside(struct slice part, const struct http_call *call, size_t head)
{
    const char *text = (const char *)&call->fields[connection.scan.lines];
    if (part.size)
        require(part.data >= text && part.data + part.size <= text + head);
}

static void check_call(const struct http_call *call, size_t head)
{
    require(call->method.size && call->target.size);
    require(call->content_length >= -1 && call->content_length <= BODY_MAX);
    check_inside(call->method, call, head);
    check_inside(call->target, call, head);
    check_inside(call->query, call, head);
    require(!call->path.size || !memchr(call->path.data, '?', call->path.size));
    for (size_t i = 0; i < call->field_count; i++) {
        require(call->fields[i].name.size);
        check_inside(call->fields[i].name, call, head);
        check_inside(call->fields[i].value, call, head);
    }
}

/* The body's bytes; false: it was refused. */
static bool read_body(struct slice in, size_t piece, struct buffer *body)
{
    while (in.size && !connection.complete) {
        struct slice part = {in.data, in.size < piece ? in.size : piece};
        ssize_t used = head_parse_body(&connection, part);
        if (used < 0)
            return false;
        require((size_t)used <= part.size && connection.piece.size <= (size_t)used);
        require(used || connection.complete);
        require(!buffer_append(body, connection.piece.data, connection.piece.size));
        in = (struct slice){in.data + used, in.size - (size_t)used};
    }
    return true;
}

/* The body in *body; false: refused, in the head or later. */
static bool read_request(struct slice in, size_t head, size_t piece, struct buffer *body)
{
    char *copy = fuzz_copy((struct slice){in.data, head});
    connection.head_done = connection.complete = false;
    int status = head_parse(&connection, (struct slice){copy, head});
    free(copy);
    if (status) {
        require(!connection.call && status >= 400 && status < 600);
        return false;
    }
    struct http_call *call = connection.call;
    check_call(call, head);
    bool good = read_body((struct slice){in.data + head, in.size - head}, piece, body);
    if (good && call->content_length >= 0) {
        require(body->size <= (uint64_t)call->content_length);
        require(connection.complete == (body->size == (uint64_t)call->content_length));
    }
    connection.call = NULL;
    call_end(call, false);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    size_t piece = fuzz_choice(&in) % 64 + 1, head, same;
    struct head_scan parts;
    enum head_progress progress = scan(in, SIZE_MAX, &connection.scan, &head);
    require(scan(in, piece, &parts, &same) == progress);
    if (progress != HEAD_DONE)
        return 0;
    require(head == same && parts.lines == connection.scan.lines);
    struct buffer whole, pieces;
    buffer_init(&whole, size + 1);
    buffer_init(&pieces, size + 1);
    bool good = read_request(in, head, SIZE_MAX, &whole);
    bool complete = good && connection.complete;
    require(read_request(in, head, piece, &pieces) == good);
    if (good)
        require(connection.complete == complete &&
                slice_equal(buffer_slice(&whole), buffer_slice(&pieces)));
    buffer_free(&whole);
    buffer_free(&pieces);
    return 0;
}
