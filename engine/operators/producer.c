#include "producer.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "container_of.h"
#include "producer_private.h"

static void advance(struct producer *producer);

/* ---- the end of an argument ---- */

void producer_slot_release(struct producer_slot *slot)
{
    if (--slot->pending)
        return;
    body_reader_close(&slot->reader);
    free(slot->first);
    slot->first = NULL;
    slot->item = NULL;
    slot->producer->busy--;
    advance(slot->producer);
}

void producer_report(struct producer_slot *slot, const struct producer_result *result)
{
    const struct producer_options *options = &slot->producer->options;
    options->settled(result, options->user);
}

void producer_slot_fail(struct producer_slot *slot, int code, const char *why)
{
    struct producer_result result = {.item = slot->item};
    error_set(&result.error, code, "%s", why);
    producer_report(slot, &result);
    producer_slot_release(slot);
}

/* ---- the arguments ---- */

static void slot_begin(struct producer_slot *slot)
{
    struct producer *producer = slot->producer;
    slot->item = &producer->options.items[producer->next++];
    slot->pending = 1;
    producer->busy++;
    if (slot->item->bucket)
        producer_object_begin(slot);
    else
        producer_body_begin(slot);
}

static bool has_more(const struct producer *producer)
{
    return !producer->stopped && producer->next < producer->options.item_count;
}

/* Gives idle slots their next argument. One that fails at once only sets `again`, so that many of
 * them do not nest. */
static void advance(struct producer *producer)
{
    producer->again = true;
    if (producer->advancing)
        return;
    producer->advancing = true;
    while (producer->again) {
        producer->again = false;
        for (size_t i = 0; i < producer->slot_count && has_more(producer); i++) {
            if (!producer->slots[i].item)
                slot_begin(&producer->slots[i]);
        }
    }
    producer->advancing = false;
}

static bool any_is_fifo(const struct producer_options *options)
{
    for (size_t i = 0; i < options->target_count; i++) {
        if (send_target_is_fifo(&options->targets[i]))
            return true;
    }
    return false;
}

int producer_start(const struct producer_options *options, struct producer **out)
{
    struct producer *producer = calloc(1, sizeof *producer);
    *out = NULL;
    if (!producer)
        return ERR_MEMORY;
    producer->options = *options;
    producer->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    producer->senders = calloc(options->target_count, sizeof *producer->senders);
    if (producer->wake < 0 || !producer->senders) {
        if (producer->wake >= 0)
            close(producer->wake);
        free(producer->senders);
        free(producer);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < options->target_count; i++)
        message_sender_init(&producer->senders[i], options->loop, &options->targets[i],
                            parcel_on_settled, producer);
    producer->slot_count = any_is_fifo(options) ? 1 : SLOTS_MAX;
    *out = producer;
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        producer->slots[i].producer = producer;
        body_reader_init(&producer->slots[i].reader, "", -1);
    }
    advance(producer);
    return 0;
}

void producer_stop(struct producer *producer)
{
    const uint64_t one = 1;
    producer->stopped = true;
    if (write(producer->wake, &one, sizeof one) < 0)
        return; /* it is readable already */
}

bool producer_done(const struct producer *producer)
{
    return producer->busy == 0 &&
           (producer->stopped || producer->next == producer->options.item_count);
}

static void on_sender_closed(uv_handle_t *handle)
{
    struct message_sender *sender =
        container_of((uv_timer_t *)handle, struct message_sender, timer);
    struct producer *producer = sender->user;
    if (--producer->open_senders)
        return;
    void (*closed)(void *user) = producer->closed;
    void *user = producer->closed_user;
    close(producer->wake);
    free(producer->senders);
    free(producer);
    closed(user);
}

void producer_close(struct producer *producer, void (*closed)(void *user), void *user)
{
    producer->closed = closed;
    producer->closed_user = user;
    producer->open_senders = producer->options.target_count;
    for (size_t i = 0; i < producer->options.target_count; i++)
        message_sender_close(&producer->senders[i], on_sender_closed);
}
