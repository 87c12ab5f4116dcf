/* A plan and what is to be done about it, for people and for programs. */
#ifndef THUMBWHEEL_PROVISION_REPORT_H
#define THUMBWHEEL_PROVISION_REPORT_H

#include <stdio.h>

#include "provision_change.h"

struct provision_counts {
    size_t keep, create, change, conflict;
};

/* changes: one for each resource of the plan. */
struct provision_counts provision_count(const struct provision_plan *plan,
                                        const struct provision_change *changes);
/* The name for people: a target's is that of its rule. */
const char *provision_shown_name(const struct provision_plan *plan, size_t index);
/* The plan line by line: '+' to create, '~' to change, '=' as it is, '!' in the way. */
void provision_print(FILE *out, const struct provision_plan *plan,
                     const struct provision_change *changes, bool colour);
/* The same as one object, to be released by the caller; done[i]: the resource was written. NULL:
 * memory is short. */
json_t *provision_report(const struct provision_plan *plan, const struct provision_place *place,
                         const struct provision_change *changes, const bool *done);

#endif
