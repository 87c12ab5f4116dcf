/* Sending a rejected message to its queue's dead-letter queue. Loop thread. */
#ifndef THUMBWHEEL_DEAD_LETTER_H
#define THUMBWHEEL_DEAD_LETTER_H

#include <stdbool.h>

#include "consumer.h"
#include "queue_backend.h"

/* Whether the attribute is one of those that dead_letter_send adds. */
bool dead_letter_adds(const char *attribute);

struct dead_letter { /* reason; all borrowed */
    const char *reason;
    const char *detail;
    const char *records; /* "0,4": the rejected records; NULL: there is only one */
    const struct trace_context *trace;
};

/*
 * Sends the unchanged body with all of the message's own attributes, and as many of the following
 * as there is room for, in this order: ThumbwheelReason, ThumbwheelRecords, ThumbwheelDetail,
 * ThumbwheelPipeline, ThumbwheelMessageId. The room is limited to ten attributes and to the
 * dead-letter queue's MaximumMessageSize (which includes the names, types and values of
 * attributes); the detail is truncated to fit. ERR_LIMIT: the message alone does not fit; the
 * redrive policy can move it. The message is copied; user is passed to the callback.
 */
int dead_letter_send(struct consumer *consumer, const struct queue_message *message,
                     const struct dead_letter *why, queue_sent *done, void *user);

#endif
