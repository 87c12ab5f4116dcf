/*
 * Finds embedded entries by number. Grows by splitting one chain at each insertion (linear
 * hashing), so that no insertion pays for the others. Loop thread.
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
void id_table_free(struct id_table *table); /* entries are the caller's */
/* Never fails: without memory the chains grow longer. */
void id_table_add(struct id_table *table, struct id_entry *entry);
struct id_entry *id_table_find(const struct id_table *table, uint64_t id); /* or NULL */

/* Texts are found by a number made of them: equal texts have the same one, and few others have.
 * Then ids may come several times, and id_table_next is the next entry with the same id, or NULL.
 */
uint64_t id_of_text(uint64_t seed, const char *text);
struct id_entry *id_table_next(const struct id_entry *entry);
void id_table_remove(struct id_table *table, struct id_entry *entry);

#endif
