/*
 * Several queues at once: opens them and asks for their depths, with at most QUEUE_GROUP_AT_ONCE
 * requests pending. The callbacks record facts in the items; the owner waits until the group is
 * idle. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_GROUP_H
#define THUMBWHEEL_QUEUE_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "queue_backend.h"

enum { QUEUE_GROUP_AT_ONCE = 8 };

struct queue_group;

struct group_queue {
    char *name;          /* as given: a name, URL or ARN; NULL: not known yet, and left alone */
    struct queue *queue; /* NULL: not open */
    struct error error;  /* of the last request */
    bool depth_known;
    uint64_t visible, in_flight, delayed; /* messages, approximately */
    struct queue_group *group;
};

struct queue_group {
    struct queue_backend *backend;
    struct group_queue *items;
    size_t count;
    enum { GROUP_IDLE, GROUP_OPENING, GROUP_ASKING } work;
    size_t next, pending;
    /* When it has become idle, even before queue_group_open or queue_group_ask returns. NULL: nobody is
     * told. Set it after queue_group_init. */
    void (*idle)(struct queue_group *group);
};

/* Copies the names; NULL: queue_group_name follows. ERR_MEMORY. */
int queue_group_init(struct queue_group *group, struct queue_backend *backend,
                     const char *const *names, size_t count);
/* Of an item that has none; copied. ERR_MEMORY. */
int queue_group_name(struct queue_group *group, size_t index, const char *name);
/* Opens the queues that are not open. */
void queue_group_open(struct queue_group *group);
/* Asks for the depth of the open ones. */
void queue_group_ask(struct queue_group *group);
bool queue_group_is_idle(void *group);
/* Cancels what is pending and closes the queues; also if it was never initialised but zeroed. */
void queue_group_close(struct queue_group *group);

#endif
