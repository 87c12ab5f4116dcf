/* Responses that are the same for every bucket or object, and configurations that a bucket never
 * has: the response is that of S3 for a bucket without it. */
#include "s3_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "objects.h"
#include "s3_access.h"
#include "s3_listing.h"
#include "s3_version.h"
#include "s3_xml.h"

enum { RESPONSE_MAX = 16 * 1024 };

/* Access control lists: only the owner has access ("Access control list (ACL) overview", S3 User
 * Guide).
 */

static void respond_owner_only(struct s3_request *request)
{
    const char *account = request->cloud->account;
    struct buffer out;
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, "AccessControlPolicy");
    s3_listing_person(&out, "Owner", account);
    xml_open(&out, "AccessControlList");
    xml_open(&out, "Grant");
    buffer_text(&out, "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                      "xsi:type=\"CanonicalUser\">");
    xml_element(&out, "ID", account);
    xml_element(&out, "DisplayName", account);
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

struct looking {
    struct storage_task task;
    struct s3_request *request;
    int64_t bucket;
    struct object_version version;
    bool marker;
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
    else if (looking->marker)
        s3_respond_error(request,
                         looking->version.given
                             ? S3_METHOD_NOT_ALLOWED
                             : s3_access_missing(request, request->bucket, S3_NO_SUCH_KEY),
                         NULL);
    else
        respond_owner_only(request);
    s3_request_release(request);
}

void s3_get_object_acl(struct s3_request *request)
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
    looking->task.run = look_run;
    looking->task.done = look_done;
    s3_submit(request, &looking->task);
}

/* Configurations. */

static const struct constant {
    const char *resource;
    enum s3_error absent; /* response to GET; S3_OK: a document */
    const char *root;
    const char *element, *text; /* the only element in it; NULL: none */
} constants[] = {
    {"accelerate", S3_OK, "AccelerateConfiguration", NULL, NULL},
    {"encryption", S3_NO_ENCRYPTION, NULL, NULL, NULL},
    {"logging", S3_OK, "BucketLoggingStatus", NULL, NULL},
    {"object-lock", S3_NO_OBJECT_LOCK, NULL, NULL, NULL},
    {"ownershipControls", S3_NO_OWNERSHIP_CONTROLS, NULL, NULL, NULL},
    {"publicAccessBlock", S3_NO_PUBLIC_ACCESS_BLOCK, NULL, NULL, NULL},
    {"replication", S3_NO_REPLICATION, NULL, NULL, NULL},
    {"requestPayment", S3_OK, "RequestPaymentConfiguration", "Payer", "BucketOwner"},
    {"website", S3_NO_WEBSITE, NULL, NULL, NULL},
};

static const struct constant *find_constant(const char *resource)
{
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        if (strcmp(constants[i].resource, resource) == 0)
            return &constants[i];
    }
    return NULL;
}

static void respond_constant(struct s3_request *request, const struct constant *constant)
{
    struct buffer out;
    buffer_init(&out, RESPONSE_MAX);
    s3_xml_begin(&out, constant->root);
    if (constant->element)
        xml_element(&out, constant->element, constant->text);
    xml_close(&out, constant->root);
    s3_respond_xml(request, &out);
}

void s3_get_constant_configuration(struct s3_request *request)
{
    struct bucket bucket;
    const struct constant *constant = find_constant(request->resource);
    if (!s3_find_bucket(request, &bucket))
        return;
    if (!constant || constant->absent)
        s3_respond_error(request, constant ? constant->absent : S3_NOT_IMPLEMENTED, NULL);
    else
        respond_constant(request, constant);
}

/* Deleting one always succeeds, because it does not exist. */
void s3_delete_absent_configuration(struct s3_request *request)
{
    struct bucket bucket;
    if (s3_find_bucket(request, &bucket))
        s3_respond_empty(request, 204, NULL, 0);
}
