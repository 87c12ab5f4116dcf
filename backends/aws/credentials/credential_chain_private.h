/*
 * Private to the chain: its state, and what its files share.
 *
 *     credential_chain.c    the interface to requests; opening, closing
 *     credential_refresh.c  a refresh, its outcome, and the timer of waiting requests
 */
#ifndef THUMBWHEEL_AWS_CREDENTIAL_CHAIN_PRIVATE_H
#define THUMBWHEEL_AWS_CREDENTIAL_CHAIN_PRIVATE_H

#include "credential_chain.h"
#include "credential_fetch.h"
#include "log.h"
#include "plan_reading.h"

enum {
    LOOK_EVERY_MS = 30000, /* between two readings of the profile while requests are made */
    LOOK_SOON_MS = 1000,
};

struct credential_chain {
    struct credential_host host;
    char *profile; /* as in backend_settings; may be NULL */
    struct credential_plan plan;

    struct credentials *current; /* NULL: none yet */
    unsigned generation;
    int64_t refresh_s, expires_s; /* Unix time; 0: never */
    bool rejected;                /* since they were got */
    bool refused;                 /* and not accepted since */
    bool outdated;                /* the plan has changed since */

    struct plan_reading *reading; /* of the profile, under way; NULL: none */
    struct credential_fetch fetch;
    bool fetching;
    bool fetch_due;               /* by the reading that is under way, even if nothing changed */
    uint64_t look_ms, started_ms; /* uv_now: the next reading of the profile; the last refresh */
    uint64_t retry_ms;            /* not before */
    uint64_t reject_ms;           /* not before, if it is for a rejection */
    unsigned failures;            /* in a row */
    uint64_t refreshed, failed;   /* in all: refreshes */
    struct error error;           /* the last failure */
    bool unreported;              /* waiting requests do not know of it yet; the timer tells them */
    struct log_gate unreadable, failing;

    struct credential_waiters waiters;
    uv_timer_t timer; /* runs while requests wait */
    bool timer_open;
};

/* Whether requests can be signed now. */
bool chain_is_usable(const struct credential_chain *chain);
/* Whether a refresh is under way. */
bool chain_is_busy(const struct credential_chain *chain);
/* Whether the credentials are fixed keys. */
bool chain_is_static(const struct credential_chain *chain);
/* Takes over the credentials. */
void chain_current_set(struct credential_chain *chain, struct credentials *credentials);
/* Starts a refresh, or reads the files again, if either is due. It calls nothing back. */
void chain_refresh_if_due(struct credential_chain *chain);
/* Sets the timer to what the waiting requests need next. */
void chain_timer_set(struct credential_chain *chain);

#endif
