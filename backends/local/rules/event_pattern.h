/*
 * EventBridge's event patterns: a filter over JSON, as a pure function.
 *
 * A pattern is an object. Each of its fields holds an object (the pattern of what is nested there)
 * or an array of values and comparisons, of which one must hold; all fields must match, and fields
 * that it doesn't name don't count. A field of the event that is an array matches where one of its
 * elements does; fields within one object of an array must match in the same object.
 *
 * Sources: "Creating Amazon EventBridge event patterns" and "Comparison operators" in the
 * EventBridge User Guide; where these leave a choice, what the service's published engine (Event
 * Ruler) does: numbers are compared by value, and an IP address stands for itself however it is
 * written. Letters fold in ASCII alone.
 *
 * Matching costs at most the product of the two sizes, and recursion goes as deep as jansson lets a
 * document nest. No I/O, no clock; any thread.
 */
#ifndef THUMBWHEEL_LOCAL_EVENT_PATTERN_H
#define THUMBWHEEL_LOCAL_EVENT_PATTERN_H

#include <jansson.h>
#include <stdbool.h>

#include "bytes.h"
#include "error.h"

enum { EVENT_PATTERN_MAX = 4096 }; /* bytes of a pattern */

struct event_pattern;

/* ERR_INVALID: the text is not a pattern, and error says what is wrong in it; ERR_LIMIT: too long;
 * ERR_MEMORY. */
int event_pattern_parse(struct slice text, struct event_pattern **out, struct error *error);
void event_pattern_free(struct event_pattern *pattern); /* NULL: nothing */

bool event_pattern_matches(const struct event_pattern *pattern, const json_t *event);

#endif
