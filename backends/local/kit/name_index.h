/*
 * Named things in the order of their names: found by halving, listed from any name on, so that a
 * page of a listing costs what it shows. Adding one moves pointers, which is cheap up to some
 * hundred thousands. Loop thread.
 */
#ifndef THUMBWHEEL_NAME_INDEX_H
#define THUMBWHEEL_NAME_INDEX_H

#include <stddef.h>

struct named {  /* embed it */
    char *name; /* owned by whoever embeds it; constant while indexed */
};

struct name_index {
    struct named **items;
    size_t count, capacity;
};

struct named *name_index_find(const struct name_index *index, const char *name); /* or NULL */
int name_index_add(struct name_index *index, struct named *item);                /* ERR_MEMORY */
void name_index_remove(struct name_index *index, struct named *item);
/* The place of the first name that is not before `name`. */
size_t name_index_from(const struct name_index *index, const char *name);
void name_index_free(struct name_index *index); /* items are the caller's */

#endif
