#include "aws_errors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bucket_region.h"
#include "json_text.h"
#include "xml_reader.h"

/* SQS reports this as InvalidParameterValue, which has many other meanings. */
static bool is_expired_receipt(const char *message)
{
    return strcasestr(message, "receipt handle has expired") != NULL ||
           strcasestr(message, "message does not exist or is not available") != NULL;
}

int aws_fault_kind(enum aws_service service, int status, const struct aws_fault *fault)
{
    if (service == AWS_SQS && is_expired_receipt(fault->message))
        return ERR_RECEIPT;
    int kind = aws_kind_of_code(service, fault->code);
    return kind ? kind : aws_kind_of_status(service, status);
}

/* "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue". */
static void code_copy(struct aws_fault *out, struct slice code)
{
    const char *hash = memrchr(code.data, '#', code.size);
    if (hash)
        code = (struct slice){hash + 1, code.size - (size_t)(hash - code.data) - 1};
    static const char prefix[] = "AWS.SimpleQueueService.";
    if (slice_starts_with(code, prefix))
        code = (struct slice){code.data + sizeof prefix - 1, code.size - (sizeof prefix - 1)};
    if (code.size >= sizeof out->code)
        code.size = sizeof out->code - 1;
    memcpy(out->code, code.data, code.size);
    out->code[code.size] = '\0';
}

/* The length of the text truncated to max bytes at a character boundary. */
static int text_fit(const char *text, size_t size, size_t max)
{
    if (size <= max)
        return (int)size;
    while (max > 0 && ((unsigned char)text[max] & 0xC0) == 0x80)
        max--;
    return (int)max;
}

static void message_copy(struct aws_fault *out, struct slice message)
{
    size_t size = (size_t)text_fit(message.data, message.size, sizeof out->message - 1);
    memcpy(out->message, message.data, size);
    out->message[size] = '\0';
}

static void key_copy(struct aws_fault *out, struct slice key)
{
    if (key.size >= sizeof out->key)
        return;
    memcpy(out->key, key.data, key.size);
    out->key[key.size] = '\0';
}

int aws_entry_kind(const char *code, const char *message)
{
    struct aws_fault fault = {0};
    code_copy(&fault, slice_of(code ? code : ""));
    if (message && is_expired_receipt(message))
        return ERR_RECEIPT;
    int kind = aws_kind_of_code(AWS_SQS, fault.code);
    return kind ? kind : ERR_REFUSED;
}

bool aws_fault_is_clock(const struct aws_fault *fault)
{
    static const char *const codes[] = {"RequestTimeTooSkewed", "RequestExpired",
                                        "InvalidSignatureException", "SignatureDoesNotMatch",
                                        "RequestInTheFuture"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (strcmp(codes[i], fault->code) == 0)
            return true;
    }
    return false;
}

static void read_json(const struct http_response *response, struct aws_fault *out)
{
    json_t *root = json_text_read((struct slice){response->body.data, response->body.size},
                                  JSON_REJECT_DUPLICATES, NULL);
    const json_t *message = json_object_get(root, "message");
    if (!message)
        message = json_object_get(root, "Message");
    const json_t *code = json_object_get(root, "__type");
    if (json_is_string(code))
        code_copy(out, (struct slice){json_string_value(code), json_string_length(code)});
    if (json_is_string(message))
        message_copy(out, (struct slice){json_string_value(message), json_string_length(message)});
    json_decref(root);
    const char *type = http_response_header(response, "x-amzn-errortype");
    if (!out->code[0] && type)
        code_copy(out, (struct slice){type, strcspn(type, ":;")});
    const char *query_error = http_response_header(response, "x-amzn-query-error");
    if (!out->code[0] && query_error)
        code_copy(out, (struct slice){query_error, strcspn(query_error, ";")});
}

/* S3 sends <Error> as the root element; the Query protocol wraps it in <ErrorResponse>. */
static int error_element(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    (void)start;
    (void)end;
    static const char outer[] = "ErrorResponse/";
    if (strncmp(path, outer, sizeof outer - 1) == 0)
        path += sizeof outer - 1;
    if (strcmp(path, "Error/Code") == 0)
        code_copy(user, text);
    else if (strcmp(path, "Error/Message") == 0)
        message_copy(user, text);
    else if (strcmp(path, "Error/Key") == 0)
        key_copy(user, text);
    return 0;
}

static bool speaks_json(enum aws_service service)
{
    return service == AWS_SQS || service == AWS_EVENTS || service == AWS_REKOGNITION;
}

void aws_fault_read(enum aws_service service, const struct http_response *response,
                    struct aws_fault *out)
{
    *out = (struct aws_fault){0};
    if (speaks_json(service))
        read_json(response, out);
    else if (response->body.size)
        xml_read((struct slice){response->body.data, response->body.size}, NULL, error_element,
                 out);
}

/* Advice for the user; "" if the service's message is sufficient. */
static const char *advice(const struct aws_subject *subject, int kind, const char *code)
{
    if (strcmp(code, "RequestTimeTooSkewed") == 0)
        return "; set this machine's clock";
    if (kind == ERR_CREDENTIALS)
        return "; check the access key, its secret and the profile";
    if (kind == ERR_DENIED)
        return subject->service == AWS_S3
                   ? "; allow this action in IAM and the bucket's policy (without s3:ListBucket a "
                     "missing key looks like this too)"
                   : "; allow this action in IAM and the resource's policy";
    if (kind == ERR_EXPIRED)
        return "; the session credentials have expired: get new ones";
    if (kind == ERR_RECEIPT)
        return "; the message was received again or its visibility timeout ended";
    if (kind == ERR_NO_CONTAINER)
        return "; check the name, the region and the endpoint, or create it";
    return "";
}

static void prefix(struct error *error, const struct aws_subject *subject)
{
    const char *resource = subject->resource ? subject->resource : "";
    int size = text_fit(resource, strlen(resource), 160);
    error_prefix(error, "%s %s%s%.*s%s", aws_service_name(subject->service), subject->operation,
                 resource[0] ? " " : "", size, resource,
                 (size_t)size < strlen(resource) ? "…" : "");
}

void aws_error_describe(struct error *error, const struct aws_subject *subject, int kind,
                        const struct http_response *response, const struct aws_fault *fault)
{
    char region[REGION_SIZE_MAX];
    bool elsewhere = kind == ERR_REFUSED && bucket_region_told(response, region);
    error_set(error, kind, "%s%s%s%s(HTTP %d)%s", fault->code, fault->code[0] ? ": " : "",
              fault->message, fault->message[0] ? " " : "", response->status,
              elsewhere ? "" : advice(subject, kind, fault->code));
    if (elsewhere) {
        struct error whole;
        error_set(&whole, kind, "%s; the bucket is said to be in %.40s", error->text, region);
        *error = whole;
    }
    prefix(error, subject);
}

void aws_error_local(struct error *error, const struct aws_subject *subject, int kind,
                     const char *detail)
{
    error_set(error, kind, "%s", detail && detail[0] ? detail : error_name(kind));
    prefix(error, subject);
}

void aws_error_unreadable(struct error *error, const struct aws_subject *subject, int code,
                          const char *detail)
{
    aws_error_local(error, subject, code == ERR_MEMORY ? code : ERR_PROTOCOL, detail);
}
