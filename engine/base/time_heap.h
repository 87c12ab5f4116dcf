/*
 * Points in time, the earliest first: a binary heap of entries that are embedded in what they are
 * for. Setting, moving and clearing one cost the logarithm of how many there are, and no memory:
 * room is made before. Times are the user's, in milliseconds. One thread at a time.
 */
#ifndef THUMBWHEEL_TIME_HEAP_H
#define THUMBWHEEL_TIME_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct time_entry { /* zeroed is "not set" */
    int64_t at_ms;  /* stays when it is cleared */
    size_t place;   /* in the heap, from 1; 0: not set */
};

struct time_heap {               /* zeroed is empty */
    struct time_entry **entries; /* from 1, so that the parent of i is i / 2 */
    size_t count, capacity;
};

/* Room for `count` entries in all, so that time_heap_set for that many cannot fail. ERR_MEMORY. */
int time_heap_reserve(struct time_heap *heap, size_t count);
/* Sets or moves. There must be room. */
void time_heap_set(struct time_heap *heap, struct time_entry *entry, int64_t at_ms);
void time_heap_clear(struct time_heap *heap, struct time_entry *entry);
/* NULL: none is set. */
struct time_entry *time_heap_first(const struct time_heap *heap);
void time_heap_free(struct time_heap *heap);

#endif
