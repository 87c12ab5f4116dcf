/*
 * A consumer: one pipeline and its queue, with everything that belongs to the pair. Loop thread.
 *
 * Consumers share the engine's source table, run queue and lease keeper; each has slots of its own, so
 * that an idle queue's long poll never holds what a busy one could use, and a flood on one queue
 * leaves the others their part.
 *
 *     OPENING ──► OPEN ──► RETIRED ──► closed, freed
 *        └────────────────────┘
 *
 * A consumer opens its queue, then the dead-letter queue that this names, and then polls. A failed open
 * is retried with backoff until the consumer is retired. A retired consumer takes no new messages; it is
 * closed when its work is finished.
 */
#ifndef THUMBWHEEL_CONSUMER_H
#define THUMBWHEEL_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lease_keeper.h"
#include "list.h"
#include "log.h"
#include "pipeline.h"
#include "queue_backend.h"
#include "queue_poller.h"
#include "worker_queue.h"

struct delivery_context;
struct engine;
struct consumer;

/* How the opening of a consumer goes. */
struct consumer_observer {
    void (*opened)(struct engine *engine);
    void (*open_failed)(struct engine *engine, const struct error *error); /* it is tried again */
};

enum consumer_state { CONSUMER_OPENING, CONSUMER_OPEN, CONSUMER_RETIRED };

struct consumer {
    struct engine *engine;
    const struct consumer_observer *observer;
    struct delivery_context *context;                  /* of its deliveries */
    void (*delivery_ended)(struct consumer *consumer); /* for delivery.c: a slot is free */
    enum consumer_state state;
    struct pipeline *pipeline;  /* retained; new jobs take it from here */
    char *service;              /* that its queue belongs to; NULL: not known */
    struct queue *queue;        /* NULL until it is open */
    struct queue *dead_letters; /* NULL: none */
    struct lease_home home;
    struct queue_poller poller;
    struct list deliveries;
    size_t in_flight; /* deliveries */
    size_t jobs;      /* whose memory lives: they refer to the share */
    size_t slots;
    struct worker_share share;
    unsigned visibility_s;
    bool no_dead_letters;    /* that there is no dead-letter queue has been said */
    struct log_gate to_mend; /* what an operator can mend: denied, or no such bucket */
    struct log_gate dead_letter_fails;
    struct log_gate unreadable; /* outputs may not be looked at */

    uv_timer_t timer;      /* the next try to open */
    bool asking;           /* a queue is being opened */
    unsigned failures;     /* to open, in a row */
    struct log_gate waits; /* why it alone is not open yet, said once in a while */
    void (*closed)(struct consumer *consumer);
    unsigned handles; /* still to be closed */
};

/* Retains the pipeline. NULL: out of memory. */
struct consumer *consumer_new(struct engine *engine, struct pipeline *pipeline,
                              const struct consumer_observer *observer);
/* One that never began, or is closed. */
void consumer_free(struct consumer *consumer);
/* From now on it has handles in the loop. */
void consumer_begin(struct consumer *consumer);

/* Begins to open it; the first try is made from the loop. */
void consumer_open(struct consumer *consumer);
/* The same, but the first try is made now: an error (ERR_INVALID: no queue can have this name) says
 * that there will be no other. */
int consumer_open_now(struct consumer *consumer, struct error *error);
/* Sets the error for two pipelines that read one queue; returns ERR_INVALID. */
int consumer_refuse_queue(const struct pipeline_facts *facts, const struct pipeline_facts *other,
                          struct error *error);
/* What it takes from now on belongs to this pipeline, which has the same name and queue. */
void consumer_change(struct consumer *consumer, struct pipeline *pipeline);
/* Nothing new is opened or received. */
void consumer_stop(struct consumer *consumer);
/* The same; unstarted messages are returned to the queue. Notifies engine_update when its work is
 * finished. */
void consumer_retire(struct consumer *consumer);
/* Nothing of it is in flight: no poll, delivery, lease or job. */
bool consumer_is_empty(const struct consumer *consumer);
/* The queues are closed at once; closed is called from the loop when the handles are. */
void consumer_close(struct consumer *consumer, void (*closed)(struct consumer *consumer));

#endif
