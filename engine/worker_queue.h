/*
 * The run queue in front of libuv's thread pool.
 *
 * Tasks wait here, on the loop thread, and one is handed to the pool for each idle worker: so
 * order, fairness and cancelling stay ours, and the pool's other users (DNS, files) are never stuck
 * behind images. `prepare` runs at the last moment before a task leaves for its worker, which lets
 * late siblings join it.
 */
#ifndef THUMBWHEEL_WORKER_QUEUE_H
#define THUMBWHEEL_WORKER_QUEUE_H

#include <uv.h>

#include "list.h"

struct worker_queue {
    uv_loop_t *loop;
    unsigned workers;
    unsigned busy;
    struct list waiting;
};

struct worker_task { /* embed it; borrowed until done is called or the task is removed */
    void (*prepare)(struct worker_task *task); /* loop thread; may be NULL */
    void (*run)(struct worker_task *task);     /* worker thread */
    void (*done)(struct worker_task *task);    /* loop thread, from a fresh callback */
    /* private */
    struct list link;
    struct worker_queue *queue;
    uv_work_t work;
};

void worker_queue_init(struct worker_queue *queue, uv_loop_t *loop, unsigned workers);
void worker_queue_push(struct worker_queue *queue, struct worker_task *task);
/* A task that still waits is removed (its done will not be called): 1. One that has left for its
 * worker stays: 0. */
int worker_queue_remove(struct worker_queue *queue, struct worker_task *task);

#endif
