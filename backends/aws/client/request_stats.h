/*
 * What a client counts: its requests, by service and operation. Bounded: operations are names of the
 * program, and those beyond the limit count as "other". Loop thread.
 */
#ifndef THUMBWHEEL_AWS_REQUEST_STATS_H
#define THUMBWHEEL_AWS_REQUEST_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"

/* There are fewer operations than this. */
enum { REQUEST_COUNTS_MAX = 64 };

struct request_count {
    enum aws_service service;
    const char *operation; /* static */
    uint64_t requests;     /* sent, with repetitions */
    uint64_t retries;      /* repetitions */
    uint64_t throttled;    /* responses that say: too many requests */
};

struct request_stats {
    struct request_count counts[REQUEST_COUNTS_MAX];
    size_t count;
};

/* The entry of an operation, created when needed. operation: static. */
struct request_count *request_stats_of(struct request_stats *stats, enum aws_service service,
                                       const char *operation);

#endif
