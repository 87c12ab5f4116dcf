/*
 * Failures that concern a service, not one of its queues: a line when the first queue of a service
 * cannot be opened or polled, and a line when all of them can. A service is the host that its
 * queues' requests are sent to. Loop thread.
 */
#ifndef THUMBWHEEL_OUTAGE_H
#define THUMBWHEEL_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct consumer;

struct outage {        /* of one queue; zero: none */
    bool down;         /* its last open or receive failed in this way */
    bool told;         /* the service's outage was reported */
    uint64_t since_ms; /* when it was; uv_now */
};

/* Whether an error says something about the whole service. */
bool outage_is_general(int code);
/* How an open or a receive of the consumer ended. Returns whether the outage's own line is all that is
 * to be said about it. */
bool outage_observe(struct consumer *consumer, const struct error *error);
/* The consumer is retired: the service may be available to those that are left. */
void outage_leave(struct consumer *consumer);

#endif
