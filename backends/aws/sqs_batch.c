/* DeleteMessageBatch and ChangeMessageVisibilityBatch. An entry's Id is its index. */
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "sqs_private.h"

/* The index that an entry of an answer is about, or -1. */
static int entry_index(const json_t *entry, size_t count)
{
    const char *id = json_text_in(entry, "Id");
    if (!id || id[0] < '0' || id[0] > '9' || id[1] != '\0')
        return -1;
    int index = id[0] - '0';
    return (size_t)index < count ? index : -1;
}

static int failure_code(const json_t *entry)
{
    return aws_entry_kind(json_text_in(entry, "Code"), json_text_in(entry, "Message"));
}

/* An entry that the service does not mention has failed: its fate is unknown. */
static void codes_read(const json_t *root, int *codes, size_t count)
{
    const json_t *successful = json_object_get(root, "Successful");
    const json_t *failed = json_object_get(root, "Failed");
    for (size_t i = 0; i < count; i++)
        codes[i] = ERR_PROTOCOL;
    for (size_t i = 0; i < json_array_size(successful); i++) {
        int index = entry_index(json_array_get(successful, i), count);
        if (index >= 0)
            codes[index] = 0;
    }
    for (size_t i = 0; i < json_array_size(failed); i++) {
        int index = entry_index(json_array_get(failed, i), count);
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
    int codes[QUEUE_BATCH_MAX];
    struct error error;
    json_t *root = json10_answer(reply, &error);
    if (root)
        codes_read(root, codes, count);
    for (size_t i = 0; !root && i < count; i++)
        codes[i] = error.code;
    json_decref(root);
    sqs_operation_free(operation);
    done(codes, count, &error, their);
}

static json_t *entry_body(size_t index, const struct queue_entry *entry, bool visibility)
{
    const char id[2] = {(char)('0' + index), '\0'};
    if (!visibility)
        return json_pack("{s:s, s:s}", "Id", id, "ReceiptHandle", entry->receipt);
    return json_pack("{s:s, s:s, s:i}", "Id", id, "ReceiptHandle", entry->receipt,
                     "VisibilityTimeout", (int)entry->visibility_s);
}

static json_t *entries_body(const struct queue_entry *entries, size_t count, bool visibility)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        if (json_array_append_new(list, entry_body(i, &entries[i], visibility))) {
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
    const struct sqs_call call = {
        .operation = operation,
        .body = entries_body(entries, count, visibility),
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
