/* Whether two outputs have the same values, by the table of keys. */
#include <string.h>

#include "schema.h"

static bool texts_alike(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool colours_alike(const struct colour *a, const struct colour *b)
{
    return a->given == b->given && a->red == b->red && a->green == b->green && a->blue == b->blue;
}

static bool sections_alike(const struct schema_section *section, const void *a, const void *b);

/* a and b are the fields of two structs. A key with a type that cannot be compared counts as
 * different. */
static bool values_alike(const struct schema_key *key, const void *a, const void *b)
{
    switch (key->type) {
    case SCHEMA_NAME:
    case SCHEMA_TEXT:
    case SCHEMA_BUCKET:
    case SCHEMA_TARGET:
    case SCHEMA_TEMPLATE:
    case SCHEMA_SUBJECT:
    case SCHEMA_MESSAGE:
    case SCHEMA_WORD:
        return texts_alike(*(char *const *)a, *(char *const *)b);
    case SCHEMA_INTEGER:
    case SCHEMA_DURATION:
    case SCHEMA_TIME:
    case SCHEMA_BYTES:
    case SCHEMA_CHOICE:
    case SCHEMA_SET:
        return *(const int *)a == *(const int *)b;
    case SCHEMA_NUMBER:
        return *(const double *)a == *(const double *)b;
    case SCHEMA_BOOLEAN:
        return *(const bool *)a == *(const bool *)b;
    case SCHEMA_COLOUR:
        return colours_alike(a, b);
    case SCHEMA_SECTION:
        return sections_alike(key->section, a, b);
    case SCHEMA_TEXTS:
    case SCHEMA_NUMBERS: /* what follows from them is compared: the sizes */
    case SCHEMA_INTEGERS:
    case SCHEMA_PAIRS:
    case SCHEMA_VARIANT:
    case SCHEMA_SECTIONS:
        break;
    }
    return false;
}

static const void *field_of(const void *filled, size_t offset)
{
    return (const char *)filled + offset;
}

/* Sections with the same keys, one of which may be absent. */
static bool sections_alike(const struct schema_section *section, const void *a, const void *b)
{
    size_t given = section->given_offset;
    if (given && *(const bool *)field_of(a, given) != *(const bool *)field_of(b, given))
        return false;
    for (const struct schema_key *key = section->keys; key->name; key++) {
        if (!values_alike(key, field_of(a, key->offset), field_of(b, key->offset)))
            return false;
    }
    return true;
}

bool schema_outputs_alike(const struct output_config *a, const struct output_config *b)
{
    for (const struct schema_key *key = schema_output.keys; key->name; key++) {
        if (key->effect == EFFECT_BYTES &&
            !values_alike(key, field_of(a, key->offset), field_of(b, key->offset)))
            return false;
    }
    return true;
}
