/*
 * Failures that concern a service, not one of its queues: reported once for all queues of the
 * service, until all of them can be polled again. A service is the host in the queues' URLs. Loop
 * thread.
 */
#ifndef THUMBWHEEL_OUTAGE_H
#define THUMBWHEEL_OUTAGE_H

#include <stdbool.h>

#include "error.h"

struct lane;

struct outage { /* of one queue; zero: none */
    bool down;  /* the queue's last receive failed */
    bool told;  /* the service's outage was reported */
};

/* Whether an error says something about the whole service. */
bool outage_is_general(int code);
/* A receive of the lane failed with such an error. */
void outage_begin(struct lane *lane, const struct error *error);
/* A receive of the lane succeeded, or there will be no more. */
void outage_end(struct lane *lane);

#endif
