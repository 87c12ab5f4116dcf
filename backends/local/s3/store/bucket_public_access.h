/* PublicAccessBlockConfiguration ("Blocking public access to your Amazon S3 storage", S3 User
 * Guide): parsed into a struct bucket_public_access. A bucket without one blocks nothing. Any
 * thread. */
#ifndef THUMBWHEEL_LOCAL_BUCKET_PUBLIC_ACCESS_H
#define THUMBWHEEL_LOCAL_BUCKET_PUBLIC_ACCESS_H

#include <stdbool.h>

#include "bucket_settings.h"

struct bucket_public_access {
    bool block_acls, ignore_acls; /* requests with public ACLs are refused; such ACLs are ignored */
    bool block_policy;            /* public policies are refused */
    bool restrict_buckets;        /* with a public policy: only the account has access */
};

bucket_setting_reader bucket_public_access_read;

/* The configuration of a new bucket, which blocks everything: S3_OK or S3_INTERNAL_ERROR. */
enum s3_error bucket_public_access_block(struct bucket_setting *setting);

#endif
