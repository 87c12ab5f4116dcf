#include "text_template.h"

#include <stdio.h>
#include <string.h>

#include "nearest.h"

enum { SHOWN_MAX = 60 };

struct piece {
    struct slice text; /* of a placeholder: its name */
    bool placeholder;
};

/* Takes the next piece from *cursor. False at the end, and at a brace without a partner, which is
 * then at *cursor. */
static bool piece_next(const char **cursor, struct piece *out)
{
    const char *start = *cursor;
    size_t size = strcspn(start, "{}");
    *out = (struct piece){{start, size}, false};
    *cursor = start + size;
    if (size || !*start)
        return size > 0;
    if (start[1] == start[0]) {
        *cursor = start + 2;
        out->text = (struct slice){start, 1};
        return true;
    }
    const char *end = *start == '{' ? strpbrk(start + 1, "{}") : NULL;
    if (!end || *end == '{')
        return false;
    *cursor = end + 1;
    *out = (struct piece){{start + 1, (size_t)(end - start - 1)}, true};
    return true;
}

static size_t index_of(struct slice name, const char *const *names, size_t count)
{
    size_t i = 0;
    while (i < count && !slice_equal_text(name, names[i]))
        i++;
    return i;
}

static void list_append(struct buffer *out, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buffer_format(out, "%s{%s}", i ? " " : "", names[i]);
}

static int fail_unknown(struct slice name, const char *const *names, size_t count,
                        struct error *error)
{
    char typed[SHOWN_MAX + 1], text[ERROR_TEXT_MAX];
    snprintf(typed, sizeof typed, "%.*s", (int)name.size, name.data);
    const char *nearest = nearest_name(typed, names, count);
    if (nearest)
        snprintf(text, sizeof text, "did you mean {%s}?", nearest);
    struct buffer list;
    buffer_init(&list, ERROR_TEXT_MAX);
    list_append(&list, names, count);
    int code = error_set(error, ERR_INVALID, "unknown placeholder {%s}; %s%s", typed,
                         nearest ? "" : "the placeholders are ",
                         nearest     ? text
                         : list.data ? list.data
                                     : "");
    buffer_free(&list);
    return code;
}

int text_template_check(const char *text, const char *const *names, size_t count,
                        struct error *error)
{
    struct piece piece;
    while (piece_next(&text, &piece)) {
        if (piece.placeholder && index_of(piece.text, names, count) == count)
            return fail_unknown(piece.text, names, count, error);
    }
    if (*text)
        return error_set(error, ERR_INVALID,
                         "unmatched brace at \"%.40s\"; write a brace itself twice, as {{ or }}",
                         text);
    return 0;
}

bool text_template_uses(const char *text, const char *name)
{
    struct piece piece;
    while (piece_next(&text, &piece)) {
        if (piece.placeholder && slice_equal_text(piece.text, name))
            return true;
    }
    return false;
}

int text_template_expand(const char *text, const char *const *names, const char *const *values,
                         size_t count, struct buffer *out)
{
    struct piece piece;
    while (piece_next(&text, &piece)) {
        size_t i = piece.placeholder ? index_of(piece.text, names, count) : count;
        if (i < count)
            buffer_text(out, values[i]);
        else
            buffer_append(out, piece.text.data, piece.text.size);
    }
    return out->error;
}
