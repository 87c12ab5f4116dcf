/* PutObjectTagging, GetObjectTagging, DeleteObjectTagging. A change and its notifications are one
 * unit; the event contains the version and the ETag, so the object is read first if a rule matches.
 */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "object_store.h"
#include "objects.h"
#include "s3_access.h"
#include "s3_body.h"
#include "s3_events.h"
#include "s3_tag_details.h"
#include "s3_tags.h"
#include "s3_time.h"
#include "s3_version.h"
#include "s3_xml.h"

enum { BODY_MAX = 64 * 1024, RESPONSE_MAX = 64 * 1024 };

struct tagging {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    enum versioning versioning;
    struct object_version version; /* requested */
    char *tags;                    /* to store */
    int success_status;            /* HTTP status of a successful change */
    const char *event;
    bool must_fail; /* some of its messages could not be created */
    struct object object;
};

static void tagging_free(void *operation)
{
    struct tagging *tagging = operation;
    object_clear(&tagging->object);
    free(tagging->tags);
    free(tagging);
}

static struct tagging *tagging_create(struct s3_request *request)
{
    struct bucket bucket;
    struct object_version version;
    if (!s3_find_bucket(request, &bucket) || !s3_version_asked(request, &version))
        return NULL;
    struct tagging *tagging = s3_operation(request, sizeof *tagging, tagging_free);
    if (!tagging)
        return NULL;
    tagging->request = request;
    tagging->bucket = bucket.id;
    tagging->versioning = bucket.versioning;
    tagging->version = version;
    return tagging;
}

static void respond_failure(struct tagging *tagging, int code)
{
    if (code == ERR_UNSUPPORTED)
        s3_respond_no_method(tagging->request, "DeleteMarker", NULL, 0);
    else
        s3_respond_failure(tagging->request, code, &tagging->task.error);
}

/* The version as a header, with its text in out. Returns the number of headers, 0 or 1. */
static size_t version_header(const struct tagging *tagging, char out[S3_VERSION_SIZE],
                             struct http_header *header)
{
    s3_version_of(&tagging->object, tagging->versioning, out);
    *header = (struct http_header){"x-amz-version-id", out};
    return *out != '\0';
}

/* Finding. */

static int find_run(struct storage_task *task, struct storage *storage)
{
    struct tagging *tagging = container_of(task, struct tagging, task);
    int code = objects_find_version(storage, tagging->bucket, tagging->request->key,
                                    tagging->version, &tagging->object, &task->error);
    if (code || !tagging->object.marker)
        return code;
    return error_set(&task->error, tagging->version.given ? ERR_UNSUPPORTED : ERR_NOT_FOUND,
                     "it is a delete marker");
}

static void submit(struct tagging *tagging, int (*run)(struct storage_task *, struct storage *),
                   void (*done)(struct storage_task *, int))
{
    tagging->task.run = run;
    tagging->task.done = done;
    s3_submit(tagging->request, &tagging->task);
}

/* Changing. */

static int change_run(struct storage_task *task, struct storage *storage)
{
    struct tagging *tagging = container_of(task, struct tagging, task);
    struct blobs *blobs = buckets_blobs(tagging->request->cloud->buckets);
    struct object found = {0};
    (void)storage;
    if (tagging->must_fail)
        return error_set(&task->error, ERR_MEMORY, "out of memory");
    int code = objects_set_tags(blobs, tagging->bucket, tagging->request->key, tagging->version,
                                tagging->tags, &found, &task->error);
    object_clear(&tagging->object);
    tagging->object = found;
    return code;
}

static void change_done(struct storage_task *task, int code)
{
    struct tagging *tagging = container_of(task, struct tagging, task);
    struct s3_request *request = tagging->request;
    char version[S3_VERSION_SIZE];
    struct http_header header;
    if (code) {
        respond_failure(tagging, code);
    } else {
        size_t count = version_header(tagging, version, &header);
        s3_respond_empty(request, tagging->success_status, &header, count);
    }
    s3_request_release(request);
}

static int announce(struct tagging *tagging, const struct bucket *bucket, struct storage_unit *unit)
{
    struct s3_request *request = tagging->request;
    char version[S3_VERSION_SIZE] = "";
    if (tagging->object.versioned)
        s3_version_write(tagging->object.id, true, version);
    struct s3_event event = {
        .name = tagging->event,
        .key = request->key,
        .etag = tagging->object.etag,
        .size = tagging->object.size,
        .version = version,
        .sequencer = buckets_next_number(request->cloud->buckets),
        .time_ms = s3_time_now_ms(),
    };
    return s3_events_send(request, bucket->notification, &event, unit);
}

static void look_done(struct storage_task *task, int code)
{
    struct tagging *tagging = container_of(task, struct tagging, task);
    struct s3_request *request = tagging->request;
    struct storage_unit unit = {0};
    struct bucket bucket;
    if (!code && (!buckets_find(request->cloud->buckets, request->bucket, &bucket) ||
                  bucket.id != tagging->bucket))
        code = ERR_NO_CONTAINER;
    if (code) {
        respond_failure(tagging, code);
    } else {
        tagging->task.run = change_run;
        tagging->task.done = change_done;
        storage_unit_add(&unit, &tagging->task);
        tagging->must_fail = announce(tagging, &bucket, &unit) != 0;
        s3_request_hold(request);
        storage_submit_unit(request->cloud->storage, &unit);
    }
    s3_request_release(request);
}

/* Takes the tags. */
static void change(struct tagging *tagging, char *tags, int success_status, const char *event)
{
    struct s3_request *request = tagging->request;
    struct bucket bucket;
    tagging->tags = tags;
    tagging->success_status = success_status;
    tagging->event = event;
    bool wanted = buckets_find(request->cloud->buckets, request->bucket, &bucket) &&
                  s3_events_wanted(bucket.notification, event, request->key);
    submit(tagging, wanted ? find_run : change_run, wanted ? look_done : change_done);
}

static void respond_bad_tags(struct s3_request *request, int code, const struct error *error,
                             struct s3_tag_problem *problem)
{
    bool too_many = problem->too_many;
    s3_tag_details(request, problem);
    if (code == ERR_INVALID)
        s3_respond_error(request, too_many ? S3_BAD_REQUEST : S3_INVALID_TAG, error->text);
    else
        s3_respond_error(request, code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML, NULL);
}

static void on_document(struct s3_request *request, struct slice body)
{
    struct error error = {0};
    char *tags = NULL;
    struct s3_tag_problem problem = {0};
    int code = s3_tags_from_xml(body, OBJECT_TAGS_MAX, &tags, &problem, &error);
    if (code) {
        respond_bad_tags(request, code, &error, &problem);
        return;
    }
    struct tagging *tagging = tagging_create(request);
    if (tagging)
        change(tagging, tags, 200, "ObjectTagging:Put");
    else
        free(tags);
}

void s3_put_object_tagging(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        s3_collect(request, BODY_MAX, on_document);
}

void s3_delete_object_tagging(struct s3_request *request)
{
    struct tagging *tagging = tagging_create(request);
    char *none = tagging ? strdup("") : NULL;
    if (none)
        change(tagging, none, 204, "ObjectTagging:Delete");
    else if (tagging)
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
}

/* Reading. */

/* As localstack recorded of the service: a delete marker has no such method even without a version id,
 * and the key of a missing object is shown with its bucket. */
static void respond_absent(struct tagging *tagging, int code)
{
    struct s3_request *request = tagging->request;
    char version[S3_VERSION_SIZE], key[BUCKET_NAME_MAX + 1 + OBJECT_KEY_MAX + 1];
    s3_version_write(tagging->object.id, tagging->object.versioned, version);
    const struct http_header headers[] = {
        {"x-amz-delete-marker", "true"}, {"x-amz-version-id", version}, {"Allow", "DELETE"}};
    if (tagging->object.marker) {
        s3_respond_no_method(request, "DeleteMarker", headers, 3);
        return;
    }
    snprintf(key, sizeof key, "%s/%s", request->bucket, request->key);
    if (code == ERR_NOT_FOUND && !tagging->version.given &&
        s3_access_missing(request, request->bucket, S3_NO_SUCH_KEY) == S3_NO_SUCH_KEY)
        s3_detail(request, "Key", key);
    respond_failure(tagging, code);
}

static void find_done(struct storage_task *task, int code)
{
    struct tagging *tagging = container_of(task, struct tagging, task);
    struct s3_request *request = tagging->request;
    char version[S3_VERSION_SIZE];
    struct http_header header;
    struct buffer out;
    buffer_init(&out, RESPONSE_MAX);
    if (code) {
        respond_absent(tagging, code);
    } else {
        s3_xml_begin(&out, "Tagging");
        xml_open(&out, "TagSet");
        s3_tags_to_xml(tagging->object.tags, &out);
        xml_close(&out, "TagSet");
        xml_close(&out, "Tagging");
        s3_respond_xml_with(request, &out, &header, version_header(tagging, version, &header));
    }
    s3_request_release(request);
}

void s3_get_object_tagging(struct s3_request *request)
{
    struct tagging *tagging = tagging_create(request);
    if (tagging)
        submit(tagging, find_run, find_done);
}
