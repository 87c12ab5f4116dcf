/*
 * Deletes many messages: purged ones, those of a deleted queue, and those past their retention.
 *
 * The queue's row decides: either its purge mark (all messages with lower numbers are purged) or
 * its absence. The response is sent when that row is committed; memory and rows of the messages are
 * freed afterwards, a few at a time, so that no request waits for them. After a crash the rest is
 * recognised by the same row when the state is loaded, and swept then. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_SWEEP_H
#define THUMBWHEEL_QUEUE_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"

struct local_queue;
struct queues;

struct swept_row {
    uint64_t id;
    bool body_apart;
};

struct queue_sweep {
    struct list purged;     /* struct local_message.link */
    struct swept_row *rows; /* queues whose messages are no longer in memory */
    size_t count, capacity;
    bool running;
};

void sweep_open(struct queue_sweep *sweep);
void sweep_close(struct queues *queues);

/* Deletes the row of a message that is no longer in memory. If memory is short, it is left to the
 * next start.
 */
void sweep_row(struct queues *queues, uint64_t id, bool body_apart);
/* Continues until nothing is left. */
void sweep_start(struct queues *queues);

/* Removes all messages from a queue after its mark or its deletion is stored: they can no longer be
 * found, and will be swept. All messages in its lists have lower numbers than the mark, because
 * later sends are stored later; pending messages follow when they are settled. The cost does not
 * depend on their number. */
void queue_purge_below(struct local_queue *queue, uint64_t below_id);

#endif
