/*
 * What a queue's new attributes mean for the messages that it holds: when each ends, and until when
 * it is delayed.
 *
 * There may be a million of them, so the change is answered without them, and they are looked at
 * afterwards, a step in a turn of the loop; what is settled meanwhile is so by the new attributes.
 * SQS takes up to 15 minutes for that (SetQueueAttributes, SQS API Reference), this some seconds
 * for a million. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_REVIEW_H
#define THUMBWHEEL_QUEUE_REVIEW_H

#include <stdbool.h>

#include "deadlines.h"

struct queues;

struct queue_review {
    struct deadline step;
    size_t at; /* chain of the table of messages */
    bool running, again;
};

void review_open(struct queues *queues);
/* All messages of all queues; also if a review is under way, which may be past them. */
void review_start(struct queues *queues);

#endif
