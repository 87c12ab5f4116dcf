#include "s3_access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authorization.h"
#include "bucket_choices.h"
#include "bucket_policy.h"
#include "bucket_public_access.h"
#include "signature_check.h"

enum { ACTION_SIZE = 64, ARN_MAX = 2048 };

/* Operations whose permission has another name ("Required permissions for Amazon S3 API
 * operations", S3 User Guide). NULL: the operation itself checks permissions, for each key or after
 * reading a form. */
static const struct {
    const char *operation, *action;
} actions[] = {
    {"HeadObject", "GetObject"},
    {"HeadBucket", "ListBucket"},
    {"ListObjects", "ListBucket"},
    {"ListObjectsV2", "ListBucket"},
    {"ListObjectVersions", "ListBucketVersions"},
    {"ListMultipartUploads", "ListBucketMultipartUploads"},
    {"ListParts", "ListMultipartUploadParts"},
    {"CreateMultipartUpload", "PutObject"},
    {"UploadPart", "PutObject"},
    {"UploadPartCopy", "PutObject"},
    {"CompleteMultipartUpload", "PutObject"},
    {"CopyObject", "PutObject"},
    {"DeleteObjects", NULL},
    {"PostObject", NULL},
    {"GetBucketCors", "GetBucketCORS"},
    {"PutBucketCors", "PutBucketCORS"},
    {"DeleteBucketCors", "PutBucketCORS"},
    {"GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"},
    {"PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"},
    {"DeleteBucketLifecycle", "PutLifecycleConfiguration"},
    {"GetBucketNotificationConfiguration", "GetBucketNotification"},
    {"PutBucketNotificationConfiguration", "PutBucketNotification"},
    {"DeleteBucketTagging", "PutBucketTagging"},
    {"GetBucketEncryption", "GetEncryptionConfiguration"},
    {"PutBucketEncryption", "PutEncryptionConfiguration"},
    {"DeleteBucketEncryption", "PutEncryptionConfiguration"},
    {"GetPublicAccessBlock", "GetBucketPublicAccessBlock"},
    {"PutPublicAccessBlock", "PutBucketPublicAccessBlock"},
    {"DeletePublicAccessBlock", "PutBucketPublicAccessBlock"},
    {"DeleteBucketOwnershipControls", "PutBucketOwnershipControls"},
    {"GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"},
    {"GetBucketReplication", "GetReplicationConfiguration"},
    {"GetBucketAccelerateConfiguration", "GetAccelerateConfiguration"},
    {"PutBucketAccelerateConfiguration", "PutAccelerateConfiguration"},
};

/* If a version is given, the permission has another name. */
static const struct {
    const char *action, *versioned;
} versioned_actions[] = {
    {"GetObject", "GetObjectVersion"},
    {"DeleteObject", "DeleteObjectVersion"},
    {"GetObjectTagging", "GetObjectVersionTagging"},
    {"PutObjectTagging", "PutObjectVersionTagging"},
    {"DeleteObjectTagging", "DeleteObjectVersionTagging"},
    {"GetObjectAcl", "GetObjectVersionAcl"},
    {"PutObjectAcl", "PutObjectVersionAcl"},
    {"GetObjectAttributes", "GetObjectVersionAttributes"},
};

static const char *action_of(const struct s3_request *request, const char *operation)
{
    const char *action = operation;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(actions[i].operation, operation) == 0)
            action = actions[i].action;
    }
    if (!action || !s3_parameter(request, "versionId"))
        return action;
    for (size_t i = 0; i < sizeof versioned_actions / sizeof *versioned_actions; i++) {
        if (strcmp(versioned_actions[i].action, action) == 0)
            return versioned_actions[i].versioned;
    }
    return action;
}

/* "RestrictPublicBuckets" in "Blocking public access to your Amazon S3 storage"; "Requester Pays
 * buckets" does not allow anonymous requests (both S3 User Guide). */
static bool refuses_strangers(const struct bucket *bucket, const struct policy *policy)
{
    const struct bucket_public_access *access = bucket->settings[BUCKET_PUBLIC_ACCESS].read;
    if (bucket_choice(&bucket->settings[BUCKET_PAYER], PAYER_OWNER) == PAYER_REQUESTER)
        return true;
    return access && access->restrict_buckets && bucket_policy_is_public(policy);
}

bool s3_access_caller_allowed(const struct cloud *cloud, const struct access_key *caller,
                              const char *bucket, const char *action, const char *key)
{
    struct bucket found;
    char arn[ARN_MAX];
    bool is_signed = caller != NULL;
    if (!buckets_find(cloud->buckets, bucket, &found))
        return is_signed;
    const struct policy *policy = found.settings[BUCKET_POLICY].read;
    if (!policy)
        return is_signed;
    if (!is_signed && refuses_strangers(&found, policy))
        return false;
    snprintf(arn, sizeof arn, "arn:aws:s3:::%s%s%s", bucket, *key ? "/" : "", key);
    struct policy_request asked = {.account = is_signed ? cloud->account : NULL,
                                   .principal = is_signed ? caller->arn : NULL,
                                   .action = action,
                                   .resource = arn,
                                   .secure = authorization_is_secure(cloud)};
    enum policy_verdict verdict = policy_evaluate(policy, &asked);
    return is_signed ? verdict != POLICY_DENIED : verdict == POLICY_ALLOWED;
}

bool s3_access_allowed(const struct s3_request *request, const char *bucket, const char *action,
                       const char *key)
{
    return s3_access_caller_allowed(request->cloud, request->caller, bucket, action, key);
}

enum s3_error s3_access_missing(const struct s3_request *request, const char *bucket,
                                enum s3_error error)
{
    bool missing = error == S3_NO_SUCH_KEY || error == S3_NO_SUCH_VERSION;
    return missing && !s3_access_allowed(request, bucket, "ListBucket", "") ? S3_ACCESS_DENIED
                                                                            : error;
}

static bool is_about_policy(const char *operation)
{
    return strcmp(operation, "GetBucketPolicy") == 0 || strcmp(operation, "PutBucketPolicy") == 0 ||
           strcmp(operation, "DeleteBucketPolicy") == 0;
}

/* "Verifying bucket ownership with bucket owner condition", S3 User Guide. All buckets here belong
 * to one account. */
static bool check_owner(struct s3_request *request, const char *header)
{
    struct slice owner = s3_header(request, header);
    char message[160];
    if (!owner.data || slice_equal_text(owner, request->cloud->account))
        return true;
    bool is_account = owner.size == 12;
    for (size_t i = 0; i < owner.size; i++)
        is_account = is_account && owner.data[i] >= '0' && owner.data[i] <= '9';
    if (is_account) {
        s3_respond_error(request, S3_ACCESS_DENIED, NULL);
        return false;
    }
    snprintf(message, sizeof message,
             "The value of the %s header must be an AWS account id of 12 digits", header);
    s3_respond_error(request, S3_INVALID_BUCKET_OWNER, message);
    return false;
}

static bool check_owners(struct s3_request *request)
{
    struct bucket bucket;
    if (!*request->bucket || !buckets_find(request->cloud->buckets, request->bucket, &bucket))
        return true;
    return check_owner(request, "x-amz-expected-bucket-owner") &&
           check_owner(request, "x-amz-source-expected-bucket-owner");
}

bool s3_access_check(struct s3_request *request, const char *operation)
{
    struct bucket bucket;
    bool is_signed = request->caller != NULL;
    const char *action = action_of(request, operation);
    if (!check_owners(request))
        return false;
    if (!action || (is_signed && !*request->bucket) ||
        (authorization_is_owner(request->caller) && is_about_policy(operation)))
        return true;
    if (!is_signed && *request->bucket &&
        !buckets_find(request->cloud->buckets, request->bucket, &bucket)) {
        s3_respond_error(request, S3_NO_SUCH_BUCKET, NULL);
        return false;
    }
    if (s3_access_allowed(request, request->bucket, action, request->key))
        return true;
    s3_respond_error(request, S3_ACCESS_DENIED, NULL);
    return false;
}
