/*
 * The total memory for images.
 *
 * Two kinds of bytes are counted. Photos: their stored size, from before their GET until they are
 * freed, including lingering ones. Work: the memory that a render will need according to the
 * image's header, then the renditions until they are stored. A request that does not fit waits;
 * waiting never fails.
 *
 * Photos take at most a quarter of the budget, so that there is always room for the work that frees
 * them. Requests of each kind are granted in order, so that small requests never starve a large
 * one. A request larger than the whole budget runs alone, when nothing else of its kind is left.
 * Lingering photos are dropped as soon as another request needs their memory.
 *
 * Photos are requested on the loop thread, by ticket; work is requested on worker threads, which
 * block. The lock guards the counts and the queue of workers. Only the loop thread drops photos,
 * and it decides which request runs alone.
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
    /* Drops an unused photo; false: none is left. */
    bool (*shed)(void *user);
    /* Called when no request is waiting any more. */
    void (*relaxed)(void *user);
    void *user;
};

struct memory_budget {
    struct memory_budget_options options;
    uv_mutex_t lock;
    uv_cond_t granted; /* for waiting workers */
    uv_async_t async;  /* a request is waiting, or memory was freed for one */
    uint64_t taken[MEMORY_KINDS];
    uint64_t peak;       /* peak of the sum of both */
    struct list workers; /* waiting, in order */
    struct list tickets; /* waiting, in order; loop thread */
    bool tight;          /* a request waited at the loop's last check; loop thread */
};

struct memory_ticket { /* embed it; zero-initialised, then memory_ticket_init */
    void (*granted)(struct memory_ticket *ticket); /* from a new loop callback */
    uint64_t bytes;
    struct list link;
};

/* ERR_MEMORY. */
int memory_budget_init(struct memory_budget *budget, uv_loop_t *loop,
                       const struct memory_budget_options *options);
/* Call it when nothing is waiting and no worker is running. closed is called with the budget's
 * async handle.
 */
void memory_budget_close(struct memory_budget *budget, uv_close_cb closed);

void memory_ticket_init(struct memory_ticket *ticket,
                        void (*granted)(struct memory_ticket *ticket));
/* Loop thread. Requests a photo's bytes: true if they are granted; false if `granted` will be
 * called. */
bool memory_ask(struct memory_budget *budget, struct memory_ticket *ticket, uint64_t bytes);
/* Cancels a waiting request. */
void memory_withdraw(struct memory_budget *budget, struct memory_ticket *ticket);

/* The bytes reserved for a piece of work, from its first wait until it is settled. A grant is the
 * only owner of its bytes: a second wait resizes it and never adds to it, so that repeated work
 * (after its decoder was killed) neither leaks its first grant nor waits for itself.
 * Zero-initialised. Accessed by the worker while it has the work, else by the loop thread. */
struct memory_grant {
    uint64_t bytes;
};

/* Worker thread. Waits until the grant has at least this many bytes. A large enough grant is kept;
 * a smaller one is released before the wait. Returns 0, or ERR_CANCELLED when `cancelled` is set
 * (checked a few times a second): the grant is then unchanged or empty. */
int memory_wait(struct memory_budget *budget, struct memory_grant *grant, uint64_t bytes,
                bool (*cancelled)(void *user), void *user);

/* Loop thread. Ends a grant and keeps `made` bytes of it for the results, to be released by
 * memory_change. 0: nothing. */
void memory_settle(struct memory_budget *budget, struct memory_grant *grant, uint64_t made);

/* Loop thread. Changes the number of granted bytes; 0 releases them. An increase never waits. */
void memory_change(struct memory_budget *budget, enum memory_kind kind, uint64_t from, uint64_t to);

/* Whether a request is waiting, so that a new one would wait too. Loop thread. */
bool memory_is_tight(struct memory_budget *budget);

struct memory_figures {
    uint64_t limit, taken, peak; /* bytes */
};
void memory_figures(struct memory_budget *budget, struct memory_figures *out);

#endif
