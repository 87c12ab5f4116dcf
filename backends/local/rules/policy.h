/*
 * Resource policies: who may send to a queue, publish to a topic, use a bucket, or put events to
 * a bus.
 *
 * A document is read once, when the attribute is set or loaded; evaluating it allocates nothing. A
 * statement applies if its principal, action, resource and all conditions match. Conditions that
 * the embedded cloud cannot evaluate (a key such as aws:PrincipalOrgID, a date, a policy variable)
 * are accepted as on AWS, but fail closed: an Allow that depends on them does not apply, a Deny
 * does. Deny wins. Source: "IAM JSON policy elements reference" and "Policy evaluation logic" in
 * the IAM User Guide. Immutable once read; loop thread (because of the reference count).
 */
#ifndef THUMBWHEEL_LOCAL_POLICY_H
#define THUMBWHEEL_LOCAL_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum policy_kind { POLICY_OF_QUEUE, POLICY_OF_TOPIC, POLICY_OF_BUCKET, POLICY_OF_BUS };

struct policy;

/* ERR_INVALID: not a policy, or not one for this kind of resource; ERR_LIMIT: over the service's
 * quotas; ERR_MEMORY. *out has one reference. */
int policy_parse(enum policy_kind kind, const char *text, struct policy **out, struct error *error);
struct policy *policy_retain(struct policy *policy); /* NULL is returned unchanged */
void policy_release(struct policy *policy);          /* NULL: nothing */

bool policy_denies(const struct policy *policy); /* whether it has a Deny statement; NULL: false */

/* Describes the first part that the embedded cloud cannot evaluate; false: there is none. */
bool policy_gap(const struct policy *policy, char *out, size_t size);

struct policy_request {    /* borrowed */
    const char *service;   /* the requesting service, "s3.amazonaws.com"; NULL: an account */
    const char *account;   /* twelve digits; NULL, and service NULL: unsigned */
    const char *principal; /* ARN of the requesting user; NULL: the account's root */
    const char *action;    /* without the service: "SendMessage" */
    const char *resource;  /* ARN */
    const char *source_arn,
        *source_account; /* the resource for which a service acts; NULL: absent */
    bool secure;         /* aws:SecureTransport */
};

enum policy_verdict {
    POLICY_SILENT, /* nothing allows it: refused, except for the owner */
    POLICY_ALLOWED,
    POLICY_DENIED,
};

/* policy NULL: neither allowed nor denied. */
enum policy_verdict policy_evaluate(const struct policy *policy,
                                    const struct policy_request *request);

/* The reason why a request was not allowed, for error messages: "statement FromTopic of its policy:
 * condition ArnEquals aws:SourceArn is not met". */
enum { POLICY_REASON_MAX = 320 };
void policy_explain(const struct policy *policy, const struct policy_request *request,
                    char out[POLICY_REASON_MAX]);
bool policy_explains_deny(const char *reason); /* whether a statement denies it */

#endif
