/*
 * A fan-out: a bucket that notifies a topic, which delivers to queues, each with its dead-letter
 * queue. Pure data; strings and arrays are borrowed.
 */
#ifndef THUMBWHEEL_FANOUT_H
#define THUMBWHEEL_FANOUT_H

#include <stdbool.h>
#include <stddef.h>

struct fanout_queue {
    const char *name;
    const char *dead_letter_name; /* NULL: none */
    unsigned max_receives;        /* with a dead-letter queue */
    unsigned visibility_s;
    bool raw_delivery; /* without the SNS envelope */
};

struct fanout {
    const char *bucket;          /* created if it does not exist */
    const char *prefix, *suffix; /* of the notification's filter; NULL: none */
    const char *topic;           /* NULL: the bucket notifies its one queue directly */
    const struct fanout_queue *queues;
    size_t queue_count;
    const char *const *extra_buckets; /* more buckets to create, for outputs */
    size_t extra_bucket_count;
};

#endif
