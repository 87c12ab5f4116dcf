/*
 * What EventBridge keeps: named JSON documents. A change creates a new document. As with queues,
 * the state in memory is authoritative and the response is sent when the row is committed; a change
 * that cannot be stored is rolled back. Loop thread.
 */
#ifndef THUMBWHEEL_EVENTS_ITEMS_H
#define THUMBWHEEL_EVENTS_ITEMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "event_pattern.h"
#include "list.h"
#include "log.h"
#include "name_page.h"
#include "policy.h"

struct cloud;

struct events_content { /* what follows from a document */
    json_t *document;
    struct event_pattern *pattern; /* of a rule */
    struct policy *policy;         /* of a bus; NULL: none */
};

struct events_item {
    struct named named; /* the index's order */
    struct events_content content;
    bool stored;              /* once, at least */
    struct log_gate refusals; /* of deliveries */
    /* private */
    struct events_items *items;
    unsigned refs;       /* held by the index and by each pending storage task */
    struct list changes; /* being stored, oldest first */
    bool deleting, gone;
};

struct events_kind {
    const char *what;                             /* for messages: "event rule" */
    const char *put_sql, *delete_sql, *load_sql;  /* of name and document */
    int (*parse)(struct events_content *content); /* from its document: ERR_INVALID, ERR_MEMORY */
};

struct events_items {
    struct cloud *cloud;
    const struct events_kind *kind;
    struct name_index index;
};

/* Reads all rows; blocking, before the loop runs. Even after an error, call events_items_close. */
int events_items_open(struct events_items *items, struct cloud *cloud,
                      const struct events_kind *kind, struct error *error);
void events_items_close(struct events_items *items); /* call it after storage has closed */

/* NULL while it is being deleted. */
struct events_item *events_items_find(const struct events_items *items, const char *name);
/* Whether a name is in use, also by an item that is being created or deleted. */
bool events_items_has(const struct events_items *items, const char *name);
struct events_item *events_items_at(const struct events_items *items, size_t place);
bool events_item_shown(const struct events_item *item); /* it is not being deleted */

/* Creates an item that has no row. document is borrowed and has been checked. */
int events_items_add(struct events_items *items, const char *name, json_t *document,
                     struct events_item **out);

/* Called when a change is on the disk or was rolled back. */
typedef void events_written(int code, void *user);

/* Creates or replaces an item; document is borrowed and has been checked. ERR_MEMORY; ERR_CONFLICT
 * while it is being deleted; otherwise done will be called. */
int events_items_put(struct events_items *items, const char *name, json_t *document,
                     events_written *done, void *user);
int events_item_delete(struct events_item *item, events_written *done, void *user);

#endif
