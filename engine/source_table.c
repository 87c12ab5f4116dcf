#include "source_table.h"

#include <stdlib.h>
#include <string.h>

#include "output_mark.h"

enum { BUCKETS_FIRST = 64, GATHER_MS = 25, ROUND_MAX = 32 };

struct round { /* one decode for several claims; a source has one at a time */
    struct worker_task task;
    struct render_source from;
    struct source_claim *claims[ROUND_MAX];
    size_t count;
    struct render_item *items; /* the claims' items while the worker has them; NULL: no memory */
    bool active;               /* queued or under way */
};

struct source {
    struct source_table *table;
    struct source *next; /* in its hash bucket */
    uint64_t hash;
    char *bucket, *key, *version, *etag; /* version and etag may be NULL */
    enum source_state state;
    struct error error;
    struct bytes body;
    char *body_etag; /* as the store answered; may be NULL */
    bool is_output;
    bool lingers;   /* its version is known */
    bool lingering; /* in table->lingering */
    bool gathered;
    bool waking;       /* inside wake_all: rounds wait until everybody has spoken */
    unsigned audience; /* pipelines that want it */
    unsigned joined;   /* claims that ever came */
    unsigned claims;   /* now */
    struct object_request *get;
    struct list waiting; /* claims: for the fetch, then for the next round */
    struct round round;
    uint64_t due_ms;   /* end of the gathering or of the linger */
    struct list timed; /* in table->gathering or table->lingering */
};

static void pump(struct source *source);
static void arm(struct source_table *table);

/* ---- the table
 * -------------------------------------------------------------------------------------------------
 */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (const char *p = text ? text : ""; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3u; /* FNV-1a */
    return (hash ^ 0xff) * 0x100000001b3u;
}

static bool same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static uint64_t record_hash(const struct envelope_record *record)
{
    uint64_t hash = hash_text(0xcbf29ce484222325u, record->bucket);
    hash = hash_text(hash, record->key);
    return hash_text(hash, record->version ? record->version : record->etag);
}

static struct source *table_find(const struct source_table *table,
                                 const struct envelope_record *record, uint64_t hash)
{
    for (struct source *s = table->buckets[hash % table->bucket_count]; s; s = s->next) {
        if (s->hash == hash && s->state != SOURCE_FAILED && same(s->bucket, record->bucket) &&
            same(s->key, record->key) && same(s->version, record->version) &&
            (s->version || same(s->etag, record->etag)))
            return s;
    }
    return NULL;
}

/* Growing is an optimisation: without memory for it the chains get longer. */
static void table_grow(struct source_table *table)
{
    if (table->count < table->bucket_count)
        return;
    size_t count = table->bucket_count * 2;
    struct source **buckets = calloc(count, sizeof *buckets);
    if (!buckets)
        return;
    for (size_t i = 0; i < table->bucket_count; i++) {
        struct source *next;
        for (struct source *s = table->buckets[i]; s; s = next) {
            next = s->next;
            s->next = buckets[s->hash % count];
            buckets[s->hash % count] = s;
        }
    }
    free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
}

static void table_unlink(struct source *source)
{
    struct source_table *table = source->table;
    struct source **at = &table->buckets[source->hash % table->bucket_count];
    while (*at != source)
        at = &(*at)->next;
    *at = source->next;
    table->count--;
}

static void source_free(struct source *source)
{
    if (source->get)
        source->table->options.store->ops->cancel(source->get);
    list_remove(&source->timed);
    bytes_free(&source->body);
    free(source->bucket);
    free(source->key);
    free(source->version);
    free(source->etag);
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

static struct source *source_new(struct source_table *table, const struct envelope_record *record,
                                 uint64_t hash)
{
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    source->table = table;
    source->hash = hash;
    source->lingers = record->version || record->etag;
    list_init(&source->waiting);
    list_init(&source->timed);
    if (dup_into(&source->bucket, record->bucket) || dup_into(&source->key, record->key) ||
        dup_into(&source->version, record->version) || dup_into(&source->etag, record->etag)) {
        source_free(source);
        return NULL;
    }
    source->audience = table->options.audience(table->options.user, source->bucket, source->key);
    table_grow(table);
    source->next = table->buckets[hash % table->bucket_count];
    table->buckets[hash % table->bucket_count] = source;
    table->count++;
    return source;
}

/* ---- lingering and the timer
 * -------------------------------------------------------------------------------------- */

static void linger_end(struct source *source)
{
    struct source_table *table = source->table;
    if (!source->lingering)
        return;
    source->lingering = false;
    list_remove(&source->timed);
    table->lingering_bytes -= source->body.size;
}

static void source_drop(struct source *source)
{
    linger_end(source);
    table_unlink(source);
    source_free(source);
}

static void cache_trim(struct source_table *table)
{
    while (table->lingering_bytes > table->options.cache_bytes)
        source_drop(container_of(table->lingering.next, struct source, timed));
}

static void source_unused(struct source *source)
{
    struct source_table *table = source->table;
    list_remove(&source->timed); /* it may have been gathering */
    if (source->state != SOURCE_READY || !source->lingers || table->options.linger_ms == 0) {
        table_unlink(source);
        source_free(source);
        return;
    }
    source->due_ms = uv_now(table->loop) + table->options.linger_ms;
    list_push(&table->lingering, &source->timed);
    source->lingering = true;
    table->lingering_bytes += source->body.size;
    cache_trim(table);
}

static void on_timer(uv_timer_t *timer)
{
    struct source_table *table = container_of(timer, struct source_table, timer);
    uint64_t now_ms = uv_now(table->loop);
    while (!list_empty(&table->gathering)) {
        struct source *s = container_of(table->gathering.next, struct source, timed);
        if (s->due_ms > now_ms)
            break;
        list_remove(&s->timed);
        s->gathered = true;
        pump(s);
    }
    while (!list_empty(&table->lingering)) {
        struct source *s = container_of(table->lingering.next, struct source, timed);
        if (s->due_ms > now_ms)
            break;
        source_drop(s);
    }
    arm(table);
}

/* Both lists are in order of their due times, since each has one constant delay. */
static void arm(struct source_table *table)
{
    uint64_t due = UINT64_MAX;
    const struct list *lists[] = {&table->gathering, &table->lingering};
    for (int i = 0; i < 2; i++) {
        if (list_empty(lists[i]))
            continue;
        struct source *s = container_of(lists[i]->next, struct source, timed);
        if (s->due_ms < due)
            due = s->due_ms;
    }
    uint64_t now_ms = uv_now(table->loop);
    if (due == UINT64_MAX)
        uv_timer_stop(&table->timer);
    else
        uv_timer_start(&table->timer, on_timer, due > now_ms ? due - now_ms : 0, 0);
}

/* ---- fetching
 * -----------------------------------------------------------------------------------------------------------
 */

static void claim_wait(struct source_claim *claim)
{
    list_push(&claim->source->waiting, &claim->link);
    claim->waiting = true;
}

static void claim_unwait(struct source_claim *claim)
{
    list_remove(&claim->link);
    claim->waiting = false;
}

/* Wakes those that wait for the fetch. A woken claim may release itself, or wait again for its
 * render. */
static void wake_all(struct source *source)
{
    struct list woken;
    list_init(&woken);
    list_move_all(&woken, &source->waiting);
    source->claims++; /* held, so that the last release does not free it under us */
    source->waking = true;
    struct list *l;
    while ((l = list_shift(&woken))) {
        struct source_claim *claim = container_of(l, struct source_claim, link);
        claim->waiting = false;
        claim->wake(claim);
    }
    source->waking = false;
    pump(source);
    if (--source->claims == 0)
        source_unused(source);
}

static void on_got(struct bytes *body, const struct object_facts *facts, const struct error *error,
                   void *user)
{
    struct source *source = user;
    struct source_table *table = source->table;
    source->get = NULL;
    source->error = *error;
    source->state = error->code ? SOURCE_FAILED : SOURCE_READY;
    if (source->state == SOURCE_READY) {
        source->body = bytes_take(body);
        source->is_output = output_mark_present(facts);
        dup_into(&source->body_etag, facts->etag); /* for the outputs' metadata; may stay unknown */
    }
    wake_all(source);
    arm(table);
}

static int source_fetch(struct source *source)
{
    struct source_table *table = source->table;
    struct object_name name = {source->bucket, source->key, source->version};
    table->stats.fetched++;
    return table->options.store->ops->get(
        table->options.store, &name, table->options.limits.max_bytes, on_got, source, &source->get);
}

static enum source_state claim_attach(struct source *source, struct source_claim *claim)
{
    linger_end(source);
    claim->source = source;
    source->claims++;
    source->joined++;
    list_init(&claim->link);
    atomic_init(&claim->cancelled, false);
    if (source->state == SOURCE_FETCHING)
        claim_wait(claim);
    return source->state;
}

enum source_state source_join(struct source_table *table, const struct envelope_record *record,
                              struct source_claim *claim, struct error *error)
{
    uint64_t hash = record_hash(record);
    struct source *source = table_find(table, record, hash);
    if (source) {
        table->stats.shared++;
        return claim_attach(source, claim);
    }
    source = source_new(table, record, hash);
    if (!source) {
        error_set(error, ERR_MEMORY, "out of memory");
        return SOURCE_FAILED;
    }
    int code = source_fetch(source);
    if (code) {
        table_unlink(source);
        source_free(source);
        error_set(error, code, "the fetch of s3://%s/%s could not be started (%s)", record->bucket,
                  record->key, error_name(code));
        return SOURCE_FAILED;
    }
    return claim_attach(source, claim);
}

enum source_state source_result(const struct source_claim *claim, struct error *error)
{
    *error = claim->source->error;
    return claim->source->state;
}

bool source_is_output(const struct source_claim *claim)
{
    return claim->source->is_output;
}

const char *source_etag(const struct source_claim *claim)
{
    return claim->source->body_etag;
}

struct slice source_image(const struct source_claim *claim)
{
    return (struct slice){claim->source->body.data, claim->source->body.size};
}

/* ---- rendering
 * ------------------------------------------------------------------------------------------------------------
 */

static struct source *source_of(struct worker_task *task)
{
    struct round *round = container_of(task, struct round, task);
    return container_of(round, struct source, round);
}

/* Loop thread, just before the round leaves for its worker: everybody who waits by now gets a seat.
 */
static void round_prepare(struct worker_task *task)
{
    struct source *source = source_of(task);
    struct round *round = &source->round;
    round->from = (struct render_source){
        .bucket = source->bucket,
        .key = source->key,
        .etag = source->body_etag,
        .image = {source->body.data, source->body.size},
    };
    while (round->count < ROUND_MAX && !list_empty(&source->waiting)) {
        struct source_claim *claim = container_of(source->waiting.next, struct source_claim, link);
        claim_unwait(claim);
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
        return; /* no memory, or all were released while they waited */
    options->pipeline_ops->render(&source->round.from, &options->limits, source->round.items,
                                  source->round.count);
    options->pipeline_ops->thread_end();
}

static void round_give_back(struct source_claim *claim, struct render_item *item)
{
    claim->rendering = false;
    if (claim->abandoned) {
        if (item)
            render_item_clear(item);
        claim->freed(claim);
        return;
    }
    if (item)
        claim->item = *item;
    else
        error_set(&claim->item.error, ERR_MEMORY, "out of memory");
    claim->wake(claim);
}

static void round_done(struct worker_task *task)
{
    struct source *source = source_of(task);
    struct source_table *table = source->table;
    struct render_item *items = source->round.items;
    size_t count = source->round.count;
    source->claims++; /* held, as in wake_all */
    for (size_t i = 0; i < count; i++)
        round_give_back(source->round.claims[i], items ? &items[i] : NULL);
    free(items);
    source->round = (struct round){0};
    pump(source);
    if (--source->claims == 0)
        source_unused(source);
    arm(table);
    table->options.returned(table->options.user);
}

static void round_queue(struct source *source)
{
    source->round = (struct round){
        .task = {.prepare = round_prepare, .run = round_run, .done = round_done},
        .active = true,
    };
    worker_queue_push(source->table->options.workers, &source->round.task);
}

/* Decides whether those who wait for a render get a round now. */
static void pump(struct source *source)
{
    struct source_table *table = source->table;
    if (source->state != SOURCE_READY || source->round.active || source->waking ||
        list_empty(&source->waiting))
        return;
    if (!source->gathered && source->joined < source->audience) {
        if (list_empty(&source->timed)) {
            source->due_ms = uv_now(table->loop) + GATHER_MS;
            list_push(&table->gathering, &source->timed);
        }
        return;
    }
    if (!source->gathered) {
        list_remove(&source->timed);
        source->gathered = true;
    }
    round_queue(source);
}

void source_render(struct source_claim *claim)
{
    struct source *source = claim->source;
    claim_wait(claim);
    pump(source);
    arm(source->table);
}

void source_release(struct source_claim *claim, void (*freed)(struct source_claim *claim))
{
    struct source *source = claim->source;
    claim->freed = freed;
    claim->source = NULL;
    if (claim->waiting)
        claim_unwait(claim);
    if (claim->rendering) {
        claim->abandoned = true;
        atomic_store(&claim->cancelled, true);
    }
    struct source_table *table = source ? source->table : NULL;
    if (source && --source->claims == 0 && !source->round.active)
        source_unused(source);
    if (!claim->rendering)
        freed(claim);
    if (table)
        arm(table);
}

int source_table_init(struct source_table *table, uv_loop_t *loop,
                      const struct source_table_options *options)
{
    *table =
        (struct source_table){.loop = loop, .options = *options, .bucket_count = BUCKETS_FIRST};
    list_init(&table->gathering);
    list_init(&table->lingering);
    table->buckets = calloc(table->bucket_count, sizeof *table->buckets);
    if (!table->buckets)
        return ERR_MEMORY;
    return uv_timer_init(loop, &table->timer) ? ERR_MEMORY : 0;
}

void source_table_close(struct source_table *table, uv_close_cb closed)
{
    while (!list_empty(&table->lingering))
        source_drop(container_of(table->lingering.next, struct source, timed));
    free(table->buckets);
    table->buckets = NULL;
    uv_close((uv_handle_t *)&table->timer, closed);
}
