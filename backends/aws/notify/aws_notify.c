#include <stdlib.h>

#include "container_of.h"
#include "notify_private.h"

struct aws_notice *aws_notice_new(notified *done, void *user)
{
    struct aws_notice *notice = calloc(1, sizeof *notice);
    if (notice)
        notice->seam = (struct notify_request){done, user};
    return notice;
}

void aws_notice_release(void *user)
{
    free(user);
}

void aws_notice_finish(struct aws_notice *notice, const struct error *error)
{
    const struct notify_request seam = notice->seam;
    free(notice);
    seam.done(error, seam.user);
}

static void cancel(struct notify_request *seam)
{
    aws_request_cancel(container_of(seam, struct aws_notice, seam)->request);
}

const struct notifier_ops aws_topic_ops = {.send = topic_notify, .cancel = cancel};
const struct notifier_ops aws_event_bus_ops = {.send = event_bus_notify, .cancel = cancel};
