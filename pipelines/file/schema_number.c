#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "schema_values.h"
#include "units.h"
#include "yaml_reader.h"

int schema_number(struct schema_reader *r, const struct schema_key *key,
                  const struct yaml_node *node, double *out)
{
    if (node->kind != YAML_SCALAR || node->quoted || !is_made_of(node->text, DIGITS "+-.eE"))
        return schema_fail_type(r, key, node);
    char *end;
    double value = strtod(node->text, &end);
    if (end == node->text || *end || !isfinite(value))
        return schema_fail_type(r, key, node);
    bool whole = key->type == SCHEMA_INTEGER || key->type == SCHEMA_INTEGERS;
    if (whole && value != floor(value))
        return schema_fail_type(r, key, node);
    if (value < key->min || value > key->max)
        return schema_fail_type(r, key, node);
    *out = value;
    return 0;
}

int schema_numbers(struct schema_reader *r, const struct schema_key *key,
                   const struct yaml_node *node, struct config_numbers *out)
{
    if (node->kind != YAML_LIST || !node->children)
        return schema_fail_type(r, key, node);
    for (const struct yaml_node *e = node->children; e; e = e->next) {
        if (out->count == CONFIG_NUMBERS_MAX)
            return schema_fail_type(r, key, node);
        int code = schema_number(r, key, e, &out->entries[out->count++]);
        if (code)
            return code;
    }
    return 0;
}

int schema_duration(struct schema_reader *r, const struct schema_key *key,
                    const struct yaml_node *node, int *out)
{
    static const struct {
        char unit;
        int seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    enum { DIGITS_MAX = 6 };
    if (node->kind != YAML_SCALAR)
        return schema_fail_type(r, key, node);
    size_t digits = strspn(node->text, DIGITS);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (digits == 0 || digits > DIGITS_MAX || node->text[digits] != units[i].unit ||
            node->text[digits + 1])
            continue;
        double seconds = strtod(node->text, NULL) * units[i].seconds;
        if (seconds < key->min || seconds > key->max)
            break;
        *out = (int)seconds;
        return 0;
    }
    return schema_fail_type(r, key, node);
}

/* A number with a unit. */
int schema_units(struct schema_reader *r, const struct schema_key *key,
                 const struct yaml_node *node, int *out)
{
    uint64_t value = 0;
    int code = ERR_INVALID;
    if (node->kind == YAML_SCALAR)
        code = key->type == SCHEMA_TIME ? units_parse_time(node->text, &value)
                                        : units_parse_bytes(node->text, &value);
    if (code || (double)value < key->min || (double)value > key->max)
        return schema_fail_type(r, key, node);
    *out = (int)value;
    return 0;
}
