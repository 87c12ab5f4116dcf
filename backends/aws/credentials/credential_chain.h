/*
 * The owner of the current credentials: gets them, renews them, and lets requests wait for them.
 *
 * Keys that are known at once (options, environment, keys in a profile) are available when the
 * chain is opened, and no request is made for them. All others are fetched when the first request
 * needs them. There is one refresh at a time, and it is due
 *   - ten minutes before the credentials expire, or halfway for those that are valid for less than
 *     twenty, with jitter;
 *   - when a service rejects them;
 *   - when there are none, after a delay that grows with each failure;
 *   - when the files of the profile changed. They are read on a thread of libuv's pool every half
 *     minute while requests are made, and for each refresh. Incomplete files, and files that were
 *     changed within the last second, are ignored: a write may be in progress.
 * While a refresh fails, the old credentials are used until they expire. No timer runs while there
 * are credentials: each request checks whether a refresh is due.
 *
 * A request that finds none waits, at most CREDENTIAL_WAIT_MS. It fails at once when trying again
 * would not help (ERR_CREDENTIALS). Loop thread.
 */
#ifndef THUMBWHEEL_AWS_CREDENTIAL_CHAIN_H
#define THUMBWHEEL_AWS_CREDENTIAL_CHAIN_H

#include "credential_plan.h"
#include "credential_provider.h"
#include "credential_waiters.h"

struct credential_chain;

/* Makes the plan; *host is copied, what it points at is borrowed. On error (as of
 * credential_plan_make) there is nothing to close. */
int credential_chain_open(const struct credential_host *host,
                          const struct backend_settings *options, const struct profile *profile,
                          struct credential_chain **out, struct error *error);
/* Cancels everything, without calling the waiting requests. It frees itself in callbacks of the
 * loop; NULL does nothing. */
void credential_chain_close(struct credential_chain *chain);

/* The credentials to sign with now, borrowed until the next callback; NULL: wait. Starts a refresh
 * if one is due. */
struct credentials *credential_chain_use(struct credential_chain *chain);
/* The environment of its providers; borrowed. */
const struct credential_host *credential_chain_host(const struct credential_chain *chain);
/* Changes with the credentials. */
unsigned credential_chain_generation(const struct credential_chain *chain);

/* Waits for credentials; credential_wait_cancel ends it. ERR_LIMIT: too many wait; then done is not
 * called. */
int credential_chain_wait(struct credential_chain *chain, struct credential_wait *wait);

/* A service rejected credentials of this generation. */
void credential_chain_reject(struct credential_chain *chain, unsigned generation);
/* A service denied access, which is rarely the fault of the credentials: the files are read soon.
 * */
void credential_chain_doubt(struct credential_chain *chain);
/* A service accepted them. */
void credential_chain_accept(struct credential_chain *chain, unsigned generation);

/* For monitoring; no secrets. */
struct credential_state {
    bool known;                   /* there are some, even if they have expired */
    bool usable;                  /* requests are signed with them */
    bool refused;                 /* a service rejected them, and none has accepted them since */
    int64_t expires_s;            /* Unix time; 0: never */
    const char *error;            /* of the last refresh; "" if it succeeded; borrowed */
    uint64_t refreshes, failures; /* since the start */
};
void credential_chain_look(const struct credential_chain *chain, struct credential_state *out);

/* Whether the credentials can change: false for fixed keys. */
bool credential_chain_renews(const struct credential_chain *chain);

#endif
