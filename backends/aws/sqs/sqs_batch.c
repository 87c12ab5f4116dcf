/* DeleteMessageBatch and ChangeMessageVisibilityBatch. An entry's Id is "<batch>-<index>". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "sqs_private.h"

void sqs_client_entry_id(unsigned serial, size_t index, char out[SQS_ID_SIZE])
{
    snprintf(out, SQS_ID_SIZE, "%u-%zu", serial, index);
}

int sqs_client_entry_index(const json_t *entry, unsigned serial, size_t count)
{
    const char *id = json_text_in(entry, "Id");
    char ours[SQS_ID_SIZE];
    for (size_t i = 0; id && i < count; i++) {
        sqs_client_entry_id(serial, i, ours);
        if (strcmp(id, ours) == 0)
            return (int)i;
    }
    return -1;
}

static int failure_code(const json_t *entry)
{
    return aws_entry_kind(json_text_in(entry, "Code"), json_text_in(entry, "Message"));
}

/* An entry that is missing from the response counts as failed, because its result is unknown. */
static void codes_read(const json_t *root, unsigned serial, int *codes, size_t count)
{
    const json_t *successful = json_object_get(root, "Successful");
    const json_t *failed = json_object_get(root, "Failed");
    for (size_t i = 0; i < count; i++)
        codes[i] = ERR_PROTOCOL;
    for (size_t i = 0; i < json_array_size(successful); i++) {
        int index = sqs_client_entry_index(json_array_get(successful, i), serial, count);
        if (index >= 0)
            codes[index] = 0;
    }
    for (size_t i = 0; i < json_array_size(failed); i++) {
        int index = sqs_client_entry_index(json_array_get(failed, i), serial, count);
        if (index >= 0)
            codes[index] = failure_code(json_array_get(failed, i));
    }
}

static void on_batch(const struct aws_reply *reply, void *user)
{
    struct queue_request *operation = user;
    queue_batch_done *done = operation->done.batch;
    void *their = operation->user;
    size_t count = operation->count;
    unsigned serial = operation->serial;
    int codes[QUEUE_BATCH_MAX];
    struct error error;
    json_t *root = aws_json_response(reply, &error);
    if (root)
        codes_read(root, serial, codes, count);
    for (size_t i = 0; !root && i < count; i++)
        codes[i] = error.code;
    json_decref(root);
    sqs_operation_free(operation);
    done(codes, count, &error, their);
}

static json_t *entry_body(const char *id, const struct queue_entry *entry, bool visibility)
{
    if (!visibility)
        return json_pack("{s:s, s:s}", "Id", id, "ReceiptHandle", entry->receipt);
    return json_pack("{s:s, s:s, s:i}", "Id", id, "ReceiptHandle", entry->receipt,
                     "VisibilityTimeout", (int)entry->visibility_s);
}

static json_t *entries_body(unsigned serial, const struct queue_entry *entries, size_t count,
                            bool visibility)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        char id[SQS_ID_SIZE];
        sqs_client_entry_id(serial, i, id);
        if (json_array_append_new(list, entry_body(id, &entries[i], visibility))) {
            json_decref(list);
            return NULL;
        }
    }
    return list ? json_pack("{s:o}", "Entries", list) : NULL;
}

static int batch_start(struct queue *queue, const char *operation,
                       const struct queue_entry *entries, size_t count, bool visibility,
                       queue_batch_done *done, void *user)
{
    if (count < 1 || count > QUEUE_BATCH_MAX)
        return ERR_INVALID;
    unsigned serial = queue->aws->batches++;
    const struct sqs_client_call call = {
        .operation = operation,
        .body = entries_body(serial, entries, count, visibility),
        .serial = serial,
        .class = HTTP_URGENT,
        .replied = on_batch,
        .done.batch = done,
        .user = user,
        .count = count,
    };
    return sqs_start(queue, &call, NULL);
}

int sqs_delete_batch(struct queue *queue, const struct queue_entry *entries, size_t count,
                     queue_batch_done *done, void *user)
{
    return batch_start(queue, "DeleteMessageBatch", entries, count, false, done, user);
}

int sqs_extend_batch(struct queue *queue, const struct queue_entry *entries, size_t count,
                     queue_batch_done *done, void *user)
{
    for (size_t i = 0; i < count; i++) {
        if (entries[i].visibility_s > QUEUE_VISIBILITY_MAX_S)
            return ERR_INVALID;
    }
    return batch_start(queue, "ChangeMessageVisibilityBatch", entries, count, true, done, user);
}
