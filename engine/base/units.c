#include "units.h"

#include <stddef.h>
#include <string.h>

#include "error.h"

struct unit {
    const char *name;
    uint64_t factor;
};

enum { DECIMALS_MAX = 9 };

static const struct unit byte_units[] = {
    {"", 1},
    {"B", 1},
    {"K", 1ull << 10},
    {"M", 1ull << 20},
    {"G", 1ull << 30},
    {"T", 1ull << 40},
    {"KiB", 1ull << 10},
    {"MiB", 1ull << 20},
    {"GiB", 1ull << 30},
    {"TiB", 1ull << 40},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
    {NULL, 0},
};

static const struct unit count_units[] = {
    {"", 1},           {"k", 1000},          {"K", 1000}, {"M", 1000000},
    {"G", 1000000000}, {"T", 1000000000000}, {NULL, 0},
};

static const struct unit time_units[] = {
    {"", 1000},     {"ms", 1},      {"s", 1000},     {"m", 60000},
    {"min", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};

static const struct unit *unit_find(const struct unit *units, const char *name)
{
    for (; units->name; units++)
        if (strcmp(units->name, name) == 0)
            return units;
    return NULL;
}

/* Parses the number as mantissa / 10^decimals; *rest points at the unit. */
static int number_read(const char *text, uint64_t *mantissa, uint64_t *scale, const char **rest)
{
    const char *p = text;
    int decimals = -1; /* no decimal point seen yet */
    size_t digits = 0;
    *mantissa = 0;
    *scale = 1;
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && decimals < 0); p++) {
        if (*p == '.') {
            decimals = 0;
            continue;
        }
        if (decimals >= 0 && decimals++ >= DECIMALS_MAX)
            return ERR_INVALID;
        if (__builtin_mul_overflow(*mantissa, 10u, mantissa) ||
            __builtin_add_overflow(*mantissa, (uint64_t)(*p - '0'), mantissa))
            return ERR_LIMIT;
        if (decimals > 0)
            *scale *= 10;
        digits++;
    }
    *rest = p;
    return digits ? 0 : ERR_INVALID;
}

static int parse(const char *text, const struct unit *units, uint64_t *out)
{
    uint64_t mantissa, scale, product;
    const char *rest;
    int code = number_read(text, &mantissa, &scale, &rest);
    if (code)
        return code;
    while (*rest == ' ')
        rest++;
    const struct unit *unit = unit_find(units, rest);
    if (!unit)
        return ERR_INVALID;
    if (__builtin_mul_overflow(mantissa, unit->factor, &product))
        return ERR_LIMIT;
    *out = product / scale;
    return 0;
}

int units_parse_bytes(const char *text, uint64_t *out)
{
    return parse(text, byte_units, out);
}

int units_parse_count(const char *text, uint64_t *out)
{
    return parse(text, count_units, out);
}

int units_parse_time(const char *text, uint64_t *milliseconds)
{
    return parse(text, time_units, milliseconds);
}
