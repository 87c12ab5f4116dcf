/* GetBucketAcl, PutBucketAcl, GetObjectAcl, PutObjectAcl: only the owner has access (s3_acl.h), so
 * a change that is accepted changes nothing. */
#include <stdlib.h>

#include "container_of.h"
#include "objects.h"
#include "s3_access.h"
#include "s3_acl.h"
#include "s3_body.h"
#include "s3_handlers.h"
#include "s3_listing.h"
#include "s3_version.h"
#include "s3_xml.h"

enum { BODY_MAX = 64 * 1024, RESPONSE_MAX = 16 * 1024 };

static void respond_owner_only(struct s3_request *request)
{
    const char *owner = s3_owner(request);
    struct buffer out;
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, "AccessControlPolicy");
    s3_listing_person(&out, "Owner", owner);
    xml_open(&out, "AccessControlList");
    xml_open(&out, "Grant");
    buffer_text(&out, "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                      "xsi:type=\"CanonicalUser\">");
    xml_element(&out, "ID", owner);
    xml_close(&out, "Grantee");
    xml_element(&out, "Permission", "FULL_CONTROL");
    xml_close(&out, "Grant");
    xml_close(&out, "AccessControlList");
    xml_close(&out, "AccessControlPolicy");
    s3_respond_xml(request, &out);
}

void s3_get_bucket_acl(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        respond_owner_only(request);
}

/* Finding the object first. */

struct looking {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    struct object_version version;
    bool marker;
    void (*found)(struct s3_request *request);
};

static int look_run(struct storage_task *task, struct storage *storage)
{
    struct looking *looking = container_of(task, struct looking, task);
    struct object object;
    int code = objects_find_version(storage, looking->bucket, looking->request->key,
                                    looking->version, &object, &task->error);
    looking->marker = !code && object.marker;
    object_clear(&object);
    return code;
}

static void look_done(struct storage_task *task, int code)
{
    struct looking *looking = container_of(task, struct looking, task);
    struct s3_request *request = looking->request;
    if (code)
        s3_respond_failure(request, code, &task->error);
    else if (looking->marker && looking->version.given)
        s3_respond_no_method(request, "DeleteMarker", NULL, 0);
    else if (looking->marker)
        s3_respond_error(request, s3_access_missing(request, request->bucket, S3_NO_SUCH_KEY),
                         NULL);
    else
        looking->found(request);
    s3_request_release(request);
}

static void look_up(struct s3_request *request, void (*found)(struct s3_request *request))
{
    struct bucket bucket;
    struct object_version version;
    if (!s3_find_bucket(request, &bucket) || !s3_version_asked(request, &version))
        return;
    struct looking *looking = s3_operation(request, sizeof *looking, free);
    if (!looking)
        return;
    looking->request = request;
    looking->bucket = bucket.id;
    looking->version = version;
    looking->found = found;
    looking->task.run = look_run;
    looking->task.done = look_done;
    s3_submit(request, &looking->task);
}

void s3_get_object_acl(struct s3_request *request)
{
    look_up(request, respond_owner_only);
}

/* Changing. */

static enum s3_acl_use use_of(const struct s3_request *request)
{
    return *request->key ? ACL_OF_OBJECT : ACL_OF_BUCKET;
}

static void respond_unchanged(struct s3_request *request)
{
    s3_respond_empty(request, 200, NULL, 0);
}

static void finish(struct s3_request *request, enum s3_error error, const char *message)
{
    if (error)
        s3_respond_error(request, error, message);
    else if (*request->key)
        look_up(request, respond_unchanged);
    else
        respond_unchanged(request);
}

static void on_document(struct s3_request *request, struct slice body)
{
    const char *message = NULL;
    enum s3_error error = S3_OK;
    if (s3_acl_has_headers(request) && body.size) {
        error = S3_UNEXPECTED_CONTENT;
    } else if (s3_acl_has_headers(request)) {
        error = s3_acl_check(request, use_of(request), &message);
    } else if (!body.size) {
        error = S3_MISSING_SECURITY_HEADER;
    } else {
        error = s3_acl_check_document(request, use_of(request), body, &message);
    }
    finish(request, error, message);
}

void s3_put_acl(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        s3_collect(request, BODY_MAX, on_document);
}
