#include "consumer_stats.h"

#include <string.h>

#include "wall_clock.h"

void consumer_stats_init(struct consumer_stats *stats)
{
    *stats = (struct consumer_stats){0};
    histogram_of_waits(&stats->event_to_stored);
    histogram_of_waits(&stats->receipt_to_stored);
}

static struct outcome_count *count_of(struct consumer_stats *stats, enum outcome outcome,
                                      const char *reason)
{
    for (size_t i = 0; i < stats->outcome_count; i++) {
        struct outcome_count *count = &stats->outcomes[i];
        if (count->outcome == outcome && strcmp(count->reason, reason) == 0)
            return count;
    }
    if (stats->outcome_count == OUTCOME_COUNTS_MAX)
        return NULL;
    struct outcome_count *added = &stats->outcomes[stats->outcome_count++];
    *added = (struct outcome_count){.outcome = outcome, .reason = reason};
    if (stats->outcome_count == OUTCOME_COUNTS_MAX)
        added->reason = "other";
    return added;
}

int64_t sent_earlier(int64_t a_ms, int64_t b_ms)
{
    return !a_ms || (b_ms && b_ms < a_ms) ? b_ms : a_ms;
}

void consumer_stats_received(struct consumer_stats *stats, uint64_t now_ms, int64_t sent_ms)
{
    const uint64_t windows = (now_ms - stats->window_ms) / OLDEST_WINDOW_MS;
    stats->received++;
    if (windows) {
        stats->oldest_ms[1] = windows == 1 ? stats->oldest_ms[0] : 0;
        stats->oldest_ms[0] = 0;
        stats->window_ms += windows * OLDEST_WINDOW_MS;
    }
    stats->oldest_ms[0] = sent_earlier(stats->oldest_ms[0], sent_ms);
}

int64_t consumer_stats_oldest_ms(const struct consumer_stats *stats, uint64_t now_ms)
{
    switch ((now_ms - stats->window_ms) / OLDEST_WINDOW_MS) {
    case 0:
        return sent_earlier(stats->oldest_ms[0], stats->oldest_ms[1]);
    case 1:
        return stats->oldest_ms[0];
    default:
        return 0;
    }
}

void consumer_stats_settled(struct consumer_stats *stats, enum outcome outcome, const char *reason)
{
    struct outcome_count *count = count_of(stats, outcome, reason);
    if (!count)
        count = &stats->outcomes[OUTCOME_COUNTS_MAX - 1];
    count->messages++;
}

void consumer_stats_stored(struct consumer_stats *stats, int64_t event_ms, double receipt_ms)
{
    histogram_observe(&stats->receipt_to_stored, receipt_ms / 1000);
    if (event_ms)
        histogram_observe(&stats->event_to_stored, (double)(wall_clock_ms() - event_ms) / 1000);
}
