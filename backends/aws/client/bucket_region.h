/*
 * The regions of buckets. A bucket is requested in the region of struct aws until S3 says where it
 * is ("Making requests to buckets in other Regions": 301, 307 or 400 with x-amz-bucket-region). The
 * request is then signed again for that region, once, and sent to S3's host there. A Location header
 * is never followed: it could name any host. The region is remembered if the bucket turns out to be
 * there, for a limited number of buckets, since their names come from messages. Loop thread.
 */
#ifndef THUMBWHEEL_BUCKET_REGION_H
#define THUMBWHEEL_BUCKET_REGION_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "http_client.h"
#include "partition.h"

struct aws;
struct aws_request;

enum { BUCKET_REGIONS_MAX = 64 };

struct bucket_regions { /* of buckets that are elsewhere; zeroed: none */
    struct bucket_region {
        char *bucket; /* NULL: a free row */
        char region[REGION_SIZE_MAX];
    } rows[BUCKET_REGIONS_MAX];
    size_t next; /* the row to replace */
};

void bucket_regions_free(struct bucket_regions *regions);

/* The region to request a bucket in; that of an access point is in its ARN. ERR_INVALID: another
 * ARN. */
int bucket_region_of(const struct aws *aws, const char *bucket, char out[REGION_SIZE_MAX]);

/* The region that a response says the bucket is in; false: none, or no name of a region. */
bool bucket_region_told(const struct http_response *response, char out[REGION_SIZE_MAX]);

/* For aws_request.c. True: the request has been changed and must be sent again. */
bool bucket_region_follow(struct aws_request *request, const struct http_response *response);
/* Remembers the region of a request that was changed. code: its result. */
void bucket_region_confirm(const struct aws_request *request, int code);

#endif
