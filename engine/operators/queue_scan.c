/*
 * One function, update, decides what happens next from what the callbacks have recorded. Each item
 * is in the list of its state.
 */
#include "queue_scan.h"

#include <stdlib.h>
#include <string.h>

#include "id_table.h"
#include "list.h"

enum {
    WAIT_S = 1, /* a long poll asks all servers, however short it is */
    RECEIVES_AT_ONCE = 4,
    RETURNS_AT_ONCE = 8,
    STALE_MAX = 3, /* receives that bring nothing new */
    RETRIES_MAX = 5,
    RETRY_MS = 500,
    VISIBILITY_LEAST_S = 30,
    MESSAGES_PER_SECOND = 200, /* that a scan looks at, at least */
    VISIBILITY_MOST_S = 900,
};

enum item_state {
    ITEM_HELD,      /* to be put back */
    ITEM_BUSY,      /* its owner works on it */
    ITEM_DELETABLE, /* in the next batch */
    ITEM_DELETING,
    ITEM_DELETED,   /* confirmed */
    ITEM_UNDELETED, /* the deletion failed */
    ITEM_RETURNED,
};

struct scan_item {
    struct id_entry entry; /* in scan->table */
    struct list link;      /* in the list of its state */
    struct queue_scan *scan;
    enum item_state state;
    bool renewed; /* it came again while it was being deleted */
    uint64_t received_ms;
    char *receipt;
    char id[];
};

struct queue_scan {
    struct queue_scan_options options;
    struct queue_scan_facts facts;
    uv_timer_t timer; /* a retry, or an update from a fresh callback */
    struct id_table table;
    struct list held, busy, deletable;
    struct list settled; /* all other states */
    size_t busy_count, deletable_count, deleting, receiving, returning;
    unsigned full, stale, failures;
    bool ended;   /* no further receives */
    bool waiting; /* for the next attempt to receive */
    bool done;
};

struct scan_deletion { /* a batch that is being deleted */
    struct queue_scan *scan;
    struct scan_item *items[QUEUE_BATCH_MAX];
};

static void update(struct queue_scan *scan);

unsigned queue_scan_visibility(uint64_t messages)
{
    const uint64_t seconds = VISIBILITY_LEAST_S + messages / MESSAGES_PER_SECOND;
    return seconds < VISIBILITY_MOST_S ? (unsigned)seconds : VISIBILITY_MOST_S;
}

static bool is_serial(const struct queue_scan *scan)
{
    return queue_is_fifo(scan->options.ops->facts(scan->options.queue));
}

static struct list *list_of(struct queue_scan *scan, enum item_state state)
{
    return state == ITEM_HELD        ? &scan->held
           : state == ITEM_BUSY      ? &scan->busy
           : state == ITEM_DELETABLE ? &scan->deletable
                                     : &scan->settled;
}

static void update_soon(struct queue_scan *scan);

/* The one place that changes the state of an item; the counts follow from it. */
static void item_set(struct scan_item *item, enum item_state state)
{
    struct queue_scan *scan = item->scan;
    const enum item_state old = item->state;
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

static struct scan_item *item_find(const struct queue_scan *scan, const char *id)
{
    struct id_entry *entry = id_table_find(&scan->table, id_of_text(id_seed(), id));
    for (; entry; entry = id_table_next(entry)) {
        struct scan_item *item = container_of(entry, struct scan_item, entry);
        if (strcmp(item->id, id) == 0)
            return item;
    }
    return NULL;
}

static struct scan_item *item_add(struct queue_scan *scan, const struct queue_message *message)
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
    item_set(item, ITEM_DELETABLE);
    update_soon(item->scan);
}

void queue_scan_release(struct scan_item *item)
{
    item_set(item, ITEM_HELD);
    update_soon(item->scan);
}

/* The scan ends early. */
static void fail(struct queue_scan *scan, int code, const char *what)
{
    scan->ended = true;
    if (!scan->facts.error.code)
        error_set(&scan->facts.error, code, "%s (%s)", what, error_name(code));
}

/* ---- deleting ---- */

/* A receipt handle that is no longer valid has been replaced if the message came again. */
static void deletion_end(struct scan_item *item, int code)
{
    if (code == 0)
        item_set(item, ITEM_DELETED);
    else
        item_set(item, item->renewed ? ITEM_DELETABLE : ITEM_UNDELETED);
}

static void on_deleted(const int *codes, size_t count, const struct error *error, void *user)
{
    struct scan_deletion *deletion = user;
    struct queue_scan *scan = deletion->scan;
    for (size_t i = 0; i < count; i++)
        deletion_end(deletion->items[i], codes[i]);
    if (error->code && !scan->facts.error.code) {
        scan->facts.error = *error;
        scan->ended = true;
    }
    free(deletion);
    update(scan);
}

static size_t deletion_fill(struct queue_scan *scan, struct scan_deletion *deletion,
                            struct queue_entry entries[QUEUE_BATCH_MAX])
{
    size_t count = 0;
    while (count < QUEUE_BATCH_MAX && !list_empty(&scan->deletable)) {
        struct scan_item *item = container_of(scan->deletable.next, struct scan_item, link);
        item_set(item, ITEM_DELETING);
        item->renewed = false;
        deletion->items[count] = item;
        entries[count++] = (struct queue_entry){.receipt = item->receipt};
    }
    return count;
}

static void delete_batch(struct queue_scan *scan, struct scan_deletion *deletion)
{
    struct queue_entry entries[QUEUE_BATCH_MAX];
    const size_t count = deletion_fill(scan, deletion, entries);
    deletion->scan = scan;
    int code =
        scan->options.ops->delete_batch(scan->options.queue, entries, count, on_deleted, deletion);
    if (!code)
        return;
    for (size_t i = 0; i < count; i++)
        item_set(deletion->items[i], ITEM_UNDELETED);
    free(deletion);
    fail(scan, code, "messages could not be deleted");
}

/* Full batches at once, and the rest when nothing more is about to come. */
static void delete_some(struct queue_scan *scan)
{
    while (scan->deletable_count >= QUEUE_BATCH_MAX ||
           (scan->deletable_count && scan->busy_count == 0)) {
        struct scan_deletion *deletion = calloc(1, sizeof *deletion);
        if (deletion) {
            delete_batch(scan, deletion);
            continue;
        }
        while (!list_empty(&scan->deletable))
            item_set(container_of(scan->deletable.next, struct scan_item, link), ITEM_UNDELETED);
        fail(scan, ERR_MEMORY, "messages could not be deleted");
    }
}

/* ---- receiving ---- */

/* It stays what it is, with a new receipt handle. A message that was deleted must be deleted again:
 * its owner has dealt with it. */
static void see_again(struct scan_item *item, const struct queue_message *message)
{
    char *receipt = strdup(message->receipt);
    if (!receipt)
        return; /* it becomes visible again when its timeout ends */
    free(item->receipt);
    item->receipt = receipt;
    item->received_ms = uv_now(item->scan->options.loop);
    item->renewed = true;
    if (item->state == ITEM_DELETED || item->state == ITEM_UNDELETED)
        item_set(item, ITEM_DELETABLE);
}

static void see(struct queue_scan *scan, struct queue_message *message)
{
    struct scan_item *item = item_add(scan, message);
    if (!item)
        fail(scan, ERR_MEMORY, "a message could not be looked at");
    if (scan->ended) /* a response to a receive that was pending */
        return;
    item_set(item, ITEM_BUSY);
    switch (scan->options.look(message, item, scan->options.user)) {
    case SCAN_TAKE:
        break;
    case SCAN_DELETE:
        item_set(item, ITEM_DELETABLE);
        break;
    case SCAN_HOLD:
        item_set(item, ITEM_HELD);
        break;
    }
}

/* The number of messages that are new. */
static size_t see_all(struct queue_scan *scan, struct queue_message *messages, size_t count)
{
    size_t fresh = 0;
    for (size_t i = 0; i < count; i++) {
        struct scan_item *item = item_find(scan, messages[i].id);
        if (item) {
            see_again(item, &messages[i]);
            continue;
        }
        see(scan, &messages[i]);
        fresh++;
    }
    return fresh;
}

static bool is_transient(int code)
{
    return code == ERR_THROTTLED || code == ERR_NETWORK || code == ERR_TIMEOUT ||
           code == ERR_SERVER || code == ERR_PROTOCOL;
}

static void receive_failed(struct queue_scan *scan, const struct error *error)
{
    if (is_transient(error->code) && ++scan->failures < RETRIES_MAX) {
        scan->waiting = true;
        return;
    }
    scan->ended = true;
    if (!scan->facts.error.code)
        scan->facts.error = *error;
}

static void received(struct queue_scan *scan, size_t count, size_t fresh)
{
    scan->failures = 0;
    scan->full += count == QUEUE_BATCH_MAX;
    scan->stale = count && !fresh ? scan->stale + 1 : 0;
    if (scan->ended)
        return;
    if (count == 0 || scan->stale >= STALE_MAX)
        scan->ended = scan->facts.complete = true;
    else if (scan->facts.seen >= QUEUE_SCAN_ITEMS_MAX)
        scan->ended = true;
}

static void on_received(struct queue_message *messages, size_t count, const struct error *error,
                        void *user)
{
    struct queue_scan *scan = user;
    scan->receiving--;
    if (error->code)
        receive_failed(scan, error);
    else
        received(scan, count, see_all(scan, messages, count));
    update(scan);
}

static bool may_receive(const struct queue_scan *scan)
{
    if (scan->ended || scan->waiting)
        return false;
    if (is_serial(scan))
        return scan->receiving + scan->busy_count + scan->deletable_count + scan->deleting == 0;
    const size_t most = scan->full < RECEIVES_AT_ONCE ? scan->full + 1 : RECEIVES_AT_ONCE;
    return scan->receiving < most && scan->busy_count + scan->deleting < QUEUE_SCAN_BUSY_MAX;
}

static void receive_some(struct queue_scan *scan)
{
    const struct queue_receive what = {.max = QUEUE_BATCH_MAX,
                                       .wait_s = WAIT_S,
                                       .visibility_s = scan->options.visibility_s,
                                       .origin = true};
    while (may_receive(scan)) {
        struct queue_request *request;
        int code =
            scan->options.ops->receive(scan->options.queue, &what, on_received, scan, &request);
        if (code) {
            fail(scan, code, "messages could not be received");
            return;
        }
        scan->receiving++;
    }
}

/* ---- putting back ---- */

static void on_returned(const int *codes, size_t count, const struct error *error, void *user)
{
    struct queue_scan *scan = user;
    (void)codes, (void)count, (void)error; /* it becomes visible when its timeout ends */
    scan->returning--;
    update(scan);
}

/* Another receiver may already have a message whose timeout has ended. */
static bool is_still_ours(const struct scan_item *item)
{
    const struct queue_scan *scan = item->scan;
    return uv_now(scan->options.loop) <
           item->received_ms + (uint64_t)scan->options.visibility_s * 1000;
}

static size_t returns_fill(struct queue_scan *scan, struct queue_entry entries[QUEUE_BATCH_MAX])
{
    size_t count = 0;
    while (count < QUEUE_BATCH_MAX && !list_empty(&scan->held)) {
        struct scan_item *item = container_of(scan->held.next, struct scan_item, link);
        item_set(item, ITEM_RETURNED);
        if (is_still_ours(item))
            entries[count++] = (struct queue_entry){.receipt = item->receipt};
    }
    return count;
}

static void return_some(struct queue_scan *scan)
{
    struct queue_entry entries[QUEUE_BATCH_MAX];
    while (scan->returning < RETURNS_AT_ONCE && !list_empty(&scan->held)) {
        const size_t count = returns_fill(scan, entries);
        if (count && scan->options.ops->extend_batch(scan->options.queue, entries, count,
                                                     on_returned, scan) == 0)
            scan->returning++;
    }
}

/* ---- the scan ---- */

static void on_timer(uv_timer_t *timer)
{
    struct queue_scan *scan = container_of(timer, struct queue_scan, timer);
    scan->waiting = false;
    update(scan);
}

static void update_soon(struct queue_scan *scan)
{
    if (!scan->waiting && !scan->done)
        uv_timer_start(&scan->timer, on_timer, 0, 0);
}

static void update(struct queue_scan *scan)
{
    if (scan->done)
        return;
    if (scan->waiting && !uv_is_active((uv_handle_t *)&scan->timer))
        uv_timer_start(&scan->timer, on_timer, (uint64_t)RETRY_MS * scan->failures, 0);
    delete_some(scan);
    receive_some(scan);
    if (!scan->ended || scan->receiving || scan->busy_count || scan->deletable_count ||
        scan->deleting)
        return;
    return_some(scan);
    if (scan->returning || !list_empty(&scan->held))
        return;
    uv_timer_stop(&scan->timer);
    scan->done = true;
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
