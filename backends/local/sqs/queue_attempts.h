/*
 * Repeatable receives from FIFO queues: ReceiveRequestAttemptId.
 *
 * A client that lost a response can repeat the request with the same id within five minutes. It
 * gets the same messages with the same receipt handles and a new visibility timeout, unless one of
 * them was deleted, changed or became visible meanwhile: then it is a new receive. Kept only in
 * memory: after a restart the messages become visible when their visibility timeout ends. Source:
 * ReceiveMessage in the Amazon SQS API Reference. Loop thread.
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

/* Records the messages of an attempt. A lack of memory is not an error: the attempt is then
 * forgotten. */
void attempt_keep(struct local_queue *queue, const char *id, const struct queue_delivery *given,
                  size_t count);
/* The number of messages that the same attempt received before, if all are still in flight; else
 * 0. */
size_t attempt_find(struct local_queue *queue, const char *id, struct local_message **out);

#endif
