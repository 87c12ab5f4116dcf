/*
 * Seam: what operators do with queues, beside the messages themselves. Owned by engine/operators;
 * backends/aws and backends/rabbitmq implement it. What a backend cannot do is NULL there, and
 * ERR_UNSUPPORTED of the router (queue_router.h). The rules of queue_backend.h apply: loop thread,
 * one callback from a fresh loop callback, none if the call itself returned an error; closing the
 * queue cancels.
 */
#ifndef THUMBWHEEL_QUEUE_ADMIN_H
#define THUMBWHEEL_QUEUE_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct queue;

enum queue_move_state {
    QUEUE_MOVE_NONE, /* no task is known */
    QUEUE_MOVE_RUNNING,
    QUEUE_MOVE_CANCELLING,
    QUEUE_MOVE_CANCELLED,
    QUEUE_MOVE_COMPLETED,
    QUEUE_MOVE_FAILED,
};

struct
    queue_move_facts { /* the newest message move task of a dead-letter queue; strings are borrowed */
    enum queue_move_state state;
    uint64_t moved, to_move; /* approximately */
    const char *handle;      /* of a running task; NULL: none */
    const char *reason;      /* of a failed one; NULL: none */
};

typedef void queue_purged(const struct error *error, void *user);
/* URLs; `more`: there are others. */
typedef void queue_sources_known(const char *const *urls, size_t count, bool more,
                                 const struct error *error, void *user);
typedef void queue_move_started(const char *handle, const struct error *error, void *user);
typedef void queue_move_known(const struct queue_move_facts *move, const struct error *error,
                              void *user);
typedef void queue_move_cancelled(const struct error *error, void *user);

struct queue_admin_ops {
    /* Deletes all messages, in flight or not; SQS takes up to a minute for it. RabbitMQ keeps those in
     * flight. */
    int (*purge)(struct queue *queue, queue_purged *done, void *user);
    /* The queues whose redrive policy names this one. */
    int (*sources)(struct queue *dead_letters, queue_sources_known *done, void *user);
    /* Moves all messages of a dead-letter queue to another queue, in the service. */
    int (*move_start)(struct queue *dead_letters, const struct queue *to, queue_move_started *done,
                      void *user);
    int (*move_look)(struct queue *dead_letters, queue_move_known *done, void *user);
    int (*move_cancel)(struct queue *dead_letters, const char *handle, queue_move_cancelled *done,
                       void *user);
};

#endif
