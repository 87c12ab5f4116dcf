/*
 * CompleteMultipartUpload.
 *
 * A first task checks the listed parts and computes the object's properties, which its event
 * contains. The commit is one unit: it checks the parts again (one may have been uploaded again
 * meanwhile), stores the object's row, which names the upload as the owner of its parts, deletes
 * the upload's row and the parts that were not listed, and adds the messages. No data is copied.
 *
 * If the client repeats a completion because the response was lost, it gets the same response.
 */
#include "s3_handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "objects.h"
#include "s3_body.h"
#include "s3_completion.h"
#include "s3_expiration.h"
#include "s3_multipart.h"
#include "s3_placement.h"
#include "s3_version.h"
#include "s3_write_condition.h"
#include "s3_xml.h"
#include "uploads.h"
#include "uri.h"

enum { BODY_MAX = 4 * 1024 * 1024, RESPONSE_MAX = 16 * 1024 };

struct complete {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    struct blobs *blobs;
    struct multipart_upload upload;
    struct s3_completion asked;
    struct s3_write_condition condition;
    enum versioning versioning;
    struct object object;
    enum s3_error verdict;
    bool repeated; /* the object that the upload has already become */
    bool must_fail;
};

static void complete_free(void *operation)
{
    struct complete *complete = operation;
    upload_clear(&complete->upload);
    s3_completion_clear(&complete->asked);
    s3_write_condition_clear(&complete->condition);
    object_clear(&complete->object);
    free(complete);
}

/* Responses. */

static void write_location(const struct s3_request *request, struct buffer *out)
{
    xml_open(out, "Location");
    buffer_format(out, "%s/%s/", request->cloud->endpoint, request->bucket);
    uri_encode(out, slice_of(request->key), true);
    xml_close(out, "Location");
}

static void respond(struct complete *complete)
{
    struct s3_request *request = complete->request;
    char version[S3_VERSION_SIZE], expiration[S3_EXPIRATION_SIZE];
    struct s3_placement_headers placement;
    struct http_header headers[2 + S3_PLACEMENT_HEADERS] = {{"x-amz-version-id", version}};
    struct buffer out;
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, "CompleteMultipartUploadResult");
    write_location(request, &out);
    xml_element(&out, "Bucket", request->bucket);
    xml_element(&out, "Key", request->key);
    buffer_format(&out, "<ETag>&quot;%s&quot;</ETag>", complete->object.etag);
    s3_checksum_xml(&out, complete->object.checksum, true);
    xml_close(&out, "CompleteMultipartUploadResult");
    s3_version_of(&complete->object, complete->versioning, version);
    size_t count = *version ? 1 : 0;
    count += s3_expiration_header(request, &complete->object, expiration, &headers[count]);
    count += s3_placement_respond(complete->object.headers, &placement, &headers[count]);
    s3_respond_xml_with(request, &out, headers, count);
}

static void add_details(const struct complete *complete)
{
    struct s3_request *request = complete->request;
    const struct s3_completion_part *wrong = complete->asked.wrong;
    if (complete->verdict == S3_CONDITIONAL_CONFLICT) {
        s3_detail(request, "Condition",
                  complete->condition.condition.if_absent ? "If-None-Match" : "If-Match");
        s3_detail(request, "Key", request->key);
    }
    if (!wrong ||
        (complete->verdict != S3_INVALID_PART && complete->verdict != S3_ENTITY_TOO_SMALL))
        return;
    s3_detail(request, "ETag", wrong->etag);
    s3_detail_number(request, "PartNumber", wrong->number);
    if (complete->verdict == S3_INVALID_PART) {
        s3_detail(request, "UploadId", s3_parameter(request, "uploadId"));
        return;
    }
    s3_detail_number(request, "MinSizeAllowed", S3_PART_MIN);
    s3_detail_number(request, "ProposedSize", complete->asked.wrong_size);
}

static void respond_verdict(struct complete *complete)
{
    const char *message = complete->asked.message;
    add_details(complete);
    s3_respond_error(complete->request, complete->verdict, *message ? message : NULL);
}

/* Committing. */

static int commit_rows(struct complete *complete, struct storage *storage, struct error *error)
{
    struct s3_request *request = complete->request;
    int code = objects_put(complete->blobs, complete->bucket, request->key, &complete->object,
                           (struct slice){0}, &complete->condition.condition, error);
    if (code)
        return code;
    code = s3_completion_drop_others(&complete->asked, complete->blobs, complete->upload.id, error);
    return code ? code : uploads_forget(storage, complete->upload.id, error);
}

/* Whether the upload and its parts are unchanged since the object and its event were built. */
static int look_again(struct complete *complete, struct storage *storage, struct error *error)
{
    struct s3_completion *asked = &complete->asked;
    struct multipart_upload upload;
    int code = uploads_find(storage, complete->bucket, complete->request->key, complete->upload.id,
                            &upload, error);
    upload_clear(&upload);
    if (code == ERR_NOT_FOUND)
        complete->verdict = S3_NO_SUCH_UPLOAD;
    if (code)
        return code;
    code = s3_completion_examine(asked, storage, &complete->upload, &complete->verdict, error);
    if (code)
        return code;
    if (!complete->verdict && asked->size != complete->object.size)
        complete->verdict = S3_INVALID_PART;
    return complete->verdict ? error_set(error, ERR_CANCELLED, "the parts have changed") : 0;
}

/* Whether the key has changed since the upload was created, although its condition holds now. */
static int check_race(struct complete *complete, struct storage *storage, struct error *error)
{
    const struct object_condition *condition = &complete->condition.condition;
    struct object found = {0};
    if (!condition->if_absent && !condition->if_match)
        return 0;
    int code = objects_find(storage, complete->bucket, complete->request->key, &found, error);
    if (code && code != ERR_NOT_FOUND)
        return code;
    bool gone = code && condition->if_absent && complete->upload.existed;
    bool written = !code && condition->if_match && strcmp(found.etag, condition->if_match) == 0 &&
                   found.modified_ms > complete->upload.created_ms;
    object_clear(&found);
    if (!gone && !written)
        return 0;
    complete->verdict = S3_CONDITIONAL_CONFLICT;
    return error_set(error, ERR_CANCELLED, "the key was written meanwhile");
}

static int commit_run(struct storage_task *task, struct storage *storage)
{
    struct complete *complete = container_of(task, struct complete, task);
    if (complete->must_fail)
        return error_set(&task->error, ERR_MEMORY, "out of memory");
    int code = look_again(complete, storage, &task->error);
    if (code)
        return code;
    code = check_race(complete, storage, &task->error);
    return code ? code : commit_rows(complete, storage, &task->error);
}

static void commit_done(struct storage_task *task, int code)
{
    struct complete *complete = container_of(task, struct complete, task);
    struct s3_request *request = complete->request;
    if (code && complete->verdict)
        respond_verdict(complete);
    else if (code)
        s3_respond_failure(request, code, &task->error);
    else
        respond(complete);
    s3_request_release(request);
}

/* The upload's metadata becomes the object's. */
static int fill_object(struct complete *complete)
{
    struct object *object = &complete->object;
    struct multipart_upload *upload = &complete->upload;
    s3_created_begin(complete->request, object, complete->bucket, &complete->versioning);
    object->owner = upload->id;
    object->size = complete->asked.size;
    object->etag = strdup(complete->asked.etag);
    object->checksum = strdup(complete->asked.checksum_line);
    object->content_type = upload->content_type;
    object->headers = upload->headers;
    object->tags = upload->tags;
    upload->content_type = upload->headers = upload->tags = NULL;
    return object->etag && object->checksum ? 0 : ERR_MEMORY;
}

static void start_commit(struct complete *complete)
{
    struct s3_request *request = complete->request;
    struct storage_unit unit = {0};
    complete->task.run = commit_run;
    complete->task.done = commit_done;
    storage_unit_add(&unit, &complete->task);
    complete->must_fail =
        fill_object(complete) ||
        s3_created_announce(request, complete->bucket, "ObjectCreated:CompleteMultipartUpload",
                            &complete->object, &unit);
    s3_request_hold(request);
    storage_submit_unit(request->cloud->storage, &unit);
}

/* Looking. */

static int look_for_object(struct complete *complete, struct storage *storage, struct error *error)
{
    int code =
        objects_find(storage, complete->bucket, complete->request->key, &complete->object, error);
    complete->repeated = !code && complete->object.owner == complete->upload.id;
    if (!complete->repeated && (!code || code == ERR_NOT_FOUND))
        complete->verdict = S3_NO_SUCH_UPLOAD;
    return code == ERR_NOT_FOUND ? 0 : code;
}

static int look_run(struct storage_task *task, struct storage *storage)
{
    struct complete *complete = container_of(task, struct complete, task);
    uint64_t id = complete->upload.id;
    int code = uploads_find(storage, complete->bucket, complete->request->key, id,
                            &complete->upload, &task->error);
    complete->upload.id = id;
    if (code == ERR_NOT_FOUND)
        return look_for_object(complete, storage, &task->error);
    if (code)
        return code;
    return s3_completion_examine(&complete->asked, storage, &complete->upload, &complete->verdict,
                                 &task->error);
}

static void look_done(struct storage_task *task, int code)
{
    struct complete *complete = container_of(task, struct complete, task);
    struct s3_request *request = complete->request;
    if (code)
        s3_respond_failure(request, code, &task->error);
    else if (complete->verdict)
        respond_verdict(complete);
    else if (complete->repeated)
        respond(complete);
    else
        start_commit(complete);
    s3_request_release(request);
}

/* Start. */

static enum s3_error read_stated(struct s3_request *request, struct s3_completion *asked)
{
    struct slice size = s3_header(request, "x-amz-mp-object-size");
    asked->stated_size = -1;
    asked->type = checksum_type_from_name(s3_header(request, "x-amz-checksum-type"));
    for (int kind = CHECKSUM_NONE + 1; kind < CHECKSUM_KINDS; kind++) {
        struct slice value = s3_header(request, checksum_header((enum checksum_kind)kind));
        if (!value.data)
            continue;
        asked->kind = (enum checksum_kind)kind;
        snprintf(asked->checksum, sizeof asked->checksum, "%.*s", (int)value.size, value.data);
    }
    if (!size.data)
        return S3_OK;
    snprintf(asked->message, sizeof asked->message,
             "Value for x-amz-mp-object-size header is invalid: '%.*s'",
             size.size < 100 ? (int)size.size : 100, size.data);
    if (!size.size || size.size > 18)
        return S3_INVALID_REQUEST;
    asked->stated_size = 0;
    for (size_t i = 0; i < size.size; i++) {
        if (size.data[i] < '0' || size.data[i] > '9')
            return S3_INVALID_REQUEST;
        asked->stated_size = asked->stated_size * 10 + (size.data[i] - '0');
    }
    *asked->message = '\0';
    return S3_OK;
}

static enum s3_error read_request(struct complete *complete, struct slice body,
                                  const char **message)
{
    enum s3_error error = read_stated(complete->request, &complete->asked);
    *message = *complete->asked.message ? complete->asked.message : NULL;
    if (error)
        return error;
    error = s3_write_condition_read(complete->request, &complete->condition, message);
    if (error)
        return error;
    error = s3_completion_read(&complete->asked, body);
    *message = *complete->asked.message ? complete->asked.message : NULL;
    return error;
}

static bool prepare(struct complete *complete, struct slice body)
{
    struct s3_request *request = complete->request;
    const char *message = NULL;
    enum s3_error error = read_request(complete, body, &message);
    if (error)
        s3_respond_error(request, error, message);
    return !error;
}

static void on_body(struct s3_request *request, struct slice body)
{
    struct bucket bucket;
    uint64_t id;
    if (!s3_find_bucket(request, &bucket) || !s3_multipart_upload_id(request, &id))
        return;
    struct complete *complete = s3_operation(request, sizeof *complete, complete_free);
    if (!complete)
        return;
    complete->request = request;
    complete->bucket = bucket.id;
    complete->versioning = bucket.versioning;
    complete->blobs = buckets_blobs(request->cloud->buckets);
    complete->upload.id = id;
    if (!prepare(complete, body))
        return;
    complete->task.run = look_run;
    complete->task.done = look_done;
    s3_submit(request, &complete->task);
}

void s3_complete_multipart_upload(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        s3_collect_document(request, BODY_MAX, on_body);
}
