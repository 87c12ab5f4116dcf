/* Checks a filter policy against the rules of SNS while reading its text. */
#ifndef THUMBWHEEL_LOCAL_FILTER_POLICY_CHECK_H
#define THUMBWHEEL_LOCAL_FILTER_POLICY_CHECK_H

#include <stdbool.h>

#include "filter_policy.h"

/* tree is the parsed text. ERR_INVALID, with the reason in why. */
int filter_policy_check(const char *text, json_t *tree, char why[FILTER_POLICY_TEXT_MAX]);

/* "$or" in an object is an operator if its value is a list of at least two objects. */
bool filter_policy_is_or(const char *key, const json_t *value);

#endif
