/*
 * Small objects that were read lately, so that reading them again costs no trip to the storage
 * thread.
 *
 * Coherence. Whatever changes a key's objects (objects.c) first counts up the key's change count,
 * on the storage thread; a read notes the count there, before it reads. A kept object answers only
 * while the count is still the one noted. So from the moment in which a change begins, long before
 * anybody is told that it happened, readers go to the storage thread, in whose order they come
 * after it. Counts are shared by keys with the same hash: that costs a trip, and is never wrong.
 */
#ifndef THUMBWHEEL_LOCAL_OBJECT_CACHE_H
#define THUMBWHEEL_LOCAL_OBJECT_CACHE_H

#include <stdatomic.h>

#include "bytes.h"
#include "lru.h"
#include "objects.h"

enum { OBJECT_CACHE_BYTES = 8 * 1024 * 1024 };

struct object_cache { /* embed it; loop thread */
    struct lru lru;
    const struct object_changes *changes;
};

struct cached_object {
    struct lru_entry entry;
    uint32_t change;
    struct object object; /* owns its strings */
    struct slice body;    /* follows */
};

/* Takes no memory yet. changes outlives the cache. */
void object_cache_init(struct object_cache *cache, const struct object_changes *changes);
void object_cache_clear(struct object_cache *cache);

/* The key's current object, or NULL. Valid until the next call of this file. */
const struct cached_object *object_cache_find(struct object_cache *cache, int64_t bucket,
                                              const char *key);
/* Keeps copies of an object and its whole body as they were read after `change` was noted. Without
 * memory it does nothing. */
void object_cache_keep(struct object_cache *cache, int64_t bucket, const char *key, uint32_t change,
                       const struct object *object, struct slice body);

#endif
