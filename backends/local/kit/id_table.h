/*
 * Finds embedded entries by number. Grows by splitting one chain at each insertion (linear
 * hashing), so that no single insertion is slow. Loop thread.
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
};

int id_table_init(struct id_table *table);  /* ERR_MEMORY */
void id_table_free(struct id_table *table); /* does not free the entries */
/* Never fails: if memory is short, the chains grow longer. */
void id_table_add(struct id_table *table, struct id_entry *entry);
struct id_entry *id_table_find(const struct id_table *table, uint64_t id); /* or NULL */

/* Strings are found by their hash. Then several entries may have the same id, and id_table_next
 * returns the next one, or NULL.
 */
uint64_t id_of_text(uint64_t seed, const char *text);
struct id_entry *id_table_next(const struct id_entry *entry);
void id_table_remove(struct id_table *table, struct id_entry *entry);

#endif
