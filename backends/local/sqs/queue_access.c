#include "queue_access.h"

#include <stdio.h>

#include "cloud.h"
#include "queues.h"

enum { ARN_SIZE = 512 };

static void arn_of(const struct cloud *cloud, const struct local_queue *queue, char out[ARN_SIZE])
{
    snprintf(out, ARN_SIZE, "arn:aws:sqs:%s:%s:%s", cloud->region, cloud->account,
             local_queue_name(queue));
}

bool queue_access_delivery(const struct cloud *cloud, const struct local_queue *queue,
                           const char *source_arn, char reason[POLICY_REASON_MAX])
{
    char arn[ARN_SIZE];
    arn_of(cloud, queue, arn);
    return authorize_delivery(cloud, local_queue_attributes(queue)->policy, "SendMessage", arn,
                              source_arn, reason);
}

bool queue_access_request(const struct cloud_request *asked, const struct local_queue *queue,
                          const char *action, char reason[POLICY_REASON_MAX])
{
    char arn[ARN_SIZE];
    arn_of(asked->cloud, queue, arn);
    return authorize_request(asked, local_queue_attributes(queue)->policy, action, arn, reason);
}
