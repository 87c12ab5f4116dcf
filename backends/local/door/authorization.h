/*
 * Access control by resource policies, for queues and topics.
 *
 * The account owns all resources and its signed requests need no grant, so only a Deny refuses
 * them. Deliveries are made by a service (S3, SNS, …) on behalf of a source (a bucket, a topic, …)
 * and need a grant. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_AUTHORIZATION_H
#define THUMBWHEEL_LOCAL_AUTHORIZATION_H

#include <stdbool.h>

#include "log.h"
#include "policy.h"

struct access_key;
struct cloud;
struct cloud_request;

/* For all functions: a refusal sets reason. */

/* A delivery (action "SendMessage" or "Publish") to the resource with this policy. The service
 * follows from source_arn: "arn:aws:s3:::photos" belongs to s3.amazonaws.com. */
bool authorize_delivery(const struct cloud *cloud, const struct policy *policy, const char *action,
                        const char *resource, const char *source_arn,
                        char reason[POLICY_REASON_MAX]);

/* A request of the account; action is the API's name ("SendMessageBatch"). */
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

/* Whether the caller is the account itself, not a user or a role in it. Nothing can prevent it from
 * changing a policy that locks everyone out, as in AWS. NULL: unsigned. */
bool authorization_is_owner(const struct access_key *caller);

#endif
