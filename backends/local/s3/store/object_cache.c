#include "object_cache.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "object_changes.h"

enum { KEY_MAX = 1024 }; /* S3's own */

struct name { /* the lookup key */
    char data[sizeof(int64_t) + KEY_MAX];
    size_t size;
};

/* False: too long for a key. */
static bool name_make(struct name *name, int64_t bucket, const char *key)
{
    size_t size = strlen(key);
    if (size > KEY_MAX)
        return false;
    memcpy(name->data, &bucket, sizeof bucket);
    memcpy(name->data + sizeof bucket, key, size);
    name->size = sizeof bucket + size;
    return true;
}

static struct cached_object *cached_of(struct lru_entry *entry)
{
    return container_of(entry, struct cached_object, entry);
}

static void cached_free(struct lru_entry *entry)
{
    struct cached_object *cached = cached_of(entry);
    object_clear(&cached->object);
    free(cached);
}

void object_cache_init(struct object_cache *cache, const struct object_changes *changes)
{
    lru_init(&cache->lru, OBJECT_CACHE_BYTES, cached_free);
    cache->changes = changes;
}

void object_cache_clear(struct object_cache *cache)
{
    lru_clear(&cache->lru);
}

static void drop(struct object_cache *cache, struct lru_entry *entry)
{
    lru_remove(&cache->lru, entry);
    cached_free(entry);
}

const struct cached_object *object_cache_find(struct object_cache *cache, int64_t bucket,
                                              const char *key)
{
    struct name name;
    struct lru_entry *entry =
        name_make(&name, bucket, key) ? lru_find(&cache->lru, name.data, name.size) : NULL;
    if (!entry)
        return NULL;
    if (cached_of(entry)->change == object_changes_count(cache->changes, bucket, key))
        return cached_of(entry);
    drop(cache, entry);
    return NULL;
}

static struct cached_object *cached_new(uint32_t change, const struct object *object,
                                        struct slice body)
{
    struct cached_object *cached = calloc(1, sizeof *cached + body.size);
    if (!cached)
        return NULL;
    char *copy = (char *)(cached + 1);
    if (body.size)
        memcpy(copy, body.data, body.size);
    cached->body = (struct slice){copy, body.size};
    cached->change = change;
    if (!object_copy(&cached->object, object))
        return cached;
    free(cached);
    return NULL;
}

static size_t cached_size(const struct cached_object *cached)
{
    const struct object *o = &cached->object;
    return sizeof *cached + cached->body.size + strlen(o->etag) + strlen(o->content_type) +
           strlen(o->headers) + strlen(o->tags) + strlen(o->checksum);
}

void object_cache_keep(struct object_cache *cache, int64_t bucket, const char *key, uint32_t change,
                       const struct object *object, struct slice body)
{
    struct name name;
    if (!name_make(&name, bucket, key) ||
        change != object_changes_count(cache->changes, bucket, key))
        return;
    struct lru_entry *old = lru_find(&cache->lru, name.data, name.size);
    if (old)
        drop(cache, old);
    struct cached_object *cached = cached_new(change, object, body);
    if (cached && lru_add(&cache->lru, &cached->entry, name.data, name.size, cached_size(cached)))
        cached_free(&cached->entry);
}
