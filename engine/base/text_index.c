#include "text_index.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "error.h"

struct text_entry {
    struct id_entry entry;
    struct text_entry *before;
    const char *text; /* borrowed */
    size_t value;
};

int text_index_add(struct text_index *index, const char *text, size_t value)
{
    struct text_entry *e = id_table_prepare(&index->table) ? NULL : calloc(1, sizeof *e);
    if (!e)
        return ERR_MEMORY;
    e->entry.id = id_of_text(id_seed(), text);
    e->text = text;
    e->value = value;
    e->before = index->entries;
    index->entries = e;
    id_table_add(&index->table, &e->entry);
    return 0;
}

size_t text_index_find(const struct text_index *index, const char *text)
{
    struct id_entry *found = id_table_find(&index->table, id_of_text(id_seed(), text));
    for (; found; found = id_table_next(found)) {
        const struct text_entry *e = container_of(found, struct text_entry, entry);
        if (strcmp(e->text, text) == 0)
            return e->value;
    }
    return SIZE_MAX;
}

void text_index_clear(struct text_index *index)
{
    while (index->entries) {
        struct text_entry *e = index->entries;
        index->entries = e->before;
        free(e);
    }
    id_table_free(&index->table);
}
