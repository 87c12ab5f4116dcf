/*
 * ReceiveMessage. A message whose body does not match the MD5 in the response was damaged in
 * transit: it is skipped, and becomes visible again when its visibility timeout ends.
 */
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "log.h"
#include "md5.h"
#include "sqs_private.h"

/* JSON escapes at most double the size of a body, because SQS does not allow control characters. */
enum { MESSAGE_ROOM = 2 * QUEUE_MESSAGE_MAX };

static char *copy(const char *text)
{
    return text ? slice_dup(slice_of(text)) : NULL;
}

static int attribute_read(const char *name, const json_t *value, struct queue_attribute *out)
{
    const char *type = json_text_in(value, "DataType");
    const char *text = json_text_in(value, "StringValue");
    if (!text)
        text = json_text_in(value, "BinaryValue");
    if (!type || !text)
        return ERR_PROTOCOL;
    *out = (struct queue_attribute){copy(name), copy(type), copy(text)};
    return out->name && out->type && out->value ? 0 : ERR_MEMORY;
}

static int attributes_read(json_t *object, struct queue_message *message)
{
    size_t count = json_object_size(object);
    if (count == 0)
        return 0;
    message->attributes = calloc(count, sizeof *message->attributes);
    if (!message->attributes)
        return ERR_MEMORY;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        int code = attribute_read(name, value, &message->attributes[message->attribute_count++]);
        if (code)
            return code;
    }
    return 0;
}

static int message_read(const json_t *from, struct queue_message *out)
{
    const json_t *body = json_object_get(from, "Body");
    const json_t *system = json_object_get(from, "Attributes");
    const char *id = json_text_in(from, "MessageId");
    const char *receipt = json_text_in(from, "ReceiptHandle");
    if (!json_is_string(body) || !id || !receipt)
        return ERR_PROTOCOL;
    const char *md5 = json_text_in(from, "MD5OfBody");
    if (md5 && !md5_matches(json_string_value(body), json_string_length(body), md5))
        return ERR_CORRUPT;
    out->id = copy(id);
    out->receipt = copy(receipt);
    out->body = slice_dup((struct slice){json_string_value(body), json_string_length(body)});
    out->body_size = json_string_length(body);
    const char *group = json_text_in(system, "MessageGroupId");
    out->group = copy(group);
    const char *deduplication = json_text_in(system, "MessageDeduplicationId");
    const char *source = json_text_in(system, "DeadLetterQueueSourceArn");
    out->deduplication = copy(deduplication);
    out->source_arn = copy(source);
    out->receive_count = (unsigned)aws_json_number(system, "ApproximateReceiveCount");
    if (out->receive_count == 0)
        out->receive_count = 1;
    trace_context_of_xray(json_text_in(system, "AWSTraceHeader"), &out->trace);
    out->sent_ms = (int64_t)aws_json_number(system, "SentTimestamp");
    if (!out->id || !out->receipt || !out->body || (group && !out->group) ||
        (deduplication && !out->deduplication) || (source && !out->source_arn))
        return ERR_MEMORY;
    return attributes_read(json_object_get(from, "MessageAttributes"), out);
}

/* One bad message must not prevent the others from being read. */
static size_t messages_read(const json_t *list, const struct queue *queue,
                            struct queue_message *out)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list) && count < QUEUE_BATCH_MAX; i++) {
        out[count] = (struct queue_message){0};
        int code = message_read(json_array_get(list, i), &out[count]);
        if (code == 0) {
            count++;
            continue;
        }
        queue_message_clear(&out[count]);
        log_warn("message left in its queue", LOG_TEXT("queue", queue->facts.name),
                 LOG_TEXT("message", json_text_in(json_array_get(list, i), "MessageId")),
                 LOG_TEXT("reason", code == ERR_CORRUPT ? "its body does not match its MD5"
                                                        : error_name(code)));
    }
    return count;
}

static void on_messages(const struct aws_reply *reply, void *user)
{
    struct queue_request *operation = user;
    queue_received *done = operation->done.received;
    void *their = operation->user;
    struct queue_message messages[QUEUE_BATCH_MAX];
    struct error error;
    json_t *root = aws_json_response(reply, &error);
    size_t count = messages_read(json_object_get(root, "Messages"), operation->queue, messages);
    json_decref(root);
    sqs_operation_free(operation);
    done(messages, count, &error, their);
    for (size_t i = 0; i < count; i++)
        queue_message_clear(&messages[i]);
}

/* A new array, or NULL. */
static json_t *system_names(bool origin)
{
    json_t *names = json_pack("[s, s, s, s]", "ApproximateReceiveCount", "SentTimestamp",
                              "MessageGroupId", "AWSTraceHeader");
    if (!names || !origin)
        return names;
    if (!json_array_append_new(names, json_string("MessageDeduplicationId")) &&
        !json_array_append_new(names, json_string("DeadLetterQueueSourceArn")))
        return names;
    json_decref(names);
    return NULL;
}

/* Newer services use MessageSystemAttributeNames, older ones AttributeNames. */
static json_t *request_body(const struct queue_receive *what)
{
    return json_pack("{s:i, s:i, s:i, s:o, s:o, s:[s]}", "MaxNumberOfMessages", (int)what->max,
                     "WaitTimeSeconds", (int)what->wait_s, "VisibilityTimeout",
                     (int)what->visibility_s, "AttributeNames", system_names(what->origin),
                     "MessageSystemAttributeNames", system_names(what->origin),
                     "MessageAttributeNames", "All");
}

int sqs_receive(struct queue *queue, const struct queue_receive *what, queue_received *done,
                void *user, struct queue_request **out)
{
    if (what->max < 1 || what->max > QUEUE_BATCH_MAX || what->wait_s > QUEUE_WAIT_MAX_S ||
        what->visibility_s > QUEUE_VISIBILITY_MAX_S)
        return ERR_INVALID;
    const unsigned silence = http_client_idle_timeout(queue->aws->http);
    const unsigned margin = silence < SQS_POLL_MARGIN_MS ? silence : SQS_POLL_MARGIN_MS;
    const struct sqs_client_call call = {
        .operation = "ReceiveMessage",
        .body = request_body(what),
        .class = HTTP_POLL,
        .once = true, /* the poller has its own loop */
        .response_max = what->max * (size_t)MESSAGE_ROOM + AWS_RESPONSE_MAX,
        .timeout_ms = what->wait_s * 1000 + margin,
        .replied = on_messages,
        .done.received = done,
        .user = user,
    };
    return sqs_start(queue, &call, out);
}

void sqs_receive_cancel(struct queue *queue, struct queue_request *request)
{
    (void)queue;
    aws_request_cancel(request->request);
}
