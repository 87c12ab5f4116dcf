#include "object_changes.h"

#include <stddef.h>

static size_t count_of(int64_t bucket, const char *key)
{
    uint64_t hash = (0xcbf29ce484222325u ^ (uint64_t)bucket) * 0x100000001b3u; /* FNV-1a */
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 0x100000001b3u;
    return (hash ^ hash >> 32) % OBJECT_CHANGES;
}

void object_changes_note(struct object_changes *changes, int64_t bucket, const char *key)
{
    atomic_fetch_add(&changes->counts[count_of(bucket, key)], 1);
}

uint32_t object_changes_count(const struct object_changes *changes, int64_t bucket, const char *key)
{
    return atomic_load(&changes->counts[count_of(bucket, key)]);
}
