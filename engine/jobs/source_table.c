#include "source_table.h"

#include <stdlib.h>
#include <string.h>

#include "fnv.h"
#include "output_mark.h"
#include "source_private.h"

enum {
    BUCKETS_FIRST = 64,
    SECOND_LOOK_MS = 2000,
    SIZE_GUESS = 8 * 1024 * 1024, /* of a photo whose event states none */
};

static void on_room(struct memory_ticket *ticket);
static void source_look_again(struct source *source);

/* ---- the memory budget ---- */

static void reserve(struct source *source, uint64_t bytes)
{
    memory_change(source->table->options.memory, MEMORY_PHOTOS, source->reserved, bytes);
    source->reserved = bytes;
}

/* Their sizes stay, for the report. */
static void forget_renditions(struct source_claim *claim)
{
    for (size_t i = 0; i < claim->item.rendition_count; i++) {
        size_t size = claim->item.renditions[i].body.size;
        bytes_free(&claim->item.renditions[i].body);
        claim->item.renditions[i].body.size = size;
    }
    memory_change(claim->source->table->options.memory, MEMORY_WORK, claim->kept, 0);
    claim->kept = 0;
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

static uint64_t record_hash(const struct envelope_record *record)
{
    uint64_t hash = hash_text(FNV_START, record->bucket);
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
    memory_withdraw(source->table->options.memory, &source->ticket);
    list_remove(&source->timed);
    bytes_free(&source->body);
    reserve(source, 0);
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

size_t source_audience(const struct source *source, struct pipeline *out[ROUND_MAX])
{
    const struct source_table_options *options = &source->table->options;
    return options->audience(options->user, source->bucket, source->key, out, ROUND_MAX);
}

static struct source *source_new(struct source_table *table, const struct envelope_record *record,
                                 uint64_t hash)
{
    struct source *source = calloc(1, sizeof *source);
    struct pipeline *listeners[ROUND_MAX];
    if (!source)
        return NULL;
    source->table = table;
    source->hash = hash;
    source->lingers = record->version || record->etag;
    source->looked_twice = record->raw; /* there was time enough while the decoded key was sought */
    source->stated = record->size;
    memory_ticket_init(&source->ticket, on_room);
    list_init(&source->waiting);
    list_init(&source->timed);
    if (dup_into(&source->bucket, record->bucket) || dup_into(&source->key, record->key) ||
        dup_into(&source->version, record->version) || dup_into(&source->etag, record->etag)) {
        source_free(source);
        return NULL;
    }
    source->audience = source_audience(source, listeners);
    table_grow(table);
    source->next = table->buckets[hash % table->bucket_count];
    table->buckets[hash % table->bucket_count] = source;
    table->count++;
    return source;
}

/* ---- lingering and the timer ---- */

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
    struct list *link;
    while (table->lingering_bytes > table->options.cache_bytes &&
           (link = list_shift(&table->lingering)))
        source_drop(container_of(link, struct source, timed));
}

bool source_table_shed(struct source_table *table)
{
    if (list_empty(&table->lingering))
        return false;
    source_drop(container_of(table->lingering.next, struct source, timed));
    return true;
}

void source_unused(struct source *source)
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

/* Takes the first source out of the list if it is due. */
static struct source *due_shift(struct list *list, uint64_t now_ms)
{
    if (list_empty(list) || container_of(list->next, struct source, timed)->due_ms > now_ms)
        return NULL;
    return container_of(list_shift(list), struct source, timed);
}

static void on_timer(uv_timer_t *timer)
{
    struct source_table *table = container_of(timer, struct source_table, timer);
    uint64_t now_ms = uv_now(table->loop);
    struct source *s;
    while ((s = due_shift(&table->gathering, now_ms))) {
        s->gathered = true;
        source_pump(s);
    }
    while ((s = due_shift(&table->missing, now_ms)))
        source_look_again(s);
    while ((s = due_shift(&table->lingering, now_ms)))
        source_drop(s);
    source_table_arm(table);
}

/* Each list is in order of their due times, since its delay is constant. */
void source_table_arm(struct source_table *table)
{
    uint64_t due = UINT64_MAX;
    const struct list *lists[] = {&table->gathering, &table->missing, &table->lingering};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
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

/* ---- fetching ---- */

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
    source_pump(source);
    if (--source->claims == 0)
        source_unused(source);
}

/* Stores that are not strongly consistent may announce an object before every reader sees it. */
static void look_later(struct source *source)
{
    struct source_table *table = source->table;
    source->looked_twice = true;
    reserve(source, 0);
    source->due_ms = uv_now(table->loop) + SECOND_LOOK_MS;
    list_push(&table->missing, &source->timed);
    source_table_arm(table);
}

/* error may be the source's own; the source may be gone when this returns. */
void source_fetch_failed(struct source *source, const struct error *error)
{
    struct source_table *table = source->table;
    if (error->code == ERR_NOT_FOUND && !source->looked_twice) {
        look_later(source);
        return;
    }
    reserve(source, 0);
    source->error = *error;
    source->state = SOURCE_FAILED;
    wake_all(source);
    source_table_arm(table);
}

static bool grew(struct source *source, const struct error *error)
{
    uint64_t most = source->table->options.limits.max_bytes;
    if (error->code != ERR_LIMIT || source->reserved >= most)
        return false;
    source->stated = most; /* larger than it was thought to be */
    reserve(source, 0);
    source_look_again(source);
    return true;
}

static void on_got(struct bytes *body, const struct object_facts *facts, const struct error *error,
                   void *user)
{
    struct source *source = user;
    struct source_table *table = source->table;
    source->get = NULL;
    if (error->code && (grew(source, error) || source_denied_ask(source, error)))
        return;
    if (error->code) {
        source_fetch_failed(source, error);
        return;
    }
    reserve(source, body->size);
    source->error = (struct error){0};
    source->state = SOURCE_READY;
    source->body = bytes_take(body);
    source->is_output = output_mark_present(facts);
    dup_into(&source->body_etag, facts->etag); /* for the outputs' metadata; may stay unknown */
    wake_all(source);
    source_table_arm(table);
}

static int get_start(struct source *source)
{
    struct source_table *table = source->table;
    struct object_name name = {source->bucket, source->key, source->version};
    table->stats.fetched++;
    return table->options.store->ops->get(table->options.store, &name, (size_t)source->reserved,
                                          on_got, source, &source->get);
}

/* Starts the GET, now or when there is room for its bytes. */
static int source_fetch(struct source *source)
{
    struct source_table *table = source->table;
    uint64_t most = table->options.limits.max_bytes;
    uint64_t bytes = source->stated ? source->stated : SIZE_GUESS;
    if (bytes > most)
        bytes = most;
    if (!memory_ask(table->options.memory, &source->ticket, bytes))
        return 0;
    source->reserved = bytes;
    return get_start(source);
}

static void fetch_not_started(struct source *source, int code)
{
    reserve(source, 0);
    source->state = SOURCE_FAILED;
    error_set(&source->error, code, "the fetch of s3://%s/%s could not be started (%s)",
              source->bucket, source->key, error_name(code));
    wake_all(source);
}

static void on_room(struct memory_ticket *ticket)
{
    struct source *source = container_of(ticket, struct source, ticket);
    source->reserved = ticket->bytes;
    int code = get_start(source);
    if (code)
        fetch_not_started(source, code);
}

static void source_look_again(struct source *source)
{
    int code = source_fetch(source);
    if (code)
        fetch_not_started(source, code);
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
        source_claim_wait(claim);
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

void source_leave(struct source_claim *claim)
{
    struct source *source = claim->source;
    if (!source)
        return;
    struct source_table *table = source->table;
    forget_renditions(claim);
    claim->source = NULL;
    if (claim->waiting)
        source_claim_unwait(claim);
    source_round_forget(source, claim->share);
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

int source_table_init(struct source_table *table, uv_loop_t *loop,
                      const struct source_table_options *options)
{
    *table =
        (struct source_table){.loop = loop, .options = *options, .bucket_count = BUCKETS_FIRST};
    list_init(&table->gathering);
    list_init(&table->missing);
    list_init(&table->lingering);
    table->buckets = calloc(table->bucket_count, sizeof *table->buckets);
    if (!table->buckets)
        return ERR_MEMORY;
    return uv_timer_init(loop, &table->timer) ? ERR_MEMORY : 0;
}

void source_table_close(struct source_table *table, uv_close_cb closed)
{
    struct list *link;
    while ((link = list_shift(&table->lingering)))
        source_drop(container_of(link, struct source, timed));
    free(table->buckets);
    table->buckets = NULL;
    uv_close((uv_handle_t *)&table->timer, closed);
}
