/* SendMessage. A retry may send a message twice, which at-least-once delivery allows. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hash.h"
#include "json_text.h"
#include "sqs_private.h"

static void on_sent(const struct aws_reply *reply, void *user)
{
    struct queue_request *operation = user;
    queue_sent *done = operation->done.sent;
    void *their = operation->user;
    struct error error;
    json_t *root = aws_json_response(reply, &error);
    const char *id = json_text_in(root, "MessageId");
    const char *md5 = json_text_in(root, "MD5OfMessageBody");
    if (root && (!id || !md5 || strcasecmp(md5, operation->md5) != 0)) {
        aws_error_local(&error, &reply->subject, ERR_PROTOCOL,
                        "the response is for another message: its MD5OfMessageBody differs");
        id = NULL;
    }
    sqs_operation_free(operation);
    done(id, &error, their);
    json_decref(root);
}

static json_t *attribute_body(const struct queue_attribute *attribute)
{
    bool binary = strncmp(attribute->type, "Binary", 6) == 0;
    return json_pack("{s:s, s:s}", "DataType", attribute->type,
                     binary ? "BinaryValue" : "StringValue", attribute->value);
}

/* MessageSystemAttributes: the next receiver continues the trace. */
static int trace_set(json_t *body, const struct trace_context *trace)
{
    char header[TRACE_XRAY_SIZE] = "";
    if (trace)
        trace_context_xray(trace, header);
    if (!header[0])
        return 0;
    return json_object_set_new(
        body, "MessageSystemAttributes",
        json_pack("{s:{s:s, s:s}}", "AWSTraceHeader", "DataType", "String", "StringValue", header));
}

static int options_set(json_t *body, const struct queue_send *message)
{
    if (message->delay_s &&
        json_object_set_new(body, "DelaySeconds", json_integer(message->delay_s)))
        return ERR_MEMORY;
    if (message->group && json_object_set_new(body, "MessageGroupId", json_string(message->group)))
        return ERR_MEMORY;
    if (message->deduplication &&
        json_object_set_new(body, "MessageDeduplicationId", json_string(message->deduplication)))
        return ERR_MEMORY;
    return 0;
}

static int attributes_set(json_t *body, const struct queue_send *message)
{
    if (!message->attribute_count)
        return 0;
    json_t *attributes = json_object();
    if (json_object_set_new(body, "MessageAttributes", attributes))
        return ERR_MEMORY;
    for (size_t i = 0; i < message->attribute_count; i++) {
        if (json_object_set_new(attributes, message->attributes[i].name,
                                attribute_body(&message->attributes[i])))
            return ERR_MEMORY;
    }
    return 0;
}

json_t *sqs_message_body(const struct queue_send *message)
{
    json_t *body = json_pack("{s:s%}", "MessageBody", message->body, message->body_size);
    if (!body)
        return NULL;
    if (options_set(body, message) || attributes_set(body, message) ||
        trace_set(body, message->trace)) {
        json_decref(body);
        return NULL;
    }
    return body;
}

int sqs_send(struct queue *queue, const struct queue_send *message, queue_sent *done, void *user)
{
    if (message->body_size > QUEUE_MESSAGE_MAX)
        return ERR_LIMIT;
    if (message->attribute_count > QUEUE_ATTRIBUTES_MAX)
        return ERR_LIMIT;
    json_t *body = sqs_message_body(message);
    if (!body)
        return ERR_INVALID;
    char md5[MD5_HEX_SIZE];
    md5_hex(message->body, message->body_size, md5);
    const struct sqs_client_call call = {
        .operation = "SendMessage",
        .md5 = md5,
        .body = body,
        .trace = message->trace,
        .replied = on_sent,
        .done.sent = done,
        .user = user,
    };
    return sqs_start(queue, &call, NULL);
}
