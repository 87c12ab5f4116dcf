#include "s3_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "query_text.h"
#include "response.h"
#include "s3_address.h"
#include "s3_control.h"
#include "s3_cors.h"
#include "s3_form.h"
#include "spare_blocks.h"
#include "uri.h"

enum {
    HEADERS_MAX = 96, /* of a response */
    DOCUMENT_HEADERS_MAX = 8,
    PARAMETERS_MAX = 64,  /* of a query */
    PARAMETER_MAX = 8192, /* maximum decoded size */
};

/* Parameters. */

static char *decode(struct slice text, int *code)
{
    struct buffer out;
    buffer_init(&out, PARAMETER_MAX);
    *code = uri_decode(&out, text, true);
    if (*code) {
        buffer_free(&out);
        return NULL;
    }
    char *decoded = out.size ? buffer_take_text(&out) : strdup("");
    if (!decoded)
        *code = ERR_MEMORY;
    return decoded;
}

static int add_parameter(struct s3_request *request, struct slice name, struct slice value)
{
    int code;
    struct s3_parameter *parameter = &request->parameters[request->parameter_count];
    parameter->name = decode(name, &code);
    if (code)
        return code;
    request->parameter_count++;
    parameter->value = decode(value, &code);
    return code;
}

static int parse_query(struct s3_request *request, struct slice query)
{
    int code = 0;
    request->parameter_count = 0;
    if (!query.size)
        return 0;
    request->parameters = calloc(PARAMETERS_MAX, sizeof *request->parameters);
    if (!request->parameters)
        return ERR_MEMORY;
    struct slice name, value;
    while (!code && query_next(&query, &name, &value)) {
        if (request->parameter_count == PARAMETERS_MAX)
            return ERR_LIMIT;
        if (name.size || value.data)
            code = add_parameter(request, name, value);
    }
    return code;
}

const char *s3_parameter(const struct s3_request *request, const char *name)
{
    for (size_t i = 0; i < request->parameter_count; i++) {
        if (strcmp(request->parameters[i].name, name) == 0)
            return request->parameters[i].value;
    }
    return NULL;
}

static bool is_signature_parameter(const char *name)
{
    static const char *const names[] = {"algorithm", "content-sha256", "credential",
                                        "date",      "expires",        "security-token",
                                        "signature", "signedheaders"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(name + strlen("x-amz-"), names[i]) == 0)
            return true;
    }
    return false;
}

static bool is_header_name(const char *name)
{
    if (strncasecmp(name, "x-amz-", strlen("x-amz-")) == 0)
        return !is_signature_parameter(name);
    return strcasecmp(name, "if-match") == 0 || strcasecmp(name, "if-none-match") == 0;
}

/* Signature Version 2 signs them, so botocore moves them to the query. */
static bool is_content_name(const char *name)
{
    return strcmp(name, "content-type") == 0 || strcmp(name, "content-md5") == 0;
}

static bool is_checksum_name(const char *name)
{
    static const char checksum[] = "x-amz-checksum-";
    return strncasecmp(name, checksum, sizeof checksum - 1) == 0 ||
           strcasecmp(name, "x-amz-sdk-checksum-algorithm") == 0;
}

/* Only where the signature covers the query. */
static void mark_headers(struct s3_request *request)
{
    bool version2 = s3_parameter(request, "AWSAccessKeyId") && s3_parameter(request, "Signature");
    if (!request->caller || (!version2 && !s3_parameter(request, "X-Amz-Signature")))
        return;
    for (size_t i = 0; i < request->parameter_count; i++) {
        struct s3_parameter *parameter = &request->parameters[i];
        parameter->is_ignored = is_checksum_name(parameter->name);
        parameter->is_header =
            !parameter->is_ignored &&
            (is_header_name(parameter->name) || (version2 && is_content_name(parameter->name)));
    }
}

static const struct s3_parameter *header_parameter(const struct s3_request *request,
                                                   const char *name)
{
    for (size_t i = 0; i < request->parameter_count; i++) {
        const struct s3_parameter *parameter = &request->parameters[i];
        if (parameter->is_header && strcasecmp(parameter->name, name) == 0)
            return parameter;
    }
    return NULL;
}

/* Lifecycle. */

static void free_request(struct s3_request *request)
{
    if (request->operation_free)
        request->operation_free(request->operation);
    for (size_t i = 0; i < request->parameter_count; i++) {
        free(request->parameters[i].name);
        free(request->parameters[i].value);
    }
    buffer_free(&request->details);
    free(request->parameters);
    block_free(request->bucket);
    block_free(request->key);
    free(request->region);
    block_free(request);
}

void s3_request_hold(struct s3_request *request)
{
    request->holds++;
}

void s3_request_release(struct s3_request *request)
{
    if (--request->holds == 0)
        free_request(request);
}

static void on_ended(struct cloud_request *base, bool completed)
{
    struct s3_request *request = base->handler;
    (void)completed;
    request->base = NULL;
    if (request->gone)
        request->gone(request);
    s3_request_release(request);
}

static bool bucket_exists(const char *name, void *user)
{
    struct cloud *cloud = user;
    struct bucket bucket;
    return buckets_find(cloud->buckets, name, &bucket);
}

static int parse_address(struct s3_request *request)
{
    struct s3_address address = {0};
    struct http_call *call = request->base->call;
    int code = s3_address_parse(http_call_header(call, "host"), http_call_path(call), bucket_exists,
                                request->cloud, &address);
    request->bucket = address.bucket;
    request->key = address.key;
    request->in_host = address.in_host;
    return code ? code : s3_control_address(request);
}

/* For the request log. */
static void describe(struct s3_request *request)
{
    struct cloud_request *base = request->base;
    slice_copy(slice_of(request->bucket), base->resource, sizeof base->resource);
    cloud_request_note_key(base, request->key);
}

struct s3_request *s3_request_create(struct cloud_request *base)
{
    struct s3_request *request = block_new_zeroed(sizeof *request);
    if (!request) {
        base->status = 500;
        response_send(base, NULL, 0, &(struct bytes){0});
        return NULL;
    }
    request->base = base;
    request->cloud = base->cloud;
    request->caller = base->caller;
    request->holds = 1;
    memcpy(request->id, base->id, sizeof request->id);
    buffer_init(&request->details, S3_DETAILS_MAX);
    base->handler = request;
    base->ended = on_ended;
    slice_copy(slice_of(base->home.account), request->account, sizeof request->account);
    request->region = base->region_signed ? strdup(base->home.region) : NULL;
    int code = base->region_signed && !request->region ? ERR_MEMORY : parse_address(request);
    code = code ? code : parse_query(request, http_call_query(base->call));
    if (code) {
        s3_respond_error(request, code == ERR_MEMORY ? S3_INTERNAL_ERROR : S3_INVALID_URI, NULL);
        return NULL;
    }
    mark_headers(request);
    describe(request);
    return request;
}

struct slice s3_header(const struct s3_request *request, const char *name)
{
    if (request->form)
        return slice_of(s3_form_value(request->form, name));
    if (!request->base)
        return (struct slice){0};
    struct slice value = http_call_header(request->base->call, name);
    const struct s3_parameter *parameter = value.data ? NULL : header_parameter(request, name);
    return parameter ? slice_of(parameter->value) : value;
}

size_t s3_header_count(const struct s3_request *request)
{
    if (request->form)
        return request->form->count;
    if (!request->base)
        return 0;
    size_t count = http_call_header_count(request->base->call);
    for (size_t i = 0; i < request->parameter_count; i++)
        count += request->parameters[i].is_header;
    return count;
}

static void header_parameter_at(const struct s3_request *request, size_t index, struct slice *name,
                                struct slice *value)
{
    const struct s3_parameter *parameter = request->parameters;
    while (!parameter->is_header || index-- > 0)
        parameter++;
    *name = slice_of(parameter->name);
    *value = slice_of(parameter->value);
}

void s3_header_at(const struct s3_request *request, size_t index, struct slice *name,
                  struct slice *value)
{
    if (request->form) {
        *name = slice_of(request->form->fields[index].name);
        *value = slice_of(request->form->fields[index].value);
        return;
    }
    size_t count = http_call_header_count(request->base->call);
    if (index < count)
        http_call_header_at(request->base->call, index, name, value);
    else
        header_parameter_at(request, index - count, name, value);
}

bool s3_is_method(const struct s3_request *request, const char *method)
{
    return request->base && slice_equal_text(http_call_method(request->base->call), method);
}

void *s3_operation(struct s3_request *request, size_t size, void (*operation_free)(void *))
{
    request->operation = block_new_zeroed(size);
    if (request->operation)
        request->operation_free = operation_free;
    else
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
    return request->operation;
}

const char *s3_owner(const struct s3_request *request)
{
    struct bucket bucket;
    return buckets_find(request->cloud->buckets, request->bucket, &bucket) ? bucket.owner
                                                                           : request->account;
}

bool s3_find_bucket(struct s3_request *request, struct bucket *bucket)
{
    if (buckets_find(request->cloud->buckets, request->bucket, bucket))
        return true;
    s3_respond_error(request, S3_NO_SUCH_BUCKET, NULL);
    return false;
}

void s3_submit(struct s3_request *request, struct storage_task *task)
{
    s3_request_hold(request);
    storage_submit(request->cloud->storage, task);
}

void s3_submit_aside(struct s3_request *request, struct storage_task *task)
{
    s3_request_hold(request);
    storage_submit_aside(request->cloud->storage, task);
}

/* Responses. */

/* The headers of every response: the request's id and the CORS headers. */
struct common {
    struct cors_headers cors;
    struct http_header headers[HEADERS_MAX];
    size_t count;
};

static void with_common(struct s3_request *request, const struct http_header *headers, size_t count,
                        struct common *out)
{
    out->headers[0] = (struct http_header){"x-amz-request-id", request->id};
    out->headers[1] = (struct http_header){"x-amz-id-2", request->id};
    out->count = 2;
    s3_cors_fill(&out->cors, request->cloud, request->base->call, request->bucket);
    for (size_t i = 0; i < out->cors.count; i++)
        out->headers[out->count++] = out->cors.list[i];
    for (size_t i = 0; i < count && out->count < HEADERS_MAX; i++)
        out->headers[out->count++] = headers[i];
}

static void respond(struct s3_request *request, int status, const struct http_header *headers,
                    size_t count, struct bytes *body)
{
    struct common all;
    if (!request->base) {
        bytes_free(body);
        return;
    }
    with_common(request, headers, count, &all);
    request->base->status = status;
    response_send(request->base, all.headers, all.count, body);
}

void s3_respond_begin(struct s3_request *request, int status, const struct http_header *headers,
                      size_t count, int64_t size)
{
    struct common all;
    if (!request->base)
        return;
    with_common(request, headers, count, &all);
    request->base->status = status;
    response_begin(request->base, all.headers, all.count, size);
}

void s3_respond_empty(struct s3_request *request, int status, const struct http_header *headers,
                      size_t count)
{
    respond(request, status, headers, count, &(struct bytes){0});
}

void s3_respond_document(struct s3_request *request, int status, const struct http_header *headers,
                         size_t count, struct buffer *body)
{
    struct http_header all[DOCUMENT_HEADERS_MAX + 1] = {{"Content-Type", "application/xml"}};
    struct bytes bytes = buffer_take(body);
    if (count > DOCUMENT_HEADERS_MAX)
        count = DOCUMENT_HEADERS_MAX;
    for (size_t i = 0; i < count; i++)
        all[i + 1] = headers[i];
    respond(request, status, all, count + 1, &bytes);
}

void s3_respond_xml(struct s3_request *request, struct buffer *body)
{
    s3_respond_xml_with(request, body, NULL, 0);
}

void s3_respond_xml_with(struct s3_request *request, struct buffer *body,
                         const struct http_header *headers, size_t count)
{
    if (body->error) {
        buffer_free(body);
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        return;
    }
    s3_respond_document(request, 200, headers, count, body);
}

void s3_respond_text(struct s3_request *request, const struct http_header *type, const char *text)
{
    char *copy = strdup(text);
    if (!copy) {
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
        return;
    }
    struct bytes body = bytes_give(copy, strlen(copy));
    respond(request, 200, type, 1, &body);
}
