/* The Query protocol of SQS: form requests, XML responses. Source: "Making Query API requests" in
 * the SQS Developer Guide. */
#include <stdio.h>
#include <string.h>

#include "form.h"
#include "json_text.h"
#include "query_response.h"
#include "query_xml.h"
#include "sqs_call.h"
#include "xml_writer.h"

#define NAMESPACE "http://queue.amazonaws.com/doc/2012-11-05/"

enum { RESPONSE_MAX = 64 * 1024 * 1024 }; /* ten messages of 1 MiB with each byte escaped to six */

static const struct form_name names[] = {
    {"Attribute", "Attributes"},
    {"AttributeName", "AttributeNames"},
    {"MessageAttribute", "MessageAttributes"},
    {"MessageAttributeName", "MessageAttributeNames"},
    {"MessageSystemAttribute", "MessageSystemAttributes"},
    {"MessageSystemAttributeName", "MessageSystemAttributeNames"},
    {"SendMessageBatchRequestEntry", "Entries"},
    {"DeleteMessageBatchRequestEntry", "Entries"},
    {"ChangeMessageVisibilityBatchRequestEntry", "Entries"},
    {"Tag", "tags"},
    {"TagKey", "TagKeys"},
    {"AWSAccountId", "AWSAccountIds"},
    {"ActionName", "Actions"},
};
enum { NAME_COUNT = sizeof names / sizeof names[0] };

static const struct xml_rule rules[] = {
    {"Messages", "Message", NULL, NULL},
    {"QueueUrls", "QueueUrl", NULL, NULL},
    {"queueUrls", "QueueUrl", NULL, NULL},
    {"Failed", "BatchResultErrorEntry", NULL, NULL},
    {"Results", "ListMessageMoveTasksResultEntry", NULL, NULL},
    {"Attributes", "Attribute", "Name", "Value"},
    {"Tags", "Tag", "Key", "Value"},
    {"MessageAttributes", "MessageAttribute", "Name", "Value"},
    {"Successful", "", NULL, NULL}, /* last: the action's own element */
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

static enum sqs_code read_failed(int status, struct sqs_error *error)
{
    if (status == ERR_MEMORY)
        return SQS_SERVICE_UNAVAILABLE;
    return sqs_error_set(error, SQS_MALFORMED, "%s",
                         status == ERR_LIMIT ? "The request has too many parameters."
                                             : "The request is not a valid form of UTF-8 text.");
}

enum sqs_code sqs_query_read(struct cloud_request *request, const char **action, json_t **input,
                             struct sqs_error *error)
{
    json_t *tree = json_object();
    int status = tree ? 0 : ERR_MEMORY;
    if (!status)
        status = form_parse(tree, http_call_query(request->call), names, NAME_COUNT);
    if (!status)
        status = form_parse(tree, (struct slice){request->body.data, request->body.size}, names,
                            NAME_COUNT);
    if (!status && !(*input = form_shape(tree)))
        status = ERR_MEMORY;
    json_decref(tree);
    if (status)
        return read_failed(status, error);
    *action = json_text_in(*input, "Action");
    if (*action)
        return SQS_OK;
    return sqs_error_set(error, SQS_MISSING_PARAMETER,
                         "The request must contain the parameter Action.");
}

static void query_refuse(struct cloud_request *request, const struct sqs_error *error)
{
    const struct sqs_code_facts *facts = sqs_code_facts(error->code);
    struct buffer xml;
    buffer_init(&xml, 16 * 1024);
    buffer_text(&xml, "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"" NAMESPACE "\"><Error>");
    xml_element(&xml, "Type", sqs_code_is_senders(error->code) ? "Sender" : "Receiver");
    xml_element(&xml, "Code", facts->query_code);
    xml_element(&xml, "Message", sqs_error_text(error));
    buffer_text(&xml, "<Detail/></Error>");
    xml_element(&xml, "RequestId", request->id);
    buffer_text(&xml, "</ErrorResponse>");
    query_response_send(request, facts->query_status, &xml);
}

static void query_respond(struct sqs_call *call)
{
    const char *action = call->action->name;
    char entry[64];
    struct xml_rule mine[RULE_COUNT];
    memcpy(mine, rules, sizeof rules);
    snprintf(entry, sizeof entry, "%sResultEntry", action);
    mine[RULE_COUNT - 1].element = entry;
    struct xml_style style = {mine, RULE_COUNT, false};
    struct buffer xml;
    buffer_init(&xml, RESPONSE_MAX);
    buffer_format(&xml, "<?xml version=\"1.0\"?><%sResponse xmlns=\"" NAMESPACE "\"><%sResult>",
                  action, action);
    xml_members(&xml, call->output, &style);
    buffer_format(&xml, "</%sResult><ResponseMetadata>", action);
    xml_element(&xml, "RequestId", call->request->id);
    buffer_format(&xml, "</ResponseMetadata></%sResponse>", action);
    query_response_send(call->request, 200, &xml);
}

const struct sqs_wire sqs_query_wire = {query_respond, query_refuse};
