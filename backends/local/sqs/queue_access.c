#include "queue_access.h"

#include "cloud.h"
#include "queues.h"

bool queue_access_delivery(const struct local_queue *queue, struct delivery_source source,
                           char reason[POLICY_REASON_MAX])
{
    return authorize_delivery(local_queue_attributes(queue)->policy, "SendMessage",
                              local_queue_arn(queue), source, reason);
}

bool queue_access_request(const struct cloud_request *asked, const struct local_queue *queue,
                          const char *action, char reason[POLICY_REASON_MAX])
{
    return authorize_request(asked, local_queue_attributes(queue)->policy, action,
                             local_queue_arn(queue), reason);
}
