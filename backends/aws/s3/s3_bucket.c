#include "s3_bucket.h"

#include "s3_private.h"

enum { BUCKET_URL_MAX = 4096 };

static int call_send(struct aws *aws, struct s3_bucket_call *call, const char *url)
{
    char md5[S3_MD5_SIZE];
    const struct http_header headers[] = {{"content-type", "application/xml"},
                                          {"content-md5", md5}};
    s3_content_md5(call->body.data, call->body.size, md5);
    struct aws_call request = {.service = AWS_S3,
                               .operation = call->operation,
                               .method = call->method,
                               .resource = call->bucket,
                               .url = url,
                               .headers = headers,
                               .header_count = call->body.size ? 2 : 0,
                               .body = bytes_take(&call->body),
                               .settling = call->settling,
                               .response_max = AWS_RESPONSE_MAX,
                               .done = call->done,
                               .release = call->release,
                               .user = call->user};
    return aws_request_start(aws, &request, NULL);
}

int s3_bucket_start(struct aws *aws, struct s3_bucket_call *call)
{
    struct buffer url;
    buffer_init(&url, BUCKET_URL_MAX);
    int rc = s3_url(aws, call->bucket, NULL, call->query, &url);
    if (rc)
        bytes_free(&call->body);
    else
        rc = call_send(aws, call, url.data);
    buffer_free(&url);
    return rc;
}
