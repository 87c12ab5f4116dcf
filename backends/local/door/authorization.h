/*
 * Access control by resource policies, for queues, topics and event buses.
 *
 * Signed requests of the account that owns the resource need no grant, so only a Deny refuses them;
 * those of another account need one. Deliveries are made by a service (S3, SNS, …) on behalf of a
 * source (a bucket, a topic, …) and need a grant, too. "Cross-account policy evaluation logic", IAM
 * User Guide. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_AUTHORIZATION_H
#define THUMBWHEEL_LOCAL_AUTHORIZATION_H

#include <stdbool.h>

#include "bytes.h"
#include "log.h"
#include "policy.h"

struct access_key;
struct cloud;
struct cloud_request;

/* For all functions: a refusal sets reason. */

struct delivery_source {
    const char *arn;     /* its service is its owner's: "arn:aws:s3:::photos" of s3.amazonaws.com */
    const char *account; /* that owns it; NULL: the one in the ARN */
};

/* A delivery (action "SendMessage" or "Publish") to the resource with this policy. */
bool authorize_delivery(const struct policy *policy, const char *action, const char *resource,
                        struct delivery_source source, char reason[POLICY_REASON_MAX]);

/* A service acts with a role of an account. */
bool authorize_role(const struct policy *policy, const char *action, const char *resource,
                    struct delivery_source source, const char *role,
                    char reason[POLICY_REASON_MAX]);

/* A signed request; action is the API's name ("SendMessageBatch"). */
bool authorize_request(const struct cloud_request *asked, const struct policy *policy,
                       const char *action, const char *resource, char reason[POLICY_REASON_MAX]);

/* The error message of AWS, which names the user, the action and the resource. */
enum { AUTHORIZATION_TEXT_MAX = 400 };
void authorization_denied_text(const struct cloud_request *asked, const char *service,
                               const char *action, const char *resource, const char *reason,
                               char out[AUTHORIZATION_TEXT_MAX]);

/* Whether all requests come over TLS or from this machine (aws:SecureTransport). */
bool authorization_is_secure(const struct cloud *cloud);

/* Logs the parts of a new policy that cannot be evaluated here. */
void authorization_log_policy(const char *resource, const struct policy *policy);

/* Whether to log a refusal; limits repetitions, because a misconfigured fan-out would flood the
 * log.
 */
bool authorization_should_log(const struct cloud *cloud, struct log_gate *refusals);

/* Whether the signer's account owns the resource with this ARN. */
bool authorization_is_own(const struct cloud_request *asked, const char *resource);

/* Whether the caller is the owning account itself, not a user or a role in it. Nothing can prevent
 * it from changing a policy that locks everyone out, as in AWS. NULL: unsigned. */
bool authorization_is_owner(const struct access_key *caller, struct slice account);

#endif
