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
 * reading a form. In the order of their names. */
static const struct action_name {
    const char *operation, *action;
} actions[] = {
    {"CompleteMultipartUpload", "PutObject"},
    {"CopyObject", "PutObject"},
    {"CreateMultipartUpload", "PutObject"},
    {"DeleteBucketCors", "PutBucketCORS"},
    {"DeleteBucketEncryption", "PutEncryptionConfiguration"},
    {"DeleteBucketLifecycle", "PutLifecycleConfiguration"},
    {"DeleteBucketOwnershipControls", "PutBucketOwnershipControls"},
    {"DeleteBucketTagging", "PutBucketTagging"},
    {"DeleteObjects", NULL},
    {"DeletePublicAccessBlock", "PutBucketPublicAccessBlock"},
    {"GetBucketAccelerateConfiguration", "GetAccelerateConfiguration"},
    {"GetBucketCors", "GetBucketCORS"},
    {"GetBucketEncryption", "GetEncryptionConfiguration"},
    {"GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"},
    {"GetBucketNotificationConfiguration", "GetBucketNotification"},
    {"GetBucketReplication", "GetReplicationConfiguration"},
    {"GetObjectLockConfiguration", "GetBucketObjectLockConfiguration"},
    {"GetPublicAccessBlock", "GetBucketPublicAccessBlock"},
    {"HeadBucket", "ListBucket"},
    {"HeadObject", "GetObject"},
    {"ListMultipartUploads", "ListBucketMultipartUploads"},
    {"ListObjectVersions", "ListBucketVersions"},
    {"ListObjects", "ListBucket"},
    {"ListObjectsV2", "ListBucket"},
    {"ListParts", "ListMultipartUploadParts"},
    {"PostObject", NULL},
    {"PutBucketAccelerateConfiguration", "PutAccelerateConfiguration"},
    {"PutBucketCors", "PutBucketCORS"},
    {"PutBucketEncryption", "PutEncryptionConfiguration"},
    {"PutBucketLifecycleConfiguration", "PutLifecycleConfiguration"},
    {"PutBucketNotificationConfiguration", "PutBucketNotification"},
    {"PutPublicAccessBlock", "PutBucketPublicAccessBlock"},
    {"UploadPart", "PutObject"},
    {"UploadPartCopy", "PutObject"},
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

static int action_compare(const void *operation, const void *row)
{
    return strcmp(operation, ((const struct action_name *)row)->operation);
}

static const char *action_of(const struct s3_request *request, const char *operation)
{
    const struct action_name *row = bsearch(operation, actions, sizeof actions / sizeof *actions,
                                            sizeof *actions, action_compare);
    const char *action = row ? row->action : operation;
    if (!action || !s3_parameter(request, "versionId"))
        return action;
    for (size_t i = 0; i < sizeof versioned_actions / sizeof *versioned_actions; i++) {
        if (strcmp(versioned_actions[i].action, action) == 0)
            return versioned_actions[i].versioned;
    }
    return action;
}

static bool pays_requester(const struct bucket *bucket)
{
    return bucket_choice(&bucket->settings[BUCKET_PAYER], PAYER_OWNER) == PAYER_REQUESTER;
}

/* "RestrictPublicBuckets" in "Blocking public access to your Amazon S3 storage"; "Requester Pays
 * buckets" does not allow anonymous requests (both S3 User Guide). */
static bool refuses_strangers(const struct bucket *bucket, const struct policy *policy,
                              bool is_signed)
{
    const struct bucket_public_access *access = bucket->settings[BUCKET_PUBLIC_ACCESS].read;
    if (!is_signed && pays_requester(bucket))
        return true;
    return access && access->restrict_buckets && bucket_policy_is_public(policy);
}

bool s3_access_caller_allowed(const struct cloud *cloud, const struct access_key *caller,
                              const char *bucket, const char *action, const char *key)
{
    struct bucket found;
    char arn[ARN_MAX], account[ACCESS_KEY_ACCOUNT_SIZE] = "";
    bool is_signed = caller != NULL;
    if (!buckets_find(cloud->buckets, bucket, &found))
        return is_signed;
    if (is_signed)
        access_key_account(caller, account);
    bool own = strcmp(account, found.owner) == 0;
    const struct policy *policy = found.settings[BUCKET_POLICY].read;
    if (!policy)
        return own;
    if (!own && refuses_strangers(&found, policy, is_signed))
        return false;
    snprintf(arn, sizeof arn, "arn:aws:s3:::%s%s%s", bucket, *key ? "/" : "", key);
    struct policy_request asked = {.account = is_signed ? account : NULL,
                                   .principal = is_signed ? caller->arn : NULL,
                                   .action = action,
                                   .resource = arn,
                                   .secure = authorization_is_secure(cloud)};
    enum policy_verdict verdict = policy_evaluate(policy, &asked);
    return own ? verdict != POLICY_DENIED : verdict == POLICY_ALLOWED;
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

/* "Verifying bucket ownership with bucket owner condition", S3 User Guide. */
bool s3_access_check_owner(struct s3_request *request, const char *header, const char *owner)
{
    struct slice given = s3_header(request, header);
    char message[160];
    if (!given.data || slice_equal_text(given, owner))
        return true;
    bool is_account = given.size == 12;
    for (size_t i = 0; i < given.size; i++)
        is_account = is_account && given.data[i] >= '0' && given.data[i] <= '9';
    if (is_account) {
        s3_respond_error(request, S3_ACCESS_DENIED, NULL);
        return false;
    }
    snprintf(message, sizeof message,
             "The value of the %s header must be an AWS account id of 12 digits", header);
    s3_respond_error(request, S3_INVALID_BUCKET_OWNER, message);
    return false;
}

/* "If you have PutBucketPolicy permissions, but you're not using an identity that belongs to the
 * bucket owner's account, Amazon S3 returns a 405 Method Not Allowed error" (PutBucketPolicy, S3 API
 * Reference; the same for the others). */
static bool check_policy_owner(struct s3_request *request, const struct bucket *bucket,
                               const char *operation)
{
    if (!is_about_policy(operation) || strcmp(request->account, bucket->owner) == 0)
        return true;
    s3_respond_no_method(request, "BUCKETPOLICY", NULL, 0);
    return false;
}

/* "Requester Pays buckets", S3 User Guide: other accounts must say that they pay. */
static bool says_who_pays(const struct s3_request *request, const struct bucket *bucket)
{
    return strcmp(request->account, bucket->owner) == 0 || !pays_requester(bucket) ||
           slice_equal_text(s3_header(request, "x-amz-request-payer"), "requester");
}

static bool check_bucket(struct s3_request *request, const struct bucket *bucket,
                         const char *operation, const char *action)
{
    if (is_about_policy(operation) &&
        authorization_is_owner(request->caller, slice_of(bucket->owner)))
        return true;
    if (s3_access_allowed(request, request->bucket, action, request->key) &&
        says_who_pays(request, bucket))
        return check_policy_owner(request, bucket, operation);
    s3_respond_error(request, S3_ACCESS_DENIED, NULL);
    return false;
}

/* CreateBucket says itself who owns a bucket of that name. */
bool s3_access_check(struct s3_request *request, const char *operation)
{
    struct bucket bucket;
    bool is_signed = request->caller != NULL;
    const char *action = action_of(request, operation);
    bool found =
        *request->bucket && buckets_find(request->cloud->buckets, request->bucket, &bucket);
    if (found && !s3_access_check_owner(request, "x-amz-expected-bucket-owner", bucket.owner))
        return false;
    if (!action || (is_signed && (!found || strcmp(operation, "CreateBucket") == 0)))
        return true;
    if (found)
        return check_bucket(request, &bucket, operation, action);
    s3_respond_error(request, *request->bucket ? S3_NO_SUCH_BUCKET : S3_ACCESS_DENIED, NULL);
    return false;
}
