/*
 * Applies a queue's new attributes to its messages: their retention and delay.
 *
 * There may be a million of them, so the response does not wait: they are updated afterwards, one
 * step per turn of the loop, and messages settled meanwhile already use the new attributes. SQS
 * takes up to 15 minutes for this (SetQueueAttributes, SQS API Reference); here it takes some
 * seconds for a million. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_REVIEW_H
#define THUMBWHEEL_QUEUE_REVIEW_H

#include <stdbool.h>

#include "deadlines.h"

struct queues;

struct queue_review {
    struct deadline step;
    size_t at; /* current chain of the message table */
    bool running, again;
};

void review_open(struct queues *queues);
/* Reviews all messages of all queues; restarts a running review, which may already be past some. */
void review_start(struct queues *queues);

#endif
