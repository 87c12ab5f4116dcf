/* A hash index from a text to a position; the texts are owned elsewhere. */
#ifndef THUMBWHEEL_TEXT_INDEX_H
#define THUMBWHEEL_TEXT_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "id_table.h"

struct text_index {
    struct id_table table;
    struct text_entry *entries; /* the last one first */
};

/* The text must outlive the index and must not be in it yet. ERR_MEMORY. */
int text_index_add(struct text_index *index, const char *text, size_t value);
/* SIZE_MAX: not found. */
size_t text_index_find(const struct text_index *index, const char *text);
void text_index_clear(struct text_index *index);

#endif
