/* The AWS JSON 1.0 protocol of SQS: the action in X-Amz-Target, errors with __type and
 * x-amzn-query-error. */
#include <stdio.h>
#include <string.h>

#include "json_response.h"
#include "json_text.h"
#include "sqs_call.h"

static const char content_type[] = "application/x-amz-json-1.0";

enum sqs_code sqs_json_read(struct cloud_request *request, const char **action, json_t **input,
                            struct sqs_error *error)
{
    static const char prefix[] = "AmazonSQS.";
    struct slice target = http_call_header(request->call, "x-amz-target");
    if (!slice_starts_with(target, prefix) || target.size >= sizeof request->operation)
        return sqs_error_set(error, SQS_INVALID_ACTION, "X-Amz-Target names no action of SQS.");
    snprintf(request->operation, sizeof request->operation, "%.*s",
             (int)(target.size - sizeof prefix + 1), target.data + sizeof prefix - 1);
    *action = request->operation;
    json_error_t why;
    *input = request->body.size
                 ? json_text_read((struct slice){request->body.data, request->body.size},
                                  JSON_REJECT_DUPLICATES, &why)
                 : json_object();
    if (!*input && json_text_short(&why))
        return SQS_SERVICE_UNAVAILABLE;
    if (!*input)
        return sqs_error_set(error, SQS_MALFORMED, "The body is not valid JSON: %.200s", why.text);
    if (!json_is_object(*input))
        return sqs_error_set(error, SQS_MALFORMED, "The body is not a JSON object.");
    return SQS_OK;
}

static void json_refuse(struct cloud_request *request, const struct sqs_error *error)
{
    const struct sqs_code_facts *facts = sqs_code_facts(error->code);
    char query_error[160];
    snprintf(query_error, sizeof query_error, "%s;%s", facts->query_code,
             sqs_code_is_senders(error->code) ? "Sender" : "Receiver");
    json_t *document =
        json_pack("{s:s, s:s}", "__type", facts->json_type, "message", sqs_error_text(error));
    json_response_send(request, content_type, facts->json_status, document, query_error);
    json_decref(document);
}

static void json_respond(struct sqs_call *call)
{
    json_response_send(call->request, content_type, 200, call->output, NULL);
}

const struct sqs_wire sqs_json_wire = {json_respond, json_refuse};
