#include "publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authorization.h"
#include "cloud.h"
#include "log.h"
#include "message_attributes.h"
#include "queue_access.h"
#include "queues.h"

enum { SUBSCRIPTION_PAGE = 64 };

/* Queues. */

static bool queue_allows(struct cloud *cloud, struct subscription *s,
                         const struct local_queue *queue, char reason[POLICY_REASON_MAX])
{
    if (queue_access_delivery(queue, (struct delivery_source){.arn = s->topic_arn}, reason))
        return true;
    if (authorization_should_log(cloud, &s->refusals))
        log_error("notification not delivered: the queue's policy does not allow it",
                  LOG_TEXT("subscription", s->record.named.name), LOG_TEXT("queue", s->endpoint),
                  LOG_TEXT("reason", reason), LOG_SUPPRESSED(&s->refusals));
    return false;
}

static void not_delivered(const struct subscription *s, const char *reason)
{
    log_warn("notification not delivered", LOG_TEXT("subscription", s->record.named.name),
             LOG_TEXT("queue", s->endpoint), LOG_TEXT("reason", reason));
}

/* Whether the queue cannot accept the message, with the reason. */
static bool queue_refuses(struct cloud *cloud, struct subscription *s,
                          const struct local_queue *queue, size_t size,
                          char reason[POLICY_REASON_MAX])
{
    const char *text = NULL;
    if (!queue)
        text = "the queue does not exist";
    else if (size > (size_t)local_queue_attributes(queue)->message_max)
        text = "larger than the queue's MaximumMessageSize";
    if (!text)
        return !queue_allows(cloud, s, queue, reason);
    snprintf(reason, POLICY_REASON_MAX, "%s", text);
    not_delivered(s, reason);
    return true;
}

/* Handles a message that the queue cannot or does not accept. */
static int queue_refused(struct cloud *cloud, struct subscription *s, struct slice body,
                         const char *attributes, const struct sns_delivery *delivery,
                         const char *reason, struct message_sent *sent, struct storage_unit *unit)
{
    return json_object_get(s->record.attributes, "RedrivePolicy")
               ? sns_dead_letter(cloud, s, body, attributes, delivery, reason, sent, unit)
               : 0;
}

static int queue_send(struct cloud *cloud, struct subscription *s, struct slice body,
                      const char *attributes, const struct sns_delivery *delivery,
                      struct message_sent *sent, struct storage_unit *unit)
{
    struct local_queue *queue = queues_find_arn(cloud->queues, s->endpoint);
    char reason[POLICY_REASON_MAX];
    if (queue_refuses(cloud, s, queue, body.size, reason))
        return queue_refused(cloud, s, body, attributes, delivery, reason, sent, unit);
    /* A FIFO topic, which alone has deduplication ids, tells a standard queue nothing about groups. */
    bool grouped = local_queue_attributes(queue)->fifo || !delivery->dedup;
    const struct message_draft draft = {.body = body,
                                        .attributes = attributes,
                                        .group = grouped ? delivery->group : NULL,
                                        .dedup = grouped ? delivery->dedup : NULL,
                                        .delay_s = -1};
    int code = local_queue_send(queue, &draft, 1, sent, unit, NULL, NULL);
    if (code != ERR_INVALID)
        return code;
    not_delivered(s, "a FIFO queue needs a message group and a deduplication id");
    return queue_refused(cloud, s, body, attributes, delivery, "the FIFO queue refused it", sent,
                         unit);
}

static int queue_send_raw(struct cloud *cloud, struct subscription *s,
                          const struct sns_envelope *envelope, const struct sns_delivery *delivery,
                          const char *attributes, struct storage_unit *unit)
{
    bool any = json_object_size(envelope->attributes) > 0;
    if (json_object_size(envelope->attributes) > MESSAGE_ATTRIBUTES_MAX) {
        static const char reason[] =
            "raw delivery to a queue supports at most ten message attributes";
        not_delivered(s, reason);
        return queue_refused(cloud, s, envelope->body, NULL, delivery, reason, NULL, unit);
    }
    char *made = any && !attributes ? json_dumps(envelope->attributes, JSON_COMPACT) : NULL;
    int code = any && !attributes && !made
                   ? ERR_MEMORY
                   : queue_send(cloud, s, envelope->body, attributes ? attributes : made, delivery,
                                NULL, unit);
    free(made);
    return code;
}

int publish_to_queue(struct cloud *cloud, struct subscription *s, struct sns_envelope *envelope,
                     const struct sns_delivery *delivery, const char *attributes,
                     struct storage_unit *unit)
{
    if (s->raw && envelope->type == SNS_NOTIFICATION)
        return queue_send_raw(cloud, s, envelope, delivery, attributes, unit);
    struct message_sent sent = {0};
    size_t room = 0;
    char *text = sns_envelope_unsigned(cloud, envelope, unit, &room);
    int code =
        text ? queue_send(cloud, s, slice_of(text), NULL, delivery, &sent, unit) : ERR_MEMORY;
    if (!code && sent.body)
        sns_signing_place(envelope->signing, sent.body + room);
    free(text);
    return code;
}

/* All subscribers. */

struct publishing {
    struct cloud *cloud;
    const struct notification_message *message;
    struct sns_envelope envelope; /* of the common body */
    char *attributes;             /* stored form, or NULL */
    struct storage_unit unit;
};

/* 1: the message passes the subscription's filter. */
static int filter_passes(const struct subscription *s, struct slice body, json_t *attributes)
{
    const struct filter_policy *filter = s->record.rules.filter;
    if (!filter)
        return 1;
    return s->body_scope ? filter_policy_match_body(filter, body)
                         : filter_policy_match_attributes(filter, attributes);
}

static int message_deliver(struct publishing *p, struct subscription *s,
                           struct sns_envelope *envelope)
{
    const struct sns_delivery delivery = {envelope, p->message->group, p->message->dedup};
    bool queue = strcmp(s->protocol, "sqs") == 0;
    envelope->subscription = s->record.named.name;
    if (queue && (s->raw || !sns_outbox_takes_queues(p->cloud->outbox)))
        return publish_to_queue(p->cloud, s, envelope, &delivery, p->attributes, &p->unit);
    return sns_outbox_add(p->cloud->outbox, s, &delivery, &p->unit);
}

static int subscription_deliver(struct publishing *p, struct subscription *s)
{
    const json_t *own = json_object_get(p->message->by_protocol, s->protocol);
    if (s->pending)
        return 0;
    struct sns_envelope other = p->envelope, *envelope = own ? &other : &p->envelope;
    if (own) {
        other.body = (struct slice){json_string_value(own), json_string_length(own)};
        other.signing = NULL;
    }
    int passes = filter_passes(s, envelope->body, p->message->attributes);
    return passes == 1 ? message_deliver(p, s, envelope) : passes;
}

static int subscriptions_deliver(struct publishing *p, const struct topic *topic)
{
    struct subscription *page[SUBSCRIPTION_PAGE];
    const char *after = NULL;
    bool more = true;
    int code = 0;
    while (more && !code) {
        size_t count = topics_list_subscriptions(p->cloud->topics, topic->subscription_prefix,
                                                 after, page, SUBSCRIPTION_PAGE, &more);
        for (size_t i = 0; i < count && !code; i++)
            code = subscription_deliver(p, page[i]);
        if (count == 0)
            break;
        after = page[count - 1]->record.named.name;
    }
    return code;
}

int topic_publish(struct cloud *cloud, struct topic *topic, const struct notification_message *m,
                  struct storage_unit *unit)
{
    char timestamp[SNS_TIMESTAMP_SIZE];
    struct publishing p = {.cloud = cloud, .message = m};
    sns_timestamp(timestamp);
    p.envelope = (struct sns_envelope){.topic = topic->record.named.name,
                                       .id = m->id,
                                       .timestamp = timestamp,
                                       .subject = m->subject,
                                       .body = m->body,
                                       .sequence = m->sequence,
                                       .attributes = m->attributes,
                                       .signature_version = topic->signature_version};
    if (json_object_size(m->attributes) > 0 &&
        !(p.attributes = json_dumps(m->attributes, JSON_COMPACT)))
        return ERR_MEMORY;
    int code = subscriptions_deliver(&p, topic);
    if (code)
        publish_discard(&p.unit);
    else
        publish_join(unit, &p.unit);
    free(p.attributes);
    return code;
}

void publish_discard(struct storage_unit *unit)
{
    struct storage_task *task = unit->first;
    *unit = (struct storage_unit){0};
    while (task) {
        struct storage_task *next = task->unit_next;
        error_set(&task->error, ERR_CANCELLED, "rolled back before it was stored");
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

/* The last task of a unit: when it is done, all earlier ones are. */
struct unit_end {
    struct storage_task task;
    void (*done)(int code, void *user);
    void *user;
};

static int end_run(struct storage_task *task, struct storage *storage)
{
    (void)task;
    (void)storage;
    return 0;
}

static void end_done(struct storage_task *task, int code)
{
    struct unit_end *end = (struct unit_end *)task;
    end->done(code, end->user);
    free(end);
}

int publish_submit(struct storage *storage, struct storage_unit *unit,
                   void (*done)(int code, void *user), void *user)
{
    struct unit_end *end = calloc(1, sizeof *end);
    if (!end) {
        publish_discard(unit);
        return ERR_MEMORY;
    }
    *end =
        (struct unit_end){.task = {.run = end_run, .done = end_done}, .done = done, .user = user};
    storage_unit_add(unit, &end->task);
    storage_submit_unit(storage, unit);
    return 0;
}
