/*
 * Access control by resource policies, for queues and topics.
 *
 * The account owns everything here and its signed requests need no grant, so that only a Deny
 * refuses them. A delivery is made by a service (S3, SNS, …) on behalf of a source (a bucket, a
 * topic, …) and needs a grant. Loop thread.
 */
#ifndef THUMBWHEEL_LOCAL_AUTHORIZATION_H
#define THUMBWHEEL_LOCAL_AUTHORIZATION_H

#include <stdbool.h>

#include "log.h"
#include "policy.h"

struct cloud;
struct cloud_request;

/* All: a refusal fills reason. */

/* A delivery, action "SendMessage" or "Publish", to the resource whose policy this is. source_arn
 * tells the service: "arn:aws:s3:::photos" is s3.amazonaws.com's. */
bool authorize_delivery(const struct cloud *cloud, const struct policy *policy, const char *action,
                        const char *resource, const char *source_arn,
                        char reason[POLICY_REASON_MAX]);

/* A request of the account's own; action as the API names it ("SendMessageBatch"). */
bool authorize_request(const struct cloud_request *asked, const struct policy *policy,
                       const char *action, const char *resource, char reason[POLICY_REASON_MAX]);

/* The sentence of AWS that names who may not do what; out for people. */
enum { AUTHORIZATION_TEXT_MAX = 400 };
void authorization_denied_text(const struct cloud_request *asked, const char *service,
                               const char *action, const char *resource, const char *reason,
                               char out[AUTHORIZATION_TEXT_MAX]);

/* Whether requests come over TLS, or from this machine alone (aws:SecureTransport). */
bool authorization_is_secure(const struct cloud *cloud);

/* Logs what of a new policy cannot be evaluated here. */
void authorization_log_policy(const char *resource, const struct policy *policy);

/* Whether a refusal is to be logged: a misconfigured fan-out would fill the log with one sentence.
 */
bool authorization_should_log(const struct cloud *cloud, struct log_gate *refusals);

#endif
