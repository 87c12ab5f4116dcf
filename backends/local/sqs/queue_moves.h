/*
 * Message move tasks: from a dead-letter queue back to the source queues, or to another queue.
 *
 *   RUNNING ─► COMPLETED | FAILED
 *      └─► CANCELLING ─► CANCELLED
 *
 * A task moves the messages that were in its queue when it began and that are visible at their
 * turn, a few at a time; a message that returns to the queue is not moved twice. Each arrives as a
 * new message: new id, new send time, receive count 0. Moving a message and counting it are one
 * change on the disk, so that a task continues correctly after a crash. Source:
 * StartMessageMoveTask in the Amazon SQS API Reference; "dead-letter queue redrive" in the SQS
 * Developer Guide. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_MOVES_H
#define THUMBWHEEL_QUEUE_MOVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadlines.h"
#include "list.h"
#include "sqs_errors.h"
#include "uuid.h"

struct local_queue;
struct queues;

enum { MOVE_RATE_MAX = 500, MOVES_KEPT = 10 /* of a queue */ };

enum move_status { MOVE_RUNNING, MOVE_CANCELLING, MOVE_CANCELLED, MOVE_COMPLETED, MOVE_FAILED };
const char *move_status_name(enum move_status status);

struct queue_move {
    struct list link;
    struct deadline next;      /* step */
    struct local_queue *queue; /* retained */
    uint64_t id;
    uint8_t uuid[UUID_SIZE];
    char *destination; /* ARN, owned; NULL: the source queue of each message */
    int rate;          /* messages per second; 0: unlimited */
    enum move_status status;
    uint64_t moved, to_move;
    uint64_t below_id; /* messages with higher numbers came later */
    int64_t started_ms;
    const char *reason; /* of the failure; static; NULL: none */
    unsigned under_way; /* messages */
    unsigned refs;      /* held by the list, each message and each storage task */
    bool dropped;       /* removed from the list */
};

typedef void queue_written(int code, void *user);

/* queue is a dead-letter queue; destination (may be NULL) an ARN. *out is valid until the next
 * call. */
int queue_move_start(struct local_queue *queue, const char *destination, int rate,
                     queue_written *done, void *user, const struct queue_move **out,
                     struct service_error *error);
/* id: the uuid as text. */
int queue_move_cancel(struct local_queue *queue, const char *id, queue_written *done, void *user,
                      const struct queue_move **out, struct service_error *error);
/* Newest first; returns the number. */
size_t queue_moves_list(struct local_queue *queue, const struct queue_move **out, size_t max);

/* For the queues' state: the first loads a row at start; the second resumes all running tasks. */
int queue_move_load(struct local_queue *queue, const struct queue_move *facts);
void queue_moves_resume(struct queues *queues);
void queue_moves_end(struct local_queue *queue); /* the queue is being deleted */

#endif
