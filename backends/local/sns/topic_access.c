#include "topic_access.h"

#include "topics.h"

bool topic_access_delivery(const struct topic *topic, struct delivery_source source,
                           char reason[POLICY_REASON_MAX])
{
    return authorize_delivery(topic->record.rules.policy, "Publish", topic->record.named.name,
                              source, reason);
}

bool topic_access_request(const struct cloud_request *asked, const struct topic *topic,
                          const char *action, char reason[POLICY_REASON_MAX])
{
    return authorize_request(asked, topic->record.rules.policy, action, topic->record.named.name,
                             reason);
}
