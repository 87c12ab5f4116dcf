/* Shared by buckets.c, which stores them, and bucket_changes.c. Loop thread, except for blobs. */
#ifndef THUMBWHEEL_LOCAL_BUCKETS_INTERNAL_H
#define THUMBWHEEL_LOCAL_BUCKETS_INTERNAL_H

#include "buckets.h"
#include "object_cache.h"

struct bucket_entry {
    int64_t id;
    char *name;
    int64_t created_ms;
    struct notification notification;
    struct bucket_setting settings[BUCKET_SETTING_KINDS];
};

struct buckets {
    struct storage *storage;
    const char *region, *account; /* of buckets that say nothing */
    struct blobs blobs;           /* storage thread */
    struct object_cache cache;
    uint64_t next_number;
    struct bucket_entry *entries; /* by name */
    size_t count;
};

/* NULL: no bucket has that name. */
struct bucket_entry *buckets_find_entry(const struct buckets *buckets, const char *name);
/* Takes the name; NULL if memory is short. */
struct bucket_entry *buckets_insert_entry(struct buckets *buckets, int64_t id, char *name,
                                          int64_t created_ms);
void buckets_remove_entry(struct buckets *buckets, const char *name);

#endif
