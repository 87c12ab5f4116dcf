/*
 * The memory that images may take, all of them together.
 *
 * Two kinds of bytes are counted. Those of photos: as they lie in the store, from before their GET
 * until nobody wants them, the lingering ones among them. And those of work: what a render promises
 * to need, from its header on, then the renditions until they are stored. Who asks for more than
 * there is waits; nothing fails because of waiting.
 *
 * Photos take at most a quarter of the budget, so that there is always room for the work that frees
 * them. Each kind is served in the order of asking, so that many small ones never keep a large one
 * waiting for ever. One that is larger than all there is goes alone: when nothing else of its kind
 * is left. Lingering photos are dropped as soon as anybody waits for their room.
 *
 * Photos are asked for on the loop thread, by ticket; work on worker threads, which wait. The lock
 * guards the counts and the line of workers. Only the loop thread drops photos, and it decides who
 * goes alone.
 */
#ifndef THUMBWHEEL_MEMORY_BUDGET_H
#define THUMBWHEEL_MEMORY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "list.h"

enum memory_kind { MEMORY_PHOTOS, MEMORY_WORK, MEMORY_KINDS };

struct memory_budget_options {
    uint64_t limit; /* bytes */
    /* Drops a photo that nobody uses; false: there is none. */
    bool (*shed)(void *user);
    /* Nobody waits any more. */
    void (*relaxed)(void *user);
    void *user;
};

struct memory_budget {
    struct memory_budget_options options;
    uv_mutex_t lock;
    uv_cond_t granted; /* some worker's wish */
    uv_async_t async;  /* somebody waits, or there may be room for who does */
    uint64_t taken[MEMORY_KINDS];
    uint64_t peak;       /* the most that both were together */
    struct list workers; /* that wait, in order */
    struct list tickets; /* that wait, in order; loop thread */
    bool tight;          /* somebody waited when the loop looked last; loop thread */
};

struct memory_ticket { /* embed it; zero-initialised, then memory_ticket_init */
    void (*granted)(struct memory_ticket *ticket); /* from a fresh loop callback */
    uint64_t bytes;
    struct list link;
};

/* ERR_MEMORY. */
int memory_budget_init(struct memory_budget *budget, uv_loop_t *loop,
                       const struct memory_budget_options *options);
/* Nobody waits and no worker is under way. closed is called with the budget's async handle. */
void memory_budget_close(struct memory_budget *budget, uv_close_cb closed);

void memory_ticket_init(struct memory_ticket *ticket,
                        void (*granted)(struct memory_ticket *ticket));
/* Loop thread. Asks for a photo's bytes: true when they are taken, false when `granted` will say
 * so. */
bool memory_ask(struct memory_budget *budget, struct memory_ticket *ticket, uint64_t bytes);
/* Ends the wait, if there is one. */
void memory_withdraw(struct memory_budget *budget, struct memory_ticket *ticket);

/* The bytes that a piece of work holds, from its first wait until it is settled. A grant is the
 * only owner of its bytes: a second wait resizes it and never adds to it, so that work that begins
 * again (its decoder was killed) neither leaks its first grant nor waits for itself.
 * Zero-initialised. Accessed by the worker while it has the work, else by the loop thread. */
struct memory_grant {
    uint64_t bytes;
};

/* Worker thread. Waits until the grant has so many bytes. What it holds already is kept where that
 * is enough, else given back before the wait. 0, or ERR_CANCELLED as soon as `cancelled` says so
 * (it is asked a few times a second): the grant is then as it was, or empty. */
int memory_wait(struct memory_budget *budget, struct memory_grant *grant, uint64_t bytes,
                bool (*cancelled)(void *user), void *user);

/* Loop thread. Ends a grant: its bytes become what the work has made of them, which is given back
 * by memory_change. 0: nothing. */
void memory_settle(struct memory_budget *budget, struct memory_grant *grant, uint64_t made);

/* Loop thread. Bytes that were granted turn out to be another number; 0: they are given back. More
 * than was granted is taken without asking. */
void memory_change(struct memory_budget *budget, enum memory_kind kind, uint64_t from, uint64_t to);

/* Somebody waits: what comes now would wait too. Loop thread. */
bool memory_is_tight(struct memory_budget *budget);

struct memory_figures {
    uint64_t limit, taken, peak; /* bytes */
};
void memory_figures(struct memory_budget *budget, struct memory_figures *out);

#endif
