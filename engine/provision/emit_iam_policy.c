/* The policy of the engine's role alone, with the ARNs of one account and region. */
#include <stdio.h>
#include <stdlib.h>

#include "provision_emit.h"

struct policy_place {
    const struct provision_plan *plan;
    const struct provision_place *place;
};

static json_t *render(const struct provision_reach *reach, void *user)
{
    const struct policy_place *at = user;
    char *arn = NULL;
    json_t *text = NULL;
    if (reach->resource != PROVISION_NONE) {
        arn = provision_arn(at->plan, reach->resource, at->place);
        text = arn ? json_sprintf("%s%s", arn, reach->text) : NULL;
    } else if (reach->service) {
        text = json_sprintf("arn:%s:%s:%s:%s:%s", at->place->partition, reach->service,
                            at->place->region, at->place->account, reach->text);
    } else {
        text = json_string(reach->text);
    }
    free(arn);
    return text;
}

int provision_emit_iam_policy(const struct provision_plan *plan,
                              const struct provision_permissions *permissions,
                              const struct provision_place *place, struct buffer *out)
{
    struct policy_place at = {plan, place};
    json_t *policy = provision_role_policy(permissions, render, &at);
    char *text = policy ? json_dumps(policy, JSON_INDENT(2)) : NULL;
    json_decref(policy);
    if (!text)
        return ERR_MEMORY;
    buffer_text(out, text);
    free(text);
    return buffer_byte(out, '\n');
}
