/* The resources that a set of pipelines needs in the embedded cloud: queues, each with a
 * dead-letter queue, and the buckets of the outputs. */
#ifndef THUMBWHEEL_LOCAL_PLAN_H
#define THUMBWHEEL_LOCAL_PLAN_H

#include "assembly.h"
#include "pipeline_set.h"
#include "text_list.h"

struct local_plan {
    struct fanout fanout; /* points at the arrays below; names are borrowed from the pipelines */
    struct fanout_queue *queues;
    struct text_list buckets;
};

/* ERR_INVALID: a pipeline's queue is not a plain name. The caller clears the plan in any case. */
int local_plan_make(struct local_plan *plan, const struct pipeline_set *set, struct error *error);
void local_plan_clear(struct local_plan *plan);

#endif
