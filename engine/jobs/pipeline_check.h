/*
 * What pipelines must be, together and for the process that works with them. The one place that
 * decides it: `check` reports what it finds, `run` and every reload refuse what it finds.
 */
#ifndef THUMBWHEEL_PIPELINE_CHECK_H
#define THUMBWHEEL_PIPELINE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline.h"
#include "problems.h"
#include "queue_backend.h"

struct pipeline_rules {
    const struct pipeline_ops *ops;
    bool labeler; /* there is a service for pipelines that name one as their labeler */
    int (*check_queue)(const char *name, struct error *error); /* NULL: any name will do */
    /* NULL: queues with different names differ */
    enum queue_relation (*compare_queues)(const char *name, const char *other);
};

/* Adds a problem for each name, queue and labeler that can't be used, and for each output that is
 * an input: a loop through several pipelines is one problem. 0, or ERR_MEMORY. */
int pipelines_check(const struct pipeline_rules *rules, struct pipeline *const *pipelines,
                    size_t count, struct problem_list *problems);

#endif
