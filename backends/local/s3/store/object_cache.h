/*
 * A cache of recently read small objects, so that reading them again needs no round trip to the
 * storage thread.
 *
 * Coherence. Every change to a key's objects (objects.c) first increments the key's change count on
 * the storage thread; a read records the count there before it reads. A cached object is used only
 * while the count is unchanged. So as soon as a change begins, well before its response is sent,
 * readers go to the storage thread, which runs them after the change. Keys with the same hash share
 * a count: that may cost a round trip, but is always correct.
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

/* Allocates no memory yet. changes must outlive the cache. */
void object_cache_init(struct object_cache *cache, const struct object_changes *changes);
void object_cache_clear(struct object_cache *cache);

/* The key's current object, or NULL. Valid until the next call of a function in this file. */
const struct cached_object *object_cache_find(struct object_cache *cache, int64_t bucket,
                                              const char *key);
/* Stores copies of an object and its whole body, which were read after `change` was recorded. If
 * memory is short, it does nothing. */
void object_cache_keep(struct object_cache *cache, int64_t bucket, const char *key, uint32_t change,
                       const struct object *object, struct slice body);

#endif
