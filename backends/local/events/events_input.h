/*
 * The input of a rule's target: the event, a part of it (InputPath), a constant (Input), or the
 * result of a template (InputTransformer).
 *
 * A template is one JSON value, or JSON strings one after the other, with <name> in it, where name
 * is of InputPathsMap or one of aws.events.rule-arn, aws.events.rule-name,
 * aws.events.event.ingestion-time, aws.events.event (the event without its detail) and
 * aws.events.event.json. Within quotes a text takes its place as it is and anything else as JSON
 * without quotes; elsewhere the value takes it as JSON. A value missing from the event is an empty
 * string. "Amazon EventBridge input transformation", EventBridge User Guide. No I/O; any thread.
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
    int64_t time_s; /* when the event came, Unix seconds */
};

/* Whether a target's Input, InputPath and InputTransformer are ones that events_input_make can use.
 * ERR_INVALID, with what is wrong. */
int events_input_check(const json_t *target, struct error *error);

/* Appends what the target, which was checked, is given of the event. ERR_MEMORY, ERR_LIMIT. */
int events_input_make(const json_t *target, const json_t *event,
                      const struct events_input_facts *facts, struct buffer *out);

/* YYYY-MM-DDTHH:MM:SSZ */
enum { EVENTS_TIME_SIZE = 32 };
void events_time_text(int64_t time_s, char out[EVENTS_TIME_SIZE]);

#endif
