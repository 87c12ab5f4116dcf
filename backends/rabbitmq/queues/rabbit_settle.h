/* What becomes of deliveries: private to rabbit_queue.c and rabbit_settle.c. Loop thread. */
#ifndef THUMBWHEEL_RABBIT_SETTLE_H
#define THUMBWHEEL_RABBIT_SETTLE_H

#include "rabbit_private.h"

/* In rabbit_queue.c. NULL: it was settled, returned or lost. */
struct rabbit_delivery *rabbit_delivery_find(struct rabbit_queue *queue, const char *receipt);
/* From now on, but not beyond its life. ERR_RECEIPT: that is over. */
int rabbit_delivery_extend(const struct rabbit_queue *queue, struct rabbit_delivery *delivery,
                           unsigned seconds);
void rabbit_delivery_settled(struct rabbit_queue *queue, struct rabbit_delivery *delivery);
unsigned rabbit_life(unsigned consumer_timeout_s);
void rabbit_queue_turn(struct rabbit_queue *queue);

/* In rabbit_settle.c. Acknowledges or returns a delivery; nobody waits for the result. */
void rabbit_settle_forget(struct rabbit_queue *queue, const struct rabbit_delivery *delivery,
                          bool requeue);
/* Calls back the batches whose results are complete. */
void rabbit_batches_end(struct rabbit_queue *queue);
/* None of them calls back any more. */
void rabbit_batches_drop(struct rabbit_queue *queue);

#endif
