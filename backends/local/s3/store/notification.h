/*
 * A bucket's notification configuration: rules that match object events, each with one destination,
 * and whether all events also go to EventBridge. "Amazon S3 Event Notifications", S3 User Guide.
 * Any thread, but only one at a time.
 */
#ifndef THUMBWHEEL_LOCAL_NOTIFICATION_H
#define THUMBWHEEL_LOCAL_NOTIFICATION_H

#include <stdbool.h>
#include <stddef.h>

enum {
    NOTIFICATION_RULES_MAX = 100,
    NOTIFICATION_EVENTS_MAX = 32, /* of one rule */
};

struct notification_rule {
    char *id;
    char *target; /* ARN of a queue or topic */
    bool topic;
    char *events; /* separated by spaces: "s3:ObjectCreated:* s3:ObjectRemoved:Delete" */
    char *prefix; /* of the key; may be empty */
    char *suffix;
};

struct notification {
    struct notification_rule *rules;
    size_t count;
    bool event_bridge; /* every event also goes to EventBridge */
};

/* Appends an empty rule, or returns NULL if memory is short. */
struct notification_rule *notification_add(struct notification *notification);
void notification_clear(struct notification *notification);

/* Whether S3 has this event name ("s3:ObjectCreated:*", …). */
bool notification_event_known(const char *event);

/* event must not contain a wildcard: "s3:ObjectCreated:Put". */
bool notification_rule_matches(const struct notification_rule *rule, const char *event,
                               const char *key);

/* Whether an event could match both, which S3 refuses. */
bool notification_rules_overlap(const struct notification_rule *a,
                                const struct notification_rule *b);

#endif
