/*
 * The policy of a form upload ("Browser-Based Uploads Using POST", S3 API Reference): its
 * expiration, and conditions on the form's fields. No clock, no I/O; any thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_POST_POLICY_H
#define THUMBWHEEL_LOCAL_S3_POST_POLICY_H

#include <stdint.h>

#include "s3_errors.h"
#include "s3_form.h"

struct s3_post_policy { /* limits to check while the file is received */
    uint64_t size_min, size_max;
    char message[256]; /* why it is refused */
};

/* `encoded` is the field as sent. key and bucket are those of the upload. S3_OK or an error. */
enum s3_error s3_post_policy_check(struct s3_post_policy *policy, const char *encoded,
                                   const struct s3_form *form, const char *bucket, const char *key,
                                   int64_t now_ms);

#endif
