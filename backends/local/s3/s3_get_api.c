/*
 * GetObject and HeadObject.
 *
 *   GET_LOOKUP ──► [GET_LOADING] ──► GET_SENDING ◄──► GET_READING ──► GET_LAST ──► GET_ENDED
 *
 * What is short skips states: a small object goes from GET_LOOKUP to GET_LAST, and HEAD or an error
 * from GET_LOOKUP to GET_ENDED. If the peer disconnects, the next state is GET_ENDED. next_state()
 * and on_drained() choose the next state, and enter() starts its work.
 *
 * One storage task finds the row, evaluates conditions and range, opens the blob and reads the
 * first piece, so a small object needs one round trip to the storage thread. Further pieces, and a
 * first one that is not in the page cache, are read aside (storage.h), one at a time, each after
 * the peer has received the previous one: a slow client occupies one piece of memory and an open
 * reader, which keeps the bytes readable if the object is replaced meanwhile. The reader is closed
 * after the last piece or when the peer disconnects.
 *
 * Pieces of a file are moved through a pipe from the page cache to the socket, without a copy. If
 * that is not possible (TLS, an injected fault that changes bytes, a short body, no free pipe),
 * they are read into memory.
 *
 * A small object that was read recently and has not changed since is sent at once (object_cache.h).
 *
 * While a task runs, reader, pipe, piece and object belong to its thread; the state belongs to the
 * loop thread.
 */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body_pipe.h"
#include "container_of.h"
#include "log.h"
#include "object_cache.h"
#include "object_changes.h"
#include "object_reader.h"
#include "response.h"
#include "s3_access.h"
#include "s3_expiration.h"
#include "s3_metadata.h"
#include "s3_multipart.h"
#include "s3_range.h"
#include "s3_time.h"
#include "s3_version.h"
#include "upload_parts.h"

enum {
    PIECE = 256 * 1024,
    PIPED_MIN = 32 * 1024, /* a pipe does not pay off for shorter bodies */
    RANGE_TEXT = 96,
};

enum get_state {
    GET_LOOKUP,  /* a task finds the object, decides conditions and range, opens the body */
    GET_LOADING, /* a task reads the first piece from the disk, before the response begins */
    GET_SENDING, /* the peer receives a piece; others follow */
    GET_READING, /* a task reads the next piece */
    GET_LAST,    /* the peer receives the last piece; a task closes the reader */
    GET_ENDED,   /* nothing is left to send, or the peer is gone; a task closes the reader */
};

struct get {
    struct storage_task task;
    struct s3_request *request;
    enum get_state state;
    bool head;
    unsigned part; /* requested; 0: none */
    int64_t bucket;
    enum versioning versioning;
    struct object_version version; /* requested */
    struct blobs *blobs;

    /* copies of the headers, because the call may end before the task */
    char *range_text;
    char *conditions_text[4];
    struct s3_preconditions conditions;

    struct object object;
    uint32_t change; /* change count of the key before the object was read */
    struct s3_range range;
    enum s3_error verdict; /* result of conditions and range */
    size_t part_count;     /* number of parts, if a part was requested */
    struct object_reader reader;
    bool takes_pipe;
    struct body_pipes *pipes;
    struct body_pipe pipe;
    size_t piped; /* bytes of this piece in the pipe */
    struct bytes piece;
    bool last; /* piece */
    bool cold; /* the first piece is on the disk, and was not read with the lookup */
};

static void get_free(void *operation)
{
    struct get *get = operation;
    free(get->range_text);
    for (size_t i = 0; i < sizeof get->conditions_text / sizeof *get->conditions_text; i++)
        free(get->conditions_text[i]);
    object_clear(&get->object);
    body_pipe_close(get->pipes, &get->pipe);
    bytes_free(&get->piece);
    free(get);
}

/* Storage thread. */

/* False: the piece must be read into memory. */
static bool pipe_wanted(struct get *get)
{
    if (get->pipe.open)
        return true;
    if (!get->takes_pipe || get->range.size < PIPED_MIN)
        return false;
    get->takes_pipe = false; /* a pipe is requested only once */
    return body_pipe_open(get->pipes, &get->pipe);
}

static int copy_piece(struct get *get, struct error *error)
{
    struct object_reader *reader = &get->reader;
    size_t size = reader->left < PIECE ? (size_t)reader->left : PIECE;
    char *data = malloc(size ? size : 1);
    if (!data)
        return error_set(error, ERR_MEMORY, "out of memory");
    get->piece = bytes_give(data, size);
    return object_reader_read(reader, data, size, error);
}

static int read_piece(struct get *get, struct error *error)
{
    int code = ERR_UNSUPPORTED;
    get->piped = 0;
    if (pipe_wanted(get))
        code = object_reader_splice(&get->reader, get->pipe.write, &get->piped, error);
    if (code == ERR_UNSUPPORTED) {
        body_pipe_close(get->pipes, &get->pipe);
        code = copy_piece(get, error);
    }
    get->last = !get->reader.left;
    return code;
}

/* An object that was not uploaded in parts is its own first part. */
static int choose_part(struct get *get, struct error *error)
{
    struct blob_segments *segments;
    struct s3_range *range = &get->range;
    *range = (struct s3_range){.partial = true, .size = get->object.size};
    if (!get->object.owner) {
        get->verdict = get->part == 1 ? S3_OK : S3_INVALID_PART_NUMBER;
        return 0;
    }
    int code = upload_parts_acquire(get->blobs, get->object.owner, &segments, error);
    if (code)
        return code;
    const struct blob_segment *segment = blob_segments_part(segments, get->part);
    get->part_count = segments->count;
    get->verdict = segment ? S3_OK : S3_INVALID_PART_NUMBER;
    if (segment)
        *range = (struct s3_range){.partial = true, .first = segment->start, .size = segment->size};
    blob_segments_release(segments);
    return 0;
}

static int choose_range(struct get *get, struct error *error)
{
    if (get->part)
        return choose_part(get, error);
    get->verdict = s3_range_parse(slice_of(get->range_text), get->object.size, &get->range);
    return 0;
}

static int find_object(struct get *get, struct storage *storage)
{
    const char *key = get->request->key;
    get->change = object_changes_count(&get->blobs->changes, get->bucket, key);
    return objects_find_version(storage, get->bucket, key, get->version, &get->object,
                                &get->task.error);
}

/* Evaluates the conditions and the range. */
static int decide(struct get *get)
{
    const struct object *object = &get->object;
    if (object->marker) {
        get->verdict = get->version.given ? S3_METHOD_NOT_ALLOWED : S3_NO_SUCH_KEY;
        return 0;
    }
    get->verdict = s3_preconditions_check(&get->conditions, object->etag, object->modified_ms);
    return get->verdict ? 0 : choose_range(get, &get->task.error);
}

static int open_body(struct get *get)
{
    int code = object_reader_open(&get->reader, get->blobs, &get->object, get->range.first,
                                  get->range.size, &get->task.error);
    get->cold = !code && !object_reader_is_ready(&get->reader);
    return code;
}

static int lookup_run(struct storage_task *task, struct storage *storage)
{
    struct get *get = container_of(task, struct get, task);
    int code = find_object(get, storage);
    if (code)
        return code;
    code = decide(get);
    if (code || get->verdict || get->head)
        return code;
    code = open_body(get);
    if (code || get->cold)
        return code;
    code = read_piece(get, &task->error);
    if (code || get->last)
        object_reader_close(&get->reader);
    return code;
}

static int read_run(struct storage_task *task, struct storage *storage)
{
    struct get *get = container_of(task, struct get, task);
    (void)storage;
    int code = read_piece(get, &task->error);
    if (code || get->last)
        object_reader_close_aside(&get->reader);
    return code;
}

static int close_run(struct storage_task *task, struct storage *storage)
{
    (void)storage;
    object_reader_close(&container_of(task, struct get, task)->reader);
    return 0;
}

/* Loop thread: the response. */

static void respond_marker(struct get *get)
{
    char version[S3_VERSION_SIZE], modified[S3_TIME_SIZE];
    enum s3_error error = s3_access_missing(get->request, get->request->bucket, get->verdict);
    if (error != get->verdict) {
        s3_respond_error(get->request, error, NULL);
        return;
    }
    s3_version_write(get->object.id, get->object.versioned, version);
    s3_time_http(get->object.modified_ms, modified);
    const struct http_header headers[] = {{"x-amz-delete-marker", "true"},
                                          {"x-amz-version-id", version},
                                          {"Last-Modified", modified},
                                          {"Allow", "DELETE"}};
    s3_respond_error_with(get->request, get->verdict, NULL, headers, get->version.given ? 4 : 2);
}

static void respond_verdict(struct get *get)
{
    struct s3_request *request = get->request;
    struct s3_metadata_headers headers;
    if (get->object.marker) {
        respond_marker(get);
        return;
    }
    if (get->verdict == S3_NOT_MODIFIED &&
        !s3_metadata_write(request, &get->object, false, &headers)) {
        s3_respond_empty(request, 304, headers.headers, headers.count);
        s3_metadata_headers_free(&headers);
        return;
    }
    s3_respond_error(request, get->verdict, NULL);
}

static enum get_state piece_state(const struct get *get)
{
    return get->last ? GET_LAST : GET_SENDING;
}

static bool wants_checksum(const struct get *get)
{
    return !get->range.partial &&
           slice_equal_text(s3_header(get->request, "x-amz-checksum-mode"), "ENABLED");
}

/* Sends the headers. Returns the next state. */
static enum get_state respond_found(struct get *get)
{
    struct s3_request *request = get->request;
    struct s3_metadata_headers headers;
    char range[RANGE_TEXT], parts[24], version[S3_VERSION_SIZE];
    char expiration[S3_EXPIRATION_SIZE];
    if (s3_metadata_write(request, &get->object, wants_checksum(get), &headers)) {
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        return GET_ENDED;
    }
    s3_version_of(&get->object, get->versioning, version);
    if (*version && headers.count < S3_METADATA_HEADERS_MAX)
        headers.headers[headers.count++] = (struct http_header){"x-amz-version-id", version};
    if (!get->version.given && headers.count < S3_METADATA_HEADERS_MAX)
        headers.count += s3_expiration_header(request, &get->object, expiration,
                                              &headers.headers[headers.count]);
    if (get->part_count && headers.count < S3_METADATA_HEADERS_MAX) {
        snprintf(parts, sizeof parts, "%zu", get->part_count);
        headers.headers[headers.count++] = (struct http_header){"x-amz-mp-parts-count", parts};
    }
    if (get->range.partial && get->range.size && headers.count < S3_METADATA_HEADERS_MAX) {
        snprintf(range, sizeof range, "bytes %llu-%llu/%llu", (unsigned long long)get->range.first,
                 (unsigned long long)(get->range.first + get->range.size - 1),
                 (unsigned long long)get->object.size);
        headers.headers[headers.count++] = (struct http_header){"Content-Range", range};
    }
    s3_respond_begin(request, get->range.partial ? 206 : 200, headers.headers, headers.count,
                     (int64_t)get->range.size);
    s3_metadata_headers_free(&headers);
    if (!get->head)
        return piece_state(get);
    response_end(request->base);
    return GET_ENDED;
}

/* The cache. */

static bool is_plain(const struct get *get)
{
    return !get->part && !get->version.given;
}

static void cache_keep(struct get *get)
{
    const struct object *object = &get->object;
    bool in_database = !object->blob && !object->owner;
    bool whole = get->last && get->piece.size == object->size && !get->range.partial;
    if (is_plain(get) && !get->head && in_database && whole)
        object_cache_keep(buckets_cache(get->request->cloud->buckets), get->bucket,
                          get->request->key, get->change, object,
                          (struct slice){get->piece.data, get->piece.size});
}

static int cached_piece(struct get *get, struct slice body)
{
    size_t size = (size_t)get->range.size;
    char *data = malloc(size ? size : 1);
    if (!data)
        return ERR_MEMORY;
    if (size)
        memcpy(data, body.data + get->range.first, size);
    get->piece = bytes_give(data, size);
    get->last = true;
    return 0;
}

static enum get_state respond_cached(struct get *get, struct slice body)
{
    if (decide(get) || (!get->verdict && !get->head && cached_piece(get, body))) {
        s3_respond_error(get->request, S3_INTERNAL_ERROR, NULL);
        return GET_ENDED;
    }
    if (!get->verdict)
        return respond_found(get);
    respond_verdict(get);
    return GET_ENDED;
}

/* The transitions. */

static void on_drained(struct http_call *call, int code, void *user);

static void send_piece(struct get *get)
{
    struct cloud_request *base = get->request->base;
    bool last = get->last;
    if (get->piped) {
        if (http_call_write_pipe(base->call, get->pipe.read, get->piped, on_drained, get))
            on_drained(base->call, 0, get);
        return;
    }
    if (get->piece.size)
        response_write(base, &get->piece, last ? NULL : on_drained, get);
    if (last)
        response_end(base);
}

static void on_closed(struct storage_task *task, int code)
{
    (void)code;
    s3_request_release(container_of(task, struct get, task)->request);
}

static void close_reader(struct get *get)
{
    if (!get->reader.open)
        return;
    get->task.run = close_run;
    get->task.done = on_closed;
    s3_submit(get->request, &get->task);
}

static void on_task_done(struct storage_task *task, int code);

/* From GET_LAST to GET_ENDED, the task may be the one that closes the reader. */
static void enter(struct get *get, enum get_state state)
{
    enum get_state previous = get->state;
    get->state = state;
    switch (state) {
    case GET_LOOKUP:
        get->task.run = lookup_run;
        get->task.done = on_task_done;
        s3_submit(get->request, &get->task);
        break;
    case GET_LOADING:
    case GET_READING:
        get->task.run = read_run;
        get->task.done = on_task_done;
        s3_submit_aside(get->request, &get->task);
        break;
    case GET_SENDING:
        send_piece(get);
        break;
    case GET_LAST:
        close_reader(get);
        send_piece(get);
        break;
    case GET_ENDED:
        if (previous != GET_LAST)
            close_reader(get);
        break;
    }
}

static enum get_state after_lookup(struct get *get, int code)
{
    if (code) {
        s3_respond_failure(get->request, code, &get->task.error);
        return GET_ENDED;
    }
    if (get->verdict) {
        respond_verdict(get);
        return GET_ENDED;
    }
    cache_keep(get);
    return respond_found(get);
}

static enum get_state after_reading(struct get *get, int code)
{
    if (!code)
        return piece_state(get);
    http_call_abort(get->request->base->call); /* Content-Length was already sent */
    return GET_ENDED;
}

static enum get_state next_state(struct get *get, int code)
{
    if (!get->request->base)
        return GET_ENDED; /* the client has disconnected */
    if (get->state == GET_READING)
        return after_reading(get, code);
    if (get->state == GET_LOOKUP && !code && get->cold)
        return GET_LOADING;
    return after_lookup(get, code);
}

/* A task has ended. Its reference to the request may be the last one. */
static void on_task_done(struct storage_task *task, int code)
{
    struct get *get = container_of(task, struct get, task);
    struct s3_request *request = get->request;
    if (code && get->state == GET_READING)
        log_error("object cannot be read", LOG_TEXT("bucket", request->bucket),
                  LOG_TEXT("key", request->key), LOG_TEXT("error", task->error.text));
    enter(get, next_state(get, code));
    s3_request_release(request);
}

/* The peer has received the previous piece. */
static void on_drained(struct http_call *call, int code, void *user)
{
    struct get *get = user;
    (void)call;
    if (code || !get->request->base)
        return; /* on_gone follows, or was called */
    if (get->state == GET_SENDING) {
        enter(get, GET_READING);
        return;
    }
    response_end(get->request->base);
    enter(get, GET_ENDED);
}

/* While a task runs, its end notices that the peer is gone. */
static void on_gone(struct s3_request *request)
{
    struct get *get = request->operation;
    if (get->state == GET_SENDING || get->state == GET_LAST)
        enter(get, GET_ENDED);
}

/* False: not cached. The response borrows the object's strings. */
static bool respond_from_cache(struct get *get)
{
    struct s3_request *request = get->request;
    struct object_cache *cache = buckets_cache(request->cloud->buckets);
    const struct cached_object *cached =
        is_plain(get) ? object_cache_find(cache, get->bucket, request->key) : NULL;
    if (!cached)
        return false;
    get->object = cached->object;
    enum get_state next = respond_cached(get, cached->body);
    get->object = (struct object){0};
    enter(get, next);
    return true;
}

/* A header's copy, for free(), in *text; the slice is of the copy. False when memory is short. */
static bool copy_header(struct s3_request *request, const char *name, char **text,
                        struct slice *slice)
{
    struct slice value = s3_header(request, name);
    *slice = (struct slice){0};
    if (!value.data)
        return true;
    *text = slice_dup(value);
    *slice = slice_of(*text);
    return *text != NULL;
}

static bool copy_headers(struct get *get)
{
    struct s3_request *request = get->request;
    struct s3_preconditions *conditions = &get->conditions;
    char **texts = get->conditions_text;
    struct slice range;
    return copy_header(request, "range", &get->range_text, &range) &&
           copy_header(request, "if-match", &texts[0], &conditions->match) &&
           copy_header(request, "if-none-match", &texts[1], &conditions->none_match) &&
           copy_header(request, "if-modified-since", &texts[2], &conditions->modified_since) &&
           copy_header(request, "if-unmodified-since", &texts[3], &conditions->unmodified_since);
}

/* False: an error was sent. */
static bool read_part_number(struct s3_request *request, unsigned *part)
{
    *part = 0;
    if (!s3_parameter(request, "partNumber"))
        return true;
    if (!s3_header(request, "range").data)
        return s3_multipart_part_number(request, part);
    s3_respond_error(request, S3_INVALID_REQUEST,
                     "Cannot specify both Range header and partNumber query parameter");
    return false;
}

static void start(struct s3_request *request, bool head)
{
    struct bucket bucket;
    struct object_version version;
    unsigned part;
    if (!s3_find_bucket(request, &bucket) || !read_part_number(request, &part) ||
        !s3_version_asked(request, &version) || !s3_metadata_check_overrides(request))
        return;
    struct get *get = s3_operation(request, sizeof *get, get_free);
    if (!get)
        return;
    get->request = request;
    get->head = head;
    get->part = part;
    get->bucket = bucket.id;
    get->versioning = bucket.versioning;
    get->version = version;
    get->blobs = buckets_blobs(request->cloud->buckets);
    get->pipes = &get->blobs->pipes;
    get->takes_pipe = !request->base->fault && http_call_takes_pipe(request->base->call);
    if (!copy_headers(get)) {
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        return;
    }
    request->gone = on_gone;
    if (respond_from_cache(get))
        return;
    enter(get, GET_LOOKUP);
}

void s3_get_object(struct s3_request *request)
{
    start(request, false);
}

void s3_head_object(struct s3_request *request)
{
    start(request, true);
}
