#include "key_template.h"

#include <stdlib.h>
#include <string.h>

#include "image_format.h"
#include "object_store.h"

static const char *const part_names[KEY_PART_COUNT] = {
    [KEY_BUCKET] = "bucket", [KEY_KEY] = "key",           [KEY_DIR] = "dir", [KEY_NAME] = "name",
    [KEY_STEM] = "stem",     [KEY_IMAGE] = "image",       [KEY_EXT] = "ext", [KEY_WIDTH] = "width",
    [KEY_HEIGHT] = "height", [KEY_PIPELINE] = "pipeline",
};

#define PLACEHOLDERS "{bucket} {key} {dir} {name} {image} {stem} {ext} {width} {height} {pipeline}"

static enum key_part part_find(struct slice name)
{
    for (enum key_part part = KEY_LITERAL + 1; part < KEY_PART_COUNT; part++) {
        if (slice_equal_text(name, part_names[part]))
            return part;
    }
    return KEY_LITERAL;
}

bool key_template_next(const char **cursor, struct key_piece *out)
{
    const char *start = *cursor;
    if (!*start)
        return false;
    const char *end = *start == '{' ? strchr(start, '}') : NULL;
    if (end) {
        out->part = part_find((struct slice){start + 1, (size_t)(end - start - 1)});
        *cursor = end + 1;
    } else {
        out->part = KEY_LITERAL;
        *cursor = start + strcspn(start, "{");
    }
    out->text = (struct slice){start, (size_t)(*cursor - start)};
    return true;
}

/* "." and ".." as parts of a key: S3 refuses such URLs, and a download could leave its folder. */
static bool has_dot_part(const char *text)
{
    while (*text) {
        size_t size = strcspn(text, "/");
        if ((size == 1 && text[0] == '.') || (size == 2 && text[0] == '.' && text[1] == '.'))
            return true;
        text += size + (text[size] == '/');
    }
    return false;
}

int key_template_check(const char *text, struct error *error)
{
    if (!*text)
        return error_set(error, ERR_INVALID, "must not be empty");
    if (*text == '/')
        return error_set(error, ERR_INVALID, "must not begin with a slash");
    if (has_dot_part(text))
        return error_set(error, ERR_INVALID, "must not have \".\" or \"..\" as a part of the key");
    if (strlen(text) > OBJECT_KEY_MAX)
        return error_set(error, ERR_INVALID, "must not be longer than %d bytes, the limit for keys",
                         OBJECT_KEY_MAX);
    const char *cursor = text;
    while (*cursor) {
        size_t literal = strcspn(cursor, "{}");
        cursor += literal;
        if (!*cursor)
            break;
        const char *end = *cursor == '{' ? strpbrk(cursor + 1, "{}") : NULL;
        if (!end || *end == '{')
            return error_set(error, ERR_INVALID, "unmatched brace in \"%.100s\"", text);
        struct slice name = {cursor + 1, (size_t)(end - cursor - 1)};
        if (part_find(name) == KEY_LITERAL)
            return error_set(error, ERR_INVALID,
                             "unknown placeholder {%.*s}; the placeholders are " PLACEHOLDERS,
                             (int)(name.size < 60 ? name.size : 60), name.data);
        cursor = end + 1;
    }
    return 0;
}

static void append_name(struct buffer *b, const char *key, bool whole)
{
    const char *slash = strrchr(key, '/');
    const char *name = slash ? slash + 1 : key;
    const char *dot = whole ? NULL : strrchr(name, '.');
    /* If the only dot of a name is its first character, there is no extension. */
    buffer_append(b, name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

/* The extension is appended, not replaced: cat.png becomes cat.png.jpg, so that it does not
 * overwrite the output of cat.jpg. */
static void append_image(struct buffer *b, const char *key, const char *ext)
{
    enum image_format named = image_format_of_ext(image_format_key_ext(slice_of(key)));
    append_name(b, key, true);
    if (named == FORMAT_KEEP || named != image_format_of_ext(slice_of(ext)))
        buffer_format(b, ".%s", ext);
}

/* Appends the directory. If it is empty, the slash after it in the template is omitted too, so that
 * no key begins with a slash or contains two in a row. */
static void append_dir(struct buffer *b, const char *key, const char **cursor)
{
    const char *slash = strrchr(key, '/');
    size_t size = slash ? (size_t)(slash - key) : 0;
    buffer_append(b, key, size);
    bool at_edge = b->size == 0 || b->data[b->size - 1] == '/';
    if (size == 0 && at_edge && **cursor == '/')
        ++*cursor;
}

static void append_piece(struct buffer *b, const struct key_piece *piece,
                         const struct key_values *values, const char **cursor)
{
    switch (piece->part) {
    case KEY_LITERAL:
    case KEY_PART_COUNT:
        buffer_append(b, piece->text.data, piece->text.size);
        break;
    case KEY_BUCKET:
        buffer_text(b, values->bucket);
        break;
    case KEY_KEY:
        buffer_text(b, values->key);
        break;
    case KEY_DIR:
        append_dir(b, values->key, cursor);
        break;
    case KEY_NAME:
    case KEY_STEM:
        append_name(b, values->key, piece->part == KEY_NAME);
        break;
    case KEY_IMAGE:
        append_image(b, values->key, values->ext);
        break;
    case KEY_EXT:
        buffer_text(b, values->ext);
        break;
    case KEY_WIDTH:
    case KEY_HEIGHT:
        if (values->number)
            buffer_text(b, values->number);
        else
            buffer_format(b, "%u", piece->part == KEY_WIDTH ? values->width : values->height);
        break;
    case KEY_PIPELINE:
        buffer_text(b, values->pipeline);
        break;
    }
}

int key_template_expand(const char *text, const struct key_values *values, char **out,
                        struct error *error)
{
    struct buffer b;
    struct key_piece piece;
    buffer_init(&b, OBJECT_KEY_MAX);
    while (key_template_next(&text, &piece))
        append_piece(&b, &piece, values, &text);
    int code = b.error;
    if (!code && b.size == 0)
        code = ERR_INVALID;
    *out = code ? NULL : buffer_take_text(&b);
    buffer_free(&b);
    if (code == ERR_LIMIT)
        return error_set(error, ERR_NAME_TOO_LONG, "the output's key would be longer than %d bytes",
                         OBJECT_KEY_MAX);
    if (code == ERR_INVALID)
        return error_set(error, code, "the output's key would be empty");
    if (code || !*out)
        return error_set(error, ERR_MEMORY, "not enough memory for the output's key");
    return 0;
}
