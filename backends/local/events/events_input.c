#include "events_input.h"
#include "iso_time.h"
#include "json_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUT_MAX = 8192, /* maximum size of Input and InputTemplate in bytes */
    PATH_MAX_BYTES = 256,
    PATHS_MAX = 100,
    NAME_MAX_BYTES = 256,
};

/* Paths: $.detail.items[0].name; field names with a dot or a bracket are written ['a.b']. */

struct path_step {
    struct slice field; /* data NULL: an index */
    size_t index;
};

static bool index_read(struct slice text, size_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (!isdigit((unsigned char)text.data[i]))
            return false;
        *out = *out * 10 + (size_t)(text.data[i] - '0');
    }
    return text.size > 0 && text.size <= 6;
}

/* Removes the first step of *path, which is not empty. */
static bool step_read(const char **path, struct path_step *step)
{
    const char *at = *path;
    size_t size;
    *step = (struct path_step){.index = 0};
    if (at[0] == '.') {
        size = strcspn(at + 1, ".[");
        step->field = (struct slice){at + 1, size};
        *path = at + 1 + size;
        return size > 0 && !memchr(at + 1, '*', size);
    }
    if (at[0] != '[')
        return false;
    if (at[1] == '\'' || at[1] == '"') {
        const char *end = strchr(at + 2, at[1]);
        step->field = (struct slice){at + 2, end ? (size_t)(end - at - 2) : 0};
        *path = end ? end + 2 : "";
        return end && end[1] == ']';
    }
    size = strcspn(at + 1, "]");
    *path = at + 1 + size + (at[1 + size] == ']');
    return at[1 + size] == ']' && index_read((struct slice){at + 1, size}, &step->index);
}

static bool path_valid(const char *path)
{
    struct path_step step;
    if (!path || path[0] != '$' || strlen(path) > PATH_MAX_BYTES)
        return false;
    for (path++; *path;) {
        if (!step_read(&path, &step))
            return false;
    }
    return true;
}

/* NULL: the event has no such part. */
static json_t *path_find(const char *path, json_t *event)
{
    struct path_step step;
    for (path++; *path && event && step_read(&path, &step);) {
        if (!step.field.data) {
            event = json_array_get(event, step.index);
            continue;
        }
        char *name = slice_dup(step.field);
        event = name ? json_object_get(event, name) : NULL;
        free(name);
    }
    return event;
}

/* Templates. */

struct template_walk {
    const char *at;
    bool quoted; /* `at` is within a JSON string */
    struct slice plain;
    struct slice name; /* name of the placeholder after plain; size 0: the end */
};

/* <name> at `at`. */
static size_t placeholder_size(const char *at)
{
    size_t size = 1;
    while (isalnum((unsigned char)at[size]) || (at[size] && strchr("._-", at[size])))
        size++;
    return size > 1 && at[size] == '>' ? size + 1 : 0;
}

/* Advances beyond the next placeholder; walk->quoted says whether the placeholder is within
 * quotes. */
static void walk_next(struct template_walk *walk)
{
    const char *begin = walk->at, *at = begin;
    size_t size = 0;
    while (*at && !(*at == '<' && (size = placeholder_size(at)) > 0)) {
        if (*at == '"')
            walk->quoted = !walk->quoted;
        at += walk->quoted && at[0] == '\\' && at[1] ? 2 : 1;
    }
    walk->plain = (struct slice){begin, (size_t)(at - begin)};
    walk->name = (struct slice){at + 1, size ? size - 2 : 0};
    walk->at = at + size;
}

static const char *const reserved[] = {
    "aws.events.rule-arn", "aws.events.rule-name",  "aws.events.event.ingestion-time",
    "aws.events.event",    "aws.events.event.json",
};

static bool is_known(const json_t *paths, struct slice name)
{
    char text[NAME_MAX_BYTES + 1];
    if (name.size >= sizeof text)
        return false;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (strcmp(reserved[i], text) == 0)
            return true;
    }
    return json_object_get(paths, text) != NULL;
}

/* Checks. */

/* Whether the text is one JSON value, or strings separated by white space. */
static bool is_json(struct buffer *text)
{
    size_t used = 0, count = 0;
    bool strings = true;
    while (used < text->size) {
        json_error_t why;
        json_t *value = json_loadb(text->data + used, text->size - used,
                                   JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &why);
        if (!value)
            return false;
        strings = strings && json_is_string(value);
        json_decref(value);
        used += (size_t)why.position;
        count++;
        while (used < text->size && isspace((unsigned char)text->data[used]))
            used++;
    }
    return count == 1 || (count > 1 && strings);
}

/* The template with a harmless value in place of each placeholder. */
static int template_check(const char *template, const json_t *paths, struct error *error)
{
    struct template_walk walk = {.at = template};
    struct buffer text;
    int code = 0;
    buffer_init(&text, INPUT_MAX + 1);
    do {
        walk_next(&walk);
        buffer_append(&text, walk.plain.data, walk.plain.size);
        if (walk.name.size && !walk.quoted)
            buffer_byte(&text, '0');
        if (walk.name.size && !walk.quoted && !is_known(paths, walk.name))
            code = error_set(error, ERR_INVALID,
                             "InputTemplate uses <%.*s>, which InputPathsMap does not define",
                             (int)walk.name.size, walk.name.data);
    } while (walk.name.size && !code);
    if (code)
        goto out;
    if (text.error == ERR_MEMORY)
        code = error_set(error, ERR_MEMORY, "out of memory");
    else if (!is_json(&text))
        code = error_set(error, ERR_INVALID,
                         "InputTemplate is not valid: it must be one JSON value or quoted lines, "
                         "with <name> as placeholders");
out:
    buffer_free(&text);
    return code;
}

static int paths_check(json_t *paths, struct error *error)
{
    const char *name;
    json_t *path;
    if (paths && !json_is_object(paths))
        return error_set(error, ERR_INVALID, "InputPathsMap is not a map");
    if (json_object_size(paths) > PATHS_MAX)
        return error_set(error, ERR_INVALID, "InputPathsMap has more than %d entries", PATHS_MAX);
    json_object_foreach(paths, name, path)
    {
        size_t size = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789_-");
        if (!size || name[size] || size > NAME_MAX_BYTES || strncmp(name, "AWS", 3) == 0)
            return error_set(error, ERR_INVALID, "InputPathsMap has the invalid name %.60s", name);
        if (!path_valid(json_string_value(path)))
            return error_set(
                error, ERR_INVALID,
                "InputPathsMap has for %.60s the invalid path %.60s: use $, .field and [0]", name,
                json_is_string(path) ? json_string_value(path) : "");
    }
    return 0;
}

static int transformer_check(json_t *transformer, struct error *error)
{
    const char *template = json_string_value(json_object_get(transformer, "InputTemplate"));
    json_t *paths = json_object_get(transformer, "InputPathsMap");
    if (!template || !*template || strlen(template) > INPUT_MAX)
        return error_set(error, ERR_INVALID, "InputTemplate must have 1 to %d characters",
                         INPUT_MAX);
    int code = paths_check(paths, error);
    return code ? code : template_check(template, paths, error);
}

static int constant_check(const json_t *constant, struct error *error)
{
    const char *text = json_string_value(constant);
    json_error_t why;
    if (!text || strlen(text) > INPUT_MAX)
        return error_set(error, ERR_INVALID, "Input must have at most %d characters", INPUT_MAX);
    json_t *value = json_text_read(slice_of(text), JSON_DECODE_ANY, &why);
    json_decref(value);
    return value ? 0
                 : error_set(error, ERR_INVALID, "JSON syntax error in Input: %.100s", why.text);
}

int events_input_check(const json_t *target, struct error *error)
{
    const json_t *constant = json_object_get(target, "Input");
    const json_t *path = json_object_get(target, "InputPath");
    json_t *transformer = json_object_get(target, "InputTransformer");
    if (!!constant + !!path + !!transformer > 1)
        return error_set(error, ERR_INVALID,
                         "Only one of Input, InputPath, or InputTransformer must be provided");
    if (path && !path_valid(json_string_value(path)))
        return error_set(error, ERR_INVALID, "Invalid InputPath %.60s: use $, .field and [0]",
                         json_is_string(path) ? json_string_value(path) : "");
    if (transformer)
        return transformer_check(transformer, error);
    return constant ? constant_check(constant, error) : 0;
}

/* Creating. */

static int json_append(const json_t *value, struct buffer *out)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        return ERR_MEMORY;
    int code = buffer_text(out, text);
    free(text);
    return code;
}

/* Appends text escaped for a JSON string. */
static int quoted_append(const json_t *value, struct buffer *out)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        return ERR_MEMORY;
    size_t size = strlen(text);
    if (json_is_string(value)) {
        buffer_append(out, text + 1, size - 2);
        size = 0;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\\' && text[i + 1] == '"')
            i++;
        else if (text[i] != '"')
            buffer_byte(out, text[i]);
    }
    free(text);
    return out->error;
}

/* A new reference, or NULL if memory is short. */
static json_t *without_detail(json_t *event)
{
    json_t *copy = json_copy(event);
    if (copy)
        json_object_del(copy, "detail");
    return copy;
}

static json_t *reserved_value(const char *name, json_t *event,
                              const struct events_input_facts *facts)
{
    char time[ISO_TIME_SIZE];
    if (strcmp(name, reserved[0]) == 0)
        return json_string(facts->rule_arn);
    if (strcmp(name, reserved[1]) == 0)
        return json_string(facts->rule_name);
    iso_time_format(facts->time_s, time);
    if (strcmp(name, reserved[2]) == 0)
        return json_string(time);
    return strcmp(name, reserved[3]) == 0 ? without_detail(event) : json_incref(event);
}

static json_t *variable_value(const char *name, const json_t *paths, json_t *event,
                              const struct events_input_facts *facts)
{
    const char *path = json_string_value(json_object_get(paths, name));
    if (!path)
        return reserved_value(name, event, facts);
    json_t *found = path_find(path, event);
    return found ? json_incref(found) : json_string("");
}

static int variable_append(const struct template_walk *walk, const json_t *paths, json_t *event,
                           const struct events_input_facts *facts, struct buffer *out)
{
    if (!is_known(paths, walk->name)) /* then it is within quotes and is copied unchanged */
        return buffer_append(out, walk->name.data - 1, walk->name.size + 2);
    char *name = slice_dup(walk->name);
    json_t *value = name ? variable_value(name, paths, event, facts) : NULL;
    int code = !value         ? ERR_MEMORY
               : walk->quoted ? quoted_append(value, out)
                              : json_append(value, out);
    json_decref(value);
    free(name);
    return code;
}

static int transform(const json_t *transformer, json_t *event,
                     const struct events_input_facts *facts, struct buffer *out)
{
    const json_t *paths = json_object_get(transformer, "InputPathsMap");
    struct template_walk walk = {
        .at = json_string_value(json_object_get(transformer, "InputTemplate"))};
    int code;
    do {
        walk_next(&walk);
        code = buffer_append(out, walk.plain.data, walk.plain.size);
        if (!code && walk.name.size)
            code = variable_append(&walk, paths, event, facts, out);
    } while (!code && walk.name.size);
    return code;
}

int events_input_make(const json_t *target, const json_t *event,
                      const struct events_input_facts *facts, struct buffer *out)
{
    const char *constant = json_string_value(json_object_get(target, "Input"));
    const char *path = json_string_value(json_object_get(target, "InputPath"));
    const json_t *transformer = json_object_get(target, "InputTransformer");
    json_t *borrowed = (json_t *)(uintptr_t)event; /* only its reference count changes */
    if (constant)
        return buffer_text(out, constant);
    if (transformer)
        return transform(transformer, borrowed, facts, out);
    json_t *part = path ? path_find(path, borrowed) : borrowed;
    return part ? json_append(part, out) : buffer_text(out, "null");
}
