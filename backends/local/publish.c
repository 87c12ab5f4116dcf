#include "publish.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access.h"
#include "cloud.h"
#include "log.h"
#include "queues.h"

enum { SUBSCRIPTION_PAGE = 64 };

/* The parts of the envelope that all subscribers share. */
static json_t *time_json(void)
{
    struct timespec now;
    struct tm parts;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return json_sprintf("%s.%03ldZ", text, now.tv_nsec / 1000000);
}

static json_t *slice_json(struct slice text)
{
    return json_stringn(text.data ? text.data : "", text.size);
}

/* {"name": {"Type": …, "Value": …}} of what SQS's shape calls DataType and StringValue or
 * BinaryValue. */
static json_t *attributes_json(json_t *attributes)
{
    json_t *out = json_object(), *attribute;
    const char *name;
    json_object_foreach(attributes, name, attribute)
    {
        json_t *value = json_object_get(attribute, "StringValue");
        if (!value)
            value = json_object_get(attribute, "BinaryValue");
        json_t *pair =
            json_pack("{s:O, s:O}", "Type", json_object_get(attribute, "DataType"), "Value", value);
        if (json_object_set_new(out, name, pair)) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static json_t *envelope_json(const struct topic *topic, const struct notification_message *m)
{
    json_t *envelope = json_pack("{s:s, s:s, s:s}", "Type", "Notification", "MessageId", m->id,
                                 "TopicArn", topic->record.named.name);
    int failed = !envelope;
    if (m->subject.data)
        failed |= json_object_set_new(envelope, "Subject", slice_json(m->subject));
    failed |= json_object_set_new(envelope, "Message", slice_json(m->body));
    failed |= json_object_set_new(envelope, "Timestamp", time_json());
    failed |= json_object_set_new(envelope, "SignatureVersion", json_string("1"));
    failed |= json_object_set_new(envelope, "UnsubscribeURL", json_string("")); /* its place */
    if (json_object_size(m->attributes) > 0)
        failed |=
            json_object_set_new(envelope, "MessageAttributes", attributes_json(m->attributes));
    if (!failed)
        return envelope;
    json_decref(envelope);
    return NULL;
}

static char *envelope_text(struct cloud *cloud, json_t *envelope, const struct subscription *s)
{
    json_t *url = json_sprintf("%s/?Action=Unsubscribe&SubscriptionArn=%s", cloud->endpoint,
                               s->record.named.name);
    if (json_object_set_new(envelope, "UnsubscribeURL", url))
        return NULL;
    return json_dumps(envelope, JSON_COMPACT);
}

static void refused(const struct subscription *s, const char *reason)
{
    log_warn("notification not delivered", LOG_TEXT("subscription", s->record.named.name),
             LOG_TEXT("queue", s->endpoint), LOG_TEXT("reason", reason));
}

static bool queue_allows(struct cloud *cloud, struct subscription *s,
                         const struct local_queue *queue)
{
    char reason[POLICY_REASON_MAX];
    if (access_queue_delivery(cloud, queue, s->topic_arn, reason))
        return true;
    if (access_worth_a_line(cloud, &s->refusals))
        log_error("notification not delivered: the queue's policy does not allow it",
                  LOG_TEXT("subscription", s->record.named.name), LOG_TEXT("queue", s->endpoint),
                  LOG_TEXT("reason", reason), LOG_INT("skipped", s->refusals.skipped));
    return false;
}

/* Takes text (NULL: memory is short); attributes are borrowed. */
static int queue_deliver(const struct subscription *s, struct local_queue *queue, char *text,
                         size_t size, const char *attributes, struct storage_unit *unit)
{
    struct message_draft draft = {.body = {text, size}, .attributes = attributes, .delay_s = -1};
    int status = ERR_MEMORY;
    if (text && size > (size_t)local_queue_attributes(queue)->message_max) {
        refused(s, "larger than the queue's MaximumMessageSize");
        status = 0;
    } else if (text) {
        status = local_queue_send(queue, &draft, 1, NULL, unit, NULL, NULL);
    }
    if (status == ERR_INVALID) {
        refused(s, "a FIFO queue needs a message group and a deduplication id");
        status = 0;
    }
    free(text);
    return status;
}

static int subscription_deliver(struct cloud *cloud, struct subscription *s, json_t *envelope,
                                const struct notification_message *m, const char *attributes,
                                struct storage_unit *unit)
{
    struct local_queue *queue = queues_find_arn(cloud->queues, s->endpoint);
    if (!queue) {
        refused(s, "the queue does not exist");
        return 0;
    }
    if (!queue_allows(cloud, s, queue))
        return 0;
    if (s->raw)
        return queue_deliver(s, queue, slice_dup(m->body), m->body.size, attributes, unit);
    char *text = envelope_text(cloud, envelope, s);
    return queue_deliver(s, queue, text, text ? strlen(text) : 0, NULL, unit);
}

static int subscriptions_deliver(struct cloud *cloud, struct topic *topic, json_t *envelope,
                                 const struct notification_message *m, const char *attributes,
                                 struct storage_unit *unit)
{
    struct subscription *page[SUBSCRIPTION_PAGE];
    const char *after = NULL;
    bool more = true;
    int status = 0;
    while (more && !status) {
        size_t count =
            topics_list_subscriptions(cloud->topics, topic, after, page, SUBSCRIPTION_PAGE, &more);
        for (size_t i = 0; i < count && !status; i++)
            status = subscription_deliver(cloud, page[i], envelope, m, attributes, unit);
        if (count == 0)
            break;
        after = page[count - 1]->record.named.name;
    }
    return status;
}

int topic_publish(struct cloud *cloud, struct topic *topic, const struct notification_message *m,
                  struct storage_unit *unit)
{
    struct storage_unit mine = {0};
    json_t *envelope = envelope_json(topic, m);
    char *attributes =
        json_object_size(m->attributes) > 0 ? json_dumps(m->attributes, JSON_COMPACT) : NULL;
    int status = envelope && (attributes || json_object_size(m->attributes) == 0) ? 0 : ERR_MEMORY;
    if (!status)
        status = subscriptions_deliver(cloud, topic, envelope, m, attributes, &mine);
    if (status)
        publish_discard(&mine);
    else
        publish_join(unit, &mine);
    free(attributes);
    json_decref(envelope);
    return status;
}

void publish_discard(struct storage_unit *unit)
{
    struct storage_task *task = unit->first;
    *unit = (struct storage_unit){0};
    while (task) {
        struct storage_task *next = task->unit_next;
        error_set(&task->error, ERR_CANCELLED, "undone before it was stored");
        task->done(task, ERR_CANCELLED);
        task = next;
    }
}

void publish_join(struct storage_unit *unit, struct storage_unit *from)
{
    struct storage_task *task = from->first;
    *from = (struct storage_unit){0};
    while (task) {
        struct storage_task *next = task->unit_next;
        storage_unit_add(unit, task);
        task = next;
    }
}
