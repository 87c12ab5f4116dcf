#include "backfill.h"

#include <stdlib.h>
#include <string.h>

#include "backfill_private.h"
#include "container_of.h"

enum { AHEAD_MIN = 200 }; /* keys that wait; with fewer the next page is listed */

/* ---- ends ---- */

static void on_turn(uv_timer_t *turn);

void backfill_schedule_in(struct backfill *b, uint64_t delay_ms)
{
    uv_timer_start(&b->turn, on_turn, delay_ms, 0);
}

void backfill_schedule(struct backfill *b)
{
    backfill_schedule_in(b, 0);
}

void backfill_fail(struct backfill *b, int code, const char *why)
{
    if (!b->error.code)
        error_set(&b->error, code, "%s", why);
    b->stopped = true;
    backfill_schedule(b);
}

static void item_free(struct backfill_item *item)
{
    list_remove(&item->link);
    item->backfill->held--;
    free(item->key);
    free(item->etag);
    free(item->pattern);
    free(item);
}

struct backfill_item *backfill_item_next(const struct backfill *b, const struct backfill_item *item)
{
    struct list *next = item->link.next;
    return next == &b->items ? NULL : container_of(next, struct backfill_item, link);
}

/* ---- the checkpoint ---- */

/* The first object. */
static bool is_settled(const struct backfill *b)
{
    const struct backfill_item *item = container_of(b->items.next, struct backfill_item, link);
    return !list_empty(&b->items) && item->state == ITEM_SETTLED && item != b->next_check &&
           item != b->next_send;
}

static void checkpoint_move(struct backfill *b)
{
    while (is_settled(b)) {
        struct backfill_item *item =
            container_of(list_shift(&b->items), struct backfill_item, link);
        free(b->after);
        b->after = item->key;
        item->key = NULL;
        item_free(item);
    }
}

/* ---- pages ---- */

static struct backfill_item *item_add(struct backfill *b, const struct object_entry *entry)
{
    struct backfill_item *item = calloc(1, sizeof *item + b->options.pipeline_count);
    if (!item)
        return NULL;
    item->backfill = b;
    item->key = strdup(entry->key);
    item->etag = entry->etag ? strdup(entry->etag) : NULL;
    item->size = entry->size;
    item->modified_ms = entry->modified_ms;
    list_push(&b->items, &item->link);
    b->held++;
    if (!item->key || (entry->etag && !item->etag)) {
        item_free(item);
        return NULL;
    }
    if (!b->next_check)
        b->next_check = item;
    if (!b->next_send)
        b->next_send = item;
    return item;
}

static bool any_matches(const struct backfill *b, const char *key)
{
    const struct backfill_options *options = &b->options;
    for (size_t i = 0; i < options->pipeline_count; i++) {
        if (options->pipeline_ops->matches(options->pipelines[i], options->bucket, key))
            return true;
    }
    return false;
}

/* Of the keys that no pipeline wants only the last one of a page is kept, for the checkpoint. */
static int page_add(struct backfill *b, const struct object_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const bool wanted = any_matches(b, entries[i].key);
        if (!wanted && i + 1 < count)
            continue;
        struct backfill_item *item = item_add(b, &entries[i]);
        if (!item)
            return ERR_MEMORY;
        item->state = wanted ? ITEM_LISTED : ITEM_SETTLED;
        b->ahead += wanted;
    }
    b->counts.listed += count;
    return 0;
}

static void on_page(const struct object_entry *entries, size_t count, bool more,
                    const struct error *error, void *user)
{
    struct backfill *b = user;
    b->listing = false;
    if (error->code) {
        backfill_fail(b, error->code, error->text);
        return;
    }
    char *last = count ? strdup(entries[count - 1].key) : NULL;
    b->listed = !more || !count;
    if ((count && !last) || page_add(b, entries, count))
        backfill_fail(b, ERR_MEMORY, "out of memory");
    if (last) {
        free(b->listed_to);
        b->listed_to = last;
    }
    backfill_schedule(b);
}

static void page_begin(struct backfill *b)
{
    struct object_request *request;
    struct object_store *store = b->options.store;
    const char *after = b->listed_to ? b->listed_to : b->options.after;
    if (b->listing || b->listed || b->stopped || b->ahead >= AHEAD_MIN)
        return;
    b->listing = true;
    int code =
        store->ops->list(store, b->options.bucket, b->options.prefix, after, on_page, b, &request);
    if (!code)
        return;
    b->listing = false;
    backfill_fail(
        b, code, code == ERR_INVALID ? "this bucket and prefix cannot be listed" : "out of memory");
}

/* Decides what happens next. */
static void on_turn(uv_timer_t *turn)
{
    struct backfill *b = container_of(turn, struct backfill, turn);
    backfill_checks_begin(b);
    backfill_sends_begin(b);
    checkpoint_move(b);
    page_begin(b);
}

/* ---- interface ---- */

int backfill_start(const struct backfill_options *options, struct backfill **out)
{
    struct backfill *b = calloc(1, sizeof *b);
    *out = b;
    if (!b)
        return ERR_MEMORY;
    b->options = *options;
    b->senders = calloc(options->target_count + 1, sizeof *b->senders);
    if (!b->senders) {
        free(b);
        *out = NULL;
        return ERR_MEMORY;
    }
    list_init(&b->items);
    b->due_us = uv_now(options->loop) * 1000;
    uv_timer_init(options->loop, &b->turn);
    for (size_t i = 0; i < options->target_count; i++)
        message_sender_init(&b->senders[i], options->loop, &options->targets[i],
                            backfill_on_settled, b);
    backfill_schedule(b);
    return 0;
}

void backfill_stop(struct backfill *b)
{
    b->stopped = true;
    backfill_schedule(b);
}

bool backfill_done(const struct backfill *b)
{
    if (b->listing || b->checking || b->messages)
        return false;
    return b->stopped || (b->listed && list_empty(&b->items));
}

const struct backfill_counts *backfill_counts(const struct backfill *b)
{
    return &b->counts;
}

const struct error *backfill_error(const struct backfill *b)
{
    return &b->error;
}

const char *backfill_after(const struct backfill *b)
{
    return b->after;
}

size_t backfill_held(const struct backfill *b)
{
    return b->held;
}

static void handle_closed(struct backfill *b)
{
    if (--b->handles)
        return;
    void (*closed)(void *user) = b->closed;
    void *user = b->closed_user;
    struct list *link;
    while ((link = list_shift(&b->items)))
        item_free(container_of(link, struct backfill_item, link));
    free(b->senders);
    free(b->listed_to);
    free(b->after);
    free(b);
    closed(user);
}

static void on_turn_closed(uv_handle_t *handle)
{
    handle_closed(container_of((uv_timer_t *)handle, struct backfill, turn));
}

static void on_sender_closed(uv_handle_t *handle)
{
    handle_closed(container_of((uv_timer_t *)handle, struct message_sender, timer)->user);
}

void backfill_close(struct backfill *b, void (*closed)(void *user), void *user)
{
    b->closed = closed;
    b->closed_user = user;
    b->handles = 1 + b->options.target_count;
    uv_close((uv_handle_t *)&b->turn, on_turn_closed);
    for (size_t i = 0; i < b->options.target_count; i++)
        message_sender_close(&b->senders[i], on_sender_closed);
}
