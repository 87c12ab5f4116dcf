/*
 * Seam: a topic service, for what publishes batches of messages. Owned by engine/operators;
 * backends/aws implements it. The rules of queue_backend.h apply.
 */
#ifndef THUMBWHEEL_TOPIC_BACKEND_H
#define THUMBWHEEL_TOPIC_BACKEND_H

#include "queue_backend.h"

enum { TOPIC_MESSAGE_MAX = 256 * 1024 }; /* bytes of a message, and of a batch (SNS) */

struct topic_backend;

struct topic_backend_ops {
    /* Whether the text is the ARN of a topic; if not, *error says so. */
    int (*check)(const char *topic, struct error *error);
    /* At most QUEUE_BATCH_MAX messages, which are copied; delay_s is ignored. It is cancelled only
     * by closing the backend. */
    int (*publish_batch)(struct topic_backend *backend, const char *topic,
                         const struct queue_send *messages, size_t count, queue_batch_sent *done,
                         void *user);
};

struct topic_backend {
    const struct topic_backend_ops *ops;
};

#endif
