/* Publish and PublishBatch. A publication is answered when the messages of all its subscribers are
 * on the disk. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "message_attributes.h"
#include "publish.h"
#include "sns_call.h"

enum { MESSAGE_MAX = 256 * 1024, SUBJECT_MAX = 100, BATCH_MAX = 10, BATCH_ID_MAX = 80 };

struct publication { /* one message of the request, checked */
    struct notification_message message;
    json_t *owned; /* of a message by protocol: where the body lies */
    size_t size;
};

/* The last task of the unit: when it is done, all before it are. */
struct unit_end {
    struct storage_task task;
    struct sns_call *call;
};

static int end_run(struct storage_task *task, struct storage *storage)
{
    (void)task;
    (void)storage;
    return 0;
}

static void end_done(struct storage_task *task, int status)
{
    struct unit_end *end = container_of(task, struct unit_end, task);
    struct sns_call *call = end->call;
    free(end);
    sns_call_written(status, call);
}

static enum sns_code unit_submit(struct sns_call *call, struct storage_unit *unit)
{
    struct unit_end *end = calloc(1, sizeof *end);
    if (!end) {
        publish_discard(unit);
        return SNS_UNAVAILABLE;
    }
    *end = (struct unit_end){.task = {.run = end_run, .done = end_done}, .call = call};
    storage_unit_add(unit, &end->task);
    storage_submit_unit(call->request->cloud->storage, unit);
    call->pending = true;
    return SNS_OK;
}

/* Reading a message. */

static struct slice json_slice(const json_t *string)
{
    return (struct slice){json_string_value(string), json_string_length(string)};
}

/* With MessageStructure json the message says what each protocol gets. */
static enum sns_code structure_read(struct sns_call *call, struct publication *p)
{
    p->owned = json_loadb(p->message.body.data, p->message.body.size, 0, NULL);
    const json_t *fallback = json_object_get(p->owned, "default");
    const json_t *ours = json_object_get(p->owned, "sqs");
    if (!json_is_string(fallback))
        return sns_fail(call, SNS_INVALID_PARAMETER,
                        "Invalid parameter: Message Structure - No default entry in JSON message "
                        "body");
    p->message.body = json_slice(json_is_string(ours) ? ours : fallback);
    return SNS_OK;
}

static enum sns_code subject_read(struct sns_call *call, const json_t *input, struct publication *p)
{
    p->message.subject = json_slice(json_object_get(input, "Subject"));
    if (!p->message.subject.data)
        return SNS_OK;
    bool valid = p->message.subject.size > 0 && p->message.subject.size <= SUBJECT_MAX;
    for (size_t i = 0; i < p->message.subject.size; i++)
        valid = valid && !iscntrl((unsigned char)p->message.subject.data[i]);
    return valid ? SNS_OK
                 : sns_fail(call, SNS_INVALID_PARAMETER,
                            "Invalid parameter: Subject: it has 1 to 100 characters and no control "
                            "characters");
}

static enum sns_code attributes_read(struct sns_call *call, const json_t *input,
                                     struct publication *p)
{
    struct sqs_error error = {0};
    p->message.attributes = json_object_get(input, "MessageAttributes");
    enum sqs_code code = message_attributes_check(p->message.attributes, &p->size, &error);
    return code == SQS_OK ? SNS_OK
                          : sns_fail(call, SNS_INVALID_VALUE, "%s", sqs_error_text(&error));
}

static enum sns_code publication_read(struct sns_call *call, const json_t *input,
                                      struct publication *p)
{
    *p = (struct publication){.message.body = json_slice(json_object_get(input, "Message"))};
    const char *structure = sns_text(input, "MessageStructure");
    uuid_make_text(p->message.id);
    p->size = p->message.body.size;
    if (p->size == 0)
        return sns_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: Empty message");
    if (sns_text(input, "MessageGroupId") || sns_text(input, "MessageDeduplicationId"))
        return sns_fail(call, SNS_INVALID_PARAMETER,
                        "Invalid parameter: the embedded cloud does not support MessageGroupId and "
                        "MessageDeduplicationId: its topics are standard topics");
    if (structure && strcmp(structure, "json") != 0)
        return sns_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: MessageStructure");
    enum sns_code code = structure ? structure_read(call, p) : SNS_OK;
    if (code == SNS_OK)
        code = subject_read(call, input, p);
    if (code == SNS_OK)
        code = attributes_read(call, input, p);
    if (code == SNS_OK && p->size > MESSAGE_MAX)
        code = sns_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: Message too long");
    return code;
}

static enum sns_code publish_failed(struct sns_call *call, int status)
{
    if (status != ERR_LIMIT)
        return SNS_UNAVAILABLE;
    return sns_fail(call, SNS_UNAVAILABLE,
                    "The embedded cloud's memory for messages is used up; receive and delete some, "
                    "or purge a queue.");
}

static enum sns_code topic_read(struct sns_call *call, struct topic **out)
{
    json_t *target = json_object_get(call->input, "TargetArn");
    if (sns_text(call->input, "PhoneNumber"))
        return sns_fail(call, SNS_INVALID_PARAMETER,
                        "Invalid parameter: the embedded cloud sends no SMS");
    if (target && !json_object_get(call->input, "TopicArn") &&
        json_object_set(call->input, "TopicArn", target))
        return SNS_UNAVAILABLE;
    return sns_topic(call, out);
}

enum sns_code sns_publish(struct sns_call *call)
{
    struct topic *topic;
    struct publication p = {0};
    struct storage_unit unit = {0};
    enum sns_code code = topic_read(call, &topic);
    if (code == SNS_OK)
        code = publication_read(call, call->input, &p);
    if (code == SNS_OK)
        code = sns_output(call, "MessageId", json_string(p.message.id));
    if (code == SNS_OK) {
        int status = topic_publish(call->request->cloud, topic, &p.message, &unit);
        code = status ? publish_failed(call, status) : unit_submit(call, &unit);
    }
    json_decref(p.owned);
    return code;
}

/* Batches. */

static bool id_valid(const char *id)
{
    size_t size = id ? strlen(id) : 0;
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)id[i]) && id[i] != '-' && id[i] != '_')
            return false;
    }
    return size > 0 && size <= BATCH_ID_MAX;
}

static enum sns_code entries_check(const json_t *entries)
{
    size_t count = json_array_size(entries);
    if (count == 0)
        return SNS_BATCH_EMPTY;
    if (count > BATCH_MAX)
        return SNS_BATCH_TOO_MANY;
    for (size_t i = 0; i < count; i++) {
        const char *id = sns_text(json_array_get(entries, i), "Id");
        if (!id_valid(id))
            return SNS_BATCH_ID_INVALID;
        for (size_t j = 0; j < i; j++) {
            if (strcmp(sns_text(json_array_get(entries, j), "Id"), id) == 0)
                return SNS_BATCH_IDS_NOT_DISTINCT;
        }
    }
    return SNS_OK;
}

static enum sns_code result_add(struct sns_call *call, const char *list, json_t *result)
{
    return json_array_append_new(json_object_get(call->output, list), result) ? SNS_UNAVAILABLE
                                                                              : SNS_OK;
}

/* What is wrong with one entry is that entry's failure. */
static enum sns_code entry_fail(struct sns_call *call, const char *id, enum sns_code code)
{
    const struct sns_code_facts *facts = sns_code_facts(code);
    json_t *result =
        json_pack("{s:s, s:s, s:s, s:b}", "Id", id, "Code", facts->code, "Message",
                  call->text[0] ? call->text : facts->text, "SenderFault", facts->status < 500);
    call->code = SNS_OK;
    call->text[0] = '\0';
    return result_add(call, "Failed", result);
}

static enum sns_code entry_publish(struct sns_call *call, struct topic *topic, const json_t *entry,
                                   size_t *total, struct storage_unit *unit)
{
    struct publication p;
    const char *id = sns_text(entry, "Id");
    enum sns_code code = publication_read(call, entry, &p);
    *total += p.size;
    if (code == SNS_OK) {
        int status = topic_publish(call->request->cloud, topic, &p.message, unit);
        code = status ? publish_failed(call, status) : SNS_OK;
    }
    if (code == SNS_OK)
        code = result_add(call, "Successful",
                          json_pack("{s:s, s:s}", "Id", id, "MessageId", p.message.id));
    else
        code = entry_fail(call, id, code);
    json_decref(p.owned);
    return code;
}

enum sns_code sns_publish_batch(struct sns_call *call)
{
    struct topic *topic;
    struct storage_unit unit = {0};
    size_t total = 0;
    json_t *entries = json_object_get(call->input, "PublishBatchRequestEntries");
    enum sns_code code = sns_topic(call, &topic);
    if (code == SNS_OK)
        code = entries_check(entries);
    if (code == SNS_OK)
        code = sns_output(call, "Successful", json_array());
    if (code == SNS_OK)
        code = sns_output(call, "Failed", json_array());
    for (size_t i = 0; code == SNS_OK && i < json_array_size(entries); i++)
        code = entry_publish(call, topic, json_array_get(entries, i), &total, &unit);
    if (code == SNS_OK && total > MESSAGE_MAX)
        code = SNS_BATCH_TOO_LONG;
    if (code == SNS_OK)
        return unit_submit(call, &unit);
    publish_discard(&unit);
    return code;
}
