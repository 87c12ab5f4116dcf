/* A pending notification over a service of AWS. Loop thread. */
#ifndef THUMBWHEEL_AWS_NOTIFY_PRIVATE_H
#define THUMBWHEEL_AWS_NOTIFY_PRIVATE_H

#include "aws_notify.h"
#include "aws_request.h"

struct notify_request {
    struct aws_request *request;
    notified *done;
    void *user;
};

struct notify_request *notify_request_new(notified *done, void *user);
/* For aws_call.release, with a struct notify_request. */
void notify_request_release(void *user);
/* Frees the request, then calls its callback. */
void notify_request_finish(struct notify_request *request, const struct error *error);

int topic_notify(struct notifier *notifier, const struct notify_message *what, notified *done,
                 void *user, struct notify_request **out);
int event_bus_notify(struct notifier *notifier, const struct notify_message *what, notified *done,
                     void *user, struct notify_request **out);

#endif
