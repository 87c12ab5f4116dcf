/* The events of a backfill: in the order of the keys, at the given rate. */
#include <stdlib.h>
#include <string.h>

#include "backfill_private.h"
#include "wall_clock.h"

enum {
    MESSAGES_MAX = 100, /* that are not confirmed */
    CATCH_UP_US = 100 * 1000,
};

void backfill_on_settled(struct outgoing *message, const char *id, const struct error *error,
                         void *user)
{
    struct backfill *b = user;
    struct backfill_item *item = message->user;
    (void)id;
    outgoing_free(message);
    b->messages--;
    item->pending--;
    b->counts.messages += !error->code;
    item->failed |= error->code != 0; /* then it stays unsettled */
    if (error->code)
        backfill_fail(b, error->code, error->text);
    else if (item->pending == 0 && !item->failed) {
        item->state = ITEM_SETTLED;
        b->counts.sent++;
    }
    backfill_schedule(b);
}

static int event_send(struct backfill_item *item, size_t target)
{
    struct backfill *b = item->backfill;
    const struct event_object object = {
        .bucket = b->options.bucket, .key = item->key, .size = item->size, .etag = item->etag};
    char region[SEND_REGION_SIZE];
    struct outgoing *message = calloc(1, sizeof *message);
    if (!message)
        return ERR_MEMORY;
    send_target_region(&b->options.targets[target], region);
    message->body = event_record_make(&object, region, wall_clock_ms());
    if (!message->body) {
        free(message);
        return ERR_MEMORY;
    }
    message->body_size = strlen(message->body);
    message->user = item;
    message->group = b->options.group;
    if (send_target_is_fifo(&b->options.targets[target])) {
        event_deduplication(&object, item->deduplication);
        message->deduplication = item->deduplication;
    }
    item->pending++;
    b->messages++;
    message_sender_add(&b->senders[target], message);
    return 0;
}

static void item_send(struct backfill_item *item)
{
    struct backfill *b = item->backfill;
    int code = 0;
    item->state = ITEM_SENDING;
    if (b->options.target_count == 1 && b->options.pipeline_count > 1) {
        code = event_send(item, 0);
    } else {
        for (size_t i = 0; i < b->options.pipeline_count && !code; i++) {
            if (item->needs[i])
                code = event_send(item, i);
        }
    }
    if (code)
        backfill_fail(b, code, "out of memory");
}

/* Whether the rate allows another one now. It does not catch up after a pause. */
static bool pace(struct backfill *b)
{
    const uint64_t now_us = uv_now(b->options.loop) * 1000;
    if (!b->options.rate)
        return true;
    if (b->due_us > now_us) {
        backfill_schedule_in(b, (b->due_us - now_us + 999) / 1000);
        return false;
    }
    const uint64_t step = 1000000 / b->options.rate;
    if (b->due_us + CATCH_UP_US < now_us)
        b->due_us = now_us;
    b->due_us += step;
    return true;
}

void backfill_sends_begin(struct backfill *b)
{
    while (b->next_send) {
        struct backfill_item *item = b->next_send;
        if (item->state == ITEM_DECIDED && b->options.dry_run) {
            item->state = ITEM_SETTLED;
            b->counts.sent++;
        } else if (item->state == ITEM_DECIDED) {
            if (b->stopped || b->messages >= MESSAGES_MAX || !pace(b))
                return;
            item_send(item);
        } else if (item->state != ITEM_SETTLED) {
            return; /* events are sent in the order of the keys */
        }
        b->next_send = backfill_item_next(b, item);
    }
}
