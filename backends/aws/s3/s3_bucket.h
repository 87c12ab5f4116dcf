/* Calls on the bucket itself, for provisioning. Loop thread. */
#ifndef THUMBWHEEL_S3_BUCKET_H
#define THUMBWHEEL_S3_BUCKET_H

#include "aws_request.h"

struct s3_bucket_call {
    const char *operation; /* static */
    const char *method;
    const char *bucket;
    const char *query; /* NULL: none */
    struct bytes body; /* XML; taken, even if the start fails */
    bool settling;
    aws_replied *done;
    void (*release)(void *user);
    void *user;
};

int s3_bucket_start(struct aws *aws, struct s3_bucket_call *call);

#endif
