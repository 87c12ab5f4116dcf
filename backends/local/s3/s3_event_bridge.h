/*
 * S3's events as EventBridge gets them, where a bucket's notification configuration has
 * EventBridgeConfiguration: "EventBridge event message structure", S3 User Guide. Other than in
 * S3's own messages the key is not encoded. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_EVENT_BRIDGE_H
#define THUMBWHEEL_LOCAL_S3_EVENT_BRIDGE_H

#include <stdbool.h>

#include "s3_events.h"

/* Whether EventBridge has an event of that kind ("ObjectCreated:Put"). */
bool s3_event_bridge_has(const char *name);

/* Adds what the event becomes at the rules' targets to the unit; nothing where EventBridge has no
 * such event. ERR_MEMORY. */
int s3_event_bridge_send(struct cloud *cloud, const struct s3_event *event,
                         struct storage_unit *unit);

#endif
