/* SendMessage and SendMessageBatch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "json_text.h"
#include "message_attributes.h"
#include "sqs_batch.h"

enum { DELAY_MAX_S = 900, TRACE_MAX = 1024 };

struct send_entry { /* a validated message of the request */
    struct message_draft draft;
    char *attributes; /* owned; the draft borrows it */
    size_t size;      /* size of body and attributes */
    json_t *input;
};

static int fifo_refuse(const char *name, const char *value, struct service_error *error)
{
    return service_error_set(error, SQS_INVALID_PARAMETER,
                             "Value %s for parameter %s is invalid. Reason: The request include "
                             "parameter that is not valid for this queue type.",
                             value, name);
}

/* Parameters that only FIFO queues have. */
static int group_check(const struct queue_attributes *attributes, const struct message_draft *draft,
                       struct service_error *error)
{
    if (!attributes->fifo)
        return draft->dedup ? fifo_refuse("MessageDeduplicationId", draft->dedup, error) : 0;
    if (!draft->group)
        return service_error_set(error, SQS_MISSING_PARAMETER,
                                 "The request must contain the parameter MessageGroupId.");
    if (!draft->dedup && !attributes->content_dedup)
        return service_error_set(
            error, SQS_INVALID_PARAMETER,
            "The queue should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly");
    return 0;
}

static int group_read(const struct queue_attributes *attributes, struct send_entry *entry,
                      struct service_error *error)
{
    struct message_draft *draft = &entry->draft;
    int code = sqs_input_token(entry->input, "MessageGroupId", &draft->group, error);
    if (!code)
        code = sqs_input_token(entry->input, "MessageDeduplicationId", &draft->dedup, error);
    return !code ? group_check(attributes, draft, error) : code;
}

static int delay_read(const struct queue_attributes *attributes, struct send_entry *entry,
                      struct service_error *error)
{
    int *delay_s = &entry->draft.delay_s;
    int code = sqs_input_int(entry->input, "DelaySeconds", 0, DELAY_MAX_S, delay_s, error);
    if (code || !attributes->fifo || *delay_s <= 0)
        return code;
    char text[16];
    snprintf(text, sizeof text, "%d", *delay_s);
    return fifo_refuse("DelaySeconds", text, error);
}

static int body_read(struct send_entry *entry, struct service_error *error)
{
    json_t *body = json_object_get(entry->input, "MessageBody");
    struct slice text = {json_string_value(body), json_string_length(body)};
    if (!text.data || text.size == 0)
        return service_error_set(error, SQS_MISSING_PARAMETER,
                                 "The request must contain the parameter MessageBody.");
    if (!message_text_valid(text))
        return service_error_set(
            error, SQS_INVALID_CONTENTS,
            "Invalid binary character was found in the message body, the set of "
            "allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to "
            "#xFFFD | #x10000 to #x10FFFF");
    entry->draft.body = text;
    entry->size = text.size;
    return 0;
}

static int attributes_read(struct send_entry *entry, struct service_error *error)
{
    json_t *attributes = json_object_get(entry->input, "MessageAttributes");
    if (!attributes || json_is_null(attributes) ||
        (json_is_object(attributes) && json_object_size(attributes) == 0))
        return 0;
    int code = message_attributes_check(attributes, &entry->size, error);
    if (code)
        return code;
    entry->attributes = json_dumps(attributes, JSON_COMPACT);
    entry->draft.attributes = entry->attributes;
    return entry->attributes ? 0 : ERR_MEMORY;
}

/* The header X-Amzn-Trace-Id, or "". Source: "Amazon SQS and AWS X-Ray" in the X-Ray Developer Guide.
 */
static void trace_read(const struct service_call *call, char out[TRACE_MAX + 1])
{
    struct slice header = http_call_header(call->request->call, "x-amzn-trace-id");
    bool valid = header.size <= TRACE_MAX && message_text_valid(header);
    slice_copy(valid ? header : SLICE_LITERAL(""), out, TRACE_MAX + 1);
}

static int system_read(struct send_entry *entry, struct service_error *error)
{
    json_t *system = json_object_get(entry->input, "MessageSystemAttributes"), *value;
    const char *name;
    if (system && !json_is_null(system) && !json_is_object(system))
        return service_error_set(error, SQS_INVALID_PARAMETER,
                                 "Message system attributes must be pairs of a name and a value.");
    json_object_foreach(system, name, value)
    {
        const char *text = json_text_in(value, "StringValue");
        const char *type = json_text_in(value, "DataType");
        size_t size = json_string_length(json_object_get(value, "StringValue"));
        if (strcmp(name, "AWSTraceHeader") != 0 || !text || !type || strcmp(type, "String") != 0 ||
            strlen(text) != size)
            return service_error_set(
                error, SQS_INVALID_PARAMETER,
                "Message system attribute name '%.80s' is invalid: the only one "
                "is AWSTraceHeader, a String.",
                name);
        entry->draft.trace = text;
    }
    return 0;
}

static int parameters_read(const struct queue_attributes *attributes, struct send_entry *entry,
                           struct service_error *error)
{
    int code = group_read(attributes, entry, error);
    if (code)
        return code;
    code = body_read(entry, error);
    if (code)
        return code;
    code = attributes_read(entry, error);
    if (code)
        return code;
    code = system_read(entry, error);
    if (code)
        return code;
    code = delay_read(attributes, entry, error);
    if (code)
        return code;
    if (entry->size <= (size_t)attributes->message_max)
        return 0;
    return service_error_set(error, SQS_INVALID_PARAMETER,
                             "One or more parameters are invalid. Reason: Message must be shorter "
                             "than %d bytes.",
                             attributes->message_max);
}

static int entry_read(struct local_queue *queue, json_t *input, const char *trace,
                      struct send_entry *entry, struct service_error *error)
{
    *entry = (struct send_entry){.input = input, .draft.delay_s = -1};
    entry->draft.trace = trace[0] ? trace : NULL;
    return error->code = parameters_read(local_queue_attributes(queue), entry, error);
}

static int text_add(json_t *result, const char *name, const char *ascii)
{
    return json_object_set_new_nocheck(result, name, json_string_nocheck(ascii));
}

static int digest_add(json_t *result, const char *name, json_t *attributes)
{
    char md5[MD5_HEX_SIZE];
    if (!attributes || json_object_size(attributes) == 0)
        return 0;
    int code = message_attributes_md5(attributes, md5);
    return code ? code : text_add(result, name, md5);
}

/* Adds the response for one message to *result. */
static int result_add(json_t *result, const struct send_entry *entry,
                      const struct message_sent *sent)
{
    char md5[MD5_HEX_SIZE];
    md5_hex(entry->draft.body.data, entry->draft.body.size, md5);
    if (text_add(result, "MessageId", sent->id) || text_add(result, "MD5OfMessageBody", md5) ||
        digest_add(result, "MD5OfMessageAttributes",
                   json_object_get(entry->input, "MessageAttributes")) ||
        digest_add(result, "MD5OfMessageSystemAttributes",
                   json_object_get(entry->input, "MessageSystemAttributes")))
        return ERR_MEMORY;
    return sent->number &&
                   json_object_set_new(result, "SequenceNumber", queue_sequence(sent->number))
               ? ERR_MEMORY
               : 0;
}

/* NULL if memory is short. */
static json_t *entry_result(const struct send_entry *entry, const struct message_sent *sent)
{
    json_t *result = json_object();
    if (result && !result_add(result, entry, sent))
        return result;
    json_decref(result);
    return NULL;
}

static int send_failed(struct service_call *call, int code)
{
    if (code != ERR_LIMIT)
        return ERR_MEMORY;
    return service_error_set(&call->error, SQS_OVER_LIMIT,
                             "The embedded cloud's message memory is full; receive and delete "
                             "messages, or purge a queue.");
}

static int entry_send(struct service_call *call, struct local_queue *queue,
                      const struct send_entry *entry)
{
    struct message_sent sent;
    int code = local_queue_send(queue, &entry->draft, 1, &sent, NULL, service_call_written, call);
    service_call_wait(call, code);
    if (code)
        return send_failed(call, code);
    if (call->state == CALL_WAITING && result_add(call->output, entry, &sent))
        call->error.code = ERR_MEMORY;
    return 0;
}

int sqs_send_message(struct service_call *call)
{
    struct local_queue *queue;
    struct send_entry entry;
    char trace[TRACE_MAX + 1];
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    trace_read(call, trace);
    code = entry_read(queue, call->input, trace, &entry, &call->error);
    if (!code)
        code = entry_send(call, queue, &entry);
    free(entry.attributes);
    return code;
}

static void batch_results(struct service_call *call, const struct send_entry *entries, size_t count,
                          const struct message_sent *sent)
{
    for (size_t i = 0; i < count; i++) {
        if (sqs_batch_success(call, entries[i].input, entry_result(&entries[i], &sent[i])) != 0)
            call->error.code = ERR_MEMORY;
    }
}

static int batch_send(struct service_call *call, struct local_queue *queue,
                      const struct send_entry *entries, size_t count)
{
    struct message_draft drafts[QUEUE_BATCH];
    struct message_sent sent[QUEUE_BATCH];
    for (size_t i = 0; i < count; i++)
        drafts[i] = entries[i].draft;
    if (count == 0)
        return 0;
    int code = local_queue_send(queue, drafts, count, sent, NULL, service_call_written, call);
    if (code)
        return send_failed(call, code);
    service_call_wait(call, 0);
    batch_results(call, entries, count, sent);
    return 0;
}

/* Such an entry makes the service refuse the whole batch. */
static bool lacks_group(const struct queue_attributes *attributes, const struct send_entry *entry)
{
    return attributes->fifo &&
           (!entry->draft.group || (!entry->draft.dedup && !attributes->content_dedup));
}

/* Reads the valid messages into the first *count entries; the others become failures in the
 * response. */
static int batch_read(struct service_call *call, struct local_queue *queue, json_t *inputs,
                      const char *trace, struct send_entry *entries, size_t *count)
{
    size_t total = 0;
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        struct service_error error = {0};
        struct send_entry *entry = &entries[*count];
        entry_read(queue, json_array_get(inputs, i), trace, entry, &error);
        total += entry->size;
        if (error.code == 0) {
            ++*count;
            continue;
        }
        free(entry->attributes);
        int code = lacks_group(local_queue_attributes(queue), entry)
                       ? service_error_set(&call->error, SQS_INVALID_PARAMETER, "%s", error.text)
                       : sqs_batch_failure(call, json_array_get(inputs, i), &error);
        if (code)
            return code;
    }
    if (total > SQS_MESSAGE_MAX)
        return service_error_set(&call->error, SQS_BATCH_TOO_LONG,
                                 "Batch requests cannot be longer than %d bytes. You have sent %zu "
                                 "bytes.",
                                 SQS_MESSAGE_MAX, total);
    return 0;
}

int sqs_send_message_batch(struct service_call *call)
{
    struct local_queue *queue;
    json_t *inputs;
    struct send_entry entries[QUEUE_BATCH];
    char trace[TRACE_MAX + 1];
    size_t count = 0;
    int code = sqs_input_queue(call, &queue);
    if (code)
        return code;
    code = sqs_batch_entries(call, &inputs);
    if (code)
        return code;
    trace_read(call, trace);
    code = batch_read(call, queue, inputs, trace, entries, &count);
    if (!code)
        code = batch_send(call, queue, entries, count);
    for (size_t i = 0; i < count; i++)
        free(entries[i].attributes);
    return code;
}
