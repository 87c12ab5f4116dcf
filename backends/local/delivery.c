#include "delivery.h"

#include "cloud.h"
#include "log.h"
#include "publish.h"
#include "queues.h"

static void vanished(const char *source_arn, const char *target_arn, const char *reason)
{
    log_warn("event not delivered", LOG_TEXT("source", source_arn), LOG_TEXT("target", target_arn),
             LOG_TEXT("reason", reason));
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

/* What the queues' memory has no room for must not fail the change that it announces. */
int delivery_send(struct cloud *cloud, const char *source_arn, const char *target_arn,
                  struct slice subject, struct slice body, struct storage_unit *unit)
{
    struct topic *topic = topics_find(cloud->topics, target_arn);
    struct local_queue *queue = topic ? NULL : queues_find_arn(cloud->queues, target_arn);
    int status = 0;
    if (topic)
        status = topic_deliver(cloud, topic, subject, body, unit);
    else if (queue)
        status = queue_deliver(queue, body, unit);
    else
        vanished(source_arn, target_arn, "there is no such queue or topic");
    if (status == ERR_LIMIT)
        vanished(source_arn, target_arn, "the memory for messages is used up");
    return status == ERR_LIMIT ? 0 : status;
}

int delivery_target_exists(struct cloud *cloud, const char *target_arn)
{
    return topics_find(cloud->topics, target_arn) != NULL ||
           queues_find_arn(cloud->queues, target_arn) != NULL;
}
