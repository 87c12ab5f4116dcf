#include "lru.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

void lru_init(struct lru *lru, size_t bytes_max, void (*drop)(struct lru_entry *entry))
{
    *lru = (struct lru){.bytes_max = bytes_max, .drop = drop};
    list_init(&lru->order);
}

void lru_remove(struct lru *lru, struct lru_entry *entry)
{
    id_table_remove(&lru->index, &entry->entry);
    list_remove(&entry->link);
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
    id_table_free(&lru->index);
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

static struct lru_entry *entry_of(struct id_entry *found)
{
    return found ? container_of(found, struct lru_entry, entry) : NULL;
}

struct lru_entry *lru_find(struct lru *lru, const void *key, size_t size)
{
    struct lru_entry *e = entry_of(id_table_find(&lru->index, id_of_bytes(id_seed(), key, size)));
    while (e && (e->key_size != size || memcmp(e->key, key, size) != 0))
        e = entry_of(id_table_next(&e->entry));
    if (e) {
        list_remove(&e->link);
        list_push(&lru->order, &e->link);
    }
    return e;
}

int lru_add(struct lru *lru, struct lru_entry *entry, const void *key, size_t key_size, size_t size)
{
    entry->key = id_table_prepare(&lru->index) ? NULL : malloc(key_size + 1);
    if (!entry->key)
        return ERR_MEMORY;
    memcpy(entry->key, key, key_size);
    entry->key_size = key_size;
    entry->bytes = size + key_size;
    entry->entry.id = id_of_bytes(id_seed(), key, key_size);
    id_table_add(&lru->index, &entry->entry);
    list_push(&lru->order, &entry->link);
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
