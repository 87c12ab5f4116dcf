/*
 * A notification, from a topic to its subscribers.
 *
 * Each confirmed subscription whose filter lets it through gets it: a queue as a message in the
 * same unit, an envelope in JSON or, with raw delivery, the bare message and its attributes; what
 * goes over HTTP or by mail through the outbox (sns_outbox.h). Source: "Amazon SNS message
 * delivery" and "Amazon SNS raw message delivery" in the SNS Developer Guide. Loop thread.
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
    json_t *by_protocol;          /* texts that some protocols get in place of body; NULL: none */
    json_t *attributes;           /* see message_attributes.h; NULL: none */
    const char *group;            /* NULL: none */
    const char *dedup, *sequence; /* of a FIFO topic */
};

/* Adds what it needs to the unit. A queue that has vanished, whose policy refuses the topic, or
 * that the message is too large for: it goes to the subscription's dead-letter queue, or is logged.
 * ERR_MEMORY, ERR_LIMIT: nothing was added. */
int topic_publish(struct cloud *cloud, struct topic *topic,
                  const struct notification_message *message, struct storage_unit *unit);

/* The part of it that is for one queue. attributes: the stored form of the envelope's; NULL: made
 * when needed. */
int publish_to_queue(struct cloud *cloud, struct subscription *s, struct sns_envelope *envelope,
                     const struct sns_delivery *delivery, const char *attributes,
                     struct storage_unit *unit);

/* Undoes what was added to a unit that will not be submitted. */
void publish_discard(struct storage_unit *unit);
/* Submits a unit; done is called when all in it is, later. ERR_MEMORY: it is discarded, and done
 * will not be called. */
int publish_submit(struct storage *storage, struct storage_unit *unit,
                   void (*done)(int status, void *user), void *user);
/* Adds the tasks of `from`, which is empty afterwards, to the end of *unit. */
void publish_join(struct storage_unit *unit, struct storage_unit *from);

#endif
