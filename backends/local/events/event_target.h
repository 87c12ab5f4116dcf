/*
 * Sends an event from a source (a bucket) to its target (a topic or a queue), as part of one
 * durable unit.
 *
 *   object change ──► event_target_send(bucket, topic) ──► a notification for each subscription
 *                └──► event_target_send(bucket, queue) ──► a queue message
 *
 * Each message becomes a storage task in the caller's unit, so that the object and its
 * announcements are committed together; the messages become visible to receivers after the commit.
 * Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_EVENT_TARGET_H
#define THUMBWHEEL_LOCAL_EVENT_TARGET_H

#include <stdbool.h>

#include "authorization.h"
#include "bytes.h"
#include "error.h"
#include "policy.h"
#include "storage.h"

struct cloud;

/* Adds the tasks of one delivery to a queue or topic ARN. If the destination does not exist, or its
 * policy refuses the source, this is logged and is not an error (as in S3). ERR_MEMORY: nothing was
 * added.
 */
int event_target_send(struct cloud *cloud, struct delivery_source source, const char *target_arn,
                      struct slice subject, struct slice body, struct storage_unit *unit);

/* Whether the queue or topic exists and allows deliveries from the source; used to check
 * notification configurations. If not, reason says why. */
bool event_target_possible(struct cloud *cloud, struct delivery_source source,
                           const char *target_arn, char reason[POLICY_REASON_MAX]);

#endif
