/*
 * Matching. A pattern and an event are walked together; where the event has nothing (the field is
 * absent, or holds no object where the pattern looks into one), the walk goes on with NULL, since
 * {"exists": false} can still hold there.
 */
#include "event_pattern_private.h"

#include <string.h>

typedef bool compare(const json_t *wanted, const json_t *value);

static struct slice text_of(const json_t *value)
{
    return (struct slice){json_string_value(value), json_string_length(value)};
}

static char folded(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_text(struct slice a, struct slice b, bool fold)
{
    if (!fold || a.size != b.size)
        return slice_equal(a, b);
    for (size_t i = 0; i < a.size; i++) {
        if (folded(a.data[i]) != folded(b.data[i]))
            return false;
    }
    return true;
}

/* Comparisons with one value of the event, which is no object and no array. */

/* An address in a pattern stands for itself, however the event writes it. */
static bool same_address(const char *wanted, const char *text)
{
    struct event_network a, b;
    return event_network_read(wanted, &a) && event_network_read(text, &b) && a.size == b.size &&
           a.bits == b.bits && memcmp(a.address, b.address, a.size) == 0;
}

static bool is_equal(const json_t *wanted, const json_t *value)
{
    if (json_is_number(wanted) && json_is_number(value))
        return !(json_number_value(wanted) < json_number_value(value)) &&
               !(json_number_value(wanted) > json_number_value(value));
    if (json_is_string(wanted) && json_is_string(value))
        return slice_equal(text_of(wanted), text_of(value)) ||
               same_address(json_string_value(wanted), json_string_value(value));
    return json_typeof(wanted) == json_typeof(value) && !json_is_number(wanted) &&
           !json_is_string(wanted);
}

static bool is_exact(const json_t *wanted, const json_t *value)
{
    return json_is_string(value) && slice_equal(text_of(wanted), text_of(value));
}

static bool is_equal_folded(const json_t *wanted, const json_t *value)
{
    return json_is_string(value) && same_text(text_of(wanted), text_of(value), true);
}

static bool end_matches(const json_t *wanted, const json_t *value, bool suffix)
{
    bool fold = json_is_object(wanted);
    struct slice end = text_of(fold ? json_object_get(wanted, "equals-ignore-case") : wanted);
    struct slice text = text_of(value);
    if (!json_is_string(value) || text.size < end.size)
        return false;
    text.data += suffix ? text.size - end.size : 0;
    text.size = end.size;
    return same_text(end, text, fold);
}

static bool has_prefix(const json_t *wanted, const json_t *value)
{
    return end_matches(wanted, value, false);
}

static bool has_suffix(const json_t *wanted, const json_t *value)
{
    return end_matches(wanted, value, true);
}

/* '*' is any text, unless a backslash stands before it. On a mismatch the last '*' takes one byte
 * more: no recursion, and at worst the product of the sizes. */
static bool matches_wildcard(const json_t *wanted, const json_t *value)
{
    struct slice pattern = text_of(wanted), text = text_of(value);
    size_t p = 0, t = 0, star = SIZE_MAX, taken = 0;
    if (!json_is_string(value))
        return false;
    while (t < text.size) {
        bool escaped = p + 1 < pattern.size && pattern.data[p] == '\\';
        if (p < pattern.size && !escaped && pattern.data[p] == '*') {
            star = ++p;
            taken = t;
        } else if (p < pattern.size && pattern.data[p + (escaped ? 1 : 0)] == text.data[t]) {
            p += escaped ? 2 : 1;
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            t = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*')
        p++;
    return p == pattern.size;
}

static bool bound_holds(const char *operator_name, double bound, double number)
{
    bool equal = !(number < bound) && !(number > bound);
    if (operator_name[0] == '=')
        return equal;
    bool beyond = operator_name[0] == '<' ? number < bound : number > bound;
    return beyond || (operator_name[1] == '=' && equal);
}

static bool is_in_range(const json_t *wanted, const json_t *value)
{
    for (size_t i = 0; json_is_number(value) && i + 1 < json_array_size(wanted); i += 2) {
        if (!bound_holds(json_string_value(json_array_get(wanted, i)),
                         json_number_value(json_array_get(wanted, i + 1)),
                         json_number_value(value)))
            return false;
    }
    return json_is_number(value);
}

static bool is_in_network(const json_t *wanted, const json_t *value)
{
    struct event_network network, address;
    const char *text = json_string_value(value);
    if (!text || strchr(text, '/') || !event_network_read(text, &address) ||
        !event_network_read(json_string_value(wanted), &network) || network.size != address.size)
        return false;
    size_t whole = network.bits / 8;
    unsigned mask = 0xffU << (8 - network.bits % 8) & 0xffU;
    if (memcmp(network.address, address.address, whole) != 0)
        return false;
    return !mask || ((network.address[whole] ^ address.address[whole]) & mask) == 0;
}

static bool is_one_of(const json_t *wanted, const json_t *value, compare *one)
{
    bool found = !json_is_array(wanted) && one(wanted, value);
    for (size_t i = 0; i < json_array_size(wanted) && !found; i++)
        found = one(json_array_get(wanted, i), value);
    return found;
}

static bool is_anything_but(const json_t *wanted, const json_t *value)
{
    static const struct {
        const char *name;
        compare *one;
    } forms[] = {
        {"prefix", has_prefix},
        {"suffix", has_suffix},
        {"equals-ignore-case", is_equal_folded},
        {"wildcard", matches_wildcard},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const json_t *refused = json_object_get(wanted, forms[i].name);
        if (refused)
            return !is_one_of(refused, value, forms[i].one);
    }
    return !is_one_of(wanted, value, is_equal);
}

static bool is_there(const json_t *wanted, const json_t *value)
{
    (void)value;
    return json_is_true(wanted);
}

static bool comparison_holds(const json_t *comparison, const json_t *value)
{
    static const struct {
        const char *name;
        compare *run;
    } comparisons[] = {
        {"anything-but", is_anything_but},
        {"cidr", is_in_network},
        {"equals-ignore-case", is_equal_folded},
        {"exact", is_exact},
        {"exists", is_there},
        {"numeric", is_in_range},
        {"prefix", has_prefix},
        {"suffix", has_suffix},
        {"wildcard", matches_wildcard},
    };
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        const json_t *wanted = json_object_get(comparison, comparisons[i].name);
        if (wanted)
            return comparisons[i].run(wanted, value);
    }
    return false;
}

/* Fields. */

static bool value_matches(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *wanted = json_array_get(list, i);
        if (json_is_object(wanted) ? comparison_holds(wanted, value) : is_equal(wanted, value))
            return true;
    }
    return false;
}

/* Some value in it, through all arrays, matches; *found: there is a value at all. An object is
 * none. */
static bool leaf_matches(const json_t *list, const json_t *value, bool *found)
{
    if (json_is_array(value)) {
        bool matches = false;
        for (size_t i = 0; i < json_array_size(value) && !matches; i++)
            matches = leaf_matches(list, json_array_get(value, i), found);
        return matches;
    }
    if (!value || json_is_object(value))
        return false;
    *found = true;
    return value_matches(list, value);
}

static bool allows_absence(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_is_false(json_object_get(json_array_get(list, i), "exists")))
            return true;
    }
    return false;
}

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
        return leaf_matches(pattern, value, &found) || (!found && allows_absence(pattern));
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
