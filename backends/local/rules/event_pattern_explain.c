/*
 * Reads a refused pattern again, token by token, up to what event-ruler complains about first.
 *
 * Functions return whether they have found it; the message is then in r->why.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_pattern.h"
#include "filter_numeric.h"
#include "filter_policy.h"
#include "ip_network.h"
#include "json_text.h"

enum { NESTING_MAX = 256 };
#define NUMBER_MAX  5.0e9
#define SHOW(slice) (int)(slice).size, (slice).data

static bool found(int code)
{
    return code != 0;
}

/* What is not JSON. */

static bool is_word(struct slice word)
{
    return slice_equal_text(word, "true") || slice_equal_text(word, "false") ||
           slice_equal_text(word, "null");
}

static bool word_explain(struct filter_reader *r)
{
    struct slice word = {r->at, strspn(r->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789_$")};
    r->at += word.size;
    r->stood = r->at;
    return !is_word(word) &&
           found(
               filter_fail(r,
                           "Unrecognized token '%.*s': was expecting (JSON String, Number, Array, "
                           "Object or token 'null', 'true' or 'false')",
                           (int)(word.size < 60 ? word.size : 60), word.data));
}

/* Behind the end of a string that begins at `at`. */
static const char *string_skip(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        at += *at == '\\' && at[1];
    return *at ? at + 1 : at;
}

static bool key_explain(struct filter_reader *r)
{
    r->stood = r->at;
    return found(filter_fail(r,
                             "Unexpected character ('%c' (code %d)): was expecting double-quote "
                             "to start field name",
                             *r->at, *r->at));
}

enum expected { VALUE, KEY, COLON, NEXT };

struct syntax {
    char open[NESTING_MAX]; /* brackets */
    size_t depth;
    enum expected expected;
};

/* False: something else is wrong, or the end. */
static bool step(struct filter_reader *r, struct syntax *s, bool *known)
{
    char c = *(r->at += strspn(r->at, " \t\r\n"));
    bool in_object = s->depth && s->open[s->depth - 1] == '{';
    if (!c)
        return false;
    if (s->depth && (c == '}' || c == ']') && s->expected != COLON) {
        s->depth--;
        s->expected = NEXT;
        r->at++;
        return (c == '}') == in_object;
    }
    if (s->expected == VALUE && isalpha((unsigned char)c)) {
        *known = word_explain(r);
        s->expected = NEXT;
        return !*known;
    }
    if (s->expected == KEY && c != '"') {
        *known = isprint((unsigned char)c) && key_explain(r);
        return false;
    }
    if (c == '"' && (s->expected == VALUE || s->expected == KEY)) {
        r->at = string_skip(r->at);
        s->expected = s->expected == KEY ? COLON : NEXT;
        return true;
    }
    r->at++;
    if (s->expected == VALUE && (c == '{' || c == '[')) {
        if (s->depth == NESTING_MAX)
            return false;
        s->open[s->depth++] = c;
        s->expected = c == '{' ? KEY : VALUE;
    } else if (s->expected == VALUE && (isdigit((unsigned char)c) || c == '-')) {
        r->at += strspn(r->at, "0123456789.eE+-");
        s->expected = NEXT;
    } else if (s->expected == COLON && c == ':') {
        s->expected = VALUE;
    } else if (s->expected == NEXT && c == ',' && s->depth) {
        s->expected = in_object ? KEY : VALUE;
    } else {
        return false;
    }
    return true;
}

static bool syntax_explain(struct filter_reader *r)
{
    struct syntax s = {.expected = VALUE};
    bool known = false;
    while (step(r, &s, &known))
        ;
    return known;
}

/* Comparisons. */

static void skip_open(struct filter_reader *r)
{
    for (unsigned depth = 1; depth && r->token != TOKEN_END;) {
        enum filter_token token = filter_next(r);
        depth += token == TOKEN_ARRAY || token == TOKEN_OBJECT;
        depth -= token == TOKEN_ARRAY_END || token == TOKEN_OBJECT_END;
    }
}

static bool text_explain(struct filter_reader *r, const char *name)
{
    return filter_next(r) != TOKEN_STRING &&
           found(filter_fail(r, "%s match pattern must be a string", name));
}

/* A string, or {"equals-ignore-case": …}. */
static bool side_explain(struct filter_reader *r, const char *name)
{
    enum filter_token token = filter_next(r);
    if (token == TOKEN_OBJECT)
        skip_open(r);
    return token != TOKEN_STRING && token != TOKEN_OBJECT &&
           found(filter_fail(r, "%s match pattern must be a string", name));
}

static bool stars_explain(struct filter_reader *r)
{
    struct slice text = filter_text(r);
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i - 1] == '\\')
            i++;
        else if (text.data[i - 1] == '*' && text.data[i] == '*')
            return found(filter_fail(r, "Consecutive wildcard characters at pos %zu", i));
    }
    return false;
}

static bool wildcard_explain(struct filter_reader *r, const char *name)
{
    return text_explain(r, name) || stars_explain(r);
}

/* These have no place. */
static bool network_fail(struct filter_reader *r, const char *text, struct slice shown)
{
    snprintf(r->why, FILTER_POLICY_TEXT_MAX, "%s%.*s", text,
             (int)(shown.size < 100 ? shown.size : 100), shown.data);
    return true;
}

static bool cidr_explain(struct filter_reader *r, const char *name)
{
    char address[64];
    struct ip_network network;
    (void)name;
    if (text_explain(r, "prefix")) /* so it says */
        return true;
    struct slice text = filter_text(r), nothing = slice_of("");
    const char *slash = memchr(text.data, '/', text.size);
    if (!slash)
        return network_fail(r, "Malformed CIDR, one '/' required", nothing);
    struct slice host = {text.data, (size_t)(slash - text.data)};
    struct slice mask = {slash + 1, text.size - host.size - 1};
    snprintf(address, sizeof address, "%.*s", SHOW(host));
    if (host.size >= sizeof address || !ip_network_read(address, &network))
        return network_fail(r, "Nonstandard IP address: ", host);
    for (size_t i = 0; i < mask.size; i++) {
        if (!isdigit((unsigned char)mask.data[i]))
            return network_fail(r, "Malformed CIDR, mask bits must be an integer", nothing);
    }
    return !mask.size && network_fail(r, "Malformed CIDR, mask bits must be an integer", nothing);
}

static bool numeric_explain(struct filter_reader *r, const char *name)
{
    (void)name;
    return found(filter_numeric_check(r));
}

static bool exists_explain(struct filter_reader *r, const char *name)
{
    filter_next(r);
    return r->token != TOKEN_TRUE && r->token != TOKEN_FALSE &&
           found(filter_fail(r, "%s match pattern must be either true or false.", name));
}

/* In a list, the service names the place twice. */
static bool repeat_place(struct filter_reader *r)
{
    const char *place = strstr(r->why, "\n at [Source: ");
    size_t size = strlen(r->why);
    if (place)
        snprintf(r->why + size, EVENT_PATTERN_EXPLAIN_MAX - size, "%.*s",
                 (int)(size - (size_t)(place - r->why)), place);
    return true;
}

static bool negated_fail(struct filter_reader *r, const char *text)
{
    return r->token != TOKEN_STRING && found(filter_fail(r, "%s", text));
}

/* The strings of {"anything-but": {"prefix": …}}. */
static bool negated_texts(struct filter_reader *r, const char *text)
{
    bool stars = filter_is(r, "wildcard");
    if (filter_next(r) == TOKEN_OBJECT)
        return found(filter_fail(
            r, "Value of anything-but must be an array or single string/number value."));
    if (r->token != TOKEN_ARRAY)
        return negated_fail(r, text) || (stars && stars_explain(r));
    while (filter_next(r) != TOKEN_ARRAY_END && r->token != TOKEN_END) {
        if (negated_fail(r, text))
            return repeat_place(r);
    }
    return false;
}

static bool negated_explain(struct filter_reader *r)
{
    static const struct {
        const char *name, *text;
    } forms[] = {
        {"prefix", "prefix/suffix match pattern must be a string"},
        {"suffix", "prefix/suffix match pattern must be a string"},
        {"wildcard", "wildcard match pattern must be a string"},
        {"equals-ignore-case", "Inside anything-but/equals-ignore-case list, "
                               "number|start|null|boolean is not supported."},
    };
    if (filter_next(r) != TOKEN_KEY)
        return false;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (filter_is(r, forms[i].name))
            return negated_texts(r, forms[i].text);
    }
    return false;
}

static bool anything_but_explain(struct filter_reader *r, const char *name)
{
    (void)name;
    enum filter_token token = filter_next(r);
    if (token == TOKEN_OBJECT && negated_explain(r))
        return true;
    if (token == TOKEN_ARRAY || (token == TOKEN_OBJECT && r->token != TOKEN_OBJECT_END))
        skip_open(r);
    return token != TOKEN_OBJECT && token != TOKEN_ARRAY && token != TOKEN_STRING &&
           token != TOKEN_NUMBER &&
           found(filter_fail(
               r, "Value of anything-but must be an array or single string/number value."));
}

static bool expression_explain(struct filter_reader *r)
{
    static const struct {
        const char *name;
        bool (*explain)(struct filter_reader *r, const char *name);
    } types[] = {
        {"anything-but", anything_but_explain},
        {"cidr", cidr_explain},
        {"equals-ignore-case", text_explain},
        {"exact", text_explain},
        {"exists", exists_explain},
        {"numeric", numeric_explain},
        {"prefix", side_explain},
        {"suffix", side_explain},
        {"wildcard", wildcard_explain},
    };
    if (filter_next(r) != TOKEN_KEY)
        return found(filter_fail(r, "Match expression name not found"));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!filter_is(r, types[i].name))
            continue;
        return types[i].explain(r, types[i].name) ||
               (filter_next(r) != TOKEN_OBJECT_END &&
                found(filter_fail(r, "Only one key allowed in match expression")));
    }
    return found(filter_fail(r, "Unrecognized match type %.*s", SHOW(r->value)));
}

/* Objects and their lists of values. */

static bool values_explain(struct filter_reader *r)
{
    if (filter_next(r) == TOKEN_ARRAY_END)
        return found(filter_fail(r, "Empty arrays are not allowed"));
    for (; r->token != TOKEN_ARRAY_END && r->token != TOKEN_END; filter_next(r)) {
        if (r->token == TOKEN_OBJECT && expression_explain(r))
            return true;
        if (r->token == TOKEN_ARRAY)
            return found(
                filter_fail(r, "Match value must be String, number, true, false, or null"));
    }
    return false;
}

static bool object_explain(struct filter_reader *r);

static bool alternatives_explain(struct filter_reader *r)
{
    while (filter_next(r) == TOKEN_OBJECT) {
        if (object_explain(r))
            return true;
    }
    return false;
}

static bool object_explain(struct filter_reader *r)
{
    bool known = false;
    while (!known && filter_next(r) == TOKEN_KEY) {
        struct slice key = r->value;
        bool either = filter_is(r, "$or");
        enum filter_token token = filter_next(r);
        if (token == TOKEN_OBJECT)
            known = object_explain(r);
        else if (token == TOKEN_ARRAY)
            known = either ? alternatives_explain(r) : values_explain(r);
        else
            known = found(filter_fail(r, "\"%.*s\" must be an object or an array", SHOW(key)));
    }
    return known;
}

void event_pattern_explain(const char *text, char out[EVENT_PATTERN_EXPLAIN_MAX])
{
    _Static_assert((int)EVENT_PATTERN_EXPLAIN_MAX >= 2 * (int)FILTER_POLICY_TEXT_MAX, "twice");
    struct filter_reader r = {
        .text = text, .at = text, .stood = text, .number_max = NUMBER_MAX, .why = out};
    json_t *tree = json_text_read(slice_of(text), 0, NULL);
    bool valid = tree != NULL, known;
    json_decref(tree);
    if (!valid)
        known = syntax_explain(&r);
    else if (filter_next(&r) != TOKEN_OBJECT)
        known = found(filter_fail(&r, "Filter is not an object"));
    else
        known = object_explain(&r);
    if (!known)
        *out = '\0';
}
