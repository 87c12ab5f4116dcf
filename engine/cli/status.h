/* What `thumbwheel status` knows and prints. Main thread. */
#ifndef THUMBWHEEL_STATUS_H
#define THUMBWHEEL_STATUS_H

#include <stdbool.h>
#include <stdio.h>

#include "engine_probe.h"
#include "pipeline_queues.h"

struct status {
    struct service service;
    struct pipeline_set pipelines;
    struct pipeline_queues queues;
    bool probes; /* an engine is asked */
    struct engine_probe probe;
    struct engine_facts before; /* of the last round, for rates */
    bool shown, well;           /* of the last round that was shown */
};

/* What a row needs attention for; NULL: nothing. Static. */
const char *status_problem(const struct status *status, size_t pipeline);
bool status_is_well(const struct status *status);

/* ERR_MEMORY, ERR_IO. */
int status_print(const struct status *status, FILE *out, size_t columns, bool colour);
int status_print_json(const struct status *status, FILE *out);

#endif
