/*
 * Notifications by HTTP POST, signed as Standard Webhooks describes. No redirect is followed; only
 * a 2xx response counts, and within WEBHOOK_TIMEOUT_MS. The secret is read anew for each one, so
 * that it can be replaced without a restart. Loop thread.
 */
#ifndef THUMBWHEEL_WEBHOOK_NOTIFIER_H
#define THUMBWHEEL_WEBHOOK_NOTIFIER_H

#include <uv.h>

#include "http_client.h"
#include "list.h"
#include "notifier.h"

enum { WEBHOOK_TIMEOUT_MS = 20000, WEBHOOK_RESPONSE_MAX = 64 * 1024 };

struct webhook_notifier {
    struct notifier notifier;
    uv_loop_t *loop;
    struct http_client *http; /* borrowed */
    struct list requests;
};

void webhook_notifier_init(struct webhook_notifier *webhooks, uv_loop_t *loop,
                           struct http_client *http);
/* Cancels what is pending; the loop must run once more. */
void webhook_notifier_close(struct webhook_notifier *webhooks);

#endif
