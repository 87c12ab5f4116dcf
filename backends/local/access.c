#include "access.h"

#include <stdio.h>
#include <string.h>

#include "auth.h"
#include "cloud.h"
#include "queues.h"
#include "topics.h"

enum { ARN_SIZE = 512, SERVICE_SIZE = 64, ACTION_SIZE = 64, LOG_EVERY_MS = 60000 };

static void queue_arn(const struct cloud *cloud, const struct local_queue *queue,
                      char out[ARN_SIZE])
{
    snprintf(out, ARN_SIZE, "arn:aws:sqs:%s:%s:%s", cloud->region, cloud->account,
             local_queue_name(queue));
}

/* Deliveries. */

/* arn:aws:SERVICE:… → SERVICE.amazonaws.com */
static void service_of(const char *source_arn, char out[SERVICE_SIZE])
{
    const char *name = strncmp(source_arn, "arn:aws:", 8) == 0 ? source_arn + 8 : "";
    snprintf(out, SERVICE_SIZE, "%.*s.amazonaws.com", (int)strcspn(name, ":"), name);
}

/* A refusal's reason is worded for its reader. */
static bool granted(const struct policy *policy, const struct policy_request *request,
                    char reason[POLICY_REASON_MAX])
{
    if (policy_evaluate(policy, request) == POLICY_ALLOWED)
        return true;
    policy_explain(policy, request, reason);
    return false;
}

bool access_queue_delivery(const struct cloud *cloud, const struct local_queue *queue,
                           const char *source_arn, char reason[POLICY_REASON_MAX])
{
    char arn[ARN_SIZE], service[SERVICE_SIZE];
    queue_arn(cloud, queue, arn);
    service_of(source_arn, service);
    const struct policy_request request = {.service = service,
                                           .action = "SendMessage",
                                           .resource = arn,
                                           .source_arn = source_arn,
                                           .source_account = cloud->account,
                                           .secure = true};
    return granted(local_queue_attributes(queue)->policy, &request, reason);
}

bool access_topic_delivery(const struct cloud *cloud, const struct topic *topic,
                           const char *source_arn, char reason[POLICY_REASON_MAX])
{
    char service[SERVICE_SIZE];
    service_of(source_arn, service);
    const struct policy_request request = {.service = service,
                                           .action = "Publish",
                                           .resource = topic->record.named.name,
                                           .source_arn = source_arn,
                                           .source_account = cloud->account,
                                           .secure = true};
    return granted(topic->record.rules.policy, &request, reason);
}

/* The owner's requests. */

/* What does not leave the machine needs no TLS to be private, so that the usual "deny what is not
 * sent over TLS" means here what it means there. */
bool access_is_secure(const struct cloud *cloud)
{
    static const char *const beginnings[] = {"https://", "http://127.", "http://[::1]"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (strncmp(cloud->endpoint, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    }
    return false;
}

/* The batch form of an action needs the permission of the plain one. */
static void action_of(const char *name, char out[ACTION_SIZE])
{
    size_t size = strlen(name);
    if (size > 5 && strcmp(name + size - 5, "Batch") == 0)
        size -= 5;
    snprintf(out, ACTION_SIZE, "%.*s", (int)size, name);
}

static bool undenied(const struct cloud_request *asked, const struct policy *policy,
                     const char *action, const char *resource, char reason[POLICY_REASON_MAX])
{
    char plain[ACTION_SIZE];
    action_of(action, plain);
    const struct policy_request request = {.account = asked->cloud->account,
                                           .principal = asked->caller->arn,
                                           .action = plain,
                                           .resource = resource,
                                           .secure = access_is_secure(asked->cloud)};
    if (policy_evaluate(policy, &request) != POLICY_DENIED)
        return true;
    policy_explain(policy, &request, reason);
    return false;
}

bool access_queue_request(const struct cloud_request *asked, const struct local_queue *queue,
                          const char *action, char reason[POLICY_REASON_MAX])
{
    const struct policy *policy = local_queue_attributes(queue)->policy;
    char arn[ARN_SIZE];
    if (!policy_denies(policy))
        return true;
    queue_arn(asked->cloud, queue, arn);
    return undenied(asked, policy, action, arn, reason);
}

bool access_topic_request(const struct cloud_request *asked, const struct topic *topic,
                          const char *action, char reason[POLICY_REASON_MAX])
{
    if (!policy_denies(topic->record.rules.policy))
        return true;
    return undenied(asked, topic->record.rules.policy, action, topic->record.named.name, reason);
}

void access_denied_text(const struct cloud_request *asked, const char *service, const char *action,
                        const char *resource, const char *reason, char out[ACCESS_TEXT_MAX])
{
    snprintf(out, ACCESS_TEXT_MAX,
             "User: %s is not authorized to perform: %s:%s on resource: %.100s "
             "with an explicit deny in a resource-based policy: %s",
             asked->caller->arn, service, action, resource, reason);
}

/* The log. These are errors for the operator: a requested action does not happen, and nothing else
 * reports the reason. */

void access_policy_note(const char *resource, const struct policy *policy)
{
    char gap[256];
    if (policy_gap(policy, gap, sizeof gap))
        log_error("the policy has conditions that can't be evaluated here: an Allow with one does "
                  "not apply, a Deny does",
                  LOG_TEXT("resource", resource), LOG_TEXT("reason", gap));
}

bool access_worth_a_line(const struct cloud *cloud, struct log_gate *refusals)
{
    return log_gate_open(refusals, uv_now(cloud->loop), LOG_EVERY_MS);
}
