/*
 * Resource policies: who may send to a queue, publish to a topic, or use a bucket.
 *
 * A document is read once, when the attribute is set or loaded; evaluating it allocates nothing. A
 * statement applies when its principal, action, resource and every condition do. What AWS knows and
 * the embedded cloud cannot decide (a key such as aws:PrincipalOrgID, a date, a policy variable) is
 * taken by AWS and therefore here too, but closed: an Allow that depends on it does not apply, a
 * Deny does. Deny wins. Source: "IAM JSON policy elements reference" and "Policy evaluation logic"
 * in the IAM User Guide. Immutable once read; loop thread (the count of its holders).
 */
#ifndef THUMBWHEEL_LOCAL_POLICY_H
#define THUMBWHEEL_LOCAL_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum policy_kind { POLICY_OF_QUEUE, POLICY_OF_TOPIC, POLICY_OF_BUCKET };

struct policy;

/* ERR_INVALID: not a policy, or not one for this kind of resource; ERR_LIMIT: over the service's
 * quotas; ERR_MEMORY. Held once. */
int policy_parse(enum policy_kind kind, const char *text, struct policy **out, struct error *error);
struct policy *policy_retain(struct policy *policy); /* NULL passes through */
void policy_release(struct policy *policy);          /* NULL: nothing */

bool policy_denies(const struct policy *policy); /* it has a Deny statement; NULL: no */

/* The first thing in it that the embedded cloud cannot decide, as words; false: there is none. */
bool policy_gap(const struct policy *policy, char *out, size_t size);

struct policy_request {    /* borrowed */
    const char *service;   /* the requesting service, "s3.amazonaws.com"; NULL: an account */
    const char *account;   /* its twelve digits; NULL with service NULL: unsigned */
    const char *principal; /* ARN of the requesting user of the account; NULL: its root */
    const char *action;    /* without the service: "SendMessage" */
    const char *resource;  /* ARN */
    const char *source_arn,
        *source_account; /* the resource on whose behalf a service acts; NULL: absent */
    bool secure;         /* aws:SecureTransport */
};

enum policy_verdict {
    POLICY_SILENT, /* nothing allows it: refused, unless the owner requests it */
    POLICY_ALLOWED,
    POLICY_DENIED,
};

/* policy NULL: silent. */
enum policy_verdict policy_evaluate(const struct policy *policy,
                                    const struct policy_request *request);

/* Why a request was not allowed, for people: "statement FromTopic of its policy: condition
 * ArnEquals aws:SourceArn is not met". */
enum { POLICY_REASON_MAX = 320 };
void policy_explain(const struct policy *policy, const struct policy_request *request,
                    char out[POLICY_REASON_MAX]);

#endif
