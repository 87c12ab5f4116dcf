/*
 * The permissions that the engine needs for a set of pipelines: the statements of its role's
 * policy, without account and region, so that a template can refer to its own resources. Pure; any
 * thread.
 *
 * What a pipeline needs follows from its file: the keys that it takes, where its outputs go, and
 * how they are stored. The actions are those of the requests that the engine sends
 * (docs/deployment.md, "Permissions").
 */
#ifndef THUMBWHEEL_PROVISION_PERMISSIONS_H
#define THUMBWHEEL_PROVISION_PERMISSIONS_H

#include <jansson.h>

#include "provision_plan.h"

enum provision_permit {
    PERMIT_QUEUES,
    PERMIT_DEAD_LETTERS,
    PERMIT_LIST,
    PERMIT_SOURCES,
    PERMIT_SOURCE_TAGS,
    PERMIT_FOCAL_TAGS,
    PERMIT_OVERLAYS,
    PERMIT_OUTPUTS,
    PERMIT_OUTPUT_TAGS,
    PERMIT_OUTPUT_ACLS,
    PERMIT_KEYS,
    PERMIT_KEY_ALIASES, /* with the condition that the key has one of the aliases */
    PERMIT_LABELS,
    PERMIT_NOTIFY_TOPICS,
    PERMIT_NOTIFY_QUEUES,
    PERMIT_NOTIFY_BUSES,
    PERMIT_COUNT
};

/* What a statement applies to: a resource of the plan, with a text after its ARN; a resource that
 * the plan does not make, in its account and region (service, text); or an ARN as it is (text). */
struct provision_reach {
    size_t resource;     /* PROVISION_NONE: not of the plan */
    const char *service; /* NULL: text is the whole ARN, or follows that of the resource */
    const char *text;
};

struct provision_permission {
    struct provision_reach *reaches;
    size_t count; /* 0: these pipelines do not need this statement */
};

struct provision_permissions {
    struct provision_permission items[PERMIT_COUNT];
    struct text_list aliases; /* of PERMIT_KEY_ALIASES */
    struct text_list texts;
};

/* The caller clears the permissions in any case. */
int provision_permissions_make(struct provision_permissions *out, const struct provision_plan *plan,
                               const struct pipeline_ops *ops, struct pipeline *const *pipelines,
                               size_t count, struct error *error);
void provision_permissions_clear(struct provision_permissions *permissions);

/* The value for a reach in a document: an ARN, or a template's reference. */
typedef json_t *provision_reach_render(const struct provision_reach *reach, void *user);

/* The policy of the engine's role; NULL: out of memory. */
json_t *provision_role_policy(const struct provision_permissions *permissions,
                              provision_reach_render *render, void *user);

#endif
