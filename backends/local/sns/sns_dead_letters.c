/* Notifications that did not reach their subscriber. */
#include <stdlib.h>
#include <string.h>

#include "authorization.h"
#include "json_text.h"
#include "log.h"
#include "queue_access.h"
#include "sns_endpoint.h"
#include "sns_outbox_internal.h"

static void lost(const struct subscription *s, const char *reason, const char *detail)
{
    char *endpoint = sns_endpoint_shown(s->endpoint);
    log_error("notification lost", LOG_TEXT("subscription", s->record.named.name),
              LOG_TEXT("endpoint", endpoint ? endpoint : ""), LOG_TEXT("reason", reason),
              LOG_TEXT("dead_letters", detail));
    free(endpoint);
}

/* ARN of the dead-letter queue, for free(); NULL: none. */
static char *dead_letter_arn(const struct subscription *s)
{
    const char *text = json_text_in(s->record.attributes, "RedrivePolicy");
    json_t *policy = text ? json_text_read(slice_of(text), JSON_LAST_DUPLICATE, NULL) : NULL;
    const char *arn = json_text_in(policy, "deadLetterTargetArn");
    char *copy = arn ? strdup(arn) : NULL;
    json_decref(policy);
    return copy;
}

static struct local_queue *dead_letter_queue(struct cloud *cloud, struct subscription *s,
                                             const char *reason)
{
    char why[POLICY_REASON_MAX] = "the dead-letter queue does not exist";
    char *arn = dead_letter_arn(s);
    struct local_queue *queue = arn ? queues_find_arn(cloud->queues, arn) : NULL;
    if (!arn)
        lost(s, reason, "no RedrivePolicy");
    else if (!queue)
        lost(s, reason, why);
    else if (!queue_access_delivery(queue, (struct delivery_source){.arn = s->topic_arn}, why)) {
        lost(s, reason, why);
        queue = NULL;
    }
    free(arn);
    return queue;
}

int sns_dead_letter(struct cloud *cloud, struct subscription *s, struct slice text,
                    const char *attributes, const struct sns_delivery *delivery, const char *reason,
                    struct message_sent *sent, struct storage_unit *unit)
{
    struct local_queue *queue = dead_letter_queue(cloud, s, reason);
    if (!queue)
        return 0;
    const struct message_draft draft = {.body = text,
                                        .attributes = attributes,
                                        .group = delivery->group,
                                        .dedup = delivery->dedup,
                                        .delay_s = -1};
    return local_queue_send(queue, &draft, 1, sent, unit, NULL, NULL);
}
