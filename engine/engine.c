/*
 * The engine's life: open the queues, poll, drain, close.
 *
 * What ends a phase (the last delivery, the last poll, a worker's return) only marks that something
 * has changed; one turn from a fresh loop callback then decides whether the drain or the close is
 * complete. So nothing is torn down under a caller's feet.
 */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "cpus.h"
#include "delivery.h"
#include "engine_private.h"
#include "job.h"
#include "log.h"

enum {
    JOBS_PER_WORKER = 32,
    WAIT_DEFAULT_S = 20,
    LINGER_DEFAULT_MS = 2000,
    CACHE_DEFAULT = 64 * 1024 * 1024,
    VISIBILITY_MIN_S = 2,
    GIVE_BACK_MS = 2000, /* after the grace period: for the last visibility changes */
};

static void turn(uv_timer_t *timer);

void engine_update(struct engine *engine)
{
    if (engine->draining || engine->closing)
        uv_timer_start(&engine->turn, turn, 0, 0);
}

/* ---- making ---- */

static size_t audience(void *user, const char *bucket, const char *key, struct pipeline **out,
                       size_t max)
{
    struct engine *engine = user;
    size_t count = 0;
    for (size_t i = 0; i < engine->lane_count && count < max; i++) {
        if (engine->options.pipeline_ops->matches(engine->lanes[i].pipeline, bucket, key))
            out[count++] = engine->lanes[i].pipeline;
    }
    return count;
}

static void something_ended(void *user)
{
    engine_update(user);
}

static void options_default(struct engine_options *options)
{
    if (!options->workers)
        options->workers = cpus_available();
    if (!options->jobs)
        options->jobs = options->workers * JOBS_PER_WORKER;
    if (!options->wait_s || options->wait_s > QUEUE_WAIT_MAX_S)
        options->wait_s = WAIT_DEFAULT_S;
    if (!options->linger_ms)
        options->linger_ms = LINGER_DEFAULT_MS;
    if (!options->cache_bytes)
        options->cache_bytes = CACHE_DEFAULT;
}

static int check_pair(const struct engine_options *options, size_t i, size_t j, struct error *error)
{
    struct pipeline *a = options->pipelines[i];
    struct pipeline *b = options->pipelines[j];
    const struct pipeline_facts *a_facts = options->pipeline_ops->facts(a);
    const struct pipeline_facts *b_facts = options->pipeline_ops->facts(b);
    if (i < j && strcmp(a_facts->name, b_facts->name) == 0)
        return error_set(error, ERR_INVALID,
                         "two pipelines are named \"%s\" (%s and %s); rename one", a_facts->name,
                         a_facts->file, b_facts->file);
    if (i < j && strcmp(a_facts->queue, b_facts->queue) == 0)
        return error_set(
            error, ERR_INVALID,
            "the pipelines \"%s\" and \"%s\" read the same queue \"%s\": each message would "
            "reach only one of them; give each its own, or list their outputs in one file",
            a_facts->name, b_facts->name, a_facts->queue);
    return options->pipeline_ops->check_loop(a, b, error);
}

static int options_check(const struct engine_options *options, struct error *error)
{
    if (options->pipeline_count == 0)
        return error_set(error, ERR_INVALID, "there is no pipeline; name a file or folder of them");
    for (size_t i = 0; i < options->pipeline_count; i++) {
        const struct pipeline_facts *facts = options->pipeline_ops->facts(options->pipelines[i]);
        if (facts->labels && strcmp(facts->labeler, "builtin") != 0 && !options->labeler)
            return error_set(error, ERR_INVALID,
                             "%s: the labeler \"%s\" is not available; use \"builtin\"",
                             facts->file, facts->labeler);
        for (size_t j = 0; j < options->pipeline_count; j++) {
            int code = check_pair(options, i, j, error);
            if (code)
                return code;
        }
    }
    return 0;
}

/* The slots are shared out by weight, once: a lane's share is always there for it. */
static void lanes_make(struct engine *engine)
{
    const struct engine_options *options = &engine->options;
    unsigned weights = 0;
    for (size_t i = 0; i < options->pipeline_count; i++)
        weights += options->pipeline_ops->facts(options->pipelines[i])->weight;
    for (size_t i = 0; i < options->pipeline_count; i++) {
        struct lane *lane = &engine->lanes[engine->lane_count++];
        lane->engine = engine;
        lane->pipeline = options->pipeline_ops->retain(options->pipelines[i]);
        const struct pipeline_facts *facts = options->pipeline_ops->facts(lane->pipeline);
        lane->share.weight = facts->weight;
        lane->slots = (size_t)options->jobs * facts->weight / weights;
        if (lane->slots == 0)
            lane->slots = 1;
        list_init(&lane->deliveries);
        queue_poller_init(&lane->poller, lane, engine->loop);
    }
}

static void engine_free(struct engine *engine)
{
    for (size_t i = 0; i < engine->lane_count; i++)
        engine->options.pipeline_ops->release(engine->lanes[i].pipeline);
    free(engine->lanes);
    free(engine);
}

int engine_create(uv_loop_t *loop, const struct engine_options *options, struct engine **out,
                  struct error *error)
{
    struct engine *engine = calloc(1, sizeof *engine);
    *out = NULL;
    if (!engine)
        return error_set(error, ERR_MEMORY, "out of memory");
    engine->loop = loop;
    engine->options = *options;
    options_default(&engine->options);
    int code = options_check(&engine->options, error);
    if (code)
        goto fail;
    engine->lanes = calloc(options->pipeline_count, sizeof *engine->lanes);
    if (!engine->lanes)
        goto out_of_memory;
    const struct source_table_options sources = {
        .store = options->store,
        .pipeline_ops = options->pipeline_ops,
        .limits = options->limits,
        .workers = &engine->workers,
        .linger_ms = engine->options.linger_ms,
        .cache_bytes = engine->options.cache_bytes,
        .audience = audience,
        .returned = something_ended,
        .user = engine,
    };
    if (source_table_init(&engine->sources, loop, &sources))
        goto out_of_memory;
    /* From here on nothing can fail: libuv's timers need no memory. */
    worker_queue_init(&engine->workers, loop, engine->options.workers);
    lease_keeper_init(&engine->leases, loop, something_ended, engine);
    uv_timer_init(loop, &engine->turn);
    uv_timer_init(loop, &engine->grace);
    lanes_make(engine);
    *out = engine;
    return 0;

out_of_memory:
    code = error_set(error, ERR_MEMORY, "out of memory");
fail:
    engine_free(engine);
    return code;
}

/* ---- opening ---- */

static void opened_all(struct engine *engine)
{
    if (!engine->open_error.code && !engine->draining && !engine->closing) {
        for (size_t i = 0; i < engine->lane_count; i++)
            queue_poller_update(&engine->lanes[i].poller);
    }
    if (!engine->closing)
        engine->ready(&engine->open_error, engine->ready_user);
    engine_update(engine);
}

static void opened_one(struct engine *engine)
{
    if (--engine->opening == 0)
        opened_all(engine);
}

static void on_dead_letters(struct queue *queue, const struct error *error, void *user)
{
    struct lane *lane = user;
    lane->dead_letters = queue;
    if (error->code)
        log_warn("dead-letter queue could not be opened; rejected messages will be left to the "
                 "redrive policy",
                 LOG_TEXT("queue", lane->home.name), LOG_TEXT("error", error->text));
    opened_one(lane->engine);
}

static unsigned lane_visibility(const struct lane *lane, const struct queue_facts *facts)
{
    const struct engine_options *options = &lane->engine->options;
    unsigned visibility_s = options->pipeline_ops->facts(lane->pipeline)->visibility_s;
    if (!visibility_s)
        visibility_s = options->visibility_s;
    if (!visibility_s)
        visibility_s = facts->visibility_s;
    return visibility_s < VISIBILITY_MIN_S ? VISIBILITY_MIN_S : visibility_s;
}

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    struct lane *lane = user;
    struct engine *engine = lane->engine;
    if (error->code) {
        if (!engine->open_error.code)
            engine->open_error = *error;
        opened_one(engine);
        return;
    }
    const struct queue_facts *facts = engine->options.queues->ops->facts(queue);
    lane->queue = queue;
    lane->visibility_s = lane_visibility(lane, facts);
    lease_home_open(&lane->home, &engine->leases, engine->options.queues, queue,
                    engine->options.pipeline_ops->facts(lane->pipeline)->name);
    if (!facts->dead_letter_arn ||
        engine->options.queues->ops->open(engine->options.queues, facts->dead_letter_arn,
                                          on_dead_letters, lane) != 0)
        opened_one(engine);
}

int engine_start(struct engine *engine, engine_ready *ready, void *user)
{
    engine->ready = ready;
    engine->ready_user = user;
    for (size_t i = 0; i < engine->lane_count; i++) {
        struct lane *lane = &engine->lanes[i];
        const char *name = engine->options.pipeline_ops->facts(lane->pipeline)->queue;
        int code = engine->options.queues->ops->open(engine->options.queues, name, on_opened, lane);
        if (code && engine->opening == 0)
            return code; /* none is under way */
        if (code)
            error_set(&engine->open_error, code, "queue \"%s\" could not be opened (%s)", name,
                      error_name(code));
        else
            engine->opening++;
    }
    return 0;
}

/* ---- draining ---- */

static void each_delivery(struct engine *engine, void (*act)(struct delivery *delivery))
{
    for (size_t i = 0; i < engine->lane_count; i++) {
        struct list *head = &engine->lanes[i].deliveries;
        struct list *next;
        for (struct list *l = head->next; l != head; l = next) {
            next = l->next;
            act(container_of(l, struct delivery, link));
        }
    }
}

bool engine_idle(const struct engine *engine)
{
    for (size_t i = 0; i < engine->lane_count; i++) {
        const struct lane *lane = &engine->lanes[i];
        if (lane->in_flight || lane->home.count)
            return false;
    }
    return true;
}

static bool drain_complete(const struct engine *engine)
{
    for (size_t i = 0; i < engine->lane_count; i++) {
        if (engine->lanes[i].poller.poll_count)
            return false;
    }
    return engine->opening == 0 && engine_idle(engine);
}

static void report_drained(struct engine *engine)
{
    void (*drained)(void *user) = engine->drained;
    uv_timer_stop(&engine->grace);
    engine->drained = NULL;
    if (drained)
        drained(engine->drained_user);
}

static void on_time_up(uv_timer_t *timer)
{
    report_drained(container_of(timer, struct engine, grace));
}

static void on_grace(uv_timer_t *timer)
{
    struct engine *engine = container_of(timer, struct engine, grace);
    log_warn("grace period is over: what still runs is given back");
    for (size_t i = 0; i < engine->lane_count; i++)
        queue_poller_cancel(&engine->lanes[i].poller);
    each_delivery(engine, delivery_abort);
    uv_timer_start(&engine->grace, on_time_up, GIVE_BACK_MS, 0);
    engine_update(engine);
}

void engine_drain(struct engine *engine, unsigned grace_ms, void (*drained)(void *user), void *user)
{
    engine->draining = true;
    engine->drained = drained;
    engine->drained_user = user;
    for (size_t i = 0; i < engine->lane_count; i++) {
        queue_poller_stop(&engine->lanes[i].poller);
        if (engine->options.polls_abortable)
            queue_poller_cancel(&engine->lanes[i].poller);
    }
    each_delivery(engine, delivery_hand_back);
    uv_timer_start(&engine->grace, on_grace, grace_ms, 0);
    engine_update(engine);
}

/* ---- closing ---- */

static void on_handle_closed(struct engine *engine)
{
    if (--engine->handles)
        return;
    void (*closed)(void *user) = engine->closed;
    void *user = engine->closed_user;
    engine_free(engine);
    if (closed)
        closed(user);
}

static void turn_closed(uv_handle_t *handle)
{
    on_handle_closed(container_of(handle, struct engine, turn));
}

static void grace_closed(uv_handle_t *handle)
{
    on_handle_closed(container_of(handle, struct engine, grace));
}

static void sources_closed(uv_handle_t *handle)
{
    struct source_table *sources = container_of(handle, struct source_table, timer);
    on_handle_closed(container_of(sources, struct engine, sources));
}

static void leases_closed(uv_handle_t *handle)
{
    struct lease_keeper *leases = container_of(handle, struct lease_keeper, timer);
    on_handle_closed(container_of(leases, struct engine, leases));
}

static void poller_closed(uv_handle_t *handle)
{
    on_handle_closed(container_of(handle, struct queue_poller, timer)->lane->engine);
}

static void lane_close(struct lane *lane)
{
    struct queue_backend *queues = lane->engine->options.queues;
    if (lane->queue) {
        lease_home_close(&lane->home);
        queues->ops->close(lane->queue);
    }
    if (lane->dead_letters)
        queues->ops->close(lane->dead_letters);
    lane->queue = lane->dead_letters = NULL;
}

/* Nothing of ours is under way any more. */
static void close_handles(struct engine *engine)
{
    engine->handles = 4 + engine->lane_count;
    for (size_t i = 0; i < engine->lane_count; i++) {
        lane_close(&engine->lanes[i]);
        queue_poller_close(&engine->lanes[i].poller, poller_closed);
    }
    source_table_close(&engine->sources, sources_closed);
    lease_keeper_close(&engine->leases, leases_closed);
    uv_close((uv_handle_t *)&engine->turn, turn_closed);
    uv_close((uv_handle_t *)&engine->grace, grace_closed);
}

static void turn(uv_timer_t *timer)
{
    struct engine *engine = container_of(timer, struct engine, turn);
    if (engine->closing) {
        if (engine->handles == 0 && engine->opening == 0 && engine->jobs == 0 &&
            engine->workers.busy == 0 && list_empty(&engine->workers.waiting))
            close_handles(engine);
        return;
    }
    if (engine->drained && drain_complete(engine))
        report_drained(engine);
}

void engine_close(struct engine *engine, void (*closed)(void *user), void *user)
{
    engine->closing = true;
    engine->draining = true;
    engine->closed = closed;
    engine->closed_user = user;
    uv_timer_stop(&engine->grace);
    for (size_t i = 0; i < engine->lane_count; i++) {
        queue_poller_stop(&engine->lanes[i].poller);
        queue_poller_cancel(&engine->lanes[i].poller);
    }
    each_delivery(engine, delivery_abort);
    engine_update(engine);
}

void engine_stats(const struct engine *engine, struct engine_stats *out)
{
    const struct lease_stats *leases = &engine->leases.stats;
    const struct source_stats *sources = &engine->sources.stats;
    *out = engine->stats;
    out->deleted = leases->deleted;
    out->delete_failed = leases->delete_failed;
    out->lease_lost = leases->lost;
    out->extended = leases->extended;
    out->fetched = sources->fetched;
    out->fetch_shared = sources->shared;
    out->decoded = sources->decoded;
    out->jobs = engine->jobs;
    out->sources = engine->sources.count;
}
