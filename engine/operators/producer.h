/*
 * Turns arguments into messages and sends them: the work of `thumbwheel send`.
 *
 *     an object ──► HEAD ──► event ──┐
 *                                    ├─ fits ──────────────► batch ──► settled
 *     a body ──► read up to the limit┘
 *                        └─ larger, or always ──► payload in S3 ──► pointer ──► batch ──► settled
 *
 * A few arguments are prepared at a time, to a FIFO target one after the other. If a message with a
 * pointer is refused, its payload is removed again; if its fate is unknown, it is kept. Loop thread.
 */
#ifndef THUMBWHEEL_PRODUCER_H
#define THUMBWHEEL_PRODUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "message_sender.h"
#include "object_store.h"

struct producer;

struct producer_item {
    const char *name;         /* for the report */
    const char *bucket, *key; /* of an object; NULL: a body */
    const char *path;         /* of a body; "-": standard input */
};

struct producer_result { /* of one message; borrowed for the callback */
    const struct producer_item *item;
    const struct send_target *target; /* NULL: it was not decided, because preparing failed */
    const char *id;                   /* MessageId; NULL: it was not sent */
    const char *payload_bucket, *payload_key; /* NULL: the body is in the message */
    struct error error;
};

struct producer_options { /* borrowed until the producer is closed */
    uv_loop_t *loop;
    struct object_store *store;
    const struct producer_item *items;
    size_t item_count;
    const struct send_target *targets;
    size_t target_count;
    /* Whether an object's event goes to a target; NULL: to every one. */
    bool (*wants)(size_t target, const char *bucket, const char *key, void *user);
    const struct queue_attribute *attributes;
    size_t attribute_count;    /* one less than the limit where payloads go through S3 */
    const char *group;         /* NULL: none */
    const char *deduplication; /* NULL: for a FIFO target, from the object or the body */
    bool always_through_s3;
    const char *payload_bucket; /* NULL: larger bodies are refused */
    void (*settled)(const struct producer_result *result, void *user);
    void *user;
};

int producer_start(const struct producer_options *options, struct producer **out);
/* No further argument is begun; what is being read or uploaded ends. */
void producer_stop(struct producer *producer);
bool producer_done(const struct producer *producer);
/* When it is done. closed: from the loop, after the memory is freed. */
void producer_close(struct producer *producer, void (*closed)(void *user), void *user);

#endif
