/*
 * The plan's resources as the services' documents: ARNs, policy statements, event patterns, and the
 * attributes by which a resource is compared. Pure; any thread. The caller releases the JSON; NULL:
 * out of memory.
 */
#ifndef THUMBWHEEL_PROVISION_DOCUMENT_H
#define THUMBWHEEL_PROVISION_DOCUMENT_H

#include <jansson.h>

#include "bytes.h"
#include "provision_plan.h"

/* "bucket", "queue policy", …: for people. Static. */
const char *provision_kind_name(enum provision_kind kind);

/* The ARN of a bucket, topic, queue or rule, for free(); NULL: out of memory. */
char *provision_arn(const struct provision_plan *plan, size_t index,
                    const struct provision_place *place);

/* The Sid of the statement of a policy resource: "Thumbwheel" and a hash of the source's kind and
 * name, so that each source has its own statement. */
void provision_sid(const struct provision_plan *plan, size_t index, char out[PROVISION_SID_SIZE]);
/* The statement of a topic or queue policy: the source may send there. */
json_t *provision_statement(const struct provision_plan *plan, size_t index,
                            const struct provision_place *place);

/* The event pattern of a rule. */
json_t *provision_pattern(const struct provision_plan *plan, size_t index);

/*
 * The attributes that the resource must have; the resource may have others, which are not ours.
 *
 * queue: VisibilityTimeout, MessageRetentionPeriod, DeadLetterQueue (ARN), MaxReceiveCount,
 *   FifoQueue, ContentBasedDeduplication, each only if the plan sets it
 * topic policy, queue policy: Statement
 * subscription: RawMessageDelivery
 * rule: EventPattern, State; target: Arn, and MessageGroupId for a FIFO queue
 * notification: for the id of each filter an object: Target, Prefix, Suffix, Events
 * lifecycle: for the id of each filter an object: Prefix, ExpirationDays
 * EventBridge: EventBridgeConfiguration; bucket, topic: none
 * topic of Ceph: push-endpoint, password ("as given"), amqp-exchange, amqp-ack-level, persistent
 * what is in a broker: as the backend described it (provision_broker.h)
 */
json_t *provision_attributes(const struct provision_plan *plan, size_t index,
                             const struct provision_place *place);

#endif
