/*
 * Deletes many messages at once: purged ones, those of a deleted queue, and those past their
 * retention.
 *
 * What decides is one small row: the queue's mark (every message with a lower number is purged) or
 * its absence. With its commit the client is answered; memory and rows of the messages go
 * afterwards, a piece at a time, so that nobody waits behind them. What a crash leaves over is
 * recognised by the same row when the state is read, and swept then. Loop thread.
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
    struct swept_row *rows; /* whose messages are not in memory */
    size_t count, capacity;
    bool running;
};

void sweep_open(struct queue_sweep *sweep);
void sweep_close(struct queues *queues);

/* The row of a message that is not in memory any more. Without memory it is left to the next start.
 */
void sweep_row(struct queues *queues, uint64_t id, bool body_apart);
/* Goes on until nothing is left. */
void sweep_start(struct queues *queues);

/* Takes all messages out of a queue, once its mark or its absence is stored: they are found by
 * nobody any more, and swept. All that are in its lists have lower numbers than the mark, since
 * what was sent later is stored later; those that are held now follow when they are settled. Costs
 * the same whatever their number. */
void queue_purge_below(struct local_queue *queue, uint64_t below_id);

#endif
