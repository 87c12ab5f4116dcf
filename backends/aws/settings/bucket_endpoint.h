/* Where the requests for a bucket go: "Methods for accessing a general purpose bucket" and
 * "Referencing access points", S3 User Guide. Any thread. */
#ifndef THUMBWHEEL_AWS_BUCKET_ENDPOINT_H
#define THUMBWHEEL_AWS_BUCKET_ENDPOINT_H

#include "endpoint.h"

/* arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME, used in place of a bucket's name. */
struct access_point {
    struct slice region, account, name; /* views into the ARN */
};

bool bucket_is_arn(const char *bucket);
/* ERR_INVALID: an ARN of something else, or malformed. Access points of several regions, Object
 * Lambda and Outposts have other kinds, and need other signatures. */
int access_point_read(const char *arn, struct access_point *out);

/* Appends the URL of a bucket, without a trailing slash: "https://photos.s3.eu-west-1.amazonaws.com"
 * or, with the bucket in the path, "https://s3.eu-west-1.amazonaws.com/my.photos". An access
 * point's own region takes precedence. *in_path: which of the two. ERR_INVALID: see above, or a name
 * that nothing can have, or an access point at an endpoint that is a numeric address. */
int bucket_endpoint_append(const struct endpoints *endpoints, const char *bucket,
                           const char *region, bool *in_path, struct buffer *out);

#endif
