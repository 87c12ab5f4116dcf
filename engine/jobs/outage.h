/*
 * Logs failures of a whole service instead of each queue: one line when the first queue of a
 * service cannot be opened or polled, and one when all queues can be used again. A service is the
 * host that requests are sent to. Loop thread.
 */
#ifndef THUMBWHEEL_OUTAGE_H
#define THUMBWHEEL_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct consumer;

struct outage {        /* state of a queue; zero: no outage */
    bool down;         /* its last open or receive failed with such an error */
    bool told;         /* the service's outage was logged */
    uint64_t since_ms; /* time of the log line; uv_now */
};

/* Whether an error concerns the whole service. */
bool outage_is_general(int code);
/* Records the result of an open or a receive. Returns true if the outage's log line covers it, so
 * that the caller need not log it. */
bool outage_observe(struct consumer *consumer, const struct error *error);
/* Call it when the consumer is retired: the service may be available for the remaining ones. */
void outage_leave(struct consumer *consumer);

#endif
