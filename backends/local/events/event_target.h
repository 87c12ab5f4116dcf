/*
 * From a source (a bucket) to its target (a topic or a queue), as part of one durable unit.
 *
 *   object change ──► event_target_send(bucket, topic) ──► a notification for each subscription
 *                └──► event_target_send(bucket, queue) ──► a queue message
 *
 * Each message becomes a storage task in the caller's unit, so that the object and its
 * announcements are committed together; the messages become visible to receivers when the commit is
 * done. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_EVENT_TARGET_H
#define THUMBWHEEL_LOCAL_EVENT_TARGET_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"
#include "policy.h"
#include "storage.h"

struct cloud;

/* Adds what one delivery to a queue or topic ARN needs. A destination that has vanished, or whose
 * policy refuses the source, is logged and is no error (as in S3). ERR_MEMORY: nothing was added.
 */
int event_target_send(struct cloud *cloud, const char *source_arn, const char *target_arn,
                      struct slice subject, struct slice body, struct storage_unit *unit);

/* Whether an ARN names a queue or topic that exists and takes what comes from the source (a
 * notification configuration is checked with it); if not, reason says why. */
bool event_target_possible(struct cloud *cloud, const char *source_arn, const char *target_arn,
                           char reason[POLICY_REASON_MAX]);

#endif
