#include "producer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "body_reader.h"
#include "container_of.h"
#include "event_record.h"
#include "hash.h"
#include "payload_pointer.h"
#include "payload_upload.h"
#include "utf8.h"

enum { SLOTS_MAX = 8 };

struct slot { /* prepares one argument after the other */
    struct producer *producer;
    const struct producer_item *item; /* NULL: idle */
    struct object_request *request;
    struct body_reader reader;
    char *first;    /* of a body, as far as it was read */
    size_t pending; /* messages that are not settled yet, and 1 while it prepares */
};

/* One message, from its body on. */
struct parcel {
    struct slot *slot;
    size_t target;
    struct outgoing *message;           /* until it is with the sender */
    struct body_reader *reader;         /* of the rest of the body; NULL: none */
    char payload_key[PAYLOAD_KEY_SIZE]; /* "": none */
    char size_text[24];
    char deduplication[DEDUPLICATION_SIZE];
    struct producer_result result;
};

struct producer {
    struct producer_options options;
    struct message_sender *senders; /* of the targets */
    size_t next, busy, slot_count;
    bool advancing, again; /* in advance() */
    bool stopped;
    int wake; /* eventfd */
    size_t open_senders;
    void (*closed)(void *user);
    void *closed_user;
    struct slot slots[SLOTS_MAX];
};

static void advance(struct producer *producer);

/* ---- the end of a message and of an argument ---- */

static void slot_release(struct slot *slot)
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

static void report(struct slot *slot, const struct producer_result *result)
{
    const struct producer_options *options = &slot->producer->options;
    options->settled(result, options->user);
}

/* The argument failed before there was a message. */
static void slot_fail(struct slot *slot, int code, const char *why)
{
    struct producer_result result = {.item = slot->item};
    error_set(&result.error, code, "%s", why);
    report(slot, &result);
    slot_release(slot);
}

static void parcel_end(struct parcel *parcel)
{
    struct slot *slot = parcel->slot;
    report(slot, &parcel->result);
    outgoing_free(parcel->message);
    free(parcel);
    slot_release(slot);
}

static void parcel_fail(struct parcel *parcel, int code, const char *why)
{
    error_set(&parcel->result.error, code, "%s", why);
    parcel_end(parcel);
}

static void on_payload_removed(const struct error *error, void *user)
{
    struct parcel *parcel = user;
    if (!error->code)
        parcel->result.payload_bucket = parcel->result.payload_key = NULL;
    parcel_end(parcel);
}

/* No message refers to the payload. */
static void payload_remove(struct parcel *parcel)
{
    struct object_store *store = parcel->slot->producer->options.store;
    const struct object_name name = {.bucket = parcel->result.payload_bucket,
                                     .key = parcel->payload_key};
    struct object_request *request;
    if (store->ops->remove(store, &name, on_payload_removed, parcel, &request))
        parcel_end(parcel);
}

static void on_settled(struct outgoing *message, const char *id, const struct error *error,
                       void *user)
{
    struct parcel *parcel = message->user;
    (void)user;
    parcel->message = message;
    parcel->result.id = id;
    parcel->result.error = *error;
    if (error->code && !send_is_unknown(error->code) && parcel->payload_key[0])
        payload_remove(parcel);
    else
        parcel_end(parcel);
}

/* ---- a message ---- */

static struct parcel *parcel_new(struct slot *slot, size_t target)
{
    const struct producer_options *options = &slot->producer->options;
    struct parcel *parcel = calloc(1, sizeof *parcel);
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

static bool needs_deduplication(const struct parcel *parcel)
{
    return !parcel->message->deduplication && send_target_is_fifo(parcel->result.target);
}

static void hex_format(const uint8_t digest[SHA256_SIZE], char out[DEDUPLICATION_SIZE])
{
    for (size_t i = 0; i < SHA256_SIZE; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void parcel_send(struct parcel *parcel)
{
    struct producer *producer = parcel->slot->producer;
    struct outgoing *message = parcel->message;
    parcel->message = NULL;
    message_sender_add(&producer->senders[parcel->target], message);
}

/* The body is the message's own. */
static void parcel_send_whole(struct parcel *parcel)
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
    struct parcel *parcel = user;
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

static void parcel_offload(struct parcel *parcel, struct slice first)
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

/* What SQS and SNS accept as text ("SendMessage", SQS API Reference); a NUL would end it. */
static const char *text_flaw(const char *text, size_t size)
{
    if (!utf8_valid((struct slice){text, size}))
        return "is not text in UTF-8, which messages must be; send it through S3 "
               "(--always-through-s3), or encode it";
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ' && !(text[i] && strchr("\t\n\r", text[i])))
            return "has control characters, which messages must not have; send it through S3 "
                   "(--always-through-s3), or encode it";
    }
    return NULL;
}

/* The bytes that a body may have. */
static size_t room_for_body(const struct producer *producer, size_t target)
{
    const struct producer_options *options = &producer->options;
    size_t max = send_target_max(&options->targets[target]);
    size_t taken = message_size(0, options->attributes, options->attribute_count);
    return taken < max ? max - taken : 0;
}

/* ---- an object ---- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void event_send(struct slot *slot, size_t target, const struct event_object *object)
{
    const struct producer *producer = slot->producer;
    char region[SEND_REGION_SIZE];
    struct parcel *parcel = parcel_new(slot, target);
    if (!parcel) {
        struct producer_result result = {.item = slot->item};
        error_set(&result.error, ERR_MEMORY, "out of memory");
        report(slot, &result);
        return;
    }
    struct outgoing *message = parcel->message;
    send_target_region(parcel->result.target, region);
    message->body = event_record_make(object, region, now_ms());
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
    struct slot *slot = user;
    const struct producer_options *options = &slot->producer->options;
    const struct producer_item *item = slot->item;
    size_t sent = 0;
    slot->request = NULL;
    if (error->code) {
        slot_fail(slot, error->code, error->text);
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
        slot_release(slot);
    else
        slot_fail(slot, ERR_INVALID,
                  "no pipeline matches this object; name a queue or topic with --queue or --topic");
}

static void object_begin(struct slot *slot)
{
    struct object_store *store = slot->producer->options.store;
    const struct object_name name = {.bucket = slot->item->bucket, .key = slot->item->key};
    int code = store->ops->head(store, &name, on_head, slot, &slot->request);
    if (code)
        slot_fail(slot, code,
                  code == ERR_INVALID ? "is not a valid bucket and key"
                                      : "the object could not be looked at");
}

/* ---- a body ---- */

static void body_inline(struct slot *slot, size_t size)
{
    const char *flaw = text_flaw(slot->first, size);
    struct parcel *parcel;
    if (size == 0)
        slot_fail(slot, ERR_INVALID, "is empty; a message must not be");
    else if (flaw)
        slot_fail(slot, ERR_INVALID, flaw);
    else if (!(parcel = parcel_new(slot, 0)))
        slot_fail(slot, ERR_MEMORY, "out of memory");
    else {
        slot->first[size] = '\0';
        parcel->message->body = slot->first;
        parcel->message->body_size = size;
        slot->first = NULL;
        parcel_send_whole(parcel);
        slot_release(slot);
    }
}

static void body_offload(struct slot *slot, size_t size)
{
    struct parcel *parcel;
    if (size == 0)
        slot_fail(slot, ERR_INVALID, "is empty; a message must not be");
    else if (!(parcel = parcel_new(slot, 0)))
        slot_fail(slot, ERR_MEMORY, "out of memory");
    else {
        parcel->reader = &slot->reader;
        parcel_offload(parcel, (struct slice){slot->first, size});
        slot_release(slot);
    }
}

static void on_first_read(struct body_reader *reader)
{
    struct slot *slot = container_of(reader, struct slot, reader);
    const struct producer *producer = slot->producer;
    const size_t max = room_for_body(producer, 0);
    char why[200];
    if (reader->error.code) {
        slot_fail(slot, reader->error.code, reader->error.text);
    } else if (!producer->options.always_through_s3 && reader->end && reader->size <= max) {
        body_inline(slot, reader->size);
    } else if (!producer->options.payload_bucket) {
        snprintf(why, sizeof why,
                 "is larger than %zu bytes, the limit of the target with these attributes; name a "
                 "bucket for its body with --payload-bucket",
                 max);
        slot_fail(slot, ERR_LIMIT, why);
    } else {
        body_offload(slot, reader->size);
    }
}

/* One byte more than fits into a message shows that the body does not. */
static void body_begin(struct slot *slot)
{
    const struct producer *producer = slot->producer;
    size_t room = room_for_body(producer, 0) + 1;
    slot->first = malloc(room + 1);
    if (!slot->first) {
        slot_fail(slot, ERR_MEMORY, "out of memory");
        return;
    }
    body_reader_init(&slot->reader, slot->item->path, producer->wake);
    body_reader_start(&slot->reader, producer->options.loop, slot->first, room, on_first_read);
}

/* ---- the arguments ---- */

static void slot_begin(struct slot *slot)
{
    struct producer *producer = slot->producer;
    slot->item = &producer->options.items[producer->next++];
    slot->pending = 1;
    producer->busy++;
    if (slot->item->bucket)
        object_begin(slot);
    else
        body_begin(slot);
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
        message_sender_init(&producer->senders[i], options->loop, &options->targets[i], on_settled,
                            producer);
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
