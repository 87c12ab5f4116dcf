/*
 * The state of FIFO topics: the deduplication ids of the last five minutes, and the sequence
 * number.
 *
 * An id is stored in the same unit as its publication, so that a duplicate is recognised even after
 * a crash. Sequence numbers are derived from the clock in microseconds and always increase, so they
 * need no row. Source: "Message deduplication for FIFO topics" in the SNS Developer Guide. Loop
 * thread.
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

/* Whether a message with these ids was already published; then *entry describes it. */
bool topic_fifo_repeats(struct topic *topic, const char *group, const char *dedup,
                        struct topic_fifo_entry *entry);
/* Records entry->message with the ids and assigns its sequence number; adds the rows to the unit.
 * ERR_MEMORY: nothing was added. */
int topic_fifo_remember(struct topic *topic, const char *group, const char *dedup,
                        struct topic_fifo_entry *entry, struct storage_unit *unit);
void topic_fifo_free(struct topic_fifo *fifo); /* NULL: nothing */

/* Reads the stored ids into the topics, which must be loaded. */
int topic_fifo_load(struct topics *topics, struct storage *storage, struct error *error);

#endif
