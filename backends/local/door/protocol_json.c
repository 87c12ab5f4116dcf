/* The AWS JSON protocols 1.0 and 1.1: the operation in X-Amz-Target, JSON in and out, errors with
 * __type. */
#include <stdio.h>
#include <string.h>

#include "call_protocol.h"
#include "json_text.h"
#include "json_write.h"
#include "response.h"

enum { RESPONSE_MAX = 64 * 1024 * 1024 }; /* ten messages of 1 MiB, each byte as \u00XX */

static const char type_1_0[] = "application/x-amz-json-1.0";
static const char type_1_1[] = "application/x-amz-json-1.1";

static int json_read_name(struct cloud_request *request, const struct service_api *api,
                          const char **name, json_t **input, struct service_error *error)
{
    (void)input;
    struct slice target = http_call_header(request->call, "x-amz-target");
    size_t skip = strlen(api->target);
    if (!slice_starts_with(target, api->target) || target.size - skip >= sizeof request->operation)
        return service_error_set(
            error, SERVICE_INVALID_ACTION,
            "X-Amz-Target is not an operation of the service in the signature's scope.");
    slice_copy((struct slice){target.data + skip, target.size - skip}, request->operation,
               sizeof request->operation);
    *name = request->operation;
    return 0;
}

static int body_read(struct cloud_request *request, size_t flags, json_t **input,
                     struct service_error *error)
{
    json_error_t why = {.line = 0};
    *input = json_text_read((struct slice){request->body.data, request->body.size},
                            JSON_REJECT_DUPLICATES | flags, &why);
    if (json_is_object(*input))
        return 0;
    if (!*input && json_text_short(&why))
        return ERR_MEMORY;
    return service_error_set(error, SERVICE_MALFORMED, "The body is not a JSON object%s%.160s",
                             *input ? "" : ": ", *input ? "" : why.text);
}

static int json_read_input(struct cloud_request *request, json_t **input,
                           struct service_error *error)
{
    return body_read(request, 0, input, error);
}

/* NULs are left to the operation in the texts of messages, and are refused everywhere else. */
static bool nuls_allowed(const char *name, json_t *value)
{
    const char *member;
    json_t *inner;
    size_t i;
    if (json_is_string(value))
        return strlen(json_string_value(value)) == json_string_length(value) ||
               form_takes_nuls(name);
    json_object_foreach(value, member, inner)
    {
        if (!nuls_allowed(member, inner))
            return false;
    }
    json_array_foreach(value, i, inner)
    {
        if (!nuls_allowed("", inner))
            return false;
    }
    return true;
}

static bool has_escaped_nul(struct slice body)
{
    const char *first = memchr(body.data, '\\', body.size);
    size_t before = first ? (size_t)(first - (const char *)body.data) : body.size;
    return first && memmem(first, body.size - before, "\\u0000", 6);
}

/* SQS: a request without a body has no members. */
static int json_1_0_read_input(struct cloud_request *request, json_t **input,
                               struct service_error *error)
{
    struct slice body = {request->body.data, request->body.size};
    if (!body.size) {
        *input = json_object();
        return *input ? 0 : ERR_MEMORY;
    }
    bool nul = has_escaped_nul(body);
    int code = body_read(request, nul ? JSON_ALLOW_NUL : 0, input, error);
    if (code || !nul || nuls_allowed("", *input))
        return code;
    return service_error_set(error, SERVICE_MALFORMED,
                             "\\u0000 is allowed only in the texts of messages.");
}

/* Responses. */

static void document_send(struct cloud_request *request, const char *content_type, int status,
                          const char *query_error, struct buffer *text)
{
    const struct http_header headers[] = {
        {"Content-Type", content_type},
        {"x-amzn-RequestId", request->id},
        {"x-amzn-query-error", query_error},
    };
    request->status = status;
    response_send_text(request, headers, query_error ? 3 : 2, text);
}

static void output_send(struct service_call *call, const char *content_type)
{
    struct buffer text;
    buffer_init(&text, RESPONSE_MAX);
    if (json_write(call->output, &text) && !text.error)
        text.error = ERR_LIMIT; /* nested too deeply */
    document_send(call->request, content_type, 200, NULL, &text);
}

static void json_1_0_respond(struct service_call *call)
{
    output_send(call, type_1_0);
}

static void json_1_1_respond(struct service_call *call)
{
    output_send(call, type_1_1);
}

void json_error_write(struct buffer *out, const char *type, const char *text)
{
    json_t *document = json_pack("{s:s, s:s}", "__type", type, "message", text);
    if (!document)
        out->error = ERR_MEMORY;
    else
        json_write(document, out);
    json_decref(document);
}

static void error_send(struct cloud_request *request, const struct service_api *api,
                       const struct service_error *error, const char *content_type,
                       const char *query_error)
{
    const struct wire_error *row = service_error_row(api->errors, error->code);
    struct buffer text;
    buffer_init(&text, RESPONSE_MAX);
    json_error_write(&text, row->json_type, service_error_text(api->errors, error));
    document_send(request, content_type, row->json_status, query_error, &text);
}

/* For clients that know the codes of the Query protocol. */
static void json_1_0_refuse(struct cloud_request *request, const struct service_api *api,
                            const struct service_error *error)
{
    const struct wire_error *row = service_error_row(api->errors, error->code);
    char query_error[160];
    snprintf(query_error, sizeof query_error, "%s;%s", row->query_code,
             service_error_side(row->query_status));
    error_send(request, api, error, type_1_0, query_error);
}

static void json_1_1_refuse(struct cloud_request *request, const struct service_api *api,
                            const struct service_error *error)
{
    error_send(request, api, error, type_1_1, NULL);
}

const struct call_protocol protocol_json_1_0 = {
    .wire = WIRE_JSON,
    .noun = "action",
    .read_name = json_read_name,
    .read_input = json_1_0_read_input,
    .respond = json_1_0_respond,
    .refuse = json_1_0_refuse,
};

const struct call_protocol protocol_json_1_1 = {
    .wire = WIRE_JSON,
    .noun = "operation",
    .read_name = json_read_name,
    .read_input = json_read_input,
    .respond = json_1_1_respond,
    .refuse = json_1_1_refuse,
};
