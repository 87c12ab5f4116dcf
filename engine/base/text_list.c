#include "text_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

/* There is no capacity field: the array doubles whenever the count is a power of two. */
static int grow(struct text_list *list)
{
    if (list->count & (list->count - 1))
        return 0;
    size_t capacity = list->count ? list->count * 2 : 1;
    char **items = realloc(list->items, capacity * sizeof *items);
    if (!items)
        return ERR_MEMORY;
    list->items = items;
    return 0;
}

int text_list_take(struct text_list *list, char *text)
{
    if (!text || grow(list)) {
        free(text);
        return ERR_MEMORY;
    }
    list->items[list->count++] = text;
    return 0;
}

int text_list_add(struct text_list *list, const char *text)
{
    return text_list_take(list, strdup(text));
}

const char *text_list_vformat(struct text_list *list, const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    return text_list_take(list, text) ? NULL : text;
}

const char *text_list_format(struct text_list *list, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = text_list_vformat(list, format, args);
    va_end(args);
    return text;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void text_list_sort(struct text_list *list)
{
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare);
}

void text_list_clear(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct text_list){0};
}
