/* The bucket in a host name of S3 ("Virtual hosting of general purpose buckets", S3 User Guide). Any
 * thread. */
#ifndef THUMBWHEEL_LOCAL_HOST_BUCKET_H
#define THUMBWHEEL_LOCAL_HOST_BUCKET_H

#include "bytes.h"

/* The value of a Host header without its port; the brackets of an IPv6 address stay. */
struct slice host_without_port(struct slice host);
/* BUCKET in BUCKET.s3[.-]… and BUCKET.localhost, with or without a port; empty: none. */
struct slice host_bucket(struct slice host);

#endif
