/* The lease, as its keeper and the delete batcher see it. */
#ifndef THUMBWHEEL_LEASE_PRIVATE_H
#define THUMBWHEEL_LEASE_PRIVATE_H

#include "delete_batcher.h"
#include "lease_keeper.h"

enum { LEASE_GATHER_MS = 10 }; /* changes wait this long for others of their batch */

enum lease_wish { /* what the owner of the message wants; LEASE_KEEP until it has said so */
                  LEASE_KEEP,
                  LEASE_DELETE,
                  LEASE_RELEASE,
                  LEASE_FORGET,
};

struct lease {
    struct lease_home *home;
    char *receipt;
    uint64_t received_ms;
    uint64_t deadline_ms;   /* the visibility ends */
    struct time_entry beat; /* the next extension is due */
    unsigned visibility_s;
    unsigned ask_s;     /* of the next extension: less, near the end of its life */
    unsigned release_s; /* with LEASE_RELEASE */
    bool final;         /* no extension can gain anything: the next beat is its end */
    enum lease_wish wish;
    bool changing;      /* in a change call */
    bool releasing;     /* that change is the final one, of LEASE_RELEASE */
    bool queued;        /* in home->changes */
    struct list all;    /* in home->leases */
    struct list change; /* in home->changes */
    struct delete_entry deletion;
    lease_lost *lost;
    void *user;
};

/* A batch call under way. Freed by its callback, or by lease_home_close, which knows that no
 * callback will come. */
struct lease_call {
    struct list link;
    struct lease_home *home;
    uint64_t sent_ms;
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
/* Of which the beat is the earliest; NULL: none. */
struct lease *lease_first(const struct lease_keeper *keeper);
/* Its place among those that wait for a ChangeMessageVisibilityBatch. */
void lease_change_queue(struct lease *lease);
void lease_change_unqueue(struct lease *lease);
/* After a delete that failed: the visibility is kept up again. */
void lease_beat_again(struct lease *lease);
/* Something about the due times has changed. */
void lease_keeper_arm(struct lease_keeper *keeper);
/* Milliseconds until attempt n+1: full jitter under an exponential cap. */
uint64_t lease_retry_delay(unsigned attempts);

#endif
