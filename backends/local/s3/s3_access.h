/*
 * Access control for buckets. A signed request of the account that owns the bucket is refused only by
 * a Deny of the bucket's policy; one of another account, and an unsigned one, need a grant. Loop
 * thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_ACCESS_H
#define THUMBWHEEL_LOCAL_S3_ACCESS_H

#include "s3_request.h"

/* Action without the service: "GetObject". key "": the bucket itself. */
bool s3_access_allowed(const struct s3_request *request, const char *bucket, const char *action,
                       const char *key);

/* The same for another service that accesses the bucket on behalf of the signer of its request. */
bool s3_access_caller_allowed(const struct cloud *cloud, const struct access_key *caller,
                              const char *bucket, const char *action, const char *key);

/* Returns error, but replaces S3_NO_SUCH_KEY and S3_NO_SUCH_VERSION if the requester may not list
 * the bucket: "if you don't have the s3:ListBucket permission, Amazon S3 returns an HTTP status
 * code 403 (Access Denied) error" (GetObject, S3 API Reference). */
enum s3_error s3_access_missing(const struct s3_request *request, const char *bucket,
                                enum s3_error error);

/* Whether a header of an expected owner is absent or names that account. False: an error was sent. */
bool s3_access_check_owner(struct s3_request *request, const char *header, const char *owner);

/* Checks the whole request, by its operation. False: an error was sent. */
bool s3_access_check(struct s3_request *request, const char *operation);

#endif
