/* A pending notification over a service of AWS. Loop thread. */
#ifndef THUMBWHEEL_AWS_NOTIFY_PRIVATE_H
#define THUMBWHEEL_AWS_NOTIFY_PRIVATE_H

#include "aws_notify.h"
#include "aws_request.h"

struct aws_notice {
    struct notify_request seam;
    struct aws_request *request;
};

struct aws_notice *aws_notice_new(notified *done, void *user);
/* For aws_call.release, with a struct aws_notice. */
void aws_notice_release(void *user);
/* Frees the request, then calls its callback. */
void aws_notice_finish(struct aws_notice *notice, const struct error *error);

int topic_notify(struct notifier *notifier, const struct notify_message *what, notified *done,
                 void *user, struct notify_request **out);
int event_bus_notify(struct notifier *notifier, const struct notify_message *what, notified *done,
                     void *user, struct notify_request **out);

#endif
