/*
 * A leaf of an event pattern or a filter policy: a list of values and of comparisons such as
 * {"prefix": "a"}, one of which must match. EventBridge and SNS treat it alike (both use the
 * open-source event-ruler), except for the differences in struct leaf_rules.
 *
 * The readers of patterns (event_pattern.c, filter_policy_check.c) check which comparisons and
 * operands a service allows; matching relies on it. Case folding is ASCII only. The cost of a
 * comparison is proportional to the sizes of its operand and the value. Any thread.
 */
#ifndef THUMBWHEEL_LOCAL_LEAF_MATCH_H
#define THUMBWHEEL_LOCAL_LEAF_MATCH_H

#include <jansson.h>
#include <stdbool.h>

struct leaf_rules {
    double (*number)(const json_t *number); /* the precision with which numbers are compared */
    bool addresses;                         /* IP addresses are equal however they are written */
};

/* Whether any value in `value`, including nested arrays, matches. Objects are not values; NULL
 * means that the field is absent. *found is set if there is any value. */
bool leaf_matches(const struct leaf_rules *rules, const json_t *list, const json_t *value,
                  bool *found);

/* Whether the list contains {"exists": false}. */
bool leaf_allows_absence(const json_t *list);

#endif
