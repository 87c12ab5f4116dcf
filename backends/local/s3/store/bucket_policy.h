/* A bucket's policy ("Bucket policies for Amazon S3", S3 User Guide): parsed into a struct policy.
 * Loop thread. */
#ifndef THUMBWHEEL_LOCAL_BUCKET_POLICY_H
#define THUMBWHEEL_LOCAL_BUCKET_POLICY_H

#include <stdbool.h>

#include "bucket_settings.h"
#include "policy.h"

bucket_setting_reader bucket_policy_read;
void bucket_policy_free(void *policy);

/* Whether all of its resources are this bucket or objects in it, as S3 requires. */
bool bucket_policy_covers(const struct policy *policy, const char *bucket);

/* "The meaning of public", S3 User Guide: it allows everybody something, and no condition restricts
 * who. */
bool bucket_policy_is_public(const struct policy *policy);

#endif
