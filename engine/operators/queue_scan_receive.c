/* What a scan receives: each message is looked at once, even if it comes again. */
#include <stdlib.h>
#include <string.h>

#include "queue_scan_private.h"

enum {
    WAIT_S = 1, /* a long poll asks all servers, however short it is */
    RECEIVES_AT_ONCE = 4,
    STALE_MAX = 3, /* receives that bring nothing new */
    RETRIES_MAX = 5,
};

static bool is_serial(const struct queue_scan *scan)
{
    return queue_is_fifo(scan->options.ops->facts(scan->options.queue));
}

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
        scan_item_set(item, ITEM_DELETABLE);
}

static void see(struct queue_scan *scan, struct queue_message *message)
{
    struct scan_item *item = scan_item_add(scan, message);
    if (!item)
        queue_scan_fail(scan, ERR_MEMORY, "a message could not be looked at");
    if (scan->ended) /* a response to a receive that was pending */
        return;
    scan_item_set(item, ITEM_BUSY);
    switch (scan->options.look(message, item, scan->options.user)) {
    case SCAN_TAKE:
        break;
    case SCAN_DELETE:
        scan_item_set(item, ITEM_DELETABLE);
        break;
    case SCAN_HOLD:
        scan_item_set(item, ITEM_HELD);
        break;
    }
}

/* The number of messages that are new. */
static size_t see_all(struct queue_scan *scan, struct queue_message *messages, size_t count)
{
    size_t fresh = 0;
    for (size_t i = 0; i < count; i++) {
        struct scan_item *item = scan_item_find(scan, messages[i].id);
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
    queue_scan_update(scan);
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

void queue_scan_receive_some(struct queue_scan *scan)
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
            queue_scan_fail(scan, code, "messages could not be received");
            return;
        }
        scan->receiving++;
    }
}
