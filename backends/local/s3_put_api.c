/*
 * PutObject.
 *
 *   RECEIVING ──► SEALING ──► COMMITTING ──► answered
 *       │            │             │
 *       └────────────┴─────────────┴──► DISCARDING (the blob file of an upload that came to
 * nothing)
 *
 * Pieces of the body gather in `pending`. Once it holds PIECE bytes it changes places with
 * `writing` and a storage task appends it to incoming/<id>; while that runs the next piece gathers,
 * and when that is full too the peer is paused. A body that ends within OBJECT_INLINE_MAX never
 * becomes a file: it is digested here and goes into the database with its row. Sealing writes the
 * rest, compares the digests and syncs the file. The commit is one unit: the row, the blob's row,
 * and the messages that announce the object; so they become true together.
 *
 * One storage task is under way at a time; `busy` says so. Callbacks record facts (more bytes, the
 * end, the peer gone, a failure) and put_advance decides what is next.
 *
 * While `busy`, fd, writing and digest belong to the storage thread.
 */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "objects.h"
#include "s3_body.h"
#include "s3_events.h"
#include "s3_metadata.h"
#include "s3_time.h"

enum {
    PIECE = 128 * 1024,
    PENDING_MAX = PIECE + 64 * 1024 + 4096, /* a piece, and one read of the server beyond it */
};

static const int64_t OBJECT_MAX = INT64_C(5) * 1024 * 1024 * 1024; /* bytes in one PUT (S3) */

enum put_state { PUT_RECEIVING, PUT_SEALING, PUT_COMMITTING, PUT_DISCARDING, PUT_ENDED };

struct put {
    struct storage_task task;
    struct s3_request *request;
    enum put_state state;
    bool busy;    /* the task is under way */
    bool ended;   /* the whole body is here */
    bool failed;  /* answered with an error, or nobody to answer */
    bool is_file; /* incoming/<id> may exist */
    bool doomed;  /* the unit must fail: its messages could not all be made */
    bool chunked;

    struct s3_claims claims;
    struct s3_unframer unframer;
    uint64_t size; /* decoded bytes so far */
    struct buffer pending;

    struct blobs *blobs;
    uint64_t blob; /* incoming/<blob>, once is_file */
    int fd;
    struct buffer writing;
    struct s3_digest digest;
    enum s3_error verdict; /* of the digests */

    int64_t bucket;
    struct object object;
    struct object_condition condition;
    char *if_match;
};

static void put_advance(struct put *put);

static void put_free(void *operation)
{
    struct put *put = operation;
    if (put->fd >= 0)
        close(put->fd);
    s3_unframer_end(&put->unframer);
    buffer_free(&put->pending);
    buffer_free(&put->writing);
    s3_digest_end(&put->digest);
    object_clear(&put->object);
    free(put->if_match);
    free(put);
}

static void put_fail(struct put *put, enum s3_error error, const char *message)
{
    if (!put->failed)
        s3_respond_error(put->request, error, message);
    put->failed = true;
}

static void put_submit(struct put *put, int (*run)(struct storage_task *, struct storage *),
                       void (*done)(struct storage_task *, int))
{
    put->busy = true;
    put->task.run = run;
    put->task.done = done;
    s3_submit(put->request, &put->task);
}

/* The end of every task's done: what it held may be the last hold. */
static void put_settled(struct put *put)
{
    struct s3_request *request = put->request;
    put->busy = false;
    put_advance(put);
    s3_request_release(request);
}

/* Writing a piece. */

static int write_piece(struct put *put, struct error *error)
{
    int status = 0;
    if (put->fd < 0)
        status = blob_create(put->blobs, put->blob, &put->fd, error);
    if (!status)
        status = blob_write(put->blobs, put->fd, put->writing.data, put->writing.size, error);
    if (!status)
        s3_digest_update(&put->digest, put->writing.data, put->writing.size);
    buffer_clear(&put->writing);
    return status;
}

static int write_run(struct storage_task *task, struct storage *storage)
{
    (void)storage;
    return write_piece((struct put *)task, &task->error);
}

static void record_failure(struct put *put, int status)
{
    if (!put->failed)
        s3_respond_failure(put->request, status, &put->task.error);
    put->failed = true;
}

static void write_done(struct storage_task *task, int status)
{
    struct put *put = (struct put *)task;
    if (status)
        record_failure(put, status);
    else if (put->request->base && !put->ended)
        http_call_resume(put->request->base->call);
    put_settled(put);
}

static void take_pending(struct put *put)
{
    struct buffer empty = put->writing;
    put->writing = put->pending;
    put->pending = empty;
    put->is_file = true;
}

static void start_write(struct put *put)
{
    take_pending(put);
    put_submit(put, write_run, write_done);
}

/* Sealing. */

static int seal_run(struct storage_task *task, struct storage *storage)
{
    struct put *put = (struct put *)task;
    (void)storage;
    int status = put->writing.size ? write_piece(put, &task->error) : 0;
    if (status)
        return status;
    put->verdict = s3_digest_finish(&put->digest, &put->claims);
    return put->verdict ? 0 : blob_seal(put->blobs, &put->fd, &task->error);
}

static void seal_done(struct storage_task *task, int status)
{
    struct put *put = (struct put *)task;
    if (status)
        record_failure(put, status);
    else if (put->verdict)
        put_fail(put, put->verdict, NULL);
    put_settled(put);
}

static void start_seal(struct put *put)
{
    put->state = PUT_SEALING;
    take_pending(put);
    put_submit(put, seal_run, seal_done);
}

/* Committing. */

static int commit_run(struct storage_task *task, struct storage *storage)
{
    struct put *put = (struct put *)task;
    (void)storage;
    if (put->doomed)
        return error_set(&task->error, ERR_MEMORY, "out of memory");
    return objects_put(put->blobs, put->bucket, put->request->key, &put->object,
                       buffer_slice(&put->pending), &put->condition, &task->error);
}

static void respond_stored(struct put *put)
{
    char etag[64], *value = NULL;
    struct http_header headers[3] = {{"ETag", etag}};
    size_t count = 1;
    snprintf(etag, sizeof(etag), "\"%s\"", put->object.etag);
    if (*put->object.checksum && (value = strchr(put->object.checksum, ':'))) {
        headers[count++] = (struct http_header){checksum_header(put->claims.kind), value + 2};
        headers[count++] = (struct http_header){"x-amz-checksum-type", "FULL_OBJECT"};
    }
    s3_respond_empty(put->request, 200, headers, count);
}

static void commit_done(struct storage_task *task, int status)
{
    struct put *put = (struct put *)task;
    if (status)
        record_failure(put, status);
    else
        respond_stored(put);
    put->state = put->failed && put->is_file ? PUT_COMMITTING : PUT_ENDED;
    put_settled(put);
}

static int fill_object(struct put *put)
{
    struct buffer checksum;
    put->object.size = put->size;
    put->object.modified_ms = s3_time_now_ms();
    put->object.blob = put->is_file ? put->blob : 0;
    put->object.etag = strdup(put->digest.etag);
    buffer_init(&checksum, 128);
    buffer_text(&checksum, "");
    if (*put->digest.checksum_text)
        buffer_format(&checksum, "%s: %s", checksum_header(put->claims.kind),
                      put->digest.checksum_text);
    put->object.checksum = buffer_take_text(&checksum);
    return put->object.etag && put->object.checksum ? 0 : ERR_MEMORY;
}

static int announce(struct put *put, struct storage_unit *unit)
{
    struct s3_request *request = put->request;
    struct bucket bucket;
    if (!buckets_find(request->cloud->buckets, request->bucket, &bucket) ||
        bucket.id != put->bucket)
        return 0; /* it is gone, and the commit will say so */
    struct s3_event event = {
        .name = "ObjectCreated:Put",
        .key = request->key,
        .size = put->object.size,
        .etag = put->object.etag,
        .sequencer = put->object.id,
        .time_ms = put->object.modified_ms,
    };
    return s3_events_send(request, bucket.notification, &event, unit);
}

/* The object's number is taken here, so that sequencers order as commits do. */
static void start_commit(struct put *put)
{
    struct storage_unit unit = {0};
    put->state = PUT_COMMITTING;
    put->busy = true;
    put->task.run = commit_run;
    put->task.done = commit_done;
    put->object.id = buckets_next_number(put->request->cloud->buckets);
    storage_unit_add(&unit, &put->task);
    put->doomed = fill_object(put) || announce(put, &unit);
    s3_request_hold(put->request);
    storage_submit_unit(put->request->cloud->storage, &unit);
}

static void commit_small(struct put *put)
{
    s3_digest_update(&put->digest, put->pending.data ? put->pending.data : "", put->pending.size);
    enum s3_error error = s3_digest_finish(&put->digest, &put->claims);
    if (error)
        put_fail(put, error, NULL);
    else
        start_commit(put);
}

/* Discarding. */

static int discard_run(struct storage_task *task, struct storage *storage)
{
    struct put *put = (struct put *)task;
    (void)storage;
    if (put->fd >= 0)
        close(put->fd);
    put->fd = -1;
    blob_discard(put->blobs, put->blob);
    return 0;
}

static void discard_done(struct storage_task *task, int status)
{
    struct put *put = (struct put *)task;
    (void)status;
    put->state = PUT_ENDED;
    put_settled(put);
}

static void start_discard(struct put *put)
{
    put->state = PUT_DISCARDING;
    put_submit(put, discard_run, discard_done);
}

/* What is next. */

static void put_advance(struct put *put)
{
    if (put->busy || put->state == PUT_ENDED)
        return;
    if (put->failed) {
        if (put->is_file)
            start_discard(put);
        else
            put->state = PUT_ENDED;
    } else if (put->state == PUT_SEALING) {
        start_commit(put);
    } else if (put->state != PUT_RECEIVING) {
        return;
    } else if (put->ended && !put->is_file && put->pending.size <= OBJECT_INLINE_MAX) {
        commit_small(put);
    } else if (put->ended) {
        start_seal(put);
    } else if (put->pending.size >= PIECE) {
        start_write(put);
    }
}

/* Facts. */

static enum s3_error append(struct put *put, struct slice data)
{
    put->size += data.size;
    if (put->claims.size >= 0 && put->size > (uint64_t)put->claims.size)
        return S3_INCOMPLETE_BODY;
    return buffer_append(&put->pending, data.data, data.size) ? S3_INTERNAL_ERROR : S3_OK;
}

static enum s3_error append_chunked(struct put *put, struct slice in)
{
    struct slice data;
    int status;
    while ((status = aws_chunked_next(&put->unframer.decoder, &in, &data)) == 1) {
        enum s3_error error = append(put, data);
        if (error)
            return error;
    }
    return status ? s3_unframer_error(status) : S3_OK;
}

static enum s3_error take_end(struct put *put)
{
    put->ended = true;
    if (put->chunked && !aws_chunked_complete(&put->unframer.decoder))
        return S3_INCOMPLETE_BODY;
    if (put->claims.size >= 0 && put->size != (uint64_t)put->claims.size)
        return S3_INCOMPLETE_BODY;
    if (!put->claims.in_trailer)
        return S3_OK;
    return s3_claims_take_trailer(
        &put->claims,
        aws_chunked_trailer(&put->unframer.decoder, checksum_header(put->claims.kind)));
}

static void on_data(struct http_call *call, int error, const void *data, size_t size, void *user)
{
    struct put *put = user;
    struct slice piece = {data, size};
    enum s3_error bad = S3_OK;
    if (put->failed)
        return;
    if (error)
        put->failed = true; /* the server answers */
    else if (!size)
        bad = take_end(put);
    else
        bad = put->chunked ? append_chunked(put, piece) : append(put, piece);
    if (bad)
        put_fail(put, bad, NULL);
    if (put->busy && put->pending.size >= PIECE && !put->failed)
        http_call_pause(call);
    put_advance(put);
}

static void on_gone(struct s3_request *request)
{
    struct put *put = request->operation;
    if (put->state == PUT_RECEIVING || put->state == PUT_SEALING)
        put->failed = true;
    put_advance(put);
}

/* The beginning. */

/* An ETag as a header states it, without quotes; NULL where there is none or memory is short. */
static char *copy_etag(struct slice etag)
{
    if (etag.size >= 2 && etag.data[0] == '"' && etag.data[etag.size - 1] == '"')
        etag = (struct slice){etag.data + 1, etag.size - 2};
    return etag.data ? slice_dup(etag) : NULL;
}

static enum s3_error read_condition(struct put *put, const char **message)
{
    struct slice none_match = s3_header(put->request, "if-none-match");
    struct slice match = s3_header(put->request, "if-match");
    if (none_match.data && !slice_equal_text(none_match, "*")) {
        *message = "If-None-Match: only * is implemented for writes.";
        return S3_NOT_IMPLEMENTED;
    }
    put->condition.if_absent = none_match.data != NULL;
    put->if_match = copy_etag(match);
    put->condition.if_match = put->if_match;
    return match.data && !put->if_match ? S3_INTERNAL_ERROR : S3_OK;
}

static enum s3_error check_size(const struct put *put)
{
    if (put->claims.size < 0)
        return S3_MISSING_CONTENT_LENGTH;
    return put->claims.size > OBJECT_MAX ? S3_ENTITY_TOO_LARGE : S3_OK;
}

static bool put_prepare(struct put *put)
{
    const char *message = NULL;
    if (!s3_claims_read(put->request, &put->claims))
        return false;
    enum s3_error error = check_size(put);
    if (!error)
        error = s3_metadata_read(put->request, &put->object, &message);
    if (!error)
        error = read_condition(put, &message);
    if (error)
        s3_respond_error(put->request, error, message);
    return !error && s3_unframer_start(&put->unframer, put->request, &put->claims);
}

void s3_put_object(struct s3_request *request)
{
    struct bucket bucket;
    if (!s3_find_bucket(request, &bucket))
        return;
    struct put *put = s3_operation(request, sizeof(*put), put_free);
    if (!put)
        return;
    put->request = request;
    put->fd = -1;
    put->bucket = bucket.id;
    put->blobs = buckets_blobs(request->cloud->buckets);
    buffer_init(&put->pending, PENDING_MAX);
    buffer_init(&put->writing, PENDING_MAX);
    if (!put_prepare(put))
        return;
    put->chunked = put->claims.chunked;
    put->blob = buckets_next_number(request->cloud->buckets);
    s3_digest_start(&put->digest, &put->claims);
    request->gone = on_gone;
    http_call_read(request->base->call, on_data, put);
}
