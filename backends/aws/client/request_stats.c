#include "request_stats.h"

#include <string.h>

static const char other[] = "other";

struct request_count *request_stats_of(struct request_stats *stats, enum aws_service service,
                                       const char *operation)
{
    for (size_t i = 0; i < stats->count; i++) {
        struct request_count *count = &stats->counts[i];
        if (count->service == service && strcmp(count->operation, operation) == 0)
            return count;
    }
    if (stats->count == REQUEST_COUNTS_MAX)
        return &stats->counts[REQUEST_COUNTS_MAX - 1];
    struct request_count *count = &stats->counts[stats->count++];
    *count = (struct request_count){.service = service, .operation = operation};
    if (stats->count == REQUEST_COUNTS_MAX)
        count->operation = other;
    return count;
}
