/*
 * Requests that wait for credentials, in the order of their deadlines. Loop thread.
 */
#ifndef THUMBWHEEL_AWS_CREDENTIAL_WAITERS_H
#define THUMBWHEEL_AWS_CREDENTIAL_WAITERS_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "list.h"

enum { CREDENTIAL_WAIT_MS = 60000, CREDENTIAL_WAITERS_MAX = 65536 };

struct credential_waiters {
    struct list list; /* of struct credential_wait */
    size_t count;     /* with those that are being told */
};

struct credential_wait {
    struct list link;
    struct credential_waiters *waiters; /* NULL: does not wait */
    uint64_t deadline_ms;
    void (*done)(const struct error *error, void *user); /* code 0: ask again. From a fresh loop
                                                            callback, once */
    void *user;
};

void credential_waiters_init(struct credential_waiters *waiters);
/* Each waits CREDENTIAL_WAIT_MS from now_ms (uv_now). ERR_LIMIT: too many wait; then done is not
 * called. */
int credential_waiters_add(struct credential_waiters *waiters, struct credential_wait *wait,
                           uint64_t now_ms);
/* The one whose deadline is next; NULL: nobody waits. */
const struct credential_wait *credential_waiters_first(const struct credential_waiters *waiters);
/* Moves those whose deadline has passed to *late, which is not initialised yet. */
void credential_waiters_take(struct credential_waiters *waiters, uint64_t now_ms,
                             struct list *late);
/* Tells those that were taken. Their callbacks may cancel others, and close the chain. */
void credential_waits_end(struct list *taken, const struct error *error);
void credential_wait_cancel(struct credential_wait *wait); /* does nothing if it does not wait */

#endif
