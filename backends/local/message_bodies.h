/*
 * Bodies that stayed on the disk at start.
 *
 * Reading a million messages would mostly be reading bodies that nobody asks for soon. So a message
 * that was there before the start has its body and attributes read when it is first received; the
 * poll that gets it is answered a turn of the storage thread later. Loop thread.
 */
#ifndef THUMBWHEEL_MESSAGE_BODIES_H
#define THUMBWHEEL_MESSAGE_BODIES_H

#include <stdbool.h>
#include <stddef.h>

struct queue_delivery;
struct queue_poll;

bool bodies_missing(const struct queue_delivery *deliveries, size_t count);
/* Reads what is missing of messages that are held, and then answers the poll with all of them. A
 * poll that is cancelled meanwhile, or a body that cannot be read, makes them visible again.
 * ERR_MEMORY: nothing has begun. */
int bodies_read(struct queue_poll *poll, const struct queue_delivery *deliveries, size_t count);
void bodies_read_cancel(struct queue_poll *poll);

#endif
