#include "init_check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init_file.h"
#include "init_schema.h"
#include "init_values.h"
#include "nearest.h"
#include "yaml_reader.h"

enum { KEYS_MAX = 16, DESCRIBED_MAX = 96, DIGITS_MAX = 9 };

struct init_checker {
    const char *file;
    struct problem_list *problems;
};

static void complain(struct init_checker *c, struct yaml_place place, const char *path,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

static void complain(struct init_checker *c, struct yaml_place place, const char *path,
                     const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    problem_add(c->problems, &(struct problem_place){c->file, place.line, place.column, path},
                ERR_INVALID, "%s", text);
}

/* A path that is too long for the message is cut. */
static void path_write(char out[INIT_KEY_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void path_write(char out[INIT_KEY_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out, INIT_KEY_MAX, format, args);
    va_end(args);
}

static void expect(struct init_checker *c, const struct yaml_node *node, const char *path,
                   const char *wanted)
{
    char found[DESCRIBED_MAX];
    complain(c, node->place, path, "must be %s, not %s", wanted,
             yaml_describe(node, found, sizeof found));
}

/* Single values. */

static bool is_text(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && (node->quoted || *node->text);
}

static bool is_number(const struct yaml_node *node)
{
    size_t size = node->kind == YAML_SCALAR ? strlen(node->text) : 0;
    return size && size <= DIGITS_MAX && strspn(node->text, "0123456789") == size;
}

static bool is_switch(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && !node->quoted &&
           (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0);
}

static void check_document(struct init_checker *c, const struct yaml_node *node, const char *path)
{
    json_error_t why;
    if (node->kind == YAML_MAP)
        return;
    if (!is_text(node)) {
        expect(c, node, path, "a map, or a string with JSON");
        return;
    }
    json_t *json = json_text_read(slice_of(node->text), JSON_DECODE_ANY, &why);
    if (!json)
        complain(c, node->place, path, "must be a map, or a string with JSON: %.120s", why.text);
    json_decref(json);
}

/* Lists and maps. */

static bool is_value(const char *text, const char *const *values)
{
    while (values && *values && strcmp(*values, text) != 0)
        values++;
    return !values || *values;
}

static void check_texts(struct init_checker *c, const struct init_key *key,
                        const struct yaml_node *list, const char *path)
{
    char item[INIT_KEY_MAX];
    size_t index = 0;
    if (list->kind != YAML_LIST) {
        expect(c, list, path, "a list of strings");
        return;
    }
    for (const struct yaml_node *node = list->children; node; node = node->next, index++) {
        path_write(item, "%s[%zu]", path, index);
        if (!is_text(node))
            expect(c, node, item, "a string");
        else if (!is_value(node->text, key->values))
            complain(c, node->place, item, "must be s3, sns or events, not \"%.60s\"", node->text);
    }
}

static void check_map(struct init_checker *c, const struct yaml_node *map, const char *path,
                      bool documents)
{
    char name[INIT_KEY_MAX];
    if (map->kind != YAML_MAP) {
        expect(c, map, path, "a map");
        return;
    }
    for (const struct yaml_node *node = map->children; node; node = node->next) {
        path_write(name, "%s.%s", path, node->name);
        if (node->kind != YAML_SCALAR && !(documents && node->kind == YAML_MAP))
            expect(c, node, name, documents ? "a string or a map" : "a string");
    }
}

static void check_item(struct init_checker *c, const struct init_key *keys,
                       const struct yaml_node *map, const char *path);

static void check_items(struct init_checker *c, const struct init_key *key,
                        const struct yaml_node *list, const char *path)
{
    char item[INIT_KEY_MAX];
    size_t index = 0;
    if (list->kind != YAML_LIST) {
        expect(c, list, path, "a list");
        return;
    }
    for (const struct yaml_node *node = list->children; node; node = node->next, index++) {
        path_write(item, "%s[%zu]", path, index);
        check_item(c, key->keys, node, item);
    }
}

static void check_value(struct init_checker *c, const struct init_key *key,
                        const struct yaml_node *node, const char *path)
{
    switch (key->type) {
    case INIT_TEXT:
        if (!is_text(node))
            expect(c, node, path, "a string");
        return;
    case INIT_NUMBER:
        if (!is_number(node))
            expect(c, node, path, "a whole number");
        return;
    case INIT_SWITCH:
        if (!is_switch(node))
            expect(c, node, path, "true or false");
        return;
    case INIT_DOCUMENT:
        check_document(c, node, path);
        return;
    case INIT_TEXTS:
        check_texts(c, key, node, path);
        return;
    case INIT_TAGS:
    case INIT_ATTRIBUTES:
        check_map(c, node, path, key->type == INIT_ATTRIBUTES);
        return;
    case INIT_ITEM:
        check_item(c, key->keys, node, path);
        return;
    case INIT_ITEMS:
        check_items(c, key, node, path);
    }
}

/* Items. */

static const struct init_key *key_of(const struct init_key *keys, const char *name)
{
    while (keys->name && strcmp(keys->name, name) != 0)
        keys++;
    return keys->name ? keys : NULL;
}

static void complain_unknown(struct init_checker *c, const struct init_key *keys,
                             const struct yaml_node *node, const char *path)
{
    const char *names[KEYS_MAX];
    size_t count = 0;
    for (; keys->name && count < KEYS_MAX; keys++)
        names[count++] = keys->name;
    const char *nearest = nearest_name(node->name, names, count);
    complain(c, node->name_place, path, "unknown key%s%s%s", nearest ? "; did you mean \"" : "",
             nearest ? nearest : "", nearest ? "\"?" : "");
}

static void path_join_key(const char *path, const char *name, char out[INIT_KEY_MAX])
{
    path_write(out, "%s%s%s", path, *path ? "." : "", name);
}

static void check_required(struct init_checker *c, const struct init_key *keys,
                           const struct yaml_node *map, const char *path)
{
    char inner[INIT_KEY_MAX];
    for (; keys->name; keys++) {
        path_join_key(path, keys->name, inner);
        if (keys->required && !yaml_child(map, keys->name))
            complain(c, map->place, inner, "must be given");
    }
}

/* The names of a choice: "queue, topic". */
static size_t choice_names(const struct init_key *keys, const struct yaml_node *map,
                           const char *choice, char *out, size_t size)
{
    size_t used = 0, given = 0;
    for (; keys->name; keys++) {
        if (!keys->choice || strcmp(keys->choice, choice) != 0)
            continue;
        given += yaml_child(map, keys->name) != NULL;
        int length = snprintf(out + used, size - used, "%s%s", used ? ", " : "", keys->name);
        used += (size_t)length < size - used ? (size_t)length : 0;
    }
    return given;
}

static void check_choices(struct init_checker *c, const struct init_key *keys,
                          const struct yaml_node *map, const char *path)
{
    char names[DESCRIBED_MAX];
    const char *last = NULL;
    for (const struct init_key *key = keys; key->name; key++) {
        if (!key->choice || (last && strcmp(last, key->choice) == 0))
            continue;
        last = key->choice;
        bool optional = *last == '?';
        size_t given = choice_names(keys, map, last, names, sizeof names);
        if (given > 1 || (!given && !optional))
            complain(c, map->place, path, "must have %s one of %s",
                     optional ? "at most" : "exactly", names);
    }
}

static void check_item(struct init_checker *c, const struct init_key *keys,
                       const struct yaml_node *map, const char *path)
{
    char inner[INIT_KEY_MAX];
    if (map->kind != YAML_MAP) {
        expect(c, map, path, "a map");
        return;
    }
    for (const struct yaml_node *node = map->children; node; node = node->next) {
        const struct init_key *key = key_of(keys, node->name);
        path_join_key(path, node->name, inner);
        if (key)
            check_value(c, key, node, inner);
        else
            complain_unknown(c, keys, node, inner);
    }
    check_required(c, keys, map, path);
    check_choices(c, keys, map, path);
}

void init_check(const struct yaml_node *root, const char *file, struct problem_list *problems)
{
    struct init_checker c = {file, problems};
    check_item(&c, init_keys, root, "");
}
