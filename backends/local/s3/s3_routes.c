/*
 * Maps a request to an operation.
 *
 * An operation is determined by the method, the target (service, bucket or object), and a
 * sub-resource: a query parameter such as ?tagging. The table below has a row for each operation of
 * the "Amazon S3 API Reference". An operation without a handler gets NotImplemented with its name,
 * so that a client cannot mistake the response for another operation's. The first matching row is
 * used, so rows with a sub-resource come before the plain one.
 *
 * The operations of S3 Control have paths of their own (s3_control.h).
 *
 * A row also lists the query parameters that its operation honours. A request with any other is
 * refused, since it asks for something else than the operation does: without that, an unknown
 * sub-resource of DELETE would delete the whole bucket.
 */
#include "s3_routes.h"

#include <string.h>

#include "s3_handlers.h"
#include "word_list.h"

enum s3_target { SERVICE, BUCKET, OBJECT, CONTROL };

struct s3_route {
    enum s3_target target;
    const char *method;
    const char *resource; /* required parameter; NULL: none of the known ones may be present */
    const char *header;   /* second required parameter; NULL: none */
    const char *optional; /* parameters that the operation honours, separated by spaces, or NULL */
    const char *operation;
    s3_handler *handler; /* NULL: not implemented */
};

static const char read_parameters[] =
    "partNumber response-cache-control response-content-disposition response-content-encoding "
    "response-content-language response-content-type response-expires versionId";

/* Of every operation: the signature's ("Authenticating Requests: Using Query Parameters", S3 API
 * Reference), and the operation's name, which the AWS SDK for JavaScript adds. */
static const char common_parameters[] =
    "X-Amz-Algorithm X-Amz-Content-Sha256 X-Amz-Credential X-Amz-Date X-Amz-Expires "
    "X-Amz-Security-Token X-Amz-Signature X-Amz-SignedHeaders AWSAccessKeyId Expires Signature "
    "x-amz-security-token x-id";

static const struct s3_route routes[] = {
    {CONTROL, "GET", NULL, NULL, NULL, "ListTagsForResource", s3_list_tags},
    {CONTROL, "POST", NULL, NULL, NULL, "TagResource", s3_tag_resource},
    {CONTROL, "DELETE", NULL, NULL, "tagKeys", "UntagResource", s3_untag_resource},

    {SERVICE, "GET", NULL, NULL, "bucket-region continuation-token max-buckets prefix",
     "ListBuckets", s3_list_buckets},

    {BUCKET, "GET", "location", NULL, NULL, "GetBucketLocation", s3_get_bucket_location},
    {BUCKET, "GET", "notification", NULL, NULL, "GetBucketNotificationConfiguration",
     s3_get_notification},
    {BUCKET, "PUT", "notification", NULL, NULL, "PutBucketNotificationConfiguration",
     s3_put_notification},
    {BUCKET, "POST", "delete", NULL, NULL, "DeleteObjects", s3_delete_objects},
    {BUCKET, "GET", "list-type", NULL,
     "continuation-token delimiter encoding-type fetch-owner max-keys prefix start-after",
     "ListObjectsV2", s3_list_objects},
    {BUCKET, "GET", "accelerate", NULL, NULL, "GetBucketAccelerateConfiguration",
     s3_get_bucket_setting},
    {BUCKET, "PUT", "accelerate", NULL, NULL, "PutBucketAccelerateConfiguration",
     s3_put_bucket_setting},
    {BUCKET, "GET", "acl", NULL, NULL, "GetBucketAcl", s3_get_bucket_acl},
    {BUCKET, "PUT", "acl", NULL, NULL, "PutBucketAcl", s3_put_acl},
    {BUCKET, "GET", "analytics", NULL, NULL, "GetBucketAnalyticsConfiguration", NULL},
    {BUCKET, "GET", "analytics", NULL, NULL, "ListBucketAnalyticsConfigurations", NULL},
    {BUCKET, "PUT", "analytics", NULL, NULL, "PutBucketAnalyticsConfiguration", NULL},
    {BUCKET, "DELETE", "analytics", NULL, NULL, "DeleteBucketAnalyticsConfiguration", NULL},
    {BUCKET, "GET", "cors", NULL, NULL, "GetBucketCors", s3_get_bucket_setting},
    {BUCKET, "PUT", "cors", NULL, NULL, "PutBucketCors", s3_put_bucket_setting},
    {BUCKET, "DELETE", "cors", NULL, NULL, "DeleteBucketCors", s3_delete_bucket_setting},
    {BUCKET, "GET", "encryption", NULL, NULL, "GetBucketEncryption", s3_get_bucket_setting},
    {BUCKET, "PUT", "encryption", NULL, NULL, "PutBucketEncryption", s3_put_bucket_setting},
    {BUCKET, "DELETE", "encryption", NULL, NULL, "DeleteBucketEncryption",
     s3_delete_bucket_setting},
    {BUCKET, "GET", "intelligent-tiering", NULL, NULL, "GetBucketIntelligentTieringConfiguration",
     NULL},
    {BUCKET, "GET", "intelligent-tiering", NULL, NULL, "ListBucketIntelligentTieringConfigurations",
     NULL},
    {BUCKET, "PUT", "intelligent-tiering", NULL, NULL, "PutBucketIntelligentTieringConfiguration",
     NULL},
    {BUCKET, "DELETE", "intelligent-tiering", NULL, NULL,
     "DeleteBucketIntelligentTieringConfiguration", NULL},
    {BUCKET, "GET", "inventory", NULL, NULL, "GetBucketInventoryConfiguration", NULL},
    {BUCKET, "GET", "inventory", NULL, NULL, "ListBucketInventoryConfigurations", NULL},
    {BUCKET, "PUT", "inventory", NULL, NULL, "PutBucketInventoryConfiguration", NULL},
    {BUCKET, "DELETE", "inventory", NULL, NULL, "DeleteBucketInventoryConfiguration", NULL},
    {BUCKET, "GET", "lifecycle", NULL, NULL, "GetBucketLifecycleConfiguration",
     s3_get_bucket_setting},
    {BUCKET, "PUT", "lifecycle", NULL, NULL, "PutBucketLifecycleConfiguration",
     s3_put_bucket_setting},
    {BUCKET, "DELETE", "lifecycle", NULL, NULL, "DeleteBucketLifecycle", s3_delete_bucket_setting},
    {BUCKET, "GET", "logging", NULL, NULL, "GetBucketLogging", s3_get_bucket_setting},
    {BUCKET, "PUT", "logging", NULL, NULL, "PutBucketLogging", s3_put_bucket_setting},
    {BUCKET, "GET", "metrics", NULL, NULL, "GetBucketMetricsConfiguration", NULL},
    {BUCKET, "GET", "metrics", NULL, NULL, "ListBucketMetricsConfigurations", NULL},
    {BUCKET, "PUT", "metrics", NULL, NULL, "PutBucketMetricsConfiguration", NULL},
    {BUCKET, "DELETE", "metrics", NULL, NULL, "DeleteBucketMetricsConfiguration", NULL},
    {BUCKET, "GET", "abac", NULL, NULL, "GetBucketAbac", NULL},
    {BUCKET, "PUT", "abac", NULL, NULL, "PutBucketAbac", NULL},
    {BUCKET, "GET", "metadataConfiguration", NULL, NULL, "GetBucketMetadataConfiguration", NULL},
    {BUCKET, "POST", "metadataConfiguration", NULL, NULL, "CreateBucketMetadataConfiguration",
     NULL},
    {BUCKET, "DELETE", "metadataConfiguration", NULL, NULL, "DeleteBucketMetadataConfiguration",
     NULL},
    {BUCKET, "PUT", "metadataInventoryTable", NULL, NULL,
     "UpdateBucketMetadataInventoryTableConfiguration", NULL},
    {BUCKET, "PUT", "metadataJournalTable", NULL, NULL,
     "UpdateBucketMetadataJournalTableConfiguration", NULL},
    {BUCKET, "GET", "metadataTable", NULL, NULL, "GetBucketMetadataTableConfiguration", NULL},
    {BUCKET, "POST", "metadataTable", NULL, NULL, "CreateBucketMetadataTableConfiguration", NULL},
    {BUCKET, "DELETE", "metadataTable", NULL, NULL, "DeleteBucketMetadataTableConfiguration", NULL},
    {BUCKET, "GET", "object-lock", NULL, NULL, "GetObjectLockConfiguration",
     s3_get_absent_configuration},
    {BUCKET, "PUT", "object-lock", NULL, NULL, "PutObjectLockConfiguration", NULL},
    {BUCKET, "GET", "ownershipControls", NULL, NULL, "GetBucketOwnershipControls",
     s3_get_bucket_setting},
    {BUCKET, "PUT", "ownershipControls", NULL, NULL, "PutBucketOwnershipControls",
     s3_put_bucket_setting},
    {BUCKET, "DELETE", "ownershipControls", NULL, NULL, "DeleteBucketOwnershipControls",
     s3_delete_bucket_setting},
    {BUCKET, "GET", "policy", NULL, NULL, "GetBucketPolicy", s3_get_bucket_setting},
    {BUCKET, "PUT", "policy", NULL, NULL, "PutBucketPolicy", s3_put_bucket_setting},
    {BUCKET, "DELETE", "policy", NULL, NULL, "DeleteBucketPolicy", s3_delete_bucket_setting},
    {BUCKET, "GET", "policyStatus", NULL, NULL, "GetBucketPolicyStatus",
     s3_get_bucket_policy_status},
    {BUCKET, "GET", "publicAccessBlock", NULL, NULL, "GetPublicAccessBlock", s3_get_bucket_setting},
    {BUCKET, "PUT", "publicAccessBlock", NULL, NULL, "PutPublicAccessBlock", s3_put_bucket_setting},
    {BUCKET, "DELETE", "publicAccessBlock", NULL, NULL, "DeletePublicAccessBlock",
     s3_delete_bucket_setting},
    {BUCKET, "GET", "replication", NULL, NULL, "GetBucketReplication", s3_get_absent_configuration},
    {BUCKET, "PUT", "replication", NULL, NULL, "PutBucketReplication", NULL},
    {BUCKET, "DELETE", "replication", NULL, NULL, "DeleteBucketReplication",
     s3_delete_absent_configuration},
    {BUCKET, "GET", "requestPayment", NULL, NULL, "GetBucketRequestPayment", s3_get_bucket_setting},
    {BUCKET, "PUT", "requestPayment", NULL, NULL, "PutBucketRequestPayment", s3_put_bucket_setting},
    {BUCKET, "GET", "session", NULL, NULL, "CreateSession", NULL},
    {BUCKET, "GET", "tagging", NULL, NULL, "GetBucketTagging", s3_get_bucket_setting},
    {BUCKET, "PUT", "tagging", NULL, NULL, "PutBucketTagging", s3_put_bucket_setting},
    {BUCKET, "DELETE", "tagging", NULL, NULL, "DeleteBucketTagging", s3_delete_bucket_setting},
    {BUCKET, "GET", "uploads", NULL,
     "delimiter encoding-type key-marker max-uploads prefix upload-id-marker",
     "ListMultipartUploads", s3_list_multipart_uploads},
    {BUCKET, "GET", "versioning", NULL, NULL, "GetBucketVersioning", s3_get_bucket_setting},
    {BUCKET, "PUT", "versioning", NULL, NULL, "PutBucketVersioning", s3_put_bucket_setting},
    {BUCKET, "GET", "versions", NULL,
     "delimiter encoding-type key-marker max-keys prefix version-id-marker", "ListObjectVersions",
     s3_list_object_versions},
    {BUCKET, "GET", "website", NULL, NULL, "GetBucketWebsite", s3_get_absent_configuration},
    {BUCKET, "PUT", "website", NULL, NULL, "PutBucketWebsite", NULL},
    {BUCKET, "DELETE", "website", NULL, NULL, "DeleteBucketWebsite",
     s3_delete_absent_configuration},
    {BUCKET, "GET", NULL, NULL, "delimiter encoding-type marker max-keys prefix", "ListObjects",
     s3_list_objects},
    {BUCKET, "HEAD", NULL, NULL, NULL, "HeadBucket", s3_head_bucket},
    {BUCKET, "PUT", NULL, NULL, NULL, "CreateBucket", s3_create_bucket},
    {BUCKET, "DELETE", NULL, NULL, NULL, "DeleteBucket", s3_delete_bucket},
    {BUCKET, "POST", NULL, NULL, NULL, "PostObject", s3_post_object},

    {OBJECT, "GET", "tagging", NULL, "versionId", "GetObjectTagging", s3_get_object_tagging},
    {OBJECT, "PUT", "tagging", NULL, "versionId", "PutObjectTagging", s3_put_object_tagging},
    {OBJECT, "DELETE", "tagging", NULL, "versionId", "DeleteObjectTagging",
     s3_delete_object_tagging},
    {OBJECT, "GET", "acl", NULL, "versionId", "GetObjectAcl", s3_get_object_acl},
    {OBJECT, "PUT", "acl", NULL, "versionId", "PutObjectAcl", s3_put_acl},
    {OBJECT, "GET", "attributes", NULL, "versionId", "GetObjectAttributes",
     s3_get_object_attributes},
    {OBJECT, "GET", "legal-hold", NULL, NULL, "GetObjectLegalHold", NULL},
    {OBJECT, "PUT", "legal-hold", NULL, NULL, "PutObjectLegalHold", NULL},
    {OBJECT, "GET", "retention", NULL, NULL, "GetObjectRetention", NULL},
    {OBJECT, "PUT", "retention", NULL, NULL, "PutObjectRetention", NULL},
    {OBJECT, "GET", "torrent", NULL, NULL, "GetObjectTorrent", NULL},
    {OBJECT, "POST", "restore", NULL, "versionId", "RestoreObject", s3_restore_object},
    {OBJECT, "POST", "select", NULL, NULL, "SelectObjectContent", NULL},
    {OBJECT, "PUT", "renameObject", NULL, NULL, "RenameObject", NULL},
    {OBJECT, "POST", "uploads", NULL, NULL, "CreateMultipartUpload", s3_create_multipart_upload},
    {OBJECT, "PUT", "uploadId", "x-amz-copy-source", "partNumber", "UploadPartCopy",
     s3_upload_part_copy},
    {OBJECT, "PUT", "uploadId", NULL, "partNumber", "UploadPart", s3_upload_part},
    {OBJECT, "POST", "uploadId", NULL, NULL, "CompleteMultipartUpload",
     s3_complete_multipart_upload},
    {OBJECT, "DELETE", "uploadId", NULL, NULL, "AbortMultipartUpload", s3_abort_multipart_upload},
    {OBJECT, "GET", "uploadId", NULL, "max-parts part-number-marker", "ListParts", s3_list_parts},
    {OBJECT, "PUT", NULL, "x-amz-copy-source", NULL, "CopyObject", s3_copy_object},
    {OBJECT, "GET", NULL, NULL, read_parameters, "GetObject", s3_get_object},
    {OBJECT, "HEAD", NULL, NULL, read_parameters, "HeadObject", s3_head_object},
    {OBJECT, "PUT", NULL, NULL, NULL, "PutObject", s3_put_object},
    {OBJECT, "DELETE", NULL, NULL, "versionId", "DeleteObject", s3_delete_object},
};

enum { ROUTES = sizeof routes / sizeof *routes };

bool s3_operation_row(const struct cloud_service *service, size_t at, struct cloud_operation *out)
{
    (void)service;
    if (at >= ROUTES)
        return false;
    *out = (struct cloud_operation){routes[at].operation, routes[at].handler != NULL};
    return true;
}

static enum s3_target target_of(const struct s3_request *request)
{
    if (request->control)
        return CONTROL;
    if (!*request->bucket)
        return SERVICE;
    return *request->key ? OBJECT : BUCKET;
}

/* Whether the request names a sub-resource that some method of its target supports. */
static bool has_resource(const struct s3_request *request, enum s3_target target)
{
    for (size_t i = 0; i < ROUTES && request->parameter_count; i++) {
        if (routes[i].target == target && routes[i].resource &&
            s3_parameter(request, routes[i].resource))
            return true;
    }
    return false;
}

static bool route_fits(const struct s3_route *route, const struct s3_request *request,
                       enum s3_target target, bool with_resource)
{
    if (route->target != target)
        return false;
    if (route->resource ? !s3_parameter(request, route->resource) : with_resource)
        return false;
    if (!s3_is_method(request, route->method))
        return false;
    return !route->header || s3_header(request, route->header).data;
}

const struct s3_route *s3_route_find(const struct s3_request *request)
{
    enum s3_target target = target_of(request);
    bool with_resource = has_resource(request, target);
    for (size_t i = 0; i < ROUTES; i++) {
        if (route_fits(&routes[i], request, target, with_resource))
            return &routes[i];
    }
    return NULL;
}

const char *s3_route_operation(const struct s3_route *route)
{
    return route->operation;
}

const char *s3_route_resource(const struct s3_route *route)
{
    return route->resource;
}

s3_handler *s3_route_handler(const struct s3_route *route)
{
    return route->handler;
}

const char *s3_route_unknown_parameter(const struct s3_route *route,
                                       const struct s3_request *request)
{
    for (size_t i = 0; i < request->parameter_count; i++) {
        const struct s3_parameter *parameter = &request->parameters[i];
        bool is_resource = route->resource && strcmp(route->resource, parameter->name) == 0;
        if (!is_resource && !parameter->is_header && !parameter->is_ignored &&
            !word_list_has(route->optional, parameter->name) &&
            !word_list_has(common_parameters, parameter->name))
            return parameter->name;
    }
    return NULL;
}
