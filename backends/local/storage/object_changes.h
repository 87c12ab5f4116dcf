/*
 * Counts how often the objects of a key were changed: see object_cache.h. Keys with the same hash
 * share a count.
 */
#ifndef THUMBWHEEL_LOCAL_OBJECT_CHANGES_H
#define THUMBWHEEL_LOCAL_OBJECT_CHANGES_H

#include <stdatomic.h>
#include <stdint.h>

enum { OBJECT_CHANGES = 1024 };

struct object_changes { /* embed it, zeroed */
    atomic_uint_least32_t counts[OBJECT_CHANGES];
};

/* Storage thread, before any change to the key. */
void object_changes_note(struct object_changes *changes, int64_t bucket, const char *key);
/* Any thread. */
uint32_t object_changes_count(const struct object_changes *changes, int64_t bucket,
                              const char *key);

#endif
