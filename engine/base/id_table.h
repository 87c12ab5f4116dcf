/*
 * The hash table: finds embedded entries by number, or by the hash of a text. Grows by splitting one
 * chain at each insertion (linear hashing), so that no single insertion is slow. One thread at a
 * time.
 *
 * Texts come from peers: object keys, message ids. So that nobody can choose texts whose hashes
 * collide, a hash starts with a random number that is made once for each process (id_seed) or data
 * directory. A lookup among n entries then takes constant time on average, whatever the texts.
 */
#ifndef THUMBWHEEL_ID_TABLE_H
#define THUMBWHEEL_ID_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct id_entry { /* embed it */
    uint64_t id;
    struct id_entry *next;
};

struct id_table {
    struct id_entry **chains;
    size_t chain_count, capacity, entry_count;
    size_t level; /* the largest FIRST_CHAINS * 2^n that is not above chain_count */
};

int id_table_init(struct id_table *table); /* ERR_MEMORY */
/* Initialises a zeroed table at its first use. ERR_MEMORY. */
int id_table_prepare(struct id_table *table);
void id_table_free(struct id_table *table); /* does not free the entries; leaves the table zeroed */
/* Never fails: if memory is short, the chains grow longer. */
void id_table_add(struct id_table *table, struct id_entry *entry);
struct id_entry *id_table_find(const struct id_table *table,
                               uint64_t id); /* or NULL; the table may be zeroed */

/* Strings are found by their hash. Then several entries may have the same id, and id_table_next
 * returns the next one, or NULL.
 */
uint64_t id_of_text(uint64_t seed, const char *text);
uint64_t id_of_bytes(uint64_t seed, const void *data, size_t size);
uint64_t id_seed(void); /* a random number, the same for the life of the process; any thread */
struct id_entry *id_table_next(const struct id_entry *entry);
void id_table_remove(struct id_table *table, struct id_entry *entry);

#endif
