#include "lru.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fnv.h"

enum { BUCKETS_FIRST = 64 };

void lru_init(struct lru *lru, size_t bytes_max, void (*drop)(struct lru_entry *entry))
{
    *lru = (struct lru){.bytes_max = bytes_max, .drop = drop};
    list_init(&lru->order);
}

void lru_remove(struct lru *lru, struct lru_entry *entry)
{
    struct lru_entry **at = &lru->buckets[entry->hash % lru->bucket_count];
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    list_remove(&entry->link);
    lru->count--;
    lru->bytes -= entry->bytes;
    free(entry->key);
    entry->key = NULL;
}

void lru_clear(struct lru *lru)
{
    while (!list_empty(&lru->order)) {
        struct lru_entry *entry = container_of(lru->order.next, struct lru_entry, link);
        lru_remove(lru, entry);
        lru->drop(entry);
    }
    free(lru->buckets);
    lru->buckets = NULL;
    lru->bucket_count = 0;
}

static void trim(struct lru *lru)
{
    struct list *next;
    for (struct list *l = lru->order.next; l != &lru->order && lru->bytes > lru->bytes_max;
         l = next) {
        struct lru_entry *entry = container_of(l, struct lru_entry, link);
        next = l->next;
        if (entry->pins)
            continue;
        lru_remove(lru, entry);
        lru->drop(entry);
    }
}

struct lru_entry *lru_find(struct lru *lru, const void *key, size_t size)
{
    uint64_t hash = fnv_bytes(FNV_START, key, size);
    struct lru_entry *e = lru->bucket_count ? lru->buckets[hash % lru->bucket_count] : NULL;
    while (e && (e->hash != hash || e->key_size != size || memcmp(e->key, key, size) != 0))
        e = e->next;
    if (e) {
        list_remove(&e->link);
        list_push(&lru->order, &e->link);
    }
    return e;
}

/* Growing an existing table is only an optimisation: if memory is short, the chains get longer. */
static int buckets_grow(struct lru *lru)
{
    if (lru->count < lru->bucket_count)
        return 0;
    size_t count = lru->bucket_count ? lru->bucket_count * 2 : BUCKETS_FIRST;
    struct lru_entry **buckets = calloc(count, sizeof *buckets);
    if (!buckets)
        return lru->bucket_count ? 0 : ERR_MEMORY;
    for (struct list *l = lru->order.next; l != &lru->order; l = l->next) {
        struct lru_entry *e = container_of(l, struct lru_entry, link);
        e->next = buckets[e->hash % count];
        buckets[e->hash % count] = e;
    }
    free(lru->buckets);
    lru->buckets = buckets;
    lru->bucket_count = count;
    return 0;
}

int lru_add(struct lru *lru, struct lru_entry *entry, const void *key, size_t key_size, size_t size)
{
    entry->key = buckets_grow(lru) ? NULL : malloc(key_size + 1);
    if (!entry->key)
        return ERR_MEMORY;
    memcpy(entry->key, key, key_size);
    entry->key_size = key_size;
    entry->hash = fnv_bytes(FNV_START, key, key_size);
    entry->bytes = size + key_size;
    struct lru_entry **at = &lru->buckets[entry->hash % lru->bucket_count];
    entry->next = *at;
    *at = entry;
    list_push(&lru->order, &entry->link);
    lru->count++;
    lru->bytes += entry->bytes;
    entry->pins++; /* but keep the new entry */
    trim(lru);
    entry->pins--;
    return 0;
}

void lru_pin(struct lru_entry *entry)
{
    entry->pins++;
}

void lru_unpin(struct lru *lru, struct lru_entry *entry)
{
    entry->pins--;
    trim(lru);
}
