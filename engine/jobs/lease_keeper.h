/*
 * A lease is the right to change a message's visibility, from its receive until its delete is
 * confirmed.
 *
 * There is one lease per message and one keeper for all queues. The keeper extends active leases at
 * half of their visibility timeout, earliest first, up to ten per call; sets the backoff of a
 * returned message; and passes receipts to the queue's delete batcher. Near SQS's limit of 12 hours
 * it requests the remaining time, then stops and logs it. Because every visibility change goes
 * through the lease, a heartbeat never overwrites a backoff: a change waits for the response to the
 * pending one.
 *
 *     lease_take ──► held ──beat──► held … ──► lease_delete  ──► batched, confirmed, freed
 *                      │                  ├──► lease_release ──► visibility set, freed
 *                      └─ receipt expired └──► lease_forget  ──► freed
 *                         or 12 h: lost()
 *
 * After lease_delete, lease_release or lease_forget the caller must not use the pointer. Loop
 * thread only.
 */
#ifndef THUMBWHEEL_LEASE_KEEPER_H
#define THUMBWHEEL_LEASE_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "delete_batcher.h"
#include "list.h"
#include "queue_backend.h"
#include "time_heap.h"
#include "tracer.h"

struct lease;

/* The lease was lost (the receipt expired, or SQS's limit of 12 hours was reached): cancel the work
 * on the message, then call lease_forget. */
typedef void lease_lost(void *user);

/* The lease has ended. deleted: the service confirmed that the message is. From a loop callback. */
typedef void lease_gone(void *user, bool deleted);

struct lease_stats {
    uint64_t extended, lost, released, deleted, delete_failed;
};

struct lease_keeper {
    uv_loop_t *loop;
    uv_timer_t timer;
    uv_timer_cb on_turn;    /* private: handles what is due */
    struct time_heap beats; /* of the leases */
    struct list homes;
    struct lease_stats stats;
    void (*ended)(void *user); /* a lease has ended */
    struct tracer *tracer;     /* of the deletes; NULL: none */
    void *user;
};

struct lease_home { /* one queue */
    struct lease_keeper *keeper;
    struct queue_backend *backend;
    struct queue *queue;
    const char *name; /* for logs */
    struct list link;
    struct list leases;  /* all leases, active or ending */
    struct list changes; /* leases waiting for a ChangeMessageVisibilityBatch */
    size_t change_count;
    uint64_t change_due_ms;
    struct list calls; /* pending batch calls */
    struct delete_batcher deletes;
    size_t held;  /* leases whose work is still running */
    size_t count; /* all */
};

int lease_keeper_init(struct lease_keeper *keeper, uv_loop_t *loop, void (*ended)(void *user),
                      void *user);
/* All homes must be closed before. closed is called from the loop; the caller owns the keeper's
 * memory.
 */
void lease_keeper_close(struct lease_keeper *keeper, uv_close_cb closed);

void lease_home_open(struct lease_home *home, struct lease_keeper *keeper,
                     struct queue_backend *backend, struct queue *queue, const char *name);
/* Drops remaining leases (their messages become visible after their timeout). The queue is closed
 * right after. */
void lease_home_close(struct lease_home *home);

/* Takes the receipt (malloc'd). The visibility timeout began at received_ms (uv_now's clock). NULL:
 * out of memory; the receipt is freed. */
struct lease *lease_take(struct lease_home *home, char *receipt, unsigned visibility_s,
                         uint64_t received_ms, lease_lost *lost, void *user);
/* trace: the spans of the delete belong to it; NULL: none. */
void lease_delete(struct lease *lease, const struct trace_context *trace);
/* The same, and gone is called when the lease ends. */
void lease_delete_then(struct lease *lease, const struct trace_context *trace, lease_gone *gone,
                       void *user);
void lease_release(struct lease *lease, unsigned visibility_s);
void lease_forget(struct lease *lease);

#endif
