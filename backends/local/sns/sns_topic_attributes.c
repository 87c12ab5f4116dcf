/* The attributes of topics: their valid values, and how they are returned. Source: CreateTopic and
 * SetTopicAttributes in the Amazon SNS API Reference. */
#include <stdlib.h>
#include <string.h>

#include "authorization.h"
#include "delivery_policy.h"
#include "sns_call.h"

enum { DISPLAY_NAME_MAX = 100, KEY_ID_MAX = 2048 };

typedef int check(struct service_call *call, const char *name, const char *value);

static int invalid(struct service_call *call, const char *name)
{
    return service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: %.60s", name);
}

static int policy_check(struct service_call *call, const char *name, const char *text)
{
    struct policy *policy;
    struct error error = {0};
    int code = policy_parse(POLICY_OF_TOPIC, text, &policy, &error);
    (void)name;
    if (code == ERR_MEMORY)
        return ERR_MEMORY;
    if (code)
        return service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: Policy Error: %s",
                                 error.text);
    authorization_log_policy(call->request->resource, policy);
    policy_release(policy);
    return 0;
}

static int delivery_check(struct service_call *call, const char *name, const char *value)
{
    struct delivery_policy policy;
    char why[DELIVERY_POLICY_TEXT_MAX];
    int code = delivery_policy_read(value, NULL, &policy, why);
    (void)name;
    if (code == ERR_MEMORY)
        return ERR_MEMORY;
    return code ? service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: %s", why) : 0;
}

static int display_name_check(struct service_call *call, const char *name, const char *value)
{
    return strlen(value) <= DISPLAY_NAME_MAX && !strpbrk(value, "\r\n") ? 0 : invalid(call, name);
}

static int signature_check(struct service_call *call, const char *name, const char *value)
{
    return strcmp(value, "1") == 0 || strcmp(value, "2") == 0 ? 0 : invalid(call, name);
}

static int truth_check(struct service_call *call, const char *name, const char *value)
{
    return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ? 0 : invalid(call, name);
}

static int scope_check(struct service_call *call, const char *name, const char *value)
{
    return strcmp(value, "Topic") == 0 || strcmp(value, "MessageGroup") == 0 ? 0
                                                                             : invalid(call, name);
}

/* Encryption, tracing and delivery logs are stored and returned, and have no effect here. */

static int key_check(struct service_call *call, const char *name, const char *value)
{
    return strlen(value) <= KEY_ID_MAX ? 0 : invalid(call, name);
}

static int tracing_check(struct service_call *call, const char *name, const char *value)
{
    return strcmp(value, "PassThrough") == 0 || strcmp(value, "Active") == 0 ? 0
                                                                             : invalid(call, name);
}

static int role_check(struct service_call *call, const char *name, const char *value)
{
    return !value[0] || strncmp(value, "arn:aws:iam::", 13) == 0 ? 0 : invalid(call, name);
}

static int rate_check(struct service_call *call, const char *name, const char *value)
{
    size_t digits = strspn(value, "0123456789");
    return digits > 0 && digits <= 3 && !value[digits] && atoi(value) <= 100 ? 0
                                                                             : invalid(call, name);
}

/* Unsupported attributes are accepted only with the value that disables them. */
static int absent_check(struct service_call *call, const char *name, const char *value)
{
    return strcmp(value, "") == 0
               ? 0
               : service_call_fail(
                     call, SNS_INVALID_PARAMETER,
                     "Invalid parameter: the embedded cloud does not support the topic "
                     "attribute %.60s",
                     name);
}

static const struct topic_rule {
    const char *name;
    check *check;
    bool fifo_only, at_creation;
} rules[] = {
    {"ArchivePolicy", absent_check, true, false},
    {"ContentBasedDeduplication", truth_check, true, false},
    {"DeliveryPolicy", delivery_check, false, false},
    {"DisplayName", display_name_check, false, false},
    {"FifoThroughputScope", scope_check, true, false},
    {"FifoTopic", truth_check, false, true},
    {"KmsMasterKeyId", key_check, false, false},
    {"Policy", policy_check, false, false},
    {"SignatureVersion", signature_check, false, false},
    {"TracingConfig", tracing_check, false, false},
};

/* "HTTPSuccessFeedbackRoleArn" and the like: delivery logs in CloudWatch. NULL: another attribute. */
static check *feedback_check(const char *name)
{
    static const char *const protocols[] = {"Application", "Firehose", "HTTP", "Lambda", "SQS"};
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        size_t size = strlen(protocols[i]);
        if (strncmp(name, protocols[i], size) != 0)
            continue;
        if (strcmp(name + size, "SuccessFeedbackSampleRate") == 0)
            return rate_check;
        if (strcmp(name + size, "SuccessFeedbackRoleArn") == 0 ||
            strcmp(name + size, "FailureFeedbackRoleArn") == 0)
            return role_check;
    }
    return NULL;
}

bool sns_topic_attribute_unsets(const char *name, const char *value)
{
    return value && !value[0] &&
           (strcmp(name, "DeliveryPolicy") == 0 || strcmp(name, "KmsMasterKeyId") == 0 ||
            feedback_check(name) == role_check);
}

int sns_topic_attribute_check(struct service_call *call, const char *name, const char *value,
                              bool fifo, bool creating)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (strcmp(name, rules[i].name) != 0)
            continue;
        if ((rules[i].fifo_only && !fifo) || (rules[i].at_creation && !creating))
            return invalid(call, creating ? name : "AttributeName");
        return value ? rules[i].check(call, name, value) : invalid(call, name);
    }
    check *feedback = feedback_check(name);
    if (feedback)
        return value ? feedback(call, name, value) : invalid(call, name);
    return invalid(call, creating ? name : "AttributeName");
}

/* The default policy: the topic's own account may do everything. */
char *sns_default_policy(const char *arn)
{
    struct slice account = arn_account(arn);
    json_t *policy = json_pack(
        "{s:s, s:s, s:[{s:s, s:s, s:{s:s}, s:[ssssssss], s:s, s:{s:{s:s%}}}]}", "Version",
        "2008-10-17", "Id", "__default_policy_ID", "Statement", "Sid", "__default_statement_ID",
        "Effect", "Allow", "Principal", "AWS", "*", "Action", "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission", "SNS:DeleteTopic",
        "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish", "Resource", arn,
        "Condition", "StringEquals", "AWS:SourceOwner", account.data, account.size);
    char *text = policy ? json_dumps(policy, JSON_COMPACT) : NULL;
    json_decref(policy);
    return text;
}

static int policy_put(json_t *attributes, const char *arn)
{
    char *text = sns_default_policy(arn);
    int failed = json_object_set_new(attributes, "Policy", text ? json_string(text) : NULL);
    free(text);
    return failed;
}

static int delivery_put(json_t *attributes, const struct topic *topic)
{
    struct delivery_policy policy;
    char why[DELIVERY_POLICY_TEXT_MAX];
    const char *text =
        json_string_value(json_object_get(topic->record.attributes, "DeliveryPolicy"));
    return delivery_policy_read(text, NULL, &policy, why) ||
           json_object_set_new(attributes, "EffectiveDeliveryPolicy",
                               delivery_policy_effective(&policy, true));
}

static int fifo_put(json_t *attributes)
{
    return json_object_set_new(attributes, "ContentBasedDeduplication", json_string("false")) ||
           json_object_set_new(attributes, "FifoThroughputScope", json_string("Topic"));
}

json_t *sns_topic_describe(const struct topic *topic)
{
    const char *arn = topic->record.named.name;
    struct slice account = arn_account(arn);
    json_t *attributes = json_pack(
        "{s:s, s:s%, s:s, s:o, s:o, s:s}", "TopicArn", arn, "Owner", account.data, account.size,
        "DisplayName", "", "SubscriptionsConfirmed",
        json_sprintf("%zu", topic_subscription_count(topic, false)), "SubscriptionsPending",
        json_sprintf("%zu", topic_subscription_count(topic, true)), "SubscriptionsDeleted", "0");
    int failed = !attributes || policy_put(attributes, arn) || delivery_put(attributes, topic) ||
                 (topic->fifo && fifo_put(attributes)) ||
                 json_object_update(attributes, topic->record.attributes);
    if (!failed)
        return attributes;
    json_decref(attributes);
    return NULL;
}
