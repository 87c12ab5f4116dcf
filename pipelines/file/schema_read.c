/*
 * Reads a tree into structs, using the table in schema.c. Defaults are converted by the same
 * functions as values in the file, so a default that the schema would refuse cannot exist.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "colour_name.h"
#include "nearest.h"
#include "pipeline_file.h"
#include "schema_values.h"
#include "yaml_reader.h"

/* Makes room for more structs, which are zero. */
static int sections_grow(struct output_list *list, size_t count)
{
    struct output_config *grown = realloc(list->entries, count * sizeof *grown);
    if (!grown)
        return ERR_MEMORY;
    memset(grown + list->count, 0, (count - list->count) * sizeof *grown);
    list->entries = grown;
    return 0;
}

/* All structs of one entry of a list. `left` entries follow, each of which has one at least. */
static int read_variants(struct schema_reader *r, const struct schema_key *key,
                         const struct yaml_node *node, size_t entry, size_t left,
                         struct output_list *out)
{
    const struct schema_section *section = key->section;
    size_t first = out->count;
    int code = schema_read(r, section, node, &out->entries[out->count++]);
    size_t count = code ? 1 : section->variants(&out->entries[first]);
    if ((double)(first + count + left) > key->max)
        return schema_fail(r, node->place, "widths", "more than %g outputs of one pipeline",
                           key->max);
    if (count > 1 && sections_grow(out, first + count + left))
        return schema_fail_memory(r);
    for (size_t i = 1; i < count && !code; i++)
        code = schema_read(r, section, node, &out->entries[out->count++]);
    for (size_t i = first; i < out->count; i++)
        section->vary(&out->entries[i], entry, i - first);
    return code;
}

static int read_sections(struct schema_reader *r, const struct schema_key *key,
                         const struct yaml_node *node, struct output_list *out)
{
    size_t count = 0;
    if (node->kind != YAML_LIST)
        return schema_fail_type(r, key, node);
    for (const struct yaml_node *e = node->children; e; e = e->next)
        count++;
    if (count == 0 || (double)count > key->max)
        return schema_fail(r, node->place, key->name, "expected a list of 1 to %g maps, found %zu",
                           key->max, count);
    out->entries = calloc(count, sizeof *out->entries);
    if (!out->entries)
        return schema_fail_memory(r);
    int code = 0;
    size_t entry = 0;
    for (const struct yaml_node *e = node->children; e && !schema_code_is_final(code);
         e = e->next) {
        snprintf(r->path, sizeof r->path, "%s[%zu].", key->name, entry);
        schema_keep_code(&code, read_variants(r, key, e, entry++, --count, out));
    }
    r->path[0] = '\0';
    return code;
}

static int read_section(struct schema_reader *r, const struct schema_key *key,
                        const struct yaml_node *node, void *into)
{
    size_t outer = strlen(r->path);
    snprintf(r->path + outer, sizeof r->path - outer, "%s.", key->name);
    int code = schema_read(r, key->section, node, into);
    r->path[outer] = '\0';
    return code;
}

static int read_variant(struct schema_reader *r, const struct schema_key *key,
                        const struct yaml_node *node, void *into)
{
    if (node->kind == YAML_MAP)
        return read_section(r, key, node, into);
    return schema_word(r, key, node, into);
}

static int read_value(struct schema_reader *r, const struct schema_key *key,
                      const struct yaml_node *node, void *field)
{
    double number = 0;
    int code;
    switch (key->type) {
    case SCHEMA_NAME:
    case SCHEMA_TEXT:
    case SCHEMA_BUCKET:
    case SCHEMA_TARGET:
    case SCHEMA_TEMPLATE:
    case SCHEMA_SUBJECT:
    case SCHEMA_MESSAGE:
        return schema_text(r, key, node, field);
    case SCHEMA_DURATION:
        return schema_duration(r, key, node, field);
    case SCHEMA_TEXTS:
        return schema_texts(r, key, node, field);
    case SCHEMA_PAIRS:
        return schema_pairs(r, key, node, field);
    case SCHEMA_WORD:
        return schema_word(r, key, node, field);
    case SCHEMA_INTEGER:
        code = schema_number(r, key, node, &number);
        if (!code)
            *(int *)field = (int)number;
        return code;
    case SCHEMA_NUMBER:
        return schema_number(r, key, node, field);
    case SCHEMA_NUMBERS:
    case SCHEMA_INTEGERS:
        return schema_numbers(r, key, node, field);
    case SCHEMA_BOOLEAN:
        return schema_boolean(r, key, node, field);
    case SCHEMA_CHOICE:
        return schema_choice(r, key, node, field);
    case SCHEMA_SET:
        return schema_set(r, key, node, field);
    case SCHEMA_COLOUR:
        if (node->kind == YAML_SCALAR && colour_parse(node->text, field))
            return 0;
        return schema_fail_type(r, key, node);
    case SCHEMA_TIME:
    case SCHEMA_BYTES:
        return schema_units(r, key, node, field);
    case SCHEMA_VARIANT:
        return read_variant(r, key, node, field);
    case SCHEMA_SECTION:
        return read_section(r, key, node, field);
    case SCHEMA_SECTIONS:
        return read_sections(r, key, node, field);
    }
    return ERR_INVALID;
}

static int fail_unknown(struct schema_reader *r, const struct schema_section *section,
                        const struct yaml_node *node)
{
    const struct schema_key *nearest = section->keys;
    size_t least = SIZE_MAX;
    for (const struct schema_key *key = section->keys; key->name; key++) {
        size_t d = edit_distance(node->name, key->name);
        if (d < least) {
            least = d;
            nearest = key;
        }
    }
    char shown[64];
    snprintf(shown, sizeof shown, "%s", node->name);
    return schema_fail(r, node->name_place, shown, "unknown key; did you mean \"%s\"?",
                       nearest->name);
}

static const struct schema_key *find_key(const struct schema_section *section, const char *name)
{
    const struct schema_key *key = section->keys;
    while (key->name && strcmp(key->name, name) != 0)
        key++;
    return key->name ? key : NULL;
}

static int set_default(struct schema_reader *r, const struct schema_key *key, void *field)
{
    /* A default outside the valid range means "not given". */
    struct schema_key unbounded = *key;
    if (key->type == SCHEMA_INTEGER)
        unbounded.min = -1;
    struct yaml_node node = {.kind = YAML_SCALAR, .text = (char *)(uintptr_t)key->fallback};
    return read_value(r, &unbounded, &node, field);
}

/* Sets the default of a key that the file omits. */
static int set_defaults(struct schema_reader *r, const struct schema_section *section,
                        const struct yaml_node *node, void *into)
{
    int code = 0;
    for (const struct schema_key *key = section->keys; key->name; key++) {
        if (yaml_child(node, key->name))
            continue;
        if (key->required)
            schema_keep_code(&code, schema_fail(r, node->place, key->name, "is required"));
        else if (key->fallback)
            schema_keep_code(&code, set_default(r, key, (char *)into + key->offset));
    }
    return code;
}

int schema_read(struct schema_reader *r, const struct schema_section *section,
                const struct yaml_node *node, void *into)
{
    if (node->kind != YAML_MAP) {
        char found[80];
        size_t length = strlen(r->path); /* omit the trailing dot of the path */
        if (length)
            r->path[length - 1] = '\0';
        return schema_fail(r, node->place, length ? "" : "pipeline", "expected a map, found %s",
                           yaml_describe(node, found, sizeof found));
    }
    int code = 0;
    for (const struct yaml_node *child = node->children; child && !schema_code_is_final(code);
         child = child->next) {
        const struct schema_key *key = find_key(section, child->name);
        schema_keep_code(&code, key ? read_value(r, key, child, (char *)into + key->offset)
                                    : fail_unknown(r, section, child));
    }
    if (section->given_offset)
        *(bool *)((char *)into + section->given_offset) = true;
    if (!schema_code_is_final(code))
        schema_keep_code(&code, set_defaults(r, section, node, into));
    size_t before = r->problems->errors;
    if (!code && section->check)
        section->check(r, node, into);
    return r->problems->errors == before ? code : ERR_INVALID;
}

static void texts_clear(struct config_texts *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i]);
    free(list->entries);
}

static void pairs_clear(struct config_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free((char *)(uintptr_t)pairs->entries[i].name);
        free((char *)(uintptr_t)pairs->entries[i].value);
    }
    free(pairs->entries);
}

static void value_clear(const struct schema_key *key, void *field)
{
    struct output_list *list = field;
    switch (key->type) {
    case SCHEMA_NAME:
    case SCHEMA_TEXT:
    case SCHEMA_BUCKET:
    case SCHEMA_TARGET:
    case SCHEMA_TEMPLATE:
    case SCHEMA_SUBJECT:
    case SCHEMA_MESSAGE:
    case SCHEMA_WORD:
        free(*(char **)field);
        break;
    case SCHEMA_TEXTS:
        texts_clear(field);
        break;
    case SCHEMA_PAIRS:
        pairs_clear(field);
        break;
    case SCHEMA_VARIANT:
        free(*(char **)field);
        schema_clear(key->section, field);
        break;
    case SCHEMA_SECTION:
        schema_clear(key->section, field);
        break;
    case SCHEMA_SECTIONS:
        for (size_t i = 0; i < list->count; i++)
            schema_clear(key->section, &list->entries[i]);
        free(list->entries);
        break;
    default:
        break;
    }
}

void schema_clear(const struct schema_section *section, void *from)
{
    for (const struct schema_key *key = section->keys; key->name; key++)
        value_clear(key, (char *)from + key->offset);
}
