/* The responses of failed requests: the document with the elements that S3 adds to each error. */
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "s3_access.h"
#include "s3_control.h"
#include "s3_error_document.h"
#include "s3_request.h"
#include "xml_writer.h"

enum { ERROR_BODY_MAX = S3_DETAILS_MAX + 16 * 1024 };

/* Elements. */

void s3_detail(struct s3_request *request, const char *name, const char *value)
{
    xml_element(&request->details, name, value);
}

void s3_detail_slice(struct s3_request *request, const char *name, struct slice value)
{
    xml_slice(&request->details, name, value);
}

void s3_detail_number(struct s3_request *request, const char *name, uint64_t value)
{
    xml_number(&request->details, name, value);
}

static void show_parameter(struct s3_request *request, const char *element, const char *parameter)
{
    const char *value = s3_parameter(request, parameter);
    if (value)
        s3_detail(request, element, value);
}

static void show_request(struct s3_request *request, unsigned shows)
{
    if (shows & S3_SHOWS_BUCKET)
        s3_detail(request, "BucketName", request->bucket);
    if (shows & S3_SHOWS_KEY)
        s3_detail(request, "Key", request->key);
    if (shows & S3_SHOWS_UPLOAD)
        show_parameter(request, "UploadId", "uploadId");
    if (shows & S3_SHOWS_VERSION)
        show_parameter(request, "VersionId", "versionId");
}

/* Errors. */

/* What the handler gave replaces what follows from the request. */
static void write_error(struct s3_request *request, enum s3_error error, const char *message,
                        struct buffer *out)
{
    const struct s3_error_facts *facts = s3_error_facts(error);
    if (!request->details.size)
        show_request(request, s3_error_shows(error));
    if (request->details.error)
        buffer_clear(&request->details); /* the message is sufficient */
    s3_error_document_write(
        out, &(struct s3_error_document){.code = facts->code,
                                         .message = message ? message : facts->message,
                                         .elements = buffer_slice(&request->details),
                                         .id = request->id});
}

void s3_respond_error(struct s3_request *request, enum s3_error error, const char *message)
{
    s3_respond_error_with(request, error, message, NULL, 0);
}

void s3_respond_error_with(struct s3_request *request, enum s3_error error, const char *message,
                           const struct http_header *headers, size_t count)
{
    const struct s3_error_facts *facts = s3_error_facts(error);
    struct buffer body;
    if (!request->base)
        return;
    if (facts->status == 304) {
        s3_respond_empty(request, facts->status, NULL, 0);
        return;
    }
    buffer_init(&body, ERROR_BODY_MAX);
    if (request->control)
        s3_control_write_error(request, facts, message, &body);
    else
        write_error(request, error, message, &body);
    if (body.error)
        buffer_free(&body); /* the status is sufficient */
    s3_respond_document(request, facts->status, headers, count, &body);
}

void s3_respond_argument(struct s3_request *request, const char *message, const char *name,
                         struct slice value)
{
    s3_detail(request, "ArgumentName", name);
    s3_detail_slice(request, "ArgumentValue", value);
    s3_respond_error(request, S3_INVALID_ARGUMENT, message);
}

void s3_respond_no_method(struct s3_request *request, const char *resource,
                          const struct http_header *headers, size_t count)
{
    if (request->base)
        s3_detail_slice(request, "Method", http_call_method(request->base->call));
    s3_detail(request, "ResourceType", resource);
    s3_respond_error_with(request, S3_METHOD_NOT_ALLOWED, NULL, headers, count);
}

static enum s3_error missing_error(const struct s3_request *request)
{
    bool versioned = s3_parameter(request, "versionId") != NULL;
    return s3_access_missing(request, request->bucket,
                             versioned ? S3_NO_SUCH_VERSION : S3_NO_SUCH_KEY);
}

static void respond_conflict(struct s3_request *request)
{
    if (s3_header(request, "if-none-match").data)
        s3_detail(request, "Condition", "If-None-Match");
    else if (s3_header(request, "if-match").data)
        s3_detail(request, "Condition", "If-Match");
    s3_respond_error(request, S3_PRECONDITION_FAILED, NULL);
}

void s3_respond_failure(struct s3_request *request, int code, const struct error *error)
{
    switch (code) {
    case ERR_NOT_FOUND:
        s3_respond_error(request, missing_error(request), NULL);
        break;
    case ERR_NO_CONTAINER:
        s3_respond_error(request, S3_NO_SUCH_BUCKET, NULL);
        break;
    case ERR_CONFLICT:
        respond_conflict(request);
        break;
    default:
        log_error("S3 request failed",
                  LOG_TEXT("operation", request->base ? request->base->operation : NULL),
                  LOG_TEXT("bucket", request->bucket), LOG_TEXT("key", request->key),
                  LOG_TEXT("error", error->text));
        s3_respond_error(request, S3_INTERNAL_ERROR, NULL);
    }
}
