/*
 * Which photos are fetched ahead of the workers. The messages in flight may name many times as many
 * photos as there are workers; only a few of them need to be in memory.
 *
 *     ask ──► waits ──► has a place (its GET, then the wait for a worker) ──► leaves
 *
 * A photo leaves its place when a worker takes it, or when nobody needs it any more. The places are
 * divided among the shares by weight, and a share that has none gets one at once: so each pipeline
 * has photos among which the workers choose (worker_queue.h), and none waits for the store of
 * another.
 *
 * There are LEAST_PER_WORKER places for each worker. That is enough while a photo is fetched in less
 * time than it is decoded. If the store is slower, a worker has nothing to do while photos wait for
 * a place: after each STARVED_MS of that there are more places. They are withdrawn one by one while
 * more than ENOUGH_PER_WORKER photos wait for a worker.
 */
#include "source_private.h"

/* Chosen with bench/ahead.py. */
enum { LEAST_PER_WORKER = 2, ENOUGH_PER_WORKER = 4, STARVED_MS = 10 };

struct worker_share *source_neediest(const struct source *source)
{
    struct worker_share *share = NULL;
    for (struct list *l = source->waiting.next; l != &source->waiting; l = l->next) {
        struct source_claim *claim = container_of(l, struct source_claim, link);
        if (!share || claim->share->clock < share->clock)
            share = claim->share;
    }
    return share;
}

static bool has_room(const struct source_table *table)
{
    size_t least = (size_t)table->options.workers->workers * LEAST_PER_WORKER;
    return table->ahead.taken < least + table->ahead.more;
}

/* The share may be NULL: its claim has left. */
static void place_charge(struct source *source, struct worker_share *share)
{
    if (source->charged)
        source->charged->ahead--;
    source->charged = share;
    if (share)
        share->ahead++;
}

static void place_take(struct source *source, struct worker_share *share)
{
    source->is_ahead = true;
    source->table->ahead.taken++;
    place_charge(source, share);
}

static void waiting_count(struct source_table *table, size_t count)
{
    table->ahead.waiting_count = count;
    worker_queue_expect(table->options.workers, count);
}

bool source_ahead_ask(struct source *source, struct worker_share *share,
                      void (*granted)(struct source *source))
{
    struct source_table *table = source->table;
    if (source->is_ahead)
        return true;
    if ((share && share->ahead == 0) || (list_empty(&table->ahead.waiting) && has_room(table))) {
        place_take(source, share);
        return true;
    }
    source->due = granted;
    list_push(&table->ahead.waiting, &source->turn);
    waiting_count(table, table->ahead.waiting_count + 1);
    return false;
}

static void turn_end(struct source *source)
{
    if (list_empty(&source->turn))
        return;
    list_remove(&source->turn);
    waiting_count(source->table, source->table->ahead.waiting_count - 1);
}

void source_ahead_leave(struct source *source)
{
    turn_end(source);
    place_charge(source, NULL);
    source->table->ahead.taken -= source->is_ahead;
    source->is_ahead = false;
}

void source_ahead_forget(struct source *source, const struct worker_share *share)
{
    if (source->charged == share)
        place_charge(source, source_neediest(source));
}

void source_ahead_taken(struct source *source)
{
    struct source_ahead *ahead = &source->table->ahead;
    const struct worker_queue *workers = source->table->options.workers;
    size_t enough = (size_t)workers->workers * ENOUGH_PER_WORKER;
    if (ahead->more > 0 && workers->waiting_count > enough)
        ahead->more--;
    source_ahead_leave(source);
}

/* Its share has the fewest places for its weight; between equals, it came first. NULL: none waits. */
static struct source *next_waiting(const struct source_table *table, struct worker_share **out)
{
    const struct list *head = &table->ahead.waiting;
    struct source *next = NULL;
    double least = 0;
    for (struct list *l = head->next; l != head; l = l->next) {
        struct source *source = container_of(l, struct source, turn);
        struct worker_share *share = source_neediest(source);
        double part = share ? (double)share->ahead / share->weight : 0;
        if (next && part >= least)
            continue;
        next = source;
        least = part;
        *out = share;
    }
    return next;
}

void source_ahead_serve(struct source_table *table)
{
    struct source *source;
    struct worker_share *share = NULL;
    while (has_room(table) && (source = next_waiting(table, &share))) {
        turn_end(source);
        place_take(source, share);
        source->due(source);
    }
}

static bool is_starved(const struct source_table *table)
{
    const struct worker_queue *workers = table->options.workers;
    return !list_empty(&table->ahead.waiting) && !has_room(table) &&
           workers->busy < workers->workers;
}

/* Adds up the time for which a worker could have had a photo. */
static void starvation_count(struct source_table *table, uint64_t now_ms)
{
    struct source_ahead *ahead = &table->ahead;
    if (ahead->starved)
        ahead->starved_ms += now_ms - ahead->looked_ms;
    if (ahead->starved_ms >= STARVED_MS) {
        ahead->more += table->options.workers->workers;
        ahead->starved_ms = 0;
    }
    ahead->starved = is_starved(table);
    ahead->looked_ms = now_ms;
}

uint64_t source_ahead_due_ms(struct source_table *table)
{
    const struct source_ahead *ahead = &table->ahead;
    const uint64_t now_ms = uv_now(table->loop);
    starvation_count(table, now_ms);
    if (!list_empty(&ahead->waiting) && has_room(table))
        return now_ms;
    return ahead->starved ? now_ms + STARVED_MS - ahead->starved_ms : UINT64_MAX;
}
