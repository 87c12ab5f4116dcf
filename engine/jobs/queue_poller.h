/*
 * The poller of one queue. It never receives more messages than can be started.
 *
 * It requests exactly as many messages as the consumer has free slots, at most ten. With many queues a
 * consumer's own slots are fewer than a batch; a busy consumer then borrows slots that no message occupies,
 * by receives that wait a second at most, so that the others get theirs back. An idle queue has
 * one open receive, a busy one several; without free slots or memory there is none. While the consumer
 * is busy it waits until half of its slots are free (at most ten), so that a receive returns
 * several messages, but not for long, because the other jobs may take minutes. A failed receive is
 * retried with backoff. Loop thread.
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

/* A receive has ended, with count messages, which are to be taken. After queue_poller_stop they are
 * to be returned to the queue. */
typedef void queue_poller_received(struct queue_poller *poller, struct queue_message *messages,
                                   size_t count);

/* Of which only queue_poller.c's setter changes. */
enum poller_state {
    POLLER_READY,
    POLLER_GATHERING, /* waits for more free slots */
    POLLER_GATHERED,  /* it has waited for long enough: the next receive takes what is free */
    POLLER_RESTING,   /* backs off */
    POLLER_STOPPED,   /* the last one */
};

struct queue_poller {
    struct consumer *consumer;
    queue_poller_received *received;
    enum poller_state state;
    uv_timer_t timer;  /* of a rest or a gathering */
    struct list polls; /* receives under way */
    size_t poll_count;
    size_t asked;         /* messages that they may return */
    size_t borrowed;      /* of these, beyond the consumer's own slots */
    unsigned failures;    /* in a row */
    bool full;            /* the last receive returned as many as requested */
    struct log_gate gate; /* failures of this queue alone */
    struct outage outage;
};

int queue_poller_init(struct queue_poller *poller, struct consumer *consumer, uv_loop_t *loop,
                      queue_poller_received *received);
/* Starts as many receives as the consumer's free slots allow. Call it whenever a slot or memory becomes
 * free. */
void queue_poller_update(struct queue_poller *poller);
/* Starts no new receives. Messages of pending ones are returned to the queue. */
void queue_poller_stop(struct queue_poller *poller);
/* Cancels the pending receives. */
void queue_poller_cancel(struct queue_poller *poller);
void queue_poller_close(struct queue_poller *poller, uv_close_cb closed);

#endif
