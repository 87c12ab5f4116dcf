/*
 * A consumer: one pipeline with its queue. Loop thread.
 *
 * Consumers share the engine's source table, run queue and lease keeper. Each has its own slots, so
 * that an idle queue's long poll never occupies slots that a busy one could use, and a flood on one
 * queue does not starve the others.
 *
 *     OPENING ──► OPEN ──► RETIRED ──► closed, freed
 *        └────────────────────┘
 *
 * A consumer opens its queue, then the dead-letter queue of that queue, and then polls. A failed
 * open is retried with backoff until the consumer is retired. A retired consumer receives no new
 * messages; it is closed when its work is finished.
 */
#ifndef THUMBWHEEL_CONSUMER_H
#define THUMBWHEEL_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer_stats.h"
#include "label_pace.h"
#include "lease_keeper.h"
#include "list.h"
#include "log.h"
#include "pipeline.h"
#include "queue_backend.h"
#include "queue_poller.h"
#include "queue_survey.h"
#include "worker_queue.h"

struct delivery_context;
struct engine;
struct consumer;

/* Reports the progress of opening a consumer. */
struct consumer_observer {
    void (*opened)(struct engine *engine);
    void (*open_failed)(struct engine *engine, const struct error *error); /* it will be retried */
};

enum consumer_state { CONSUMER_OPENING, CONSUMER_OPEN, CONSUMER_RETIRED };

struct consumer {
    struct engine *engine;
    const struct consumer_observer *observer;
    struct delivery_context *context;                  /* context of its deliveries */
    void (*delivery_ended)(struct consumer *consumer); /* a slot is free */
    enum consumer_state state;
    struct pipeline *pipeline;  /* a reference; used by new jobs */
    char *service;              /* the account that owns its queue; NULL: unknown */
    struct queue *queue;        /* NULL until it is open */
    struct queue *dead_letters; /* NULL: none */
    struct lease_home home;
    struct queue_poller poller;
    struct list deliveries;
    size_t in_flight; /* deliveries */
    size_t jobs;      /* whose memory is in use, because they refer to the share */
    size_t slots;
    struct worker_share share;
    struct label_pace label_pace; /* of the requests to its labeling service */
    unsigned visibility_s;
    struct consumer_stats stats;
    struct queue_depth depth, dead_letter_depth;
    bool no_dead_letters; /* the lack of a dead-letter queue has been logged */
    /* limits log lines about errors that an operator can fix: denied, no such bucket */
    struct log_gate to_mend;
    struct log_gate dead_letter_fails;
    struct log_gate unreadable; /* limits log lines about outputs that may not be read */

    uv_timer_t timer;      /* timer for the next attempt to open */
    bool asking;           /* a queue is being opened */
    unsigned failures;     /* consecutive failures to open */
    struct log_gate waits; /* limits log lines about the reason why it is not open yet */
    void (*closed)(struct consumer *consumer);
    unsigned handles; /* handles still to be closed */
};

/* Retains the pipeline. NULL: out of memory. */
struct consumer *consumer_new(struct engine *engine, struct pipeline *pipeline,
                              const struct consumer_observer *observer);
/* The consumer must never have begun, or must be closed. */
void consumer_free(struct consumer *consumer);
/* Initialises its handles in the loop. */
void consumer_begin(struct consumer *consumer);

/* Starts opening the queue; the first attempt is made from the loop. */
void consumer_open(struct consumer *consumer);
/* The same, but the first attempt is made now. An error (ERR_INVALID: not a valid queue name) is
 * final: there will be no retry. */
int consumer_open_now(struct consumer *consumer, struct error *error);
/* Sets the error for two pipelines that read the same queue; returns ERR_INVALID. */
int consumer_refuse_queue(const struct pipeline_facts *facts, const struct pipeline_facts *other,
                          struct error *error);
/* New messages use this pipeline, which has the same name and queue. */
void consumer_change(struct consumer *consumer, struct pipeline *pipeline);
/* Stops opening and receiving. */
void consumer_stop(struct consumer *consumer);
/* The same; unstarted messages are returned to the queue. Notifies engine_update when its work is
 * finished. */
void consumer_retire(struct consumer *consumer);
/* Whether nothing is in flight: no poll, delivery, lease or job. */
bool consumer_is_empty(const struct consumer *consumer);
/* The queues are closed at once; closed is called from the loop when the handles are closed. */
void consumer_close(struct consumer *consumer, void (*closed)(struct consumer *consumer));

#endif
