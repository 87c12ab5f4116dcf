/*
 * Sends S3 events to EventBridge, if a bucket's notification configuration contains
 * EventBridgeConfiguration: "EventBridge event message structure", S3 User Guide. Unlike in S3's
 * own messages, the key is not encoded. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_S3_EVENT_BRIDGE_H
#define THUMBWHEEL_LOCAL_S3_EVENT_BRIDGE_H

#include <stdbool.h>

#include "s3_events.h"

/* Whether EventBridge has this event ("ObjectCreated:Put"). */
bool s3_event_bridge_has(const char *name);

/* Adds the deliveries to the rules' targets to the unit; nothing if EventBridge has no such event.
 * ERR_MEMORY. */
int s3_event_bridge_send(struct cloud *cloud, const struct s3_event *event,
                         struct storage_unit *unit);

#endif
