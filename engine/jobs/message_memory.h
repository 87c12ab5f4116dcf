/*
 * What came of the records of messages that will come back.
 *
 * A message may hold several records, and must be kept as long as one of them is to be tried again.
 * Those that are settled (stored, nothing to do, or hopeless) are remembered here, so that the next
 * delivery repeats only the rest; the dead letter goes out once, when all are settled, and names
 * all that were rejected. A message whose dead letter was sent is remembered too: should it come
 * once more, there is nothing left to do.
 *
 * Bounded (MESSAGE_MEMORY_BYTES, least recently used out), and gone with the process: then
 * everything is done again, with the same bytes. Loop thread.
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
    uint64_t rejected[ENVELOPE_RECORDS_MAX / 64]; /* among the settled */
    const char *reason;                           /* of the first that was rejected; static */
    char *detail;                                 /* of all of them; malloc'd */
    bool dead;                                    /* the dead letter was sent */
};

void record_tally_clear(struct record_tally *tally);
bool record_tally_has(const struct record_tally *tally, size_t index);
/* All of the first count records. */
bool record_tally_complete(const struct record_tally *tally, size_t count);
void record_tally_accept(struct record_tally *tally, size_t index);
/* count: of the message's records; with more than one the detail tells them apart. */
void record_tally_reject(struct record_tally *tally, size_t index, size_t count, const char *reason,
                         const char *detail);
/* "0,4": the positions of the rejected ones, for free(); NULL: out of memory. */
char *record_tally_rejected(const struct record_tally *tally);

struct message_memory {
    struct lru messages;
};

void message_memory_init(struct message_memory *memory);
void message_memory_clear(struct message_memory *memory);
/* Moves out what is known of a pipeline's message; *out is zeroed where nothing is. */
void message_memory_recall(struct message_memory *memory, const char *pipeline, const char *id,
                           struct record_tally *out);
/* Moves it in. False: there is no memory for it, and everything will be done again. */
bool message_memory_keep(struct message_memory *memory, const char *pipeline, const char *id,
                         struct record_tally *tally);

#endif
