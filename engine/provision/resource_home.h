/* Where a queue, topic or event bus is that a pipeline names by its ARN, or by the URL of a queue. Any
 * thread. */
#ifndef THUMBWHEEL_RESOURCE_HOME_H
#define THUMBWHEEL_RESOURCE_HOME_H

#include <stdbool.h>

#include "provision_document.h"

struct resource_home {
    char partition[16], region[64], account[16];
    const char *name; /* a view into the text: what follows the account */
};

/* Reads arn:PARTITION:SERVICE:REGION:ACCOUNT:NAME, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, and
 * the older https://REGION.queue.amazonaws.com/…. false: it is a name, or a URL of another host,
 * which does not say where the queue is. */
bool resource_home_read(const char *text, struct resource_home *out);
/* Whether the resource is in the place's account and region. */
bool resource_home_is(const struct resource_home *home, const struct provision_place *place);

#endif
