/* Parts of an ARN ("Amazon Resource Names", AWS General Reference):
 * arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE. Any thread. */
#ifndef THUMBWHEEL_LOCAL_RESOURCE_NAME_H
#define THUMBWHEEL_LOCAL_RESOURCE_NAME_H

#include <stdbool.h>

#include "bytes.h"

/* Borrowed; without data if it is no ARN. */
struct slice arn_region(const char *arn);

bool arn_is_in(const char *arn, const char *region);

/* The account; as above. Buckets have none. */
struct slice arn_account(const char *arn);

/* Where the resources of an account in one region are; borrowed. */
struct arn_home {
    const char *region, *account;
};

/* Whether two ARNs are of the same account and region. */
bool arn_same_home(const char *arn, const char *other);

#endif
