/* The event of an object that exists. */
#include <string.h>

#include "producer_private.h"
#include "wall_clock.h"

static void event_send(struct producer_slot *slot, size_t target, const struct event_object *object)
{
    const struct producer *producer = slot->producer;
    char region[SEND_REGION_SIZE];
    struct producer_parcel *parcel = parcel_new(slot, target);
    if (!parcel) {
        struct producer_result result = {.item = slot->item};
        error_set(&result.error, ERR_MEMORY, "out of memory");
        producer_report(slot, &result);
        return;
    }
    struct outgoing *message = parcel->message;
    send_target_region(parcel->result.target, region);
    message->body = event_record_make(object, region, wall_clock_ms());
    message->body_size = message->body ? strlen(message->body) : 0;
    event_deduplication(object, parcel->deduplication);
    if (!message->body)
        parcel_fail(parcel, ERR_MEMORY, "out of memory");
    else if (producer->options.always_through_s3)
        parcel_offload(parcel, (struct slice){message->body, message->body_size});
    else
        parcel_send_whole(parcel);
}

static void on_head(const struct object_facts *facts, const struct error *error, void *user)
{
    struct producer_slot *slot = user;
    const struct producer_options *options = &slot->producer->options;
    const struct producer_item *item = slot->item;
    size_t sent = 0;
    slot->request = NULL;
    if (error->code) {
        producer_slot_fail(slot, error->code, error->text);
        return;
    }
    const struct event_object object = {
        item->bucket, item->key, facts->size, facts->etag,
        facts->version && strcmp(facts->version, "null") != 0 ? facts->version : NULL};
    for (size_t i = 0; i < options->target_count; i++) {
        if (options->wants && !options->wants(i, item->bucket, item->key, options->user))
            continue;
        event_send(slot, i, &object);
        sent++;
    }
    if (sent)
        producer_slot_release(slot);
    else
        producer_slot_fail(
            slot, ERR_INVALID,
            "no pipeline matches this object; name a queue or topic with --queue or --topic");
}

void producer_object_begin(struct producer_slot *slot)
{
    struct object_store *store = slot->producer->options.store;
    const struct object_name name = {.bucket = slot->item->bucket, .key = slot->item->key};
    int code = store->ops->head(store, &name, on_head, slot, &slot->request);
    if (code)
        producer_slot_fail(slot, code,
                           code == ERR_INVALID ? "is not a valid bucket and key"
                                               : "the object could not be looked at");
}
