/* The documentation of the table: the rows of docs/pipelines.md. */
#include "schema.h"

static const char *type_shown(const struct schema_key *key)
{
    switch (key->type) {
    case SCHEMA_TEXTS:
        return "string or list";
    case SCHEMA_INTEGER:
        return "whole number";
    case SCHEMA_NUMBER:
        return "number";
    case SCHEMA_NUMBERS:
        return "list of numbers";
    case SCHEMA_INTEGERS:
        return "list of whole numbers";
    case SCHEMA_TIME:
        return "duration";
    case SCHEMA_BYTES:
        return "size";
    case SCHEMA_BOOLEAN:
        return "true, false";
    case SCHEMA_COLOUR:
        return "colour";
    case SCHEMA_SECTION:
        return "map";
    case SCHEMA_PAIRS:
        return "map of strings";
    case SCHEMA_SECTIONS:
        return "list of maps";
    case SCHEMA_TEMPLATE:
    case SCHEMA_SUBJECT:
    case SCHEMA_MESSAGE:
        return "template";
    case SCHEMA_DURATION:
        return "1s–7d";
    default:
        return "string";
    }
}

static void print_type(FILE *stream, const struct schema_key *key)
{
    if (key->choices) {
        fputs(key->type == SCHEMA_SET ? "list of " : "", stream);
        for (size_t i = 0; key->choices[i]; i++)
            fprintf(stream, "%s%s", i ? ", " : "", key->choices[i]);
        fputs(key->type == SCHEMA_VARIANT ? ", or a map" : "", stream);
        return;
    }
    fputs(type_shown(key), stream);
    if (key->type == SCHEMA_INTEGER || key->type == SCHEMA_NUMBER || key->type == SCHEMA_INTEGERS ||
        key->type == SCHEMA_NUMBERS)
        fprintf(stream, ", %g–%g", key->min, key->max);
    if (key->type == SCHEMA_TIME)
        fprintf(stream, ", %gs–%gs", key->min / 1000, key->max / 1000);
    if (key->type == SCHEMA_BYTES)
        fprintf(stream, ", %gKiB–%gKiB", key->min / 1024, key->max / 1024);
}

static void print_default(FILE *stream, const struct schema_key *key)
{
    if (key->required)
        fputs("required", stream);
    else if (key->shown)
        fputs(key->shown, stream);
    else if (key->fallback)
        fprintf(stream, "`%s`", key->fallback);
}

static void print_section(FILE *stream, const char *prefix, const struct schema_section *section)
{
    for (const struct schema_key *key = section->keys; key->name; key++) {
        fprintf(stream, "| `%s%s` | ", prefix, key->name);
        print_type(stream, key);
        fputs(" | ", stream);
        print_default(stream, key);
        fprintf(stream, " | %s |\n", key->help);
        if (key->section) {
            char inner[SCHEMA_PATH_MAX];
            snprintf(inner, sizeof inner, "%s%s%s.", prefix, key->name,
                     key->type == SCHEMA_SECTIONS ? "[]" : "");
            print_section(stream, inner, key->section);
        }
    }
}

int schema_print(FILE *stream)
{
    fputs("| key | value | default | meaning |\n|---|---|---|---|\n", stream);
    print_section(stream, "", &schema_pipeline);
    return fflush(stream) || ferror(stream) ? ERR_IO : 0;
}
