#include "queue_dedup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue_rows.h"

/* Expired rows and entries are removed together, a minute's worth at a time. */
enum { SWEEP_MS = 60 * 1000 };

int dedup_open(struct dedup_history *history)
{
    list_init(&history->in_time);
    return id_table_init(&history->entries);
}

void dedup_retain(struct dedup *d)
{
    d->refs++;
}

void dedup_release(struct dedup *d)
{
    if (--d->refs == 0)
        free(d);
}

static void dedup_forget(struct queues *queues, struct dedup *d)
{
    if (!d->kept)
        return;
    d->kept = false;
    id_table_remove(&queues->history.entries, &d->entry);
    list_remove(&d->link);
    dedup_release(d);
}

void dedup_close(struct queues *queues)
{
    struct list *link;
    while (queues->history.in_time.next && (link = list_shift(&queues->history.in_time)))
        dedup_forget(queues, container_of(link, struct dedup, link));
    id_table_free(&queues->history.entries);
}

/* Ids contain no spaces. */
void dedup_key(const struct local_queue *queue, const char *group, const char *id,
               char out[DEDUP_KEY_SIZE])
{
    bool grouped = queue->attributes.dedup_in_group;
    snprintf(out, DEDUP_KEY_SIZE, "%s%s%s", grouped ? group : "", grouped ? " " : "", id);
}

struct dedup *dedup_find(const struct local_queue *queue, const char *key)
{
    struct queues *queues = queue->queues;
    int64_t since = deadlines_now(queues->deadlines) - DEDUP_MS;
    struct id_entry *entry =
        id_table_find(&queues->history.entries, id_of_text(queues->seed ^ queue->id, key));
    for (; entry; entry = id_table_next(entry)) {
        struct dedup *d = container_of(entry, struct dedup, entry);
        if (d->queue == queue->id && d->sent_ms > since && d->message >= queue->purged_below &&
            strcmp(d->key, key) == 0)
            return d;
    }
    return NULL;
}

static void history_sweep(struct deadline *deadline)
{
    struct dedup_history *history = container_of(deadline, struct dedup_history, sweep);
    struct queues *queues = container_of(history, struct queues, history);
    int64_t since = deadlines_now(queues->deadlines) - DEDUP_MS;
    uint64_t last = 0;
    while (!list_empty(&history->in_time)) {
        struct dedup *d = container_of(history->in_time.next, struct dedup, link);
        if (d->sent_ms > since) {
            deadline_set(queues->deadlines, &history->sweep, d->sent_ms + DEDUP_MS + SWEEP_MS);
            break;
        }
        last = d->message;
        dedup_forget(queues, d);
    }
    if (last)
        dedup_rows_forget(queues, last);
}

struct dedup *dedup_add(struct queues *queues, uint64_t queue, const char *key, int64_t sent_ms,
                        uint64_t message, const uint8_t uuid[UUID_SIZE])
{
    struct dedup_history *history = &queues->history;
    size_t size = strlen(key) + 1;
    struct dedup *d = calloc(1, sizeof *d + size);
    if (!d)
        return NULL;
    memcpy(d->key, key, size);
    memcpy(d->uuid, uuid, UUID_SIZE);
    d->entry.id = id_of_text(queues->seed ^ queue, key);
    d->queue = queue;
    d->message = message;
    d->sent_ms = sent_ms;
    d->refs = 2;
    d->kept = true;
    id_table_add(&history->entries, &d->entry);
    list_push(&history->in_time, &d->link);
    history->sweep.expired = history_sweep;
    if (!deadline_is_set(&history->sweep))
        deadline_set(queues->deadlines, &history->sweep, sent_ms + DEDUP_MS + SWEEP_MS);
    return d;
}

void dedup_settle(struct queues *queues, struct dedup *d, bool stored)
{
    d->stored = stored;
    d->failed = !stored;
    if (!stored)
        dedup_forget(queues, d);
}
