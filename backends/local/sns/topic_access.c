#include "topic_access.h"

#include "topics.h"

bool topic_access_delivery(const struct cloud *cloud, const struct topic *topic,
                           const char *source_arn, char reason[POLICY_REASON_MAX])
{
    return authorize_delivery(cloud, topic->record.rules.policy, "Publish",
                              topic->record.named.name, source_arn, reason);
}

bool topic_access_request(const struct cloud_request *asked, const struct topic *topic,
                          const char *action, char reason[POLICY_REASON_MAX])
{
    return authorize_request(asked, topic->record.rules.policy, action, topic->record.named.name,
                             reason);
}
