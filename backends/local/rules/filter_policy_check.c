/* Checks a filter policy against the rules of SNS, with the error messages of SNS. */
#include "filter_policy_check.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "filter_numeric.h"
#include "filter_policy_reader.h"

enum { WILDCARDS_MAX = 3 };
#define NUMBER_MAX  1.0e9
#define SHOW(slice) (int)(slice).size, (slice).data

/* Match expressions: {"prefix": "x"}. */

static int end_of_expression(struct filter_reader *r)
{
    return filter_next(r) == TOKEN_OBJECT_END
               ? 0
               : filter_fail(r, "Only one key allowed in match expression");
}

static int text_check(struct filter_reader *r, const char *name)
{
    return filter_next(r) == TOKEN_STRING
               ? 0
               : filter_fail(r, "%s match pattern must be a string", name);
}

static int exists_check(struct filter_reader *r)
{
    filter_next(r);
    return r->token == TOKEN_TRUE || r->token == TOKEN_FALSE
               ? 0
               : filter_fail(r, "exists match pattern must be either true or false.");
}

static int cidr_check(struct filter_reader *r)
{
    char address[INET6_ADDRSTRLEN + 4], ignored[16], *end;
    if (text_check(r, "cidr"))
        return ERR_INVALID;
    struct slice text = filter_text(r);
    const char *slash = memchr(text.data, '/', text.size);
    if (!slash)
        return filter_fail(r, "Malformed CIDR, one '/' required");
    size_t size = (size_t)(slash - text.data);
    bool six = memchr(text.data, ':', size) != NULL;
    snprintf(address, sizeof address, "%.*s", (int)size, text.data);
    if (size >= sizeof address || inet_pton(six ? AF_INET6 : AF_INET, address, ignored) != 1)
        return filter_fail(r, "Malformed IP address: %.*s", SHOW(text));
    long bits = isdigit((unsigned char)slash[1]) ? strtol(slash + 1, &end, 10) : -1;
    if (bits < 0 || end != text.data + text.size)
        return filter_fail(r, "Malformed CIDR, mask bits must be an integer");
    return bits <= (six ? 128 : 32) ? 0
                                    : filter_fail(r, six ? "IPv6 mask bits must be < 128"
                                                         : "IPv4 mask bits must be < 32");
}

static int wildcard_check(struct filter_reader *r)
{
    int stars = 0;
    if (text_check(r, "wildcard"))
        return ERR_INVALID;
    struct slice text = filter_text(r);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\\') { /* the JSON escape of the pattern's escape */
            i += text.size - i > 2 && text.data[i + 1] == '\\' ? 2 : 1;
            continue;
        }
        if (text.data[i] != '*')
            continue;
        if (i + 1 < text.size && text.data[i + 1] == '*')
            return filter_fail(r, "Consecutive wildcard characters at pos %zu", i);
        stars++;
    }
    return stars <= WILDCARDS_MAX
               ? 0
               : filter_fail(r, "A wildcard match pattern can have at most %d wildcards",
                             WILDCARDS_MAX);
}

/* Anything-but: a value, a list of one type, or an expression. */

static int anything_but_list(struct filter_reader *r)
{
    enum filter_token kind = filter_next(r);
    if (kind == TOKEN_ARRAY_END)
        return filter_fail(r, "Empty arrays are not allowed");
    for (; r->token != TOKEN_ARRAY_END; filter_next(r)) {
        if (r->token != TOKEN_STRING && r->token != TOKEN_NUMBER)
            return filter_fail(r, "Inside anything but list, start|null|boolean is not supported.");
        if (r->token != kind)
            return filter_fail(r,
                               "Inside anything but list, either all values are number or string, "
                               "mixed type is not supported");
        if (kind == TOKEN_NUMBER && filter_number_check(r))
            return ERR_INVALID;
    }
    return 0;
}

static int anything_but_expression(struct filter_reader *r)
{
    static const char *const operators[] = {"prefix", "suffix", "equals-ignore-case", "wildcard"};
    if (filter_next(r) != TOKEN_KEY)
        return filter_fail(r, "Anything-But expression name not found");
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (!filter_is(r, operators[i]))
            continue;
        if (i == 3 ? wildcard_check(r) : text_check(r, operators[i]))
            return ERR_INVALID;
        if (filter_text(r).size == 0)
            return filter_fail(r, "Null prefix/suffix not allowed");
        return end_of_expression(r);
    }
    return filter_fail(r, "Unsupported anything-but pattern: %.*s", SHOW(r->value));
}

static int anything_but_check(struct filter_reader *r)
{
    switch (filter_next(r)) {
    case TOKEN_STRING:
        return 0;
    case TOKEN_NUMBER:
        return filter_number_check(r);
    case TOKEN_ARRAY:
        return anything_but_list(r);
    case TOKEN_OBJECT:
        return anything_but_expression(r);
    default:
        return filter_fail(r,
                           "Value of anything-but must be an array or single string/number value.");
    }
}

static int match_expression(struct filter_reader *r)
{
    static const struct {
        const char *name;
        int (*check)(struct filter_reader *r); /* NULL: any string */
    } types[] = {
        {"prefix", NULL},
        {"suffix", NULL},
        {"numeric", filter_numeric_check},
        {"exists", exists_check},
        {"cidr", cidr_check},
        {"equals-ignore-case", NULL},
        {"wildcard", wildcard_check},
        {"anything-but", anything_but_check},
    };
    if (filter_next(r) != TOKEN_KEY)
        return filter_fail(r, "Match expression name not found");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!filter_is(r, types[i].name))
            continue;
        int code = types[i].check ? types[i].check(r) : text_check(r, types[i].name);
        return code ? code : end_of_expression(r);
    }
    return filter_fail(r, "Unrecognized match type %.*s", SHOW(r->value));
}

/* Objects and their lists of values. */

static int values_check(struct filter_reader *r)
{
    if (filter_next(r) == TOKEN_ARRAY_END)
        return filter_fail(r, "Empty arrays are not allowed");
    for (; r->token != TOKEN_ARRAY_END; filter_next(r)) {
        int code = 0;
        if (r->token == TOKEN_OBJECT)
            code = match_expression(r);
        else if (r->token == TOKEN_NUMBER)
            code = filter_number_check(r);
        else if (r->token == TOKEN_ARRAY)
            code = filter_fail(r, "Match value must be String, number, true, false, or null");
        if (code)
            return code;
    }
    return 0;
}

bool filter_policy_is_or(const char *key, const json_t *value)
{
    if (strcmp(key, "$or") != 0 || json_array_size(value) < 2)
        return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!json_is_object(json_array_get(value, i)))
            return false;
    }
    return true;
}

static int object_check(struct filter_reader *r, json_t *tree);

static int alternatives_check(struct filter_reader *r, json_t *list)
{
    int code = 0;
    filter_next(r);
    for (size_t i = 0; i < json_array_size(list) && !code; i++) {
        filter_next(r);
        code = object_check(r, json_array_get(list, i));
    }
    filter_next(r);
    return code;
}

static int member_check(struct filter_reader *r, json_t *tree)
{
    struct slice key = r->value;
    char *name = slice_dup(key);
    json_t *value = name ? json_object_get(tree, name) : NULL;
    bool either = name && value && filter_policy_is_or(name, value);
    free(name);
    if (either)
        return alternatives_check(r, value);
    switch (filter_next(r)) {
    case TOKEN_ARRAY:
        return values_check(r);
    case TOKEN_OBJECT:
        return object_check(r, value);
    default:
        return filter_fail(r, "\"%.*s\" must be an object or an array", SHOW(key));
    }
}

/* The brace has been read. A key written with escapes is not found in the tree, so it is not taken
 * for "$or". */
static int object_check(struct filter_reader *r, json_t *tree)
{
    int code = 0;
    if (filter_next(r) == TOKEN_OBJECT_END)
        return filter_fail(r, "Empty objects are not allowed");
    for (; r->token == TOKEN_KEY && !code; filter_next(r))
        code = member_check(r, tree);
    return code;
}

/* Limits. */

enum { COMBINATIONS_MAX = 150, KEYS_MAX = 5 };

/* The product, over all keys, of the number of values times the nesting depth. */
static double combinations(json_t *object, int depth)
{
    double product = 1;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        double sum = 0;
        if (filter_policy_is_or(key, value)) {
            for (size_t i = 0; i < json_array_size(value); i++)
                sum += combinations(json_array_get(value, i), depth);
        } else if (json_is_object(value)) {
            sum = combinations(value, depth + 1);
        } else {
            sum = (double)json_array_size(value) * depth;
        }
        product *= sum;
    }
    return product;
}

static int limits_check(json_t *tree, char *why)
{
    const char *text = NULL;
    if (json_object_size(tree) > KEYS_MAX)
        text = "Filter policy can not have more than 5 keys";
    else if (combinations(tree, 1) > COMBINATIONS_MAX)
        text = "Filter policy is too complex";
    if (text)
        snprintf(why, FILTER_POLICY_TEXT_MAX, "%s", text);
    return text ? ERR_INVALID : 0;
}

int filter_policy_check(const char *text, json_t *tree, char why[FILTER_POLICY_TEXT_MAX])
{
    struct filter_reader r = {
        .text = text, .at = text, .stood = text, .number_max = NUMBER_MAX, .why = why};
    if (filter_next(&r) != TOKEN_OBJECT)
        return filter_fail(&r, "Filter is not an object");
    int code = object_check(&r, tree);
    return code ? code : limits_check(tree, why);
}
