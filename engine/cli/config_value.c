#include "config_value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "files.h"
#include "input_formats.h"
#include "units.h"

void *config_value_place(struct config *config, const struct setting *s)
{
    return (char *)config + s->member.offset;
}

static void number_store(void *place, enum config_member_type type, uint64_t number)
{
    if (type == MEMBER_BOOL)
        *(bool *)place = number != 0;
    else if (type == MEMBER_UNSIGNED)
        *(unsigned *)place = (unsigned)number; /* the row's bounds fit */
    else
        *(uint64_t *)place = number;
}

struct bound_unit {
    uint64_t size;
    const char *name;
};

static const struct bound_unit milliseconds[] = {{3600000, "h"}, {1000, "s"}, {1, "ms"}},
                               seconds[] = {{86400, "d"}, {3600, "h"}, {1, "s"}},
                               bytes[] = {{GIB, "G"}, {MIB, "M"}, {1, ""}},
                               counts[] = {{1000000000, "G"}, {1, ""}}, plain[] = {{1, ""}};

/* The largest unit comes first, 1 last. */
static const struct bound_unit *units_of(enum config_type type)
{
    switch (type) {
    case TYPE_TIME:
        return milliseconds;
    case TYPE_SECONDS:
        return seconds;
    case TYPE_BYTES:
        return bytes;
    case TYPE_COUNT:
        return counts;
    default:
        return plain;
    }
}

/* The bounds in the units of the type, for messages. */
static void bound_format(const struct setting *s, uint64_t value, char *out, size_t size)
{
    const struct bound_unit *unit = units_of(s->type);
    if (value == 0 && s->type == TYPE_TIME)
        unit = seconds; /* of zero, seconds are the usual unit */
    while (unit->size > 1 && (value < unit->size || value % unit->size != 0))
        unit++;
    snprintf(out, size, "%llu%s", (unsigned long long)(value / unit->size), unit->name);
}

static const char *example_of(const struct setting *s)
{
    switch (s->type) {
    case TYPE_BYTES:
        return ", for example 64M";
    case TYPE_TIME:
        return ", for example 2s or 500ms";
    case TYPE_SECONDS:
        return " in whole seconds, for example 20s";
    default:
        return "";
    }
}

static int bad_number(const struct setting *s, const char *source, const char *value,
                      struct error *error)
{
    char min[32], max[32];
    bound_format(s, s->min, min, sizeof min);
    bound_format(s, s->max, max, sizeof max);
    return error_set(error, ERR_INVALID, "%s: \"%s\" is not allowed; give a %s from %s to %s%s",
                     source, value,
                     s->type == TYPE_BYTES                             ? "size"
                     : s->type == TYPE_TIME || s->type == TYPE_SECONDS ? "time"
                                                                       : "number",
                     min, max, example_of(s));
}

static int number_parse(const struct setting *s, const char *value, uint64_t *out)
{
    switch (s->type) {
    case TYPE_BYTES:
        return units_parse_bytes(value, out);
    case TYPE_TIME:
    case TYPE_SECONDS:
        return units_parse_time(value, out);
    case TYPE_COUNT:
        return units_parse_count(value, out);
    default:
        if (value[strspn(value, "0123456789")])
            return ERR_INVALID;
        return units_parse_count(value, out);
    }
}

static int number_set(const struct setting *s, const char *source, const char *value, void *place,
                      struct error *error)
{
    const uint64_t unit = s->type == TYPE_SECONDS ? 1000 : 1;
    uint64_t number;
    if (number_parse(s, value, &number) || number % unit || number / unit < s->min ||
        number / unit > s->max)
        return bad_number(s, source, value, error);
    number_store(place, s->member.type, number / unit);
    return 0;
}

static int choice_set(const struct setting *s, const char *source, const char *value, void *place,
                      struct error *error)
{
    size_t length = strlen(value);
    uint64_t index = 0;
    for (const char *p = s->value; p; index++) {
        const char *end = strchrnul(p, '|');
        if ((size_t)(end - p) == length && strncmp(p, value, length) == 0) {
            number_store(place, s->member.type, index);
            return 0;
        }
        p = *end ? end + 1 : NULL;
    }
    return error_set(error, ERR_INVALID, "%s: \"%s\" is not allowed; give one of %s", source, value,
                     s->value);
}

static int switch_set(const char *source, const char *value, bool *out, struct error *error)
{
    static const char *const yes[] = {"1", "true", "yes", "on"}, *const no[] = {"0", "false", "no",
                                                                                "off"};
    for (size_t i = 0; i < 4; i++) {
        bool is_yes = strcasecmp(value, yes[i]) == 0;
        if (is_yes || strcasecmp(value, no[i]) == 0) {
            *out = is_yes;
            return 0;
        }
    }
    return error_set(error, ERR_INVALID, "%s: \"%s\" is not allowed; give yes or no", source,
                     value);
}

static bool is_path(const struct setting *s)
{
    return s->value && (strstr(s->value, "DIR") || strstr(s->value, "FILE"));
}

static int text_set(const struct setting *s, const char *source, const char *value,
                    const char **out, struct error *error)
{
    if (!*value)
        return error_set(error, ERR_INVALID,
                         "%s: the value is empty; leave the setting out, or give one", source);
    char *copy = is_path(s) ? path_normal(value) : strdup(value);
    if (!copy)
        return error_set(error, ERR_MEMORY, "out of memory");
    free((char *)*out);
    *out = copy;
    return 0;
}

/* A list in an environment variable replaces the default; repeated flags add up, and replace the
 * environment's list. */
static int list_set(const struct setting *s, const char *source, const char *value, bool split,
                    struct text_list *list, struct error *error)
{
    for (const char *p = value; p;) {
        const char *end = split ? strchrnul(p, ':') : p + strlen(p);
        if (end == p)
            return error_set(error, ERR_INVALID, "%s: the value is empty; give %s", source,
                             is_path(s) ? "a file or directory" : s->value);
        char *item = strndup(p, (size_t)(end - p));
        if (item && is_path(s)) {
            char *path = path_normal(item);
            free(item);
            item = path;
        }
        if (text_list_take(list, item))
            return error_set(error, ERR_MEMORY, "out of memory");
        p = *end ? end + 1 : NULL;
    }
    return 0;
}

static int formats_set(const struct setting *s, const char *source, const char *value, void *place,
                       struct error *error)
{
    struct error why;
    unsigned set = 0;
    int code = input_formats_parse(value, &set, &why);
    if (code)
        return error_set(error, code, "%s: %s", source, why.text);
    number_store(place, s->member.type, set);
    return 0;
}

int config_value_set(struct config *config, const struct setting *s, const char *source,
                     const char *value, bool split, struct error *error)
{
    void *place = config_value_place(config, s);
    switch (s->type) {
    case TYPE_SWITCH:
        return switch_set(source, value, place, error);
    case TYPE_TEXT:
        return text_set(s, source, value, place, error);
    case TYPE_LIST:
        return list_set(s, source, value, split, place, error);
    case TYPE_FORMATS:
        return formats_set(s, source, value, place, error);
    case TYPE_CHOICE:
        return choice_set(s, source, value, place, error);
    default:
        return number_set(s, source, value, place, error);
    }
}

bool config_value_is_injected(const char *value)
{
    return strncmp(value, "tcp://", 6) == 0 || strncmp(value, "udp://", 6) == 0;
}
