/*
 * The engine's set of consumers: checking the pipelines, distributing slots, opening at start, and
 * replacing the set on a reload.
 *
 * A reload has two halves. The first one prepares the new consumers and may fail; then only the new
 * consumers, which have begun to open, are retired. The second one cannot fail. Retired consumers
 * stay in the array until all of their work is finished.
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

void consumers_each_delivery(struct engine *engine, void (*act)(struct delivery *delivery))
{
    for (size_t i = 0; i < engine->consumer_count; i++)
        deliveries_each(engine->consumers[i], act);
}

size_t consumers_audience(void *user, const char *bucket, const char *key, struct pipeline **out,
                          size_t max)
{
    struct engine *engine = user;
    size_t count = 0;
    for (size_t i = 0; i < engine->consumer_count && count < max; i++) {
        struct consumer *consumer = engine->consumers[i];
        if (consumer->state != CONSUMER_RETIRED &&
            engine->options.pipeline_ops->matches(consumer->pipeline, bucket, key))
            out[count++] = consumer->pipeline;
    }
    return count;
}

/* ---- checks ---- */

int consumers_check(const struct engine *engine, struct pipeline *const *pipelines, size_t count,
                    struct error *error)
{
    const struct pipeline_rules rules = {.ops = engine->options.pipeline_ops};
    struct problem_list problems = {0};
    if (count == 0)
        return error_set(error, ERR_INVALID,
                         "no pipelines; name a pipeline file or a directory of them");
    int code = pipelines_check(&rules, pipelines, count, &problems);
    code = code ? error_set(error, code, "out of memory") : problem_list_error(&problems, error);
    problem_list_clear(&problems);
    return code;
}

/* Distributes the slots by weight; each consumer's share is reserved for it. */
static void share_out(struct engine *engine)
{
    unsigned weights = 0;
    for (size_t i = 0; i < engine->consumer_count; i++)
        weights += engine->consumers[i]->state == CONSUMER_RETIRED
                       ? 0
                       : engine->consumers[i]->share.weight;
    for (size_t i = 0; i < engine->consumer_count; i++) {
        struct consumer *consumer = engine->consumers[i];
        if (consumer->state == CONSUMER_RETIRED)
            continue;
        consumer->slots = (size_t)engine->options.jobs * consumer->share.weight / weights;
        if (consumer->slots == 0)
            consumer->slots = 1;
    }
}

/* ---- opening ---- */

static size_t count_in(const struct engine *engine, enum consumer_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < engine->consumer_count; i++)
        count += engine->consumers[i]->state == state;
    return count;
}

static void tell(struct engine *engine, const struct error *error)
{
    if (engine->told || engine->draining || engine->closing)
        return;
    engine->told = true;
    engine->ready(error, engine->ready_user);
}

static void consumer_opened(struct engine *engine)
{
    if (count_in(engine, CONSUMER_OPENING))
        return;
    tell(engine, &(struct error){0});
}

static void consumer_open_failed(struct engine *engine, const struct error *error)
{
    bool refused = error->code == ERR_CREDENTIALS || error->code == ERR_EXPIRED;
    if (error->code == ERR_INVALID || (refused && !count_in(engine, CONSUMER_OPEN)))
        tell(engine, error);
}

static const struct consumer_observer observer = {consumer_opened, consumer_open_failed};

int consumers_make(struct engine *engine)
{
    const struct engine_options *options = &engine->options;
    engine->consumers = calloc(options->pipeline_count, sizeof *engine->consumers);
    if (!engine->consumers)
        return ERR_MEMORY;
    for (size_t i = 0; i < options->pipeline_count; i++) {
        struct consumer *consumer = consumer_new(engine, options->pipelines[i], &observer);
        if (!consumer)
            return ERR_MEMORY;
        engine->consumers[engine->consumer_count++] = consumer;
    }
    share_out(engine);
    return 0;
}

void engine_start(struct engine *engine, engine_ready *ready, void *user)
{
    engine->ready = ready;
    engine->ready_user = user;
    for (size_t i = 0; i < engine->consumer_count; i++)
        consumer_open(engine->consumers[i]);
}

/* ---- reloading ---- */

static void consumer_gone(struct consumer *consumer)
{
    struct engine *engine = consumer->engine;
    engine->departing--;
    consumer_free(consumer);
    engine_update(engine);
}

static void depart(struct consumer *consumer)
{
    consumer->engine->departing++;
    consumer_close(consumer, consumer_gone);
}

void consumers_depart(struct engine *engine)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->consumer_count; i++) {
        struct consumer *consumer = engine->consumers[i];
        if (consumer->state != CONSUMER_RETIRED || !consumer_is_empty(consumer)) {
            engine->consumers[kept++] = consumer;
            continue;
        }
        log_info("pipeline is closed",
                 LOG_TEXT("pipeline", facts_of(engine, consumer->pipeline)->name),
                 LOG_TEXT("queue", facts_of(engine, consumer->pipeline)->queue));
        engine->retired--;
        depart(consumer);
    }
    engine->consumer_count = kept;
}

static bool is_same(const struct engine *engine, const struct pipeline *a, const struct pipeline *b)
{
    return strcmp(facts_of(engine, a)->name, facts_of(engine, b)->name) == 0 &&
           strcmp(facts_of(engine, a)->queue, facts_of(engine, b)->queue) == 0;
}

/* The existing consumer that a pipeline continues to use. */
static struct consumer *successor_of(const struct engine *engine, const struct pipeline *pipeline)
{
    for (size_t i = 0; i < engine->consumer_count; i++) {
        struct consumer *consumer = engine->consumers[i];
        if (consumer->state != CONSUMER_RETIRED && is_same(engine, consumer->pipeline, pipeline))
            return consumer;
    }
    return NULL;
}

static struct pipeline *wanted(const struct engine *engine, const struct consumer *consumer,
                               struct pipeline *const *pipelines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_same(engine, consumer->pipeline, pipelines[i]))
            return pipelines[i];
    return NULL;
}

/* A new pipeline may use another name for a queue that is already open. */
static int added_check(const struct engine *engine, struct pipeline *const *pipelines, size_t count,
                       const struct pipeline *added, struct error *error)
{
    const struct queue_backend_ops *ops = engine->options.queues->ops;
    const struct pipeline_facts *facts = facts_of(engine, added);
    for (size_t i = 0; i < engine->consumer_count; i++) {
        const struct consumer *consumer = engine->consumers[i];
        if (consumer->state == CONSUMER_RETIRED || !consumer->queue ||
            !wanted(engine, consumer, pipelines, count))
            continue;
        const struct queue_facts *open = ops->facts(consumer->queue);
        if (ops->compare(facts->queue, open->arn) == QUEUES_ARE_ONE ||
            ops->compare(facts->queue, open->url) == QUEUES_ARE_ONE)
            return consumer_refuse_queue(facts, facts_of(engine, consumer->pipeline), error);
    }
    return 0;
}

static int added_make(struct engine *engine, struct pipeline *const *pipelines, size_t count,
                      struct consumer **added, size_t *added_count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (successor_of(engine, pipelines[i]))
            continue;
        int code = added_check(engine, pipelines, count, pipelines[i], error);
        if (code)
            return code;
        struct consumer *consumer = consumer_new(engine, pipelines[i], &observer);
        if (!consumer)
            return error_set(error, ERR_MEMORY, "out of memory");
        consumer_begin(consumer);
        added[(*added_count)++] = consumer;
        code = consumer_open_now(consumer, error);
        if (code)
            return code;
    }
    return 0;
}

/* Nothing fails from here on. */
static void commit(struct engine *engine, struct pipeline *const *pipelines, size_t count)
{
    for (size_t i = 0; i < engine->consumer_count; i++) {
        struct consumer *consumer = engine->consumers[i];
        struct pipeline *pipeline = wanted(engine, consumer, pipelines, count);
        if (consumer->state == CONSUMER_RETIRED)
            continue;
        if (pipeline) {
            consumer_change(consumer, pipeline);
        } else {
            engine->retired++;
            consumer_retire(consumer);
        }
    }
}

static void settle(struct engine *engine)
{
    share_out(engine);
    for (size_t i = 0; i < engine->consumer_count; i++)
        if (engine->consumers[i]->state == CONSUMER_OPEN)
            queue_poller_update(&engine->consumers[i]->poller);
    consumer_opened(engine); /* the consumer that was still opening may have been removed */
}

int engine_reload(struct engine *engine, struct pipeline *const *pipelines, size_t count,
                  struct error *error)
{
    size_t added = 0;
    if (engine->draining || engine->closing)
        return error_set(error, ERR_CANCELLED, "the engine is stopping");
    int code = consumers_check(engine, pipelines, count, error);
    if (code)
        return code;
    struct consumer **consumers =
        realloc(engine->consumers, (engine->consumer_count + count) * sizeof *consumers);
    if (!consumers)
        return error_set(error, ERR_MEMORY, "out of memory");
    engine->consumers = consumers;
    code = added_make(engine, pipelines, count, &consumers[engine->consumer_count], &added, error);
    if (code) {
        while (added)
            depart(consumers[engine->consumer_count + --added]);
        return code;
    }
    commit(engine, pipelines, count);
    engine->consumer_count += added;
    settle(engine);
    return 0;
}
