/*
 * What the page shows of the system: queues, the engine, its last work, dead letters.
 *
 *     gallery_system.c    looks at the queues, and tells pages; owns everything here
 *     gallery_activity.c  the engine's last work
 *     gallery_letters.c   dead letters: one operation after the other
 *
 * The depths of queues are requests that may cost money. They are asked for while somebody looks:
 * for a minute after each request of a page, at a pace of SYSTEM_PACE_MS. Loop thread.
 */
#ifndef THUMBWHEEL_GALLERY_SYSTEM_H
#define THUMBWHEEL_GALLERY_SYSTEM_H

#include <uv.h>

#include "activity.h"
#include "gallery_private.h"
#include "letters_work.h"
#include "queue_watch.h"

enum {
    SYSTEM_PACE_MS = 2000,
    SYSTEM_PATIENCE_MS = 60000, /* how long a page's interest lasts */
    SYSTEM_HISTORY = 180,       /* looks that are kept for the graph */
    LETTERS_SHOWN = 500,        /* of a list */
    LETTERS_IDS_MAX = 1000,     /* of a request */
    LETTERS_ID_MAX = 128,       /* bytes; SQS's have 36 */
    LETTERS_WAITING_MAX = 16,   /* operations */
};

struct letters_operation;

struct gallery_system {
    struct gallery *gallery;
    struct activity activity;
    struct queue_watch *watch; /* NULL: it could not be made, or is being closed */
    bool looking;
    bool stale;          /* the watch is of pipelines that are not in use any more */
    uint64_t looked_ms;  /* uv_now of the last look; 0: none */
    uint64_t wanted_ms;  /* uv_now of the last request of a page; 0: none */
    uv_timer_t timer;    /* the next look */
    struct list waiting; /* struct system_waiting: requests that wait for a look */
    struct {
        int64_t at_ms; /* Unix time */
        double per_second;
        uint64_t messages; /* visible, in flight or delayed */
    } history[SYSTEM_HISTORY];
    size_t history_count;   /* ever */
    struct list operations; /* struct letters_operation, in order; the first may be under way */
    size_t operation_count;
    struct letters_work *work; /* of the first operation; NULL: none */
    bool draining, closing;
    unsigned open; /* handles: the timer, watches that are being closed */
};

/* gallery_system.c */
/* Begins a look, unless one is under way. */
void system_look(struct gallery_system *system);
/* Decides what can go on: call it when something has ended. */
void system_advance(struct gallery_system *system);

/* gallery_letters.c */
/* Begins the first operation, if none is under way. True: it could not begin and has ended. */
bool letters_begin(struct gallery_system *system);
/* A look has ended; false: its watch is closed. */
void letters_looked(struct gallery_system *system, bool looked);
/* Whether the first operation waits for a look. */
bool letters_need_look(const struct gallery_system *system);
/* Refuses what waits, and stops what is under way. */
void letters_drain(struct gallery_system *system);

/* gallery_activity.c: for gallery_parts.c */
void gallery_activity_step(struct gallery *gallery, const struct engine_step *step);
void gallery_activity_record(struct gallery *gallery, const struct engine_record *record);

/* For gallery_parts.c. */
int gallery_system_open(struct gallery *gallery, struct error *error);
void gallery_system_drain(struct gallery *gallery);
void gallery_system_close(struct gallery *gallery);
void gallery_system_reload(struct gallery *gallery);

#endif
