/* The notifier seam over SNS and EventBridge. Loop thread. */
#ifndef THUMBWHEEL_AWS_NOTIFY_H
#define THUMBWHEEL_AWS_NOTIFY_H

#include "notifier.h"

/* Members of struct aws; their requests end with it. */
extern const struct notifier_ops aws_topic_ops, aws_event_bus_ops;

#endif
