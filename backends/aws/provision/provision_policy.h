/* Adds one statement to a resource policy and leaves the rest unchanged. Any thread. */
#ifndef THUMBWHEEL_PROVISION_POLICY_H
#define THUMBWHEEL_PROVISION_POLICY_H

#include <stdbool.h>

/* "This service, on behalf of this resource of this account, may do this here." */
struct policy_grant {
    const char *service; /* "sns.amazonaws.com" */
    const char *action;  /* "sqs:SendMessage" */
    const char *resource_arn;
    const char *source_arn;
    const char *source_account; /* NULL: not checked (the source's ARN contains the account) */
};

/* The policy with the grant added, for free(). *fits: the grant existed already. ERR_INVALID:
 * existing is not a policy; ERR_MEMORY. existing may be NULL or empty. */
int policy_merge(const char *existing, const struct policy_grant *grant, char **out, bool *fits);

#endif
