/* What a consumer counts: how its messages ended, and how long they took. Loop thread. */
#ifndef THUMBWHEEL_CONSUMER_STATS_H
#define THUMBWHEEL_CONSUMER_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "histogram.h"
#include "outcome.h"

/* There are fewer reasons than this; if not, the rest counts as "other". */
enum { OUTCOME_COUNTS_MAX = 64 };

/* How long a received message counts for the age of the oldest one, at least. */
enum { OLDEST_WINDOW_MS = 60000 };

struct outcome_count {
    enum outcome outcome;
    const char *reason; /* static; "" when acknowledged */
    uint64_t messages;
};

struct consumer_stats {
    uint64_t received; /* messages */
    /* The least SentTimestamp among the messages received in this window and in the one before;
     * Unix milliseconds, 0: none is known. */
    int64_t oldest_ms[2];
    uint64_t window_ms; /* uv_now when this window began */
    struct outcome_count outcomes[OUTCOME_COUNTS_MAX];
    size_t outcome_count;
    struct histogram event_to_stored;   /* seconds from the event's time, or else the message's
                                       * SentTimestamp, until all outputs of a photo are stored */
    struct histogram receipt_to_stored; /* seconds from the receipt of the message */
};

void consumer_stats_init(struct consumer_stats *stats);
/* The earlier of two times; 0: unknown, which is later than any other. */
int64_t sent_earlier(int64_t a_ms, int64_t b_ms);
/* A message was received. now_ms: uv_now; sent_ms: Unix milliseconds, 0: unknown. */
void consumer_stats_received(struct consumer_stats *stats, uint64_t now_ms, int64_t sent_ms);
/* The least SentTimestamp of the messages received within the last one to two windows; 0: none. */
int64_t consumer_stats_oldest_ms(const struct consumer_stats *stats, uint64_t now_ms);
/* A message has ended. */
void consumer_stats_settled(struct consumer_stats *stats, enum outcome outcome, const char *reason);
/* All outputs of a photo are stored. event_ms: Unix milliseconds, 0: unknown. */
void consumer_stats_stored(struct consumer_stats *stats, int64_t event_ms, double receipt_ms);

#endif
