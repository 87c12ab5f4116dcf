/* The rounds of a source: one decode for all jobs that are waiting when a worker becomes free. */
#include <stdlib.h>

#include "source_private.h"

static struct source *source_of(struct worker_task *task)
{
    struct round *round = container_of(task, struct round, task);
    return container_of(round, struct source, round);
}

/* ---- worker thread: memory for the render ---- */

static bool all_cancelled(void *user)
{
    const struct round *round = user;
    for (size_t i = 0; i < round->count; i++) {
        if (!atomic_load(&round->claims[i]->cancelled))
            return false;
    }
    return true;
}

static int gate_pass(struct render_gate *gate, uint64_t bytes)
{
    struct round *round = container_of(gate, struct round, gate);
    struct source *source = source_of(&round->task);
    uint64_t began = uv_hrtime();
    int code =
        memory_wait(source->table->options.memory, &round->grant, bytes, all_cancelled, round);
    round->waited_ms += (double)(uv_hrtime() - began) / 1e6;
    return code;
}

/* ---- the round ---- */

static bool source_labeler_reads(const struct source *source)
{
    struct labeler *labeler = source->table->options.rekognition;
    return labeler && labeler->ops->reads && labeler->ops->reads(labeler, source->bucket);
}

/* Loop thread, just before the round is passed to its worker: it includes all jobs that are waiting
 * now.
 */
static void round_prepare(struct worker_task *task)
{
    struct source *source = source_of(task);
    struct round *round = &source->round;
    source_ahead_taken(source);
    round->from = (struct render_source){
        .bucket = source->bucket,
        .key = source->key,
        .etag = source->body_etag,
        .image = {source->body.data, source->body.size},
        .audience = round->audience,
        .audience_count = source_audience(source, round->audience),
        .gate = &round->gate,
        .labeler_reads = source_labeler_reads(source),
        .focal = source->focal,
        .tagged = source->tagged,
    };
    round->gate.pass = gate_pass;
    for (size_t i = 0; i < round->from.audience_count; i++)
        source->table->options.pipeline_ops->retain(round->audience[i]);
    while (round->count < ROUND_MAX && !list_empty(&source->waiting)) {
        struct source_claim *claim = container_of(source->waiting.next, struct source_claim, link);
        source_claim_unwait(claim);
        claim->rendering = true;
        round->claims[round->count++] = claim;
    }
    if (round->count)
        round->items = calloc(round->count, sizeof *round->items);
    for (size_t i = 0; round->items && i < round->count; i++) {
        round->items[i].pipeline = round->claims[i]->item.pipeline;
        round->items[i].cancelled = &round->claims[i]->cancelled;
    }
    source->table->stats.decoded += round->count > 0;
}

static void round_run(struct worker_task *task)
{
    struct source *source = source_of(task);
    const struct source_table_options *options = &source->table->options;
    if (!source->round.items)
        return; /* memory was short, or all were released while waiting */
    options->pipeline_ops->render(&source->round.from, &options->limits, source->round.items,
                                  source->round.count);
    options->pipeline_ops->thread_end();
}

static uint64_t item_bytes(const struct render_item *item)
{
    uint64_t sum = item->label_image.body.size;
    for (size_t i = 0; i < item->rendition_count; i++)
        sum += item->renditions[i].body.size;
    return sum;
}

static void round_give_back(struct source_table *table, struct source_claim *claim,
                            struct render_item *item, uint64_t kept)
{
    claim->rendering = false;
    if (claim->abandoned) {
        if (item)
            render_item_clear(item);
        memory_change(table->options.memory, MEMORY_WORK, kept, 0);
        claim->freed(claim);
        return;
    }
    claim->kept = kept;
    if (item)
        claim->item = *item;
    else
        error_set(&claim->item.error, ERR_MEMORY, "out of memory");
    claim->served = claim->item.error.code == 0;
    claim->source->served += claim->served;
    claim->wake(claim);
}

/* The time of a round that single renditions did not take went into decoding, and into scaling for
 * all of them. */
static void round_observe(struct source_table *table, const struct round *round, double worked_ms)
{
    double renditions_ms = 0;
    for (size_t i = 0; round->items && i < round->count; i++) {
        round->claims[i]->work.before_ms = renditions_ms;
        for (size_t k = 0; k < round->items[i].rendition_count; k++) {
            double ms = round->items[i].renditions[k].milliseconds;
            histogram_observe(&table->stats.render_s, ms / 1000);
            renditions_ms += ms;
        }
    }
    if (round->count)
        histogram_observe(&table->stats.decode_s, (worked_ms - renditions_ms) / 1000);
    const uint64_t now_ns = uv_hrtime(),
                   worked_ns = worked_ms > 0 ? (uint64_t)(worked_ms * 1e6) : 0;
    for (size_t i = 0; i < round->count; i++) {
        round->claims[i]->work.began_ns = now_ns > worked_ns ? now_ns - worked_ns : 0;
        round->claims[i]->work.decode_ms = worked_ms - renditions_ms;
    }
}

/* Reduces the grant to the size of the results. */
static void round_settle(struct source *source, uint64_t kept[ROUND_MAX])
{
    struct round *round = &source->round;
    uint64_t sum = 0;
    for (size_t i = 0; i < round->count; i++) {
        kept[i] = round->items ? item_bytes(&round->items[i]) : 0;
        sum += kept[i];
    }
    memory_settle(source->table->options.memory, &round->grant, sum);
}

static void round_done(struct worker_task *task)
{
    struct source *source = source_of(task);
    struct source_table *table = source->table;
    struct render_item *items = source->round.items;
    size_t count = source->round.count;
    uint64_t kept[ROUND_MAX];
    double worked_ms = task->milliseconds - source->round.waited_ms;
    for (size_t i = 0; i < count; i++)
        worker_share_charge(source->round.claims[i]->share, worked_ms / (double)count);
    round_observe(table, &source->round, worked_ms);
    source->claims++; /* a reference, as in wake_all */
    round_settle(source, kept);
    for (size_t i = 0; i < count; i++)
        round_give_back(table, source->round.claims[i], items ? &items[i] : NULL, kept[i]);
    for (size_t i = 0; i < source->round.from.audience_count; i++)
        table->options.pipeline_ops->release(source->round.audience[i]);
    free(items);
    source->round = (struct round){0};
    source_pump(source);
    if (--source->claims == 0)
        source_unused(source);
    else
        source_body_end(source);
    source_table_arm(table);
    table->options.returned(table->options.user);
}

/* A round without waiting jobs keeps its turn, with the priority of the share that is next in
 * turn. */
void source_round_forget(struct source *source, const struct worker_share *share)
{
    struct round *round = &source->round;
    if (!round->active || round->task.share != share)
        return;
    round->task.share = source_neediest(source);
    if (round->task.share)
        return;
    round->orphaned = (struct worker_share){.weight = 1, .clock = share->clock};
    round->task.share = &round->orphaned;
}

static void round_queue(struct source *source)
{
    source->round = (struct round){
        .task = {.prepare = round_prepare,
                 .run = round_run,
                 .done = round_done,
                 .share = source_neediest(source),
                 .size = source->body.size},
        .active = true,
    };
    worker_queue_push(source->table->options.workers, &source->round.task);
}

static void gathered(struct source *source)
{
    source_enter(source, SOURCE_SHARED);
    source_pump(source);
}

void source_pump(struct source *source)
{
    if (source->stage < SOURCE_GATHERING || source->stage == SOURCE_GAVE_UP ||
        source->round.active || list_empty(&source->waiting))
        return;
    if (source->stage == SOURCE_GATHERING && source->joined < source->audience) {
        if (source->schedule == SOURCE_UNSCHEDULED)
            source_schedule(source, SOURCE_GATHERS, GATHER_MS, gathered);
        return;
    }
    if (source->stage == SOURCE_GATHERING) {
        source_unschedule(source);
        source_enter(source, SOURCE_SHARED);
    }
    round_queue(source);
}

void source_render(struct source_claim *claim)
{
    struct source *source = claim->source;
    source_claim_wait(claim);
    source_pump(source);
    source_table_arm(source->table);
}
