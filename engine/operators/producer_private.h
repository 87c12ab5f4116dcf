/*
 * Shared by the parts of the producer. A slot takes one argument after the other: an object, whose
 * event it makes (producer_object.c), or a body, which it reads (producer_body.c). Each message is
 * a parcel from its body to its end (producer_parcel.c). Loop thread.
 */
#ifndef THUMBWHEEL_PRODUCER_PRIVATE_H
#define THUMBWHEEL_PRODUCER_PRIVATE_H

#include "body_reader.h"
#include "event_record.h"
#include "message_sender.h"
#include "payload_pointer.h"
#include "producer.h"

enum { SLOTS_MAX = 8 };

struct producer_slot { /* prepares one argument after the other */
    struct producer *producer;
    const struct producer_item *item; /* NULL: idle */
    struct object_request *request;
    struct body_reader reader;
    char *first;    /* of a body, as far as it was read */
    size_t pending; /* messages that are not settled yet, and 1 while it prepares */
};

/* One message, from its body on. */
struct producer_parcel {
    struct producer_slot *slot;
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
    struct producer_slot slots[SLOTS_MAX];
};

/* ---- the argument of a slot ---- */

/* One message less is pending, or the preparation has ended. */
void producer_slot_release(struct producer_slot *slot);
/* The argument failed before there was a message. Releases the slot. */
void producer_slot_fail(struct producer_slot *slot, int code, const char *why);
void producer_report(struct producer_slot *slot, const struct producer_result *result);
void producer_object_begin(struct producer_slot *slot);
void producer_body_begin(struct producer_slot *slot);

/* ---- a message ---- */

/* NULL: out of memory. One of the calls below must follow; each ends the parcel some time. */
struct producer_parcel *parcel_new(struct producer_slot *slot, size_t target);
/* Sends the body that the message has. */
void parcel_send_whole(struct producer_parcel *parcel);
/* Stores the body in S3, `first` and then what the reader has, and sends a pointer. */
void parcel_offload(struct producer_parcel *parcel, struct slice first);
void parcel_fail(struct producer_parcel *parcel, int code, const char *why);
/* Of the senders. */
outgoing_settled parcel_on_settled;

#endif
