/*
 * What the actions of `thumbwheel dlq` share. An action works on one dead-letter queue after the
 * other; main thread.
 */
#ifndef THUMBWHEEL_DLQ_H
#define THUMBWHEEL_DLQ_H

#include "confirm.h"
#include "dead_letter_facts.h"
#include "move_task.h"
#include "pipeline_queues.h"
#include "progress.h"
#include "queue_scan.h"
#include "redrive.h"
#include "service.h"
#include "table.h"

enum { DLQ_LIST_MAX = 1000 }; /* messages that list shows unless --limit is given */

struct dlq_result { /* of one queue */
    const char *queue;
    const char *method; /* "scan", "messages", "move-task", "purge" */
    const char *to;     /* the queue that all messages go to; NULL: several, or none */
    size_t looked_at, matched;
    size_t done; /* moved or deleted */
    size_t failed;
    size_t arrived;   /* after a redrive began; they stay */
    size_t in_flight; /* before the action; they cannot be seen */
    size_t behind;    /* in a FIFO queue, behind others of their group */
    bool complete;    /* nothing was left out but those */
    struct error error;
};

struct dlq {
    const struct assembly *assembly;
    const struct config *config;
    struct service service;
    struct pipeline_set pipelines;
    struct dead_letter_origins origins;
    struct pipeline_queues queues;
    struct queue_group named; /* --queue and --to */
    struct dead_letter_filter filter;
    int64_t began_ms;       /* Unix time */
    uint64_t loop_began_ms; /* uv_now */
    size_t limit;           /* 0: none */
    size_t matched;         /* so far, in all queues */
    bool show;              /* everything of each message, instead of a row */
    struct table *table;    /* of list; NULL: JSON, or show */
    int code;               /* ERR_MEMORY or ERR_IO while messages were printed */

    struct progress progress;
    const char *queue; /* the name of the one that is worked on */
    uint64_t expected; /* its messages */
    /* What is running; NULL: not this. */
    struct queue_scan *scan;
    struct redrive *redrive;
    struct move_follower *task;
};

struct dlq_action {
    const char *name;
    const char *verb;  /* "moved"; NULL: it changes nothing */
    bool scans_always; /* it receives messages even without a filter */
    /* Asks before the first queue; NULL: it need not. */
    enum confirmation (*agree)(struct dlq *dlq, const struct group_queue *letters, size_t count);
    /* Works on one queue; *result has its name and depth. */
    void (*run)(struct dlq *dlq, struct queue *queue, struct dlq_result *result);
};

extern const struct dlq_action dlq_list, dlq_show, dlq_redrive, dlq_purge;

/* The columns of list. */
struct table *dlq_table(void);

/* Waits, with a progress display, until the operation is done; on an interrupt it is stopped
 * first. */
void dlq_wait(struct dlq *dlq, bool (*done)(void *user), void *user, void (*stop)(void *user));
/* Scans one queue with a look function; *result gets the facts. */
void dlq_scan(struct dlq *dlq, struct queue *queue, queue_scan_look *look,
              struct dlq_result *result);
bool dlq_limit_reached(const struct dlq *dlq);

/* Prints a message as the command wants it. */
int dlq_print_message(struct dlq *dlq, const struct queue_message *message,
                      const struct dead_letter_facts *facts);
/* Prints the result of a queue, and the whole; only one of them for some actions. */
int dlq_print_result(const struct dlq *dlq, const struct dlq_action *action,
                     const struct dlq_result *result);
int dlq_print_summary(const struct dlq *dlq, const struct dlq_action *action,
                      const struct dlq_result *total);

/* "3d 4h", "12s" */
enum { DLQ_AGE_SIZE = 32 };
void dlq_age(int64_t milliseconds, char out[DLQ_AGE_SIZE]);

#endif
