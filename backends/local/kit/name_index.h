/*
 * Entries sorted by name: found by binary search and listed from any name on, so that the cost of a
 * page depends only on its size. Adding an entry moves pointers, which is cheap up to a few hundred
 * thousand entries. Loop thread.
 */
#ifndef THUMBWHEEL_NAME_INDEX_H
#define THUMBWHEEL_NAME_INDEX_H

#include <stddef.h>

struct named {  /* embed it */
    char *name; /* owned by the embedding struct; constant while indexed */
};

struct name_index {
    struct named **items;
    size_t count, capacity;
};

struct named *name_index_find(const struct name_index *index, const char *name); /* or NULL */
int name_index_add(struct name_index *index, struct named *item);                /* ERR_MEMORY */
void name_index_remove(struct name_index *index, struct named *item);
/* The index of the first name that does not sort before `name`. */
size_t name_index_from(const struct name_index *index, const char *name);
/* The index of the first name that sorts after `name`. */
size_t name_index_after(const struct name_index *index, const char *name);
/* The index of the first name that sorts after all names that begin with `prefix`. */
size_t name_index_beyond(const struct name_index *index, const char *prefix);
void name_index_free(struct name_index *index); /* does not free the items */

#endif
