#include "name_index.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

/* The index of the first name whose first `size` bytes sort at `order` (0: with text, 1: after it)
 * or later. */
static size_t first_place(const struct name_index *index, const char *text, size_t size, int order)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strncmp(index->items[middle]->name, text, size) < order)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t name_index_from(const struct name_index *index, const char *name)
{
    return first_place(index, name, strlen(name) + 1, 0);
}

size_t name_index_after(const struct name_index *index, const char *name)
{
    return first_place(index, name, strlen(name) + 1, 1);
}

size_t name_index_beyond(const struct name_index *index, const char *prefix)
{
    return first_place(index, prefix, strlen(prefix), 1);
}

struct named *name_index_find(const struct name_index *index, const char *name)
{
    size_t at = name_index_from(index, name);
    if (at == index->count || strcmp(index->items[at]->name, name) != 0)
        return NULL;
    return index->items[at];
}

int name_index_add(struct name_index *index, struct named *item)
{
    if (index->count == index->capacity) {
        size_t capacity = index->capacity ? index->capacity * 2 : 16;
        struct named **items = realloc(index->items, capacity * sizeof *items);
        if (!items)
            return ERR_MEMORY;
        index->items = items;
        index->capacity = capacity;
    }
    size_t at = name_index_from(index, item->name);
    memmove(&index->items[at + 1], &index->items[at], (index->count - at) * sizeof *index->items);
    index->items[at] = item;
    index->count++;
    return 0;
}

void name_index_remove(struct name_index *index, struct named *item)
{
    size_t at = name_index_from(index, item->name);
    if (at == index->count || index->items[at] != item)
        return;
    index->count--;
    memmove(&index->items[at], &index->items[at + 1], (index->count - at) * sizeof *index->items);
}

void name_index_free(struct name_index *index)
{
    free(index->items);
    *index = (struct name_index){0};
}
