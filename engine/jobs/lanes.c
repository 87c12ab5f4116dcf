/*
 * The engine's lanes as a set: which pipelines go together, their slots, how they are opened at the
 * start, and how another set takes the place of the one at work.
 *
 * A reload has two halves. The first one makes what it needs and may fail; then nothing has
 * happened but that new lanes have begun to open, and these are retired. The second one cannot
 * fail. Retired lanes stay in the array until nothing of them is left.
 */
#include <stdlib.h>
#include <string.h>

#include "delivery.h"
#include "engine_private.h"
#include "pipeline_check.h"

static const struct pipeline_facts *facts_of(const struct engine *engine,
                                             const struct pipeline *pipeline)
{
    return engine->options.pipeline_ops->facts(pipeline);
}

void lanes_each_delivery(struct engine *engine, void (*act)(struct delivery *delivery))
{
    for (size_t i = 0; i < engine->lane_count; i++)
        deliveries_each(engine->lanes[i], act);
}

size_t lanes_audience(void *user, const char *bucket, const char *key, struct pipeline **out,
                      size_t max)
{
    struct engine *engine = user;
    size_t count = 0;
    for (size_t i = 0; i < engine->lane_count && count < max; i++) {
        struct lane *lane = engine->lanes[i];
        if (lane->state != LANE_RETIRED &&
            engine->options.pipeline_ops->matches(lane->pipeline, bucket, key))
            out[count++] = lane->pipeline;
    }
    return count;
}

/* ---- what goes together ---- */

int lanes_check(const struct engine *engine, struct pipeline *const *pipelines, size_t count,
                struct error *error)
{
    const struct pipeline_rules rules = {.ops = engine->options.pipeline_ops,
                                         .labeler = engine->options.labeler != NULL};
    struct problem_list problems = {0};
    if (count == 0)
        return error_set(error, ERR_INVALID,
                         "no pipelines; name a pipeline file or a directory of them");
    int code = pipelines_check(&rules, pipelines, count, &problems);
    code = code ? error_set(error, code, "out of memory") : problem_list_error(&problems, error);
    problem_list_clear(&problems);
    return code;
}

/* The slots are shared out by weight: a lane's share is always there for it. */
static void share_out(struct engine *engine)
{
    unsigned weights = 0;
    for (size_t i = 0; i < engine->lane_count; i++)
        weights += engine->lanes[i]->state == LANE_RETIRED ? 0 : engine->lanes[i]->share.weight;
    for (size_t i = 0; i < engine->lane_count; i++) {
        struct lane *lane = engine->lanes[i];
        if (lane->state == LANE_RETIRED)
            continue;
        lane->slots = (size_t)engine->options.jobs * lane->share.weight / weights;
        if (lane->slots == 0)
            lane->slots = 1;
    }
}

/* ---- opening ---- */

static size_t count_in(const struct engine *engine, enum lane_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < engine->lane_count; i++)
        count += engine->lanes[i]->state == state;
    return count;
}

static void tell(struct engine *engine, const struct error *error)
{
    if (engine->told || engine->draining || engine->closing)
        return;
    engine->told = true;
    engine->ready(error, engine->ready_user);
}

static void lane_opened(struct engine *engine)
{
    if (count_in(engine, LANE_OPENING))
        return;
    tell(engine, &(struct error){0});
}

static void lane_open_failed(struct engine *engine, const struct error *error)
{
    bool refused = error->code == ERR_CREDENTIALS || error->code == ERR_EXPIRED;
    if (error->code == ERR_INVALID || (refused && !count_in(engine, LANE_OPEN)))
        tell(engine, error);
}

static const struct lane_observer observer = {lane_opened, lane_open_failed};

int lanes_make(struct engine *engine)
{
    const struct engine_options *options = &engine->options;
    engine->lanes = calloc(options->pipeline_count, sizeof *engine->lanes);
    if (!engine->lanes)
        return ERR_MEMORY;
    for (size_t i = 0; i < options->pipeline_count; i++) {
        struct lane *lane = lane_new(engine, options->pipelines[i], &observer);
        if (!lane)
            return ERR_MEMORY;
        engine->lanes[engine->lane_count++] = lane;
    }
    share_out(engine);
    return 0;
}

void engine_start(struct engine *engine, engine_ready *ready, void *user)
{
    engine->ready = ready;
    engine->ready_user = user;
    for (size_t i = 0; i < engine->lane_count; i++)
        lane_open(engine->lanes[i]);
}

/* ---- reloading ---- */

static void lane_gone(struct lane *lane)
{
    struct engine *engine = lane->engine;
    engine->departing--;
    lane_free(lane);
    engine_update(engine);
}

static void depart(struct lane *lane)
{
    lane->engine->departing++;
    lane_close(lane, lane_gone);
}

void lanes_depart(struct engine *engine)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->lane_count; i++) {
        struct lane *lane = engine->lanes[i];
        if (lane->state != LANE_RETIRED || !lane_is_empty(lane)) {
            engine->lanes[kept++] = lane;
            continue;
        }
        log_info("pipeline is closed", LOG_TEXT("pipeline", facts_of(engine, lane->pipeline)->name),
                 LOG_TEXT("queue", facts_of(engine, lane->pipeline)->queue));
        engine->retired--;
        depart(lane);
    }
    engine->lane_count = kept;
}

static bool is_same(const struct engine *engine, const struct pipeline *a, const struct pipeline *b)
{
    return strcmp(facts_of(engine, a)->name, facts_of(engine, b)->name) == 0 &&
           strcmp(facts_of(engine, a)->queue, facts_of(engine, b)->queue) == 0;
}

/* The lane that a pipeline goes on with. */
static struct lane *successor_of(const struct engine *engine, const struct pipeline *pipeline)
{
    for (size_t i = 0; i < engine->lane_count; i++) {
        struct lane *lane = engine->lanes[i];
        if (lane->state != LANE_RETIRED && is_same(engine, lane->pipeline, pipeline))
            return lane;
    }
    return NULL;
}

static struct pipeline *wanted(const struct engine *engine, const struct lane *lane,
                               struct pipeline *const *pipelines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_same(engine, lane->pipeline, pipelines[i]))
            return pipelines[i];
    return NULL;
}

/* A pipeline that is new may name a queue that is open by another of its names. */
static int added_check(const struct engine *engine, struct pipeline *const *pipelines, size_t count,
                       const struct pipeline *added, struct error *error)
{
    const struct queue_backend_ops *ops = engine->options.queues->ops;
    const struct pipeline_facts *facts = facts_of(engine, added);
    for (size_t i = 0; i < engine->lane_count; i++) {
        const struct lane *lane = engine->lanes[i];
        if (lane->state == LANE_RETIRED || !lane->queue || !wanted(engine, lane, pipelines, count))
            continue;
        const struct queue_facts *open = ops->facts(lane->queue);
        if (ops->compare(facts->queue, open->arn) == QUEUES_ARE_ONE ||
            ops->compare(facts->queue, open->url) == QUEUES_ARE_ONE)
            return lane_refuse_queue(facts, facts_of(engine, lane->pipeline), error);
    }
    return 0;
}

static int added_make(struct engine *engine, struct pipeline *const *pipelines, size_t count,
                      struct lane **added, size_t *added_count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (successor_of(engine, pipelines[i]))
            continue;
        int code = added_check(engine, pipelines, count, pipelines[i], error);
        if (code)
            return code;
        struct lane *lane = lane_new(engine, pipelines[i], &observer);
        if (!lane)
            return error_set(error, ERR_MEMORY, "out of memory");
        lane_begin(lane);
        added[(*added_count)++] = lane;
        code = lane_open_now(lane, error);
        if (code)
            return code;
    }
    return 0;
}

/* From here on nothing fails. */
static void commit(struct engine *engine, struct pipeline *const *pipelines, size_t count)
{
    for (size_t i = 0; i < engine->lane_count; i++) {
        struct lane *lane = engine->lanes[i];
        struct pipeline *pipeline = wanted(engine, lane, pipelines, count);
        if (lane->state == LANE_RETIRED)
            continue;
        if (pipeline) {
            lane_change(lane, pipeline);
        } else {
            engine->retired++;
            lane_retire(lane);
        }
    }
}

static void settle(struct engine *engine)
{
    share_out(engine);
    for (size_t i = 0; i < engine->lane_count; i++)
        if (engine->lanes[i]->state == LANE_OPEN)
            queue_poller_update(&engine->lanes[i]->poller);
    lane_opened(engine); /* what it waited for may have been removed */
}

int engine_reload(struct engine *engine, struct pipeline *const *pipelines, size_t count,
                  struct error *error)
{
    size_t added = 0;
    if (engine->draining || engine->closing)
        return error_set(error, ERR_CANCELLED, "the engine is stopping");
    int code = lanes_check(engine, pipelines, count, error);
    if (code)
        return code;
    struct lane **lanes = realloc(engine->lanes, (engine->lane_count + count) * sizeof *lanes);
    if (!lanes)
        return error_set(error, ERR_MEMORY, "out of memory");
    engine->lanes = lanes;
    code = added_make(engine, pipelines, count, &lanes[engine->lane_count], &added, error);
    if (code) {
        while (added)
            depart(lanes[engine->lane_count + --added]);
        return code;
    }
    commit(engine, pipelines, count);
    engine->lane_count += added;
    settle(engine);
    return 0;
}
