#include "hcl_write.h"

#include <ctype.h>
#include <string.h>

#include "template_text.h"

enum { LIST_LINE_MAX = 72, STEP = 2 };

static void write_value(struct buffer *out, const json_t *value, unsigned indent);
static void write_body(struct buffer *out, const json_t *object, unsigned indent, bool values);

void hcl_write_text(struct buffer *out, const char *text)
{
    buffer_byte(out, '"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            buffer_format(out, "\\%c", *c);
        else if ((unsigned char)*c < ' ')
            buffer_format(out, "\\u%04x", (unsigned)*c);
        else if ((*c == '$' || *c == '%') && c[1] == '{')
            buffer_format(out, "%c%c", *c, *c); /* "$${" is "${" */
        else
            buffer_byte(out, *c);
    }
    buffer_byte(out, '"');
}

static const char *expression_of(const json_t *value)
{
    return json_string_value(json_object_get(value, "="));
}

/* ---- values ---- */

static bool is_identifier(const char *key)
{
    if (!isalpha((unsigned char)key[0]))
        return false;
    while (isalnum((unsigned char)*key) || *key == '_' || *key == '-')
        key++;
    return !*key;
}

static void write_key(struct buffer *out, const char *key, bool values)
{
    if (values && !is_identifier(key))
        hcl_write_text(out, key);
    else
        buffer_text(out, key);
}

static void write_list_lines(struct buffer *out, const json_t *list, unsigned indent)
{
    buffer_text(out, "[\n");
    for (size_t i = 0; i < json_array_size(list); i++) {
        template_indent(out, indent + STEP);
        write_value(out, json_array_get(list, i), indent + STEP);
        buffer_text(out, ",\n");
    }
    template_indent(out, indent);
    buffer_byte(out, ']');
}

/* On one line if it is short and none of its items needs several. */
static void write_list(struct buffer *out, const json_t *list, unsigned indent)
{
    struct buffer line;
    buffer_init(&line, out->max);
    buffer_byte(&line, '[');
    for (size_t i = 0; i < json_array_size(list); i++) {
        buffer_text(&line, i ? ", " : "");
        write_value(&line, json_array_get(list, i), indent);
    }
    buffer_byte(&line, ']');
    if (line.error)
        out->error = out->error ? out->error : line.error;
    else if (line.size <= LIST_LINE_MAX && !strchr(line.data, '\n'))
        buffer_append(out, line.data, line.size);
    else
        write_list_lines(out, list, indent);
    buffer_free(&line);
}

static void write_value(struct buffer *out, const json_t *value, unsigned indent)
{
    const json_t *encoded = json_object_get(value, "jsonencode");
    if (expression_of(value)) {
        buffer_text(out, expression_of(value));
    } else if (encoded) {
        buffer_text(out, "jsonencode(");
        write_value(out, encoded, indent);
        buffer_byte(out, ')');
    } else if (json_is_object(value)) {
        buffer_text(out, "{\n");
        write_body(out, value, indent + STEP, true);
        template_indent(out, indent);
        buffer_byte(out, '}');
    } else if (json_is_array(value)) {
        write_list(out, value, indent);
    } else if (json_is_string(value)) {
        hcl_write_text(out, json_string_value(value));
    } else if (json_is_integer(value)) {
        buffer_format(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else {
        buffer_text(out, json_is_true(value) ? "true" : "false");
    }
}

/* ---- bodies ---- */

static bool is_comment(const char *key)
{
    return key[0] == '#';
}

/* In a value, an array of objects is a list. */
static bool is_block(const json_t *member, bool values)
{
    const json_t *first = json_array_get(member, 0);
    return !values && json_is_object(first) && !expression_of(first);
}

/* Whether the argument stands on one line: only those are aligned with their neighbours. */
static bool is_line(const json_t *member, unsigned indent, bool values, size_t max)
{
    struct buffer text;
    if (is_block(member, values))
        return false;
    buffer_init(&text, max);
    write_value(&text, member, indent);
    bool line = !text.error && text.data && !strchr(text.data, '\n');
    buffer_free(&text);
    return line;
}

static size_t key_size(const char *key, bool values)
{
    struct buffer text;
    buffer_init(&text, 4096);
    write_key(&text, key, values);
    size_t size = text.size;
    buffer_free(&text);
    return size;
}

/* The longest key of the lines from this member on. */
static size_t column_of(json_t *object, void *from, unsigned indent, bool values, size_t max)
{
    size_t column = 0;
    for (void *i = from; i; i = json_object_iter_next(object, i)) {
        const char *key = json_object_iter_key(i);
        if (is_comment(key) || !is_line(json_object_iter_value(i), indent, values, max))
            break;
        size_t size = key_size(key, values);
        column = size > column ? size : column;
    }
    return column;
}

static void write_blocks(struct buffer *out, const char *key, const json_t *list, unsigned indent)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *block = json_array_get(list, i);
        template_indent(out, indent);
        if (json_object_size(block) == 0) {
            buffer_format(out, "%s {}\n", key);
            continue;
        }
        buffer_format(out, "%s {\n", key);
        write_body(out, block, indent + STEP, false);
        template_indent(out, indent);
        buffer_text(out, "}\n");
    }
}

static void write_argument(struct buffer *out, const char *key, const json_t *member,
                           unsigned indent, bool values, size_t column)
{
    size_t size = key_size(key, values);
    template_indent(out, indent);
    write_key(out, key, values);
    buffer_format(out, "%*s = ", column > size ? (int)(column - size) : 0, "");
    write_value(out, member, indent);
    buffer_byte(out, '\n');
}

/* values: the inside of a value, not of a block. */
static void write_body(struct buffer *out, const json_t *object, unsigned indent, bool values)
{
    json_t *body = (json_t *)(uintptr_t)object; /* iterating needs it, and changes nothing */
    size_t column = 0;
    bool first = true;
    for (void *i = json_object_iter(body); i; i = json_object_iter_next(body, i)) {
        const char *key = json_object_iter_key(i);
        const json_t *member = json_object_iter_value(i);
        if (is_comment(key)) {
            buffer_text(out, first ? "" : "\n");
            template_comment(out, json_string_value(member), indent);
            column = 0;
            first = true;
            continue;
        }
        if (is_block(member, values)) {
            buffer_text(out, first ? "" : "\n");
            write_blocks(out, key, member, indent);
            column = 0;
        } else if (!is_line(member, indent, values, out->max)) {
            write_argument(out, key, member, indent, values, 0);
            column = 0;
        } else {
            column = column ? column : column_of(body, i, indent, values, out->max);
            write_argument(out, key, member, indent, values, column);
        }
        first = false;
    }
}

int hcl_write(const json_t *file, struct buffer *out)
{
    write_body(out, file, 0, false);
    return out->error;
}
