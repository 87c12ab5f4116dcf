#include "time_heap.h"

#include <assert.h>
#include <stdlib.h>

#include "error.h"

enum { CAPACITY_LEAST = 64 };

static void place(struct time_heap *heap, size_t at, struct time_entry *entry)
{
    heap->entries[at] = entry;
    entry->place = at;
}

static void sift_up(struct time_heap *heap, struct time_entry *entry)
{
    size_t at = entry->place;
    while (at > 1 && heap->entries[at / 2]->at_ms > entry->at_ms) {
        place(heap, at, heap->entries[at / 2]);
        at /= 2;
    }
    place(heap, at, entry);
}

static void sift_down(struct time_heap *heap, struct time_entry *entry)
{
    size_t at = entry->place;
    for (;;) {
        size_t child = at * 2;
        if (child > heap->count)
            break;
        if (child < heap->count && heap->entries[child + 1]->at_ms < heap->entries[child]->at_ms)
            child++;
        if (heap->entries[child]->at_ms >= entry->at_ms)
            break;
        place(heap, at, heap->entries[child]);
        at = child;
    }
    place(heap, at, entry);
}

int time_heap_reserve(struct time_heap *heap, size_t count)
{
    if (count < heap->capacity)
        return 0;
    size_t capacity = count + count / 2 + CAPACITY_LEAST;
    struct time_entry **entries = realloc(heap->entries, capacity * sizeof *entries);
    if (!entries)
        return ERR_MEMORY;
    heap->entries = entries;
    heap->capacity = capacity;
    return 0;
}

void time_heap_set(struct time_heap *heap, struct time_entry *entry, int64_t at_ms)
{
    entry->at_ms = at_ms;
    if (entry->place == 0) {
        assert(heap->count + 1 < heap->capacity);
        place(heap, ++heap->count, entry);
    }
    sift_up(heap, entry);
    sift_down(heap, entry);
}

void time_heap_clear(struct time_heap *heap, struct time_entry *entry)
{
    size_t at = entry->place;
    if (at == 0)
        return;
    entry->place = 0;
    struct time_entry *last = heap->entries[heap->count--];
    if (last == entry)
        return;
    place(heap, at, last);
    sift_up(heap, last);
    sift_down(heap, last);
}

struct time_entry *time_heap_first(const struct time_heap *heap)
{
    return heap->count ? heap->entries[1] : NULL;
}

void time_heap_free(struct time_heap *heap)
{
    free(heap->entries);
    *heap = (struct time_heap){.count = 0};
}
