/* Between event_pattern.c, which reads patterns, and event_pattern_match.c. */
#ifndef THUMBWHEEL_LOCAL_EVENT_PATTERN_PRIVATE_H
#define THUMBWHEEL_LOCAL_EVENT_PATTERN_PRIVATE_H

#include "event_pattern.h"

struct event_pattern {
    json_t *root; /* checked: matching relies on its form */
};

struct event_network { /* a CIDR block */
    unsigned char address[16];
    size_t size; /* bytes of an address: 4 or 16 */
    unsigned bits;
};

/* "10.0.0.0/8", or an address alone, which is a network of one. */
bool event_network_read(const char *text, struct event_network *out);

#endif
