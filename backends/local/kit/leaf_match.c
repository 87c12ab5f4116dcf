#include "leaf_match.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "ip_network.h"

/* Compares an operand with one value, which is neither an object nor an array. */
typedef bool compare(const struct leaf_rules *rules, const json_t *wanted, const json_t *value);

static struct slice text_of(const json_t *value)
{
    return (struct slice){json_string_value(value), json_string_length(value)};
}

/* Values. */

static bool same_address(const char *wanted, const char *text)
{
    struct ip_network a, b;
    return ip_network_read(wanted, &a) && ip_network_read(text, &b) && ip_network_equal(&a, &b);
}

static bool is_equal(const struct leaf_rules *rules, const json_t *wanted, const json_t *value)
{
    if (json_is_number(wanted) && json_is_number(value))
        return rules->number(wanted) == rules->number(value);
    if (json_is_string(wanted) && json_is_string(value))
        return slice_equal(text_of(wanted), text_of(value)) ||
               (rules->addresses &&
                same_address(json_string_value(wanted), json_string_value(value)));
    return json_typeof(wanted) == json_typeof(value) && !json_is_number(wanted) &&
           !json_is_string(wanted);
}

/* Texts. */

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

static bool is_exact(const struct leaf_rules *rules, const json_t *wanted, const json_t *value)
{
    (void)rules;
    return json_is_string(value) && slice_equal(text_of(wanted), text_of(value));
}

static bool is_equal_folded(const struct leaf_rules *rules, const json_t *wanted,
                            const json_t *value)
{
    (void)rules;
    return json_is_string(value) && same_text(text_of(wanted), text_of(value), true);
}

static struct slice begin_of(struct slice text, size_t size)
{
    return (struct slice){text.data, size};
}

static struct slice end_of(struct slice text, size_t size)
{
    return (struct slice){text.data + text.size - size, size};
}

/* wanted: a string, or {"equals-ignore-case": a string}. */
static bool side_matches(const json_t *wanted, const json_t *value,
                         struct slice (*side_of)(struct slice text, size_t size))
{
    bool fold = json_is_object(wanted);
    struct slice side = text_of(fold ? json_object_get(wanted, "equals-ignore-case") : wanted);
    struct slice text = text_of(value);
    return json_is_string(value) && text.size >= side.size &&
           same_text(side, side_of(text, side.size), fold);
}

static bool has_prefix(const struct leaf_rules *rules, const json_t *wanted, const json_t *value)
{
    (void)rules;
    return side_matches(wanted, value, begin_of);
}

static bool has_suffix(const struct leaf_rules *rules, const json_t *wanted, const json_t *value)
{
    (void)rules;
    return side_matches(wanted, value, end_of);
}

/* Wildcards. */

enum { PIECE_ON_STACK = 4096 }; /* bytes; longer patterns allocate memory for their pieces */

/* Copies the piece of a pattern up to the next star, unescaped. False: it is the last piece. */
static bool piece_take(struct slice *pattern, char *piece, size_t *size)
{
    *size = 0;
    while (pattern->size > 0) {
        char c = *pattern->data++;
        pattern->size--;
        if (c == '*')
            return true;
        if (c == '\\' && pattern->size > 0 && (*pattern->data == '*' || *pattern->data == '\\')) {
            c = *pattern->data++;
            pattern->size--;
        }
        piece[(*size)++] = c;
    }
    return false;
}

/* Finds the pieces between stars from left to right and the last one at the end, in linear time. */
static bool pieces_match(struct slice text, struct slice pattern, char *piece)
{
    size_t size;
    bool star = piece_take(&pattern, piece, &size);
    if (text.size < size || memcmp(text.data, piece, size) != 0 || (!star && text.size != size))
        return false;
    text = end_of(text, text.size - size);
    while (star) {
        star = piece_take(&pattern, piece, &size);
        if (!star)
            return text.size >= size && memcmp(end_of(text, size).data, piece, size) == 0;
        const char *found = memmem(text.data, text.size, piece, size);
        if (!found)
            return false;
        text = end_of(text, text.size - size - (size_t)(found - text.data));
    }
    return true;
}

static bool matches_wildcard(const struct leaf_rules *rules, const json_t *wanted,
                             const json_t *value)
{
    char on_stack[PIECE_ON_STACK];
    struct slice pattern = text_of(wanted);
    char *piece = pattern.size <= sizeof on_stack ? on_stack : malloc(pattern.size);
    bool matches = json_is_string(value) && piece && pieces_match(text_of(value), pattern, piece);
    (void)rules;
    if (piece != on_stack)
        free(piece);
    return matches;
}

/* Numbers and addresses. */

static bool bound_holds(const char *operator_name, double bound, double number)
{
    if (operator_name[0] == '=')
        return number == bound;
    bool beyond = operator_name[0] == '<' ? number < bound : number > bound;
    return beyond || (operator_name[1] == '=' && number == bound);
}

static bool is_in_range(const struct leaf_rules *rules, const json_t *wanted, const json_t *value)
{
    for (size_t i = 0; json_is_number(value) && i + 1 < json_array_size(wanted); i += 2) {
        if (!bound_holds(json_string_value(json_array_get(wanted, i)),
                         rules->number(json_array_get(wanted, i + 1)), rules->number(value)))
            return false;
    }
    return json_is_number(value);
}

static bool is_in_network(const struct leaf_rules *rules, const json_t *wanted, const json_t *value)
{
    struct ip_network network, address;
    const char *text = json_string_value(value);
    (void)rules;
    return text && !strchr(text, '/') && ip_network_read(text, &address) &&
           ip_network_read(json_string_value(wanted), &network) &&
           ip_network_has(&network, &address);
}

/* Comparisons. */

static bool is_there(const struct leaf_rules *rules, const json_t *wanted, const json_t *value)
{
    (void)rules;
    (void)value;
    return json_is_true(wanted);
}

static compare is_anything_but;

static const struct comparison {
    const char *name;
    compare *holds;
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

/* For an object with one member, whose value is the operand. */
static compare *comparison_of(const json_t *object, const json_t **wanted)
{
    void *only = json_object_iter((json_t *)(uintptr_t)object); /* does not change it */
    const char *name = json_object_iter_key(only);
    *wanted = json_object_iter_value(only);
    for (size_t i = 0; name && i < sizeof comparisons / sizeof *comparisons; i++) {
        if (strcmp(comparisons[i].name, name) == 0)
            return comparisons[i].holds;
    }
    return NULL;
}

/* The operand is a value, an object such as {"prefix": value}, or a list of values. */
static bool is_anything_but(const struct leaf_rules *rules, const json_t *wanted,
                            const json_t *value)
{
    compare *refuses = json_is_object(wanted) ? comparison_of(wanted, &wanted) : is_equal;
    if (!refuses)
        return true;
    if (!json_is_array(wanted))
        return !refuses(rules, wanted, value);
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        if (refuses(rules, json_array_get(wanted, i), value))
            return false;
    }
    return true;
}

static bool item_matches(const struct leaf_rules *rules, const json_t *item, const json_t *value)
{
    const json_t *wanted;
    if (!json_is_object(item))
        return is_equal(rules, item, value);
    compare *holds = comparison_of(item, &wanted);
    return holds && holds(rules, wanted, value);
}

bool leaf_matches(const struct leaf_rules *rules, const json_t *list, const json_t *value,
                  bool *found)
{
    if (!value || json_is_object(value))
        return false;
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        if (leaf_matches(rules, list, json_array_get(value, i), found))
            return true;
    }
    if (json_is_array(value))
        return false;
    *found = true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (item_matches(rules, json_array_get(list, i), value))
            return true;
    }
    return false;
}

bool leaf_allows_absence(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_is_false(json_object_get(json_array_get(list, i), "exists")))
            return true;
    }
    return false;
}
