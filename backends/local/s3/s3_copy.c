#include "s3_copy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blob_damage.h"
#include "container_of.h"
#include "log.h"
#include "object_archive.h"
#include "s3_access.h"
#include "s3_expiration.h"
#include "s3_placement.h"
#include "s3_time.h"
#include "s3_version.h"
#include "s3_xml.h"

enum { PIECE = 512 * 1024, RESPONSE_MAX = 16 * 1024 };

/* maximum bytes per request (S3) */
static const uint64_t COPY_MAX = UINT64_C(5) * 1024 * 1024 * 1024;

void s3_copy_end(struct s3_copy *copy)
{
    if (!copy->owner)
        return;
    s3_copy_source_clear(&copy->source);
    s3_copy_check_close(&copy->check);
    object_clear(&copy->found);
    buffer_free(&copy->small);
    free(copy->piece);
}

/* Copying: on the storage thread; file I/O runs aside. */

/* A copy of a single body has its MD5. */
static bool is_as_stored(const struct s3_copy *copy)
{
    const struct object *found = &copy->found;
    return found->owner || copy->size != found->size || !s3_placement_etag_is_md5(found) ||
           strcmp(copy->etag, found->etag) == 0;
}

static int finish(struct s3_copy *copy, struct error *error)
{
    s3_digest_finish(&copy->digest, &copy->claims); /* no claims to verify */
    snprintf(copy->etag, sizeof copy->etag, "%s", copy->digest.etag);
    s3_checksum_line(copy->kind, copy->digest.checksum_text, copy->checksum);
    copy->whole = true;
    if (is_as_stored(copy))
        return 0;
    copy->damaged = true;
    copy->check.blob = copy->found.blob;
    return error_set(error, ERR_CORRUPT, "the object has other bytes than those that were stored");
}

static int copy_small(struct s3_copy *copy, struct error *error)
{
    size_t size = (size_t)copy->size;
    buffer_init(&copy->small, OBJECT_INLINE_MAX);
    if (buffer_reserve(&copy->small, size))
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = object_reader_read(&copy->reader, copy->small.data, size, error);
    if (code)
        return code;
    copy->small.size = size;
    s3_digest_update(&copy->digest, copy->small.data, size);
    return finish(copy, error);
}

static int copy_piece(struct s3_copy *copy, struct error *error)
{
    size_t size = copy->reader.left < PIECE ? (size_t)copy->reader.left : PIECE;
    int code = object_reader_read(&copy->reader, copy->piece, size, error);
    if (code)
        return code;
    code = blob_write(copy->blobs, copy->fd, copy->piece, size, error);
    if (code)
        return code;
    s3_digest_update(&copy->digest, copy->piece, size);
    if (copy->reader.left)
        return 0;
    code = blob_seal(copy->blobs, &copy->fd, error);
    return code ? code : finish(copy, error);
}

static int start_reading(struct s3_copy *copy, struct error *error)
{
    copy->claims = (struct s3_claims){.kind = copy->kind};
    s3_digest_start(&copy->digest, &copy->claims);
    int code = object_reader_open(&copy->reader, copy->blobs, &copy->found, copy->first, copy->size,
                                  error);
    if (code)
        return code;
    if (copy->owner->small_in_row && copy->size <= OBJECT_INLINE_MAX) {
        code = copy_small(copy, error);
        object_reader_close(&copy->reader);
        return code;
    }
    copy->is_file = true;
    return blob_create(copy->blobs, copy->blob, &copy->fd, error);
}

/* A link has the source's checksum and ETag, which is the MD5 because the source is a single
 * blob. */
static bool can_link(const struct s3_copy *copy)
{
    const char *value;
    if (!copy->found.blob || copy->size != copy->found.size ||
        !s3_placement_etag_is_md5(&copy->found) || strlen(copy->found.etag) >= sizeof copy->etag)
        return false;
    return !copy->kind || s3_checksum_of(copy->found.checksum, &value) == copy->kind;
}

static int link_blob(struct s3_copy *copy, struct error *error)
{
    int code = blob_link(copy->blobs, copy->found.blob, copy->blob, error);
    if (code == ERR_UNSUPPORTED)
        return start_reading(copy, error);
    if (code)
        return code;
    copy->is_file = true;
    copy->whole = true;
    snprintf(copy->etag, sizeof copy->etag, "%s", copy->found.etag);
    if (copy->kind)
        snprintf(copy->checksum, sizeof copy->checksum, "%s", copy->found.checksum);
    return 0;
}

/* Storage thread: finds the source. */

static void choose_range(struct s3_copy *copy)
{
    const struct s3_copy_source *source = &copy->source;
    copy->first = source->ranged ? source->first : 0;
    copy->size = source->ranged ? source->last - source->first + 1 : copy->found.size;
    if (source->ranged && source->first >= copy->found.size) {
        copy->verdict = S3_INVALID_REQUEST;
        snprintf(copy->message, sizeof copy->message,
                 "The specified copy range is invalid for the source object size");
    } else if (source->ranged && source->last >= copy->found.size) {
        copy->verdict = S3_INVALID_ARGUMENT;
        snprintf(copy->message, sizeof copy->message,
                 "Range specified is not valid for source object of size: %" PRIu64,
                 copy->found.size);
    } else if (copy->size > COPY_MAX) {
        copy->verdict = S3_INVALID_REQUEST;
        snprintf(copy->message, sizeof copy->message,
                 "The specified copy source is larger than the maximum allowable size for a copy "
                 "source: %" PRIu64,
                 COPY_MAX);
    }
}

static void refuse_marker(struct s3_copy *copy)
{
    copy->verdict = copy->source.version.given ? S3_INVALID_REQUEST : S3_NO_SUCH_KEY;
    if (copy->source.version.given)
        snprintf(copy->message, sizeof copy->message,
                 "The source of a copy request may not specifically refer to a delete marker by "
                 "version id.");
}

static int find_source(struct s3_copy *copy, struct storage *storage, struct error *error)
{
    struct s3_copy_source *source = &copy->source;
    int code = objects_find_version(storage, source->bucket, source->key, source->version,
                                    &copy->found, error);
    if (code == ERR_NOT_FOUND) {
        copy->verdict = source->version.given ? S3_NO_SUCH_VERSION : S3_NO_SUCH_KEY;
        return 0;
    }
    if (code)
        return code;
    if (copy->found.marker)
        refuse_marker(copy);
    else
        copy->verdict =
            s3_copy_source_check(source, copy->found.etag, copy->found.modified_ms, copy->failed);
    if (!copy->verdict && object_is_archived(&copy->found, s3_time_now_ms())) {
        copy->verdict = S3_INVALID_OBJECT_STATE;
        snprintf(copy->message, sizeof copy->message,
                 "Operation is not valid for the source object's storage class");
    }
    if (!copy->verdict)
        choose_range(copy);
    return 0;
}

/* What is small was compared when it was read. */
static int start_checking(struct s3_copy *copy, struct error *error)
{
    if (!copy->is_file)
        return 0;
    copy->piece = malloc(PIECE);
    if (!copy->piece)
        return error_set(error, ERR_MEMORY, "out of memory");
    copy->reader.blobs = copy->blobs;
    return s3_copy_check_open(&copy->check, &copy->reader, &copy->found,
                              copy->whole ? copy->blob : 0, error);
}

static int find_run(struct storage_task *task, struct storage *storage)
{
    struct s3_copy *copy = container_of(task, struct s3_copy, task);
    int code = find_source(copy, storage, &task->error);
    if (code || copy->verdict)
        return code;
    code = copy->owner->found(copy, storage, &task->error);
    if (code || copy->verdict)
        return code;
    code = can_link(copy) ? link_blob(copy, &task->error) : start_reading(copy, &task->error);
    return code ? code : start_checking(copy, &task->error);
}

static int piece_run(struct storage_task *task, struct storage *storage)
{
    struct s3_copy *copy = container_of(task, struct s3_copy, task);
    (void)storage;
    if (copy->is_checked)
        return copy_piece(copy, &task->error);
    int code = s3_copy_check_step(&copy->check, copy->blobs, copy->piece, PIECE, &task->error);
    copy->is_checked = code == 0;
    copy->damaged = code == ERR_CORRUPT;
    return code < 0 ? code : 0;
}

static int commit_run(struct storage_task *task, struct storage *storage)
{
    struct s3_copy *copy = container_of(task, struct s3_copy, task);
    (void)storage;
    object_reader_close(&copy->reader);
    s3_copy_check_note(&copy->check, copy->blobs);
    if (copy->must_fail)
        return error_set(&task->error, ERR_MEMORY, "out of memory");
    return copy->owner->commit(copy, &task->error);
}

static int discard_run(struct storage_task *task, struct storage *storage)
{
    struct s3_copy *copy = container_of(task, struct s3_copy, task);
    (void)storage;
    bool changed;
    object_reader_close(&copy->reader);
    s3_copy_check_close(&copy->check);
    if (copy->fd >= 0)
        close(copy->fd);
    copy->fd = -1;
    if (copy->is_file)
        blob_discard(copy->blobs, copy->blob);
    if (copy->damaged && copy->check.blob)
        return blob_damage_set(copy->blobs, copy->check.blob, true, &changed, &task->error);
    return 0;
}

/* Loop thread. */

static void submit(struct s3_copy *copy, int (*run)(struct storage_task *, struct storage *),
                   void (*done)(struct storage_task *, int))
{
    copy->task.run = run;
    copy->task.done = done;
    s3_submit(copy->request, &copy->task);
}

static void submit_piece(struct s3_copy *copy, void (*done)(struct storage_task *, int))
{
    copy->task.run = piece_run;
    copy->task.done = done;
    s3_submit_aside(copy->request, &copy->task);
}

static void discard_done(struct storage_task *task, int code)
{
    (void)code;
    s3_request_release(container_of(task, struct s3_copy, task)->request);
}

/* What is missing or does not hold is the source. */
static void add_details(struct s3_copy *copy)
{
    struct s3_request *request = copy->request;
    const struct s3_copy_source *source = &copy->source;
    char version[S3_VERSION_SIZE];
    if (copy->verdict == S3_PRECONDITION_FAILED)
        s3_detail(request, "Condition", copy->failed);
    if (copy->verdict == S3_NO_SUCH_KEY || copy->verdict == S3_NO_SUCH_VERSION)
        s3_detail(request, "Key", source->key);
    if (copy->verdict == S3_NO_SUCH_VERSION) {
        s3_version_write(source->version.id, source->version.id != 0, version);
        s3_detail(request, "VersionId", version);
    }
    if (copy->verdict == S3_INVALID_ARGUMENT) {
        s3_detail(request, "ArgumentName", "x-amz-copy-source-range");
        s3_detail_slice(request, "ArgumentValue", s3_header(request, "x-amz-copy-source-range"));
    }
}

static void report_damage(const struct s3_copy *copy)
{
    char file[BLOB_NAME_SIZE] = "";
    if (copy->check.blob)
        blob_name(copy->check.blob, file);
    log_error("a stored object is damaged: restore its file from a backup, or delete it",
              LOG_TEXT("bucket", copy->source.bucket_name), LOG_TEXT("key", copy->source.key),
              LOG_TEXT("file", file), LOG_TEXT("error", copy->task.error.text));
}

static void respond_problem(struct s3_copy *copy, int code)
{
    if (copy->damaged) {
        report_damage(copy);
        s3_respond_error(copy->request, S3_INTERNAL_ERROR, NULL);
    } else if (copy->verdict)
        s3_respond_error(copy->request, copy->verdict, *copy->message ? copy->message : NULL);
    else
        s3_respond_failure(copy->request, code, &copy->task.error);
    submit(copy, discard_run, discard_done);
}

static void commit_done(struct storage_task *task, int code)
{
    struct s3_copy *copy = container_of(task, struct s3_copy, task);
    struct s3_request *request = copy->request;
    if (code == ERR_NOT_FOUND)
        copy->verdict = copy->owner->not_found;
    if (code)
        respond_problem(copy, code);
    else
        copy->owner->stored(copy);
    s3_request_release(request);
}

static void start_commit(struct s3_copy *copy)
{
    struct s3_request *request = copy->request;
    struct storage_unit unit = {0};
    copy->task.run = commit_run;
    copy->task.done = commit_done;
    storage_unit_add(&unit, &copy->task);
    copy->must_fail = copy->owner->prepare(copy, &unit) != 0;
    s3_request_hold(request);
    storage_submit_unit(request->cloud->storage, &unit);
}

static void piece_done(struct storage_task *task, int code)
{
    struct s3_copy *copy = container_of(task, struct s3_copy, task);
    struct s3_request *request = copy->request;
    copy->verdict = s3_access_missing(request, copy->source.bucket_name, copy->verdict);
    if (copy->verdict)
        add_details(copy);
    if (code || copy->verdict)
        respond_problem(copy, code);
    else if (copy->whole && (copy->is_checked || !copy->is_file))
        start_commit(copy);
    else if (request->base)
        submit_piece(copy, piece_done);
    else /* nobody waits for it */
        submit(copy, discard_run, discard_done);
    s3_request_release(request);
}

bool s3_copy_prepare(struct s3_copy *copy, struct s3_request *request,
                     const struct s3_copy_owner *owner)
{
    copy->owner = owner;
    copy->request = request;
    copy->blobs = buckets_blobs(request->cloud->buckets);
    copy->fd = -1;
    return s3_copy_source_read(request, &copy->source);
}

void s3_copy_start(struct s3_copy *copy)
{
    copy->blob = buckets_next_number(copy->request->cloud->buckets);
    submit(copy, find_run, piece_done);
}

void s3_copy_respond(struct s3_copy *copy, const char *root, int64_t modified_ms,
                     const char *version, const struct object *object)
{
    char time[S3_TIME_SIZE], source[S3_VERSION_SIZE], expiration[S3_EXPIRATION_SIZE];
    struct s3_placement_headers placement;
    struct http_header headers[3 + S3_PLACEMENT_HEADERS];
    size_t count = 0;
    struct buffer out;
    s3_version_of(&copy->found, copy->source.versioning, source);
    if (copy->found.versioned)
        headers[count++] = (struct http_header){"x-amz-copy-source-version-id", source};
    if (*version)
        headers[count++] = (struct http_header){"x-amz-version-id", version};
    if (object)
        count += s3_expiration_header(copy->request, object, expiration, &headers[count]);
    if (copy->placement)
        count += s3_placement_respond(copy->placement, &placement, &headers[count]);
    s3_time_iso_listed(modified_ms, time);
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, root);
    xml_element(&out, "LastModified", time);
    buffer_format(&out, "<ETag>&quot;%s&quot;</ETag>", object ? object->etag : copy->etag);
    if (!copy->hides_checksum)
        s3_checksum_xml(&out, copy->checksum, object != NULL);
    xml_close(&out, root);
    s3_respond_xml_with(copy->request, &out, headers, count);
}
