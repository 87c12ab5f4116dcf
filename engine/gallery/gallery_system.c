#include "gallery_system.h"

#include <stdlib.h>

#include "engine.h"
#include "wall_clock.h"

struct system_waiting { /* a request */
    struct list link;
    struct gallery_call *call;
};

/* ---- queues ---- */

static json_t *letters_json(const struct group_queue *letters)
{
    if (!letters)
        return json_null();
    const uint64_t messages = letters->visible + letters->in_flight;
    return json_pack("{s:s?, s:I, s:b}", "name",
                     letters->queue ? letters->group->backend->ops->facts(letters->queue)->name
                                    : letters->name,
                     "visible", (json_int_t)messages, "known", letters->depth_known);
}

static json_t *queue_json(const struct queue_watch *watch, size_t index)
{
    const struct group_queue *source = queue_watch_source(watch, index);
    const char *name =
        source->queue ? source->group->backend->ops->facts(source->queue)->name : source->name;
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:o, s:s}", "pipeline",
                     queue_watch_name(watch, index), "name", name, "visible",
                     (json_int_t)source->visible, "inFlight", (json_int_t)source->in_flight,
                     "delayed", (json_int_t)source->delayed, "known", source->depth_known,
                     "deadLetters", letters_json(queue_watch_letters(watch, index)), "error",
                     source->error.text);
}

static json_t *queues_json(const struct gallery_system *system)
{
    json_t *queues = json_array();
    const size_t count = system->watch ? queue_watch_count(system->watch) : 0;
    for (size_t i = 0; i < count; i++)
        json_array_append_new(queues, queue_json(system->watch, i));
    return queues;
}

static uint64_t messages_of(const struct queue_watch *watch)
{
    uint64_t messages = 0;
    for (size_t i = 0; i < queue_watch_count(watch); i++) {
        const struct group_queue *source = queue_watch_source(watch, i);
        messages += source->visible + source->in_flight + source->delayed;
    }
    return messages;
}

/* ---- the engine ---- */

static json_t *engine_json(const struct gallery_system *system)
{
    struct engine *engine = *system->gallery->options.engine;
    struct engine_stats stats;
    if (!engine)
        return json_null();
    engine_stats(engine, &stats);
    const struct activity_pace pace = activity_pace(&system->activity, uv_hrtime());
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f}", "jobs",
                     (json_int_t)stats.jobs, "workers", (json_int_t)stats.workers, "busy",
                     (json_int_t)stats.workers_busy, "memory", (json_int_t)stats.memory,
                     "memoryLimit", (json_int_t)stats.memory_budget, "received",
                     (json_int_t)stats.received, "done", (json_int_t)stats.acknowledged, "retried",
                     (json_int_t)stats.retried, "rejected", (json_int_t)stats.rejected, "perSecond",
                     pace.per_second, "p50", pace.p50_ms, "p95", pace.p95_ms);
}

/* ---- the whole ---- */

static json_t *history_json(const struct gallery_system *system)
{
    json_t *history = json_array();
    const size_t kept =
        system->history_count < SYSTEM_HISTORY ? system->history_count : SYSTEM_HISTORY;
    for (size_t i = system->history_count - kept; i < system->history_count; i++)
        json_array_append_new(
            history, json_pack("[I, f, I]", (json_int_t)system->history[i % SYSTEM_HISTORY].at_ms,
                               system->history[i % SYSTEM_HISTORY].per_second,
                               (json_int_t)system->history[i % SYSTEM_HISTORY].messages));
    return history;
}

static json_t *system_json(const struct gallery_system *system)
{
    size_t resident = 0;
    (void)uv_resident_set_memory(&resident); /* 0: unknown */
    return json_pack("{s:o, s:o, s:I, s:o}", "queues", queues_json(system), "engine",
                     engine_json(system), "resident", (json_int_t)resident, "history",
                     history_json(system));
}

static void history_add(struct gallery_system *system)
{
    const size_t at = system->history_count++ % SYSTEM_HISTORY;
    system->history[at].at_ms = wall_clock_ms();
    system->history[at].per_second = activity_pace(&system->activity, uv_hrtime()).per_second;
    system->history[at].messages = messages_of(system->watch);
}

/* ---- requests ---- */

static void waiting_free(struct system_waiting *waiting)
{
    waiting->call->ended = NULL;
    list_remove(&waiting->link);
    free(waiting);
}

static void on_waiting_ended(struct gallery_call *call, bool completed)
{
    (void)completed;
    waiting_free(call->state);
}

static void waiting_respond(struct gallery_system *system)
{
    struct list *link;
    while ((link = list_shift(&system->waiting))) {
        struct system_waiting *waiting = container_of(link, struct system_waiting, link);
        struct gallery_call *call = waiting->call;
        waiting_free(waiting);
        gallery_respond_json(call, 200, system_json(system));
    }
}

static bool is_fresh(const struct gallery_system *system)
{
    return system->looked_ms &&
           uv_now(system->gallery->loop) - system->looked_ms < SYSTEM_PACE_MS && !system->stale;
}

void gallery_system_show(struct gallery_call *call)
{
    struct gallery_system *system = call->gallery->system;
    system->wanted_ms = uv_now(call->gallery->loop) + 1;
    if (is_fresh(system)) {
        gallery_respond_json(call, 200, system_json(system));
        return;
    }
    struct system_waiting *waiting = calloc(1, sizeof *waiting);
    if (!waiting) {
        gallery_refuse_for(call, 503, "out_of_memory", 1, "there is not enough memory; try again");
        return;
    }
    waiting->call = call;
    call->state = waiting;
    call->ended = on_waiting_ended;
    list_push(&system->waiting, &waiting->link);
    system_advance(system);
}

/* ---- looks ---- */

static bool is_wanted(const struct gallery_system *system)
{
    return system->wanted_ms && gallery_watchers(system->gallery) &&
           uv_now(system->gallery->loop) - system->wanted_ms < SYSTEM_PATIENCE_MS;
}

static void on_timer(uv_timer_t *timer)
{
    struct gallery_system *system = container_of(timer, struct gallery_system, timer);
    if (is_wanted(system))
        system_look(system);
}

static void on_looked(void *user)
{
    struct gallery_system *system = user;
    system->looking = false;
    system->looked_ms = uv_now(system->gallery->loop) + 1;
    history_add(system);
    waiting_respond(system);
    if (is_wanted(system))
        gallery_publish(system->gallery, "system", system_json(system));
    letters_looked(system, true);
    if (!system->closing)
        uv_timer_start(&system->timer, on_timer, SYSTEM_PACE_MS, 0);
    system_advance(system);
}

void system_look(struct gallery_system *system)
{
    if (!system->looking && system->watch && !queue_watch_look(system->watch, on_looked, system))
        system->looking = true;
}

/* ---- the watch ---- */

static void watch_open(struct gallery_system *system)
{
    const struct gallery *gallery = system->gallery;
    struct queue_watch_pipeline *pipelines = calloc(gallery->pipeline_count + 1, sizeof *pipelines);
    for (size_t i = 0; pipelines && i < gallery->pipeline_count; i++) {
        const struct pipeline_facts *facts =
            gallery->options.pipeline_ops->facts(gallery->pipelines[i]);
        pipelines[i] = (struct queue_watch_pipeline){facts->name, facts->queue};
    }
    system->stale = false;
    if (pipelines)
        (void)queue_watch_open(gallery->loop, gallery->options.queues, pipelines,
                               gallery->pipeline_count, &system->watch); /* or NULL */
    free(pipelines);
}

static void on_watch_closed(void *user)
{
    struct gallery_system *system = user;
    system->open--;
    system_advance(system);
}

static void watch_close(struct gallery_system *system)
{
    struct queue_watch *watch = system->watch;
    system->watch = NULL;
    system->looking = false;
    system->looked_ms = 0;
    letters_looked(system, false);
    if (!watch)
        return;
    system->open++;
    queue_watch_close(watch, on_watch_closed, system);
}

/* ---- the part ---- */

static void end(struct gallery_system *system)
{
    struct gallery *gallery = system->gallery;
    gallery->system = NULL;
    activity_clear(&system->activity);
    free(system);
    gallery_part_closed(gallery);
}

static bool needs_look(const struct gallery_system *system)
{
    return !list_empty(&system->waiting) || letters_need_look(system);
}

void system_advance(struct gallery_system *system)
{
    if (system->work)
        return;
    if (system->closing) {
        if (system->watch)
            watch_close(system);
        if (system->open == 0)
            end(system);
        return;
    }
    if (system->stale && system->watch)
        watch_close(system);
    if (!system->watch && !system->draining)
        watch_open(system);
    if (!system->watch)
        waiting_respond(system); /* without queues: there is not enough memory for them */
    if (system->looking)
        return;
    while (letters_begin(system))
        continue;
    if (system->watch && !system->work && needs_look(system))
        system_look(system);
}

int gallery_system_open(struct gallery *gallery, struct error *error)
{
    struct gallery_system *system = calloc(1, sizeof *system);
    if (!system || activity_init(&system->activity)) {
        free(system);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    system->gallery = gallery;
    list_init(&system->waiting);
    list_init(&system->operations);
    uv_timer_init(gallery->loop, &system->timer);
    system->open = 1;
    gallery->system = system;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_watch_closed(container_of((uv_timer_t *)handle, struct gallery_system, timer));
}

void gallery_system_drain(struct gallery *gallery)
{
    struct gallery_system *system = gallery->system;
    system->draining = true;
    waiting_respond(system);
    letters_drain(system);
}

void gallery_system_close(struct gallery *gallery)
{
    struct gallery_system *system = gallery->system;
    system->closing = true;
    uv_close((uv_handle_t *)&system->timer, on_timer_closed);
}

void gallery_system_reload(struct gallery *gallery)
{
    gallery->system->stale = true;
    system_advance(gallery->system);
}
