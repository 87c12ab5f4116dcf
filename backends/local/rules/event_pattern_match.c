/*
 * Matching. A pattern and an event are walked together; where the event has nothing (the field is
 * absent, or holds no object where the pattern looks into one), the walk goes on with NULL, since
 * {"exists": false} can still hold there.
 */
#include "event_pattern_private.h"

#include <string.h>

#include "leaf_match.h"

static const struct leaf_rules eventbridge_rules = {.number = json_number_value, .addresses = true};

static bool object_matches(const json_t *pattern, const json_t *event);

/* A pattern that is content where there is nothing must be so in every object of an array. */
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
    json_t *fields = (json_t *)(uintptr_t)pattern; /* which iterating doesn't change */
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
