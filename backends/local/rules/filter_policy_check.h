/* Whether a filter policy keeps to SNS's rules: the half of filter_policy.c that reads its text. */
#ifndef THUMBWHEEL_LOCAL_FILTER_POLICY_CHECK_H
#define THUMBWHEEL_LOCAL_FILTER_POLICY_CHECK_H

#include <stdbool.h>

#include "filter_policy.h"

/* tree is what text holds. ERR_INVALID with why. */
int filter_policy_check(const char *text, json_t *tree, char why[FILTER_POLICY_TEXT_MAX]);

/* "$or" in an object is an operator where its value is a list of two objects or more. */
bool filter_policy_is_or(const char *key, const json_t *value);

#endif
