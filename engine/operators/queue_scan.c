#include "queue_scan.h"

#include <stdlib.h>
#include <string.h>

#include "queue_scan_private.h"

enum {
    RETRY_MS = 500,
    VISIBILITY_LEAST_S = 30,
    MESSAGES_PER_SECOND = 200, /* that a scan looks at, at least */
    VISIBILITY_MOST_S = 900,
};

unsigned queue_scan_visibility(uint64_t messages)
{
    const uint64_t seconds = VISIBILITY_LEAST_S + messages / MESSAGES_PER_SECOND;
    return seconds < VISIBILITY_MOST_S ? (unsigned)seconds : VISIBILITY_MOST_S;
}

static struct list *list_of(struct queue_scan *scan, enum scan_item_state state)
{
    return state == ITEM_HELD        ? &scan->held
           : state == ITEM_BUSY      ? &scan->busy
           : state == ITEM_DELETABLE ? &scan->deletable
                                     : &scan->settled;
}

static void update_soon(struct queue_scan *scan);

void scan_item_set(struct scan_item *item, enum scan_item_state state)
{
    struct queue_scan *scan = item->scan;
    const enum scan_item_state old = item->state;
    scan->busy_count += (size_t)(state == ITEM_BUSY) - (old == ITEM_BUSY);
    scan->deletable_count += (size_t)(state == ITEM_DELETABLE) - (old == ITEM_DELETABLE);
    scan->deleting += (size_t)(state == ITEM_DELETING) - (old == ITEM_DELETING);
    scan->facts.deleted += (size_t)(state == ITEM_DELETED) - (old == ITEM_DELETED);
    scan->facts.undeleted += (size_t)(state == ITEM_UNDELETED) - (old == ITEM_UNDELETED);
    item->state = state;
    list_remove(&item->link);
    list_push(list_of(scan, state), &item->link);
}

/* ---- items ---- */

struct scan_item *scan_item_find(const struct queue_scan *scan, const char *id)
{
    struct id_entry *entry = id_table_find(&scan->table, id_of_text(id_seed(), id));
    for (; entry; entry = id_table_next(entry)) {
        struct scan_item *item = container_of(entry, struct scan_item, entry);
        if (strcmp(item->id, id) == 0)
            return item;
    }
    return NULL;
}

struct scan_item *scan_item_add(struct queue_scan *scan, const struct queue_message *message)
{
    const size_t size = strlen(message->id) + 1;
    struct scan_item *item = calloc(1, sizeof *item + size);
    if (!item || !(item->receipt = strdup(message->receipt))) {
        free(item);
        return NULL;
    }
    memcpy(item->id, message->id, size);
    item->scan = scan;
    item->entry.id = id_of_text(id_seed(), message->id);
    item->received_ms = uv_now(scan->options.loop);
    list_init(&item->link);
    list_push(&scan->held, &item->link);
    id_table_add(&scan->table, &item->entry);
    scan->facts.seen++;
    return item;
}

static void items_free(struct list *list)
{
    struct list *link;
    while ((link = list_shift(list))) {
        struct scan_item *item = container_of(link, struct scan_item, link);
        free(item->receipt);
        free(item);
    }
}

void queue_scan_delete(struct scan_item *item)
{
    scan_item_set(item, ITEM_DELETABLE);
    update_soon(item->scan);
}

void queue_scan_release(struct scan_item *item)
{
    scan_item_set(item, ITEM_HELD);
    update_soon(item->scan);
}

void queue_scan_fail(struct queue_scan *scan, int code, const char *what)
{
    scan->ended = true;
    if (!scan->facts.error.code)
        error_set(&scan->facts.error, code, "%s (%s)", what, error_name(code));
}

/* ---- the scan ---- */

static void on_timer(uv_timer_t *timer)
{
    struct queue_scan *scan = container_of(timer, struct queue_scan, timer);
    scan->waiting = false;
    queue_scan_update(scan);
}

static void on_done(uv_timer_t *timer)
{
    const struct queue_scan *scan = container_of(timer, struct queue_scan, timer);
    scan->options.done(scan->options.user);
}

static void conclude(struct queue_scan *scan)
{
    uv_timer_stop(&scan->timer);
    scan->done = true;
    if (scan->options.done)
        uv_timer_start(&scan->timer, on_done, 0, 0);
}

static void update_soon(struct queue_scan *scan)
{
    if (!scan->waiting && !scan->done)
        uv_timer_start(&scan->timer, on_timer, 0, 0);
}

void queue_scan_update(struct queue_scan *scan)
{
    if (scan->done)
        return;
    if (scan->waiting && !uv_is_active((uv_handle_t *)&scan->timer))
        uv_timer_start(&scan->timer, on_timer, (uint64_t)RETRY_MS * scan->failures, 0);
    queue_scan_delete_some(scan);
    queue_scan_receive_some(scan);
    if (!scan->ended || scan->receiving || scan->busy_count || scan->deletable_count ||
        scan->deleting)
        return;
    queue_scan_return_some(scan);
    if (scan->returning || !list_empty(&scan->held))
        return;
    conclude(scan);
}

int queue_scan_start(const struct queue_scan_options *options, struct queue_scan **out)
{
    struct queue_scan *scan = calloc(1, sizeof *scan);
    *out = NULL;
    if (!scan || id_table_init(&scan->table)) {
        free(scan);
        return ERR_MEMORY;
    }
    scan->options = *options;
    list_init(&scan->held);
    list_init(&scan->busy);
    list_init(&scan->deletable);
    list_init(&scan->settled);
    uv_timer_init(options->loop, &scan->timer);
    update_soon(scan);
    *out = scan;
    return 0;
}

void queue_scan_stop(struct queue_scan *scan)
{
    scan->ended = true;
    scan->waiting = false;
    update_soon(scan);
}

bool queue_scan_is_done(void *scan)
{
    return ((struct queue_scan *)scan)->done;
}

const struct queue_scan_facts *queue_scan_facts(const struct queue_scan *scan)
{
    return &scan->facts;
}

static void on_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct queue_scan, timer));
}

void queue_scan_free(struct queue_scan *scan)
{
    if (!scan)
        return;
    items_free(&scan->held);
    items_free(&scan->busy);
    items_free(&scan->deletable);
    items_free(&scan->settled);
    id_table_free(&scan->table);
    uv_close((uv_handle_t *)&scan->timer, on_closed);
}
