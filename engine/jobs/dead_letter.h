/* Sending a rejected message to its queue's dead-letter queue. Loop thread. */
#ifndef THUMBWHEEL_DEAD_LETTER_H
#define THUMBWHEEL_DEAD_LETTER_H

#include "consumer.h"
#include "queue_backend.h"

struct dead_letter { /* why; all borrowed */
    const char *reason;
    const char *detail;
    const char *records; /* "0,4": which of its Records; NULL: it has one */
};

/*
 * The body goes unchanged, with all of the message's own attributes, and beside them as many of
 * ours as there is room for, in this order: ThumbwheelReason, ThumbwheelRecords, ThumbwheelDetail,
 * ThumbwheelPipeline, ThumbwheelMessageId. Room is what SQS's ten attributes and the dead-letter
 * queue's MaximumMessageSize (which counts the names, types and values of attributes) leave; a
 * detail is cut to fit. ERR_LIMIT: the message does not fit even by itself; the redrive policy can
 * move it. The message is copied; user belongs to the callback.
 */
int dead_letter_send(struct consumer *consumer, const struct queue_message *message,
                     const struct dead_letter *why, queue_sent *done, void *user);

#endif
