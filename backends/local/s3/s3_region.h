/*
 * Regions of buckets ("Creating a bucket", S3 User Guide). Names of buckets are global, and each
 * bucket is in one region. The region of a request is the one that it is signed for; a request to a
 * bucket of another region is refused, with the right region, so that clients can repeat it there.
 * Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_REGION_H
#define THUMBWHEEL_LOCAL_S3_REGION_H

#include "s3_request.h"

/* The region that has no LocationConstraint. */
#define S3_CLASSIC_REGION "us-east-1"

/* False: an error was sent. A request without a region, unsigned or with Signature Version 2, is
 * right everywhere. */
bool s3_region_check(struct s3_request *request, const char *operation);

/* The region of CreateBucket with a LocationConstraint (NULL: none). *region is borrowed. S3_OK, or
 * an error with a message. */
enum { S3_REGION_MESSAGE_MAX = 256 };
enum s3_error s3_region_choose(struct s3_request *request, const char *constraint,
                               const char **region, char message[S3_REGION_MESSAGE_MAX]);

/* What the request is signed for; the cloud's own region if it names none. */
const char *s3_region_of(const struct s3_request *request);

#endif
