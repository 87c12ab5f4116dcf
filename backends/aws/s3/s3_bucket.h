/* Calls about a bucket itself, for provisioning. Loop thread. */
#ifndef THUMBWHEEL_S3_BUCKET_H
#define THUMBWHEEL_S3_BUCKET_H

#include "aws_request.h"

struct s3_bucket_call {
    const char *operation; /* static */
    const char *method;
    const char *bucket;
    const char *query; /* NULL: none */
    struct bytes body; /* XML; taken, even when the start fails */
    bool settling;
    aws_replied *done;
    void (*release)(void *user);
    void *user;
};

int s3_bucket_start(struct aws *aws, struct s3_bucket_call *call);

/* Where the notifications of provisioning go. */
struct s3_notification {
    const char *arn;             /* of a queue or topic: its service decides */
    const char *prefix, *suffix; /* NULL: none */
};

/*
 * Appends a bucket's notification configuration with ours in it. What others configured is kept
 * byte for byte; ours is the one whose Id is "thumbwheel". *fits: the current document already says
 * this, and nothing was appended.
 */
int s3_notification_merge(struct slice current, const struct s3_notification *ours,
                          struct buffer *out, bool *fits);

#endif
