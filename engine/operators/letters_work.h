/*
 * Works on a dead-letter queue for a process that keeps running: lists, moves back or deletes its
 * messages, all or some. One operation is one struct letters_work; queue_scan.h and redrive.h say
 * what happens to the messages. Loop thread.
 */
#ifndef THUMBWHEEL_LETTERS_WORK_H
#define THUMBWHEEL_LETTERS_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "dead_letter_facts.h"
#include "queue_watch.h"

struct letters_work;

enum letters_action { LETTERS_LIST, LETTERS_REDRIVE, LETTERS_PURGE };

struct letters_facts { /* of what was done; strings are owned by the work */
    size_t matched;
    size_t done;   /* listed, moved or deleted */
    size_t failed; /* they stay in the dead-letter queue */
    bool counted;  /* false: everything was deleted, and nobody knows how much that was */
    bool complete; /* every message that was visible has been looked at */
    struct error error;
};

struct letters_options { /* borrowed until it is freed, except where noted */
    uv_loop_t *loop;
    struct queue_backend *backend;
    const struct queue_watch
        *watch;      /* after a look; it must not be closed before the work is done */
    size_t pipeline; /* by its place in the watch; it has a dead-letter queue */
    struct dead_letter_origins origins;
    enum letters_action action;
    const struct text_list *ids; /* only these; NULL: all */
    size_t limit;                /* of messages; 0: none */
    int64_t now_ms;              /* Unix time */
    /* Of LETTERS_LIST, for each message; borrowed for the call. */
    void (*listed)(const struct queue_message *message, const struct dead_letter_facts *facts,
                   void *user);
    /* From a fresh callback, and it may free the work. */
    void (*done)(struct letters_work *work, void *user);
    void *user;
};

/* ERR_MEMORY, and what the queue's purge returns: done is not called. */
int letters_work_start(const struct letters_options *options, struct letters_work **out);
/* What is pending ends; messages that were not worked on stay. */
void letters_work_stop(struct letters_work *work);
const struct letters_facts *letters_work_facts(const struct letters_work *work);
/* Once it is done. */
void letters_work_free(struct letters_work *work);

#endif
