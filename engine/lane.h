/*
 * A lane: one pipeline and its queue, with everything that belongs to the pair. Loop thread.
 *
 * Lanes share the engine's source table, run queue and lease keeper; each has slots of its own, so
 * that an idle queue's long poll never holds what a busy one could use, and a flood on one queue
 * leaves the others their part.
 */
#ifndef THUMBWHEEL_LANE_H
#define THUMBWHEEL_LANE_H

#include <stddef.h>
#include <stdint.h>

#include "lease_keeper.h"
#include "list.h"
#include "log.h"
#include "pipeline.h"
#include "queue_backend.h"
#include "queue_poller.h"
#include "worker_queue.h"

struct engine;

struct lane {
    struct engine *engine;
    struct pipeline *pipeline;  /* retained; new jobs take it from here */
    struct queue *queue;        /* NULL until it is open */
    struct queue *dead_letters; /* NULL: none */
    struct lease_home home;
    struct queue_poller poller;
    struct list deliveries;
    size_t in_flight; /* deliveries */
    size_t slots;
    struct worker_share share;
    unsigned visibility_s;
    struct log_gate no_dead_letters; /* said once in a while, not for each message */
    struct log_gate to_mend;         /* what an operator can mend: denied, or no such bucket */
};

#endif
