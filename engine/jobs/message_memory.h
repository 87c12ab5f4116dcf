/*
 * Remembers the results of records whose message will be delivered again.
 *
 * A message may have several records, and must be returned while any of them must be retried.
 * Settled records (stored, nothing to do, or rejected) are remembered here, so that the next
 * delivery repeats only the rest. The dead letter is sent once, when all records are settled, and
 * names all rejected ones. A message whose dead letter was sent is remembered too: if it is
 * delivered again, it only needs to be deleted.
 *
 * The table is limited in size (MESSAGE_MEMORY_BYTES, least recently used entries are evicted) and
 * exists only in memory: after a restart everything is done again, with the same result. Loop
 * thread.
 */
#ifndef THUMBWHEEL_MESSAGE_MEMORY_H
#define THUMBWHEEL_MESSAGE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "envelope.h"
#include "lru.h"

enum { MESSAGE_MEMORY_BYTES = 4 * 1024 * 1024, TALLY_DETAIL_MAX = 1024 };

struct record_tally { /* zeroed: nothing is settled */
    uint64_t settled[ENVELOPE_RECORDS_MAX / 64];
    uint64_t rejected[ENVELOPE_RECORDS_MAX / 64]; /* number of settled records that were rejected */
    const char *reason;                           /* reason of the first rejected record; static */
    char *detail;                                 /* details of all rejected records; malloc'd */
    bool dead;                                    /* the dead letter was sent */
};

void record_tally_clear(struct record_tally *tally);
bool record_tally_has(const struct record_tally *tally, size_t index);
/* Whether the first count records are all settled. */
bool record_tally_complete(const struct record_tally *tally, size_t count);
void record_tally_accept(struct record_tally *tally, size_t index);
/* count: number of records in the message; if there are several, the detail names the record. */
void record_tally_reject(struct record_tally *tally, size_t index, size_t count, const char *reason,
                         const char *detail);
/* "0,4": the positions of the rejected records, for free(); NULL: out of memory. */
char *record_tally_rejected(const struct record_tally *tally);

struct message_memory {
    struct lru messages;
};

void message_memory_init(struct message_memory *memory);
void message_memory_clear(struct message_memory *memory);
/* Moves the tally of a pipeline's message to *out; zeroed if there is none. */
void message_memory_recall(struct message_memory *memory, const char *pipeline, const char *id,
                           struct record_tally *out);
/* Moves the tally into the table. False: memory is short, and everything will be done again. */
bool message_memory_keep(struct message_memory *memory, const char *pipeline, const char *id,
                         struct record_tally *tally);

#endif
