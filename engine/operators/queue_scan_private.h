/*
 * Shared by the parts of a scan. One function, queue_scan_update, decides what happens next from
 * what the callbacks have recorded: it receives (queue_scan_receive.c), deletes and puts back
 * (queue_scan_settle.c). Each item is in the list of its state. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_SCAN_PRIVATE_H
#define THUMBWHEEL_QUEUE_SCAN_PRIVATE_H

#include "id_table.h"
#include "list.h"
#include "queue_scan.h"

enum scan_item_state {
    ITEM_HELD,      /* to be put back */
    ITEM_BUSY,      /* its owner works on it */
    ITEM_DELETABLE, /* in the next batch */
    ITEM_DELETING,
    ITEM_DELETED,   /* confirmed */
    ITEM_UNDELETED, /* the deletion failed */
    ITEM_RETURNED,
};

struct scan_item {
    struct id_entry entry; /* in scan->table */
    struct list link;      /* in the list of its state */
    struct queue_scan *scan;
    enum scan_item_state state;
    bool renewed; /* it came again while it was being deleted */
    uint64_t received_ms;
    char *receipt;
    char id[];
};

struct queue_scan {
    struct queue_scan_options options;
    struct queue_scan_facts facts;
    uv_timer_t timer; /* a retry, or an update from a fresh callback */
    struct id_table table;
    struct list held, busy, deletable;
    struct list settled; /* all other states */
    size_t busy_count, deletable_count, deleting, receiving, returning;
    unsigned full, stale, failures;
    bool ended;   /* no further receives */
    bool waiting; /* for the next attempt to receive */
    bool done;
};

void queue_scan_update(struct queue_scan *scan);
/* The scan ends early. */
void queue_scan_fail(struct queue_scan *scan, int code, const char *what);

/* The one place that changes the state of an item; the counts follow from it. */
void scan_item_set(struct scan_item *item, enum scan_item_state state);
/* NULL: there is none; it could not be added. */
struct scan_item *scan_item_find(const struct queue_scan *scan, const char *id);
struct scan_item *scan_item_add(struct queue_scan *scan, const struct queue_message *message);

/* Begin as much as their limits allow. */
void queue_scan_receive_some(struct queue_scan *scan);
void queue_scan_delete_some(struct queue_scan *scan);
void queue_scan_return_some(struct queue_scan *scan);

#endif
