/*
 * A delivery: one received message, from its receipt until its outcome is decided.
 *
 * It owns the lease and one job per record of the message. Jobs record how they ended;
 * delivery_update reads these facts and decides: wait, delete the message, return it to the queue
 * with a backoff, or send it to the dead-letter queue. Loop thread.
 *
 *     delivery.c         receiving, reading the body, starting the jobs, the decision
 *     delivery_group.c   the order of the messages of a FIFO group
 *     delivery_settle.c  what the outcome means for the message
 *     delivery_report.c  log line and observer
 */
#ifndef THUMBWHEEL_DELIVERY_H
#define THUMBWHEEL_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer.h"
#include "envelope.h"
#include "error.h"
#include "job.h"
#include "lease_keeper.h"
#include "list.h"
#include "message_memory.h"
#include "outcome.h"
#include "payload_cleanup.h"
#include "queue_backend.h"
#include "tracer.h"

struct engine_observer;

struct delivery_stats {
    uint64_t received, acknowledged, retried, rejected; /* messages */
};

/* Shared by all deliveries. The pointers are borrowed. */
struct delivery_context {
    uv_loop_t *loop;
    struct object_store *store;
    struct job_runner *jobs;
    struct message_memory *messages;
    struct payload_cleanup *payloads; /* NULL: payloads stay */
    const struct engine_observer *observer;
    struct tracer *tracer; /* NULL: none */
    unsigned backoff_s;    /* the longest */
    struct delivery_stats stats;
    size_t in_flight; /* deliveries of all consumers */
    bool regrouping;  /* a message of a group has ended: deliveries_regroup must be called */
};

enum delivery_phase {
    DELIVERY_BEHIND,    /* waits for an earlier message of its group */
    DELIVERY_RESOLVING, /* the body is being fetched from S3 */
    DELIVERY_WORKING,   /* jobs run */
    DELIVERY_REJECTING, /* being sent to the dead-letter queue */
    DELIVERY_SETTLED,
};

struct delivery {
    struct consumer *consumer;
    struct list link;             /* in consumer->deliveries */
    struct queue_message message; /* immutable; the lease owns the receipt */
    struct envelope envelope;
    struct lease *lease;
    uint64_t received_us;       /* uv_hrtime's clock */
    struct trace_context trace; /* of what the message causes; its span is "process" if there are
                                 * spans, else the sender's */
    char sender_span[TRACE_SPAN_SIZE]; /* "": none */
    enum delivery_phase phase;
    struct object_request *pointer;
    struct payload_removal *payload; /* of the body in S3, once it is acknowledged; NULL: none */
    struct job **jobs;
    size_t job_count;
    bool grouped;   /* from a FIFO queue: its group is processed in order */
    bool final;     /* the message is settled; its group may continue */
    bool overtaken; /* an earlier message of its group is returned: this one must follow it */
    bool starting;  /* inside the loop that starts the jobs */
    struct record_tally tally; /* results of this and earlier deliveries */
    bool remembered;           /* the tally was saved for the next delivery */
    bool handed_back;          /* because the engine is shutting down */
    enum outcome outcome;
    const char *reason; /* static */
    struct error error; /* the detail */
};

/* Takes a newly received message. It occupies one of the consumer's slots until it is settled. */
void delivery_accept(struct consumer *consumer, struct queue_message *message);
/* Returns the message to the queue at once (visibility 0) if none of its jobs has started. */
void delivery_hand_back(struct delivery *delivery);
/* Returns the message even if jobs are running. */
void delivery_abort(struct delivery *delivery);
/* act may end the given delivery, but no other. */
void deliveries_each(struct consumer *consumer, void (*act)(struct delivery *delivery));
/* Messages of one FIFO group are processed one after another, in the order of their receipt. Starts
 * the next ones, and returns those that follow a returned one, because SQS delivers them after it.
 * Call it from a new loop callback. */
void deliveries_regroup(struct consumer *consumer);
/* Like delivery_abort, with a backoff: one of its jobs makes no progress. */
void delivery_give_up(struct delivery *delivery);

#endif
