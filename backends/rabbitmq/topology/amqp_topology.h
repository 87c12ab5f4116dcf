/*
 * The queues of one work queue in RabbitMQ: their names and arguments. Pure; any thread.
 *
 *     exchange --> NAME ...... delivered too often ......> NAME.dead
 *                   ^  `.. the engine publishes a retry ..> NAME.retry.1s ..1m ..
 *                   '........... after its TTL .............'
 *
 * - All are quorum queues. Whatever the broker moves from one to another is moved at least once,
 *   which needs the overflow reject-publish ("At-least-once dead lettering", RabbitMQ's guide to
 *   quorum queues).
 * - A retry queue has one TTL for all of its messages. A TTL of each message would make short
 *   delays wait behind long ones, because messages expire at the head of a queue only.
 * - The broker drops a message that its dead-lettering brings to the same queue twice. So whoever
 *   publishes a copy to a retry queue leaves out the headers x-death and x-first-death-*.
 * - x-delivery-limit counts returns of one copy: a lost connection, a return on shutdown. A retry is
 *   a new copy, with a count of its own.
 */
#ifndef THUMBWHEEL_AMQP_TOPOLOGY_H
#define THUMBWHEEL_AMQP_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
    AMQP_NAME_SIZE =
        256, /* of a queue or exchange, 255 bytes ("short string", AMQP 0-9-1, 4.2.5.3) */
    AMQP_WORK_NAME_MAX = 240, /* bytes; the names of the other queues are longer */
    AMQP_ARGUMENTS_MAX = 6,
    AMQP_RETRY_STEPS = 4,
    AMQP_MAX_RECEIVES_MAX = 1000,
};

#define AMQP_DEAD_SUFFIX ".dead"

enum amqp_queue_index {
    AMQP_WORK,
    AMQP_DEAD,
    AMQP_RETRY,
    AMQP_QUEUES = AMQP_RETRY + AMQP_RETRY_STEPS
};

struct amqp_argument {
    const char *name;
    const char *text; /* owned by the topology, or static; NULL: it is a number */
    int64_t number;
};

struct amqp_queue_plan { /* durable, not exclusive, not deleted automatically */
    char name[AMQP_NAME_SIZE];
    struct amqp_argument arguments[AMQP_ARGUMENTS_MAX];
    size_t argument_count;
};

/* The arguments point into it: it is not to be copied or moved. */
struct amqp_topology {
    struct amqp_queue_plan queues[AMQP_QUEUES]; /* by enum amqp_queue_index; AMQP_RETRY + step */
};

/* ERR_INVALID: the broker does not take such a name, or max_receives is not 1–1000; the text says
 * what to change. max_receives: deliveries of one copy before the broker itself moves it to
 * NAME.dead. */
int amqp_topology_make(const char *queue, unsigned max_receives, struct amqp_topology *out,
                       struct error *error);

/* A queue whose messages stay until somebody takes them, like NAME.dead. The same errors. */
int amqp_keeping_queue_make(const char *queue, struct amqp_queue_plan *out, struct error *error);

/* The same check for any queue or exchange (what: "queue", "exchange"), of at most `most` bytes. */
int amqp_name_check(const char *what, const char *name, size_t most, struct error *error);

struct amqp_retry {
    const char *suffix; /* of the queue's name */
    uint64_t delay_ms;  /* its TTL */
};
/* Ascending. */
extern const struct amqp_retry amqp_retries[AMQP_RETRY_STEPS];
/* The step whose delay is nearest, by its ratio. */
size_t amqp_retry_step(uint64_t delay_ms);

/* Whether a queue is the dead-letter queue of a work queue; *work_size (may be NULL): the bytes of
 * the work queue's name, with which it begins. */
bool amqp_is_dead_name(const char *queue, size_t *work_size);

#endif
