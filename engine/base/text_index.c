#include "text_index.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fnv.h"

/* Open addressing with linear probing, at most half full. */
static struct text_index_slot *slot_of(struct text_index_slot *slots, size_t capacity,
                                       const char *text)
{
    size_t at = (size_t)fnv_text(FNV_START, text) & (capacity - 1);
    while (slots[at].text && strcmp(slots[at].text, text) != 0)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static int grow(struct text_index *index)
{
    size_t capacity = index->capacity ? index->capacity * 2 : 32;
    struct text_index_slot *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return ERR_MEMORY;
    for (size_t i = 0; i < index->capacity; i++)
        if (index->slots[i].text)
            *slot_of(slots, capacity, index->slots[i].text) = index->slots[i];
    free(index->slots);
    index->slots = slots;
    index->capacity = capacity;
    return 0;
}

int text_index_add(struct text_index *index, const char *text, size_t value)
{
    if (index->count * 2 >= index->capacity && grow(index))
        return ERR_MEMORY;
    *slot_of(index->slots, index->capacity, text) = (struct text_index_slot){text, value};
    index->count++;
    return 0;
}

size_t text_index_find(const struct text_index *index, const char *text)
{
    if (!index->capacity)
        return SIZE_MAX;
    const struct text_index_slot *slot = slot_of(index->slots, index->capacity, text);
    return slot->text ? slot->value : SIZE_MAX;
}

void text_index_clear(struct text_index *index)
{
    free(index->slots);
    *index = (struct text_index){0};
}
