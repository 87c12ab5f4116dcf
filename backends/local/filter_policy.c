/*
 * Matching. A policy is a tree of objects whose leaves are lists of values and match expressions; a
 * message is a tree, too (its attributes are one of depth 1). A leaf matches when some value that
 * lies at its place matches some item of its list. Where the message has an array of objects, one
 * element must satisfy all keys below it; lists in lists count as one list.
 *
 * A dot in a key stands for nesting, in policies for bodies and in bodies ({"a.b": 1} is
 * {"a": {"b": 1}}), so both are brought to the nested form first.
 */
#include "filter_policy.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"
#include "filter_policy_check.h"
#include "json_text.h"

enum { DOTS_MAX = 32, CIDR_TEXT_MAX = 64 };
#define ACCURACY 1e5 /* five digits after the decimal point */

enum scope { SCOPE_ATTRIBUTES, SCOPE_BODY };

struct filter_policy {
    json_t *rules;  /* as written: for attributes */
    json_t *nested; /* for bodies */
};

/* Values. */

static struct slice slice_from(const json_t *string)
{
    return (struct slice){json_string_value(string), json_string_length(string)};
}

static bool numbers_equal(const json_t *a, const json_t *b)
{
    return round(json_number_value(a) * ACCURACY) == round(json_number_value(b) * ACCURACY);
}

static bool values_equal(json_t *a, json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return numbers_equal(a, b);
    return json_equal(a, b);
}

static bool begins(struct slice text, struct slice prefix)
{
    return text.size >= prefix.size && memcmp(text.data, prefix.data, prefix.size) == 0;
}

static bool ends(struct slice text, struct slice suffix)
{
    return text.size >= suffix.size &&
           memcmp(text.data + text.size - suffix.size, suffix.data, suffix.size) == 0;
}

static bool equals_folded(struct slice a, struct slice b)
{
    return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

/* Takes the piece of a pattern up to its next star, without its escapes; false: there is none
 * before the end. */
static bool piece_take(struct slice *pattern, struct buffer *piece)
{
    buffer_clear(piece);
    while (pattern->size > 0) {
        char c = *pattern->data++;
        pattern->size--;
        if (c == '*')
            return true;
        if (c == '\\' && pattern->size > 0 && (*pattern->data == '*' || *pattern->data == '\\')) {
            c = *pattern->data++;
            pattern->size--;
        }
        buffer_byte(piece, c);
    }
    return false;
}

/* The pieces between stars are found from left to right, the last at the end: linear. */
static bool wildcard_pieces(struct slice text, struct slice pattern, struct buffer *piece)
{
    bool star = piece_take(&pattern, piece);
    if (!begins(text, buffer_slice(piece)) || (!star && text.size != piece->size))
        return false;
    text.data += piece->size;
    text.size -= piece->size;
    while (star) {
        star = piece_take(&pattern, piece);
        if (!star)
            return ends(text, buffer_slice(piece));
        const char *found =
            piece->size ? memmem(text.data, text.size, piece->data, piece->size) : text.data;
        if (!found)
            return false;
        text.size -= (size_t)(found + piece->size - text.data);
        text.data = found + piece->size;
    }
    return true;
}

static bool wildcard_matches(struct slice text, struct slice pattern)
{
    struct buffer piece;
    buffer_init(&piece, FILTER_POLICY_MAX);
    bool matches = !buffer_reserve(&piece, pattern.size) && wildcard_pieces(text, pattern, &piece);
    buffer_free(&piece);
    return matches;
}

static bool bits_equal(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned rest = bits % 8;
    if (memcmp(a, b, bits / 8) != 0)
        return false;
    return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

static bool cidr_matches(struct slice text, struct slice network)
{
    unsigned char address[16], base[16];
    char copy[CIDR_TEXT_MAX], net[CIDR_TEXT_MAX], *slash;
    if (text.size >= sizeof copy || network.size >= sizeof net)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    memcpy(net, network.data, network.size);
    net[network.size] = '\0';
    if (!(slash = strchr(net, '/')))
        return false;
    *slash = '\0';
    int family = strchr(net, ':') ? AF_INET6 : AF_INET;
    return inet_pton(family, copy, address) == 1 && inet_pton(family, net, base) == 1 &&
           bits_equal(address, base, (unsigned)atoi(slash + 1));
}

static bool compare(const char *operator_name, const json_t *value, const json_t *bound)
{
    double left = round(json_number_value(value) * ACCURACY);
    double right = round(json_number_value(bound) * ACCURACY);
    if (operator_name[0] == '=')
        return left == right;
    if (operator_name[1] == '=' && left == right)
        return true;
    return operator_name[0] == '<' ? left < right : left > right;
}

static bool numeric_matches(const json_t *value, const json_t *range)
{
    if (!json_is_number(value))
        return false;
    for (size_t i = 0; i + 1 < json_array_size(range); i += 2) {
        const char *name = json_string_value(json_array_get(range, i));
        if (!name || !compare(name, value, json_array_get(range, i + 1)))
            return false;
    }
    return true;
}

/* Match expressions. */

static bool text_matches(const char *name, json_t *value, json_t *operand)
{
    struct slice text = slice_from(value), pattern = slice_from(operand);
    if (!text.data || !pattern.data)
        return false;
    switch (name[0]) {
    case 'p': /* prefix */
        return begins(text, pattern);
    case 's': /* suffix */
        return ends(text, pattern);
    case 'e': /* equals-ignore-case */
        return equals_folded(text, pattern);
    case 'w': /* wildcard */
        return wildcard_matches(text, pattern);
    default: /* cidr */
        return cidr_matches(text, pattern);
    }
}

static bool anything_but(json_t *value, json_t *operand)
{
    if (json_is_object(operand)) {
        void *only = json_object_iter(operand);
        return !text_matches(json_object_iter_key(only), value, json_object_iter_value(only));
    }
    for (size_t i = 0; i < json_array_size(operand); i++) {
        if (values_equal(value, json_array_get(operand, i)))
            return false;
    }
    return json_is_array(operand) || !values_equal(value, operand);
}

static bool item_matches(json_t *value, json_t *item)
{
    if (!json_is_object(item))
        return values_equal(value, item);
    void *only = json_object_iter(item);
    const char *name = json_object_iter_key(only);
    json_t *operand = json_object_iter_value(only);
    if (strcmp(name, "exists") == 0)
        return json_is_true(operand);
    if (strcmp(name, "anything-but") == 0)
        return anything_but(value, operand);
    if (strcmp(name, "numeric") == 0)
        return numeric_matches(value, operand);
    return text_matches(name, value, operand);
}

/* Of an attribute that is not there, null is the value. */
static bool wants_absence(json_t *items, enum scope scope)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *item = json_array_get(items, i);
        if (json_is_false(json_object_get(item, "exists")) ||
            (scope == SCOPE_ATTRIBUTES && json_is_null(item)))
            return true;
    }
    return false;
}

/* *seen: there is a value at all, which objects are not. */
static bool leaf_matches(json_t *items, json_t *value, bool *seen)
{
    if (!value || json_is_object(value))
        return false;
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        if (leaf_matches(items, json_array_get(value, i), seen))
            return true;
    }
    if (json_is_array(value))
        return false;
    *seen = true;
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (item_matches(value, json_array_get(items, i)))
            return true;
    }
    return false;
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
    return leaf_matches(rule, value, &seen) || (!seen && wants_absence(rule, scope));
}

/* value may be anything, NULL too: what is not there satisfies who wants absence. */
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

/* Dots. */

static bool has_dots(json_t *tree)
{
    const char *key;
    json_t *value;
    for (size_t i = 0; i < json_array_size(tree); i++) {
        if (has_dots(json_array_get(tree, i)))
            return true;
    }
    json_object_foreach(tree, key, value)
    {
        if (strchr(key, '.') || has_dots(value))
            return true;
    }
    return false;
}

/* Takes value; an object is merged with the one that is there. */
static int member_put(json_t *object, const char *key, json_t *value)
{
    json_t *there = json_object_get(object, key);
    if (!json_is_object(there) || !json_is_object(value))
        return json_object_set_new(object, key, value);
    int failed = json_object_update_recursive(there, value);
    json_decref(value);
    return failed;
}

/* Takes value: "a.b" becomes a with b in it. */
static int path_put(json_t *object, const char *path, json_t *value, int dots)
{
    const char *dot = dots < DOTS_MAX ? strchr(path, '.') : NULL;
    if (!dot)
        return member_put(object, path, value);
    json_t *inner = json_object();
    char *first = strndup(path, (size_t)(dot - path));
    int failed = path_put(inner, dot + 1, value, dots + 1);
    if (!failed && first)
        failed = member_put(object, first, json_incref(inner));
    failed = failed || !first;
    free(first);
    json_decref(inner);
    return failed;
}

static json_t *nested_form(json_t *tree)
{
    const char *key;
    json_t *value, *out;
    int failed = 0;
    if (!json_is_object(tree) && !json_is_array(tree))
        return json_incref(tree);
    out = json_is_array(tree) ? json_array() : json_object();
    for (size_t i = 0; i < json_array_size(tree) && !failed; i++)
        failed = json_array_append_new(out, nested_form(json_array_get(tree, i)));
    json_object_foreach(tree, key, value)
    {
        if (!failed)
            failed = path_put(out, key, nested_form(value), 0);
    }
    if (out && !failed)
        return out;
    json_decref(out);
    return NULL;
}

static json_t *undotted(json_t *tree)
{
    return has_dots(tree) ? nested_form(tree) : json_incref(tree);
}

/* The message. */

static json_t *number_json(const char *text)
{
    return json_real(strtod(text, NULL));
}

/* What a message attribute is worth to a filter: NULL for the types that filters ignore. */
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
    int status = message ? 0 : ERR_MEMORY;
    json_object_foreach(attributes, name, attribute)
    {
        json_t *value = status ? NULL : attribute_json(attribute);
        if (value && json_object_set_new(message, name, value))
            status = ERR_MEMORY;
    }
    if (!status)
        status = object_matches(policy->rules, message, SCOPE_ATTRIBUTES);
    json_decref(message);
    return status;
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
    json_t *message = undotted(tree);
    int status = message ? object_matches(policy->nested, message, SCOPE_BODY) : ERR_MEMORY;
    json_decref(message);
    json_decref(tree);
    return status;
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
    int status = policy_read(text, &rules, why);
    *out = NULL;
    if (!status && json_object_size(rules) > 0) {
        *out = calloc(1, sizeof **out);
        if (*out)
            **out = (struct filter_policy){json_incref(rules), undotted(rules)};
        if (!*out || !(*out)->nested)
            status = ERR_MEMORY;
    }
    json_decref(rules);
    if (status) {
        filter_policy_free(*out);
        *out = NULL;
    }
    return status;
}

void filter_policy_free(struct filter_policy *policy)
{
    if (!policy)
        return;
    json_decref(policy->rules);
    json_decref(policy->nested);
    free(policy);
}
