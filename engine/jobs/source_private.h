/* A source, as the table (source_table.c) and its renders (source_render.c) see it. Loop thread. */
#ifndef THUMBWHEEL_SOURCE_PRIVATE_H
#define THUMBWHEEL_SOURCE_PRIVATE_H

#include "source_table.h"

enum { ROUND_MAX = 32, GATHER_MS = 25 };

struct round { /* one decode for several claims; a source has one at a time */
    struct worker_task task;
    struct worker_share orphaned; /* the task's, once all that it was queued for have left */
    struct render_source from;
    struct pipeline *audience[ROUND_MAX]; /* retained while the worker renders */
    struct source_claim *claims[ROUND_MAX];
    size_t count;
    struct render_item *items; /* the claims' items while the worker has them; NULL: no memory */
    struct render_gate gate;
    struct memory_grant grant; /* for the render, however often it begins again */
    double waited_ms;          /* for it */
    bool active;               /* queued or under way */
};

struct source {
    struct source_table *table;
    struct source *next; /* in its hash bucket */
    uint64_t hash;
    char *bucket, *key, *version, *etag; /* version and etag may be NULL */
    enum source_state state;
    struct error error;
    struct bytes body;
    struct memory_ticket ticket; /* for the body's memory */
    uint64_t stated;             /* its size, as the event has it; 0: unknown */
    uint64_t reserved;           /* bytes of the memory budget: the GET's cap, then the body's */
    char *body_etag;             /* as the store answered; may be NULL */
    bool is_output;
    bool lingers;      /* its version is known */
    bool lingering;    /* in table->lingering */
    bool looked_twice; /* it was missing, and a second GET was sent */
    bool gathered;
    bool waking;     /* inside wake_all: rounds wait until everybody has spoken */
    size_t audience; /* pipelines that want it */
    unsigned joined; /* claims that ever came */
    unsigned claims; /* now */
    struct object_request *get;
    struct list waiting; /* claims: for the fetch, then for the next round */
    struct round round;
    uint64_t due_ms;   /* end of the time in the list below */
    struct list timed; /* in table->gathering, table->missing or table->lingering */
};

/* The pipelines that want it; borrowed. */
size_t source_audience(const struct source *source, struct pipeline *out[ROUND_MAX]);
/* A claim with this share has left: its lane may be gone before the round's turn comes. */
void source_round_forget(struct source *source, const struct worker_share *share);
/* Decides whether those who wait for a render get a round now. */
void source_pump(struct source *source);
/* The GET, or the question about it, has failed. A missing object is looked for once more. */
void source_fetch_failed(struct source *source, const struct error *error);
/* Asks the store whether an object that was denied exists (source_denied.c); ends with
 * source_fetch_failed. false: nothing was asked. */
bool source_denied_ask(struct source *source, const struct error *denied);
/* The last claim is gone. */
void source_unused(struct source *source);
/* Something about the due times has changed. */
void source_table_arm(struct source_table *table);
void source_claim_wait(struct source_claim *claim);
void source_claim_unwait(struct source_claim *claim);

#endif
