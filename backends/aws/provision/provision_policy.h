/* One statement in a resource policy, recognised by its Sid; the rest stays unchanged. Any thread.
 */
#ifndef THUMBWHEEL_PROVISION_POLICY_H
#define THUMBWHEEL_PROVISION_POLICY_H

#include <jansson.h>

/* The policy as a tree, its statements as a list; NULL: text is not a policy, or memory is short.
 * An absent or empty text is an empty policy. */
json_t *policy_load(const char *text);
/* Our statement in it, borrowed; NULL: there is none. */
json_t *policy_find(const json_t *policy, const char *sid);
/* The policy with this statement in place of ours, for free(). ERR_INVALID: text is not a policy;
 * ERR_MEMORY. */
int policy_merge(const char *text, json_t *statement, char **out);

#endif
