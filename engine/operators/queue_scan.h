/*
 * Looks at every message of a queue once, and puts those back that its owner does not delete.
 *
 * SQS has no listing: to look at a message is to receive it, which hides it for a visibility
 * timeout and raises its receive count. So the scan receives until a long poll, which asks all of
 * the service's servers, returns nothing; keeps the receipt handles meanwhile; and in the end makes
 * the remaining messages visible again. A message that comes again (its timeout has ended, or the
 * service delivered it twice) is not shown to the owner a second time: what is to be deleted is
 * deleted with the new receipt handle. If nothing but such messages comes, the scan has seen all.
 *
 * Memory: the ids and receipt handles of at most QUEUE_SCAN_ITEMS_MAX messages, and the content of
 * those that the owner has taken, at most QUEUE_SCAN_BUSY_MAX and what the pending receives bring.
 *
 * A FIFO queue returns no further message of a group while one of them is in flight. There the scan
 * works on the messages of one receive at a time, in their order, and sees only the first messages
 * of each group, unless they are deleted.
 *
 * Loop thread. queue_scan_stop ends a scan early; what is pending is finished, and the messages are
 * put back.
 */
#ifndef THUMBWHEEL_QUEUE_SCAN_H
#define THUMBWHEEL_QUEUE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "error.h"
#include "queue_backend.h"

enum {
    QUEUE_SCAN_ITEMS_MAX = 120000, /* SQS's limit of messages in flight */
    QUEUE_SCAN_BUSY_MAX = 60,
};

struct queue_scan;
struct scan_item; /* one message that was seen */

enum scan_verdict {
    SCAN_HOLD,   /* it is put back in the end */
    SCAN_DELETE, /* it is deleted */
    SCAN_TAKE,   /* it is busy until queue_scan_delete or queue_scan_release */
};

/* Called once for each message, from the loop. It may take the message, and may stop the scan. */
typedef enum scan_verdict queue_scan_look(struct queue_message *message, struct scan_item *item,
                                          void *user);

struct queue_scan_options {
    uv_loop_t *loop;
    const struct queue_backend_ops *ops;
    struct queue *queue;
    unsigned visibility_s; /* how long the messages are hidden; see queue_scan_visibility */
    queue_scan_look *look;
    /* From a fresh callback, once it is done; it may free the scan. NULL: nobody is told. */
    void (*done)(void *user);
    void *user;
};

struct queue_scan_facts {
    size_t seen;      /* distinct messages */
    size_t deleted;   /* confirmed */
    size_t undeleted; /* the deletion failed: they are still in the queue */
    bool complete;    /* every message that was visible has been seen */
    struct error error;
};

/* Seconds that suffice to look at so many messages. */
unsigned queue_scan_visibility(uint64_t messages);

/* *options is copied. ERR_MEMORY. */
int queue_scan_start(const struct queue_scan_options *options, struct queue_scan **out);
void queue_scan_stop(struct queue_scan *scan);
/* Nothing is pending, and everything has been put back. */
bool queue_scan_is_done(void *scan);
const struct queue_scan_facts *queue_scan_facts(const struct queue_scan *scan);
/* Only when it is done; NULL does nothing. The loop must run once more. */
void queue_scan_free(struct queue_scan *scan);

/* The end of SCAN_TAKE. */
void queue_scan_delete(struct scan_item *item);
void queue_scan_release(struct scan_item *item);

#endif
