/*
 * Message move tasks: from a dead-letter queue back to where its messages came from, or to another
 * queue.
 *
 *   RUNNING ─► COMPLETED | FAILED
 *      └─► CANCELLING ─► CANCELLED
 *
 * A task moves what was in its queue when it began and is visible when its turn comes, some at a
 * time; a message that comes back to the queue is not moved twice. Each arrives as a new message:
 * new id, new time of sending, never received. The move of a message and the count of it are one
 * change on the disk, so that a task goes on where it was after a crash. Source:
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
    char *destination; /* ARN, owned; NULL: where each message came from */
    int rate;          /* messages a second; 0: as fast as it goes */
    enum move_status status;
    uint64_t moved, to_move;
    uint64_t below_id; /* what has a higher number came later */
    int64_t started_ms;
    const char *reason; /* of a failure; static; or NULL */
    unsigned under_way; /* messages */
    unsigned refs;      /* the list's, each message's, each storage task's */
    bool dropped;       /* out of the list */
};

typedef void queue_written(int status, void *user);

/* queue is a dead-letter queue; destination (may be NULL) an ARN. *out is valid for the call that
 * follows. */
enum sqs_code queue_move_start(struct local_queue *queue, const char *destination, int rate,
                               queue_written *done, void *user, const struct queue_move **out,
                               struct sqs_error *error);
/* id: the uuid as text. */
enum sqs_code queue_move_cancel(struct local_queue *queue, const char *id, queue_written *done,
                                void *user, const struct queue_move **out, struct sqs_error *error);
/* Newest first; returns how many. */
size_t queue_moves_list(struct local_queue *queue, const struct queue_move **out, size_t max);

/* Within the queues' state: at start, one row; then all that were running go on. */
int queue_move_load(struct local_queue *queue, const struct queue_move *facts);
void queue_moves_resume(struct queues *queues);
void queue_moves_end(struct local_queue *queue); /* which is deleted */

#endif
