/*
 * Pending deliveries of SNS: over HTTP, by mail, and to queues while the signing key does not exist
 * yet.
 *
 *   publish ──commit──► WAITING ──due──► SENDING ──taken──► row deleted
 *                          ▲                │ └─refused for good, or too often──► dead-letter queue
 *                          └──tried again───┘
 *
 * Each delivery has a row, so an acknowledged publication is delivered even if the process is
 * killed. Delivery is at least once, because the process may be killed between the subscriber's
 * response and the deletion of the row. Retries follow the delivery policy. Loop thread.
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

/* Reads the deliveries left by an earlier run; blocking, before the loop runs. smtp: a URL, or
 * NULL: mails become files in the data directory's outbox. Even after an error, *out must be closed
 * unless it is NULL.
 */
int sns_outbox_open(struct cloud *cloud, const char *smtp, struct sns_outbox **out,
                    struct error *error);
/* Stops sending; stopped is called when nothing is pending, possibly at once. */
void sns_outbox_stop(struct sns_outbox *outbox, void (*stopped)(void *user), void *user);
/* Call it after storage has closed; closed (may be NULL) is called from the loop. */
void sns_outbox_close(struct sns_outbox *outbox, void (*closed)(void *user), void *user);

/* The content to send, borrowed: an envelope without a signature and, for a FIFO queue, its ids.
 */
struct sns_delivery {
    const struct sns_envelope *envelope;
    const char *group, *dedup; /* NULL: none */
};

/* Adds the delivery's row to the unit; once that is stored, it is sent. ERR_MEMORY, ERR_LIMIT. */
int sns_outbox_add(struct sns_outbox *outbox, const struct subscription *s,
                   const struct sns_delivery *delivery, struct storage_unit *unit);

/* Whether deliveries to queues must use the outbox: the key is not ready, or earlier ones still
 * wait and must stay in order. */
bool sns_outbox_takes_queues(const struct sns_outbox *outbox);

/* Adds an undeliverable message to the unit, for the subscription's dead-letter queue. Without such
 * a queue it is logged as lost. text is what would have been delivered, with its attributes (NULL:
 * none). sent (may be NULL) is set if it goes to a queue. */
int sns_dead_letter(struct cloud *cloud, struct subscription *s, struct slice text,
                    const char *attributes, const struct sns_delivery *delivery, const char *reason,
                    struct message_sent *sent, struct storage_unit *unit);

#endif
