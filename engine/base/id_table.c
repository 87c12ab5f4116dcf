#include "id_table.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "error.h"
#include "fnv.h"

enum { FIRST_CHAINS = 64 };

/* Consecutive ids map to consecutive chains, so that adding many accesses memory in order;
 * sequences that start at different multiples of 2^20 (queue_load.c) start at different chains. */
static uint64_t hash_id(uint64_t id)
{
    return id + (id >> 20) * UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / the golden ratio */
}

/* Chains below `split` have already been split and use one more bit. */
static size_t chain_of(const struct id_table *t, uint64_t id)
{
    size_t chain = (size_t)hash_id(id) & (t->level * 2 - 1);
    return chain < t->chain_count ? chain : chain - t->level;
}

int id_table_init(struct id_table *t)
{
    *t = (struct id_table){
        .chain_count = FIRST_CHAINS, .capacity = FIRST_CHAINS, .level = FIRST_CHAINS};
    t->chains = calloc(t->capacity, sizeof *t->chains);
    if (t->chains)
        return 0;
    *t = (struct id_table){0};
    return ERR_MEMORY;
}

int id_table_prepare(struct id_table *t)
{
    return t->chains ? 0 : id_table_init(t);
}

void id_table_free(struct id_table *t)
{
    free(t->chains);
    *t = (struct id_table){0};
}

static int chains_reserve(struct id_table *t)
{
    if (t->chain_count < t->capacity)
        return 0;
    struct id_entry **chains = realloc(t->chains, t->capacity * 2 * sizeof *chains);
    if (!chains)
        return ERR_MEMORY;
    t->chains = chains;
    t->capacity *= 2;
    return 0;
}

static void chain_push(struct id_table *t, struct id_entry *entry)
{
    struct id_entry **chain = &t->chains[chain_of(t, entry->id)];
    entry->next = *chain;
    *chain = entry;
}

static void chain_split(struct id_table *t)
{
    if (t->entry_count < t->chain_count || chains_reserve(t))
        return;
    struct id_entry *entry = t->chains[t->chain_count - t->level];
    t->chains[t->chain_count - t->level] = NULL;
    t->chains[t->chain_count++] = NULL;
    if (t->chain_count == t->level * 2)
        t->level *= 2;
    while (entry) {
        struct id_entry *next = entry->next;
        chain_push(t, entry);
        entry = next;
    }
}

void id_table_add(struct id_table *t, struct id_entry *entry)
{
    chain_split(t);
    chain_push(t, entry);
    t->entry_count++;
}

struct id_entry *id_table_find(const struct id_table *t, uint64_t id)
{
    struct id_entry *entry = t->chains ? t->chains[chain_of(t, id)] : NULL;
    while (entry && entry->id != id)
        entry = entry->next;
    return entry;
}

/* Seeded with a secret number, so that clients cannot cause collisions. */
uint64_t id_of_text(uint64_t seed, const char *text)
{
    return fnv_text(FNV_START ^ seed, text);
}

uint64_t id_of_bytes(uint64_t seed, const void *data, size_t size)
{
    return fnv_bytes(FNV_START ^ seed, data, size);
}

/* Two threads that come first at the same time agree on the number of one of them. Early after the
 * start of the system random bytes may be missing; the time is better than nothing. */
uint64_t id_seed(void)
{
    static _Atomic uint64_t shared;
    uint64_t seed = atomic_load(&shared), none = 0;
    if (seed)
        return seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) {
        struct timespec now = {0};
        clock_gettime(CLOCK_REALTIME, &now);
        seed = ((uint64_t)now.tv_sec << 30) ^ (uint64_t)now.tv_nsec;
    }
    seed |= 1; /* 0 means none */
    return atomic_compare_exchange_strong(&shared, &none, seed) ? seed : none;
}

struct id_entry *id_table_next(const struct id_entry *entry)
{
    struct id_entry *next = entry->next;
    while (next && next->id != entry->id)
        next = next->next;
    return next;
}

void id_table_remove(struct id_table *t, struct id_entry *entry)
{
    struct id_entry **at = &t->chains[chain_of(t, entry->id)];
    while (*at && *at != entry)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = entry->next;
    entry->next = NULL;
    t->entry_count--;
}
