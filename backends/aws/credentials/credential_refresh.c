/* A refresh of the credentials, its outcome, and the timer of the requests that wait for it. */
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "credential_chain_private.h"
#include "jitter.h"

enum {
    LOG_EVERY_MS = 60000,
    REJECTED_FILES_MS = 1000, /* least time between refreshes because of a rejection */
    REJECTED_MS = 5000,
    RETRY_BASE_MS = 500,
    RETRY_CAP_MS = 30000,
    RETRY_MIN_MS = 200,
    REFRESH_EARLY_S = 600, /* before the credentials expire */
    JITTER_PARTS = 5,      /* up to a fifth of it */
};

static void refresh_begin(struct credential_chain *chain, bool fetch);

/* ---- waiting requests ---- */

bool chain_is_usable(const struct credential_chain *chain)
{
    return chain->current && (!chain->expires_s || credential_now(&chain->host) < chain->expires_s);
}

/* Whether trying again soon may help. */
static bool is_transient(int code)
{
    return code == ERR_NETWORK || code == ERR_TIMEOUT || code == ERR_SERVER ||
           code == ERR_THROTTLED || code == ERR_PROTOCOL || code == ERR_MEMORY || code == ERR_IO;
}

/* The callbacks may close the chain. */
static void wake(struct credential_chain *chain, const struct error *error)
{
    struct list waiters;
    credential_waiters_take(&chain->waiters, UINT64_MAX, &waiters);
    credential_waits_end(&waiters, error);
}

static void expire(struct credential_chain *chain)
{
    struct error error = chain->error;
    struct list late;
    if (!error.code)
        error_set(&error, ERR_TIMEOUT, "no credentials for %d s", CREDENTIAL_WAIT_MS / 1000);
    credential_waiters_take(&chain->waiters, uv_now(chain->host.loop), &late);
    chain_timer_set(chain);
    credential_waits_end(&late, &error);
}

bool chain_is_busy(const struct credential_chain *chain)
{
    return chain->reading || chain->fetching;
}

/* Whether waiting cannot help. */
static bool is_hopeless(const struct credential_chain *chain)
{
    return !chain_is_usable(chain) && chain->error.code && !is_transient(chain->error.code);
}

static void wake_failed(struct credential_chain *chain)
{
    const struct error error = chain->error;
    chain_timer_set(chain);
    wake(chain, &error);
}

/* Of a failure: an end for those whom waiting cannot help, and for those who need not wait. */
static void failure_report(struct credential_chain *chain)
{
    chain->unreported = false;
    if (is_hopeless(chain))
        wake_failed(chain);
    else if (chain_is_usable(chain))
        wake(chain, &(struct error){0});
    else
        chain_timer_set(chain);
}

static void on_timer(uv_timer_t *timer)
{
    struct credential_chain *chain = container_of(timer, struct credential_chain, timer);
    if (!credential_waiters_first(&chain->waiters))
        return;
    if (chain->unreported && !chain_is_busy(chain)) {
        failure_report(chain);
        return;
    }
    if (!chain_is_busy(chain) && uv_now(chain->host.loop) >= chain->retry_ms)
        refresh_begin(chain, true);
    if (!chain_is_busy(chain) && is_hopeless(chain))
        wake_failed(chain);
    else
        expire(chain);
}

void chain_timer_set(struct credential_chain *chain)
{
    const struct credential_wait *wait = credential_waiters_first(&chain->waiters);
    const uint64_t now_ms = uv_now(chain->host.loop);
    if (!chain->timer_open && wait)
        chain->timer_open = uv_timer_init(chain->host.loop, &chain->timer) == 0;
    if (!chain->timer_open)
        return;
    if (!wait) {
        uv_timer_stop(&chain->timer);
        return;
    }
    uint64_t due_ms = wait->deadline_ms;
    if (!chain_is_busy(chain) && (chain->unreported || chain->retry_ms < due_ms))
        due_ms = chain->unreported ? now_ms : chain->retry_ms;
    uv_timer_start(&chain->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

/* ---- the outcome of a refresh ---- */

static void schedule(struct credential_chain *chain)
{
    const int64_t now_s = credential_now(&chain->host);
    const bool of_instance = chain->plan.kind == CREDENTIAL_INSTANCE && chain->plan.role_count == 0;
    int64_t left_s = chain->current->expires_s - now_s;
    chain->refresh_s = chain->expires_s = 0;
    if (!chain->current->expires_s)
        return;
    /* The instance's metadata service may be behind: its credentials are used beyond their time
     * until it has new ones ("static stability", botocore's InstanceMetadataFetcher). */
    if (of_instance && left_s < REFRESH_EARLY_S)
        left_s = REFRESH_EARLY_S * 2;
    else
        chain->expires_s = chain->current->expires_s;
    int64_t early_s = left_s / 2 < REFRESH_EARLY_S ? left_s / 2 : REFRESH_EARLY_S;
    int64_t jitter_s = (int64_t)jitter_full((uint64_t)(early_s / JITTER_PARTS),
                                            (uint64_t)(early_s / JITTER_PARTS), 0);
    chain->refresh_s = now_s + left_s - early_s - jitter_s;
}

void chain_current_set(struct credential_chain *chain, struct credentials *credentials)
{
    credentials_release(chain->current);
    chain->current = credentials;
    chain->generation++;
    chain->rejected = chain->outdated = chain->refused = false;
    chain->refreshed++;
    chain->failures = 0;
    chain->error = (struct error){0};
    log_gate_reset(&chain->failing);
    schedule(chain);
}

/* Any other error of a refresh must not look like an error of the request. */
static void failure_set(struct credential_chain *chain, const struct error *error)
{
    chain->error = *error;
    if (error->code == ERR_LIMIT)
        chain->error.code = ERR_PROTOCOL;
    else if (!is_transient(error->code))
        chain->error.code = ERR_CREDENTIALS;
}

static void failure_log(struct credential_chain *chain)
{
    if (!log_gate_open(&chain->failing, uv_now(chain->host.loop), LOG_EVERY_MS))
        return;
    const bool usable = chain_is_usable(chain);
    int64_t left_s =
        usable && chain->expires_s ? chain->expires_s - credential_now(&chain->host) : 0;
    log_warn(usable ? "credentials could not be refreshed; the previous ones stay in use"
                    : "no credentials; requests wait for them",
             LOG_TEXT("source", chain->plan.source), LOG_TEXT("error", chain->error.text),
             LOG_COUNT("valid_s", left_s), LOG_SUPPRESSED(&chain->failing));
}

/* It may be called while a request asks for the credentials, so it calls nothing back. */
static void fail_later(struct credential_chain *chain, const struct error *error)
{
    uint64_t delay = RETRY_MIN_MS + jitter_full(RETRY_BASE_MS, RETRY_CAP_MS, chain->failures);
    failure_set(chain, error);
    chain->failures++;
    chain->failed++;
    chain->rejected = false;
    chain->retry_ms = uv_now(chain->host.loop) + delay;
    chain->unreported = true;
    failure_log(chain);
    chain_timer_set(chain);
}

static void fail(struct credential_chain *chain, const struct error *error)
{
    fail_later(chain, error);
    failure_report(chain);
}

static void on_fetched(struct credentials *credentials, const struct error *error, void *user)
{
    struct credential_chain *chain = user;
    const bool known = chain->current != NULL;
    struct error late = {0};
    chain->fetching = false;
    if (!credentials) {
        fail(chain, error);
        return;
    }
    if (credentials->expires_s && credentials->expires_s <= credential_now(&chain->host) &&
        chain->plan.kind != CREDENTIAL_INSTANCE) {
        credentials_release(credentials);
        /* Their issuer is behind, which passes like any other failure of it. */
        error_set(&late, ERR_SERVER, "%s: the credentials have expired already",
                  chain->plan.source);
        fail(chain, &late);
        return;
    }
    chain->plan.last_resort = false; /* the source exists: it is worth waiting for */
    chain_current_set(chain, credentials);
    log_debug(known ? "credentials are refreshed" : "credentials are available",
              LOG_TEXT("source", chain->current->source),
              LOG_COUNT("expires", chain->current->expires_s));
    wake(chain, &(struct error){0});
}

/* ---- a refresh ---- */

bool chain_is_static(const struct credential_chain *chain)
{
    return chain->plan.kind == CREDENTIAL_KEYS && chain->plan.role_count == 0;
}

static void fetch_begin(struct credential_chain *chain)
{
    struct error error = {0};
    if (credential_fetch_start(&chain->fetch, &chain->host, &chain->plan, on_fetched, chain,
                               &error) == 0)
        chain->fetching = true;
    else
        fail_later(chain, &error);
}

static void end_unchanged(struct credential_chain *chain)
{
    chain->rejected = false;
    chain_timer_set(chain);
    if (chain_is_usable(chain))
        wake(chain, &(struct error){0});
}

static void keep(struct credential_chain *chain, const struct error *error)
{
    if (log_gate_open(&chain->unreadable, uv_now(chain->host.loop), LOG_EVERY_MS))
        log_warn("credentials could not be read again; the previous ones stay in use",
                 LOG_TEXT("error", error->text), LOG_SUPPRESSED(&chain->unreadable));
}

/* Whether the plan that was read is to be followed from now on. A profile from which the
 * credentials vanished is being written, or is a mistake: it must not lead to another identity. */
static bool is_adopted(struct credential_chain *chain, struct plan_reading *reading)
{
    if (reading->code) {
        keep(chain, &reading->error);
        return false;
    }
    if (!reading->plan.of_files || credential_plan_equal(&chain->plan, &reading->plan))
        return false;
    if (!reading->settled)
        chain->look_ms = uv_now(chain->host.loop) + LOOK_SOON_MS;
    return reading->settled;
}

static void on_plan_read(struct plan_reading *reading, void *user)
{
    struct credential_chain *chain = user;
    chain->reading = NULL;
    const bool adopted = is_adopted(chain, reading);
    if (adopted) {
        credential_plan_free(&chain->plan);
        chain->plan = reading->plan;
        reading->plan = (struct credential_plan){0};
        chain->outdated = true;
        log_info("credentials have changed", LOG_TEXT("source", chain->plan.source));
    }
    if (adopted && chain_is_static(chain)) {
        chain_current_set(chain, credentials_retain(chain->plan.keys));
        wake(chain, &(struct error){0});
    } else if (!chain_is_static(chain) && (adopted || chain->fetch_due)) {
        fetch_begin(chain);
    } else {
        end_unchanged(chain);
    }
}

/* fetch: even if the files have not changed. */
static void refresh_begin(struct credential_chain *chain, bool fetch)
{
    chain->started_ms = uv_now(chain->host.loop);
    chain->look_ms = chain->started_ms + LOOK_EVERY_MS;
    chain->fetch_due = fetch;
    chain->unreported = false;
    if (chain->rejected)
        chain->reject_ms =
            chain->started_ms + (chain_is_static(chain) ? REJECTED_FILES_MS : REJECTED_MS);
    if (!chain->plan.of_files) {
        fetch_begin(chain);
        return;
    }
    chain->reading = plan_reading_start(chain->host.loop, chain->profile, on_plan_read, chain);
    if (!chain->reading) {
        struct error error = {0};
        error_set(&error, ERR_MEMORY, "out of memory");
        fail_later(chain, &error);
    }
}

static bool fetch_is_due(const struct credential_chain *chain)
{
    const uint64_t now_ms = uv_now(chain->host.loop);
    if (now_ms < chain->retry_ms)
        return false;
    if (!chain_is_usable(chain) || chain->outdated)
        return true;
    if (chain->rejected && now_ms >= chain->reject_ms)
        return true;
    return chain->refresh_s && credential_now(&chain->host) >= chain->refresh_s;
}

void chain_refresh_if_due(struct credential_chain *chain)
{
    if (chain_is_busy(chain))
        return;
    if (fetch_is_due(chain))
        refresh_begin(chain, true);
    else if (chain->plan.of_files && uv_now(chain->host.loop) >= chain->look_ms)
        refresh_begin(chain, false);
}
