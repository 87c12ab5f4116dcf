/*
 * Matching walks the pattern and the event together. Where the event has no value (the field is
 * absent, or is not an object where the pattern expects one), it continues with NULL, because
 * {"exists": false} can still match there.
 */
#include "event_pattern_private.h"

#include <string.h>

#include "leaf_match.h"

static const struct leaf_rules eventbridge_rules = {.number = json_number_value, .addresses = true};

static bool object_matches(const json_t *pattern, const json_t *event);

/* A pattern that matches an absent field must match in every object of an array. */
static bool elements_match(const json_t *pattern, const json_t *array, bool all)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *element = json_array_get(array, i);
        bool matches = json_is_array(element) ? elements_match(pattern, element, all)
                                              : object_matches(pattern, element);
        if (matches != all)
            return matches;
    }
    return all;
}

static bool field_matches(const json_t *pattern, const json_t *value)
{
    bool found = false;
    if (json_is_array(pattern))
        return leaf_matches(&eventbridge_rules, pattern, value, &found) ||
               (!found && leaf_allows_absence(pattern));
    if (json_is_array(value))
        return elements_match(pattern, value, object_matches(pattern, NULL));
    return object_matches(pattern, value);
}

static bool alternatives_match(const json_t *list, const json_t *event)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (object_matches(json_array_get(list, i), event))
            return true;
    }
    return false;
}

static bool object_matches(const json_t *pattern, const json_t *event)
{
    json_t *fields = (json_t *)(uintptr_t)pattern; /* iterating does not change it */
    const char *name;
    json_t *wanted;
    json_object_foreach(fields, name, wanted)
    {
        bool matches = strcmp(name, "$or") == 0
                           ? alternatives_match(wanted, event)
                           : field_matches(wanted, json_object_get(event, name));
        if (!matches)
            return false;
    }
    return true;
}

bool event_pattern_matches(const struct event_pattern *pattern, const json_t *event)
{
    return object_matches(pattern->root, event);
}
