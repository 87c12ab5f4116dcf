/*
 * The poller of a queue. It never receives more messages than can be started.
 *
 * It requests exactly as many messages as the consumer has free slots, at most ten. With many
 * queues, a consumer has fewer slots than a batch has messages; a busy consumer then borrows unused
 * slots, for receives that wait at most one second, so that the others soon get them back. An idle
 * queue has one pending receive, a busy one several; without free slots or memory there is none.
 * While the consumer is busy, it waits until half of its slots are free (at most ten), so that a
 * receive returns several messages, but not for long, because the other jobs may take minutes. A
 * failed receive is retried with backoff. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_POLLER_H
#define THUMBWHEEL_QUEUE_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "list.h"
#include "log.h"
#include "outage.h"

struct consumer;
struct queue_message;
struct queue_poller;

/* Called when a receive has returned count messages, which must be taken over. After
 * queue_poller_stop they must be returned to the queue. */
typedef void queue_poller_received(struct queue_poller *poller, struct queue_message *messages,
                                   size_t count);

/* Changed only by the setter in queue_poller.c. */
enum poller_state {
    POLLER_READY,
    POLLER_GATHERING, /* waiting for more free slots */
    POLLER_GATHERED,  /* it has waited long enough: the next receive uses all free slots */
    POLLER_RESTING,   /* backs off */
    POLLER_STOPPED,   /* start of the last receive */
};

struct queue_poller {
    struct consumer *consumer;
    queue_poller_received *received;
    enum poller_state state;
    uv_timer_t timer;  /* for the states with a time limit */
    struct list polls; /* pending receives */
    size_t poll_count;
    size_t asked;         /* messages that they may return */
    size_t borrowed;      /* including this many beyond the consumer's own slots */
    unsigned failures;    /* consecutive failures */
    uint64_t polled_ns;   /* uv_hrtime: start of the receive whose messages are passed on */
    bool full;            /* the last receive returned as many as requested */
    struct log_gate gate; /* limits log lines about failures of only this queue */
    struct outage outage;
};

int queue_poller_init(struct queue_poller *poller, struct consumer *consumer, uv_loop_t *loop,
                      queue_poller_received *received);
/* Starts as many receives as the consumer's free slots allow. Call it whenever a slot or memory
 * becomes free. */
void queue_poller_update(struct queue_poller *poller);
/* Starts no new receives. Messages of pending receives are returned to the queue. */
void queue_poller_stop(struct queue_poller *poller);
/* Cancels the pending receives. */
void queue_poller_cancel(struct queue_poller *poller);
void queue_poller_close(struct queue_poller *poller, uv_close_cb closed);

#endif
