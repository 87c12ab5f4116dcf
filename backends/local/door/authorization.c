#include "authorization.h"

#include <stdio.h>
#include <string.h>

#include "cloud.h"
#include "signature_check.h"

enum { SERVICE_SIZE = 64, ACTION_SIZE = 64, LOG_EVERY_MS = 60000 };

/* Deliveries. */

/* arn:aws:SERVICE:… → SERVICE.amazonaws.com */
static void service_of(const char *source_arn, char out[SERVICE_SIZE])
{
    const char *name = strncmp(source_arn, "arn:aws:", 8) == 0 ? source_arn + 8 : "";
    snprintf(out, SERVICE_SIZE, "%.*s.amazonaws.com", (int)strcspn(name, ":"), name);
}

/* The reason depends on who refuses. */
static bool granted(const struct policy *policy, const struct policy_request *request,
                    char reason[POLICY_REASON_MAX])
{
    if (policy_evaluate(policy, request) == POLICY_ALLOWED)
        return true;
    policy_explain(policy, request, reason);
    return false;
}

bool authorize_delivery(const struct policy *policy, const char *action, const char *resource,
                        struct delivery_source source, char reason[POLICY_REASON_MAX])
{
    char service[SERVICE_SIZE], account[ACCESS_KEY_ACCOUNT_SIZE];
    struct slice own = source.account ? slice_of(source.account) : arn_account(source.arn);
    service_of(source.arn, service);
    snprintf(account, sizeof account, "%.*s", (int)own.size, own.data);
    const struct policy_request request = {.service = service,
                                           .action = action,
                                           .resource = resource,
                                           .source_arn = source.arn,
                                           .source_account = account,
                                           .secure = true};
    return granted(policy, &request, reason);
}

bool authorize_role(const struct policy *policy, const char *action, const char *resource,
                    struct delivery_source source, const char *role, char reason[POLICY_REASON_MAX])
{
    bool own = slice_equal_text(arn_account(resource), source.account);
    const struct policy_request request = {.account = source.account,
                                           .principal = role,
                                           .action = action,
                                           .resource = resource,
                                           .source_arn = source.arn,
                                           .source_account = source.account,
                                           .secure = true};
    enum policy_verdict verdict = policy_evaluate(policy, &request);
    if (verdict == POLICY_ALLOWED || (own && verdict == POLICY_SILENT))
        return true;
    policy_explain(policy, &request, reason);
    return false;
}

/* Requests. */

/* arn:aws:iam::ACCOUNT:root */
bool authorization_is_owner(const struct access_key *caller, struct slice account)
{
    static const char before[] = "arn:aws:iam::", after[] = ":root";
    struct slice arn = slice_of(caller ? caller->arn : NULL);
    if (arn.size != sizeof before - 1 + account.size + sizeof after - 1)
        return false;
    struct slice middle = {arn.data + sizeof before - 1, account.size};
    return slice_starts_with(arn, before) && slice_equal(middle, account) &&
           slice_ends_with(arn, after);
}

bool authorization_is_own(const struct cloud_request *asked, const char *resource)
{
    return slice_equal_text(arn_account(resource), asked->home.account);
}

/* Traffic that stays on this machine is private without TLS, so it counts as secure: then the usual
 * "deny requests without TLS" works as on AWS. */
bool authorization_is_secure(const struct cloud *cloud)
{
    static const char *const beginnings[] = {"https://", "http://127.", "http://[::1]"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (strncmp(cloud->endpoint, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    }
    return false;
}

/* The batch form of an action requires the permission for the single form. */
static void action_of(const char *name, char out[ACTION_SIZE])
{
    size_t size = strlen(name);
    if (size > 5 && strcmp(name + size - 5, "Batch") == 0)
        size -= 5;
    snprintf(out, ACTION_SIZE, "%.*s", (int)size, name);
}

bool authorize_request(const struct cloud_request *asked, const struct policy *policy,
                       const char *action, const char *resource, char reason[POLICY_REASON_MAX])
{
    char plain[ACTION_SIZE];
    bool own = authorization_is_own(asked, resource);
    if (own && !policy_denies(policy))
        return true;
    action_of(action, plain);
    const struct policy_request request = {.account = asked->home.account,
                                           .principal = asked->caller->arn,
                                           .action = plain,
                                           .resource = resource,
                                           .secure = authorization_is_secure(asked->cloud)};
    enum policy_verdict verdict = policy_evaluate(policy, &request);
    if (verdict == POLICY_ALLOWED || (own && verdict == POLICY_SILENT))
        return true;
    policy_explain(policy, &request, reason);
    return false;
}

void authorization_denied_text(const struct cloud_request *asked, const char *service,
                               const char *action, const char *resource, const char *reason,
                               char out[AUTHORIZATION_TEXT_MAX])
{
    char why[96] = "with an explicit deny in a resource-based policy";
    if (!policy_explains_deny(reason))
        snprintf(why, sizeof why, "because no resource-based policy allows the %s:%.40s action",
                 service, action);
    snprintf(out, AUTHORIZATION_TEXT_MAX,
             "User: %s is not authorized to perform: %s:%s on resource: %.100s %s: %s",
             asked->caller->arn, service, action, resource, why, reason);
}

/* Logging. These are errors for the operator: a requested action is not executed, and nothing else
 * reports the reason. */

void authorization_log_policy(const char *resource, const struct policy *policy)
{
    char gap[256];
    if (policy_gap(policy, gap, sizeof gap))
        log_error("the policy has conditions that can't be evaluated here: an Allow with one does "
                  "not apply, a Deny does",
                  LOG_TEXT("resource", resource), LOG_TEXT("reason", gap));
}

bool authorization_should_log(const struct cloud *cloud, struct log_gate *refusals)
{
    return log_gate_open(refusals, uv_now(cloud->loop), LOG_EVERY_MS);
}
