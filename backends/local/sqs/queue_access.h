/* Access control for queues, by their policies (authorization.h). Loop thread. */
#ifndef THUMBWHEEL_LOCAL_QUEUE_ACCESS_H
#define THUMBWHEEL_LOCAL_QUEUE_ACCESS_H

#include "authorization.h"

struct local_queue;

/* Both: a refusal sets reason. */
bool queue_access_delivery(const struct local_queue *queue, struct delivery_source source,
                           char reason[POLICY_REASON_MAX]);
bool queue_access_request(const struct cloud_request *asked, const struct local_queue *queue,
                          const char *action, char reason[POLICY_REASON_MAX]);

#endif
