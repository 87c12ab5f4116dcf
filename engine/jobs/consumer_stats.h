/* What a consumer counts: how its messages ended, and how long they took. Loop thread. */
#ifndef THUMBWHEEL_CONSUMER_STATS_H
#define THUMBWHEEL_CONSUMER_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "outcome.h"

/* There are fewer reasons than this; if not, the rest counts as "other". */
enum { OUTCOME_COUNTS_MAX = 64 };

struct outcome_count {
    enum outcome outcome;
    const char *reason; /* static; "" when acknowledged */
    uint64_t messages;
};

struct consumer_stats {
    uint64_t received; /* messages */
    struct outcome_count outcomes[OUTCOME_COUNTS_MAX];
    size_t outcome_count;
    struct histogram event_to_stored;   /* seconds from the event's time, or else the message's
                                       * SentTimestamp, until all outputs of a photo are stored */
    struct histogram receipt_to_stored; /* seconds from the receipt of the message */
};

void consumer_stats_init(struct consumer_stats *stats);
/* A message has ended. */
void consumer_stats_settled(struct consumer_stats *stats, enum outcome outcome, const char *reason);
/* All outputs of a photo are stored. event_ms: Unix milliseconds, 0: unknown. */
void consumer_stats_stored(struct consumer_stats *stats, int64_t event_ms, double receipt_ms);

#endif
