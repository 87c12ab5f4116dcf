/* Publish and PublishBatch. The response is sent when the messages for all subscribers are on the
 * disk. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "hash.h"
#include "json_text.h"
#include "message_attributes.h"
#include "publish.h"
#include "sns_call.h"
#include "sns_message_attribute.h"
#include "topic_fifo.h"
#include "utf8.h"

enum { MESSAGE_MAX = 256 * 1024, SUBJECT_MAX = 100, BATCH_MAX = 10, BATCH_ID_MAX = 80 };

struct publication { /* a validated message of the request */
    struct notification_message message;
    json_t *owned; /* owns the texts of a message by protocol */
    size_t size;
    char dedup[TOPIC_FIFO_ID_MAX + 1];
    struct topic_fifo_entry fifo;
};

static int unit_submit(struct service_call *call, struct storage_unit *unit)
{
    return sns_waiting(call,
                       publish_submit(call->cloud->storage, unit, service_call_written, call));
}

/* Reading a message. */

static struct slice json_slice(const json_t *string)
{
    return (struct slice){json_string_value(string), json_string_length(string)};
}

/* With MessageStructure json, the message contains a text per protocol. */
static int structure_read(struct service_call *call, struct publication *p)
{
    p->owned = json_text_read(p->message.body, 0, NULL);
    if (!json_is_object(p->owned))
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: Message Structure - JSON message body failed to parse");
    const json_t *fallback = json_object_get(p->owned, "default");
    if (!json_is_string(fallback))
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: Message Structure - No default entry in JSON message "
            "body");
    const char *protocol;
    json_t *text;
    void *next;
    json_object_foreach_safe(p->owned, next, protocol, text)
    {
        if (!json_is_string(text) && json_object_del(p->owned, protocol))
            return ERR_MEMORY;
    }
    p->message.by_protocol = p->owned;
    p->message.body = json_slice(fallback);
    return 0;
}

static int subject_read(struct service_call *call, const json_t *input, struct publication *p)
{
    p->message.subject = json_slice(json_object_get(input, "Subject"));
    if (!p->message.subject.data)
        return 0;
    bool valid = p->message.subject.size > 0 && utf8_length(p->message.subject.data) <= SUBJECT_MAX;
    for (size_t i = 0; i < p->message.subject.size; i++)
        valid = valid && !iscntrl((unsigned char)p->message.subject.data[i]);
    return valid ? 0 : service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: Subject");
}

/* The rules of SQS, except for the number: only raw delivery to a queue is limited to ten. */
static int attribute_check(struct service_call *call, const char *name, json_t *attribute,
                           size_t *size)
{
    struct service_error error = {0};
    int code = sns_message_attribute_check(name, attribute, &call->error);
    if (code)
        return code;
    json_t *alone = json_pack("{s:O}", name, attribute);
    code = alone ? message_attributes_check(alone, size, &error) : SERVICE_INTERNAL;
    json_decref(alone);
    if (!alone || code == ERR_MEMORY)
        return ERR_MEMORY;
    return !code ? 0
                 : service_call_fail(call, SNS_INVALID_VALUE, "%s",
                                     service_error_text(sqs_wire_errors, &error));
}

static int attributes_read(struct service_call *call, const json_t *input, struct publication *p)
{
    json_t *attributes = json_object_get(input, "MessageAttributes"), *attribute;
    const char *name;
    if (attributes && !json_is_object(attributes))
        return service_call_fail(call, SNS_INVALID_VALUE,
                                 "Message attributes must be pairs of a name and a value.");
    json_object_foreach(attributes, name, attribute)
    {
        int code = attribute_check(call, name, attribute, &p->size);
        if (code)
            return code;
    }
    p->message.attributes = attributes;
    return 0;
}

/* Message groups and deduplication. */

/* "The length is 128 characters, alphanumeric characters and punctuation" */
static bool fifo_id_valid(const char *id)
{
    size_t size = strlen(id);
    for (size_t i = 0; i < size; i++) {
        if (id[i] <= ' ' || id[i] > '~')
            return false;
    }
    return size > 0 && size <= TOPIC_FIFO_ID_MAX;
}

static int dedup_read(struct service_call *call, const struct topic *topic, const char *given,
                      struct publication *p)
{
    if (given)
        snprintf(p->dedup, sizeof p->dedup, "%s", given);
    else if (topic->content_dedup)
        sha256_hex(p->message.body.data, p->message.body.size, p->dedup);
    else
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: The topic should either have ContentBasedDeduplication "
            "enabled or MessageDeduplicationId provided explicitly");
    p->message.dedup = p->dedup;
    return 0;
}

static int fifo_read(struct service_call *call, const struct topic *topic, const json_t *input,
                     struct publication *p)
{
    const char *group = json_text_in(input, "MessageGroupId");
    const char *dedup = json_text_in(input, "MessageDeduplicationId");
    if (group && !fifo_id_valid(group))
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: The MessageGroupId parameter: it must have 1 to 128 "
            "letters, digits and punctuation characters");
    if (dedup && !topic->fifo)
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: MessageDeduplicationId Reason: The request includes "
            "MessageDeduplicationId parameter that is not valid for this topic type");
    if (dedup && !fifo_id_valid(dedup))
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: The MessageDeduplicationId parameter: it must have 1 "
            "to 128 letters, digits and punctuation characters");
    if (topic->fifo && !group)
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: The MessageGroupId parameter is required for FIFO "
            "topics");
    p->message.group = group;
    return topic->fifo ? dedup_read(call, topic, dedup, p) : 0;
}

static int publication_read(struct service_call *call, const struct topic *topic,
                            const json_t *input, struct publication *p)
{
    *p = (struct publication){.message.body = json_slice(json_object_get(input, "Message"))};
    const char *structure = json_text_in(input, "MessageStructure");
    uuid_make_text(p->message.id);
    p->size = p->message.body.size;
    if (p->size == 0)
        return service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: Empty message");
    if (structure && strcmp(structure, "json") != 0)
        return service_call_fail(call, SNS_INVALID_PARAMETER,
                                 "Invalid parameter: MessageStructure");
    int code = fifo_read(call, topic, input, p);
    if (code)
        return code;
    if (structure)
        code = structure_read(call, p);
    if (code)
        return code;
    code = subject_read(call, input, p);
    if (code)
        return code;
    code = attributes_read(call, input, p);
    if (code)
        return code;
    if (p->size > MESSAGE_MAX)
        return service_call_fail(call, SNS_INVALID_PARAMETER,
                                 "Invalid parameter: Message too long");
    return 0;
}

static int publish_failed(struct service_call *call, int code)
{
    if (code != ERR_LIMIT)
        return ERR_MEMORY;
    return service_call_fail(
        call, SERVICE_UNAVAILABLE,
        "The embedded cloud's message memory is full; receive and delete messages, or "
        "purge a queue.");
}

/* A duplicate on a FIFO topic gets the same response as the original and is not delivered. */
static int publication_send(struct service_call *call, struct topic *topic, struct publication *p,
                            struct storage_unit *unit)
{
    struct notification_message *m = &p->message;
    struct storage_unit own = {0};
    int code = 0;
    if (topic->fifo && topic_fifo_repeats(topic, m->group, m->dedup, &p->fifo)) {
        memcpy(m->id, p->fifo.message, sizeof m->id);
        m->sequence = p->fifo.sequence;
        return 0;
    }
    if (topic->fifo) {
        memcpy(p->fifo.message, m->id, sizeof m->id);
        code = topic_fifo_remember(topic, m->group, m->dedup, &p->fifo, &own);
        m->sequence = p->fifo.sequence;
    }
    if (!code)
        code = topic_publish(call->cloud, topic, m, &own);
    if (code) {
        publish_discard(&own);
        return publish_failed(call, code);
    }
    publish_join(unit, &own);
    return 0;
}

static int topic_read(struct service_call *call, struct topic **out)
{
    json_t *target = json_object_get(call->input, "TargetArn");
    if (json_text_in(call->input, "PhoneNumber"))
        return service_call_fail(call, SERVICE_NOT_IMPLEMENTED,
                                 "The embedded cloud does not send SMS to a PhoneNumber.");
    if (!target && !json_object_get(call->input, "TopicArn"))
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: TopicArn or TargetArn Reason: no value for required "
            "parameter");
    bool targeted = target && !json_object_get(call->input, "TopicArn");
    if (targeted && json_object_set(call->input, "TopicArn", target))
        return ERR_MEMORY;
    int code = sns_topic(call, out);
    if (code == SNS_NOT_FOUND && targeted && strstr(json_string_value(target), ":endpoint/"))
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified");
    return code;
}

/* The signing key. */

static void key_ready(struct sns_signer_wish *wish, int code)
{
    struct service_call *call = &container_of(wish, struct sns_publish_call, wish)->call;
    if (code && !call->error.code)
        service_call_fail(call, SERVICE_INTERNAL,
                          "The embedded cloud has no key to sign messages with.");
    service_call_resume(call);
}

static bool signs(const struct service_call *call, const struct topic *topic)
{
    struct subscription *page[64];
    const char *after = NULL;
    bool more = true;
    while (more) {
        size_t count = topics_list_subscriptions(call->cloud->topics, topic->subscription_prefix,
                                                 after, page, 64, &more);
        for (size_t i = 0; i < count; i++) {
            if (!page[i]->raw && strcmp(page[i]->protocol, "sqs") == 0)
                return true;
        }
        if (count == 0)
            return false;
        after = page[count - 1]->record.named.name;
    }
    return false;
}

/* When the response arrives, the message must be in the queues; this also applies to the first one,
 * which waits for the key to be generated. True: the call continues later. */
static bool waits_for_key(struct service_call *call, const struct topic *topic)
{
    struct sns_signer *signer = call->cloud->signer;
    if (topic->fifo || sns_signer_ready(signer) || !signs(call, topic))
        return false;
    struct sns_signer_wish *wish = &container_of(call, struct sns_publish_call, call)->wish;
    wish->ready = key_ready;
    sns_signer_want(signer, wish);
    service_call_wait(call, 0);
    return true;
}

static int publish_respond(struct service_call *call, const struct publication *p)
{
    int code = service_call_output(call, "MessageId", json_string(p->message.id));
    if (code)
        return code;
    return p->message.sequence
               ? service_call_output(call, "SequenceNumber", json_string(p->message.sequence))
               : 0;
}

int sns_publish(struct service_call *call)
{
    struct topic *topic;
    struct publication p = {0};
    struct storage_unit unit = {0};
    int code = topic_read(call, &topic);
    if (code)
        return code;
    if (waits_for_key(call, topic))
        return 0;
    code = publication_read(call, topic, call->input, &p);
    if (code)
        goto out;
    code = publication_send(call, topic, &p, &unit);
    if (code)
        goto out;
    code = publish_respond(call, &p);
out:
    if (!code)
        code = unit_submit(call, &unit);
    else
        publish_discard(&unit);
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

static int entries_check(const json_t *entries)
{
    size_t count = json_array_size(entries);
    if (count == 0)
        return SNS_BATCH_EMPTY;
    if (count > BATCH_MAX)
        return SNS_BATCH_TOO_MANY;
    for (size_t i = 0; i < count; i++) {
        const char *id = json_text_in(json_array_get(entries, i), "Id");
        if (!id_valid(id))
            return SNS_BATCH_ID_INVALID;
        for (size_t j = 0; j < i; j++) {
            if (strcmp(json_text_in(json_array_get(entries, j), "Id"), id) == 0)
                return SNS_BATCH_IDS_NOT_DISTINCT;
        }
    }
    return 0;
}

static int result_add(struct service_call *call, const char *list, json_t *result)
{
    return json_array_append_new(json_object_get(call->output, list), result) ? ERR_MEMORY : 0;
}

static json_t *entry_result(const char *id, const struct publication *p)
{
    json_t *result = json_pack("{s:s, s:s}", "Id", id, "MessageId", p->message.id);
    if (p->message.sequence &&
        json_object_set_new(result, "SequenceNumber", json_string(p->message.sequence))) {
        json_decref(result);
        return NULL;
    }
    return result;
}

/* The service refuses the whole batch because of one invalid entry. */
static int entries_read(struct service_call *call, const struct topic *topic, json_t *entries,
                        struct publication *publications)
{
    size_t total = 0;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        int code = publication_read(call, topic, json_array_get(entries, i), &publications[i]);
        if (code)
            return code;
        total += publications[i].size;
    }
    return total > MESSAGE_MAX ? SNS_BATCH_TOO_LONG : 0;
}

static int entries_send(struct service_call *call, struct topic *topic, json_t *entries,
                        struct publication *publications)
{
    struct storage_unit unit = {0};
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const char *id = json_text_in(json_array_get(entries, i), "Id");
        int code = publication_send(call, topic, &publications[i], &unit);
        if (!code)
            code = result_add(call, "Successful", entry_result(id, &publications[i]));
        if (code) {
            publish_discard(&unit);
            return code;
        }
    }
    return unit_submit(call, &unit);
}

int sns_publish_batch(struct service_call *call)
{
    struct topic *topic;
    struct publication publications[BATCH_MAX] = {0};
    json_t *entries = json_object_get(call->input, "PublishBatchRequestEntries");
    int code = sns_topic(call, &topic);
    if (code)
        return code;
    code = entries_check(entries);
    if (code)
        return code;
    if (waits_for_key(call, topic))
        return 0;
    code = service_call_output(call, "Successful", json_array());
    if (code)
        return code;
    code = service_call_output(call, "Failed", json_array());
    if (code)
        return code;
    code = entries_read(call, topic, entries, publications);
    if (!code)
        code = entries_send(call, topic, entries, publications);
    for (size_t i = 0; i < BATCH_MAX; i++)
        json_decref(publications[i].owned);
    return code;
}
