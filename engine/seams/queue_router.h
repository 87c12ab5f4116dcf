/*
 * Several queue backends as one: the name of a queue says which of them it belongs to. Loop thread.
 *
 * An open queue is a pair of a backend and the queue that it has opened, so that every call after
 * the open goes to the right backend.
 */
#ifndef THUMBWHEEL_QUEUE_ROUTER_H
#define THUMBWHEEL_QUEUE_ROUTER_H

#include "queue_backend.h"

enum { QUEUE_ROUTES_MAX = 2 };

struct queue_route {
    struct queue_backend *backend;   /* borrowed */
    bool (*takes)(const char *name); /* NULL: all that no route before it takes */
};

struct queue_router;

/* The last route takes every name; compare: the seam's, for names of any backend. NULL: out of
 * memory. */
struct queue_router *queue_router_create(const struct queue_route *routes, size_t count,
                                         enum queue_relation (*compare)(const char *name,
                                                                        const char *other));
/* Before the backends are destroyed, and after its queues are closed; pending opens are cancelled.
 * NULL does nothing. */
void queue_router_destroy(struct queue_router *router);
struct queue_backend *queue_router_backend(struct queue_router *router); /* owned by it */

#endif
