/* A message of the producer: from its body, perhaps through S3, to its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "payload_upload.h"
#include "producer_private.h"

/* ---- its end ---- */

static void parcel_end(struct producer_parcel *parcel)
{
    struct producer_slot *slot = parcel->slot;
    producer_report(slot, &parcel->result);
    outgoing_free(parcel->message);
    free(parcel);
    producer_slot_release(slot);
}

void parcel_fail(struct producer_parcel *parcel, int code, const char *why)
{
    error_set(&parcel->result.error, code, "%s", why);
    parcel_end(parcel);
}

static void on_payload_removed(const struct error *error, void *user)
{
    struct producer_parcel *parcel = user;
    if (!error->code)
        parcel->result.payload_bucket = parcel->result.payload_key = NULL;
    parcel_end(parcel);
}

/* No message refers to the payload. */
static void payload_remove(struct producer_parcel *parcel)
{
    struct object_store *store = parcel->slot->producer->options.store;
    const struct object_name name = {.bucket = parcel->result.payload_bucket,
                                     .key = parcel->payload_key};
    struct object_request *request;
    if (store->ops->remove(store, &name, on_payload_removed, parcel, &request))
        parcel_end(parcel);
}

void parcel_on_settled(struct outgoing *message, const char *id, const struct error *error,
                       void *user)
{
    struct producer_parcel *parcel = message->user;
    (void)user;
    parcel->message = message;
    parcel->result.id = id;
    parcel->result.error = *error;
    if (error->code && !send_is_unknown(error->code) && parcel->payload_key[0])
        payload_remove(parcel);
    else
        parcel_end(parcel);
}

/* ---- its way ---- */

struct producer_parcel *parcel_new(struct producer_slot *slot, size_t target)
{
    const struct producer_options *options = &slot->producer->options;
    struct producer_parcel *parcel = calloc(1, sizeof *parcel);
    struct outgoing *message = calloc(1, sizeof *message);
    if (!parcel || !message) {
        free(parcel);
        free(message);
        return NULL;
    }
    parcel->slot = slot;
    parcel->target = target;
    parcel->message = message;
    parcel->result =
        (struct producer_result){.item = slot->item, .target = &options->targets[target]};
    message->user = parcel;
    message->group = options->group;
    message->deduplication = options->deduplication;
    for (size_t i = 0; i < options->attribute_count; i++)
        message->attributes[message->attribute_count++] = options->attributes[i];
    slot->pending++;
    return parcel;
}

static bool needs_deduplication(const struct producer_parcel *parcel)
{
    return !parcel->message->deduplication && send_target_is_fifo(parcel->result.target);
}

static void hex_format(const uint8_t digest[SHA256_SIZE], char out[DEDUPLICATION_SIZE])
{
    for (size_t i = 0; i < SHA256_SIZE; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void parcel_send(struct producer_parcel *parcel)
{
    struct producer *producer = parcel->slot->producer;
    struct outgoing *message = parcel->message;
    parcel->message = NULL;
    message_sender_add(&producer->senders[parcel->target], message);
}

/* The body is the message's own. */
void parcel_send_whole(struct producer_parcel *parcel)
{
    struct outgoing *message = parcel->message;
    if (needs_deduplication(parcel)) {
        if (!parcel->deduplication[0])
            sha256_hex(message->body, message->body_size, parcel->deduplication);
        message->deduplication = parcel->deduplication;
    }
    parcel_send(parcel);
}

static void on_payload_stored(const struct payload_facts *facts, const struct error *error,
                              void *user)
{
    struct producer_parcel *parcel = user;
    struct outgoing *message = parcel->message;
    const char *bucket = parcel->slot->producer->options.payload_bucket;
    if (error->code) {
        parcel_fail(parcel, error->code, error->text);
        return;
    }
    parcel->result.payload_bucket = bucket;
    parcel->result.payload_key = parcel->payload_key;
    free(message->body);
    message->body = payload_pointer_make(bucket, parcel->payload_key);
    if (!message->body) {
        error_set(&parcel->result.error, ERR_MEMORY, "out of memory");
        payload_remove(parcel);
        return;
    }
    message->body_size = strlen(message->body);
    snprintf(parcel->size_text, sizeof parcel->size_text, "%llu", (unsigned long long)facts->size);
    message->attributes[message->attribute_count++] = (struct queue_attribute){
        (char *)PAYLOAD_SIZE_ATTRIBUTE, (char *)"Number", parcel->size_text};
    if (needs_deduplication(parcel) && !parcel->deduplication[0])
        hex_format(facts->sha256, parcel->deduplication);
    if (needs_deduplication(parcel))
        message->deduplication = parcel->deduplication;
    parcel_send(parcel);
}

void parcel_offload(struct producer_parcel *parcel, struct slice first)
{
    const struct producer *producer = parcel->slot->producer;
    const struct payload_upload_options upload = {.loop = producer->options.loop,
                                                  .store = producer->options.store,
                                                  .bucket = producer->options.payload_bucket,
                                                  .key = parcel->payload_key,
                                                  .reader = parcel->reader,
                                                  .first = first,
                                                  .max = PAYLOAD_MAX,
                                                  .stopped = &producer->stopped};
    int code = payload_key_make(parcel->payload_key);
    if (!code)
        code = payload_upload_start(&upload, on_payload_stored, parcel);
    if (code)
        parcel_fail(parcel, code, "the payload could not be uploaded");
}
