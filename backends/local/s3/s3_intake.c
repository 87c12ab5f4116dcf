#include "s3_intake.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container_of.h"
#include "objects.h"

enum {
    PIECE = 128 * 1024,
    PENDING_MAX = PIECE + 64 * 1024 + 4096, /* a piece, plus one read of the server */
};

/* maximum bytes per request (S3) */
static const int64_t BODY_MAX = INT64_C(5) * 1024 * 1024 * 1024;

static void advance(struct s3_intake *intake);

void s3_intake_end(struct s3_intake *intake)
{
    if (!intake->owner)
        return;
    if (intake->fd >= 0)
        close(intake->fd);
    s3_unframer_end(&intake->unframer);
    buffer_free(&intake->pending);
    buffer_free(&intake->writing);
}

static void fail(struct s3_intake *intake, enum s3_error error, const char *message)
{
    if (!intake->failed)
        s3_respond_error(intake->request, error, message);
    intake->failed = true;
}

static void fail_digest(struct s3_intake *intake, enum s3_error error)
{
    if (!intake->failed)
        s3_digest_refuse(&intake->digest, intake->request, &intake->claims, error);
    intake->failed = true;
}

static void submit(struct s3_intake *intake, int (*run)(struct storage_task *, struct storage *),
                   void (*done)(struct storage_task *, int))
{
    intake->busy = true;
    intake->task.run = run;
    intake->task.done = done;
    s3_submit_aside(intake->request, &intake->task);
}

/* At the end of every task's done: its reference may be the last one. */
static void settled(struct s3_intake *intake)
{
    struct s3_request *request = intake->request;
    intake->busy = false;
    advance(intake);
    s3_request_release(request);
}

/* Writing a piece. */

static int write_piece(struct s3_intake *intake, struct error *error)
{
    int code = 0;
    if (intake->fd < 0)
        code = blob_create(intake->blobs, intake->blob, &intake->fd, error);
    if (code)
        goto out;
    code = blob_write(intake->blobs, intake->fd, intake->writing.data, intake->writing.size, error);
    if (code)
        goto out;
    s3_digest_update(&intake->digest, intake->writing.data, intake->writing.size);
out:
    buffer_clear(&intake->writing);
    return code;
}

static int write_run(struct storage_task *task, struct storage *storage)
{
    (void)storage;
    return write_piece(container_of(task, struct s3_intake, task), &task->error);
}

static void record_failure(struct s3_intake *intake, int code)
{
    if (!intake->failed)
        s3_respond_failure(intake->request, code, &intake->task.error);
    intake->failed = true;
}

static void write_done(struct storage_task *task, int code)
{
    struct s3_intake *intake = container_of(task, struct s3_intake, task);
    if (code)
        record_failure(intake, code);
    else if (intake->request->base && !intake->ended)
        http_call_resume(intake->request->base->call);
    settled(intake);
}

static void take_pending(struct s3_intake *intake)
{
    struct buffer empty = intake->writing;
    intake->writing = intake->pending;
    intake->pending = empty;
    intake->is_file = true;
}

static void start_write(struct s3_intake *intake)
{
    take_pending(intake);
    submit(intake, write_run, write_done);
}

/* Sealing. */

static int seal_run(struct storage_task *task, struct storage *storage)
{
    struct s3_intake *intake = container_of(task, struct s3_intake, task);
    (void)storage;
    /* an empty part is a file, too */
    bool has_more = intake->writing.size || intake->fd < 0;
    int code = has_more ? write_piece(intake, &task->error) : 0;
    if (code)
        return code;
    intake->verdict = s3_digest_finish(&intake->digest, &intake->claims);
    return intake->verdict ? 0 : blob_seal(intake->blobs, &intake->fd, &task->error);
}

static void seal_done(struct storage_task *task, int code)
{
    struct s3_intake *intake = container_of(task, struct s3_intake, task);
    if (code)
        record_failure(intake, code);
    else if (intake->verdict)
        fail_digest(intake, intake->verdict);
    settled(intake);
}

static void start_seal(struct s3_intake *intake)
{
    intake->state = S3_INTAKE_SEALING;
    take_pending(intake);
    submit(intake, seal_run, seal_done);
}

/* Committing. */

static int commit_run(struct storage_task *task, struct storage *storage)
{
    struct s3_intake *intake = container_of(task, struct s3_intake, task);
    (void)storage;
    if (intake->must_fail)
        return error_set(&task->error, ERR_MEMORY, "out of memory");
    return intake->owner->commit(intake, &task->error);
}

static void commit_done(struct storage_task *task, int code)
{
    struct s3_intake *intake = container_of(task, struct s3_intake, task);
    if (code == ERR_NOT_FOUND)
        fail(intake, intake->owner->not_found, NULL);
    else if (code)
        record_failure(intake, code);
    else
        intake->owner->stored(intake);
    intake->state = intake->failed && intake->is_file ? S3_INTAKE_COMMITTING : S3_INTAKE_ENDED;
    settled(intake);
}

static void start_commit(struct s3_intake *intake)
{
    struct storage_unit unit = {0};
    intake->state = S3_INTAKE_COMMITTING;
    intake->busy = true;
    intake->task.run = commit_run;
    intake->task.done = commit_done;
    intake->task.refuses_first = true;
    storage_unit_add(&unit, &intake->task);
    intake->must_fail = intake->owner->prepare(intake, &unit) != 0;
    s3_request_hold(intake->request);
    storage_submit_unit(intake->request->cloud->storage, &unit);
}

static void commit_small(struct s3_intake *intake)
{
    s3_digest_update(&intake->digest, intake->pending.data ? intake->pending.data : "",
                     intake->pending.size);
    enum s3_error error = s3_digest_finish(&intake->digest, &intake->claims);
    if (error)
        fail_digest(intake, error);
    else
        start_commit(intake);
}

/* Discarding. */

static int discard_run(struct storage_task *task, struct storage *storage)
{
    struct s3_intake *intake = container_of(task, struct s3_intake, task);
    (void)storage;
    if (intake->fd >= 0)
        close(intake->fd);
    intake->fd = -1;
    blob_discard(intake->blobs, intake->blob);
    return 0;
}

static void discard_done(struct storage_task *task, int code)
{
    struct s3_intake *intake = container_of(task, struct s3_intake, task);
    (void)code;
    intake->state = S3_INTAKE_ENDED;
    settled(intake);
}

static void start_discard(struct s3_intake *intake)
{
    intake->state = S3_INTAKE_DISCARDING;
    submit(intake, discard_run, discard_done);
}

/* The next step. */

static bool stays_small(const struct s3_intake *intake)
{
    return intake->owner->small_in_row && !intake->is_file &&
           intake->pending.size <= OBJECT_INLINE_MAX;
}

static void advance(struct s3_intake *intake)
{
    if (intake->busy || intake->state == S3_INTAKE_ENDED)
        return;
    if (intake->failed) {
        if (intake->is_file)
            start_discard(intake);
        else
            intake->state = S3_INTAKE_ENDED;
    } else if (intake->state == S3_INTAKE_SEALING) {
        start_commit(intake);
    } else if (intake->state != S3_INTAKE_RECEIVING) {
        return;
    } else if (intake->ended && stays_small(intake)) {
        commit_small(intake);
    } else if (intake->ended) {
        start_seal(intake);
    } else if (intake->pending.size >= PIECE) {
        start_write(intake);
    }
}

/* Facts. */

static enum s3_error append(struct s3_intake *intake, struct slice data)
{
    intake->size += data.size;
    if (intake->size > intake->size_max) {
        s3_detail_number(intake->request, "ProposedSize", intake->size);
        s3_detail_number(intake->request, "MaxSizeAllowed", intake->size_max);
        return S3_ENTITY_TOO_LARGE;
    }
    if (intake->claims.size >= 0 && intake->size > (uint64_t)intake->claims.size)
        return S3_INCOMPLETE_BODY;
    return buffer_append(&intake->pending, data.data, data.size) ? S3_INTERNAL_ERROR : S3_OK;
}

static enum s3_error append_chunked(struct s3_intake *intake, struct slice in)
{
    struct slice data;
    int code;
    while ((code = aws_chunked_next(&intake->unframer.decoder, &in, &data)) == 1) {
        enum s3_error error = append(intake, data);
        if (error)
            return error;
    }
    return code ? s3_unframer_error(code) : S3_OK;
}

static enum s3_error take_end(struct s3_intake *intake, const char **message)
{
    intake->ended = true;
    if (intake->claims.chunked && !aws_chunked_complete(&intake->unframer.decoder))
        return S3_BODY_TERMINATED;
    if (intake->claims.size >= 0 && intake->size != (uint64_t)intake->claims.size)
        return S3_INCOMPLETE_BODY;
    return s3_claims_take_trailers(&intake->claims, &intake->unframer.decoder, message);
}

/* Of a chunk, the size counts that it announces. */
static void fail_size(struct s3_intake *intake)
{
    uint64_t ahead = intake->claims.chunked ? intake->unframer.decoder.left : 0;
    if (!intake->failed)
        s3_claims_refuse_size(intake->request, &intake->claims, intake->size + ahead);
    intake->failed = true;
}

static void on_data(struct http_call *call, int code, const void *data, size_t size, void *user)
{
    struct s3_intake *intake = user;
    struct slice piece = {data, size};
    enum s3_error bad = S3_OK;
    const char *message = NULL;
    if (intake->failed)
        return;
    if (code)
        intake->failed = true; /* the HTTP server responds */
    else if (!size)
        bad = take_end(intake, &message);
    else
        bad = intake->claims.chunked ? append_chunked(intake, piece) : append(intake, piece);
    if (bad == S3_INCOMPLETE_BODY)
        fail_size(intake);
    else if (bad)
        fail(intake, bad, message);
    if (intake->busy && intake->pending.size >= PIECE && !intake->failed)
        http_call_pause(call);
    advance(intake);
}

static void on_gone(struct s3_request *request)
{
    struct s3_intake *intake = request->operation;
    if (intake->state == S3_INTAKE_RECEIVING || intake->state == S3_INTAKE_SEALING)
        intake->failed = true;
    advance(intake);
}

/* Start. */

static enum s3_error check_size(const struct s3_claims *claims)
{
    if (claims->size < 0)
        return S3_MISSING_CONTENT_LENGTH;
    return claims->size > BODY_MAX ? S3_ENTITY_TOO_LARGE : S3_OK;
}

void s3_intake_prepare_part(struct s3_intake *intake, struct s3_request *request,
                            const struct s3_intake_owner *owner)
{
    intake->owner = owner;
    intake->request = request;
    intake->fd = -1;
    intake->blobs = buckets_blobs(request->cloud->buckets);
    intake->size_max = (uint64_t)BODY_MAX;
    buffer_init(&intake->pending, PENDING_MAX);
    buffer_init(&intake->writing, PENDING_MAX);
}

bool s3_intake_prepare(struct s3_intake *intake, struct s3_request *request,
                       const struct s3_intake_owner *owner)
{
    s3_intake_prepare_part(intake, request, owner);
    if (!s3_claims_read(request, &intake->claims))
        return false;
    enum s3_error error = check_size(&intake->claims);
    if (error == S3_ENTITY_TOO_LARGE) {
        s3_detail_number(request, "ProposedSize", (uint64_t)intake->claims.size);
        s3_detail_number(request, "MaxSizeAllowed", intake->size_max);
    }
    if (error)
        s3_respond_error(request, error, NULL);
    return !error && s3_unframer_start(&intake->unframer, request, &intake->claims);
}

static void begin(struct s3_intake *intake)
{
    struct s3_request *request = intake->request;
    if (!intake->claims.kind)
        intake->claims.kind = intake->owner->checksum;
    intake->blob = buckets_next_number(request->cloud->buckets);
    s3_digest_start(&intake->digest, &intake->claims);
    request->gone = on_gone;
}

void s3_intake_start(struct s3_intake *intake)
{
    begin(intake);
    http_call_read(intake->request->base->call, on_data, intake);
}

/* A part of a body. */

bool s3_intake_begin_part(struct s3_intake *intake, uint64_t size_max)
{
    if (!s3_claims_read(intake->request, &intake->claims))
        return false;
    intake->claims.chunked = false;
    intake->claims.size = -1;
    if (size_max < intake->size_max)
        intake->size_max = size_max;
    begin(intake);
    return true;
}

bool s3_intake_feed(struct s3_intake *intake, struct slice data)
{
    if (intake->failed)
        return false;
    enum s3_error error = append(intake, data);
    if (error)
        fail(intake, error, NULL);
    if (intake->busy && intake->pending.size >= PIECE && !intake->failed)
        http_call_pause(intake->request->base->call);
    advance(intake);
    return !intake->failed;
}

void s3_intake_finish(struct s3_intake *intake)
{
    intake->ended = true;
    advance(intake);
}

void s3_intake_fail(struct s3_intake *intake, enum s3_error error)
{
    fail(intake, error, NULL);
    advance(intake);
}

void s3_intake_lose(struct s3_intake *intake)
{
    intake->failed = true;
    advance(intake);
}
