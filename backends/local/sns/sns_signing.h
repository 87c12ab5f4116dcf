/*
 * The signature of a message.
 *
 * Signing takes a fraction of a millisecond, too long for the loop, so it is a task of the
 * message's unit: the storage thread signs, and writes the signature into the copies, each of which
 * has room for it. For queues, this is done right before their rows are written, so the messages
 * keep the order of their units, and none is visible without its signature. HTTP and mail
 * deliveries are sent when their unit is done.
 *
 *   unit: signing ──► rows of queue 1 ──► rows of queue 2 …
 *   unit: signing ──► the attempt of one delivery (sns_senders.c)
 *
 * Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_SIGNING_H
#define THUMBWHEEL_LOCAL_SNS_SIGNING_H

#include "bytes.h"
#include "sns_key.h"
#include "storage.h"

struct sns_signing;

/* Adds the task to the unit, before the messages. Takes the text, even on an error. The unit frees
 * it. ERR_MEMORY. */
int sns_signing_add(const struct sns_key *key, int version, struct bytes text,
                    struct storage_unit *unit, struct sns_signing **out);
/* Reserves memory for the next place. ERR_MEMORY. */
int sns_signing_reserve(struct sns_signing *signing);
/* Adds a place for SNS_SIGNATURE_LENGTH characters; it must be valid until the unit is done. NULL:
 * does nothing. */
void sns_signing_place(struct sns_signing *signing, char *place);

#endif
