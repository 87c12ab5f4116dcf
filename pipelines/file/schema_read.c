/*
 * Reads a tree into structs, using the table in schema.c. Defaults are converted by the same
 * functions as values in the file, so a default that the schema would refuse cannot exist.
 */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "colour_name.h"
#include "key_template.h"
#include "nearest.h"
#include "pipeline_file.h"
#include "schema.h"
#include "text_template.h"
#include "units.h"

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

static int fail_memory(struct schema_reader *r)
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

static int fail_type(struct schema_reader *r, const struct schema_key *key,
                     const struct yaml_node *node)
{
    char wanted[240], found[80];
    expectation(key, wanted, sizeof wanted);
    return schema_fail(r, node->place, key->name, "expected %s, found %s", wanted,
                       yaml_describe(node, found, sizeof found));
}

/* They would end a header, and no service accepts them in a name. */
static bool has_control(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    }
    return false;
}

/* Lines and tabs are all that a message may contain of them. */
static bool has_control_of(enum schema_type type, const char *text)
{
    for (; type == SCHEMA_MESSAGE && *text; text++) {
        if (((unsigned char)*text < ' ' && *text != '\n' && *text != '\t') || *text == 0x7f)
            return true;
    }
    return type != SCHEMA_MESSAGE && has_control(text);
}

static int fail_control(struct schema_reader *r, const struct schema_key *key,
                        const struct yaml_node *node)
{
    return schema_fail(r, node->place, key->name,
                       "must not contain line breaks or other control characters");
}

static bool is_arn(const char *text)
{
    return strncmp(text, "arn:", 4) == 0;
}

static bool is_access_point(const char *text)
{
    enum { ACCOUNT_DIGITS = 12 };
    char region[64], account[ACCOUNT_DIGITS + 1], name[51];
    int size = 0;
    return sscanf(text, "arn:%*[a-z-]:s3:%63[a-z0-9-]:%12[0-9]:accesspoint%*1[/:]%50[a-z0-9-]%n",
                  region, account, name, &size) == 3 &&
           strlen(account) == ACCOUNT_DIGITS && text[size] == '\0';
}

static bool is_bucket_name(const char *text)
{
    enum { NAME_LEAST = 3, NAME_MOST = 63 };
    const size_t size = strlen(text);
    return size >= NAME_LEAST && size <= NAME_MOST && is_made_of(text, LOWER DIGITS ".-_");
}

static int check_notice(struct schema_reader *r, const struct schema_key *key,
                        const struct yaml_node *node)
{
    struct error inner = {0};
    if (text_template_check(node->text, notify_part_names, NOTIFY_PART_COUNT, &inner))
        return schema_fail(r, node->place, key->name, "%s", inner.text);
    for (const char *c = node->text; key->type == SCHEMA_SUBJECT && *c; c++) {
        if (*c & 0x80)
            return schema_fail(r, node->place, key->name,
                               "must be ASCII, because SNS accepts no other subject");
    }
    return 0;
}

static int check_text(struct schema_reader *r, const struct schema_key *key,
                      const struct yaml_node *node)
{
    struct error inner = {0};
    if ((double)strlen(node->text) > key->max)
        return schema_fail(r, node->place, key->name, "longer than %g bytes", key->max);
    if (has_control_of(key->type, node->text))
        return fail_control(r, key, node);
    if (key->type == SCHEMA_NAME && !is_made_of(node->text, LOWER UPPER DIGITS "._-"))
        return schema_fail(r, node->place, key->name,
                           "must contain only letters, digits, dots, hyphens and underscores");
    if (key->type == SCHEMA_TARGET && is_arn(node->text) && !is_access_point(node->text))
        return schema_fail(r, node->place, key->name,
                           "not the ARN of an access point, "
                           "arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME");
    const bool is_name = key->type == SCHEMA_BUCKET || key->type == SCHEMA_TARGET;
    if (is_name && !(key->type == SCHEMA_TARGET && is_arn(node->text)) &&
        !is_bucket_name(node->text))
        return schema_fail(
            r, node->place, key->name,
            "a bucket name must have 3 to 63 lowercase letters, digits, dots and hyphens");
    if (key->type == SCHEMA_TEMPLATE && key_template_check(node->text, &inner))
        return schema_fail(r, node->place, key->name, "%s", inner.text);
    if (key->type == SCHEMA_SUBJECT || key->type == SCHEMA_MESSAGE)
        return check_notice(r, key, node);
    return 0;
}

static int read_text(struct schema_reader *r, const struct schema_key *key,
                     const struct yaml_node *node, char **out)
{
    if (node->kind != YAML_SCALAR || !*node->text)
        return fail_type(r, key, node);
    int code = check_text(r, key, node);
    if (code)
        return code;
    *out = strdup(node->text);
    return *out ? 0 : fail_memory(r);
}

/* After most problems the rest of the file is read, so that all are reported. */
static bool code_is_final(int code)
{
    return code == ERR_MEMORY;
}

static void keep_code(int *code, int other)
{
    if (!*code || code_is_final(other))
        *code = other;
}

static int read_entry(struct schema_reader *r, const struct schema_key *key,
                      const struct yaml_node *entry, struct config_texts *out)
{
    if (entry->kind != YAML_SCALAR || (!entry->quoted && !*entry->text))
        return fail_type(r, key, entry);
    if (strlen(entry->text) > OBJECT_KEY_MAX)
        return schema_fail(r, entry->place, key->name, "longer than a key may be");
    if (has_control(entry->text))
        return fail_control(r, key, entry);
    if (!(out->entries[out->count] = strdup(entry->text)))
        return fail_memory(r);
    out->count++;
    return 0;
}

static int read_texts(struct schema_reader *r, const struct schema_key *key,
                      const struct yaml_node *node, struct config_texts *out)
{
    const struct yaml_node *entry = node->kind == YAML_LIST ? node->children : node;
    size_t count = 0;
    int code = 0;
    if (node->kind == YAML_MAP)
        return fail_type(r, key, node);
    for (const struct yaml_node *e = entry; e; e = node->kind == YAML_LIST ? e->next : NULL)
        count++;
    if (count == 0 || (double)count > key->max)
        return schema_fail(r, node->place, key->name,
                           "expected a list of 1 to %g strings, found %zu", key->max, count);
    out->entries = calloc(count, sizeof *out->entries);
    if (!out->entries)
        return fail_memory(r);
    for (; count && !code_is_final(code); count--, entry = entry->next)
        keep_code(&code, read_entry(r, key, entry, out));
    return code;
}

static int read_pair(struct schema_reader *r, const struct schema_key *key,
                     const struct yaml_node *node, struct object_pair *out)
{
    char name[SCHEMA_PATH_MAX];
    const struct schema_key inner = {.name = name, .type = SCHEMA_TEXT};
    snprintf(name, sizeof name, "%s.%.60s", key->name, node->name);
    if (node->kind != YAML_SCALAR || (!node->quoted && !*node->text))
        return fail_type(r, &inner, node);
    if (has_control(node->name) || has_control(node->text))
        return fail_control(r, &inner, node);
    out->name = strdup(node->name);
    out->value = strdup(node->text);
    return out->name && out->value ? 0 : fail_memory(r);
}

static int read_pairs(struct schema_reader *r, const struct schema_key *key,
                      const struct yaml_node *node, struct config_pairs *out)
{
    size_t count = 0;
    int code = 0;
    for (const struct yaml_node *e = node->children; e; e = e->next)
        count++;
    if (node->kind != YAML_MAP)
        return fail_type(r, key, node);
    if (count == 0 || (double)count > key->max)
        return schema_fail(r, node->place, key->name, "expected 1 to %g entries, found %zu",
                           key->max, count);
    out->entries = calloc(count, sizeof *out->entries);
    if (!out->entries)
        return fail_memory(r);
    for (const struct yaml_node *e = node->children; e && !code_is_final(code); e = e->next)
        keep_code(&code, read_pair(r, key, e, &out->entries[out->count++]));
    return code;
}

static int read_number(struct schema_reader *r, const struct schema_key *key,
                       const struct yaml_node *node, double *out)
{
    if (node->kind != YAML_SCALAR || node->quoted || !is_made_of(node->text, DIGITS "+-.eE"))
        return fail_type(r, key, node);
    char *end;
    double value = strtod(node->text, &end);
    if (end == node->text || *end || !isfinite(value))
        return fail_type(r, key, node);
    bool whole = key->type == SCHEMA_INTEGER || key->type == SCHEMA_INTEGERS;
    if (whole && value != floor(value))
        return fail_type(r, key, node);
    if (value < key->min || value > key->max)
        return fail_type(r, key, node);
    *out = value;
    return 0;
}

/* "24h" */
static int read_duration(struct schema_reader *r, const struct schema_key *key,
                         const struct yaml_node *node, int *out)
{
    static const struct {
        char unit;
        int seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    enum { DIGITS_MAX = 6 };
    if (node->kind != YAML_SCALAR)
        return fail_type(r, key, node);
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
    return fail_type(r, key, node);
}

/* A number with a unit. */
static int read_units(struct schema_reader *r, const struct schema_key *key,
                      const struct yaml_node *node, int *out)
{
    uint64_t value = 0;
    int code = ERR_INVALID;
    if (node->kind == YAML_SCALAR)
        code = key->type == SCHEMA_TIME ? units_parse_time(node->text, &value)
                                        : units_parse_bytes(node->text, &value);
    if (code || (double)value < key->min || (double)value > key->max)
        return fail_type(r, key, node);
    *out = (int)value;
    return 0;
}

static int read_boolean(struct schema_reader *r, const struct schema_key *key,
                        const struct yaml_node *node, bool *out)
{
    if (node->kind != YAML_SCALAR || node->quoted)
        return fail_type(r, key, node);
    *out = strcmp(node->text, "true") == 0;
    return *out || strcmp(node->text, "false") == 0 ? 0 : fail_type(r, key, node);
}

static int read_choice(struct schema_reader *r, const struct schema_key *key,
                       const struct yaml_node *node, int *out)
{
    for (int i = 0; node->kind == YAML_SCALAR && key->choices[i]; i++) {
        if (strcmp(node->text, key->choices[i]) == 0) {
            *out = i;
            return 0;
        }
    }
    return fail_type(r, key, node);
}

static int read_set(struct schema_reader *r, const struct schema_key *key,
                    const struct yaml_node *node, int *out)
{
    const bool list = node->kind == YAML_LIST;
    *out = 0;
    for (const struct yaml_node *e = list ? node->children : node; e; e = list ? e->next : NULL) {
        int index = 0;
        int code = read_choice(r, key, e, &index);
        if (code)
            return code;
        *out |= 1 << index;
    }
    return *out ? 0 : fail_type(r, key, node);
}

static int read_word(struct schema_reader *r, const struct schema_key *key,
                     const struct yaml_node *node, char **out)
{
    int index = 0;
    int code = read_choice(r, key, node, &index);
    if (code)
        return code;
    *out = strdup(key->choices[index]);
    return *out ? 0 : fail_memory(r);
}

static int read_numbers(struct schema_reader *r, const struct schema_key *key,
                        const struct yaml_node *node, struct config_numbers *out)
{
    if (node->kind != YAML_LIST || !node->children)
        return fail_type(r, key, node);
    for (const struct yaml_node *e = node->children; e; e = e->next) {
        if (out->count == CONFIG_NUMBERS_MAX)
            return fail_type(r, key, node);
        int code = read_number(r, key, e, &out->entries[out->count++]);
        if (code)
            return code;
    }
    return 0;
}

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
        return fail_memory(r);
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
        return fail_type(r, key, node);
    for (const struct yaml_node *e = node->children; e; e = e->next)
        count++;
    if (count == 0 || (double)count > key->max)
        return schema_fail(r, node->place, key->name, "expected a list of 1 to %g maps, found %zu",
                           key->max, count);
    out->entries = calloc(count, sizeof *out->entries);
    if (!out->entries)
        return fail_memory(r);
    int code = 0;
    size_t entry = 0;
    for (const struct yaml_node *e = node->children; e && !code_is_final(code); e = e->next) {
        snprintf(r->path, sizeof r->path, "%s[%zu].", key->name, entry);
        keep_code(&code, read_variants(r, key, e, entry++, --count, out));
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
    return read_word(r, key, node, into);
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
        return read_text(r, key, node, field);
    case SCHEMA_DURATION:
        return read_duration(r, key, node, field);
    case SCHEMA_TEXTS:
        return read_texts(r, key, node, field);
    case SCHEMA_PAIRS:
        return read_pairs(r, key, node, field);
    case SCHEMA_WORD:
        return read_word(r, key, node, field);
    case SCHEMA_INTEGER:
        code = read_number(r, key, node, &number);
        if (!code)
            *(int *)field = (int)number;
        return code;
    case SCHEMA_NUMBER:
        return read_number(r, key, node, field);
    case SCHEMA_NUMBERS:
    case SCHEMA_INTEGERS:
        return read_numbers(r, key, node, field);
    case SCHEMA_BOOLEAN:
        return read_boolean(r, key, node, field);
    case SCHEMA_CHOICE:
        return read_choice(r, key, node, field);
    case SCHEMA_SET:
        return read_set(r, key, node, field);
    case SCHEMA_COLOUR:
        if (node->kind == YAML_SCALAR && colour_parse(node->text, field))
            return 0;
        return fail_type(r, key, node);
    case SCHEMA_TIME:
    case SCHEMA_BYTES:
        return read_units(r, key, node, field);
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
            keep_code(&code, schema_fail(r, node->place, key->name, "is required"));
        else if (key->fallback)
            keep_code(&code, set_default(r, key, (char *)into + key->offset));
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
    for (const struct yaml_node *child = node->children; child && !code_is_final(code);
         child = child->next) {
        const struct schema_key *key = find_key(section, child->name);
        keep_code(&code, key ? read_value(r, key, child, (char *)into + key->offset)
                             : fail_unknown(r, section, child));
    }
    if (section->given_offset)
        *(bool *)((char *)into + section->given_offset) = true;
    if (!code_is_final(code))
        keep_code(&code, set_defaults(r, section, node, into));
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
