/* A set of photos, by bucket and key, in the order in which they were added. Loop thread. */
#ifndef THUMBWHEEL_PHOTO_NAMES_H
#define THUMBWHEEL_PHOTO_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "id_table.h"
#include "list.h"

struct named_photo {
    struct list link;
    struct id_entry entry;
    char *bucket, *key;
    uint64_t due_ms; /* of the next look */
    unsigned tries;
};

struct name_set {
    struct list order;
    struct id_table table;
    size_t count;
};

int name_set_init(struct name_set *set); /* ERR_MEMORY */
void name_set_clear(struct name_set *set);
/* Adds a copy, or finds the one that is there. NULL: out of memory. */
struct named_photo *name_set_add(struct name_set *set, const char *bucket, const char *key);
struct named_photo *name_set_find(const struct name_set *set, const char *bucket, const char *key);
/* Removes it; the caller frees it. */
void name_set_take(struct name_set *set, struct named_photo *photo);
void named_photo_free(struct named_photo *photo);

/* The same in this process for the same name; different, most likely, for another. */
uint64_t photo_name_id(const char *bucket, const char *key);

#endif
