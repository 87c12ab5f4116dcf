/* Resource policies: one more statement, nothing else touched. Any thread. */
#ifndef THUMBWHEEL_PROVISION_POLICY_H
#define THUMBWHEEL_PROVISION_POLICY_H

#include <stdbool.h>

/* "This service, on behalf of this resource of this account, may do this here." */
struct policy_grant {
    const char *service; /* "sns.amazonaws.com" */
    const char *action;  /* "sqs:SendMessage" */
    const char *resource_arn;
    const char *source_arn;
    const char *source_account; /* NULL: not asked for (the source's ARN names its account) */
};

/* The policy with the grant in it, for free(). *fits: it was there already. ERR_INVALID: existing
 * is not a policy; ERR_MEMORY. existing may be NULL or empty. */
int policy_merge(const char *existing, const struct policy_grant *grant, char **out, bool *fits);

#endif
