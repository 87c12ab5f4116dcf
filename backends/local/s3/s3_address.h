/* Which bucket and key a request names: path style, or virtual-host style ("Virtual hosting of
 * general purpose buckets", S3 User Guide). Any thread. */
#ifndef THUMBWHEEL_LOCAL_S3_ADDRESS_H
#define THUMBWHEEL_LOCAL_S3_ADDRESS_H

#include <stdbool.h>

#include "bytes.h"

struct s3_address { /* strings for free(); "" where there is none */
    char *bucket;
    char *key; /* decoded */
};

/*
 * The host decides: an IP address or a name without a dot is path style; BUCKET.s3[.-]… and
 * BUCKET.localhost are virtual-host style; of any other name the longest leading part that is an
 * existing bucket is the bucket, and without one it is path style, so that any host name serves as
 * an endpoint.
 *
 * ERR_INVALID (a broken escape, a key without a bucket), ERR_MEMORY; *out may be partly filled.
 */
int s3_address_parse(struct slice host, struct slice path,
                     bool (*bucket_exists)(const char *, void *), void *user,
                     struct s3_address *out);

/* Whether a key's ".." elements lead above where it begins, at any point from left to right, which
 * S3 refuses ("Creating object key names", S3 User Guide). Keys are never file names here; those of
 * whoever downloads them are. */
bool s3_key_climbs(const char *key);

#endif
