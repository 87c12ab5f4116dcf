/*
 * Sends an event (of PutEvents or S3) to the targets of all enabled rules of its bus that it matches,
 * as part of one durable unit.
 *
 *   event ──► rule matches ──► each target's input ──► a queue's message, or a topic's notification
 *                                    └── undeliverable ──► the target's dead-letter queue
 *
 * A delivery needs the target's policy to allow events.amazonaws.com on behalf of the rule. It
 * either joins the unit or can never succeed (no such target, not allowed, too large), so there is
 * nothing that a RetryPolicy could retry. "Event retry policy and using dead-letter queues",
 * EventBridge User Guide. Loop thread.
 */
#ifndef THUMBWHEEL_EVENTS_DISPATCH_H
#define THUMBWHEEL_EVENTS_DISPATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "resource_name.h"
#include "storage.h"
#include "uuid.h"

struct cloud;

struct events_event {     /* borrowed */
    struct arn_home home; /* that sends it */
    const char *bus;      /* its key (events_state.h) */
    char id[UUID_TEXT_SIZE];
    const char *source, *detail_type;
    json_t *resources; /* a list of strings; NULL: none */
    json_t *detail;
    int64_t time_s;    /* Unix */
    const char *trace; /* X-Ray header; NULL: none */
};

/* Creates the event document for rules and targets; NULL if memory is short. */
json_t *events_event_json(const struct events_event *event);

/* Whether the default bus of a home has any rule: without rules no event of a service needs to be
 * created. */
bool events_wanted(const struct cloud *cloud, struct arn_home home);

/* Adds the event's deliveries to the unit. Failed deliveries are logged and are not errors.
 * ERR_MEMORY: nothing was added. */
int events_dispatch(struct cloud *cloud, const struct events_event *event,
                    struct storage_unit *unit);
/* The same on the default bus of its home. */
int events_dispatch_default(struct cloud *cloud, struct events_event *event,
                            struct storage_unit *unit);

#endif
