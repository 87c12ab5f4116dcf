/*
 * Notifications as messages in a queue. Each queue is opened once and stays open. Loop thread.
 */
#ifndef THUMBWHEEL_QUEUE_NOTIFIER_H
#define THUMBWHEEL_QUEUE_NOTIFIER_H

#include "list.h"
#include "notifier.h"
#include "queue_backend.h"

struct queue_notifier {
    struct notifier notifier;
    struct queue_backend *queues; /* borrowed */
    struct list targets;
};

void queue_notifier_init(struct queue_notifier *notifier, struct queue_backend *queues);
/* Cancels what is pending and closes the queues; before the backend is closed. */
void queue_notifier_close(struct queue_notifier *notifier);

#endif
