/* The resource policies of a template, which refer to the template's own resources. Any thread. */
#ifndef THUMBWHEEL_EMIT_POLICY_H
#define THUMBWHEEL_EMIT_POLICY_H

#include <jansson.h>

#include "provision_plan.h"

struct emit_references {
    json_t *(*arn)(size_t resource, void *user); /* the ARN of a resource of the plan */
    json_t *(*account)(void *user);              /* the template's account */
    void *user;
};

/* Whether this policy resource is the first one of its queue or topic: a template has one policy
 * for each, with the statements of all. */
bool emit_policy_is_first(const struct provision_plan *plan, size_t index);
/* Whether it is the first one, and lets the source send to the queue or topic. */
bool emit_policy_admits(const struct provision_plan *plan, size_t index, size_t source);
/* The policy of the queue or topic; NULL: out of memory. */
json_t *emit_policy(const struct provision_plan *plan, size_t index,
                    const struct emit_references *references);

#endif
