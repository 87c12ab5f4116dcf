#include "event_target.h"

#include <stdio.h>

#include "authorization.h"
#include "cloud.h"
#include "log.h"
#include "publish.h"
#include "queue_access.h"
#include "queues.h"
#include "topic_access.h"
#include "topics.h"

static void vanished(const char *source_arn, const char *target_arn, const char *reason)
{
    log_warn("event not delivered", LOG_TEXT("source", source_arn), LOG_TEXT("target", target_arn),
             LOG_TEXT("reason", reason));
}

struct target { /* at most one of them is set */
    struct topic *topic;
    struct local_queue *queue;
};

static struct target target_find(struct cloud *cloud, const char *arn)
{
    struct target target = {.topic = topics_find(cloud->topics, arn)};
    if (!target.topic)
        target.queue = queues_find_arn(cloud->queues, arn);
    return target;
}

static bool target_allows(const struct target *target, struct delivery_source source,
                          char reason[POLICY_REASON_MAX])
{
    if (target->queue && local_queue_attributes(target->queue)->fifo) {
        snprintf(reason, POLICY_REASON_MAX, "S3 does not send to FIFO queues");
        return false;
    }
    return target->topic ? topic_access_delivery(target->topic, source, reason)
                         : queue_access_delivery(target->queue, source, reason);
}

static void refused(const struct cloud *cloud, const struct target *target, const char *source_arn,
                    const char *target_arn, const char *reason)
{
    struct log_gate *refusals =
        target->topic ? &target->topic->refusals : local_queue_refusals(target->queue);
    if (authorization_should_log(cloud, refusals))
        log_error("event not delivered: the target's policy does not allow it",
                  LOG_TEXT("source", source_arn), LOG_TEXT("target", target_arn),
                  LOG_TEXT("reason", reason), LOG_SUPPRESSED(refusals));
}

static int topic_deliver(struct cloud *cloud, struct topic *topic, struct slice subject,
                         struct slice body, struct storage_unit *unit)
{
    struct notification_message message = {.subject = subject, .body = body};
    uuid_make_text(message.id);
    return topic_publish(cloud, topic, &message, unit);
}

static int queue_deliver(struct local_queue *queue, struct slice body, struct storage_unit *unit)
{
    struct message_draft draft = {.body = body, .delay_s = -1};
    return local_queue_send(queue, &draft, 1, NULL, unit, NULL, NULL);
}

/* A lack of message memory must not fail the change that the event announces. */
int event_target_send(struct cloud *cloud, struct delivery_source source, const char *target_arn,
                      struct slice subject, struct slice body, struct storage_unit *unit)
{
    struct target target = target_find(cloud, target_arn);
    char reason[POLICY_REASON_MAX];
    int code = 0;
    if (!target.topic && !target.queue)
        vanished(source.arn, target_arn, "the queue or topic does not exist");
    else if (!target_allows(&target, source, reason))
        refused(cloud, &target, source.arn, target_arn, reason);
    else if (target.topic)
        code = topic_deliver(cloud, target.topic, subject, body, unit);
    else
        code = queue_deliver(target.queue, body, unit);
    if (code == ERR_LIMIT)
        vanished(source.arn, target_arn, "the message memory is full");
    if (code == ERR_INVALID)
        vanished(source.arn, target_arn,
                 "a FIFO queue needs a message group, and events have none");
    return code == ERR_LIMIT || code == ERR_INVALID ? 0 : code;
}

bool event_target_possible(struct cloud *cloud, struct delivery_source source,
                           const char *target_arn, char reason[POLICY_REASON_MAX])
{
    struct target target = target_find(cloud, target_arn);
    bool fifo = target.topic ? target.topic->fifo
                             : target.queue && local_queue_attributes(target.queue)->fifo;
    if (fifo)
        snprintf(reason, POLICY_REASON_MAX, "FIFO needs a message group, and events have none");
    else if (target.topic || target.queue)
        return target_allows(&target, source, reason);
    else
        snprintf(reason, POLICY_REASON_MAX, "the queue or topic does not exist");
    return false;
}
