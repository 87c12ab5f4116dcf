/*
 * GetObject and HeadObject.
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
 * While the task is running (`busy`), reader, pipe, piece and object belong to its thread.
 */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body_pipe.h"
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

struct get {
    struct storage_task task;
    struct s3_request *request;
    bool head;
    bool busy;
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
    bool cold; /* the first piece is still on the disk */
};

static void get_free(void *operation)
{
    struct get *get = operation;
    free(get->range_text);
    for (size_t i = 0; i < sizeof(get->conditions_text) / sizeof(*get->conditions_text); i++)
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
    int status = ERR_UNSUPPORTED;
    get->piped = 0;
    if (pipe_wanted(get))
        status = object_reader_splice(&get->reader, get->pipe.write, &get->piped, error);
    if (status == ERR_UNSUPPORTED) {
        body_pipe_close(get->pipes, &get->pipe);
        status = copy_piece(get, error);
    }
    get->last = !get->reader.left;
    return status;
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
    int status = upload_parts_acquire(get->blobs, get->object.owner, &segments, error);
    if (status)
        return status;
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

/* Evaluates the conditions and the range. */
static int judge(struct get *get, struct error *error)
{
    get->verdict =
        s3_preconditions_check(&get->conditions, get->object.etag, get->object.modified_ms);
    return get->verdict ? 0 : choose_range(get, error);
}

static int find_run(struct storage_task *task, struct storage *storage)
{
    struct get *get = (struct get *)task;
    struct object *object = &get->object;
    get->change = object_changes_count(&get->blobs->changes, get->bucket, get->request->key);
    int status = objects_find_version(storage, get->bucket, get->request->key, get->version, object,
                                      &task->error);
    if (status)
        return status;
    if (object->marker) {
        get->verdict = get->version.given ? S3_METHOD_NOT_ALLOWED : S3_NO_SUCH_KEY;
        return 0;
    }
    status = judge(get, &task->error);
    if (status || get->verdict || get->head)
        return status;
    status = object_reader_open(&get->reader, get->blobs, object, get->range.first, get->range.size,
                                &task->error);
    if (!status && !object_reader_is_ready(&get->reader)) {
        get->cold = true;
        return 0;
    }
    if (!status)
        status = read_piece(get, &task->error);
    if (status || get->last)
        object_reader_close(&get->reader);
    return status;
}

static int read_run(struct storage_task *task, struct storage *storage)
{
    struct get *get = (struct get *)task;
    (void)storage;
    int status = read_piece(get, &task->error);
    if (status || get->last)
        object_reader_close_aside(&get->reader);
    return status;
}

static int close_run(struct storage_task *task, struct storage *storage)
{
    (void)storage;
    object_reader_close(&((struct get *)task)->reader);
    return 0;
}

/* Loop thread. */

static void send_piece(struct get *get);

static void set_task(struct get *get, int (*run)(struct storage_task *, struct storage *),
                     void (*done)(struct storage_task *, int))
{
    get->busy = true;
    get->task.run = run;
    get->task.done = done;
}

static void close_done(struct storage_task *task, int status)
{
    (void)status;
    s3_request_release(((struct get *)task)->request);
}

static void close_reader(struct get *get)
{
    if (get->busy || !get->reader.open)
        return;
    set_task(get, close_run, close_done);
    s3_submit(get->request, &get->task);
}

static void on_gone(struct s3_request *request)
{
    close_reader(request->operation);
}

/* At the end of a task's done: its reference may be the last one. */
static void settled(struct get *get)
{
    struct s3_request *request = get->request;
    if (!get->busy && (!request->base || get->last))
        close_reader(get);
    s3_request_release(request);
}

static void read_done(struct storage_task *task, int status)
{
    struct get *get = (struct get *)task;
    struct s3_request *request = get->request;
    get->busy = false;
    if (status)
        log_error("object cannot be read", LOG_TEXT("bucket", request->bucket),
                  LOG_TEXT("key", request->key), LOG_TEXT("error", task->error.text));
    if (request->base && status)
        http_call_abort(request->base->call); /* Content-Length was already sent */
    else if (request->base)
        send_piece(get);
    settled(get);
}

static void read_aside(struct get *get, void (*done)(struct storage_task *, int))
{
    set_task(get, read_run, done);
    s3_submit_aside(get->request, &get->task);
}

/* The peer has received the previous piece. */
static void on_drained(struct http_call *call, int error, void *user)
{
    struct get *get = user;
    (void)call;
    if (error || !get->request->base)
        return;
    if (get->last)
        response_end(get->request->base);
    else
        read_aside(get, read_done);
}

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

static bool wants_checksum(const struct get *get)
{
    return !get->range.partial &&
           slice_equal_text(s3_header(get->request, "x-amz-checksum-mode"), "ENABLED");
}

static void respond_found(struct get *get)
{
    struct s3_request *request = get->request;
    struct s3_metadata_headers headers;
    char range[RANGE_TEXT], parts[24], version[S3_VERSION_SIZE];
    char expiration[S3_EXPIRATION_SIZE];
    if (s3_metadata_write(request, &get->object, wants_checksum(get), &headers)) {
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        return;
    }
    s3_version_of(&get->object, get->versioning, version);
    if (*version && headers.count < S3_METADATA_HEADERS_MAX)
        headers.headers[headers.count++] = (struct http_header){"x-amz-version-id", version};
    if (!get->version.given && headers.count < S3_METADATA_HEADERS_MAX)
        headers.count += s3_expiration_header(request, &get->object, expiration,
                                              &headers.headers[headers.count]);
    if (get->part_count && headers.count < S3_METADATA_HEADERS_MAX) {
        snprintf(parts, sizeof(parts), "%zu", get->part_count);
        headers.headers[headers.count++] = (struct http_header){"x-amz-mp-parts-count", parts};
    }
    if (get->range.partial && get->range.size && headers.count < S3_METADATA_HEADERS_MAX) {
        snprintf(range, sizeof(range), "bytes %llu-%llu/%llu", (unsigned long long)get->range.first,
                 (unsigned long long)(get->range.first + get->range.size - 1),
                 (unsigned long long)get->object.size);
        headers.headers[headers.count++] = (struct http_header){"Content-Range", range};
    }
    s3_respond_begin(request, get->range.partial ? 206 : 200, headers.headers, headers.count,
                     (int64_t)get->range.size);
    s3_metadata_headers_free(&headers);
    if (get->head)
        response_end(request->base);
    else
        send_piece(get);
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
    if (judge(get, &get->task.error))
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
    else if (get->verdict)
        respond_verdict(get);
    else if (!get->head && cached_piece(get, cached->body))
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
    else
        respond_found(get);
    get->object = (struct object){0};
    return true;
}

static void find_done(struct storage_task *task, int status)
{
    struct get *get = (struct get *)task;
    struct s3_request *request = get->request;
    get->busy = false;
    if (!request->base) {
        ; /* the client has disconnected */
    } else if (status) {
        s3_respond_failure(request, status, &task->error);
    } else if (get->verdict) {
        respond_verdict(get);
    } else if (get->cold) {
        get->cold = false;
        read_aside(get, find_done);
    } else {
        cache_keep(get);
        respond_found(get);
    }
    settled(get);
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
    struct get *get = s3_operation(request, sizeof(*get), get_free);
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
    set_task(get, find_run, find_done);
    s3_submit(request, &get->task);
}

void s3_get_object(struct s3_request *request)
{
    start(request, false);
}

void s3_head_object(struct s3_request *request)
{
    start(request, true);
}
