/* GetObject, HeadObject, and what all S3 calls share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_validity.h"
#include "container_of.h"
#include "s3_private.h"

enum { URL_MAX = 16 * 1024 };

const struct object_store_ops s3_ops = {
    .get = s3_get,
    .head = s3_head,
    .put = s3_put,
    .get_tags = s3_get_tags,
    .put_tags = s3_put_tags,
    .list = s3_list,
    .locate = s3_locate,
    .remove = s3_remove,
    .upload_begin = s3_parts_begin,
    .upload_part = s3_parts_store,
    .upload_complete = s3_parts_complete,
    .upload_abort = s3_parts_abort,
    .presign = s3_presign,
    .presign_form = s3_presign_form,
    .cancel = s3_cancel,
};

static struct aws *aws_of(struct object_store *store)
{
    return container_of(store, struct aws, objects);
}

/* --- operations --- */

/* The bytes can't be changed in transit: TLS, or the loopback interface. */
static bool path_is_safe(struct slice url)
{
    return slice_starts_with(url, "https:") || slice_starts_with(url, "http://127.0.0.1:") ||
           slice_starts_with(url, "http://[::1]:");
}

/* The headers of a request about an object or a list; out has room for one more than the call has.
 * Buckets without Requester Pays ignore that header. */
static size_t headers_make(const struct aws *aws, const struct s3_call *call,
                           struct http_header out[S3_HEADERS_MAX + 1])
{
    size_t count = 0;
    for (; count < call->header_count; count++)
        out[count] = call->headers[count];
    if (aws->requester_pays)
        out[count++] = (struct http_header){"x-amz-request-payer", "requester"};
    return count;
}

static int request_start(struct aws *aws, struct s3_call *call, struct object_request *operation)
{
    struct http_header headers[S3_HEADERS_MAX + 1];
    char region[REGION_SIZE_MAX];
    struct buffer url, resource;
    buffer_init(&url, URL_MAX);
    buffer_init(&resource, URL_MAX);
    int code = s3_url(aws, call->bucket, call->key, call->query, region, &url);
    if (!code)
        code =
            buffer_format(&resource, call->key ? "s3://%s/%s" : "s3://%s", call->bucket, call->key);
    if (code) {
        bytes_free(&call->body);
    } else {
        struct aws_call request = {
            .service = AWS_S3,
            .operation = call->operation,
            .method = call->method,
            .resource = resource.data,
            .url = url.data,
            .region = region,
            .bucket = call->bucket,
            .key = call->key,
            .mark = call->mark,
            .trace = call->trace,
            .headers = headers,
            .header_count = headers_make(aws, call, headers),
            .body = bytes_take(&call->body),
            .unsigned_payload =
                call->is_object && aws->unsigned_payload && path_is_safe(buffer_slice(&url)),
            .response_max = call->response_max,
            .done = call->replied,
            .release = free,
            .user = operation,
        };
        code = aws_request_start(aws, &request, &operation->request);
    }
    buffer_free(&url);
    buffer_free(&resource);
    return code;
}

static bool is_plain(const struct aws *aws)
{
    const char *url = aws->endpoints.urls[AWS_S3];
    return url && strncmp(url, "http:", 5) == 0;
}

int s3_start(struct aws *aws, struct s3_call *call, struct object_request **out)
{
    if (out)
        *out = NULL;
    struct object_request *operation = calloc(1, sizeof *operation);
    if (!operation) {
        bytes_free(&call->body);
        return ERR_MEMORY;
    }
    operation->done = call->done;
    operation->user = call->user;
    operation->max_size = call->max_size;
    snprintf(operation->sse, sizeof operation->sse, "%s", call->sse ? call->sse : "");
    operation->plain = is_plain(aws);
    operation->aws = aws;
    operation->with_crc = call->with_crc;
    int code = request_start(aws, call, operation);
    if (code)
        free(operation);
    else if (out)
        *out = operation;
    return code;
}

union object_callback s3_operation_end(struct object_request *operation, void **user)
{
    union object_callback done = operation->done;
    *user = operation->user;
    free(operation);
    return done;
}

void s3_cancel(struct object_request *request)
{
    aws_request_cancel(request->request);
}

void s3_on_done(const struct aws_reply *reply, void *user)
{
    void *their;
    union object_callback done = s3_operation_end(user, &their);
    done.done(&reply->error, their);
}

/* --- get and head --- */

static int facts_of(const struct aws_reply *reply, struct s3_facts *facts, struct error *error)
{
    *facts = (struct s3_facts){0};
    *error = reply->error;
    if (error->code)
        return error->code;
    int code = s3_facts_read(reply->response, facts);
    if (code)
        aws_error_unreadable(error, &reply->subject, code, "the response's headers cannot be read");
    return code;
}

static void too_large(const struct aws_reply *reply, size_t size, size_t max, struct error *error)
{
    char detail[96];
    snprintf(detail, sizeof detail, "the object has %zu bytes; the limit is %zu", size, max);
    aws_error_local(error, &reply->subject, ERR_LIMIT, detail);
}

/* TLS authenticates every byte; without it there is only TCP's 16-bit checksum. */
static void check_body(const struct aws_reply *reply, const char *etag, struct error *error)
{
    if (!s3_body_intact(reply->response, etag))
        aws_error_local(error, &reply->subject, ERR_NETWORK,
                        "the body does not match its checksum or ETag: it was damaged in transit");
}

/* For a missing key S3 returns 403 if the caller may not list the bucket, and names the permission
 * that a 404 would need. It names it only if the key does not exist. */
void s3_tell_missing(const struct aws_reply *reply, struct error *error)
{
    if (error->code == ERR_DENIED && strstr(reply->fault.message, "to perform: s3:ListBucket "))
        error->code = ERR_NOT_FOUND;
}

static void on_got(const struct aws_reply *reply, void *user)
{
    struct object_request *operation = user;
    size_t max_size = operation->max_size;
    bool plain = operation->plain;
    void *their;
    union object_callback done = s3_operation_end(operation, &their);
    struct s3_facts facts;
    struct error error;
    struct bytes body = {0};
    if (facts_of(reply, &facts, &error) == 0) {
        if (plain)
            check_body(reply, facts.etag, &error);
        body = http_response_take_body(reply->response);
        facts.facts.size = body.size;
        if (!error.code && body.size > max_size)
            too_large(reply, body.size, max_size, &error);
    }
    s3_tell_missing(reply, &error);
    if (error.code)
        bytes_free(&body);
    done.got(&body, &facts.facts, &error, their);
    bytes_free(&body);
    s3_facts_free(&facts);
}

int s3_get(struct object_store *store, const struct object_name *name, size_t max_size,
           object_got *done, void *user, struct object_request **out)
{
    static const struct http_header checksum_wanted = {"x-amz-checksum-mode", "ENABLED"};
    struct buffer query;
    char mark[AWS_MARK_SIZE], marking[sizeof mark + 32];
    buffer_init(&query, URL_MAX);
    aws_mark_make(&aws_of(store)->last_mark, mark);
    snprintf(marking, sizeof marking, "response-content-disposition=%s", mark);
    int code = s3_version_query(name, marking, &query);
    if (!code) {
        struct s3_call call = {.operation = "GetObject",
                               .method = "GET",
                               .bucket = name->bucket,
                               .key = name->key,
                               .trace = name->trace,
                               .mark = mark,
                               .query = query.data,
                               .headers = &checksum_wanted,
                               .header_count = is_plain(aws_of(store)),
                               .response_max = max_size ? max_size : 1,
                               .replied = on_got,
                               .done.got = done,
                               .user = user,
                               .max_size = max_size};
        code = name->key ? s3_start(aws_of(store), &call, out) : ERR_INVALID;
    }
    buffer_free(&query);
    return code;
}

static void on_head(const struct aws_reply *reply, void *user)
{
    void *their;
    union object_callback done = s3_operation_end(user, &their);
    struct s3_facts facts;
    struct error error;
    facts_of(reply, &facts, &error);
    done.head(&facts.facts, &error, their);
    s3_facts_free(&facts);
}

int s3_head(struct object_store *store, const struct object_name *name, object_head_done *done,
            void *user, struct object_request **out)
{
    struct buffer query;
    buffer_init(&query, URL_MAX);
    int code = s3_version_query(name, "", &query);
    if (!code) {
        struct s3_call call = {.operation = "HeadObject",
                               .method = "HEAD",
                               .bucket = name->bucket,
                               .key = name->key,
                               .trace = name->trace,
                               .query = query.size ? query.data : NULL,
                               .replied = on_head,
                               .done.head = done,
                               .user = user};
        code = name->key ? s3_start(aws_of(store), &call, out) : ERR_INVALID;
    }
    buffer_free(&query);
    return code;
}
