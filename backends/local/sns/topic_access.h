/* Access control for topics, by their policies (authorization.h). Loop thread. */
#ifndef THUMBWHEEL_LOCAL_TOPIC_ACCESS_H
#define THUMBWHEEL_LOCAL_TOPIC_ACCESS_H

#include "authorization.h"

struct topic;

/* Both: a refusal sets reason. */
bool topic_access_delivery(const struct topic *topic, struct delivery_source source,
                           char reason[POLICY_REASON_MAX]);
bool topic_access_request(const struct cloud_request *asked, const struct topic *topic,
                          const char *action, char reason[POLICY_REASON_MAX]);

#endif
