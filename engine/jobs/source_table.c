#include "source_table.h"

#include <stdlib.h>
#include <string.h>

#include "fnv.h"
#include "source_private.h"

/* ---- stages ---- */

void source_enter(struct source *source, enum source_stage stage)
{
    source->stage = stage;
}

enum source_state source_state_of(const struct source *source)
{
    if (source->stage == SOURCE_GAVE_UP)
        return SOURCE_FAILED;
    return source->stage <= SOURCE_GET_LAST ? SOURCE_FETCHING : SOURCE_READY;
}

/* ---- the memory budget ---- */

void source_reserve(struct source *source, uint64_t bytes)
{
    memory_change(source->table->options.memory, MEMORY_PHOTOS, source->reserved, bytes);
    source->reserved = bytes;
}

/* ---- the table ---- */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return fnv_byte(fnv_text(hash, text ? text : ""), 0xff);
}

static bool same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

uint64_t source_record_hash(const struct envelope_record *record)
{
    uint64_t hash = hash_text(FNV_START ^ id_seed(), record->bucket);
    hash = hash_text(hash, record->key);
    return hash_text(hash, record->version ? record->version : record->etag);
}

/* A copy of an object onto itself has other metadata and the same ETag. Without an ETag, only the
 * sequencer tells whether two events are about the same content. */
static bool same_state(const struct source *source, const struct envelope_record *record)
{
    if (source->version)
        return true;
    return same(source->etag, record->etag) &&
           (same(source->sequencer, record->sequencer) ||
            (source->etag && !(source_needs_focal(source) || source_needs_tags(source))));
}

struct source *source_table_find(const struct source_table *table,
                                 const struct envelope_record *record, uint64_t hash)
{
    struct id_entry *entry = id_table_find(&table->index, hash);
    for (; entry; entry = id_table_next(entry)) {
        struct source *s = container_of(entry, struct source, entry);
        if (s->stage != SOURCE_GAVE_UP && same(s->bucket, record->bucket) &&
            same(s->key, record->key) && same(s->version, record->version) && same_state(s, record))
            return s;
    }
    return NULL;
}

void source_table_unlink(struct source *source)
{
    id_table_remove(&source->table->index, &source->entry);
}

void source_free(struct source *source)
{
    if (source->get)
        source->table->options.store->ops->cancel(source->get);
    memory_withdraw(source->table->options.memory, &source->ticket);
    list_remove(&source->timed);
    source_ahead_leave(source);
    bytes_free(&source->body);
    source_reserve(source, 0);
    free(source->bucket);
    free(source->key);
    free(source->version);
    free(source->etag);
    free(source->sequencer);
    free(source->body_etag);
    free(source);
}

static int dup_into(char **out, const char *text)
{
    if (!text)
        return 0;
    *out = strdup(text);
    return *out ? 0 : ERR_MEMORY;
}

size_t source_audience(const struct source *source, struct pipeline *out[ROUND_MAX])
{
    const struct source_table_options *options = &source->table->options;
    return options->audience(options->user, source->bucket, source->key, out, ROUND_MAX);
}

static bool named_focal(const struct pipeline_facts *facts)
{
    return facts->named_focal;
}

static bool tagged_focal(const struct pipeline_facts *facts)
{
    return facts->tagged_focal;
}

static bool audience_has(const struct source *source, bool (*has)(const struct pipeline_facts *))
{
    struct pipeline *audience[ROUND_MAX];
    const struct pipeline_ops *ops = source->table->options.pipeline_ops;
    size_t count = source_audience(source, audience);
    for (size_t i = 0; i < count; i++) {
        if (has(ops->facts(audience[i])))
            return true;
    }
    return false;
}

bool source_needs_focal(const struct source *source)
{
    return audience_has(source, named_focal);
}

bool source_needs_tags(const struct source *source)
{
    return audience_has(source, tagged_focal);
}

struct source *source_new(struct source_table *table, const struct envelope_record *record,
                          uint64_t hash, void (*on_room)(struct memory_ticket *ticket))
{
    struct source *source = calloc(1, sizeof *source);
    struct pipeline *listeners[ROUND_MAX];
    if (!source)
        return NULL;
    source->table = table;
    source->entry.id = hash;
    source->may_linger = record->version || record->etag;
    /* For a raw key the delay is unnecessary, because the decoded key was already tried twice. */
    source_enter(source, record->raw ? SOURCE_GET_LAST : SOURCE_GET_FIRST);
    source->stated = record->size;
    memory_ticket_init(&source->ticket, on_room);
    list_init(&source->waiting);
    list_init(&source->timed);
    list_init(&source->turn);
    if (dup_into(&source->bucket, record->bucket) || dup_into(&source->key, record->key) ||
        dup_into(&source->version, record->version) || dup_into(&source->etag, record->etag) ||
        dup_into(&source->sequencer, record->sequencer)) {
        source_free(source);
        return NULL;
    }
    source->audience = source_audience(source, listeners);
    id_table_add(&table->index, &source->entry);
    return source;
}

/* ---- lingering and the timer ---- */

/* The only functions that add to and remove from a list. */
static void schedule_change(struct source *source, enum source_schedule schedule)
{
    struct source_table *table = source->table;
    size_t *bytes = &table->lingering_bytes;
    *bytes -= source->schedule == SOURCE_LINGERS ? source->body.size : 0;
    *bytes += schedule == SOURCE_LINGERS ? source->body.size : 0;
    list_remove(&source->timed);
    source->schedule = schedule;
    if (schedule != SOURCE_UNSCHEDULED)
        list_push(&table->scheduled[schedule], &source->timed);
}

void source_schedule(struct source *source, enum source_schedule schedule, uint64_t delay_ms,
                     void (*due)(struct source *source))
{
    source->due_ms = uv_now(source->table->loop) + delay_ms;
    source->due = due;
    schedule_change(source, schedule);
}

void source_unschedule(struct source *source)
{
    schedule_change(source, SOURCE_UNSCHEDULED);
}

static void source_drop(struct source *source)
{
    source_unschedule(source);
    source_table_unlink(source);
    source_free(source);
}

static struct source *first_of(const struct source_table *table, enum source_schedule schedule)
{
    const struct list *list = &table->scheduled[schedule];
    return list_empty(list) ? NULL : container_of(list->next, struct source, timed);
}

static void cache_trim(struct source_table *table)
{
    while (table->lingering_bytes > table->options.cache_bytes && source_table_shed(table))
        continue;
}

bool source_table_shed(struct source_table *table)
{
    struct list *oldest = list_shift(&table->scheduled[SOURCE_LINGERS]);
    if (oldest)
        source_drop(container_of(oldest, struct source, timed));
    return oldest != NULL;
}

/* For the jobs of other queues. Once there is one of each, more come only if a message is delivered
 * again. */
static bool is_expected_again(const struct source *source)
{
    return source_state_of(source) == SOURCE_READY && source->may_linger &&
           source->table->options.linger_ms > 0 && source->joined < source->audience;
}

void source_unused(struct source *source)
{
    struct source_table *table = source->table;
    source_unschedule(source); /* it may have been waiting for siblings */
    source_ahead_leave(source);
    if (!is_expected_again(source)) {
        source_table_unlink(source);
        source_free(source);
        return;
    }
    source_schedule(source, SOURCE_LINGERS, table->options.linger_ms, source_drop);
    cache_trim(table);
}

static bool asks_labeler(const struct pipeline_facts *facts)
{
    return facts->labeler != NULL;
}

/* The jobs keep their claims until their outputs are stored, which may take longer than the decode. A
 * message that is delivered again finds another source. */
void source_body_end(struct source *source)
{
    if (source->joined < source->audience || source->served < source->claims ||
        source->round.active || audience_has(source, asks_labeler))
        return;
    source_table_unlink(source);
    bytes_free(&source->body);
    source_reserve(source, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct source_table *table = container_of(timer, struct source_table, timer);
    uint64_t now_ms = uv_now(table->loop);
    for (enum source_schedule i = SOURCE_GATHERS; i < SOURCE_SCHEDULES; i++) {
        struct source *source;
        while ((source = first_of(table, i)) && source->due_ms <= now_ms) {
            source_unschedule(source);
            source->due(source);
        }
    }
    source_ahead_serve(table);
    source_table_arm(table);
}

/* Each list is sorted by due time, because its delay is constant. */
void source_table_arm(struct source_table *table)
{
    uint64_t due = source_ahead_due_ms(table);
    for (enum source_schedule i = SOURCE_GATHERS; i < SOURCE_SCHEDULES; i++) {
        const struct source *first = first_of(table, i);
        if (first && first->due_ms < due)
            due = first->due_ms;
    }
    uint64_t now_ms = uv_now(table->loop);
    if (due == UINT64_MAX)
        uv_timer_stop(&table->timer);
    else
        uv_timer_start(&table->timer, on_timer, due > now_ms ? due - now_ms : 0, 0);
}

void source_claim_wait(struct source_claim *claim)
{
    list_push(&claim->source->waiting, &claim->link);
    claim->waiting = true;
}

void source_claim_unwait(struct source_claim *claim)
{
    list_remove(&claim->link);
    claim->waiting = false;
}

int source_table_init(struct source_table *table, uv_loop_t *loop,
                      const struct source_table_options *options)
{
    *table = (struct source_table){.loop = loop, .options = *options};
    for (size_t i = 0; i < SOURCE_SCHEDULES; i++)
        list_init(&table->scheduled[i]);
    list_init(&table->ahead.waiting);
    histogram_of_work(&table->stats.fetch_s);
    histogram_of_work(&table->stats.decode_s);
    histogram_of_work(&table->stats.render_s);
    if (id_table_init(&table->index))
        return ERR_MEMORY;
    return uv_timer_init(loop, &table->timer) ? ERR_MEMORY : 0;
}

void source_table_close(struct source_table *table, uv_close_cb closed)
{
    while (source_table_shed(table))
        continue;
    id_table_free(&table->index);
    uv_close((uv_handle_t *)&table->timer, closed);
}
