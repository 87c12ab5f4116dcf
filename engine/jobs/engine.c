/*
 * The engine's lifecycle: create, drain, close. The work itself is in consumers.c and consumer.c.
 *
 * Events that may end a phase (the last delivery, the last poll, a worker's return) only mark that
 * something has changed; a new loop callback then decides whether the drain or the close is
 * complete. So nothing is freed while a caller still uses it.
 */
#include "engine.h"

#include <stdlib.h>

#include "cpus.h"
#include "delivery.h"
#include "engine_private.h"
#include "log.h"
#include "memory_limit.h"

enum {
    JOBS_PER_WORKER = 48,
    WAIT_DEFAULT_S = 20,
    BACKOFF_DEFAULT_S = 900,
    POLLS_OVER_MS = 1000,
    STALL_DEFAULT_MS = 900000,
    LINGER_DEFAULT_MS = 2000,
    CACHE_DEFAULT = 64 * 1024 * 1024,
    GIVE_BACK_MS = 2000, /* after the grace period, for the last visibility changes */
};

static void turn(uv_timer_t *timer);

/* ---- creating ---- */

static void something_ended(void *user)
{
    engine_update(user);
}

static bool shed_source(void *user)
{
    struct engine *engine = user;
    return source_table_shed(&engine->sources);
}

/* Memory is available again; the pollers had stopped receiving. */
static void memory_relaxed(void *user)
{
    struct engine *engine = user;
    for (size_t i = 0; i < engine->consumer_count; i++)
        if (engine->consumers[i]->state == CONSUMER_OPEN)
            queue_poller_update(&engine->consumers[i]->poller);
}

static void options_default(struct engine_options *options)
{
    if (!options->workers)
        options->workers = cpus_available("");
    if (!options->jobs)
        options->jobs = options->workers * JOBS_PER_WORKER;
    if (!options->wait_s || options->wait_s > QUEUE_WAIT_MAX_S)
        options->wait_s = WAIT_DEFAULT_S;
    if (!options->backoff_s)
        options->backoff_s = BACKOFF_DEFAULT_S;
    if (!options->linger_ms)
        options->linger_ms = LINGER_DEFAULT_MS;
    if (!options->cache_bytes)
        options->cache_bytes = CACHE_DEFAULT;
    if (!options->stall_ms)
        options->stall_ms = STALL_DEFAULT_MS;
    if (!options->memory)
        options->memory = memory_standard();
    if (!options->limits.max_bytes)
        options->limits.max_bytes = PIPELINE_MAX_BYTES;
}

static void engine_free(struct engine *engine)
{
    for (size_t i = 0; i < engine->consumer_count; i++)
        consumer_free(engine->consumers[i]);
    free(engine->consumers);
    free(engine);
}

/* The only handle that exists if engine_create fails. */
static void memory_closed_early(uv_handle_t *async)
{
    struct memory_budget *memory = container_of(async, struct memory_budget, async);
    engine_free(container_of(memory, struct engine, memory));
}

static int memory_open(struct engine *engine)
{
    const struct memory_budget_options memory = {.limit = engine->options.memory,
                                                 .shed = shed_source,
                                                 .relaxed = memory_relaxed,
                                                 .user = engine};
    return memory_budget_init(&engine->memory, engine->loop, &memory);
}

static int sources_open(struct engine *engine)
{
    const struct source_table_options sources = {
        .store = engine->options.store,
        .pipeline_ops = engine->options.pipeline_ops,
        .rekognition = engine->options.labelers[LABELER_REKOGNITION],
        .limits = engine->options.limits,
        .workers = &engine->workers,
        .memory = &engine->memory,
        .linger_ms = engine->options.linger_ms,
        .cache_bytes = engine->options.cache_bytes,
        .audience = consumers_audience,
        .returned = something_ended,
        .user = engine,
    };
    return source_table_init(&engine->sources, engine->loop, &sources);
}

static void overlays_begin(struct engine *engine)
{
    const struct engine_options *options = &engine->options;
    const struct overlay_table_options overlays = {
        .store = options->overlay_store ? options->overlay_store : options->store,
        .pipeline_ops = options->pipeline_ops,
        .memory = &engine->memory,
    };
    overlay_table_init(&engine->overlays, engine->loop, &overlays);
}

static void jobs_begin(struct engine *engine)
{
    const struct job_runner_options jobs = {
        .steps = job_steps,
        .store = engine->options.store,
        .pipeline_ops = engine->options.pipeline_ops,
        .labelers = engine->options.labelers,
        .notifiers = engine->options.notifiers,
        .order = &engine->order,
        .sources = &engine->sources,
        .overlays = &engine->overlays,
        .observer = &engine->options.observer,
        .drop_missing = engine->options.drop_missing,
        .freed = something_ended,
        .user = engine,
    };
    job_runner_init(&engine->jobs, engine->loop, &jobs);
}

static void deliveries_begin(struct engine *engine)
{
    engine->deliveries = (struct delivery_context){
        .loop = engine->loop,
        .store = engine->options.store,
        .jobs = &engine->jobs,
        .messages = &engine->messages,
        .payloads = engine->options.delete_payloads ? &engine->payloads : NULL,
        .observer = &engine->options.observer,
        .tracer = engine->options.tracer,
        .backoff_s = engine->options.backoff_s,
    };
}

/* Cannot fail, because libuv's timers allocate nothing. */
static void engine_begin(struct engine *engine)
{
    worker_queue_init(&engine->workers, engine->loop, engine->options.workers);
    lease_keeper_init(&engine->leases, engine->loop, something_ended, engine);
    engine->leases.tracer = engine->options.tracer;
    event_order_init(&engine->order, engine->loop);
    message_memory_init(&engine->messages);
    payload_cleanup_init(&engine->payloads, engine->loop, engine->options.store, something_ended,
                         engine);
    watchdog_init(&engine->watchdog, engine, engine->options.stall_ms);
    queue_survey_init(&engine->survey, engine);
    overlays_begin(engine);
    jobs_begin(engine);
    deliveries_begin(engine);
    engine->on_turn = turn;
    uv_timer_init(engine->loop, &engine->turn);
    uv_timer_init(engine->loop, &engine->grace);
    uv_timer_init(engine->loop, &engine->polls);
    for (size_t i = 0; i < engine->consumer_count; i++)
        consumer_begin(engine->consumers[i]);
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
    int code = consumers_check(engine, options->pipelines, options->pipeline_count, error);
    if (!code && (consumers_make(engine) || memory_open(engine)))
        code = error_set(error, ERR_MEMORY, "out of memory");
    if (code) {
        engine_free(engine);
        return code;
    }
    if (sources_open(engine)) {
        memory_budget_close(&engine->memory, memory_closed_early);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    engine_begin(engine);
    *out = engine;
    return 0;
}

/* ---- draining ---- */

bool engine_idle(const struct engine *engine)
{
    for (size_t i = 0; i < engine->consumer_count; i++) {
        const struct consumer *consumer = engine->consumers[i];
        if (consumer->in_flight || consumer->home.count)
            return false;
    }
    return engine->payloads.count == 0;
}

static bool drain_complete(const struct engine *engine)
{
    for (size_t i = 0; i < engine->consumer_count; i++) {
        if (engine->consumers[i]->poller.poll_count)
            return false;
    }
    return engine_idle(engine);
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

static void polls_cancel(struct engine *engine)
{
    for (size_t i = 0; i < engine->consumer_count; i++)
        queue_poller_cancel(&engine->consumers[i]->poller);
}

/* The messages of pending polls have arrived by now. */
static void on_polls_over(uv_timer_t *timer)
{
    struct engine *engine = container_of(timer, struct engine, polls);
    polls_cancel(engine);
    engine_update(engine);
}

static void on_grace(uv_timer_t *timer)
{
    struct engine *engine = container_of(timer, struct engine, grace);
    log_warn("grace period is over: unfinished messages are returned to their queues");
    polls_cancel(engine);
    consumers_each_delivery(engine, delivery_abort);
    uv_timer_start(&engine->grace, on_time_up, GIVE_BACK_MS, 0);
    engine_update(engine);
}

void engine_drain(struct engine *engine, unsigned grace_ms, void (*drained)(void *user), void *user)
{
    engine->draining = true;
    engine->drained = drained;
    engine->drained_user = user;
    for (size_t i = 0; i < engine->consumer_count; i++)
        consumer_stop(engine->consumers[i]);
    consumers_each_delivery(engine, delivery_hand_back);
    uv_timer_start(&engine->grace, on_grace, grace_ms, 0);
    uv_timer_start(&engine->polls, on_polls_over, POLLS_OVER_MS, 0);
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

static void polls_closed(uv_handle_t *handle)
{
    on_handle_closed(container_of(handle, struct engine, polls));
}

static void sources_closed(uv_handle_t *handle)
{
    struct source_table *sources = container_of(handle, struct source_table, timer);
    on_handle_closed(container_of(sources, struct engine, sources));
}

static void memory_closed(uv_handle_t *handle)
{
    struct memory_budget *memory = container_of(handle, struct memory_budget, async);
    on_handle_closed(container_of(memory, struct engine, memory));
}

static void leases_closed(uv_handle_t *handle)
{
    struct lease_keeper *leases = container_of(handle, struct lease_keeper, timer);
    on_handle_closed(container_of(leases, struct engine, leases));
}

static void order_closed(uv_handle_t *handle)
{
    struct event_order *order = container_of(handle, struct event_order, turn);
    on_handle_closed(container_of(order, struct engine, order));
}

static void watchdog_closed(uv_handle_t *handle)
{
    struct watchdog *watchdog = container_of(handle, struct watchdog, timer);
    on_handle_closed(container_of(watchdog, struct engine, watchdog));
}

static void consumer_closed(struct consumer *consumer)
{
    on_handle_closed(consumer->engine); /* also frees the consumers */
}

/* Nothing is pending any more. */
static void close_handles(struct engine *engine)
{
    engine->handles = 8 + engine->consumer_count;
    for (size_t i = 0; i < engine->consumer_count; i++)
        consumer_close(engine->consumers[i], consumer_closed);
    overlay_table_close(&engine->overlays);
    source_table_close(&engine->sources, sources_closed);
    memory_budget_close(&engine->memory, memory_closed);
    lease_keeper_close(&engine->leases, leases_closed);
    event_order_close(&engine->order, order_closed);
    watchdog_close(&engine->watchdog, watchdog_closed);
    message_memory_clear(&engine->messages);
    payload_cleanup_close(&engine->payloads);
    uv_close((uv_handle_t *)&engine->turn, turn_closed);
    uv_close((uv_handle_t *)&engine->grace, grace_closed);
    uv_close((uv_handle_t *)&engine->polls, polls_closed);
}

static void regroup(struct engine *engine)
{
    engine->deliveries.regrouping = false;
    for (size_t i = 0; i < engine->consumer_count; i++)
        deliveries_regroup(engine->consumers[i]);
}

static void turn(uv_timer_t *timer)
{
    struct engine *engine = container_of(timer, struct engine, turn);
    if (engine->closing) {
        if (engine->handles == 0 && engine->departing == 0 && engine->jobs.count == 0 &&
            engine->workers.busy == 0 && list_empty(&engine->workers.waiting))
            close_handles(engine);
        return;
    }
    if (engine->deliveries.regrouping)
        regroup(engine);
    if (engine->retired)
        consumers_depart(engine);
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
    for (size_t i = 0; i < engine->consumer_count; i++) {
        consumer_stop(engine->consumers[i]);
        queue_poller_cancel(&engine->consumers[i]->poller);
    }
    uv_timer_stop(&engine->polls);
    consumers_each_delivery(engine, delivery_abort);
    engine_update(engine);
}

void engine_stats(struct engine *engine, struct engine_stats *out)
{
    struct memory_figures memory;
    const struct lease_stats *leases = &engine->leases.stats;
    const struct delivery_stats *deliveries = &engine->deliveries.stats;
    const struct job_stats *jobs = &engine->jobs.stats;
    const struct source_stats *sources = &engine->sources.stats;
    *out = (struct engine_stats){0};
    out->received = deliveries->received;
    out->acknowledged = deliveries->acknowledged;
    out->retried = deliveries->retried;
    out->rejected = deliveries->rejected;
    out->rendered = jobs->rendered;
    out->stored = jobs->stored;
    out->stored_bytes = jobs->stored_bytes;
    out->superseded = jobs->superseded;
    out->notified = jobs->notified;
    out->notify_failed = jobs->notify_failed;
    out->stalled = engine->watchdog.stalled;
    out->deleted = leases->deleted;
    out->delete_failed = leases->delete_failed;
    out->lease_lost = leases->lost;
    out->extended = leases->extended;
    out->fetched = sources->fetched;
    out->fetch_shared = sources->shared;
    out->decoded = sources->decoded;
    out->jobs = engine->jobs.count;
    out->sources = engine->sources.index.entry_count - engine->sources.ahead.waiting_count;
    memory_figures(&engine->memory, &memory);
    out->memory = memory.taken;
    out->memory_peak = memory.peak;
    out->memory_budget = engine->options.memory;
    out->workers = engine->options.workers;
    out->workers_busy = engine->workers.busy;
}
