/*
 * The access control lists that requests state ("Controlling ownership of objects and disabling
 * ACLs for your bucket", S3 User Guide). Access is decided by policies alone: an ACL may only say
 * that the owner has all access, and every other is refused. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_ACL_H
#define THUMBWHEEL_LOCAL_S3_ACL_H

#include "s3_request.h"

enum s3_acl_use {
    ACL_OF_NEW_BUCKET, /* CreateBucket */
    ACL_OF_BUCKET,     /* PutBucketAcl */
    ACL_OF_OBJECT,     /* of PutObjectAcl and of what stores objects */
};

/* Checks x-amz-acl and x-amz-grant-…; `ownership` is that of the bucket. S3_OK, or an error with a
 * message (static; NULL: the error's own). */
enum s3_error s3_acl_check_headers(const struct s3_request *request, enum s3_acl_use use,
                                   int ownership, const char **message);
/* Of a request to an existing bucket. */
enum s3_error s3_acl_check(const struct s3_request *request, enum s3_acl_use use,
                           const char **message);
/* An AccessControlPolicy in the body of PutBucketAcl or PutObjectAcl. */
enum s3_error s3_acl_check_document(const struct s3_request *request, enum s3_acl_use use,
                                    struct slice body, const char **message);
bool s3_acl_has_headers(const struct s3_request *request);

#endif
