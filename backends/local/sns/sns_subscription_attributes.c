/* The attributes of subscriptions: their valid values, and how they are returned. Source: Subscribe
 * and SetSubscriptionAttributes in the Amazon SNS API Reference. */
#include <stdlib.h>
#include <string.h>

#include "delivery_policy.h"
#include "json_text.h"
#include "sns_call.h"
#include "sns_endpoint.h"

typedef int check(struct service_call *call, const char *prefix, const char *value);

static int truth_check(struct service_call *call, const char *prefix, const char *value)
{
    if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
        return 0;
    return service_call_fail(
        call, SNS_INVALID_PARAMETER,
        "Invalid parameter: %sRawMessageDelivery: Invalid value [%.40s]. Must be true "
        "or false.",
        prefix, value);
}

static int filter_check(struct service_call *call, const char *prefix, const char *value)
{
    struct filter_policy *policy;
    char why[FILTER_POLICY_TEXT_MAX], text[SERVICE_ERROR_TEXT_MAX];
    int code = value[0] ? filter_policy_parse(value, &policy, why) : 0;
    if (code == ERR_MEMORY)
        return ERR_MEMORY;
    if (code) {
        snprintf(text, sizeof text, "Invalid parameter: %sFilterPolicy: %s", prefix, why);
        return service_error_set_lines(&call->error, SNS_INVALID_PARAMETER, text);
    }
    if (value[0])
        filter_policy_free(policy);
    return 0;
}

static int scope_check(struct service_call *call, const char *prefix, const char *value)
{
    if (strcmp(value, "MessageAttributes") == 0 || strcmp(value, "MessageBody") == 0)
        return 0;
    return service_call_fail(
        call, SNS_INVALID_PARAMETER,
        "Invalid parameter: %sFilterPolicyScope: Invalid value [%.40s]. Please use "
        "either MessageBody or MessageAttributes",
        prefix, value);
}

static int redrive_check(struct service_call *call, const char *prefix, const char *value)
{
    json_t *policy = value[0] ? json_text_read(slice_of(value), JSON_LAST_DUPLICATE, NULL) : NULL;
    const char *arn = json_string_value(json_object_get(policy, "deadLetterTargetArn"));
    bool none = !value[0] || (json_is_object(policy) && json_object_size(policy) == 0);
    bool valid = none || (arn && strncmp(arn, "arn:aws:sqs:", 12) == 0);
    json_decref(policy);
    return valid ? 0
                 : service_call_fail(
                       call, SNS_INVALID_PARAMETER,
                       "Invalid parameter: %sRedrivePolicy: deadLetterTargetArn is an invalid "
                       "arn",
                       prefix);
}

static int delivery_check(struct service_call *call, const char *prefix, const char *value)
{
    struct delivery_policy policy;
    char why[DELIVERY_POLICY_TEXT_MAX];
    int code = delivery_policy_read(NULL, value, &policy, why);
    if (code == ERR_MEMORY)
        return ERR_MEMORY;
    return code ? service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: %s%s", prefix,
                                    why)
                : 0;
}

static const struct subscription_rule {
    const char *name;
    check *check;
} rules[] = {
    {"DeliveryPolicy", delivery_check}, {"FilterPolicy", filter_check},
    {"FilterPolicyScope", scope_check}, {"RawMessageDelivery", truth_check},
    {"RedrivePolicy", redrive_check},
};

static int one_check(struct service_call *call, const char *name, const char *value,
                     bool subscribing)
{
    const char *prefix = subscribing ? "Attributes Reason: " : "";
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (strcmp(name, rules[i].name) == 0)
            return rules[i].check(call, prefix, value ? value : "");
    }
    if (strcmp(name, "ReplayPolicy") == 0 || strcmp(name, "SubscriptionRoleArn") == 0)
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: %sthe embedded cloud does not support the subscription "
            "attribute %s",
            prefix, name);
    return service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: %s",
                             subscribing ? "Attributes" : "AttributeName");
}

/* Message attributes are not nested. */
static int together_check(struct service_call *call, const json_t *attributes, bool subscribing)
{
    const char *text = json_text_in(attributes, "FilterPolicy");
    const char *scope = json_text_in(attributes, "FilterPolicyScope");
    struct filter_policy *policy = NULL;
    char why[FILTER_POLICY_TEXT_MAX];
    if (!text || !text[0] || (scope && strcmp(scope, "MessageBody") == 0))
        return 0;
    if (filter_policy_parse(text, &policy, why))
        return ERR_MEMORY;
    bool nested = policy && filter_policy_is_nested(policy);
    filter_policy_free(policy);
    return nested ? service_call_fail(
                        call, SNS_INVALID_PARAMETER,
                        "Invalid parameter: %sFilter policy scope MessageAttributes does not "
                        "support nested filter policy",
                        subscribing ? "Attributes Reason: " : "")
                  : 0;
}

/* "Up to 200 filter policies per topic, and 10,000 filter policies per AWS account": "Filter policy
 * constraints" in the SNS Developer Guide. */
enum { TOPIC_FILTERS_MAX = 200, FILTERS_MAX = 10000 };

int sns_filter_limit_check(struct service_call *call, const struct topic *topic, const char *text)
{
    struct filter_policy *policy = NULL;
    char why[FILTER_POLICY_TEXT_MAX];
    if (!text || !text[0])
        return 0;
    if (filter_policy_parse(text, &policy, why))
        return ERR_MEMORY;
    bool none = !policy;
    filter_policy_free(policy);
    if (none)
        return 0;
    if (topic_filter_count(topic) >= TOPIC_FILTERS_MAX)
        return service_call_fail(call, SNS_FILTER_LIMIT,
                                 "A topic can have at most %d subscriptions with a filter policy.",
                                 TOPIC_FILTERS_MAX);
    return topics_filter_count(call->cloud->topics) < FILTERS_MAX
               ? 0
               : service_call_fail(
                     call, SNS_FILTER_LIMIT,
                     "An account can have at most %d subscriptions with a filter policy.",
                     FILTERS_MAX);
}

int sns_subscription_attributes_check(struct service_call *call, json_t *attributes)
{
    const char *name;
    json_t *value;
    json_object_foreach(attributes, name, value)
    {
        int code = one_check(call, name, json_string_value(value), true);
        if (code)
            return code;
    }
    return together_check(call, attributes, true);
}

/* The dead letters of a FIFO queue's subscription to a FIFO topic need a FIFO queue. */
static int fifo_letters_check(struct service_call *call, const struct subscription *s,
                              const char *value)
{
    json_t *policy = json_text_read(slice_of(value), JSON_LAST_DUPLICATE, NULL);
    const char *arn = json_text_in(policy, "deadLetterTargetArn");
    bool wrong = arn && topic_name_is_fifo(s->endpoint) && !topic_name_is_fifo(arn);
    json_decref(policy);
    return wrong ? service_call_fail(call, SNS_INVALID_PARAMETER,
                                     "Invalid parameter: RedrivePolicy: must use a FIFO queue as "
                                     "DLQ for a FIFO Subscription to a FIFO Topic.")
                 : 0;
}

int sns_subscription_attribute_check(struct service_call *call, const struct subscription *s,
                                     const char *name, const char *value)
{
    int code = one_check(call, name, value, false);
    if (code)
        return code;
    json_t *changed = json_copy(s->record.attributes);
    code = json_object_set_new(changed, name, json_string(value ? value : ""))
               ? ERR_MEMORY
               : together_check(call, changed, false);
    json_decref(changed);
    const struct topic *topic = topics_find(call->cloud->topics, s->topic_arn);
    if (code)
        return code;
    if (topic && topic->fifo && strcmp(name, "RedrivePolicy") == 0 && value)
        return fifo_letters_check(call, s, value);
    return topic && strcmp(name, "FilterPolicy") == 0 && !s->record.rules.filter
               ? sns_filter_limit_check(call, topic, value)
               : 0;
}

/* Reporting. */

static int put(json_t *object, const char *name, const char *text)
{
    return json_object_set_new(object, name, json_string(text));
}

static int delivery_put(json_t *object, const struct service_call *call,
                        const struct subscription *s)
{
    struct delivery_policy policy;
    char why[DELIVERY_POLICY_TEXT_MAX];
    const struct topic *topic = topics_find(call->cloud->topics, s->topic_arn);
    const char *of_topic = topic ? json_text_in(topic->record.attributes, "DeliveryPolicy") : NULL;
    if (strncmp(s->protocol, "http", 4) != 0)
        return 0;
    return delivery_policy_read(of_topic, json_text_in(s->record.attributes, "DeliveryPolicy"),
                                &policy, why) ||
           json_object_set_new(object, "EffectiveDeliveryPolicy",
                               delivery_policy_effective(&policy, false));
}

/* Empty and unset attributes are omitted. */
static int set_put(json_t *object, const struct subscription *s)
{
    static const char *const names[] = {"DeliveryPolicy", "FilterPolicy", "RedrivePolicy"};
    int failed = 0;
    for (size_t i = 0; i < 3; i++) {
        const char *text = json_text_in(s->record.attributes, names[i]);
        if (text && text[0] && strcmp(text, "{}") != 0)
            failed |= put(object, names[i], text);
    }
    if (s->record.rules.filter)
        failed |=
            put(object, "FilterPolicyScope", s->body_scope ? "MessageBody" : "MessageAttributes");
    return failed;
}

json_t *sns_subscription_describe(const struct service_call *call, const struct subscription *s)
{
    struct slice account = subscription_owner(s);
    const char *principal = json_text_in(s->record.details, "principal");
    char *endpoint = sns_endpoint_shown(s->endpoint);
    if (!endpoint)
        return NULL;
    bool authenticated = json_is_true(json_object_get(s->record.details, "authenticated"));
    json_t *out = json_pack(
        "{s:s, s:s%, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "SubscriptionArn", s->record.named.name,
        "Owner", account.data, account.size, "Protocol", s->protocol, "Endpoint", endpoint,
        "TopicArn", s->topic_arn, "RawMessageDelivery", s->raw ? "true" : "false",
        "PendingConfirmation", s->pending ? "true" : "false", "ConfirmationWasAuthenticated",
        authenticated || strcmp(s->protocol, "sqs") == 0 ? "true" : "false",
        "SubscriptionPrincipal",
        principal ? json_string(principal)
                  : json_sprintf("arn:aws:iam::%.*s:root", (int)account.size, account.data));
    free(endpoint);
    if (out && !set_put(out, s) && !delivery_put(out, call, s))
        return out;
    json_decref(out);
    return NULL;
}
