/*
 * Names with dots in JSON trees.
 *
 * EventBridge and SNS compare paths of names that are joined with dots, so "a.b" is the same as b
 * within a. Source: "Considerations when creating event patterns" in the EventBridge User Guide.
 * Pure; any thread.
 */
#ifndef THUMBWHEEL_LOCAL_JSON_DOTS_H
#define THUMBWHEEL_LOCAL_JSON_DOTS_H

#include <jansson.h>

/* The tree without dots in its names (at most 32 in a name), a new reference; the same tree if there
 * are none. NULL if memory is short. */
json_t *json_undotted(json_t *tree);

#endif
