/*
 * The run queue in front of libuv's thread pool.
 *
 * Tasks wait here, on the loop thread, and one is passed to the pool for each idle worker. So
 * order, fairness and cancellation are controlled here, and other users of the pool (DNS, files)
 * never wait behind images. `prepare` runs immediately before a task is passed to its worker, so
 * that late siblings can join it.
 *
 * Fairness is start-time fair queueing: each share has a virtual clock that advances by its work
 * divided by its weight; the task of the share whose clock is furthest behind runs first. The clock
 * of an idle share is advanced to the present, so that idling earns no credit. Within a share, and
 * between equals, first come, first served.
 *
 * There is one exception: of the last few tasks of a backlog, the largest goes first. Otherwise, one
 * worker may end with a large task while the others have nothing to do. Without a backlog,
 * larger tasks first would make the others wait longer. A task is overtaken only a few times.
 */
#ifndef THUMBWHEEL_WORKER_QUEUE_H
#define THUMBWHEEL_WORKER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "list.h"

struct worker_share { /* the share of a pipeline; zero-initialised except for the weight */
    unsigned weight;  /* at least 1 */
    double clock;     /* milliseconds of work, divided by the weight */
    unsigned ahead;   /* photos that are fetched ahead of the workers (source_ahead.c) */
};

struct worker_queue {
    uv_loop_t *loop;
    unsigned workers;
    unsigned busy;
    double clock; /* clock of the share that was served last */
    struct list waiting;
    size_t waiting_count, expected;
    bool backlog;        /* many have waited since the queue was last empty */
    struct list running; /* the oldest first */
};

struct worker_task { /* embed it; borrowed until done is called or the task is removed */
    void (*prepare)(struct worker_task *task); /* loop thread; may be NULL */
    void (*run)(struct worker_task *task);     /* worker thread */
    void (*done)(struct worker_task *task);    /* loop thread, from a new callback */
    struct worker_share *share;                /* borrowed until prepare */
    uint64_t size;                             /* grows with the duration of run; in any unit */
    double milliseconds;                       /* duration of run, for done */
    /* private */
    struct list link;
    struct worker_queue *queue;
    unsigned overtaken; /* how often a task that came later went first */
    uint64_t began_ms;  /* uv_now when it left for a worker */
    uv_work_t work;
};

void worker_queue_init(struct worker_queue *queue, uv_loop_t *loop, unsigned workers);
void worker_queue_push(struct worker_queue *queue, struct worker_task *task);

/* So many tasks are on their way, and belong to the backlog. */
void worker_queue_expect(struct worker_queue *queue, size_t count);

/* Milliseconds since the oldest of the running tasks left for its worker; 0: none runs. */
uint64_t worker_queue_oldest_ms(const struct worker_queue *queue);

/* Work done for a share, reported by the owner of the task in its done callback. */
void worker_share_charge(struct worker_share *share, double milliseconds);

#endif
