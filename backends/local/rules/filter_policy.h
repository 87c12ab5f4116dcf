/*
 * Filter policies of SNS subscriptions: which messages a subscriber receives.
 *
 * A policy is read and checked once; the error messages are those of SNS, with the position of its
 * parser. The time for matching is proportional to the size of the message, whatever the policy
 * contains. Source: "Amazon SNS subscription filter policies" and the pages below it in the SNS
 * Developer Guide; for the texts and for how arrays of objects match, the open-source event-ruler,
 * which SNS uses. Pure; any thread, one at a time.
 */
#ifndef THUMBWHEEL_LOCAL_FILTER_POLICY_H
#define THUMBWHEEL_LOCAL_FILTER_POLICY_H

#include <jansson.h>
#include <stdbool.h>

#include "bytes.h"

enum {
    FILTER_POLICY_MAX = 256 * 1024, /* size in bytes */
    FILTER_POLICY_TEXT_MAX = 900,   /* size of an error message */
};

struct filter_policy;

/* *out is NULL for a policy without keys, which accepts everything. ERR_INVALID, with the error
 * message of SNS in why (without "Invalid parameter: …"); ERR_MEMORY. */
int filter_policy_parse(const char *text, struct filter_policy **out,
                        char why[FILTER_POLICY_TEXT_MAX]);
void filter_policy_free(struct filter_policy *policy); /* NULL: nothing */

/* Whether it has nested keys, which only bodies can have. */
bool filter_policy_is_nested(const struct filter_policy *policy);

/* Both return 1 (it matches), 0 or ERR_MEMORY. A body that is not a JSON object never matches. */
int filter_policy_match_attributes(const struct filter_policy *policy, json_t *attributes);
int filter_policy_match_body(const struct filter_policy *policy, struct slice body);

#endif
