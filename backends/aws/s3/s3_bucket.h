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

/* The target of the notifications that provisioning sets up. */
struct s3_notification {
    const char *arn;             /* of a queue or topic; its service determines which */
    const char *prefix, *suffix; /* NULL: none */
};

/*
 * Appends the bucket's notification configuration with ours added. Configurations of others are
 * kept byte for byte; ours has the Id "thumbwheel". *fits: the current document already contains
 * ours, and nothing was appended.
 */
int s3_notification_merge(struct slice current, const struct s3_notification *ours,
                          struct buffer *out, bool *fits);

#endif
