/*
 * Removes the payloads of messages whose body was in S3 (the extended client's pointer).
 *
 * A payload is removed only after the service has confirmed that its message is deleted, which
 * happens only after the outputs are stored; a dead letter keeps its payload. If the removal fails,
 * the object stays, which costs storage and nothing else. Several queues may have messages that
 * point to one payload, so this is done only if the user says that none do. Loop thread.
 */
#ifndef THUMBWHEEL_PAYLOAD_CLEANUP_H
#define THUMBWHEEL_PAYLOAD_CLEANUP_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "list.h"
#include "log.h"
#include "object_store.h"

struct payload_cleanup {
    uv_loop_t *loop;
    struct object_store *store;
    struct list pending; /* removals whose request is pending */
    size_t count;        /* of them */
    void (*ended)(void *user);
    void *user;
    struct log_gate failures;
};

struct payload_removal;

void payload_cleanup_init(struct payload_cleanup *cleanup, uv_loop_t *loop,
                          struct object_store *store, void (*ended)(void *user), void *user);
/* Cancels pending removals. */
void payload_cleanup_close(struct payload_cleanup *cleanup);

/* NULL: out of memory; the payload stays. */
struct payload_removal *payload_removal_new(struct payload_cleanup *cleanup, const char *bucket,
                                            const char *key);
/* Takes the removal (a lease_gone). deleted: the message is; otherwise the payload stays. */
void payload_removal_end(void *removal, bool deleted);

#endif
