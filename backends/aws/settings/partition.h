/* The partitions of AWS: groups of regions with their own accounts and DNS suffixes. Any thread. */
#ifndef THUMBWHEEL_AWS_PARTITION_H
#define THUMBWHEEL_AWS_PARTITION_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

enum {
    HOST_LABEL_MAX = 63, /* bytes (RFC 1035) */
    REGION_SIZE_MAX = HOST_LABEL_MAX + 1
};

struct partition {
    const char *name;             /* "aws-cn", as in ARNs */
    const char *prefix;           /* of the names of its regions */
    const char *suffix;           /* of its hosts */
    const char *dualstack_suffix; /* of hosts that have IPv6 addresses too */
};

/* That of a region; "aws" for names that no partition claims. */
const struct partition *partition_of(struct slice region);
/* The one at this place in the table, for searches; NULL after the last. */
const struct partition *partition_at(size_t index);

/* Whether it can stand between two dots of a host name: lower-case letters, digits, hyphens. */
bool is_host_label(struct slice text);
/* Whether it can be the name of a region, which becomes a label of host names. */
bool region_is_plain(struct slice region);

#endif
