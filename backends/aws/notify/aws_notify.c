#include <stdlib.h>

#include "notify_private.h"

struct notify_request *notify_request_new(notified *done, void *user)
{
    struct notify_request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->done = done;
    request->user = user;
    return request;
}

void notify_request_release(void *user)
{
    free(user);
}

void notify_request_finish(struct notify_request *request, const struct error *error)
{
    notified *done = request->done;
    void *user = request->user;
    free(request);
    done(error, user);
}

static void cancel(struct notify_request *request)
{
    aws_request_cancel(request->request);
}

const struct notifier_ops aws_topic_ops = {.send = topic_notify, .cancel = cancel};
const struct notifier_ops aws_event_bus_ops = {.send = event_bus_notify, .cancel = cancel};
