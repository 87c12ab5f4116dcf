#include "s3_expiration.h"

#include <stdio.h>
#include <string.h>

#include "bucket_lifecycle.h"
#include "s3_time.h"
#include "uri.h"

size_t s3_expiration_header(const struct s3_request *request, const struct object *object,
                            char out[S3_EXPIRATION_SIZE], struct http_header *header)
{
    const struct lifecycle_rule *rule;
    struct bucket bucket;
    struct buffer id;
    char time[S3_TIME_SIZE];
    if (!buckets_find(request->cloud->buckets, request->bucket, &bucket))
        return 0;
    const struct lifecycle *lifecycle = bucket.settings[BUCKET_LIFECYCLE].read;
    const struct lifecycle_object facts = {.key = request->key,
                                           .tags = object->tags ? object->tags : "",
                                           .size = object->size,
                                           .modified_ms = object->modified_ms};
    int64_t due = lifecycle ? lifecycle_expiry(lifecycle, &facts, &rule) : LIFECYCLE_NEVER;
    if (due == LIFECYCLE_NEVER)
        return 0;
    s3_time_http(due, time);
    buffer_init(&id, S3_EXPIRATION_SIZE);
    if (!uri_encode(&id, slice_of(rule->id), false))
        snprintf(out, S3_EXPIRATION_SIZE, "expiry-date=\"%s\", rule-id=\"%s\"", time,
                 id.data ? id.data : "");
    bool good = !id.error;
    buffer_free(&id);
    *header = (struct http_header){"x-amz-expiration", out};
    return good;
}
