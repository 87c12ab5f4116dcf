/* provision --emit: prints the plan as a template instead of applying it. */
#ifndef THUMBWHEEL_PROVISION_TEMPLATE_H
#define THUMBWHEEL_PROVISION_TEMPLATE_H

#include "config.h"
#include "pipeline_set.h"
#include "provision_document.h"

/* The place counts for EMIT_IAM_POLICY only; it may be NULL for the others. */
int template_print(enum config_emit form, const struct provision_plan *plan,
                   const struct pipeline_set *pipelines, const struct provision_place *place,
                   struct error *error);

#endif
