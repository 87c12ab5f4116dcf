/* Finds the bucket and key of a request: path style, or virtual-host style ("Virtual hosting of
 * general purpose buckets", S3 User Guide). Any thread. */
#ifndef THUMBWHEEL_LOCAL_S3_ADDRESS_H
#define THUMBWHEEL_LOCAL_S3_ADDRESS_H

#include <stdbool.h>

#include "bytes.h"

struct s3_address { /* strings for free(); "" if absent */
    char *bucket;
    char *key;    /* decoded */
    bool in_host; /* the bucket is in the host */
};

/*
 * The host determines the style: an IP address or a name without a dot is path style;
 * BUCKET.s3[.-]… and BUCKET.localhost are virtual-host style. For any other name, the bucket is the
 * longest leading part that is an existing bucket; without one it is path style, so that any host
 * name can be used as an endpoint.
 *
 * ERR_INVALID (a broken escape, a key without a bucket), ERR_MEMORY; *out may be partly set.
 */
int s3_address_parse(struct slice host, struct slice path,
                     bool (*bucket_exists)(const char *, void *), void *user,
                     struct s3_address *out);

/* Whether a key's ".." elements lead above its root at any point, which S3 refuses ("Creating
 * object key names", S3 User Guide). Keys are never file names here, but they may be for clients
 * that download objects. */
bool s3_key_climbs(const char *key);

#endif
