/*
 * Receives from FIFO queues that a client may repeat: ReceiveRequestAttemptId.
 *
 * Whoever lost an answer asks again with the same id within five minutes and gets the same messages
 * with the same receipt handles, their visibility begun anew, unless one of them was deleted,
 * changed or became visible meanwhile: then it is a new receive. In memory alone: after a restart
 * the messages come back when their visibility ends. Source: ReceiveMessage in the Amazon SQS API
 * Reference. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_ATTEMPTS_H
#define THUMBWHEEL_QUEUE_ATTEMPTS_H

#include <stddef.h>

#include "id_table.h"
#include "list.h"

struct local_message;
struct local_queue;
struct queue_delivery;
struct queues;

struct receive_attempts {
    struct id_table known; /* by queue and id */
    struct list in_time;   /* oldest first */
};

int attempts_open(struct receive_attempts *attempts); /* ERR_MEMORY */
void attempts_close(struct receive_attempts *attempts);

/* Remembers what an attempt was given. Without memory it is forgotten, and so is no error. */
void attempt_keep(struct local_queue *queue, const char *id, const struct queue_delivery *given,
                  size_t count);
/* What the same attempt was given before, all of it still in flight; 0: nothing that can be given
 * again. */
size_t attempt_find(struct local_queue *queue, const char *id, struct local_message **out);

#endif
