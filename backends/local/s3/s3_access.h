/*
 * Access control for buckets. A signed request comes from the account, which owns everything here,
 * so only a Deny of the bucket's policy refuses it; an unsigned one needs a grant. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_ACCESS_H
#define THUMBWHEEL_LOCAL_S3_ACCESS_H

#include "s3_request.h"

/* Action without the service: "GetObject". key "": the bucket itself. */
bool s3_access_allowed(const struct s3_request *request, const char *bucket, const char *action,
                       const char *key);

/* The same for another service that reads or writes for who signed its request. */
bool s3_access_caller_allowed(const struct cloud *cloud, const struct access_key *caller,
                              const char *bucket, const char *action, const char *key);

/* error, or what is said in the place of S3_NO_SUCH_KEY and S3_NO_SUCH_VERSION to who may not know
 * what is in the bucket: "if you don't have the s3:ListBucket permission, Amazon S3 returns an HTTP
 * status code 403 (Access Denied) error" (GetObject, S3 API Reference). */
enum s3_error s3_access_missing(const struct s3_request *request, const char *bucket,
                                enum s3_error error);

/* The whole request, by its operation. False: an error was sent. */
bool s3_access_check(struct s3_request *request, const char *operation);

#endif
