/*
 * An LRU cache with a size limit. Entries have a key of bytes; the least recently used ones are
 * evicted when the total size exceeds the limit.
 *
 * The entry is embedded in its owner's structure. A pinned entry (one in use) is never evicted, but
 * its size counts. Loop thread.
 */
#ifndef THUMBWHEEL_LRU_H
#define THUMBWHEEL_LRU_H

#include <stddef.h>
#include <stdint.h>

#include "id_table.h"
#include "list.h"

struct lru_entry {
    struct list link;      /* oldest first */
    struct id_entry entry; /* by the hash of its key */
    char *key;             /* malloc'd, owned by the map */
    size_t key_size;
    size_t bytes; /* counted against the limit */
    unsigned pins;
};

struct lru {
    struct id_table index;
    size_t bytes, bytes_max;
    struct list order;
    void (*drop)(struct lru_entry *entry); /* frees the owner's structure; the key has been freed */
};

/* Allocates nothing. */
void lru_init(struct lru *lru, size_t bytes_max, void (*drop)(struct lru_entry *entry));
void lru_clear(struct lru *lru);

/* NULL: not found. An entry that is found becomes the most recently used one. */
struct lru_entry *lru_find(struct lru *lru, const void *key, size_t size);
/* Adds a zeroed entry under a new key; size is that of the owner's structure and counts against the
 * limit. May evict others. ERR_MEMORY: nothing has changed. */
int lru_add(struct lru *lru, struct lru_entry *entry, const void *key, size_t key_size,
            size_t size);
/* Removes the entry without freeing it; the caller owns it again. */
void lru_remove(struct lru *lru, struct lru_entry *entry);
void lru_pin(struct lru_entry *entry);
void lru_unpin(struct lru *lru, struct lru_entry *entry);

#endif
