/* Sets up a fan-out: idempotent. Loop thread. */
#ifndef THUMBWHEEL_PROVISION_H
#define THUMBWHEEL_PROVISION_H

#include "error.h"
#include "fanout.h"

struct aws;

typedef void aws_done(const struct error *error, void *user);

/* Creates buckets, DLQs, queues, topic, policies, subscriptions and the bucket's notification. The
 * error names the step that failed. *fanout is borrowed until the callback. */
int aws_provision(struct aws *aws, const struct fanout *fanout, aws_done *done, void *user);

#endif
