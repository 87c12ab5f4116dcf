/* SendMessageBatch. A retry may send messages twice, which at-least-once delivery allows; a FIFO
 * queue's deduplication prevents it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_text.h"
#include "sqs_private.h"

/* An entry that is missing, or is for another body, is unknown. */
static void successes_read(const json_t *list, const struct queue_request *operation,
                           struct queue_send_result *results)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        int index = sqs_client_entry_index(entry, operation->serial, operation->count);
        const char *id = json_text_in(entry, "MessageId");
        const char *md5 = json_text_in(entry, "MD5OfMessageBody");
        if (index < 0 || !id || !md5 ||
            strcasecmp(md5, operation->md5s + (size_t)index * MD5_HEX_SIZE) != 0)
            continue;
        results[index] = (struct queue_send_result){.code = 0, .id = id, .why = ""};
    }
}

static void failures_read(const json_t *list, const struct queue_request *operation,
                          struct queue_send_result *results)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        int index = sqs_client_entry_index(entry, operation->serial, operation->count);
        const char *code = json_text_in(entry, "Code"), *why = json_text_in(entry, "Message");
        if (index >= 0)
            results[index] = (struct queue_send_result){.code = aws_entry_kind(code, why),
                                                        .why = why    ? why
                                                               : code ? code
                                                                      : ""};
    }
}

static void on_batch_sent(const struct aws_reply *reply, void *user)
{
    struct queue_request *operation = user;
    queue_batch_sent *done = operation->done.batch_sent;
    void *their = operation->user;
    size_t count = operation->count;
    struct queue_send_result results[QUEUE_BATCH_MAX];
    struct error error;
    json_t *root = aws_json_response(reply, &error);
    for (size_t i = 0; i < count; i++)
        results[i] = (struct queue_send_result){
            .code = root ? ERR_PROTOCOL : error.code,
            .why = root ? "the response does not mention the message" : error.text};
    successes_read(json_object_get(root, "Successful"), operation, results);
    failures_read(json_object_get(root, "Failed"), operation, results);
    sqs_operation_free(operation);
    done(results, count, &error, their);
    json_decref(root);
}

static json_t *entry_make(const struct queue_send *message, unsigned serial, size_t index)
{
    char id[SQS_ID_SIZE];
    json_t *entry = sqs_message_body(message);
    sqs_client_entry_id(serial, index, id);
    if (entry && json_object_set_new(entry, "Id", json_string(id))) {
        json_decref(entry);
        return NULL;
    }
    return entry;
}

static json_t *entries_make(const struct queue_send *messages, size_t count, unsigned serial,
                            char *md5s)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        if (json_array_append_new(list, entry_make(&messages[i], serial, i))) {
            json_decref(list);
            return NULL;
        }
        md5_hex(messages[i].body, messages[i].body_size, md5s + i * MD5_HEX_SIZE);
    }
    return list ? json_pack("{s:o}", "Entries", list) : NULL;
}

static int messages_check(const struct queue_send *messages, size_t count)
{
    if (count < 1 || count > QUEUE_BATCH_MAX)
        return ERR_INVALID;
    for (size_t i = 0; i < count; i++) {
        if (messages[i].body_size > QUEUE_MESSAGE_MAX ||
            messages[i].attribute_count > QUEUE_ATTRIBUTES_MAX)
            return ERR_LIMIT;
    }
    return 0;
}

int sqs_send_batch(struct queue *queue, const struct queue_send *messages, size_t count,
                   queue_batch_sent *done, void *user)
{
    int code = messages_check(messages, count);
    if (code)
        return code;
    unsigned serial = queue->aws->batches++;
    char *md5s = malloc(count * MD5_HEX_SIZE);
    json_t *body = md5s ? entries_make(messages, count, serial, md5s) : NULL;
    if (!body) {
        free(md5s);
        return md5s ? ERR_INVALID : ERR_MEMORY;
    }
    const struct sqs_client_call call = {
        .operation = "SendMessageBatch",
        .body = body,
        .md5s = md5s,
        .serial = serial,
        .replied = on_batch_sent,
        .done.batch_sent = done,
        .user = user,
        .count = count,
    };
    return sqs_start(queue, &call, NULL);
}
