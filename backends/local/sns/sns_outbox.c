/*
 * The outbox: all pending deliveries, and the time of each one's next attempt.
 *
 * Every item is in `items`. A due item is also in `ready`, a waiting item has its deadline set, and
 * an item being sent has neither. An item whose row is not stored yet is only in `items`. Nothing
 * is sent before the signing key is ready: the first due item requests it.
 */
#include "sns_outbox.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "delivery_policy.h"
#include "log.h"
#include "publish.h"
#include "sns_outbox_internal.h"

enum {
    ITEMS_MAX = 100000,
    SENDING_MAX = 32,
    KEY_RETRY_MS = 20000,
};
#define BYTES_MAX ((size_t)256 << 20)

static void pump(struct sns_outbox *outbox);

void sns_item_due(struct deadline *deadline)
{
    struct sns_item *item = container_of(deadline, struct sns_item, deadline);
    list_push(&item->outbox->ready, &item->link);
    pump(item->outbox);
}

static void item_stored(struct sns_item *item, int code)
{
    struct sns_outbox *outbox = item->outbox;
    free(item->stored);
    item->stored = NULL;
    if (code) {
        sns_item_free(item);
        return;
    }
    list_push(&outbox->ready, &item->link);
    pump(outbox);
}

int sns_outbox_add(struct sns_outbox *outbox, const struct subscription *s,
                   const struct sns_delivery *delivery, struct storage_unit *unit)
{
    json_t *message = sns_item_message(s, delivery);
    char *stored = message ? json_dumps(message, JSON_COMPACT) : NULL;
    if (!stored) {
        json_decref(message);
        return ERR_MEMORY;
    }
    size_t size = strlen(stored);
    if (outbox->item_count >= ITEMS_MAX || outbox->bytes + size > BYTES_MAX) {
        json_decref(message);
        free(stored);
        return ERR_LIMIT;
    }
    struct sns_item *item = sns_item_new(outbox, s->record.named.name, message, size);
    if (!item) {
        free(stored);
        return ERR_MEMORY;
    }
    item->id = outbox->next_id++;
    item->stored = stored;
    int code = sns_row_insert(item, item_stored, unit);
    if (code)
        sns_item_free(item); /* including stored ones */
    return code;
}

bool sns_outbox_takes_queues(const struct sns_outbox *outbox)
{
    return outbox->queue_items > 0 || !sns_signer_ready(outbox->cloud->signer);
}

/* Completion of a delivery. */

static void stopped_if_idle(struct sns_outbox *outbox)
{
    if (outbox->sending == 0 && !outbox->http && outbox->on_stopped) {
        void (*stopped)(void *user) = outbox->on_stopped;
        outbox->on_stopped = NULL;
        stopped(outbox->stopped_user);
    }
}

static void item_end(struct sns_item *item)
{
    if (!item->outbox->stopped)
        sns_row_delete(item->outbox, item->id, NULL);
    sns_item_free(item);
}

/* The item's row is deleted in the same unit that stores the dead letter. */
static int item_dead_letter(struct sns_item *item, struct subscription *s, const char *reason)
{
    struct sns_outbox *outbox = item->outbox;
    struct storage_unit unit = {0};
    struct sns_envelope envelope;
    sns_item_envelope(item, s, &envelope);
    const struct sns_delivery delivery = sns_item_delivery(item, &envelope);
    char *attributes = s->raw && json_object_size(envelope.attributes) > 0
                           ? json_dumps(envelope.attributes, JSON_COMPACT)
                           : NULL;
    struct message_sent sent = {0};
    size_t room = 0;
    char *text = s->raw ? slice_dup(envelope.body)
                        : sns_envelope_unsigned(outbox->cloud, &envelope, &unit, &room);
    int code = text ? sns_dead_letter(outbox->cloud, s, slice_of(text), attributes, &delivery,
                                      reason, &sent, &unit)
                    : ERR_MEMORY;
    if (code)
        goto out;
    if (!s->raw && sent.body)
        sns_signing_place(envelope.signing, sent.body + room);
    code = sns_row_delete(outbox, item->id, &unit);
out:
    free(text);
    free(attributes);
    if (code) {
        publish_discard(&unit);
        return code;
    }
    storage_submit_unit(outbox->cloud->storage, &unit);
    sns_item_free(item);
    return 0;
}

static void item_wait(struct sns_item *item, int64_t delay_ms)
{
    struct sns_outbox *outbox = item->outbox;
    int64_t due = deadlines_now(outbox->deadlines) + delay_ms;
    sns_row_update(item, due);
    deadline_set(outbox->deadlines, &item->deadline, due);
}

static void item_again(struct sns_item *item, struct subscription *s, const char *reason)
{
    struct delivery_policy policy;
    sns_delivery_policy(item->outbox->cloud, s, &policy);
    item->attempts++;
    int64_t delay = delivery_policy_delay(&policy, item->attempts);
    if (delay >= 0) {
        log_info("notification will be retried", LOG_TEXT("subscription", item->subscription),
                 LOG_TEXT("reason", reason), LOG_INT("attempt", item->attempts));
        item_wait(item, delay);
    } else if (item_dead_letter(item, s, reason)) {
        item_wait(item, KEY_RETRY_MS);
    }
}

void sns_item_done(struct sns_item *item, enum sns_outcome outcome, const char *reason)
{
    struct sns_outbox *outbox = item->outbox;
    struct subscription *s = sns_item_subscription(item);
    outbox->sending--;
    free(item->text);
    item->text = NULL;
    if (outbox->stopped) { /* its row is there for the next run */
        sns_item_free(item);
        stopped_if_idle(outbox);
        return;
    }
    if (outcome == SNS_SENT || !s)
        item_end(item);
    else if (outcome == SNS_AGAIN)
        item_again(item, s, reason);
    else if (item_dead_letter(item, s, reason))
        item_wait(item, KEY_RETRY_MS);
    pump(outbox);
}

/* Sending. */

static int item_to_queue(struct sns_item *item, struct subscription *s)
{
    struct storage_unit unit = {0};
    struct sns_envelope envelope;
    sns_item_envelope(item, s, &envelope);
    const struct sns_delivery delivery = sns_item_delivery(item, &envelope);
    int code = publish_to_queue(item->outbox->cloud, s, &envelope, &delivery, NULL, &unit);
    if (!code)
        code = sns_row_delete(item->outbox, item->id, &unit);
    if (code) {
        publish_discard(&unit);
        return code;
    }
    storage_submit_unit(item->outbox->cloud->storage, &unit);
    sns_item_free(item);
    return 0;
}

/* An attempt that could not start is not counted. */
static void item_begun(struct sns_item *item, int code)
{
    if (code == ERR_INVALID) {
        sns_item_done(item, SNS_HOPELESS, "the endpoint is not a valid URL");
    } else if (code) {
        item->outbox->sending--;
        free(item->text);
        item->text = NULL;
        item_wait(item, KEY_RETRY_MS);
    }
}

void sns_item_signed(struct sns_item *item, int code)
{
    struct sns_outbox *outbox = item->outbox;
    struct subscription *s = sns_item_subscription(item);
    if (outbox->stopped || !s) {
        sns_item_done(item, SNS_SENT, NULL);
        return;
    }
    item_begun(item, code ? code : sns_item_send(item, s));
    pump(outbox);
}

/* Whether the throttle policy allows the delivery now; if not, it is rescheduled. */
static bool slot_is_now(struct sns_item *item, struct subscription *s)
{
    struct sns_outbox *outbox = item->outbox;
    int64_t now = deadlines_now(outbox->deadlines);
    struct delivery_policy policy;
    if (item->slot || strncmp(s->protocol, "http", 4) != 0) {
        item->slot = false;
        return true;
    }
    sns_delivery_policy(outbox->cloud, s, &policy);
    int64_t slot = delivery_policy_slot(&policy, now * 1000, &s->next_us) / 1000;
    if (slot <= now)
        return true;
    item->slot = true;
    deadline_set(outbox->deadlines, &item->deadline, slot);
    return false;
}

static void item_start(struct sns_item *item)
{
    struct sns_outbox *outbox = item->outbox;
    struct subscription *s = sns_item_subscription(item);
    if (!s) {
        item_end(item);
    } else if (!item->queue) {
        if (!slot_is_now(item, s))
            return;
        outbox->sending++;
        item_begun(item, sns_item_attempt(item, s));
    } else if (item_to_queue(item, s)) {
        item_wait(item, KEY_RETRY_MS);
    }
}

static void key_ready(struct sns_signer_wish *wish, int code)
{
    struct sns_outbox *outbox = container_of(wish, struct sns_outbox, wish);
    outbox->wishing = false;
    if (outbox->stopped)
        return;
    if (code)
        deadline_set(outbox->deadlines, &outbox->key_retry,
                     deadlines_now(outbox->deadlines) + KEY_RETRY_MS);
    else
        pump(outbox);
}

static void key_again(struct deadline *deadline)
{
    pump(container_of(deadline, struct sns_outbox, key_retry));
}

static bool may_start(struct sns_outbox *outbox)
{
    if (outbox->stopped || list_empty(&outbox->ready) || outbox->sending >= SENDING_MAX)
        return false;
    if (sns_signer_ready(outbox->cloud->signer))
        return true;
    if (!outbox->wishing && !deadline_is_set(&outbox->key_retry)) {
        outbox->wishing = true;
        sns_signer_want(outbox->cloud->signer, &outbox->wish);
    }
    return false;
}

static void pump(struct sns_outbox *outbox)
{
    while (may_start(outbox)) {
        struct list *first = list_shift(&outbox->ready);
        item_start(container_of(first, struct sns_item, link));
    }
}

/* Lifecycle. */

/* The URL may contain a password, so it is not quoted. */
static int server_check(const char *smtp, struct error *error)
{
    if (!smtp || strncmp(smtp, "smtp://", 7) == 0 || strncmp(smtp, "smtps://", 8) == 0)
        return 0;
    return error_set(error, ERR_INVALID,
                     "--smtp must be a URL that begins with smtp:// or smtps://");
}

int sns_outbox_open(struct cloud *cloud, const char *smtp, struct sns_outbox **out,
                    struct error *error)
{
    int code = server_check(smtp, error);
    if (code)
        return code;
    struct sns_outbox *outbox = calloc(1, sizeof *outbox);
    if (!outbox)
        return error_set(error, ERR_MEMORY, "out of memory");
    outbox->cloud = cloud;
    outbox->next_id = 1;
    outbox->key_retry.expired = key_again;
    outbox->wish.ready = key_ready;
    list_init(&outbox->wish.link);
    list_init(&outbox->items);
    list_init(&outbox->ready);
    if (smtp && !(outbox->smtp = strdup(smtp))) {
        free(outbox);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    code = deadlines_create(cloud->loop, &outbox->deadlines, error);
    if (code) {
        free(outbox->smtp);
        free(outbox);
        return code;
    }
    *out = outbox;
    code = sns_rows_load(outbox, error);
    if (!code && !list_empty(&outbox->ready)) /* from the loop */
        deadline_set(outbox->deadlines, &outbox->key_retry, deadlines_now(outbox->deadlines));
    return code;
}

static void http_closed(void *user)
{
    struct sns_outbox *outbox = user;
    outbox->http = NULL;
    stopped_if_idle(outbox);
}

/* Pending deliveries are abandoned; their rows remain for the next run. */
void sns_outbox_stop(struct sns_outbox *outbox, void (*stopped)(void *user), void *user)
{
    outbox->stopped = true;
    outbox->on_stopped = stopped;
    outbox->stopped_user = user;
    deadlines_stop(outbox->deadlines);
    list_remove(&outbox->wish.link);
    struct list *next;
    for (struct list *at = outbox->items.next; at != &outbox->items; at = next) {
        struct sns_item *item = container_of(at, struct sns_item, all);
        next = at->next;
        if (item->mail)
            mail_cancel(item->mail);
        if (item->exchange) {
            http_exchange_cancel(item->exchange);
            outbox->sending--;
            sns_item_free(item);
        }
    }
    if (outbox->http)
        http_client_close(outbox->http, http_closed, outbox);
    else
        stopped_if_idle(outbox);
}

void sns_outbox_close(struct sns_outbox *outbox, void (*closed)(void *user), void *user)
{
    while (!list_empty(&outbox->items))
        sns_item_free(container_of(outbox->items.next, struct sns_item, all));
    deadlines_close(outbox->deadlines, closed, user);
    free(outbox->smtp);
    free(outbox);
}
