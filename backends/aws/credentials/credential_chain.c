#include "credential_chain.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "credential_chain_private.h"

int credential_chain_wait(struct credential_chain *chain, struct credential_wait *wait)
{
    int code = credential_waiters_add(&chain->waiters, wait, uv_now(chain->host.loop));
    if (!code)
        chain_timer_set(chain);
    return code;
}

struct credentials *credential_chain_use(struct credential_chain *chain)
{
    if (!credential_chain_renews(chain))
        return chain->current;
    chain_refresh_if_due(chain);
    return chain_is_usable(chain) && !(chain->rejected && chain_is_busy(chain)) ? chain->current
                                                                                : NULL;
}

const struct credential_host *credential_chain_host(const struct credential_chain *chain)
{
    return &chain->host;
}

unsigned credential_chain_generation(const struct credential_chain *chain)
{
    return chain->generation;
}

void credential_chain_reject(struct credential_chain *chain, unsigned generation)
{
    if (generation != chain->generation)
        return;
    chain->refused = true;
    chain->rejected = credential_chain_renews(chain);
}

void credential_chain_accept(struct credential_chain *chain, unsigned generation)
{
    if (generation == chain->generation)
        chain->refused = false;
}

void credential_chain_look(const struct credential_chain *chain, struct credential_state *out)
{
    *out = (struct credential_state){
        .known = chain->current != NULL,
        .usable = chain_is_usable(chain),
        .refused = chain->refused,
        .expires_s = chain->current ? chain->current->expires_s : 0,
        .error = chain->error.code ? chain->error.text : "",
        .refreshes = chain->refreshed,
        .failures = chain->failed,
    };
}

void credential_chain_doubt(struct credential_chain *chain)
{
    if (chain->look_ms > chain->started_ms + LOOK_SOON_MS)
        chain->look_ms = chain->started_ms + LOOK_SOON_MS;
}

bool credential_chain_renews(const struct credential_chain *chain)
{
    return chain->plan.of_files || !chain_is_static(chain);
}

/* ---- opening and closing ---- */

static void chain_free(struct credential_chain *chain)
{
    credential_plan_free(&chain->plan);
    credentials_release(chain->current);
    free(chain->profile);
    free(chain);
}

static void on_timer_closed(uv_handle_t *handle)
{
    chain_free(container_of((uv_timer_t *)handle, struct credential_chain, timer));
}

int credential_chain_open(const struct credential_host *host,
                          const struct backend_settings *options, const struct profile *profile,
                          struct credential_chain **out, struct error *error)
{
    struct credential_chain *chain = calloc(1, sizeof *chain);
    *out = NULL;
    if (!chain)
        return error_set(error, ERR_MEMORY, "out of memory");
    chain->host = *host;
    chain->look_ms = uv_now(host->loop) + LOOK_EVERY_MS;
    credential_waiters_init(&chain->waiters);
    chain->profile = options->profile ? strdup(options->profile) : NULL;
    int code = credential_plan_make(&chain->plan, options, profile, error);
    if (!code && options->profile && !chain->profile)
        code = error_set(error, ERR_MEMORY, "out of memory");
    if (code) {
        chain_free(chain);
        return code;
    }
    if (chain_is_static(chain))
        chain_current_set(chain, credentials_retain(chain->plan.keys));
    *out = chain;
    return 0;
}

void credential_chain_close(struct credential_chain *chain)
{
    if (!chain)
        return;
    plan_reading_cancel(chain->reading);
    credential_fetch_cancel(&chain->fetch);
    if (chain->timer_open)
        uv_close((uv_handle_t *)&chain->timer, on_timer_closed);
    else
        chain_free(chain);
}
