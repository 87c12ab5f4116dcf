/*
 * What FIFO topics remember: the deduplication ids of the last five minutes, and the sequence
 * number.
 *
 * An id is remembered with the publication that it came with, in the same unit, so that a repeat
 * after a crash is known as one. Sequence numbers grow with the clock, from microsecond to
 * microsecond at least by one, so they need no row of their own. Source: "Message deduplication for
 * FIFO topics" in the SNS Developer Guide. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_TOPIC_FIFO_H
#define THUMBWHEEL_LOCAL_TOPIC_FIFO_H

#include <stdint.h>

#include "storage.h"
#include "topics.h"
#include "uuid.h"

struct topic_fifo;

enum { TOPIC_SEQUENCE_SIZE = 21, TOPIC_FIFO_ID_MAX = 128 };

struct topic_fifo_entry {
    char message[UUID_TEXT_SIZE];
    char sequence[TOPIC_SEQUENCE_SIZE];
};

/* Whether a message with these ids was published already; then *entry is the one that it was. */
bool topic_fifo_repeats(struct topic *topic, const char *group, const char *dedup,
                        struct topic_fifo_entry *entry);
/* Remembers entry->message with the ids and gives it its sequence number; what has to be stored is
 * added to the unit. ERR_MEMORY: nothing was added. */
int topic_fifo_remember(struct topic *topic, const char *group, const char *dedup,
                        struct topic_fifo_entry *entry, struct storage_unit *unit);
void topic_fifo_free(struct topic_fifo *fifo); /* NULL: nothing */

/* Reads what was remembered, into the topics that are loaded already. */
int topic_fifo_load(struct topics *topics, struct storage *storage, struct error *error);

#endif
