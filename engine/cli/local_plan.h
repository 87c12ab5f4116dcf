/* The resources that a set of pipelines needs in the embedded cloud: one topic leads to the queues of
 * all. */
#ifndef THUMBWHEEL_LOCAL_PLAN_H
#define THUMBWHEEL_LOCAL_PLAN_H

#include "assembly.h"
#include "config.h"
#include "pipeline_set.h"

struct local_plan {
    struct provision_plan plan;
    struct provision_run run; /* borrows the plan */
};

/* The region of the embedded cloud. */
const char *local_region(const struct config *config);

/* envelopes: messages are in SNS envelopes, as SNS sends them by default. They are signed, and making
 * the key takes longer than processing a small photo, so a cloud that nobody else sees does without.
 * ERR_INVALID: a pipeline's queue is not a plain name. The caller clears the plan in any case; it
 * must not be moved while the run is used. */
int local_plan_make(struct local_plan *plan, const struct pipeline_set *set,
                    const struct config *config, bool envelopes, struct error *error);
void local_plan_clear(struct local_plan *plan);

#endif
