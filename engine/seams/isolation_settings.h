/* The settings of the decoder processes. */
#ifndef THUMBWHEEL_ISOLATION_SETTINGS_H
#define THUMBWHEEL_ISOLATION_SETTINGS_H

#include <stdint.h>

struct isolation_settings {
    unsigned timeout_ms; /* for one image, in elapsed and in CPU time */
    uint64_t memory;     /* limit of one process, in bytes */
};

#endif
