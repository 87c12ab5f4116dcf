/*
 * Each configuration of a queue, topic or function becomes one text, of its sorted elements; a
 * document is the sorted list of these.
 */
#include "notification_same.h"

#include <ctype.h>
#include <string.h>

#include "error.h"
#include "text_list.h"
#include "xml_reader.h"

enum { TEXT_MAX = 256 * 1024 };

struct notification_texts {
    struct text_list elements; /* of the current configuration */
    struct text_list configurations;
};

static bool ends_with(const char *path, const char *end)
{
    size_t size = strlen(path), part = strlen(end);
    return size >= part && strcmp(path + size - part, end) == 0;
}

static int configuration_end(struct notification_texts *texts, const char *path)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    text_list_sort(&texts->elements);
    buffer_format(&text, "%s\n", path);
    for (size_t i = 0; i < texts->elements.count; i++)
        buffer_format(&text, "%s\n", texts->elements.items[i]);
    text_list_clear(&texts->elements);
    int code = text.error ? text.error : text_list_add(&texts->configurations, text.data);
    buffer_free(&text);
    return code;
}

static int element_end(void *user, const char *path, struct slice text, size_t start, size_t end)
{
    struct notification_texts *texts = user;
    const char *inner = strchr(path, '/');
    (void)start;
    (void)end;
    if (!inner)
        return 0;
    if (!strchr(inner + 1, '/'))
        return configuration_end(texts, path);
    if (!text.size || strspn(text.data, " \t\r\n") >= text.size)
        return 0;
    const char *line =
        text_list_format(&texts->elements, "%s=%.*s", path, (int)text.size, text.data);
    if (!line)
        return ERR_MEMORY;
    if (ends_with(path, "FilterRule/Name"))
        for (char *c = texts->elements.items[texts->elements.count - 1]; *c; c++)
            *c = (char)tolower((unsigned char)*c);
    return 0;
}

static bool lists_equal(const struct text_list *one, const struct text_list *other)
{
    bool same = one->count == other->count;
    for (size_t i = 0; i < one->count && same; i++)
        same = strcmp(one->items[i], other->items[i]) == 0;
    return same;
}

int notification_same(struct slice one, struct slice other, bool *same)
{
    struct notification_texts a = {0}, b = {0};
    *same = false;
    int code = xml_read(one, NULL, element_end, &a);
    if (!code)
        code = xml_read(other, NULL, element_end, &b);
    text_list_sort(&a.configurations);
    text_list_sort(&b.configurations);
    if (!code)
        *same = lists_equal(&a.configurations, &b.configurations);
    text_list_clear(&a.elements);
    text_list_clear(&a.configurations);
    text_list_clear(&b.elements);
    text_list_clear(&b.configurations);
    return code == ERR_MEMORY ? code : 0;
}
