/*
 * The signature of a message.
 *
 * Signing takes a part of a millisecond, too long for the loop, so it is a task of the message's
 * unit: the storage thread signs, and writes the signature into the copies, of which each has room
 * for it. On the way to queues that is right before their rows are written: so the order of the
 * messages is that of their units, and no message is there without its signature. What goes over
 * HTTP or by mail is sent when its unit is done.
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

/* Adds the task to the unit, before the messages. Takes the text, also on an error. The unit frees
 * it. ERR_MEMORY. */
int sns_signing_add(const struct sns_key *key, int version, struct bytes text,
                    struct storage_unit *unit, struct sns_signing **out);
/* Makes sure that the next place can be told. ERR_MEMORY. */
int sns_signing_reserve(struct sns_signing *signing);
/* Where SNS_SIGNATURE_LENGTH characters go; it must last until the unit is done. */
void sns_signing_place(struct sns_signing *signing, char *place);

#endif
