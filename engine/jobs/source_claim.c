/* The operations of a job on its claim, built on the table, the fetch and the render. */
#include "source_private.h"

/* Their sizes are kept for the report. */
static void forget_renditions(struct source_claim *claim)
{
    for (size_t i = 0; i < claim->item.rendition_count; i++) {
        size_t size = claim->item.renditions[i].body.size;
        bytes_free(&claim->item.renditions[i].body);
        claim->item.renditions[i].body.size = size;
    }
    bytes_free(&claim->item.label_image.body);
    memory_change(claim->source->table->options.memory, MEMORY_WORK, claim->kept, 0);
    claim->kept = 0;
}

static enum source_state claim_attach(struct source *source, struct source_claim *claim)
{
    if (source->schedule == SOURCE_LINGERS)
        source_unschedule(source);
    claim->source = source;
    claim->served = false;
    source->claims++;
    source->joined++;
    list_init(&claim->link);
    atomic_init(&claim->cancelled, false);
    if (source_state_of(source) == SOURCE_FETCHING)
        source_claim_wait(claim);
    return source_state_of(source);
}

enum source_state source_join(struct source_table *table, const struct envelope_record *record,
                              struct source_claim *claim, struct error *error)
{
    uint64_t hash = source_record_hash(record);
    struct source *source = source_table_find(table, record, hash);
    if (source) {
        table->stats.shared++;
        claim->shared = true;
        return claim_attach(source, claim);
    }
    claim->shared = false;
    source = source_new(table, record, hash, source_on_room);
    if (!source) {
        error_set(error, ERR_MEMORY, "out of memory");
        return SOURCE_FAILED;
    }
    if (claim->trace)
        source->trace = *claim->trace;
    int code = source_fetch(source, claim->share);
    if (code) {
        source_table_unlink(source);
        source_free(source);
        source_table_arm(table);
        error_set(error, code, "the fetch of s3://%s/%s could not be started (%s)", record->bucket,
                  record->key, error_name(code));
        return SOURCE_FAILED;
    }
    source_table_arm(table);
    return claim_attach(source, claim);
}

enum source_state source_result(const struct source_claim *claim, struct error *error)
{
    *error = claim->source->error;
    return source_state_of(claim->source);
}

bool source_is_output(const struct source_claim *claim)
{
    return claim->source->is_output;
}

const char *source_etag(const struct source_claim *claim)
{
    return claim->source ? claim->source->body_etag : NULL;
}

struct slice source_image(const struct source_claim *claim)
{
    return (struct slice){claim->source->body.data, claim->source->body.size};
}

void source_leave(struct source_claim *claim)
{
    struct source *source = claim->source;
    if (!source)
        return;
    struct source_table *table = source->table;
    forget_renditions(claim);
    source->served -= claim->served;
    claim->source = NULL;
    if (claim->waiting)
        source_claim_unwait(claim);
    source_round_forget(source, claim->share);
    source_ahead_forget(source, claim->share);
    if (--source->claims == 0 && !source->round.active)
        source_unused(source);
    source_table_arm(table);
}

void source_release(struct source_claim *claim, void (*freed)(struct source_claim *claim))
{
    bool rendering = claim->rendering;
    claim->freed = freed;
    if (rendering) {
        claim->abandoned = true;
        atomic_store(&claim->cancelled, true);
    }
    source_leave(claim);
    if (!rendering)
        freed(claim);
}
