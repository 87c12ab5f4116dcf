/* Which pipelines lack an output of an object: one request after the other, until one is missing or all
 * are there and not older than the object. */
#include <stdlib.h>
#include <string.h>

#include "backfill_private.h"
#include "key_pattern.h"

enum { CHECKS_MAX = 32 }; /* objects whose outputs are being looked for */

static void item_check(struct backfill_item *item);

static void item_decide(struct backfill_item *item)
{
    struct backfill *b = item->backfill;
    bool needed = false;
    b->checking--;
    for (size_t i = 0; i < b->options.pipeline_count; i++)
        needed |= item->needs[i];
    b->counts.complete += !needed;
    item->state = needed ? ITEM_DECIDED : ITEM_SETTLED;
    backfill_schedule(b);
}

static void pipeline_next(struct backfill_item *item)
{
    item->pipeline++;
    item->output = 0;
    item->looked = false;
}

static void output_judge(struct backfill_item *item, bool is_there)
{
    free(item->pattern);
    item->pattern = NULL;
    if (is_there) {
        item->output++;
    } else {
        item->needs[item->pipeline] = true;
        pipeline_next(item);
    }
    item_check(item);
}

static void check_failed(struct backfill_item *item, int code, const char *why)
{
    struct backfill *b = item->backfill;
    b->checking--;
    item->state = ITEM_LISTED; /* it is not begun again, because all work stops */
    backfill_fail(b, code, why);
}

/* In seconds, as Last-Modified is. */
static bool is_fresh(const struct backfill_item *item, int64_t modified_s)
{
    return modified_s >= item->modified_ms / 1000;
}

static void on_head(const struct object_facts *facts, const struct error *error, void *user)
{
    struct backfill_item *item = user;
    if (error->code == 0)
        output_judge(item, is_fresh(item, facts->modified_s));
    else if (error->code == ERR_NOT_FOUND)
        output_judge(item, false);
    else
        check_failed(item, error->code, error->text);
}

static void on_outputs_listed(const struct object_entry *entries, size_t count, bool more,
                              const struct error *error, void *user)
{
    struct backfill_item *item = user;
    bool found = false;
    (void)more; /* an output beyond the first page is made again, which is harmless */
    for (size_t i = 0; i < count && !found; i++)
        found = key_pattern_matches(item->pattern, entries[i].key) &&
                is_fresh(item, entries[i].modified_ms / 1000);
    if (error->code)
        check_failed(item, error->code, error->text);
    else
        output_judge(item, found);
}

/* Begins to look for an output whose key is the item's pattern. */
static int output_look(struct backfill_item *item, const char *bucket)
{
    struct object_store *store = item->backfill->options.store;
    const struct object_name name = {.bucket = bucket, .key = item->pattern};
    struct object_request *request;
    size_t literal = key_pattern_literal(item->pattern);
    if (!item->pattern[literal])
        return store->ops->head(store, &name, on_head, item, &request);
    char *prefix = strndup(item->pattern, literal);
    int code =
        prefix ? store->ops->list(store, bucket, prefix, NULL, on_outputs_listed, item, &request)
               : ERR_MEMORY;
    free(prefix);
    return code;
}

enum look { LOOK_PENDING, LOOK_NONE, LOOK_MISSING, LOOK_FAILED };

static enum look output_begin(struct backfill_item *item)
{
    const struct backfill_options *options = &item->backfill->options;
    const struct pipeline *pipeline = options->pipelines[item->pipeline];
    const struct pipeline_output output = options->pipeline_ops->output(pipeline, item->output);
    if (!output.key)
        return LOOK_NONE;
    item->looked = true;
    int code = options->pipeline_ops->output_key(pipeline, item->output, options->bucket, item->key,
                                                 &item->pattern);
    if (!code)
        code = output_look(item, output.bucket ? output.bucket : options->bucket);
    if (!code)
        return LOOK_PENDING;
    if (code != ERR_MEMORY && !item->pattern)
        return LOOK_MISSING; /* a key that is too long: the engine rejects it with a reason */
    check_failed(item, code, "an output could not be looked for");
    return LOOK_FAILED;
}

/* Looks for the next output of the item's pipeline. */
static enum look outputs_look(struct backfill_item *item)
{
    const struct backfill_options *options = &item->backfill->options;
    const struct pipeline *pipeline = options->pipelines[item->pipeline];
    const size_t count = options->pipeline_ops->facts(pipeline)->output_count;
    for (; item->output <= count; item->output++) { /* the last one is the sidecar */
        enum look look = output_begin(item);
        if (look != LOOK_NONE)
            return look;
    }
    /* A pipeline that stores nothing but tags leaves no trace that is cheap to find. */
    return item->looked ? LOOK_NONE : LOOK_MISSING;
}

/* Goes on with the next output, until a request is pending or the item is decided. */
static void item_check(struct backfill_item *item)
{
    const struct backfill_options *options = &item->backfill->options;
    while (item->pipeline < options->pipeline_count) {
        struct pipeline *pipeline = options->pipelines[item->pipeline];
        enum look look = LOOK_NONE;
        if (options->pipeline_ops->matches(pipeline, options->bucket, item->key))
            look = options->force ? LOOK_MISSING : outputs_look(item);
        if (look == LOOK_PENDING || look == LOOK_FAILED)
            return;
        item->needs[item->pipeline] = look == LOOK_MISSING;
        pipeline_next(item);
    }
    item_decide(item);
}

void backfill_checks_begin(struct backfill *b)
{
    while (b->next_check) {
        struct backfill_item *item = b->next_check;
        if (item->state == ITEM_LISTED) {
            if (b->stopped || b->checking >= CHECKS_MAX)
                return;
            item->state = ITEM_CHECKING;
            b->ahead--;
            b->checking++;
            b->counts.matched++;
            b->next_check = backfill_item_next(b, item);
            item_check(item);
        } else {
            b->next_check = backfill_item_next(b, item);
        }
    }
}
