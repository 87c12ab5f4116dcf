/* Sending a rejected message to its queue's dead-letter queue. Loop thread. */
#ifndef THUMBWHEEL_DEAD_LETTER_H
#define THUMBWHEEL_DEAD_LETTER_H

#include "lane.h"
#include "queue_backend.h"

/* The body goes unchanged, and the message's attributes as far as SQS's limit of ten leaves room
 * beside those that say why: ThumbwheelPipeline, ThumbwheelReason, ThumbwheelDetail,
 * ThumbwheelMessageId. The message is copied; user belongs to the callback. */
int dead_letter_send(struct lane *lane, const struct queue_message *message, const char *reason,
                     const char *detail, queue_sent *done, void *user);

#endif
