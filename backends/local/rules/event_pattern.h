/*
 * EventBridge's event patterns: a filter over JSON, as a pure function.
 *
 * A pattern is an object. Each of its fields contains an object (a nested pattern) or an array of
 * values and comparisons, one of which must match. All fields of the pattern must match; other
 * fields of the event are ignored. An array in the event matches if one of its elements does;
 * fields within one object of an array must match in the same object.
 *
 * Sources: "Creating Amazon EventBridge event patterns" and "Comparison operators" in the
 * EventBridge User Guide; where these are unclear, the behaviour of the service's published engine
 * (Event Ruler): numbers are compared by value, and IP addresses are equal however they are
 * written. Case folding is ASCII only.
 *
 * Matching costs at most the product of the two sizes; jansson's nesting limit bounds the
 * recursion. No I/O, no clock; any thread.
 */
#ifndef THUMBWHEEL_LOCAL_EVENT_PATTERN_H
#define THUMBWHEEL_LOCAL_EVENT_PATTERN_H

#include <jansson.h>
#include <stdbool.h>

#include "bytes.h"
#include "error.h"

enum { EVENT_PATTERN_MAX = 4096 }; /* size of a pattern in bytes */

struct event_pattern;

/* ERR_INVALID: the text is not a valid pattern, error contains the reason; ERR_LIMIT: too long;
 * ERR_MEMORY. */
int event_pattern_parse(struct slice text, struct event_pattern **out, struct error *error);
void event_pattern_free(struct event_pattern *pattern); /* NULL: nothing */

/* Why EventBridge refuses a text that event_pattern_parse refuses, with the place of its parser
 * (Jackson, in event-ruler); "" if its message is not known. Sources: the recordings in localstack,
 * tests/aws/services/events/test_events_patterns.snapshot.json, and event-ruler. */
enum { EVENT_PATTERN_EXPLAIN_MAX = 2048 };
void event_pattern_explain(const char *text, char out[EVENT_PATTERN_EXPLAIN_MAX]);

/* event: without dots in its names (json_dots.h). */
bool event_pattern_matches(const struct event_pattern *pattern, const json_t *event);

#endif
