/* Problems in a pipeline file, at their place in it. */
#include <stdarg.h>
#include <stdio.h>

#include "schema_values.h"
#include "yaml_reader.h"

int schema_fail(struct schema_reader *r, struct yaml_place place, const char *name,
                const char *format, ...)
{
    char text[ERROR_TEXT_MAX], key[SCHEMA_PATH_MAX + 64];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(key, sizeof key, "%s%s", r->path, name);
    const struct problem_place at = {r->file, place.line, place.column, key};
    return problem_add(r->problems, &at, ERR_INVALID, "%s", text);
}

void schema_fail_key(struct schema_reader *r, const struct yaml_node *map, const char *name,
                     const char *text)
{
    const struct yaml_node *child = yaml_child(map, name);
    schema_fail(r, child ? child->place : map->place, name, "%s", text);
}

int schema_fail_memory(struct schema_reader *r)
{
    r->problems->out_of_memory = true;
    return ERR_MEMORY;
}

/* Describes the valid values of a key. */
static void expectation(const struct schema_key *key, char *out, size_t size)
{
    size_t used = 0;
    switch (key->type) {
    case SCHEMA_INTEGER:
        snprintf(out, size, "a whole number from %g to %g", key->min, key->max);
        break;
    case SCHEMA_NUMBER:
        snprintf(out, size, "a number from %g to %g", key->min, key->max);
        break;
    case SCHEMA_TIME:
        snprintf(out, size, "a duration from %gs to %gs, such as 10s or 5m", key->min / 1000,
                 key->max / 1000);
        break;
    case SCHEMA_BYTES:
        snprintf(out, size, "a size from %gKiB to %gKiB, such as 256KiB", key->min / 1024,
                 key->max / 1024);
        break;
    case SCHEMA_NUMBERS:
    case SCHEMA_INTEGERS:
        snprintf(out, size, "a list of 1 to %d %snumbers from %g to %g", CONFIG_NUMBERS_MAX,
                 key->type == SCHEMA_INTEGERS ? "whole " : "", key->min, key->max);
        break;
    case SCHEMA_BOOLEAN:
        snprintf(out, size, "true or false");
        break;
    case SCHEMA_COLOUR:
        snprintf(out, size, "a colour, by its name or as \"#rrggbb\" (in quotes)");
        break;
    case SCHEMA_DURATION:
        snprintf(out, size, "a duration from 1s to 7d, such as 90s, 15m, 24h or 7d");
        break;
    case SCHEMA_TEXTS:
        snprintf(out, size, "a string or a list of strings");
        break;
    case SCHEMA_SECTION:
        snprintf(out, size, "a map");
        break;
    case SCHEMA_SECTIONS:
        snprintf(out, size, "a list of maps");
        break;
    case SCHEMA_PAIRS:
        snprintf(out, size, "a map of 1 to %g strings", key->max);
        break;
    case SCHEMA_CHOICE:
    case SCHEMA_WORD:
    case SCHEMA_VARIANT:
    case SCHEMA_SET:
        used = (size_t)snprintf(out, size, key->type == SCHEMA_SET ? "a list of" : "one of");
        for (size_t i = 0; key->choices[i] && used < size; i++)
            used +=
                (size_t)snprintf(out + used, size - used, "%s %s", i ? "," : "", key->choices[i]);
        if (key->type == SCHEMA_VARIANT && used < size)
            snprintf(out + used, size - used, ", or a map");
        break;
    default:
        snprintf(out, size, "a string");
    }
}

int schema_fail_type(struct schema_reader *r, const struct schema_key *key,
                     const struct yaml_node *node)
{
    char wanted[240], found[80];
    expectation(key, wanted, sizeof wanted);
    return schema_fail(r, node->place, key->name, "expected %s, found %s", wanted,
                       yaml_describe(node, found, sizeof found));
}

bool schema_code_is_final(int code)
{
    return code == ERR_MEMORY;
}

void schema_keep_code(int *code, int other)
{
    if (!*code || schema_code_is_final(other))
        *code = other;
}
