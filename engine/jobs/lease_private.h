/* The lease, shared by its keeper and the delete batcher. */
#ifndef THUMBWHEEL_LEASE_PRIVATE_H
#define THUMBWHEEL_LEASE_PRIVATE_H

#include "delete_batcher.h"
#include "lease_keeper.h"

enum { LEASE_GATHER_MS = 10 }; /* how long changes wait to be batched */

enum lease_wish { /* the owner's request; LEASE_KEEP until it makes one */
                  LEASE_KEEP,
                  LEASE_DELETE,
                  LEASE_RELEASE,
                  LEASE_FORGET,
};

struct lease {
    struct lease_home *home;
    char *receipt;
    uint64_t received_ms;
    uint64_t deadline_ms;   /* when the visibility timeout ends */
    struct time_entry beat; /* when the next extension is due */
    unsigned visibility_s;
    unsigned ask_s;     /* length of the next extension; shorter near the 12-hour limit */
    unsigned release_s; /* with LEASE_RELEASE */
    bool final;         /* no further extension is possible: the next heartbeat ends the lease */
    enum lease_wish wish;
    bool changing;      /* part of a pending change call */
    bool releasing;     /* that change is the final one, for LEASE_RELEASE */
    bool queued;        /* in home->changes */
    struct list all;    /* in home->leases */
    struct list change; /* in home->changes */
    struct delete_entry deletion;
    struct trace_context trace; /* of the message, with LEASE_DELETE */
    lease_lost *lost;
    void *user;
    bool deleted;     /* confirmed */
    lease_gone *gone; /* NULL: none */
    void *gone_user;
};

/* A pending batch call. Freed by its callback, or by lease_home_close, after which no callback is
 * called. */
struct lease_call {
    struct list link;
    struct lease_home *home;
    uint64_t sent_ms;
    uint64_t sent_ns; /* uv_hrtime */
    size_t count;
    struct lease *leases[QUEUE_BATCH_MAX];
    struct queue_entry entries[QUEUE_BATCH_MAX];
};

struct lease_call *lease_call_new(struct lease_home *home);
void lease_call_free(struct lease_call *call);

uint64_t lease_now(const struct lease *lease); /* uv_now */
void lease_destroy(struct lease *lease);
/* Its next extension. */
void lease_beat_clear(struct lease *lease);
uint64_t lease_beat_ms(const struct lease *lease);
/* The lease with the earliest heartbeat; NULL: none. */
struct lease *lease_first(const struct lease_keeper *keeper);
/* Adds it to the leases that wait for a ChangeMessageVisibilityBatch. */
void lease_change_queue(struct lease *lease);
void lease_change_unqueue(struct lease *lease);
/* After a failed delete: the visibility is extended again. */
void lease_beat_again(struct lease *lease);
/* Call it when due times have changed. */
void lease_keeper_arm(struct lease_keeper *keeper);
/* Milliseconds until attempt n+1: full jitter under an exponential cap. */
uint64_t lease_retry_delay(unsigned attempts);

#endif
