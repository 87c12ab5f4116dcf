#include "s3_bucket.h"

#include <string.h>

#include "s3_private.h"

enum {
    BUCKET_URL_MAX = 4096,
    BUCKET_RESPONSE_MAX = 1024 * 1024 /* bytes: a lifecycle of a thousand rules */
};

static int call_send(struct aws *aws, struct s3_bucket_call *call, const char *url,
                     const char *region)
{
    char md5[S3_MD5_SIZE];
    const struct http_header headers[] = {{"content-type", "application/xml"},
                                          {"content-md5", md5}};
    s3_content_md5(call->body.data, call->body.size, md5);
    /* A bucket that is to be created is nowhere yet. */
    const bool is_new = strcmp(call->operation, "CreateBucket") == 0;
    struct aws_call request = {.service = AWS_S3,
                               .operation = call->operation,
                               .method = call->method,
                               .resource = call->bucket,
                               .url = url,
                               .region = region,
                               .bucket = is_new ? NULL : call->bucket,
                               .headers = headers,
                               .header_count = call->body.size ? 2 : 0,
                               .body = bytes_take(&call->body),
                               .settling = call->settling,
                               .response_max = BUCKET_RESPONSE_MAX,
                               .done = call->done,
                               .release = call->release,
                               .user = call->user};
    return aws_request_start(aws, &request, NULL);
}

int s3_bucket_start(struct aws *aws, struct s3_bucket_call *call)
{
    char region[REGION_SIZE_MAX];
    struct buffer url;
    buffer_init(&url, BUCKET_URL_MAX);
    int code = s3_url(aws, call->bucket, NULL, call->query, region, &url);
    if (code)
        bytes_free(&call->body);
    else
        code = call_send(aws, call, url.data, region);
    buffer_free(&url);
    return code;
}
