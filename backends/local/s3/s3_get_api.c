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
 */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "log.h"
#include "object_cache.h"
#include "response.h"
#include "s3_get.h"
#include "s3_metadata.h"
#include "s3_multipart.h"
#include "s3_version.h"
#include "spare_blocks.h"

static void get_free(void *operation)
{
    struct s3_get *get = operation;
    free(get->range_text);
    for (size_t i = 0; i < sizeof get->conditions_text / sizeof *get->conditions_text; i++)
        free(get->conditions_text[i]);
    object_clear(&get->object);
    body_pipe_close(get->pipes, &get->pipe);
    bytes_free(&get->piece);
    block_free(get);
}

/* The cache. */

static bool is_plain(const struct s3_get *get)
{
    return !get->part && !get->version.given;
}

static void cache_keep(struct s3_get *get)
{
    const struct object *object = &get->object;
    bool in_database = !object->blob && !object->owner;
    bool whole = get->last && get->piece.size == object->size && !get->range.partial;
    if (is_plain(get) && !get->head && in_database && whole)
        object_cache_keep(buckets_cache(get->request->cloud->buckets), get->bucket,
                          get->request->key, get->change, object,
                          (struct slice){get->piece.data, get->piece.size});
}

static int cached_piece(struct s3_get *get, struct slice body)
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

static enum s3_get_state respond_cached(struct s3_get *get, struct slice body)
{
    if (s3_get_decide(get) || (!get->verdict && !get->head && cached_piece(get, body))) {
        s3_respond_error(get->request, S3_INTERNAL_ERROR, NULL);
        return GET_ENDED;
    }
    if (!get->verdict)
        return s3_get_respond_found(get);
    s3_get_respond_verdict(get);
    return GET_ENDED;
}

/* The transitions. */

static void on_drained(struct http_call *call, int code, void *user);

static void send_piece(struct s3_get *get)
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
    s3_request_release(container_of(task, struct s3_get, task)->request);
}

static void close_reader(struct s3_get *get)
{
    if (!get->reader.open)
        return;
    get->task.run = s3_get_close_run;
    get->task.done = on_closed;
    s3_submit(get->request, &get->task);
}

static void on_task_done(struct storage_task *task, int code);

/* From GET_LAST to GET_ENDED, the task may be the one that closes the reader. */
static void enter(struct s3_get *get, enum s3_get_state state)
{
    enum s3_get_state previous = get->state;
    get->state = state;
    switch (state) {
    case GET_LOOKUP:
        get->task.run = s3_get_lookup_run;
        get->task.done = on_task_done;
        s3_submit(get->request, &get->task);
        break;
    case GET_LOADING:
    case GET_READING:
        get->task.run = s3_get_read_run;
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

static enum s3_get_state after_lookup(struct s3_get *get, int code)
{
    if (code) {
        s3_respond_failure(get->request, code, &get->task.error);
        return GET_ENDED;
    }
    if (get->verdict) {
        s3_get_respond_verdict(get);
        return GET_ENDED;
    }
    cache_keep(get);
    return s3_get_respond_found(get);
}

static enum s3_get_state after_reading(struct s3_get *get, int code)
{
    if (!code)
        return s3_get_piece_state(get);
    http_call_abort(get->request->base->call); /* Content-Length was already sent */
    return GET_ENDED;
}

static enum s3_get_state next_state(struct s3_get *get, int code)
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
    struct s3_get *get = container_of(task, struct s3_get, task);
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
    struct s3_get *get = user;
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
    struct s3_get *get = request->operation;
    if (get->state == GET_SENDING || get->state == GET_LAST)
        enter(get, GET_ENDED);
}

/* False: not cached. The response borrows the object's strings. */
static bool respond_from_cache(struct s3_get *get)
{
    struct s3_request *request = get->request;
    struct object_cache *cache = buckets_cache(request->cloud->buckets);
    const struct cached_object *cached =
        is_plain(get) ? object_cache_find(cache, get->bucket, request->key) : NULL;
    if (!cached)
        return false;
    get->object = cached->object;
    enum s3_get_state next = respond_cached(get, cached->body);
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

static bool copy_headers(struct s3_get *get)
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
    struct s3_get *get = s3_operation(request, sizeof *get, get_free);
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
    get->task.refuses_first = true; /* it only reads */
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
