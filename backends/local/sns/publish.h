/*
 * Sends a notification from a topic to its subscribers.
 *
 * Each confirmed subscription whose filter accepts the message receives it: queues as a message in
 * the same unit (a JSON envelope or, with raw delivery, the bare message and its attributes), HTTP
 * and mail endpoints through the outbox (sns_outbox.h). Source: "Amazon SNS message delivery" and
 * "Amazon SNS raw message delivery" in the SNS Developer Guide. Loop thread.
 */
#ifndef THUMBWHEEL_PUBLISH_H
#define THUMBWHEEL_PUBLISH_H

#include <jansson.h>

#include "bytes.h"
#include "sns_outbox.h"
#include "storage.h"
#include "topics.h"
#include "uuid.h"

struct cloud;

struct notification_message { /* borrowed */
    char id[UUID_TEXT_SIZE];
    struct slice subject; /* data NULL: none */
    struct slice body;
    json_t *by_protocol;          /* replacements of body for some protocols; NULL: none */
    json_t *attributes;           /* see message_attributes.h; NULL: none */
    const char *group;            /* NULL: none */
    const char *dedup, *sequence; /* of a FIFO topic */
};

/* Adds the notification's tasks to the unit. If a queue does not exist, its policy refuses the
 * topic, or the message is too large for it, the message goes to the subscription's dead-letter
 * queue or is logged. ERR_MEMORY, ERR_LIMIT: nothing was added. */
int topic_publish(struct cloud *cloud, struct topic *topic,
                  const struct notification_message *message, struct storage_unit *unit);

/* The part for one queue. attributes: the stored form of the envelope's attributes; NULL: created
 * when needed. */
int publish_to_queue(struct cloud *cloud, struct subscription *s, struct sns_envelope *envelope,
                     const struct sns_delivery *delivery, const char *attributes,
                     struct storage_unit *unit);

/* Undoes the additions to a unit that will not be submitted. */
void publish_discard(struct storage_unit *unit);
/* Submits a unit; done is called later, when all of its tasks are done. ERR_MEMORY: the unit is
 * discarded, and done will not be called. */
int publish_submit(struct storage *storage, struct storage_unit *unit,
                   void (*done)(int code, void *user), void *user);
/* Adds the tasks of `from`, which is empty afterwards, to the end of *unit. */
void publish_join(struct storage_unit *unit, struct storage_unit *from);

#endif
