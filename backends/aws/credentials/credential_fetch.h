/* Carries out a plan: asks the provider, then assumes the roles. Loop thread. */
#ifndef THUMBWHEEL_AWS_CREDENTIAL_FETCH_H
#define THUMBWHEEL_AWS_CREDENTIAL_FETCH_H

#include "credential_provider.h"
#include "sts.h"

struct credential_fetch { /* embedded by its owner; all zero: none is under way */
    const struct credential_host *host;
    const struct credential_plan *plan;
    struct credential_get get;
    struct sts_call *call;
    size_t next_role;
    credential_got *done;
    void *user;
};

/* plan is borrowed until done was called, from a fresh loop callback, or the fetch was cancelled.
 * On error done is not called. */
int credential_fetch_start(struct credential_fetch *fetch, const struct credential_host *host,
                           const struct credential_plan *plan, credential_got *done, void *user,
                           struct error *error);
void credential_fetch_cancel(struct credential_fetch *fetch); /* does nothing if there is none */

#endif
