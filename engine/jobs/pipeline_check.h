/*
 * Checks pipelines together and against the process that uses them. `check` reports the problems
 * found here; `run` and every reload refuse such pipelines.
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
    int (*check_queue)(const char *name, struct error *error); /* NULL: any name is allowed */
    /* NULL: different names mean different queues */
    enum queue_relation (*compare_queues)(const char *name, const char *other);
};

/* Adds a problem for each name and queue that cannot be used, and for each output that is
 * also an input; a loop through several pipelines is one problem. 0 or ERR_MEMORY. */
int pipelines_check(const struct pipeline_rules *rules, struct pipeline *const *pipelines,
                    size_t count, struct problem_list *problems);

#endif
