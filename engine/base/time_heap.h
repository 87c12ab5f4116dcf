/*
 * A binary heap of points in time, the earliest first. Entries are embedded in their owner's
 * structure. Setting, moving and clearing an entry take O(log n) time and no memory, since room is
 * reserved beforehand. Times are in milliseconds of any clock. One thread at a time.
 */
#ifndef THUMBWHEEL_TIME_HEAP_H
#define THUMBWHEEL_TIME_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct time_entry { /* zeroed: not set */
    int64_t at_ms;  /* kept when the entry is cleared */
    size_t place;   /* index in the heap, from 1; 0: not set */
};

struct time_heap {               /* zeroed: empty */
    struct time_entry **entries; /* from 1, so that the parent of i is i / 2 */
    size_t count, capacity;
};

/* Reserves room for `count` entries in all, so that time_heap_set cannot fail for that many.
 * ERR_MEMORY. */
int time_heap_reserve(struct time_heap *heap, size_t count);
/* Sets or moves an entry. There must be room. */
void time_heap_set(struct time_heap *heap, struct time_entry *entry, int64_t at_ms);
void time_heap_clear(struct time_heap *heap, struct time_entry *entry);
/* The earliest entry; NULL: none is set. */
struct time_entry *time_heap_first(const struct time_heap *heap);
void time_heap_free(struct time_heap *heap);

#endif
