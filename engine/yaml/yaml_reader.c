/*
 * The tree is built from libfyaml's events, not from its documents. So anchors and aliases, which
 * these files do not need, are refused at their position instead of being expanded, and depth
 * and number of nodes are limited while reading. Duplicate keys are detected here, because only
 * here all names of a map are known.
 */
#include "yaml_reader.h"

#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yaml_text.h"

enum { DEPTH_MAX = 16, NODES_MAX = 16384 };

struct yaml_reader {
    struct fy_parser *parser;
    struct fy_diag *diag;
    const char *file;
    struct problem_list *problems;
    unsigned nodes;
};

static struct yaml_place place_of(struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    return mark ? (struct yaml_place){mark->line + 1, mark->column + 1} : (struct yaml_place){1, 1};
}

/* For a quoted text or an alias, whose mark is after the first character. */
static struct yaml_place place_before(struct fy_event *event)
{
    struct yaml_place place = place_of(event);
    place.column--;
    return place;
}

static int fail_at(struct yaml_reader *r, struct yaml_place place, const char *what)
{
    const struct problem_place at = {r->file, place.line, place.column, NULL};
    return problem_add(r->problems, &at, ERR_INVALID, "%s", what);
}

static int fail_memory(struct yaml_reader *r)
{
    r->problems->out_of_memory = true;
    return ERR_MEMORY;
}

/* An error detected by libfyaml. */
static int fail_syntax(struct yaml_reader *r)
{
    void *cursor = NULL;
    struct fy_diag_error *found = fy_diag_errors_iterate(r->diag, &cursor);
    struct problem_place at = {r->file, 1, 1, NULL};
    if (!found || !found->msg)
        return problem_add(r->problems, &at, ERR_INVALID, "not valid YAML");
    at.line = found->line;
    at.column = found->column;
    return problem_add(r->problems, &at, ERR_INVALID, "not valid YAML: %s", found->msg);
}

static int next_event(struct yaml_reader *r, struct fy_event **out)
{
    *out = fy_parser_parse(r->parser);
    return *out ? 0 : fail_syntax(r);
}

static int node_new(struct yaml_reader *r, enum yaml_kind kind, struct fy_event *event,
                    struct yaml_node **out)
{
    struct yaml_place place = place_of(event);
    if (++r->nodes > NODES_MAX)
        return fail_at(r, place, "too many values for one file");
    *out = calloc(1, sizeof **out);
    if (!*out)
        return fail_memory(r);
    (*out)->kind = kind;
    (*out)->place = place;
    return 0;
}

static int read_scalar(struct yaml_reader *r, struct fy_event *event, struct yaml_node **out)
{
    struct yaml_node *node = NULL;
    int code = node_new(r, YAML_SCALAR, event, &node);
    if (code)
        return code;
    size_t size = 0;
    struct fy_token *token = event->scalar.value;
    const char *text = token ? fy_token_get_text(token, &size) : "";
    enum fy_scalar_style style = token ? fy_scalar_token_get_style(token) : FYSS_PLAIN;
    node->quoted = style != FYSS_PLAIN;
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
        node->place = place_before(event);
    if (text && memchr(text, '\0', size)) {
        code = fail_at(r, node->place, "a string must not contain the character NUL");
        goto fail;
    }
    node->text = slice_dup((struct slice){text, text ? size : 0});
    if (!node->text) {
        code = fail_memory(r);
        goto fail;
    }
    *out = node;
    return 0;
fail:
    yaml_free(node);
    return code;
}

static int read_node(struct yaml_reader *r, struct fy_event *event, unsigned depth,
                     struct yaml_node **out);

static bool is_duplicate(struct yaml_reader *r, const struct yaml_node *map,
                         const struct yaml_node *key)
{
    const struct problem_place at = {r->file, key->place.line, key->place.column, key->text};
    const struct yaml_node *other = map->children;
    while (other && strcmp(other->name, key->text) != 0)
        other = other->next;
    if (other)
        problem_add(r->problems, &at, ERR_INVALID, "defined twice (first in line %d)",
                    other->name_place.line);
    return other != NULL;
}

/* event is that of the key; the value's follows. A duplicate entry is a problem and is ignored:
 * *out remains NULL. */
static int read_entry(struct yaml_reader *r, struct fy_event *event, unsigned depth,
                      const struct yaml_node *map, struct yaml_node **out)
{
    struct yaml_node *key = NULL;
    struct fy_event *next = NULL;
    bool duplicate = false;
    int code;
    if (event->type != FYET_SCALAR)
        return fail_at(r, place_of(event), "a key must be a plain string");
    if ((code = read_scalar(r, event, &key)))
        goto out;
    duplicate = is_duplicate(r, map, key);
    if ((code = next_event(r, &next)) || (code = read_node(r, next, depth, out)))
        goto out;
    if (duplicate) {
        yaml_free(*out);
        *out = NULL;
        goto out;
    }
    (*out)->name = key->text;
    (*out)->name_place = key->place;
    if ((*out)->place.line == 1 && (*out)->place.column == 1) /* an empty value has no place */
        (*out)->place = key->place;
    key->text = NULL;
out:
    fy_parser_event_free(r->parser, next);
    yaml_free(key);
    return code;
}

static int read_children(struct yaml_reader *r, unsigned depth, struct yaml_node *parent)
{
    struct yaml_node **tail = &parent->children;
    enum fy_event_type end = parent->kind == YAML_MAP ? FYET_MAPPING_END : FYET_SEQUENCE_END;
    for (;;) {
        struct fy_event *event = NULL;
        int code = next_event(r, &event);
        if (code)
            return code;
        bool done = event->type == end;
        if (!done)
            code = parent->kind == YAML_MAP ? read_entry(r, event, depth + 1, parent, tail)
                                            : read_node(r, event, depth + 1, tail);
        fy_parser_event_free(r->parser, event);
        if (code || done)
            return code;
        if (*tail)
            tail = &(*tail)->next;
    }
}

static int read_node(struct yaml_reader *r, struct fy_event *event, unsigned depth,
                     struct yaml_node **out)
{
    if (event->type == FYET_ALIAS)
        return fail_at(r, place_before(event), "aliases (*name) are not supported");
    if (event->type == FYET_SCALAR)
        return read_scalar(r, event, out);
    if (depth >= DEPTH_MAX)
        return fail_at(r, place_of(event), "nested too deeply");
    struct yaml_node *node = NULL;
    int code = node_new(r, event->type == FYET_MAPPING_START ? YAML_MAP : YAML_LIST, event, &node);
    if (code)
        return code;
    code = read_children(r, depth, node);
    if (code) {
        yaml_free(node);
        return code;
    }
    *out = node;
    return 0;
}

/* The events before the root: stream start, document start. */
static int read_root(struct yaml_reader *r, struct yaml_node **out)
{
    for (;;) {
        struct fy_event *event = NULL;
        int code = next_event(r, &event);
        if (code)
            return code;
        bool prelude = event->type == FYET_STREAM_START || event->type == FYET_DOCUMENT_START;
        if (event->type == FYET_STREAM_END)
            code = fail_at(r, (struct yaml_place){1, 1}, "the file is empty");
        else if (!prelude)
            code = read_node(r, event, 0, out);
        fy_parser_event_free(r->parser, event);
        if (code || !prelude)
            return code;
    }
}

static int read_end(struct yaml_reader *r)
{
    for (;;) {
        struct fy_event *event = NULL;
        int code = next_event(r, &event);
        if (code)
            return code;
        bool done = event->type == FYET_STREAM_END;
        if (event->type == FYET_DOCUMENT_START)
            code = fail_at(r, place_of(event), "the file must have only one document");
        fy_parser_event_free(r->parser, event);
        if (code || done)
            return code;
    }
}

static void print_nothing(struct fy_diag *diag, void *user, const char *text, size_t size)
{
    (void)diag;
    (void)user;
    (void)text;
    (void)size;
}

/* Receives libfyaml's diagnostics, which it would otherwise print. */
static struct fy_diag *diag_new(void)
{
    struct fy_diag_cfg config;
    fy_diag_cfg_default(&config);
    config.fp = NULL;
    config.output_fn = print_nothing;
    struct fy_diag *diag = fy_diag_create(&config);
    if (diag)
        fy_diag_set_collect_errors(diag, true);
    return diag;
}

static int read_all(struct yaml_reader *r, struct slice text, struct yaml_node **out)
{
    if (fy_parser_set_string(r->parser, text.data, text.size))
        return fail_memory(r);
    int code = read_root(r, out);
    return code ? code : read_end(r);
}

int yaml_read(struct slice text, const char *file, struct yaml_node **out,
              struct problem_list *problems)
{
    int code = yaml_text_check(text, file, problems);
    if (code)
        return code;
    struct yaml_reader r = {.file = file, .problems = problems, .diag = diag_new()};
    struct fy_parse_cfg config = {.flags = FYPCF_QUIET, .diag = r.diag};
    struct yaml_node *root = NULL;
    if (r.diag)
        r.parser = fy_parser_create(&config);
    code = r.parser ? read_all(&r, text, &root) : fail_memory(&r);
    if (r.parser)
        fy_parser_destroy(r.parser);
    if (r.diag)
        fy_diag_destroy(r.diag);
    if (code) {
        yaml_free(root);
        return code;
    }
    *out = root;
    return 0;
}

void yaml_free(struct yaml_node *node)
{
    while (node) {
        struct yaml_node *next = node->next;
        yaml_free(node->children);
        free(node->text);
        free(node->name);
        free(node);
        node = next;
    }
}

const char *yaml_describe(const struct yaml_node *node, char *buffer, size_t size)
{
    if (node->kind == YAML_LIST)
        return "a list";
    if (node->kind == YAML_MAP)
        return "a map";
    if (!node->quoted && !*node->text)
        return "nothing";
    snprintf(buffer, size, node->quoted ? "the string \"%.60s\"" : "\"%.60s\"", node->text);
    return buffer;
}

const struct yaml_node *yaml_child(const struct yaml_node *map, const char *name)
{
    const struct yaml_node *child = map->children;
    while (child && strcmp(child->name, name) != 0)
        child = child->next;
    return child;
}
