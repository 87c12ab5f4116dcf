/* The resources that a set of pipelines needs in the embedded cloud: their queues, each with a
 * dead-letter queue, and the buckets of their outputs. */
#ifndef THUMBWHEEL_LOCAL_PLAN_H
#define THUMBWHEEL_LOCAL_PLAN_H

#include "assembly.h"
#include "pipeline_set.h"
#include "text_list.h"

struct local_plan {
    struct fanout fanout; /* of what is below; names are borrowed from the pipelines */
    struct fanout_queue *queues;
    struct text_list buckets;
};

/* ERR_INVALID when a pipeline's queue is no plain name. Cleared by the caller in any case. */
int local_plan_make(struct local_plan *plan, const struct pipeline_set *set, struct error *error);
void local_plan_clear(struct local_plan *plan);

#endif
