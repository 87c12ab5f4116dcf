/*
 * Maps a request to an operation.
 *
 * An operation is determined by the method, the target (service, bucket or object), and a
 * sub-resource: a query parameter such as ?tagging. The table below has a row for each operation of
 * the "Amazon S3 API Reference". An operation without a handler gets NotImplemented with its name,
 * so that a client cannot mistake the response for another operation's. The first matching row is
 * used, so rows with a sub-resource come before the plain one.
 */
#include "s3_api.h"

#include "s3_handlers.h"

#include <stdio.h>
#include <string.h>

#include "fault_injection.h"
#include "object_store.h"
#include "s3_access.h"
#include "s3_address.h"
#include "s3_cors.h"
#include "utf8.h"

enum s3_target { SERVICE, BUCKET, OBJECT };

struct route {
    enum s3_target target;
    const char *method;
    const char *resource; /* required parameter; NULL: none of the known ones may be present */
    const char *header;   /* second required parameter; NULL: none */
    const char *operation;
    s3_handler *handler; /* NULL: not implemented */
};

static const struct route routes[] = {
    {SERVICE, "GET", NULL, NULL, "ListBuckets", s3_list_buckets},

    {BUCKET, "GET", "location", NULL, "GetBucketLocation", s3_get_bucket_location},
    {BUCKET, "GET", "notification", NULL, "GetBucketNotificationConfiguration",
     s3_get_notification},
    {BUCKET, "PUT", "notification", NULL, "PutBucketNotificationConfiguration",
     s3_put_notification},
    {BUCKET, "POST", "delete", NULL, "DeleteObjects", s3_delete_objects},
    {BUCKET, "GET", "list-type", NULL, "ListObjectsV2", s3_list_objects},
    {BUCKET, "GET", "accelerate", NULL, "GetBucketAccelerateConfiguration",
     s3_get_constant_configuration},
    {BUCKET, "PUT", "accelerate", NULL, "PutBucketAccelerateConfiguration", NULL},
    {BUCKET, "GET", "acl", NULL, "GetBucketAcl", s3_get_bucket_acl},
    {BUCKET, "PUT", "acl", NULL, "PutBucketAcl", NULL},
    {BUCKET, "GET", "analytics", NULL, "GetBucketAnalyticsConfiguration", NULL},
    {BUCKET, "GET", "analytics", NULL, "ListBucketAnalyticsConfigurations", NULL},
    {BUCKET, "PUT", "analytics", NULL, "PutBucketAnalyticsConfiguration", NULL},
    {BUCKET, "DELETE", "analytics", NULL, "DeleteBucketAnalyticsConfiguration", NULL},
    {BUCKET, "GET", "cors", NULL, "GetBucketCors", s3_get_bucket_setting},
    {BUCKET, "PUT", "cors", NULL, "PutBucketCors", s3_put_bucket_setting},
    {BUCKET, "DELETE", "cors", NULL, "DeleteBucketCors", s3_delete_bucket_setting},
    {BUCKET, "GET", "encryption", NULL, "GetBucketEncryption", s3_get_constant_configuration},
    {BUCKET, "PUT", "encryption", NULL, "PutBucketEncryption", NULL},
    {BUCKET, "DELETE", "encryption", NULL, "DeleteBucketEncryption",
     s3_delete_absent_configuration},
    {BUCKET, "GET", "intelligent-tiering", NULL, "GetBucketIntelligentTieringConfiguration", NULL},
    {BUCKET, "GET", "intelligent-tiering", NULL, "ListBucketIntelligentTieringConfigurations",
     NULL},
    {BUCKET, "PUT", "intelligent-tiering", NULL, "PutBucketIntelligentTieringConfiguration", NULL},
    {BUCKET, "DELETE", "intelligent-tiering", NULL, "DeleteBucketIntelligentTieringConfiguration",
     NULL},
    {BUCKET, "GET", "inventory", NULL, "GetBucketInventoryConfiguration", NULL},
    {BUCKET, "GET", "inventory", NULL, "ListBucketInventoryConfigurations", NULL},
    {BUCKET, "PUT", "inventory", NULL, "PutBucketInventoryConfiguration", NULL},
    {BUCKET, "DELETE", "inventory", NULL, "DeleteBucketInventoryConfiguration", NULL},
    {BUCKET, "GET", "lifecycle", NULL, "GetBucketLifecycleConfiguration", s3_get_bucket_setting},
    {BUCKET, "PUT", "lifecycle", NULL, "PutBucketLifecycleConfiguration", s3_put_bucket_setting},
    {BUCKET, "DELETE", "lifecycle", NULL, "DeleteBucketLifecycle", s3_delete_bucket_setting},
    {BUCKET, "GET", "logging", NULL, "GetBucketLogging", s3_get_constant_configuration},
    {BUCKET, "PUT", "logging", NULL, "PutBucketLogging", NULL},
    {BUCKET, "GET", "metrics", NULL, "GetBucketMetricsConfiguration", NULL},
    {BUCKET, "GET", "metrics", NULL, "ListBucketMetricsConfigurations", NULL},
    {BUCKET, "PUT", "metrics", NULL, "PutBucketMetricsConfiguration", NULL},
    {BUCKET, "DELETE", "metrics", NULL, "DeleteBucketMetricsConfiguration", NULL},
    {BUCKET, "GET", "object-lock", NULL, "GetObjectLockConfiguration",
     s3_get_constant_configuration},
    {BUCKET, "PUT", "object-lock", NULL, "PutObjectLockConfiguration", NULL},
    {BUCKET, "GET", "ownershipControls", NULL, "GetBucketOwnershipControls",
     s3_get_constant_configuration},
    {BUCKET, "PUT", "ownershipControls", NULL, "PutBucketOwnershipControls", NULL},
    {BUCKET, "DELETE", "ownershipControls", NULL, "DeleteBucketOwnershipControls",
     s3_delete_absent_configuration},
    {BUCKET, "GET", "policy", NULL, "GetBucketPolicy", s3_get_bucket_setting},
    {BUCKET, "PUT", "policy", NULL, "PutBucketPolicy", s3_put_bucket_setting},
    {BUCKET, "DELETE", "policy", NULL, "DeleteBucketPolicy", s3_delete_bucket_setting},
    {BUCKET, "GET", "policyStatus", NULL, "GetBucketPolicyStatus", s3_get_bucket_policy_status},
    {BUCKET, "GET", "publicAccessBlock", NULL, "GetPublicAccessBlock",
     s3_get_constant_configuration},
    {BUCKET, "PUT", "publicAccessBlock", NULL, "PutPublicAccessBlock", NULL},
    {BUCKET, "DELETE", "publicAccessBlock", NULL, "DeletePublicAccessBlock",
     s3_delete_absent_configuration},
    {BUCKET, "GET", "replication", NULL, "GetBucketReplication", s3_get_constant_configuration},
    {BUCKET, "PUT", "replication", NULL, "PutBucketReplication", NULL},
    {BUCKET, "DELETE", "replication", NULL, "DeleteBucketReplication",
     s3_delete_absent_configuration},
    {BUCKET, "GET", "requestPayment", NULL, "GetBucketRequestPayment",
     s3_get_constant_configuration},
    {BUCKET, "PUT", "requestPayment", NULL, "PutBucketRequestPayment", NULL},
    {BUCKET, "GET", "session", NULL, "CreateSession", NULL},
    {BUCKET, "GET", "tagging", NULL, "GetBucketTagging", s3_get_bucket_setting},
    {BUCKET, "PUT", "tagging", NULL, "PutBucketTagging", s3_put_bucket_setting},
    {BUCKET, "DELETE", "tagging", NULL, "DeleteBucketTagging", s3_delete_bucket_setting},
    {BUCKET, "GET", "uploads", NULL, "ListMultipartUploads", s3_list_multipart_uploads},
    {BUCKET, "GET", "versioning", NULL, "GetBucketVersioning", s3_get_bucket_setting},
    {BUCKET, "PUT", "versioning", NULL, "PutBucketVersioning", s3_put_bucket_setting},
    {BUCKET, "GET", "versions", NULL, "ListObjectVersions", s3_list_object_versions},
    {BUCKET, "GET", "website", NULL, "GetBucketWebsite", s3_get_constant_configuration},
    {BUCKET, "PUT", "website", NULL, "PutBucketWebsite", NULL},
    {BUCKET, "DELETE", "website", NULL, "DeleteBucketWebsite", s3_delete_absent_configuration},
    {BUCKET, "GET", NULL, NULL, "ListObjects", s3_list_objects},
    {BUCKET, "HEAD", NULL, NULL, "HeadBucket", s3_head_bucket},
    {BUCKET, "PUT", NULL, NULL, "CreateBucket", s3_create_bucket},
    {BUCKET, "DELETE", NULL, NULL, "DeleteBucket", s3_delete_bucket},
    {BUCKET, "POST", NULL, NULL, "PostObject", s3_post_object},

    {OBJECT, "GET", "tagging", NULL, "GetObjectTagging", s3_get_object_tagging},
    {OBJECT, "PUT", "tagging", NULL, "PutObjectTagging", s3_put_object_tagging},
    {OBJECT, "DELETE", "tagging", NULL, "DeleteObjectTagging", s3_delete_object_tagging},
    {OBJECT, "GET", "acl", NULL, "GetObjectAcl", s3_get_object_acl},
    {OBJECT, "PUT", "acl", NULL, "PutObjectAcl", NULL},
    {OBJECT, "GET", "attributes", NULL, "GetObjectAttributes", s3_get_object_attributes},
    {OBJECT, "GET", "legal-hold", NULL, "GetObjectLegalHold", NULL},
    {OBJECT, "PUT", "legal-hold", NULL, "PutObjectLegalHold", NULL},
    {OBJECT, "GET", "retention", NULL, "GetObjectRetention", NULL},
    {OBJECT, "PUT", "retention", NULL, "PutObjectRetention", NULL},
    {OBJECT, "GET", "torrent", NULL, "GetObjectTorrent", NULL},
    {OBJECT, "POST", "restore", NULL, "RestoreObject", NULL},
    {OBJECT, "POST", "select", NULL, "SelectObjectContent", NULL},
    {OBJECT, "PUT", "renameObject", NULL, "RenameObject", NULL},
    {OBJECT, "POST", "uploads", NULL, "CreateMultipartUpload", s3_create_multipart_upload},
    {OBJECT, "PUT", "uploadId", "x-amz-copy-source", "UploadPartCopy", s3_upload_part_copy},
    {OBJECT, "PUT", "uploadId", NULL, "UploadPart", s3_upload_part},
    {OBJECT, "POST", "uploadId", NULL, "CompleteMultipartUpload", s3_complete_multipart_upload},
    {OBJECT, "DELETE", "uploadId", NULL, "AbortMultipartUpload", s3_abort_multipart_upload},
    {OBJECT, "GET", "uploadId", NULL, "ListParts", s3_list_parts},
    {OBJECT, "PUT", NULL, "x-amz-copy-source", "CopyObject", s3_copy_object},
    {OBJECT, "GET", NULL, NULL, "GetObject", s3_get_object},
    {OBJECT, "HEAD", NULL, NULL, "HeadObject", s3_head_object},
    {OBJECT, "PUT", NULL, NULL, "PutObject", s3_put_object},
    {OBJECT, "DELETE", NULL, NULL, "DeleteObject", s3_delete_object},
};

enum { ROUTES = sizeof routes / sizeof *routes };

static bool s3_operation_row(const struct cloud_service *service, size_t at,
                             struct cloud_operation *out)
{
    (void)service;
    if (at >= ROUTES)
        return false;
    *out = (struct cloud_operation){routes[at].operation, routes[at].handler != NULL};
    return true;
}

static enum s3_target target_of(const struct s3_request *request)
{
    if (!*request->bucket)
        return SERVICE;
    return *request->key ? OBJECT : BUCKET;
}

/* Whether the request names a sub-resource that some method of its target supports. */
static bool has_resource(const struct s3_request *request, enum s3_target target)
{
    for (size_t i = 0; i < ROUTES; i++) {
        if (routes[i].target == target && routes[i].resource &&
            s3_parameter(request, routes[i].resource))
            return true;
    }
    return false;
}

static bool route_fits(const struct route *route, const struct s3_request *request,
                       enum s3_target target, bool with_resource)
{
    if (route->target != target || !s3_is_method(request, route->method))
        return false;
    if (route->resource ? !s3_parameter(request, route->resource) : with_resource)
        return false;
    return !route->header || s3_header(request, route->header).data;
}

static const struct route *find_route(const struct s3_request *request)
{
    enum s3_target target = target_of(request);
    bool with_resource = has_resource(request, target);
    for (size_t i = 0; i < ROUTES; i++) {
        if (route_fits(&routes[i], request, target, with_resource))
            return &routes[i];
    }
    return NULL;
}

/* Parameters that would change the response of an implemented operation. */
static const char *unknown_promise(const struct s3_request *request)
{
    if (s3_parameter(request, "partNumber") && !s3_parameter(request, "uploadId") &&
        !s3_is_method(request, "GET") && !s3_is_method(request, "HEAD"))
        return "partNumber without uploadId is not implemented.";
    return NULL;
}

static enum s3_error check_key(const struct s3_request *request)
{
    if (strlen(request->key) > OBJECT_KEY_MAX)
        return S3_KEY_TOO_LONG;
    bool good = utf8_length(request->key) >= 0 && !s3_key_climbs(request->key);
    return good ? S3_OK : S3_INVALID_URI;
}

static void respond_not_implemented(struct s3_request *request, const char *operation)
{
    char message[96];
    snprintf(message, sizeof message, "%s is not implemented.", operation);
    s3_respond_error(request, S3_NOT_IMPLEMENTED, message);
}

static void s3_api_handle(struct cloud_request *base)
{
    struct s3_request *request = s3_request_create(base);
    if (!request)
        return;
    if (s3_is_method(request, "OPTIONS")) {
        snprintf(base->operation, sizeof base->operation, "Preflight");
        s3_preflight(request);
        return;
    }
    const struct route *route = find_route(request);
    enum s3_error error = check_key(request);
    if (!route) {
        s3_respond_error(request, S3_METHOD_NOT_ALLOWED, NULL);
        return;
    }
    snprintf(base->operation, sizeof base->operation, "%s", route->operation);
    request->resource = route->resource;
    if (fault_inject(base, WIRE_S3, request->bucket))
        return;
    const char *promise = unknown_promise(request);
    if (error)
        s3_respond_error(request, error, NULL);
    else if (!s3_access_check(request, route->operation))
        ; /* an error was sent */
    else if (!route->handler)
        respond_not_implemented(request, route->operation);
    else if (promise)
        s3_respond_error(request, S3_NOT_IMPLEMENTED, promise);
    else
        route->handler(request);
}

const struct cloud_service cloud_s3 = {
    .name = "s3",
    .title = "S3",
    .operations = s3_operation_row,
    .handle = s3_api_handle,
    .fill_refusal = s3_cors_fill_refusal,
};
