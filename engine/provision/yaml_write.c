#include "yaml_write.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "error.h"
#include "template_text.h"

enum { LINE_MAX_BYTES = 118, FLOW_MAX_BYTES = 96, STEP = 2, FLOW_DEPTH_MAX = 3 };

static const char comment_mark = '#';

/* ---- on one line ---- */

static bool is_reserved(const char *text)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on",
                                        "off",  "null",  "y",   "n"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* Whether a text means the same without quotes, in every version of YAML. Some parsers take a colon
 * within brackets for the end of a key. */
static bool is_plain(const char *text, bool flow)
{
    size_t size = strlen(text);
    if (!isalpha((unsigned char)text[0]) || is_reserved(text) || strchr(": ", text[size - 1]) ||
        strstr(text, ": ") || strstr(text, " #"))
        return false;
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr(flow ? "_-./*'; ()" : "_-./:*'; ()", *c))
            return false;
    return true;
}

/* A string of JSON is one of YAML too. */
static void write_text(struct buffer *out, const char *text, bool flow)
{
    json_t *string = is_plain(text, flow) ? NULL : json_string(text);
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    if (is_plain(text, flow))
        buffer_text(out, text);
    else if (quoted)
        buffer_text(out, quoted);
    else
        out->error = out->error ? out->error : ERR_MEMORY;
    free(quoted);
    json_decref(string);
}

static void write_scalar(struct buffer *out, const json_t *value, bool flow)
{
    if (json_is_string(value))
        write_text(out, json_string_value(value), flow);
    else if (json_is_integer(value))
        buffer_format(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        buffer_text(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
}

static void write_flow(struct buffer *out, const json_t *value);

static void write_flow_object(struct buffer *out, const json_t *object)
{
    const char *key;
    json_t *member;
    const char *separator = "{ ";
    json_object_foreach((json_t *)(uintptr_t)object, key, member)
    {
        buffer_text(out, separator);
        write_text(out, key, true);
        buffer_text(out, ": ");
        write_flow(out, member);
        separator = ", ";
    }
    buffer_text(out, json_object_size(object) ? " }" : "{}");
}

static void write_flow(struct buffer *out, const json_t *value)
{
    if (json_is_object(value)) {
        write_flow_object(out, value);
        return;
    }
    if (!json_is_array(value)) {
        write_scalar(out, value, true);
        return;
    }
    buffer_byte(out, '[');
    for (size_t i = 0; i < json_array_size(value); i++) {
        buffer_text(out, i ? ", " : "");
        write_flow(out, json_array_get(value, i));
    }
    buffer_byte(out, ']');
}

static unsigned depth_of(const json_t *value)
{
    unsigned deepest = 0;
    const char *key;
    json_t *member;
    if (json_is_array(value))
        for (size_t i = 0; i < json_array_size(value); i++) {
            unsigned depth = depth_of(json_array_get(value, i));
            deepest = depth > deepest ? depth : deepest;
        }
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        unsigned depth = key[0] == comment_mark ? FLOW_DEPTH_MAX : depth_of(member);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + (json_is_object(value) || json_is_array(value));
}

/* Writes the value after its key, if it fits there. */
static bool write_short(struct buffer *out, const json_t *value, size_t column)
{
    struct buffer line;
    if (!json_is_object(value) && !json_is_array(value)) {
        write_scalar(out, value, false);
        return true;
    }
    if (depth_of(value) > FLOW_DEPTH_MAX)
        return false;
    buffer_init(&line, out->max);
    write_flow(&line, value);
    bool fits = line.size <= FLOW_MAX_BYTES && column + line.size <= LINE_MAX_BYTES;
    if (line.error)
        out->error = out->error ? out->error : line.error;
    else if (fits)
        buffer_append(out, line.data, line.size);
    buffer_free(&line);
    return fits;
}

/* ---- on several lines ---- */

static void write_members(struct buffer *out, const json_t *object, unsigned indent, bool inside);

static void write_items(struct buffer *out, const json_t *array, unsigned indent)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        template_indent(out, indent);
        buffer_text(out, "- ");
        if (write_short(out, item, indent + STEP))
            buffer_byte(out, '\n');
        else
            write_members(out, item, indent + STEP, true);
    }
}

static void write_member(struct buffer *out, const char *key, const json_t *member, unsigned indent)
{
    write_text(out, key, false);
    buffer_text(out, ": ");
    if (write_short(out, member, indent + strlen(key) + 2)) {
        buffer_byte(out, '\n');
        return;
    }
    if (!out->error)
        out->data[out->size - 1] = '\n'; /* instead of the space */
    if (json_is_array(member))
        write_items(out, member, indent + STEP);
    else
        write_members(out, member, indent + STEP, false);
}

/* inside: the first member follows the "- " of a list. */
static void write_members(struct buffer *out, const json_t *object, unsigned indent, bool inside)
{
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)object, key, member)
    {
        if (key[0] == comment_mark) {
            template_comment(out, json_string_value(member), indent);
            continue;
        }
        if (!inside)
            template_indent(out, indent);
        inside = false;
        write_member(out, key, member, indent);
    }
}

int yaml_write(const json_t *object, struct buffer *out)
{
    write_members(out, object, 0, false);
    return out->error;
}
