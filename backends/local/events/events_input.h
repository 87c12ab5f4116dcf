/*
 * The input of a rule's target: the event, a part of it (InputPath), a constant (Input), or the
 * result of a template (InputTransformer).
 *
 * A template is one JSON value, or a sequence of JSON strings, with placeholders <name>, where name
 * is a key of InputPathsMap or one of aws.events.rule-arn, aws.events.rule-name,
 * aws.events.event.ingestion-time, aws.events.event (the event without its detail) and
 * aws.events.event.json. Within quotes, a string is inserted as it is and any other value as JSON
 * without quotes; elsewhere the value is inserted as JSON. A value missing from the event is an
 * empty string. "Amazon EventBridge input transformation", EventBridge User Guide. No I/O; any
 * thread.
 */
#ifndef THUMBWHEEL_EVENTS_INPUT_H
#define THUMBWHEEL_EVENTS_INPUT_H

#include <jansson.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

enum { EVENTS_INPUT_MAX = 1024 * 1024 }; /* bytes: the largest message of SQS */

struct events_input_facts { /* borrowed */
    const char *rule_arn, *rule_name;
    int64_t time_s; /* when the event was received, Unix seconds */
};

/* Checks a target's Input, InputPath and InputTransformer. ERR_INVALID, with the reason. */
int events_input_check(const json_t *target, struct error *error);

/* Appends the input for the target, which must have been checked. ERR_MEMORY, ERR_LIMIT. */
int events_input_make(const json_t *target, const json_t *event,
                      const struct events_input_facts *facts, struct buffer *out);

#endif
