/*
 * Matching. A policy is a tree of objects whose leaves are lists of values and match expressions; a
 * message is a tree, too (its attributes are one of depth 1). A leaf matches if any value at its
 * path matches any item of its list. If the message has an array of objects, one element must
 * satisfy all keys below it; nested lists are flattened.
 *
 * A dot in a key means nesting, in bodies and in policies for bodies ({"a.b": 1} is {"a": {"b":
 * 1}}), so both are converted to the nested form first.
 */
#include "filter_policy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "filter_policy_check.h"
#include "json_dots.h"
#include "json_text.h"
#include "leaf_match.h"

#define ACCURACY 1e5 /* five digits after the decimal point */

enum scope { SCOPE_ATTRIBUTES, SCOPE_BODY };

struct filter_policy {
    json_t *rules;  /* unconverted: for attributes */
    json_t *nested; /* for bodies */
};

static double five_digits(const json_t *number)
{
    return round(json_number_value(number) * ACCURACY);
}

static const struct leaf_rules sns_rules = {.number = five_digits, .addresses = false};

/* A missing attribute has the value null. */
static bool wants_absence(json_t *items, enum scope scope)
{
    for (size_t i = 0; scope == SCOPE_ATTRIBUTES && i < json_array_size(items); i++) {
        if (json_is_null(json_array_get(items, i)))
            return true;
    }
    return leaf_allows_absence(items);
}

/* Objects. */

static bool object_matches(json_t *rules, json_t *value, enum scope scope);

static bool rule_matches(const char *key, json_t *rule, json_t *object, enum scope scope)
{
    bool seen = false;
    if (filter_policy_is_or(key, rule)) {
        for (size_t i = 0; i < json_array_size(rule); i++) {
            if (object_matches(json_array_get(rule, i), object, scope))
                return true;
        }
        return false;
    }
    json_t *value = json_object_get(object, key);
    if (json_is_object(rule))
        return object_matches(rule, value, scope);
    return leaf_matches(&sns_rules, rule, value, &seen) || (!seen && wants_absence(rule, scope));
}

/* value may be NULL: a missing value matches {"exists": false}. */
static bool object_matches(json_t *rules, json_t *value, enum scope scope)
{
    const char *key;
    json_t *rule;
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        if (object_matches(rules, json_array_get(value, i), scope))
            return true;
    }
    if (json_array_size(value) > 0)
        return false;
    json_object_foreach(rules, key, rule)
    {
        if (!rule_matches(key, rule, value, scope))
            return false;
    }
    return true;
}

/* The message. */

static json_t *number_json(const char *text)
{
    return json_real(strtod(text, NULL));
}

/* The value of a message attribute for filters; NULL for the types that filters ignore. */
static json_t *attribute_json(const json_t *attribute)
{
    const char *type = json_string_value(json_object_get(attribute, "DataType"));
    json_t *value = json_object_get(attribute, "StringValue");
    if (!type || !json_is_string(value))
        return NULL;
    if (strcmp(type, "String.Array") == 0)
        return json_text_read((struct slice){json_string_value(value), json_string_length(value)},
                              JSON_DECODE_ANY, NULL);
    return strncmp(type, "Number", 6) == 0 ? number_json(json_string_value(value))
                                           : json_incref(value);
}

int filter_policy_match_attributes(const struct filter_policy *policy, json_t *attributes)
{
    json_t *message = json_object(), *attribute;
    const char *name;
    int code = message ? 0 : ERR_MEMORY;
    json_object_foreach(attributes, name, attribute)
    {
        json_t *value = code ? NULL : attribute_json(attribute);
        if (value && json_object_set_new(message, name, value))
            code = ERR_MEMORY;
    }
    if (!code)
        code = object_matches(policy->rules, message, SCOPE_ATTRIBUTES);
    json_decref(message);
    return code;
}

int filter_policy_match_body(const struct filter_policy *policy, struct slice body)
{
    json_error_t error;
    json_t *tree = json_text_read(body, 0, &error);
    if (!json_is_object(tree)) {
        bool short_of_memory = !tree && json_text_short(&error);
        json_decref(tree);
        return short_of_memory ? ERR_MEMORY : 0;
    }
    json_t *message = json_undotted(tree);
    int code = message ? object_matches(policy->nested, message, SCOPE_BODY) : ERR_MEMORY;
    json_decref(message);
    json_decref(tree);
    return code;
}

/* The policy. */

static bool nests(json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (json_is_object(value))
            return true;
        if (!filter_policy_is_or(key, value))
            continue;
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (nests(json_array_get(value, i)))
                return true;
        }
    }
    return false;
}

bool filter_policy_is_nested(const struct filter_policy *policy)
{
    return nests(policy->rules);
}

static int policy_read(const char *text, json_t **rules, char *why)
{
    json_error_t error;
    if (strlen(text) > FILTER_POLICY_MAX) {
        snprintf(why, FILTER_POLICY_TEXT_MAX, "Filter policy is too long");
        return ERR_INVALID;
    }
    /* Duplicate keys are refused, for the same reason as in event_pattern.c. */
    *rules = json_text_read(slice_of(text), JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!*rules && json_text_short(&error))
        return ERR_MEMORY;
    if (!*rules) {
        snprintf(why, FILTER_POLICY_TEXT_MAX,
                 "failed to parse JSON. %s\n at [line: %d, column: %d]", error.text, error.line,
                 error.column);
        return ERR_INVALID;
    }
    if (json_is_object(*rules) && json_object_size(*rules) == 0)
        return 0;
    return filter_policy_check(text, *rules, why);
}

int filter_policy_parse(const char *text, struct filter_policy **out,
                        char why[FILTER_POLICY_TEXT_MAX])
{
    json_t *rules = NULL;
    int code = policy_read(text, &rules, why);
    *out = NULL;
    if (!code && json_object_size(rules) > 0) {
        *out = calloc(1, sizeof **out);
        if (*out)
            **out = (struct filter_policy){json_incref(rules), json_undotted(rules)};
        if (!*out || !(*out)->nested)
            code = ERR_MEMORY;
    }
    json_decref(rules);
    if (code) {
        filter_policy_free(*out);
        *out = NULL;
    }
    return code;
}

void filter_policy_free(struct filter_policy *policy)
{
    if (!policy)
        return;
    json_decref(policy->rules);
    json_decref(policy->nested);
    free(policy);
}
