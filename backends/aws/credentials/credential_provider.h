/*
 * What the providers of credentials have in common. Each is one file with one function, which
 * starts to get credentials. Loop thread.
 *
 * On success the function returns 0 and has set get->cancel and get->operation; later, from a fresh
 * loop callback, it calls credential_get_end once, unless it was cancelled. On error the
 * callback is not called.
 */
#ifndef THUMBWHEEL_AWS_CREDENTIAL_PROVIDER_H
#define THUMBWHEEL_AWS_CREDENTIAL_PROVIDER_H

#include <uv.h>

#include "credential_plan.h"
#include "credentials.h"
#include "endpoint.h"
#include "error.h"
#include "http_client.h"

struct credential_host { /* the environment of the providers; borrowed, outlives them */
    uv_loop_t *loop;
    struct http_client *http;
    const char *region; /* of STS */
    const struct endpoints *endpoints;
    const int64_t *clock_offset; /* seconds that the services' clock is ahead of ours */
};

/* The callback takes the reference to the credentials; NULL: *error says why. */
typedef void credential_got(struct credentials *credentials, const struct error *error, void *user);

struct credential_get { /* one that is under way */
    credential_got *done;
    void *user;
    void (*cancel)(void *operation); /* the operation is gone when it returns, or frees itself */
    void *operation;                 /* NULL: none */
};

typedef int credential_provider(const struct credential_host *host,
                                const struct credential_plan *plan, struct credential_get *get,
                                struct error *error);

credential_provider web_identity_get;
credential_provider container_get;
credential_provider instance_get;
credential_provider process_get;
credential_provider sso_get;

/* For the providers: reports the result; *get may be gone afterwards. */
void credential_get_end(struct credential_get *get, struct credentials *credentials,
                        const struct error *error);
/* Cancels the callback. Does nothing if no operation is under way. */
void credential_get_cancel(struct credential_get *get);

/* The services' clock. */
int64_t credential_now(const struct credential_host *host);

#endif
