/*
 * Sends messages to one queue or topic, ten at a time.
 *
 * A batch is sent when it is full or its first message has waited for 20 ms. What the service did
 * not store for a passing reason (throttling, a lost connection) is sent again with backoff, alone:
 * the others of its batch are stored. A message whose fate is unknown is sent again too, so it may
 * arrive twice; a FIFO queue's deduplication id prevents that. To a FIFO queue or topic one batch is
 * sent at a time, so that the messages keep their order. Loop thread.
 */
#ifndef THUMBWHEEL_MESSAGE_SENDER_H
#define THUMBWHEEL_MESSAGE_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "list.h"
#include "queue_backend.h"
#include "topic_backend.h"

/* Where messages go: an open queue, or a topic. Borrowed. */
struct send_target {
    struct queue_backend *queues;
    struct queue *queue; /* NULL: the topic */
    struct topic_backend *topics;
    const char *topic; /* its ARN */
};

const char *send_target_name(const struct send_target *target);
/* The region in its ARN, into out; "" if it has none. */
enum { SEND_REGION_SIZE = 64 };
void send_target_region(const struct send_target *target, char out[SEND_REGION_SIZE]);
/* Bytes of a message with its attributes. */
size_t send_target_max(const struct send_target *target);
bool send_target_is_fifo(const struct send_target *target);

/* A message to send. The texts of attributes, group and deduplication are borrowed until it is
 * settled. */
struct outgoing {
    struct list link;
    char *body; /* malloc'd, NUL-terminated */
    size_t body_size;
    struct queue_attribute attributes[QUEUE_ATTRIBUTES_MAX];
    size_t attribute_count;
    const char *group, *deduplication; /* NULL: none */
    void *user;
    uint64_t due_ms;   /* private: not before */
    unsigned attempts; /* private */
};

void outgoing_free(struct outgoing *message); /* NULL does nothing */
/* The bytes that count towards the limit. */
size_t message_size(size_t body_size, const struct queue_attribute *attributes, size_t count);

/* Whether the message may have been stored in spite of the error. */
bool send_is_unknown(int code);

/* From a fresh loop callback. The message is the callee's again. id: its MessageId; NULL with an
 * error. */
typedef void outgoing_settled(struct outgoing *message, const char *id, const struct error *error,
                              void *user);

struct message_sender {
    uv_loop_t *loop;
    uv_timer_t timer;
    struct send_target target;
    outgoing_settled *settled;
    void *user;
    struct list waiting;
    size_t waiting_count;
    size_t calls; /* pending batches */
};

void message_sender_init(struct message_sender *sender, uv_loop_t *loop,
                         const struct send_target *target, outgoing_settled *settled, void *user);
/* Takes the message. */
void message_sender_add(struct message_sender *sender, struct outgoing *message);
/* All messages must be settled. The caller owns the memory, which is in use until the loop has
 * called `closed`. */
void message_sender_close(struct message_sender *sender, uv_close_cb closed);

#endif
