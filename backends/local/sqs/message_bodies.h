/*
 * Bodies that were not loaded at start.
 *
 * Loading a million messages at startup would mostly read bodies that are not needed soon. So the
 * body and attributes of a message from before the start are read when it is first received; the
 * response to that poll waits for the storage thread. Loop thread.
 */
#ifndef THUMBWHEEL_MESSAGE_BODIES_H
#define THUMBWHEEL_MESSAGE_BODIES_H

#include <stdbool.h>
#include <stddef.h>

struct queue_delivery;
struct queue_poll;

bool bodies_missing(const struct queue_delivery *deliveries, size_t count);
/* Reads the missing bodies of pending messages, and then responds to the poll with all of them. If
 * the poll is cancelled or a body cannot be read, they become visible again. ERR_MEMORY: nothing
 * was started. */
int bodies_read(struct queue_poll *poll, const struct queue_delivery *deliveries, size_t count);
void bodies_read_cancel(struct queue_poll *poll);

#endif
