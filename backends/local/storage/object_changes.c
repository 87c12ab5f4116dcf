#include "object_changes.h"

#include <stddef.h>

#include "fnv.h"

static size_t count_of(int64_t bucket, const char *key)
{
    uint64_t hash = fnv_text(fnv_bytes(FNV_START, &bucket, sizeof bucket), key);
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
