/*
 * A leaf of an event pattern or a filter policy: a list of values and of comparisons such as
 * {"prefix": "a"}, of which one must hold. EventBridge and SNS mean the same by it (both use the
 * open-source event-ruler), but for what struct leaf_rules tells apart.
 *
 * Which comparisons and operands a service admits is checked where its patterns are read
 * (event_pattern.c, filter_policy_check.c); matching relies on it. Letters fold in ASCII alone. The
 * cost of a comparison is in proportion to its operand and the value. Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_LEAF_MATCH_H
#define THUMBWHEEL_LOCAL_LEAF_MATCH_H

#include <jansson.h>
#include <stdbool.h>

struct leaf_rules {
    double (*number)(const json_t *number); /* what of a number is compared */
    bool addresses; /* a value that is an IP address stands for it, however it is written */
};

/* Some value in `value`, through all arrays, matches. An object is no value, nor is NULL, which
 * stands for what is not there. *found is set where there is a value at all. */
bool leaf_matches(const struct leaf_rules *rules, const json_t *list, const json_t *value,
                  bool *found);

/* {"exists": false} is in the list. */
bool leaf_allows_absence(const json_t *list);

#endif
