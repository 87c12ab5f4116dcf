/*
 * A notification, from a topic to its subscribers' queues.
 *
 * By default a queue gets an envelope in JSON, with raw delivery the bare message and its
 * attributes. The envelope has no Signature and no SigningCertURL: those would have to be made with
 * a certificate that Amazon SNS vouches for. Source: "HTTP/HTTPS notification JSON format" and
 * "Amazon SNS raw message delivery" in the SNS Developer Guide. Loop thread.
 */
#ifndef THUMBWHEEL_PUBLISH_H
#define THUMBWHEEL_PUBLISH_H

#include <jansson.h>

#include "bytes.h"
#include "storage.h"
#include "topics.h"
#include "uuid.h"

struct cloud;

struct notification_message { /* borrowed */
    char id[UUID_TEXT_SIZE];
    struct slice subject; /* data NULL: none */
    struct slice body;
    json_t *attributes; /* see message_attributes.h; NULL: none */
};

/* Adds a task to the unit for each subscription whose queue is there; one that has vanished, whose
 * policy refuses the topic, or that the message is too large for, is logged. ERR_MEMORY, ERR_LIMIT: nothing was added. */
int topic_publish(struct cloud *cloud, struct topic *topic,
                  const struct notification_message *message, struct storage_unit *unit);

/* Undoes what was added to a unit that will not be submitted. */
void publish_discard(struct storage_unit *unit);
/* Adds the tasks of `from`, which is empty afterwards, to the end of *unit. */
void publish_join(struct storage_unit *unit, struct storage_unit *from);

#endif
