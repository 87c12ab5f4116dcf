#include "filter_policy_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "filter_policy.h"

enum { SOURCE_MAX = 500 };

int filter_fail(const struct filter_reader *r, const char *format, ...)
{
    size_t line = 1, column = 1, source = strnlen(r->text, SOURCE_MAX);
    char text[FILTER_POLICY_TEXT_MAX / 3];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (const char *p = r->text; p < r->stood; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    snprintf(r->why, FILTER_POLICY_TEXT_MAX,
             "%s\n at [Source: (String)\"%.*s\"; line: %zu, column: %zu]", text, (int)source,
             r->text, line, column);
    return ERR_INVALID;
}

/* Tokens. */

static const char *string_end(const char *at) /* at: the position after the opening quote */
{
    while (*at && *at != '"')
        at += at[0] == '\\' && at[1] ? 2 : 1;
    return at;
}

static const char *skip(const char *at)
{
    return at + strspn(at, " \t\r\n,:");
}

static void take_string(struct filter_reader *r)
{
    const char *start = ++r->at, *end = string_end(start);
    r->value = (struct slice){start, (size_t)(end - start)};
    r->at = *end ? end + 1 : end;
    const char *behind = r->at + strspn(r->at, " \t\r\n");
    bool key = *behind == ':';
    r->token = key ? TOKEN_KEY : TOKEN_STRING;
    r->stood = start;
    if (!key)
        return;
    const char *value = skip(behind);
    r->stood = value + 1;
    if (!strchr("\"[{", *value))
        r->stood = value + strcspn(value, " \t\r\n,]}");
}

static void take_word(struct filter_reader *r)
{
    size_t size = strcspn(r->at, " \t\r\n,]}");
    r->value = (struct slice){r->at, size};
    r->token = *r->at == 't'   ? TOKEN_TRUE
               : *r->at == 'f' ? TOKEN_FALSE
               : *r->at == 'n' ? TOKEN_NULL
                               : TOKEN_NUMBER;
    r->at += size;
    r->stood = r->at;
}

enum filter_token filter_next(struct filter_reader *r)
{
    static const char marks[] = "{}[]";
    static const enum filter_token tokens[] = {TOKEN_OBJECT, TOKEN_OBJECT_END, TOKEN_ARRAY,
                                               TOKEN_ARRAY_END};
    r->at = skip(r->at);
    const char *mark = *r->at ? strchr(marks, *r->at) : NULL;
    if (!*r->at) {
        r->token = TOKEN_END;
        r->stood = r->at;
    } else if (mark) {
        r->token = tokens[mark - marks];
        r->value = (struct slice){r->at, 1};
        r->stood = ++r->at;
    } else if (*r->at == '"') {
        take_string(r);
    } else {
        take_word(r);
    }
    return r->token;
}

struct slice filter_text(struct filter_reader *r)
{
    if (r->token == TOKEN_STRING)
        r->stood = r->at;
    return r->value;
}

double filter_number(const struct filter_reader *r)
{
    return strtod(r->value.data, NULL);
}

bool filter_is(const struct filter_reader *r, const char *word)
{
    return slice_equal_text(r->value, word);
}
