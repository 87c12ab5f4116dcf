/* Shared by event_pattern.c, which reads patterns, and event_pattern_match.c. */
#ifndef THUMBWHEEL_LOCAL_EVENT_PATTERN_PRIVATE_H
#define THUMBWHEEL_LOCAL_EVENT_PATTERN_PRIVATE_H

#include "event_pattern.h"

struct event_pattern {
    json_t *root; /* validated: matching relies on its form */
};

#endif
