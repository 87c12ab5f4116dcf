/*
 * Deletes the messages of one queue in batches: ten at a time, or fewer when waiting longer would
 * not fill the batch.
 *
 * An idle queue's delete is sent after 10 ms. While more of the queue's messages are being
 * processed, the batch waits up to a second for them: their leases are extended meanwhile, and the
 * number of calls falls to a tenth. A failed entry is retried with backoff; an expired receipt is
 * counted and dropped. Driven by the lease keeper, which owns the timer. Loop thread only.
 */
#ifndef THUMBWHEEL_DELETE_BATCHER_H
#define THUMBWHEEL_DELETE_BATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"

struct lease;
struct lease_home;

struct delete_entry { /* embedded in a lease */
    struct list link;
    uint64_t due_ms; /* not before */
    unsigned attempts;
    bool in_flight;
};

struct delete_batcher {
    struct lease_home *home;
    struct list waiting;
    size_t count;
    uint64_t due_ms; /* when the batch is sent even if it is not full; UINT64_MAX: empty */
};

void delete_batcher_init(struct delete_batcher *batcher, struct lease_home *home);
void delete_batcher_add(struct delete_batcher *batcher, struct delete_entry *entry,
                        uint64_t now_ms);
/* No other messages of the queue are being processed, so waiting deletes are sent at once. */
void delete_batcher_hurry(struct delete_batcher *batcher, uint64_t now_ms);
/* Sends due deletes. */
void delete_batcher_run(struct delete_batcher *batcher, uint64_t now_ms);

#endif
