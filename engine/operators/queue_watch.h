/*
 * The queues of pipelines and their dead-letter queues, for a process that watches them for long.
 *
 * Each look asks for all depths. A queue that is not open is opened first, and again at each look
 * while that fails; a dead-letter queue is known once the queue that names it is open. The queues
 * stay open, so that others may work on them meanwhile. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_WATCH_H
#define THUMBWHEEL_QUEUE_WATCH_H

#include <stddef.h>
#include <uv.h>

#include "error.h"
#include "queue_group.h"

struct queue_watch;

struct queue_watch_pipeline { /* copied */
    const char *name;
    const char *queue; /* name, URL or ARN */
};

/* ERR_MEMORY. */
int queue_watch_open(uv_loop_t *loop, struct queue_backend *backend,
                     const struct queue_watch_pipeline *pipelines, size_t count,
                     struct queue_watch **out);
/* `looked` is called from a fresh callback. ERR_BUSY: a look is under way. */
int queue_watch_look(struct queue_watch *watch, void (*looked)(void *user), void *user);
/* `looked` will not be called. closed: from the loop, after the memory is freed. */
void queue_watch_close(struct queue_watch *watch, void (*closed)(void *user), void *user);

size_t queue_watch_count(const struct queue_watch *watch); /* of the pipelines */
const char *queue_watch_name(const struct queue_watch *watch, size_t index);
const struct group_queue *queue_watch_source(const struct queue_watch *watch, size_t index);
/* NULL: the queue has none, or is not open. Several pipelines may have the same one. */
const struct group_queue *queue_watch_letters(const struct queue_watch *watch, size_t index);

#endif
