/*
 * Seam: what queues need in a message broker. Owned by engine/provision; backends/rabbitmq
 * implements it. Pure; any thread.
 *
 * The broker's part of a plan is made by the backend, as resources with their attributes. The engine
 * compares, shows and counts them like all others.
 */
#ifndef THUMBWHEEL_PROVISION_BROKER_H
#define THUMBWHEEL_PROVISION_BROKER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "provision_plan.h"

struct provision_broker_wish { /* borrowed */
    const char *exchange;      /* to which events are published; its name is their routing key */
    const char *const *queues; /* addresses; each gets every event */
    size_t queue_count;
    const char *const *notified; /* addresses of queues that the engine sends to */
    size_t notified_count;
    unsigned max_receives; /* before a message goes to the dead-letter queue */
};

struct provision_broker_item {
    enum provision_kind kind; /* one of a broker's */
    const char *name;         /* copied */
    size_t on, to;            /* of items that were added, or PROVISION_NONE */
    json_t *attributes;       /* taken, also on failure; NULL: out of memory */
};

/* Returns the item's index. The first lack of memory is kept by the plan. */
typedef size_t provision_broker_add(void *plan, const struct provision_broker_item *item);

struct provision_broker {
    /* Whether the text names a queue in such a broker. */
    bool (*is_address)(const char *queue);
    /* ERR_INVALID: the text says what to change: an address is wrong, or the queues are in different
     * brokers. */
    int (*plan)(const struct provision_broker_wish *wish, provision_broker_add *add, void *plan,
                struct error *error);
    /* The broker of a queue's address, "amqp://USER@HOST:PORT/VHOST", for free(); NULL: out of
     * memory. */
    char *(*publish_address)(const char *queue);
    /* Checks such an address. ERR_INVALID: the text says why, and repeats no password. */
    int (*publish_check)(const char *address, struct error *error);
};

/* How the broker's management is reached. Strings are borrowed. */
struct provision_broker_access {
    const char *api; /* http://[USER@]HOST[:PORT]; NULL: at the first host of the plan's queues */
    const char *password_file; /* NULL: the password is the broker's default */
};

#endif
