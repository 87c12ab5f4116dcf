/*
 * DeleteObject and DeleteObjects.
 *
 * A deletion and its event messages are one unit. As in S3, DeleteObject of a missing object
 * succeeds without an event, and DeleteObjects with one (localstack recorded both). So if a rule
 * matches, a first task checks whether the object exists. If it is deleted in between, the unit
 * fails with ERR_NOT_FOUND, together with its messages. A delete marker is created even if there is
 * no object.
 */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "objects.h"
#include "s3_access.h"
#include "s3_body.h"
#include "s3_delete_condition.h"
#include "s3_events.h"
#include "s3_time.h"
#include "s3_version.h"
#include "s3_xml.h"

enum {
    KEYS_MAX = 1000, /* maximum keys per DeleteObjects (S3) */
    BODY_MAX = 2 * 1024 * 1024,
    RESPONSE_MAX = 8 * 1024 * 1024,
};

struct deletion {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    char *key;
    struct object_removal removal;
    struct s3_delete_condition condition;
    bool must_fail; /* some of its messages could not be created */
    int code;
    enum s3_error refused; /* with a code: the reason, in a batch */
    const char *why;       /* with refused: the message; NULL: the error's */
    bool always_announces; /* an event is sent even if nothing is deleted */
    void (*finished)(struct deletion *deletion);
};

static int delete_run(struct storage_task *task, struct storage *storage)
{
    struct deletion *deletion = container_of(task, struct deletion, task);
    (void)storage;
    if (deletion->must_fail)
        return error_set(&task->error, ERR_MEMORY, "out of memory");
    int code = objects_delete(buckets_blobs(deletion->request->cloud->buckets), deletion->bucket,
                              deletion->key, &deletion->removal, &task->error);
    return code == ERR_NOT_FOUND && deletion->always_announces && !deletion->condition.given ? 0
                                                                                             : code;
}

/* Deleting what does not exist succeeds, unless the request says what it is. */
static void deletion_end(struct deletion *deletion, int code)
{
    deletion->code = code == ERR_NOT_FOUND && !deletion->condition.given ? 0 : code;
    deletion->finished(deletion);
}

static void delete_done(struct storage_task *task, int code)
{
    struct deletion *deletion = container_of(task, struct deletion, task);
    struct s3_request *request = deletion->request;
    deletion_end(deletion, code);
    s3_request_release(request);
}

static bool makes_marker(const struct deletion *deletion)
{
    return deletion->removal.versioning != VERSIONING_NONE && !deletion->removal.version.given;
}

static const char *event_name(const struct deletion *deletion)
{
    return makes_marker(deletion) ? "ObjectRemoved:DeleteMarkerCreated" : "ObjectRemoved:Delete";
}

/* The version that is created or deleted; "" if the bucket has no versions. */
static void write_version(const struct deletion *deletion, char out[S3_VERSION_SIZE])
{
    const struct object_removal *removal = &deletion->removal;
    out[0] = '\0';
    if (makes_marker(deletion))
        s3_version_write(removal->number, removal->versioning == VERSIONING_ENABLED, out);
    else if (removal->version.given)
        s3_version_write(removal->version.id, removal->version.id != 0, out);
}

static int announce(struct deletion *deletion, const struct bucket *bucket,
                    struct storage_unit *unit)
{
    static const char nothing[] = "d41d8cd98f00b204e9800998ecf8427e"; /* MD5 of no bytes */
    char version[S3_VERSION_SIZE];
    struct s3_event event = {
        .name = event_name(deletion),
        .key = deletion->key,
        .etag = makes_marker(deletion) ? nothing : NULL,
        .version = version,
        .sequencer = deletion->removal.number,
        .time_ms = deletion->removal.now_ms,
    };
    write_version(deletion, version);
    return s3_events_send(deletion->request, bucket->notification, &event, unit);
}

static void deletion_commit(struct deletion *deletion, const struct bucket *bucket)
{
    struct s3_request *request = deletion->request;
    struct storage_unit unit = {0};
    deletion->removal.versioning = bucket->versioning;
    deletion->removal.number = buckets_next_number(request->cloud->buckets);
    deletion->removal.now_ms = s3_time_now_ms();
    deletion->removal.expected = deletion->condition.given ? &deletion->condition.expected : NULL;
    deletion->task.run = delete_run;
    deletion->task.done = delete_done;
    storage_unit_add(&unit, &deletion->task);
    deletion->must_fail = announce(deletion, bucket, &unit) != 0;
    s3_request_hold(request);
    storage_submit_unit(request->cloud->storage, &unit);
}

static int look_run(struct storage_task *task, struct storage *storage)
{
    struct deletion *deletion = container_of(task, struct deletion, task);
    struct object object;
    int code = objects_find_version(storage, deletion->bucket, deletion->key,
                                    deletion->removal.version, &object, &task->error);
    object_clear(&object);
    return code;
}

static void look_done(struct storage_task *task, int code)
{
    struct deletion *deletion = container_of(task, struct deletion, task);
    struct s3_request *request = deletion->request;
    struct bucket bucket;
    if (!code && buckets_find(request->cloud->buckets, request->bucket, &bucket) &&
        bucket.id == deletion->bucket) {
        deletion_commit(deletion, &bucket);
    } else {
        deletion_end(deletion, code);
    }
    s3_request_release(request);
}

static void deletion_start(struct deletion *deletion, const struct bucket *bucket)
{
    deletion->bucket = bucket->id;
    deletion->removal.versioning = bucket->versioning;
    deletion->always_announces =
        deletion->always_announces && bucket->versioning == VERSIONING_NONE;
    if (makes_marker(deletion) || deletion->always_announces ||
        !s3_events_wanted(bucket->notification, event_name(deletion), deletion->key)) {
        deletion_commit(deletion, bucket);
        return;
    }
    deletion->task.run = look_run;
    deletion->task.done = look_done;
    s3_submit(deletion->request, &deletion->task);
}

/* DeleteObject. */

static void respond_deleted(struct deletion *deletion)
{
    char version[S3_VERSION_SIZE];
    struct http_header headers[2];
    size_t count = 0;
    write_version(deletion, version);
    if (*version)
        headers[count++] = (struct http_header){"x-amz-version-id", version};
    if (deletion->removal.marker)
        headers[count++] = (struct http_header){"x-amz-delete-marker", "true"};
    if (deletion->code)
        s3_respond_failure(deletion->request, deletion->code, &deletion->task.error);
    else
        s3_respond_empty(deletion->request, 204, headers, count);
}

static void deletion_free(void *operation)
{
    struct deletion *deletion = operation;
    s3_delete_condition_clear(&deletion->condition);
    free(deletion);
}

void s3_delete_object(struct s3_request *request)
{
    struct bucket bucket;
    struct object_version version;
    if (!s3_find_bucket(request, &bucket) || !s3_version_asked(request, &version))
        return;
    struct deletion *deletion = s3_operation(request, sizeof *deletion, deletion_free);
    if (!deletion)
        return;
    const char *message = NULL;
    enum s3_error error = s3_delete_condition_read(request, &deletion->condition, &message);
    if (error) {
        s3_respond_error(request, error, message);
        return;
    }
    deletion->request = request;
    deletion->removal.version = version;
    deletion->key = request->key; /* the request outlives the task */
    deletion->finished = respond_deleted;
    deletion_start(deletion, &bucket);
}

/* DeleteObjects. */

struct batch {
    bool quiet;
    size_t count, pending;
    struct deletion deletions[]; /* keys are owned */
};

static void batch_entry_clear(struct deletion *deletion)
{
    s3_delete_condition_clear(&deletion->condition);
    free(deletion->key);
}

static void batch_free(void *operation)
{
    struct batch *batch = operation;
    for (size_t i = 0; i < batch->count; i++)
        batch_entry_clear(&batch->deletions[i]);
    free(batch);
}

static enum s3_error error_of(const struct deletion *deletion)
{
    if (deletion->refused)
        return deletion->refused;
    switch (deletion->code) {
    case ERR_NOT_FOUND:
        return S3_NO_SUCH_KEY;
    case ERR_CONFLICT:
        return S3_PRECONDITION_FAILED;
    default:
        return S3_INTERNAL_ERROR;
    }
}

static void write_result(struct buffer *out, const struct deletion *deletion, bool quiet)
{
    if (!deletion->code && quiet)
        return;
    const char *element = deletion->code ? "Error" : "Deleted";
    char version[S3_VERSION_SIZE];
    xml_open(out, element);
    xml_element(out, "Key", deletion->key);
    write_version(deletion, version);
    if (*version && !makes_marker(deletion))
        xml_element(out, "VersionId", version);
    if (deletion->code) {
        const struct s3_error_facts *facts = s3_error_facts(error_of(deletion));
        xml_element(out, "Code", facts->code);
        xml_element(out, "Message", deletion->why ? deletion->why : facts->message);
    } else if (deletion->removal.marker) {
        xml_element(out, "DeleteMarker", "true");
        xml_element(out, "DeleteMarkerVersionId", version);
    }
    xml_close(out, element);
}

static void respond_batch(struct deletion *deletion)
{
    struct batch *batch = deletion->request->operation;
    struct buffer out;
    if (--batch->pending)
        return;
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, "DeleteResult");
    for (size_t i = 0; i < batch->count; i++)
        write_result(&out, &batch->deletions[i], batch->quiet);
    xml_close(&out, "DeleteResult");
    s3_respond_xml(deletion->request, &out);
}

/* S3_OK, or an error; *batch then contains the entries read so far. */
static enum s3_error read_batch(const struct s3_xml_node *root, struct s3_request *request,
                                struct batch *batch)
{
    for (const struct s3_xml_node *node = root->first; node; node = node->next) {
        if (strcmp(node->name, "Object") != 0)
            continue;
        const char *key = s3_xml_child_text(node, "Key");
        const char *version = s3_xml_child_text(node, "VersionId");
        if (!key || !*key || batch->count == KEYS_MAX)
            return S3_MALFORMED_XML;
        struct deletion *deletion = &batch->deletions[batch->count++];
        deletion->request = request;
        deletion->finished = respond_batch;
        deletion->always_announces = true;
        deletion->key = strdup(key);
        if (!deletion->key)
            return S3_INTERNAL_ERROR;
        if (version && !s3_version_read(slice_of(version), &deletion->removal.version))
            deletion->refused = S3_NO_SUCH_VERSION;
        else if (!s3_access_allowed(request, request->bucket,
                                    version ? "DeleteObjectVersion" : "DeleteObject", key))
            deletion->refused = S3_ACCESS_DENIED;
        else
            deletion->refused =
                s3_delete_condition_read_entry(node, &deletion->condition, &deletion->why);
    }
    const char *quiet = s3_xml_child_text(root, "Quiet");
    batch->quiet = quiet && strcmp(quiet, "true") == 0;
    return batch->count ? S3_OK : S3_MALFORMED_XML;
}

/* A refused key does not prevent the others from being deleted. */
static void batch_start(struct deletion *deletion, const struct bucket *bucket)
{
    if (!deletion->refused) {
        deletion_start(deletion, bucket);
        return;
    }
    deletion->code = ERR_INVALID;
    deletion->finished(deletion);
}

static void start_batch(struct s3_request *request, const struct bucket *bucket,
                        const struct s3_xml_node *root)
{
    struct batch *batch =
        s3_operation(request, sizeof *batch + KEYS_MAX * sizeof(struct deletion), batch_free);
    if (!batch)
        return;
    enum s3_error error =
        strcmp(root->name, "Delete") == 0 ? read_batch(root, request, batch) : S3_MALFORMED_XML;
    if (error) {
        s3_respond_error(request, error, NULL);
        return;
    }
    batch->pending = batch->count + 1; /* the reference of this function */
    for (size_t i = 0; i < batch->count; i++)
        batch_start(&batch->deletions[i], bucket);
    respond_batch(&batch->deletions[0]);
}

static void on_body(struct s3_request *request, struct slice body)
{
    struct bucket bucket;
    struct s3_xml_node *root = NULL;
    if (!s3_find_bucket(request, &bucket))
        return;
    int code = s3_xml_parse(body, &root, NULL);
    if (code)
        s3_respond_error(request, code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML, NULL);
    else
        start_batch(request, &bucket, root);
    s3_xml_free(root);
}

void s3_delete_objects(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        s3_collect(request, BODY_MAX, on_body);
}
