/* ReceiveMessage, DeleteMessage, ChangeMessageVisibility and the batches of the latter two. */
#include <string.h>

#include "container_of.h"
#include "fault_injection.h"
#include "hash.h"
#include "json_text.h"
#include "message_attributes.h"
#include "sqs_batch.h"

/* Which attributes are requested. */

static bool name_listed(json_t *names, const char *name)
{
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *wanted = json_string_value(json_array_get(names, i));
        if (wanted && (strcmp(wanted, name) == 0 || strcmp(wanted, "All") == 0))
            return true;
    }
    return false;
}

/* "All", "*", ".*", a name, or a prefix with ".*". */
static bool attribute_matches(const char *pattern, const char *name)
{
    size_t size = strlen(pattern);
    if (strcmp(pattern, "All") == 0 || strcmp(pattern, "*") == 0)
        return true;
    if (size >= 2 && strcmp(pattern + size - 2, ".*") == 0)
        return strncmp(pattern, name, size - 2) == 0;
    return strcmp(pattern, name) == 0;
}

static bool attribute_wanted(json_t *patterns, const char *name)
{
    for (size_t i = 0; i < json_array_size(patterns); i++) {
        const char *pattern = json_string_value(json_array_get(patterns, i));
        if (pattern && attribute_matches(pattern, name))
            return true;
    }
    return false;
}

static const char *const system_names[] = {
    "All",
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
};

static int names_check(struct service_call *call, const char *member)
{
    json_t *names = json_object_get(call->input, member);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        bool known = false;
        for (size_t j = 0; name && j < sizeof system_names / sizeof system_names[0]; j++)
            known |= strcmp(name, system_names[j]) == 0;
        if (!known)
            return service_error_set(&call->error, SQS_INVALID_ATTRIBUTE_NAME,
                                     "Unknown Attribute %.80s.", name ? name : "");
    }
    return 0;
}

/* The response. */

static int system_add(struct service_call *call, const struct local_message *message, json_t *out)
{
    json_t *names = json_object_get(call->input, "MessageSystemAttributeNames");
    json_t *old_names = json_object_get(call->input, "AttributeNames");
    if (json_array_size(names) + json_array_size(old_names) == 0)
        return 0;
    json_t *all = local_message_system(message), *chosen = json_object(), *value;
    const char *name;
    int failed = !all || !chosen;
    json_object_foreach(all, name, value)
    {
        if (name_listed(names, name) || name_listed(old_names, name))
            failed |= json_object_set(chosen, name, value);
    }
    if (!failed && json_object_size(chosen) > 0)
        failed = json_object_set(out, "Attributes", chosen);
    json_decref(chosen);
    json_decref(all);
    return failed;
}

/* The digest covers only the returned attributes, so that the client can verify it. */
static int attributes_add(struct service_call *call, const struct local_message *message,
                          json_t *out)
{
    const char *text = local_message_attributes(message), *name;
    json_t *patterns = json_object_get(call->input, "MessageAttributeNames");
    if (!text || json_array_size(patterns) == 0)
        return 0;
    json_t *all = json_text_read(slice_of(text), 0, NULL), *value;
    void *next;
    int failed = !all;
    json_object_foreach_safe(all, next, name, value)
    {
        if (!attribute_wanted(patterns, name))
            json_object_del(all, name);
    }
    char md5[MD5_HEX_SIZE];
    if (!failed && json_object_size(all) > 0)
        failed = message_attributes_md5(all, md5) ||
                 json_object_set(out, "MessageAttributes", all) ||
                 json_object_set_new(out, "MD5OfMessageAttributes", json_string(md5));
    json_decref(all);
    return failed;
}

static json_t *message_json(struct service_call *call, const struct queue_delivery *delivery)
{
    char id[UUID_TEXT_SIZE], receipt[RECEIPT_TEXT_SIZE], md5[MD5_HEX_SIZE];
    struct slice body = local_message_body(delivery->message);
    local_message_id(delivery->message, id);
    queues_receipt_text(call->cloud->queues, &delivery->receipt, receipt);
    md5_hex(body.data, body.size, md5);
    json_t *json = json_object(), *text = json_stringn_nocheck(body.data, body.size); /* checked */
    int failed = json_object_set_new_nocheck(json, "MessageId", json_string_nocheck(id)) |
                 json_object_set_new_nocheck(json, "ReceiptHandle", json_string_nocheck(receipt)) |
                 json_object_set_new_nocheck(json, "MD5OfBody", json_string_nocheck(md5)) |
                 json_object_set_new_nocheck(json, "Body", text);
    if (!failed && !system_add(call, delivery->message, json) &&
        !attributes_add(call, delivery->message, json))
        return json;
    json_decref(json);
    return NULL;
}

static int messages_add(struct service_call *call, const struct queue_delivery *deliveries,
                        size_t count)
{
    json_t *messages = json_array();
    int failed = !messages;
    for (size_t i = 0; i < count && !failed; i++)
        failed = json_array_append_new(messages, message_json(call, &deliveries[i]));
    if (!failed && count > 0)
        failed = json_object_set(call->output, "Messages", messages);
    json_decref(messages);
    return failed;
}

static void receive_responded(struct queue_poll *poll, int code,
                              const struct queue_delivery *deliveries, size_t count)
{
    struct sqs_receive_call *receive = container_of(poll, struct sqs_receive_call, poll);
    struct service_call *call = &receive->call;
    receive->polling = false;
    for (size_t i = 0; i < count; i++)
        receive->delivered[i] = deliveries[i].receipt;
    receive->delivered_count = count;
    if (!code && messages_add(call, deliveries, count))
        code = ERR_MEMORY;
    service_call_finish(call, code);
}

void sqs_receive_message_ended(struct service_call *call, bool completed)
{
    struct sqs_receive_call *receive = container_of(call, struct sqs_receive_call, call);
    if (receive->polling) {
        queue_poll_cancel(&receive->poll);
        receive->polling = false;
        service_call_stop_waiting(call);
    }
    if (fault_returns_messages(call->request, completed))
        queues_give_back(call->cloud->queues, receive->delivered, receive->delivered_count);
}

static int attempt_read(struct service_call *call, const struct queue_attributes *attributes,
                        const char **out)
{
    int code = sqs_input_token(call->input, "ReceiveRequestAttemptId", out, &call->error);
    if (code)
        return code;
    if (*out && !attributes->fifo)
        return service_error_set(
            &call->error, SQS_INVALID_PARAMETER,
            "Value %s for parameter ReceiveRequestAttemptId is invalid. Reason: "
            "The request include parameter that is not valid for this queue type.",
            *out);
    return 0;
}

int sqs_receive_message(struct service_call *call)
{
    struct sqs_receive_call *receive = container_of(call, struct sqs_receive_call, call);
    struct local_queue *queue;
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    const struct queue_attributes *attributes = local_queue_attributes(queue);
    int max = 1, wait_s = attributes->wait_s, visibility_s = attributes->visibility_s;
    struct service_error *error = &call->error;
    code = sqs_input_int(call->input, "MaxNumberOfMessages", 1, QUEUE_BATCH, &max, error);
    if (code)
        return code;
    code = sqs_input_int(call->input, "WaitTimeSeconds", 0, SQS_WAIT_MAX_S, &wait_s, error);
    if (code)
        return code;
    code = sqs_input_int(call->input, "VisibilityTimeout", 0, SQS_VISIBILITY_MAX_S, &visibility_s,
                         error);
    if (code)
        return code;
    code = names_check(call, "AttributeNames");
    if (code)
        return code;
    code = names_check(call, "MessageSystemAttributeNames");
    if (code)
        return code;
    const char *attempt = NULL;
    code = attempt_read(call, attributes, &attempt);
    if (code)
        return code;
    receive->poll = (struct queue_poll){.max = (unsigned)max,
                                        .visibility_s = visibility_s,
                                        .attempt = attempt,
                                        .completed = receive_responded};
    if (wait_s > 0)
        http_call_wait(call->request->call);
    code = local_queue_poll(queue, &receive->poll, wait_s);
    receive->polling = !code;
    return service_call_wait(call, code);
}

/* Receipts. */

typedef int receipts_change(struct local_queue *queue, const struct queue_receipt_entry *entries,
                            size_t count, struct service_error *errors, queue_written *done,
                            void *user);

static int receipt_read_entry(const json_t *input, bool visibility, struct queue_receipt_entry *out,
                              struct service_error *error)
{
    json_t *receipt = json_object_get(input, "ReceiptHandle");
    out->receipt = (struct slice){json_string_value(receipt), json_string_length(receipt)};
    out->visibility_s = -1;
    if (!out->receipt.data)
        return service_error_set(error, SQS_MISSING_PARAMETER,
                                 "The request must contain the parameter ReceiptHandle.");
    if (!visibility)
        return 0;
    int code = sqs_input_int(input, "VisibilityTimeout", 0, SQS_VISIBILITY_MAX_S,
                             &out->visibility_s, error);
    if (code)
        return code;
    if (out->visibility_s < 0)
        return service_error_set(error, SQS_MISSING_PARAMETER,
                                 "The request must contain the parameter VisibilityTimeout.");
    return 0;
}

static int receipt_action(struct service_call *call, receipts_change *change, bool visibility)
{
    struct local_queue *queue;
    struct queue_receipt_entry entry;
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    code = receipt_read_entry(call->input, visibility, &entry, &call->error);
    if (code)
        return code;
    if (change(queue, &entry, 1, &call->error, service_call_written, call))
        return ERR_MEMORY;
    return service_call_wait(call, 0);
}

int sqs_delete_message(struct service_call *call)
{
    return receipt_action(call, local_queue_delete_messages, false);
}

int sqs_change_message_visibility(struct service_call *call)
{
    return receipt_action(call, local_queue_change, true);
}

static int batch_report(struct service_call *call, const json_t *entry,
                        const struct service_error *error)
{
    return error->code == 0 ? sqs_batch_success(call, entry, json_object())
                            : sqs_batch_failure(call, entry, error);
}

static int receipt_batch(struct service_call *call, receipts_change *change, bool visibility)
{
    struct local_queue *queue;
    json_t *inputs, *good[QUEUE_BATCH];
    struct queue_receipt_entry entries[QUEUE_BATCH];
    struct service_error errors[QUEUE_BATCH] = {0};
    size_t count = 0;
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    code = sqs_batch_entries(call, &inputs);
    if (code)
        return code;
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        struct service_error error = {0};
        good[count] = json_array_get(inputs, i);
        error.code = receipt_read_entry(good[count], visibility, &entries[count], &error);
        if (error.code == 0) {
            count++;
            continue;
        }
        code = sqs_batch_failure(call, good[count], &error);
        if (code)
            return code;
    }
    if (change(queue, entries, count, errors, service_call_written, call))
        return ERR_MEMORY;
    service_call_wait(call, 0);
    for (size_t i = 0; i < count; i++) {
        if (batch_report(call, good[i], &errors[i]) != 0)
            call->error.code = ERR_MEMORY;
    }
    return 0;
}

int sqs_delete_message_batch(struct service_call *call)
{
    return receipt_batch(call, local_queue_delete_messages, false);
}

int sqs_change_message_visibility_batch(struct service_call *call)
{
    return receipt_batch(call, local_queue_change, true);
}
