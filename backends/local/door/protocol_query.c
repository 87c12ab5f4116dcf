/* The Query protocol: forms in, XML out. Source: "Making Query API requests" in the SQS Developer
 * Guide. */
#include <stdio.h>
#include <string.h>

#include "call_protocol.h"
#include "json_text.h"
#include "query_error_document.h"
#include "response.h"
#include "xml_writer.h"

enum {
    RESPONSE_MAX = 64 * 1024 * 1024, /* ten messages of 1 MiB, each byte escaped to six */
    ERROR_MAX = 16 * 1024,
    RULES_MAX = 16,
};

/* Parameters may be in the URL, in the body, or in both. */
static int form_read(const struct cloud_request *request, const struct query_shape *shape,
                     json_t **out)
{
    struct slice body = {request->body.data, request->body.size};
    json_t *tree = json_object();
    int code = tree ? 0 : ERR_MEMORY;
    if (code)
        goto out;
    code = form_parse(tree, http_call_query(request->call), shape->names, shape->name_count);
    if (code)
        goto out;
    code = form_parse(tree, body, shape->names, shape->name_count);
    if (code)
        goto out;
    *out = form_shape(tree);
    code = *out ? 0 : ERR_MEMORY;
out:
    json_decref(tree);
    return code;
}

static int query_read_name(struct cloud_request *request, const struct service_api *api,
                           const char **name, json_t **input, struct service_error *error)
{
    int code = form_read(request, api->shape, input);
    if (code == ERR_MEMORY)
        return code;
    if (code)
        return service_error_set(
            error, SERVICE_MALFORMED,
            "The request is not a form of UTF-8 text with at most 2000 parameters.");
    *name = json_text_in(*input, "Action");
    return *name ? 0 : SERVICE_MISSING_ACTION;
}

/* Responses. */

static void document_send(struct cloud_request *request, int status, struct buffer *xml)
{
    const struct http_header headers[] = {{"Content-Type", "text/xml"},
                                          {"x-amzn-RequestId", request->id}};
    request->status = status;
    response_send_text(request, headers, 2, xml);
}

/* The output's members, with the rule for the entries of this operation's batch. */
static void output_write(struct buffer *xml, const struct service_call *call)
{
    const struct query_shape *shape = call->api->shape;
    struct xml_style style = shape->style;
    struct xml_rule rules[RULES_MAX];
    char entry[64];
    if (shape->entries && style.rule_count < RULES_MAX) {
        snprintf(entry, sizeof entry, "%sResultEntry", call->operation->name);
        memcpy(rules, style.rules, style.rule_count * sizeof *rules);
        rules[style.rule_count++] = (struct xml_rule){shape->entries, entry, NULL, NULL};
        style.rules = rules;
    }
    xml_members(xml, call->output, &style);
}

static void query_respond(struct service_call *call)
{
    const struct query_shape *shape = call->api->shape;
    const char *name = call->operation->name;
    struct buffer xml;
    buffer_init(&xml, RESPONSE_MAX);
    buffer_format(&xml, "%s<%sResponse xmlns=\"%s\">",
                  shape->is_sqs ? "<?xml version=\"1.0\"?>" : "", name, shape->xml_namespace);
    if (!call->operation->no_result) {
        buffer_format(&xml, "<%sResult>", name);
        output_write(&xml, call);
        buffer_format(&xml, "</%sResult>", name);
    }
    buffer_text(&xml, "<ResponseMetadata>");
    xml_element(&xml, "RequestId", call->request->id);
    buffer_format(&xml, "</ResponseMetadata></%sResponse>", name);
    document_send(call->request, 200, &xml);
}

/* The response of SQS to a GET of a queue's URL without parameters. */
static void unknown_operation_send(struct cloud_request *request)
{
    struct buffer xml;
    buffer_init(&xml, ERROR_MAX);
    buffer_text(&xml, "<UnknownOperationException/>\n");
    document_send(request, 404, &xml);
}

static void query_refuse(struct cloud_request *request, const struct service_api *api,
                         const struct service_error *error)
{
    if (error->code == SERVICE_MISSING_ACTION && api->shape->is_sqs &&
        slice_equal_text(http_call_method(request->call), "GET")) {
        unknown_operation_send(request);
        return;
    }
    const struct wire_error *row = service_error_row(api->errors, error->code);
    const struct query_error_document document = {
        .xml_namespace = api->shape->xml_namespace,
        .declared = api->shape->is_sqs,
        .detail = api->shape->is_sqs,
        .side = service_error_side(row->query_status),
        .code = row->query_code,
        .message = service_error_text(api->errors, error),
        .id = request->id,
    };
    struct buffer xml;
    buffer_init(&xml, ERROR_MAX);
    query_error_document_write(&xml, &document);
    document_send(request, row->query_status, &xml);
}

const struct call_protocol protocol_query = {
    .wire = WIRE_QUERY,
    .noun = "action",
    .read_name = query_read_name,
    .respond = query_respond,
    .refuse = query_refuse,
};
