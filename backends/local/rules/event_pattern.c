/* Reads a pattern and checks everything that matching relies on. */
#include "event_pattern_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ip_network.h"
#include "json_dots.h"
#include "json_text.h"

/* "Numeric matching", EventBridge User Guide. */
#define NUMBER_MAX 5e9

typedef int check(const json_t *value, const char *name, struct error *error);

static int invalid(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int invalid(struct error *error, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(error, ERR_INVALID, "Event pattern is not valid. Reason: %s", text);
}

/* Texts. */

static int check_text(const json_t *value, const char *name, struct error *error)
{
    return json_is_string(value) ? 0 : invalid(error, "%.60s match pattern must be a string", name);
}

static int check_wildcard(const json_t *value, const char *name, struct error *error)
{
    const char *text = json_string_value(value);
    if (!text)
        return check_text(value, name, error);
    for (; *text; text++) {
        if (text[0] == '*' && text[1] == '*')
            return invalid(error, "Consecutive wildcard characters in %.60s match pattern", name);
        if (text[0] != '\\')
            continue;
        if (text[1] != '*' && text[1] != '\\')
            return invalid(error,
                           "Invalid escape character in %.60s match pattern: only \\* and "
                           "\\\\ are allowed",
                           name);
        text++;
    }
    return 0;
}

/* A string, or {"equals-ignore-case": a string}. */
static int check_end(const json_t *value, const char *name, struct error *error)
{
    const json_t *folded = json_object_get(value, "equals-ignore-case");
    if (json_object_size(value) == 1 && folded)
        value = folded;
    return check_text(value, name, error);
}

/* Networks. */

static int check_cidr(const json_t *value, const char *name, struct error *error)
{
    struct ip_network network;
    const char *text = json_string_value(value);
    if (!text)
        return check_text(value, name, error);
    return ip_network_read(text, &network) ? 0 : invalid(error, "Malformed CIDR: %.60s", text);
}

/* Numbers. */

static int check_number(const json_t *value, const char *operator_name, struct error *error)
{
    double number = json_number_value(value);
    if (!json_is_number(value))
        return invalid(error, "Value of %.10s must be numeric", operator_name);
    if (!(number >= -NUMBER_MAX && number <= NUMBER_MAX))
        return invalid(error, "Value of %.10s must be between -5.0E9 and 5.0E9, inclusive",
                       operator_name);
    return 0;
}

static bool is_one_of(const char *text, const char *a, const char *b)
{
    return text && (strcmp(text, a) == 0 || strcmp(text, b) == 0);
}

/* ["=", n], or one bound, or a lower and then an upper bound. */
static int check_numeric(const json_t *value, const char *name, struct error *error)
{
    size_t size = json_array_size(value);
    const char *first = json_string_value(json_array_get(value, 0));
    const char *second = json_string_value(json_array_get(value, 2));
    bool lower = is_one_of(first, ">", ">=");
    if (!json_is_array(value))
        return invalid(error, "Value of %.60s must be an array.", name);
    if (!lower && !is_one_of(first, "<", "<=") && !is_one_of(first, "=", "="))
        return invalid(error, "Unrecognized numeric range operator: %.20s", first ? first : "");
    int code = check_number(json_array_get(value, 1), first, error);
    if (code || size == 2)
        return code;
    if (!lower || size != 4)
        return invalid(error, "Wrong number of elements in %.60s expression", name);
    if (!is_one_of(second, "<", "<="))
        return invalid(error, "Bad numeric range operator: %.20s", second ? second : "");
    code = check_number(json_array_get(value, 3), second, error);
    if (code)
        return code;
    if (json_number_value(json_array_get(value, 1)) >= json_number_value(json_array_get(value, 3)))
        return invalid(error, "Bottom must be less than top");
    return 0;
}

/* anything-but. */

static int check_each(const json_t *list, const char *name, check *one, struct error *error)
{
    int code = json_array_size(list) ? 0 : invalid(error, "Empty arrays are not allowed");
    for (size_t i = 0; i < json_array_size(list) && !code; i++)
        code = one(json_array_get(list, i), name, error);
    return code;
}

static int check_some_text(const json_t *value, const char *name, struct error *error)
{
    if (json_is_string(value) && !json_string_length(value))
        return invalid(error, "Null %.60s not allowed", name);
    return check_text(value, name, error);
}

static int check_negated(const json_t *comparison, struct error *error)
{
    static const struct {
        const char *name;
        check *one;
    } forms[] = {
        {"prefix", check_some_text},
        {"suffix", check_some_text},
        {"equals-ignore-case", check_text},
        {"wildcard", check_wildcard},
    };
    if (json_object_size(comparison) != 1)
        return invalid(error, "Only one key allowed in match expression");
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const json_t *value = json_object_get(comparison, forms[i].name);
        if (value && json_is_array(value))
            return check_each(value, forms[i].name, forms[i].one, error);
        if (value)
            return forms[i].one(value, forms[i].name, error);
    }
    void *only = json_object_iter((json_t *)(uintptr_t)comparison); /* does not change it */
    return invalid(error, "Unsupported anything-but pattern: %.60s", json_object_iter_key(only));
}

static int check_plain(const json_t *value, const char *name, struct error *error)
{
    return json_is_string(value) || json_is_number(value)
               ? 0
               : invalid(error, "Inside %.60s list, start|null|boolean is not supported.", name);
}

static int check_anything_but(const json_t *value, const char *name, struct error *error)
{
    if (json_is_object(value))
        return check_negated(value, error);
    if (!json_is_array(value) && !json_is_string(value) && !json_is_number(value))
        return invalid(error, "Value of %.60s must be an array or single string/number value.",
                       name);
    int code = json_is_array(value) ? check_each(value, name, check_plain, error) : 0;
    for (size_t i = 1; i < json_array_size(value) && !code; i++) {
        if (json_is_string(json_array_get(value, i)) != json_is_string(json_array_get(value, 0)))
            code = invalid(error,
                           "Inside %.60s list, either all values are number or string, "
                           "mixed type is not supported",
                           name);
    }
    return code;
}

/* Comparisons. */

static int check_exists(const json_t *value, const char *name, struct error *error)
{
    return json_is_boolean(value)
               ? 0
               : invalid(error, "%.60s match pattern must be either true or false.", name);
}

static const struct {
    const char *name;
    check *run;
} comparisons[] = {
    {"anything-but", check_anything_but},
    {"cidr", check_cidr},
    {"equals-ignore-case", check_text},
    {"exact", check_text},
    {"exists", check_exists},
    {"numeric", check_numeric},
    {"prefix", check_end},
    {"suffix", check_end},
    {"wildcard", check_wildcard},
};
enum { COMPARISON_COUNT = sizeof comparisons / sizeof comparisons[0] };

static bool is_comparison(const char *name)
{
    for (size_t i = 0; i < COMPARISON_COUNT; i++) {
        if (strcmp(comparisons[i].name, name) == 0)
            return true;
    }
    return false;
}

static int check_comparison(json_t *object, struct error *error)
{
    if (json_object_size(object) != 1)
        return invalid(error, json_object_size(object) ? "Only one key allowed in match expression"
                                                       : "Match expression name not found");
    const char *name = json_object_iter_key(json_object_iter(object));
    for (size_t i = 0; i < COMPARISON_COUNT; i++) {
        if (strcmp(comparisons[i].name, name) == 0)
            return comparisons[i].run(json_object_get(object, name), name, error);
    }
    return invalid(error, "Unrecognized match type %.60s", name);
}

static int check_leaf(json_t *list, struct error *error)
{
    int code = json_array_size(list) ? 0 : invalid(error, "Empty arrays are not allowed");
    for (size_t i = 0; i < json_array_size(list) && !code; i++) {
        json_t *item = json_array_get(list, i);
        if (json_is_object(item))
            code = check_comparison(item, error);
        else if (json_is_array(item))
            code = invalid(error, "Match value must be String, number, true, false, or null");
    }
    return code;
}

/* Objects. */

static int check_object(json_t *object, bool within_or, struct error *error);

static int check_or(json_t *list, struct error *error)
{
    if (!json_is_array(list))
        return invalid(error, "It must be an Array followed with %s.", "$or");
    if (json_array_size(list) < 2)
        return invalid(error, "There must have at least 2 Objects in %s relationship.", "$or");
    int code = 0;
    for (size_t i = 0; i < json_array_size(list) && !code; i++) {
        json_t *item = json_array_get(list, i);
        code =
            json_is_object(item)
                ? check_object(item, true, error)
                : invalid(error, "Only JSON object is allowed in array of %s relationship.", "$or");
    }
    return code;
}

static int check_object(json_t *object, bool within_or, struct error *error)
{
    const char *name;
    json_t *value;
    if (!json_object_size(object))
        return invalid(error, "Empty objects are not allowed");
    json_object_foreach(object, name, value)
    {
        int code = 0;
        if (strcmp(name, "$or") == 0)
            code = check_or(value, error);
        else if (within_or && is_comparison(name))
            code =
                invalid(error, "%.60s is reserved and cannot be used as a field inside $or.", name);
        else if (json_is_object(value))
            code = check_object(value, within_or, error);
        else if (json_is_array(value))
            code = check_leaf(value, error);
        else
            code = invalid(error, "\"%.100s\" must be an object or an array", name);
        if (code)
            return code;
    }
    return 0;
}

static int check_root(json_t *root, struct error *error)
{
    return json_is_object(root) ? check_object(root, false, error)
                                : invalid(error, "Filter is not an object");
}

int event_pattern_parse(struct slice text, struct event_pattern **out, struct error *error)
{
    json_error_t why = {.line = 0};
    if (text.size > EVENT_PATTERN_MAX)
        return error_set(error, ERR_LIMIT,
                         "Event pattern is not valid. Reason: it is longer than %d characters",
                         EVENT_PATTERN_MAX);
    /* "Events or Rules containing duplicate JSON keys are invalid" (README of aws/event-ruler). The
     * service ignores all but the last one, which is hardly what the user meant. */
    json_t *root = json_text_read(text, JSON_REJECT_DUPLICATES, &why);
    if (!root && json_text_short(&why))
        return error_set(error, ERR_MEMORY, "out of memory");
    if (!root)
        return error_set(error, ERR_INVALID,
                         "Event pattern is not valid. Reason: %.150s at line %d, column %d",
                         why.text, why.line, why.column);
    struct event_pattern *pattern = NULL;
    int code = check_root(root, error);
    json_t *undotted = code ? NULL : json_undotted(root);
    json_decref(root);
    if (code)
        return code;
    if (!undotted || !(pattern = malloc(sizeof *pattern))) {
        json_decref(undotted);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    pattern->root = undotted;
    *out = pattern;
    return 0;
}

void event_pattern_free(struct event_pattern *pattern)
{
    if (pattern)
        json_decref(pattern->root);
    free(pattern);
}
