/*
 * Pending deliveries of SNS: over HTTP, by mail, and to queues while the signing key does not exist
 * yet.
 *
 *   publish ──commit──► WAITING ──due──► SENDING ──taken──► row deleted
 *                          ▲                │ └─refused for good, or too often──► dead-letter queue
 *                          └──tried again───┘
 *
 * Each delivery has a row, so an acknowledged publication is delivered even if the process is
 * killed; at least once, since it may be killed between the subscriber's answer and the row's end.
 * Retries follow the delivery policy. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_SNS_OUTBOX_H
#define THUMBWHEEL_LOCAL_SNS_OUTBOX_H

#include <jansson.h>

#include "error.h"
#include "queues.h"
#include "sns_envelope.h"
#include "storage.h"
#include "topics.h"

struct cloud;
struct sns_outbox;

extern const char sns_outbox_schema[];

/* Reads what is left of an earlier run; blocking, before the loop runs. smtp: a URL, or NULL: mails
 * become files in the data directory's outbox. On an error too, *out (if not NULL) is to be closed.
 */
int sns_outbox_open(struct cloud *cloud, const char *smtp, struct sns_outbox **out,
                    struct error *error);
/* Sends no more; stopped comes when nothing is under way, which may be at once. */
void sns_outbox_stop(struct sns_outbox *outbox, void (*stopped)(void *user), void *user);
/* After storage has closed; closed (may be NULL) comes from the loop. */
void sns_outbox_close(struct sns_outbox *outbox, void (*closed)(void *user), void *user);

/* The content to send, borrowed: an envelope without its signature, and for a FIFO queue its ids.
 */
struct sns_delivery {
    const struct sns_envelope *envelope;
    const char *group, *dedup; /* NULL: none */
};

/* Adds the delivery's row to the unit; once that is stored, it is sent. ERR_MEMORY, ERR_LIMIT. */
int sns_outbox_add(struct sns_outbox *outbox, const struct subscription *s,
                   const struct sns_delivery *delivery, struct storage_unit *unit);

/* Whether deliveries to queues must take this way: the key is not there, or others wait still,
 * whose order would be lost. */
bool sns_outbox_takes_queues(const struct sns_outbox *outbox);

/* What did not reach its subscriber goes to the subscription's dead-letter queue: adds to the unit.
 * Without such a queue it is logged as lost. text is what would have been delivered, attributes
 * (NULL: none) its own. sent (may be NULL) is filled if it goes to a queue. */
int sns_dead_letter(struct cloud *cloud, struct subscription *s, struct slice text,
                    const char *attributes, const struct sns_delivery *delivery, const char *reason,
                    struct message_sent *sent, struct storage_unit *unit);

#endif
