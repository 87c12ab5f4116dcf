/* What becomes of the messages that a scan has looked at: they are deleted, or put back. */
#include <stdlib.h>

#include "queue_scan_private.h"

enum { RETURNS_AT_ONCE = 8 };

struct scan_deletion { /* a batch that is being deleted */
    struct queue_scan *scan;
    struct scan_item *items[QUEUE_BATCH_MAX];
};

/* ---- deleting ---- */

/* A receipt handle that is no longer valid has been replaced if the message came again. */
static void deletion_end(struct scan_item *item, int code)
{
    if (code == 0)
        scan_item_set(item, ITEM_DELETED);
    else
        scan_item_set(item, item->renewed ? ITEM_DELETABLE : ITEM_UNDELETED);
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
    queue_scan_update(scan);
}

static size_t deletion_fill(struct queue_scan *scan, struct scan_deletion *deletion,
                            struct queue_entry entries[QUEUE_BATCH_MAX])
{
    size_t count = 0;
    while (count < QUEUE_BATCH_MAX && !list_empty(&scan->deletable)) {
        struct scan_item *item = container_of(scan->deletable.next, struct scan_item, link);
        scan_item_set(item, ITEM_DELETING);
        item->renewed = false;
        deletion->items[count] = item;
        entries[count++] = (struct queue_entry){.receipt = item->receipt, .release = true};
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
        scan_item_set(deletion->items[i], ITEM_UNDELETED);
    free(deletion);
    queue_scan_fail(scan, code, "messages could not be deleted");
}

/* Full batches at once, and the rest when nothing more is about to come. */
void queue_scan_delete_some(struct queue_scan *scan)
{
    while (scan->deletable_count >= QUEUE_BATCH_MAX ||
           (scan->deletable_count && scan->busy_count == 0)) {
        struct scan_deletion *deletion = calloc(1, sizeof *deletion);
        if (deletion) {
            delete_batch(scan, deletion);
            continue;
        }
        while (!list_empty(&scan->deletable))
            scan_item_set(container_of(scan->deletable.next, struct scan_item, link),
                          ITEM_UNDELETED);
        queue_scan_fail(scan, ERR_MEMORY, "messages could not be deleted");
    }
}

/* ---- putting back ---- */

static void on_returned(const int *codes, size_t count, const struct error *error, void *user)
{
    struct queue_scan *scan = user;
    (void)codes, (void)count, (void)error; /* it becomes visible when its timeout ends */
    scan->returning--;
    queue_scan_update(scan);
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
        scan_item_set(item, ITEM_RETURNED);
        if (is_still_ours(item))
            entries[count++] = (struct queue_entry){.receipt = item->receipt, .release = true};
    }
    return count;
}

void queue_scan_return_some(struct queue_scan *scan)
{
    struct queue_entry entries[QUEUE_BATCH_MAX];
    while (scan->returning < RETURNS_AT_ONCE && !list_empty(&scan->held)) {
        const size_t count = returns_fill(scan, entries);
        if (count && scan->options.ops->extend_batch(scan->options.queue, entries, count,
                                                     on_returned, scan) == 0)
            scan->returning++;
    }
}
