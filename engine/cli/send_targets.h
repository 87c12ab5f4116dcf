/* The queues and topics that send and backfill send to. */
#ifndef THUMBWHEEL_SEND_TARGETS_H
#define THUMBWHEEL_SEND_TARGETS_H

#include "message_sender.h"
#include "pipeline_set.h"
#include "service.h"

struct send_targets { /* zeroed: none */
    struct send_target *items;
    /* items[i] is the queue of the pipeline pipelines->items[i]; NULL: it is what the user named. */
    const struct pipeline_set *pipelines;
    size_t count;
};

/* Whether the user named a queue or a topic. */
bool send_targets_named(const struct config *config);
/* ERR_INVALID: both a queue and a topic, or what is not one. Before anything is opened. */
int send_targets_check(const struct assembly *assembly, const struct config *config,
                       struct error *error);
/* Opens the queue that the user named, or else those of all pipelines, and waits for them. Also
 * checks what FIFO queues need. Close the targets in any case. */
int send_targets_open(struct send_targets *targets, struct service *service,
                      const struct pipeline_set *pipelines, struct error *error);
void send_targets_close(struct send_targets *targets);

#endif
