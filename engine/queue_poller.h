/*
 * The poller of one queue: never receives what cannot be started.
 *
 * It asks for exactly the lane's free slots, ten at the most; one receive is open on an idle queue,
 * several on a busy one, none where there is no slot or no memory. While the lane is busy it waits
 * until half of its slots are free (ten at the most), so that a receive brings several messages,
 * but not for long: what keeps the other slots may take minutes. A failed receive is repeated with
 * backoff. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_POLLER_H
#define THUMBWHEEL_QUEUE_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "list.h"
#include "log.h"

struct lane;

struct queue_poller {
    struct lane *lane;
    uv_timer_t timer;  /* of a rest or a gathering */
    struct list polls; /* receives under way */
    size_t poll_count;
    size_t asked;      /* slots that they may fill */
    unsigned failures; /* in a row */
    bool full;         /* the last receive brought all that it asked for */
    bool resting;      /* backing off */
    bool gathering;    /* waiting for more free slots */
    bool gathered;     /* … for long enough */
    bool stopped;
    struct log_gate gate;
};

int queue_poller_init(struct queue_poller *poller, struct lane *lane, uv_loop_t *loop);
/* Looks at the lane's free slots and starts what receives they allow. Call it whenever a slot or
 * memory becomes free. */
void queue_poller_update(struct queue_poller *poller);
/* No new receives; those under way go on, and what they bring is handed back. */
void queue_poller_stop(struct queue_poller *poller);
/* Ends the receives under way. */
void queue_poller_cancel(struct queue_poller *poller);
void queue_poller_close(struct queue_poller *poller, uv_close_cb closed);

#endif
