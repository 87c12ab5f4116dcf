/*
 * GetObject and HeadObject.
 *
 * One storage task finds the row, judges conditions and range, opens the blob and reads the first
 * piece; so a small object costs one trip. Further pieces are read one at a time, each after the
 * peer has taken the one before: a slow reader holds one piece in memory, and an open descriptor,
 * which keeps the bytes readable if the object is replaced meanwhile.
 *
 * While the task is under way fd, piece and object belong to the storage thread.
 */
#include "s3_handlers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "log.h"
#include "objects.h"
#include "s3_metadata.h"
#include "s3_range.h"

enum { PIECE = 256 * 1024, RANGE_TEXT = 96 };

struct get {
    struct storage_task task;
    struct s3_request *request;
    bool head;
    int64_t bucket;
    struct blobs *blobs;

    /* copies of the headers, since the call may end under the task */
    char *range_text;
    char *conditions_text[4];
    struct s3_preconditions conditions;

    struct object object;
    struct s3_range range;
    enum s3_error verdict; /* of conditions and range */
    int fd;
    uint64_t offset; /* of the next byte to read */
    uint64_t left;   /* bytes still to read */
    struct bytes piece;
};

static void get_free(void *operation)
{
    struct get *get = operation;
    if (get->fd >= 0)
        close(get->fd);
    free(get->range_text);
    for (size_t i = 0; i < sizeof(get->conditions_text) / sizeof(*get->conditions_text); i++)
        free(get->conditions_text[i]);
    object_clear(&get->object);
    bytes_free(&get->piece);
    free(get);
}

/* Storage thread. */

static int read_file(struct get *get, char *data, size_t size, struct error *error)
{
    size_t done = 0;
    while (done < size) {
        ssize_t count = pread(get->fd, data + done, size - done, (off_t)(get->offset + done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return error_set(error, ERR_IO, "reading an object's file failed: %s",
                             count ? strerror(errno) : "it is too short");
        done += (size_t)count;
    }
    return 0;
}

static int read_piece(struct get *get, struct error *error)
{
    size_t size = get->left < PIECE ? (size_t)get->left : PIECE;
    char *data = malloc(size ? size : 1);
    if (!data)
        return error_set(error, ERR_MEMORY, "out of memory");
    get->piece = bytes_give(data, size);
    int status = read_file(get, data, size, error);
    get->offset += size;
    get->left -= size;
    return status;
}

/* The whole small body, cut to the range. */
static int read_inline(struct get *get, struct storage *storage, struct error *error)
{
    struct buffer body;
    buffer_init(&body, OBJECT_INLINE_MAX);
    buffer_text(&body, "");
    int status = objects_read_inline(storage, get->object.id, &body, error);
    if (!status && body.size < get->offset + get->left)
        status = error_set(error, ERR_IO, "an object's body is too short");
    if (status) {
        buffer_free(&body);
        return status;
    }
    memmove(body.data, body.data + get->offset, (size_t)get->left);
    body.size = (size_t)get->left;
    get->piece = buffer_take(&body);
    get->left = 0;
    return 0;
}

static int find_run(struct storage_task *task, struct storage *storage)
{
    struct get *get = (struct get *)task;
    struct object *object = &get->object;
    int status = objects_find(storage, get->bucket, get->request->key, object, &task->error);
    if (status)
        return status;
    get->verdict = s3_preconditions_check(&get->conditions, object->etag, object->modified_ms);
    if (!get->verdict)
        get->verdict = s3_range_parse(slice_of(get->range_text), object->size, &get->range);
    if (get->verdict || get->head)
        return 0;
    get->offset = get->range.first;
    get->left = get->range.size;
    if (!object->blob)
        return read_inline(get, storage, &task->error);
    status = blob_read_open(get->blobs, object->blob, &get->fd, &task->error);
    return status ? status : read_piece(get, &task->error);
}

static int read_run(struct storage_task *task, struct storage *storage)
{
    (void)storage;
    return read_piece((struct get *)task, &task->error);
}

/* Loop thread. */

static void send_piece(struct get *get);

static void read_done(struct storage_task *task, int status)
{
    struct get *get = (struct get *)task;
    struct s3_request *request = get->request;
    if (status)
        log_error("object cannot be read", LOG_TEXT("bucket", request->bucket),
                  LOG_TEXT("key", request->key), LOG_TEXT("error", task->error.text));
    if (request->base && status)
        http_call_abort(request->base->call); /* the length was promised */
    else if (request->base)
        send_piece(get);
    s3_request_release(request);
}

static void on_drained(struct http_call *call, int error, void *user)
{
    struct get *get = user;
    (void)call;
    if (error || !get->request->base)
        return;
    get->task.run = read_run;
    get->task.done = read_done;
    s3_submit(get->request, &get->task);
}

static void send_piece(struct get *get)
{
    struct cloud_request *base = get->request->base;
    bool last = get->left == 0;
    if (get->piece.size)
        answer_write(base, &get->piece, last ? NULL : on_drained, get);
    if (last)
        answer_end(base);
}

static void respond_verdict(struct get *get)
{
    struct s3_request *request = get->request;
    struct s3_metadata_headers headers;
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
    char range[RANGE_TEXT];
    if (s3_metadata_write(request, &get->object, wants_checksum(get), &headers)) {
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        return;
    }
    if (get->range.partial && headers.count < S3_METADATA_HEADERS_MAX) {
        snprintf(range, sizeof(range), "bytes %llu-%llu/%llu", (unsigned long long)get->range.first,
                 (unsigned long long)(get->range.first + get->range.size - 1),
                 (unsigned long long)get->object.size);
        headers.headers[headers.count++] = (struct http_header){"Content-Range", range};
    }
    s3_respond_begin(request, get->range.partial ? 206 : 200, headers.headers, headers.count,
                     (int64_t)get->range.size);
    s3_metadata_headers_free(&headers);
    if (get->head)
        answer_end(request->base);
    else
        send_piece(get);
}

static void find_done(struct storage_task *task, int status)
{
    struct get *get = (struct get *)task;
    struct s3_request *request = get->request;
    if (!request->base)
        ; /* nobody to answer */
    else if (status)
        s3_respond_failure(request, status, &task->error);
    else if (get->verdict)
        respond_verdict(get);
    else
        respond_found(get);
    s3_request_release(request);
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

static void start(struct s3_request *request, bool head)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    struct get *get = s3_operation(request, sizeof(*get), get_free);
    if (!get)
        return;
    get->request = request;
    get->head = head;
    get->fd = -1;
    get->bucket = bucket.id;
    get->blobs = buckets_blobs(request->cloud->buckets);
    if (!copy_headers(get)) {
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        return;
    }
    get->task.run = find_run;
    get->task.done = find_done;
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
