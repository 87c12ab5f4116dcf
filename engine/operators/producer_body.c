/* A body from a file or standard input: a message, or a payload in S3 if it is larger. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "producer_private.h"
#include "utf8.h"

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

static void body_inline(struct producer_slot *slot, size_t size)
{
    const char *flaw = text_flaw(slot->first, size);
    struct producer_parcel *parcel;
    if (size == 0)
        producer_slot_fail(slot, ERR_INVALID, "is empty; a message must not be");
    else if (flaw)
        producer_slot_fail(slot, ERR_INVALID, flaw);
    else if (!(parcel = parcel_new(slot, 0)))
        producer_slot_fail(slot, ERR_MEMORY, "out of memory");
    else {
        slot->first[size] = '\0';
        parcel->message->body = slot->first;
        parcel->message->body_size = size;
        slot->first = NULL;
        parcel_send_whole(parcel);
        producer_slot_release(slot);
    }
}

static void body_offload(struct producer_slot *slot, size_t size)
{
    struct producer_parcel *parcel;
    if (size == 0)
        producer_slot_fail(slot, ERR_INVALID, "is empty; a message must not be");
    else if (!(parcel = parcel_new(slot, 0)))
        producer_slot_fail(slot, ERR_MEMORY, "out of memory");
    else {
        parcel->reader = &slot->reader;
        parcel_offload(parcel, (struct slice){slot->first, size});
        producer_slot_release(slot);
    }
}

static void on_first_read(struct body_reader *reader)
{
    struct producer_slot *slot = container_of(reader, struct producer_slot, reader);
    const struct producer *producer = slot->producer;
    const size_t max = room_for_body(producer, 0);
    char why[200];
    if (reader->error.code) {
        producer_slot_fail(slot, reader->error.code, reader->error.text);
    } else if (!producer->options.always_through_s3 && reader->end && reader->size <= max) {
        body_inline(slot, reader->size);
    } else if (!producer->options.payload_bucket) {
        snprintf(why, sizeof why,
                 "is larger than %zu bytes, the limit of the target with these attributes; name a "
                 "bucket for its body with --payload-bucket",
                 max);
        producer_slot_fail(slot, ERR_LIMIT, why);
    } else {
        body_offload(slot, reader->size);
    }
}

/* One byte more than fits into a message shows that the body does not. */
void producer_body_begin(struct producer_slot *slot)
{
    const struct producer *producer = slot->producer;
    size_t room = room_for_body(producer, 0) + 1;
    slot->first = malloc(room + 1);
    if (!slot->first) {
        producer_slot_fail(slot, ERR_MEMORY, "out of memory");
        return;
    }
    body_reader_init(&slot->reader, slot->item->path, producer->wake);
    body_reader_start(&slot->reader, producer->options.loop, slot->first, room, on_first_read);
}
