/* The parts of an Amazon Resource Name, arn:partition:service:region:account:resource. Any thread.
 */
#ifndef THUMBWHEEL_AWS_ARN_H
#define THUMBWHEEL_AWS_ARN_H

#include "bytes.h"

enum arn_part { ARN_PARTITION = 1, ARN_SERVICE, ARN_REGION, ARN_ACCOUNT, ARN_RESOURCE };

/* A view into arn; empty when that part is missing. The resource is the remainder, including its
 * colons. */
struct slice arn_part(const char *arn, enum arn_part part);

#endif
