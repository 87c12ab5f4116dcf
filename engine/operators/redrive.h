/*
 * Moves the messages of a dead-letter queue that pass a filter to the queues that they came from,
 * one by one: a message is deleted only after the service has confirmed that it is stored in the
 * other queue, so an interruption at any point loses nothing; at worst a message is in both queues.
 *
 * The body, the message attributes, the group and the trace header are sent as they were received,
 * without the attributes that the engine added (dead_letter.h).
 *
 * The deduplication id of a FIFO message: within the deduplication interval of five minutes, SQS
 * confirms a message whose id it knows and drops it. So the id is kept if the message is older than
 * the interval (with the difference of clocks that SQS tolerates); otherwise the id is the message's
 * own, which nothing else has been sent with, and which stays the same when the redrive is repeated.
 * The messages of a FIFO queue are sent one after the other, and the first failure ends the redrive,
 * so that the order within the groups stays.
 *
 * Messages that arrived after the start stay: they may be ones that were just moved and have been
 * rejected again.
 *
 * Loop thread.
 */
#ifndef THUMBWHEEL_REDRIVE_H
#define THUMBWHEEL_REDRIVE_H

#include "dead_letter_facts.h"
#include "queue_scan.h"

enum { REDRIVE_FAILURES_MAX = 10, REDRIVE_DEDUPLICATION_MS = 20 * 60 * 1000 };

struct redrive;

struct redrive_target {   /* a queue whose dead letters are in this one */
    const char *pipeline; /* that reads it; NULL: unknown */
    struct queue *queue;
};

struct redrive_options { /* all borrowed until the end */
    uv_loop_t *loop;
    const struct queue_backend_ops *ops;
    struct queue *dead_letters;
    unsigned visibility_s;
    const struct dead_letter_filter *filter;
    const struct dead_letter_origins *origins;
    size_t limit;     /* 0: none */
    int64_t began_ms; /* Unix time */
    struct queue *to; /* of all messages; NULL: each goes to where it came from */
    const struct redrive_target *targets;
    size_t target_count;
    bool targets_known; /* there are no others */
    /* As in struct queue_scan_options. */
    void (*done)(void *user);
    void *user;
};

struct redrive_facts {
    size_t matched;
    size_t sent;        /* confirmed */
    size_t failed;      /* they stay in the dead-letter queue */
    size_t arrived;     /* after the start */
    struct error error; /* the first one */
};

/* ERR_MEMORY. */
int redrive_start(const struct redrive_options *options, struct redrive **out);
void redrive_stop(struct redrive *redrive);
bool redrive_is_done(void *redrive);
const struct redrive_facts *redrive_facts(const struct redrive *redrive);
const struct queue_scan_facts *redrive_scan_facts(const struct redrive *redrive);
void redrive_free(struct redrive *redrive); /* only when it is done; NULL does nothing */

#endif
