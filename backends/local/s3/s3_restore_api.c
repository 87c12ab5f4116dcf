/*
 * RestoreObject: makes a readable copy of an archived object until a midnight (object_archive.h).
 *
 *   find the version ──► check its class ──► one unit: the new x-amz-restore, and the events
 */
#include <stdlib.h>
#include <string.h>

#include "bucket_lifecycle.h"
#include "container_of.h"
#include "object_archive.h"
#include "restore_expiry.h"
#include "restored_copies.h"
#include "s3_access.h"
#include "s3_body.h"
#include "s3_events.h"
#include "s3_handlers.h"
#include "s3_time.h"
#include "s3_version.h"
#include "s3_xml.h"

enum { BODY_MAX = 64 * 1024, DAYS_MAX = 30000, DAYS_DIGITS = 5 };

static const int64_t DAY_MS = INT64_C(24) * 60 * 60 * 1000;

struct restore {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    struct object_version version;
    struct object object;
    int days;
    bool expedited, must_fail, again;
    int64_t until_ms;
};

static void restore_free(void *operation)
{
    struct restore *restore = operation;
    object_clear(&restore->object);
    free(restore);
}

/* Reading the request. */

static bool read_days(const char *text, int *days)
{
    size_t size = text ? strlen(text) : 0;
    if (!size || size > DAYS_DIGITS || strspn(text, "0123456789") != size)
        return false;
    *days = atoi(text);
    return *days >= 1 && *days <= DAYS_MAX;
}

static bool read_tier(const char *tier, bool *expedited)
{
    *expedited = tier && strcmp(tier, "Expedited") == 0;
    return !tier || *expedited || strcmp(tier, "Standard") == 0 || strcmp(tier, "Bulk") == 0;
}

static enum s3_error read_tree(const struct s3_xml_node *root, struct restore *restore,
                               const char **message)
{
    const struct s3_xml_node *job = s3_xml_child(root, "GlacierJobParameters");
    const char *tier = job ? s3_xml_child_text(job, "Tier") : s3_xml_child_text(root, "Tier");
    if (strcmp(root->name, "RestoreRequest") != 0)
        return S3_MALFORMED_XML;
    *message = "Only the restoration of objects is implemented, not SELECT.";
    if (s3_xml_child(root, "Type") || s3_xml_child(root, "SelectParameters") ||
        s3_xml_child(root, "OutputLocation"))
        return S3_NOT_IMPLEMENTED;
    *message = NULL;
    if (!read_days(s3_xml_child_text(root, "Days"), &restore->days) ||
        !read_tier(tier, &restore->expedited))
        return S3_MALFORMED_XML;
    return S3_OK;
}

static enum s3_error read_request(struct slice body, struct restore *restore, const char **message)
{
    struct s3_xml_node *root = NULL;
    int code = s3_xml_parse(body, &root, NULL);
    if (code)
        return code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_MALFORMED_XML;
    enum s3_error error = read_tree(root, restore, message);
    s3_xml_free(root);
    return error;
}

/* Changing. */

/* "Amazon S3 calculates the expiration by adding the days to the time of the restoration and
 * rounding up to the next midnight UTC" (Expiring restored copies, S3 User Guide). */
static char *make_headers(const struct object *object, void *user, bool *refused)
{
    const struct restore *restore = user;
    char text[OBJECT_RESTORE_SIZE];
    *refused = object->id != restore->object.id;
    if (*refused)
        return NULL;
    object_restore_text(restore->until_ms, text);
    return object_headers_with(object->headers, OBJECT_RESTORE_HEADER, text);
}

static int change_run(struct storage_task *task, struct storage *storage)
{
    struct restore *restore = container_of(task, struct restore, task);
    struct s3_request *request = restore->request;
    const struct restored_copy copy = {.id = restore->object.id,
                                       .bucket = restore->bucket,
                                       .key = request->key,
                                       .versioned = restore->object.versioned,
                                       .until_ms = restore->until_ms};
    if (restore->must_fail)
        return error_set(&task->error, ERR_MEMORY, "out of memory");
    int code =
        objects_set_headers(buckets_blobs(request->cloud->buckets), restore->bucket, request->key,
                            restore->version, make_headers, restore, &task->error);
    return code ? code : restored_copies_put(storage, &copy, &task->error);
}

static void change_done(struct storage_task *task, int code)
{
    struct restore *restore = container_of(task, struct restore, task);
    struct s3_request *request = restore->request;
    if (code == ERR_CONFLICT)
        code = ERR_NOT_FOUND;
    if (!code)
        restore_expiry_expect(request->cloud->restores, restore->until_ms);
    if (code)
        s3_respond_failure(request, code, &task->error);
    else
        s3_respond_empty(request, restore->again ? 200 : 202, NULL, 0);
    s3_request_release(request);
}

static int announce(struct restore *restore, const struct bucket *bucket, struct storage_unit *unit)
{
    static const char *const names[] = {"ObjectRestore:Post", "ObjectRestore:Completed"};
    char version[S3_VERSION_SIZE], class[OBJECT_CLASS_SIZE];
    int code = 0;
    if (restore->again)
        return 0;
    s3_version_of(&restore->object, bucket->versioning, version);
    object_storage_class(slice_of(restore->object.headers), class);
    for (size_t i = 0; i < sizeof names / sizeof *names && !code; i++) {
        const struct s3_event event = {.name = names[i],
                                       .key = restore->request->key,
                                       .size = restore->object.size,
                                       .etag = restore->object.etag,
                                       .version = version,
                                       .sequencer = restore->object.id,
                                       .time_ms = s3_time_now_ms(),
                                       .restored_until_ms = i ? restore->until_ms : 0,
                                       .storage_class = class};
        code = s3_events_send(restore->request, bucket->notification, &event, unit);
    }
    return code;
}

static void start_change(struct restore *restore, const struct bucket *bucket)
{
    struct storage_unit unit = {0};
    int64_t now = s3_time_now_ms();
    restore->again = object_restored_until(slice_of(restore->object.headers)) > now;
    restore->until_ms = lifecycle_midnight_after(now + restore->days * DAY_MS);
    restore->task.run = change_run;
    restore->task.done = change_done;
    storage_unit_add(&unit, &restore->task);
    restore->must_fail = announce(restore, bucket, &unit) != 0;
    s3_request_hold(restore->request);
    storage_submit_unit(restore->request->cloud->storage, &unit);
}

/* Checking. */

static int find_run(struct storage_task *task, struct storage *storage)
{
    struct restore *restore = container_of(task, struct restore, task);
    return objects_find_version(storage, restore->bucket, restore->request->key, restore->version,
                                &restore->object, &task->error);
}

static bool check(struct restore *restore)
{
    struct s3_request *request = restore->request;
    char class[OBJECT_CLASS_SIZE];
    if (restore->object.marker) {
        if (restore->version.given)
            s3_respond_no_method(request, "DeleteMarker", NULL, 0);
        else
            s3_respond_error(request, s3_access_missing(request, request->bucket, S3_NO_SUCH_KEY),
                             NULL);
        return false;
    }
    object_storage_class(slice_of(restore->object.headers), class);
    if (!object_class_is_archive(class)) {
        s3_detail(request, "StorageClass", class);
        s3_respond_error(request, S3_INVALID_OBJECT_STATE,
                         "Restore is not allowed for the object's current storage class");
        return false;
    }
    if (restore->expedited && strcmp(class, "DEEP_ARCHIVE") == 0) {
        s3_respond_error(request, S3_INVALID_ARGUMENT,
                         "Retrieval option is not supported by this storage class");
        return false;
    }
    return true;
}

static void find_done(struct storage_task *task, int code)
{
    struct restore *restore = container_of(task, struct restore, task);
    struct s3_request *request = restore->request;
    struct bucket bucket;
    if (!code && (!buckets_find(request->cloud->buckets, request->bucket, &bucket) ||
                  bucket.id != restore->bucket))
        code = ERR_NO_CONTAINER;
    if (code)
        s3_respond_failure(request, code, &task->error);
    else if (check(restore))
        start_change(restore, &bucket);
    s3_request_release(request);
}

static void on_document(struct s3_request *request, struct slice body)
{
    struct bucket bucket;
    const char *message = NULL;
    struct restore *restore;
    if (!s3_find_bucket(request, &bucket) ||
        !(restore = s3_operation(request, sizeof *restore, restore_free)))
        return;
    restore->request = request;
    restore->bucket = bucket.id;
    if (!s3_version_asked(request, &restore->version))
        return;
    enum s3_error error = read_request(body, restore, &message);
    if (error) {
        s3_respond_error(request, error, message);
        return;
    }
    restore->task.run = find_run;
    restore->task.done = find_done;
    s3_submit(request, &restore->task);
}

void s3_restore_object(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        s3_collect(request, BODY_MAX, on_document);
}
