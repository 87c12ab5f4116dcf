#include "credential_chain.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "credential_fetch.h"
#include "jitter.h"
#include "log.h"

enum {
    LOOK_EVERY_MS = 30000,
    LOOK_SOON_MS = 1000,
    LOG_EVERY_MS = 60000,
    REJECTED_FILES_MS = 1000, /* least time between refreshes because of a rejection */
    REJECTED_MS = 5000,
    RETRY_BASE_MS = 500,
    RETRY_CAP_MS = 30000,
    RETRY_MIN_MS = 200,
    REFRESH_EARLY_S = 600, /* before the credentials expire */
    JITTER_PARTS = 5,      /* up to a fifth of it */
};

/* Reading the profile, on a thread of the pool. */
struct chain_look {
    uv_work_t work;
    struct credential_chain *chain; /* NULL: closed meanwhile */
    char *profile;
    /* the worker's, then the loop's */
    struct credential_plan plan;
    struct error error;
    int code;
    bool settled;
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

    struct chain_look *look; /* under way; NULL: none */
    struct credential_fetch fetch;
    bool fetching;
    bool fetch_due;               /* by the look that is under way, even if nothing changed */
    uint64_t look_ms, started_ms; /* uv_now: the next look; the last refresh */
    uint64_t retry_ms;            /* not before */
    uint64_t reject_ms;           /* not before, if it is for a rejection */
    unsigned failures;            /* in a row */
    uint64_t refreshed, failed;   /* in all: refreshes */
    struct error error;           /* the last failure */
    bool unreported;              /* waiting requests do not know of it yet; the timer tells them */
    struct log_gate unreadable, failing;

    struct list waiters;
    size_t waiter_count;
    uv_timer_t timer; /* runs while requests wait */
    bool timer_open;
};

static void refresh_begin(struct credential_chain *chain, bool fetch);
static void timer_set(struct credential_chain *chain);

/* ---- waiting requests ---- */

static bool is_usable(const struct credential_chain *chain)
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
    list_init(&waiters);
    list_move_all(&waiters, &chain->waiters);
    for (struct list *link; (link = list_shift(&waiters));) {
        struct credential_wait *wait = container_of(link, struct credential_wait, link);
        wait->chain->waiter_count--;
        wait->chain = NULL;
        wait->done(error, wait->user);
    }
}

void credential_wait_cancel(struct credential_wait *wait)
{
    if (!wait->chain)
        return;
    wait->chain->waiter_count--;
    wait->chain = NULL;
    list_remove(&wait->link);
}

int credential_chain_wait(struct credential_chain *chain, struct credential_wait *wait)
{
    if (chain->waiter_count == CREDENTIAL_WAITERS_MAX)
        return ERR_LIMIT;
    chain->waiter_count++;
    wait->chain = chain;
    wait->deadline_ms = uv_now(chain->host.loop) + CREDENTIAL_WAIT_MS;
    list_push(&chain->waiters, &wait->link);
    timer_set(chain);
    return 0;
}

/* They wait equally long, so the first is due first. */
static struct credential_wait *first(const struct credential_chain *chain)
{
    return list_empty(&chain->waiters)
               ? NULL
               : container_of(chain->waiters.next, struct credential_wait, link);
}

static void expire(struct credential_chain *chain)
{
    const uint64_t now_ms = uv_now(chain->host.loop);
    struct error error = chain->error;
    struct list late;
    list_init(&late);
    if (!error.code)
        error_set(&error, ERR_TIMEOUT, "no credentials for %d s", CREDENTIAL_WAIT_MS / 1000);
    for (struct credential_wait *wait; (wait = first(chain)) && wait->deadline_ms <= now_ms;) {
        list_remove(&wait->link);
        list_push(&late, &wait->link);
    }
    timer_set(chain);
    for (struct list *link; (link = list_shift(&late));) {
        struct credential_wait *wait = container_of(link, struct credential_wait, link);
        wait->chain->waiter_count--;
        wait->chain = NULL;
        wait->done(&error, wait->user);
    }
}

static bool is_busy(const struct credential_chain *chain)
{
    return chain->look || chain->fetching;
}

/* Whether waiting cannot help. */
static bool is_hopeless(const struct credential_chain *chain)
{
    return !is_usable(chain) && chain->error.code && !is_transient(chain->error.code);
}

static void wake_failed(struct credential_chain *chain)
{
    const struct error error = chain->error;
    timer_set(chain);
    wake(chain, &error);
}

/* Of a failure: an end for those whom waiting cannot help, and for those who need not wait. */
static void failure_report(struct credential_chain *chain)
{
    chain->unreported = false;
    if (is_hopeless(chain))
        wake_failed(chain);
    else if (is_usable(chain))
        wake(chain, &(struct error){0});
    else
        timer_set(chain);
}

static void on_timer(uv_timer_t *timer)
{
    struct credential_chain *chain = container_of(timer, struct credential_chain, timer);
    if (list_empty(&chain->waiters))
        return;
    if (chain->unreported && !is_busy(chain)) {
        failure_report(chain);
        return;
    }
    if (!is_busy(chain) && uv_now(chain->host.loop) >= chain->retry_ms)
        refresh_begin(chain, true);
    if (!is_busy(chain) && is_hopeless(chain))
        wake_failed(chain);
    else
        expire(chain);
}

static void timer_set(struct credential_chain *chain)
{
    const struct credential_wait *wait = first(chain);
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
    if (!is_busy(chain) && (chain->unreported || chain->retry_ms < due_ms))
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

static void current_set(struct credential_chain *chain, struct credentials *credentials)
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
    const bool usable = is_usable(chain);
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
    timer_set(chain);
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
    current_set(chain, credentials);
    log_debug(known ? "credentials are refreshed" : "credentials are available",
              LOG_TEXT("source", chain->current->source),
              LOG_COUNT("expires", chain->current->expires_s));
    wake(chain, &(struct error){0});
}

/* ---- a refresh ---- */

static bool is_static(const struct credential_plan *plan)
{
    return plan->kind == CREDENTIAL_KEYS && plan->role_count == 0;
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
    timer_set(chain);
    if (is_usable(chain))
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
static bool is_adopted(struct credential_chain *chain, struct chain_look *look)
{
    if (look->code) {
        keep(chain, &look->error);
        return false;
    }
    if (!look->plan.of_files || credential_plan_equal(&chain->plan, &look->plan))
        return false;
    if (!look->settled)
        chain->look_ms = uv_now(chain->host.loop) + LOOK_SOON_MS;
    return look->settled;
}

static void look_done(struct credential_chain *chain, struct chain_look *look)
{
    const bool adopted = is_adopted(chain, look);
    if (adopted) {
        credential_plan_free(&chain->plan);
        chain->plan = look->plan;
        look->plan = (struct credential_plan){0};
        chain->outdated = true;
        log_info("credentials have changed", LOG_TEXT("source", chain->plan.source));
    }
    if (adopted && is_static(&chain->plan)) {
        current_set(chain, credentials_retain(chain->plan.keys));
        wake(chain, &(struct error){0});
    } else if (!is_static(&chain->plan) && (adopted || chain->fetch_due)) {
        fetch_begin(chain);
    } else {
        end_unchanged(chain);
    }
}

static void look_free(struct chain_look *look)
{
    credential_plan_free(&look->plan);
    free(look->profile);
    free(look);
}

static void look_run(uv_work_t *work)
{
    struct chain_look *look = container_of(work, struct chain_look, work);
    const struct backend_settings options = {.profile = look->profile};
    struct profile profile;
    look->code = profile_load(&profile, look->profile, false, &look->error);
    if (!look->code)
        look->code = credential_plan_make(&look->plan, &options, &profile, &look->error);
    look->settled = profile_is_settled(&profile);
    profile_free(&profile);
}

static void look_end(uv_work_t *work, int code)
{
    struct chain_look *look = container_of(work, struct chain_look, work);
    struct credential_chain *chain = look->chain;
    if (code)
        look->code = error_set(&look->error, ERR_CANCELLED, "the AWS files were not read");
    if (chain) {
        chain->look = NULL;
        look_done(chain, look);
    }
    look_free(look);
}

static int look_begin(struct credential_chain *chain)
{
    struct chain_look *look = calloc(1, sizeof *look);
    if (!look)
        return ERR_MEMORY;
    look->chain = chain;
    look->profile = chain->profile ? strdup(chain->profile) : NULL;
    if ((chain->profile && !look->profile) ||
        uv_queue_work(chain->host.loop, &look->work, look_run, look_end)) {
        look_free(look);
        return ERR_MEMORY;
    }
    chain->look = look;
    return 0;
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
            chain->started_ms + (is_static(&chain->plan) ? REJECTED_FILES_MS : REJECTED_MS);
    if (!chain->plan.of_files) {
        fetch_begin(chain);
    } else if (look_begin(chain)) {
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
    if (!is_usable(chain) || chain->outdated)
        return true;
    if (chain->rejected && now_ms >= chain->reject_ms)
        return true;
    return chain->refresh_s && credential_now(&chain->host) >= chain->refresh_s;
}

struct credentials *credential_chain_use(struct credential_chain *chain)
{
    if (!credential_chain_renews(chain))
        return chain->current;
    if (!is_busy(chain)) {
        if (fetch_is_due(chain))
            refresh_begin(chain, true);
        else if (chain->plan.of_files && uv_now(chain->host.loop) >= chain->look_ms)
            refresh_begin(chain, false);
    }
    return is_usable(chain) && !(chain->rejected && is_busy(chain)) ? chain->current : NULL;
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
        .usable = is_usable(chain),
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
    return chain->plan.of_files || !is_static(&chain->plan);
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
    list_init(&chain->waiters);
    chain->profile = options->profile ? strdup(options->profile) : NULL;
    int code = credential_plan_make(&chain->plan, options, profile, error);
    if (!code && options->profile && !chain->profile)
        code = error_set(error, ERR_MEMORY, "out of memory");
    if (code) {
        chain_free(chain);
        return code;
    }
    if (is_static(&chain->plan))
        current_set(chain, credentials_retain(chain->plan.keys));
    *out = chain;
    return 0;
}

void credential_chain_close(struct credential_chain *chain)
{
    if (!chain)
        return;
    if (chain->look) {
        chain->look->chain = NULL;
        uv_cancel((uv_req_t *)&chain->look->work); /* where it has not begun */
    }
    credential_fetch_cancel(&chain->fetch);
    if (chain->timer_open)
        uv_close((uv_handle_t *)&chain->timer, on_timer_closed);
    else
        chain_free(chain);
}
