/* The actions of SNS on subscriptions. Only the protocol sqs is here; others are refused by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queues.h"
#include "sns_call.h"

enum { PAGE = 100 };

static enum sns_code attribute_check(struct sns_call *call, const char *name, const char *value)
{
    static const char *const later[] = {"FilterPolicy",  "FilterPolicyScope",
                                        "RedrivePolicy", "DeliveryPolicy",
                                        "ReplayPolicy",  "SubscriptionRoleArn"};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        if (strcmp(name, later[i]) == 0)
            return sns_fail(call, SNS_INVALID_PARAMETER,
                            "Invalid parameter: Attributes Reason: %s is not supported yet by the "
                            "embedded cloud",
                            name);
    }
    if (strcmp(name, "RawMessageDelivery") != 0)
        return sns_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: AttributeName");
    if (!value || (strcmp(value, "true") != 0 && strcmp(value, "false") != 0))
        return sns_fail(call, SNS_INVALID_PARAMETER,
                        "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value "
                        "[%.40s]. Must be true or false.",
                        value ? value : "");
    return SNS_OK;
}

static enum sns_code attributes_check(struct sns_call *call, json_t *attributes)
{
    const char *name;
    json_t *value;
    json_object_foreach(attributes, name, value)
    {
        enum sns_code code = attribute_check(call, name, json_string_value(value));
        if (code != SNS_OK)
            return code;
    }
    return SNS_OK;
}

static enum sns_code endpoint_check(struct sns_call *call, const char *protocol,
                                    const char *endpoint)
{
    if (strcmp(protocol, "sqs") != 0)
        return sns_fail(call, SNS_INVALID_PARAMETER,
                        "Invalid parameter: Protocol: the embedded cloud delivers to sqs, not to "
                        "%.40s",
                        protocol);
    if (!queues_find_arn(call->request->cloud->queues, endpoint))
        return sns_fail(call, SNS_INVALID_PARAMETER,
                        "Invalid parameter: Endpoint: there is no queue %.200s", endpoint);
    return SNS_OK;
}

/* Subscribing an endpoint again gives its subscription, unless it is asked to be another one. */
static enum sns_code subscription_same(struct sns_call *call, struct subscription *s,
                                       json_t *attributes)
{
    const char *raw = sns_text(attributes, "RawMessageDelivery");
    if (raw && (strcmp(raw, "true") == 0) != s->raw)
        return sns_fail(call, SNS_INVALID_PARAMETER,
                        "Invalid parameter: Attributes Reason: Subscription already exists with "
                        "different attributes");
    enum sns_code code = sns_output(call, "SubscriptionArn", json_string(s->record.named.name));
    if (code != SNS_OK)
        return code;
    return sns_waiting(call, subscription_confirm(s, sns_call_written, call));
}

/* A queue's subscription needs no confirmation, so its ARN is given whether ReturnSubscriptionArn
 * asks for it or not. */
enum sns_code sns_subscribe(struct sns_call *call)
{
    struct topic *topic;
    struct subscription *s;
    const char *protocol, *endpoint;
    json_t *attributes = json_object_get(call->input, "Attributes");
    enum sns_code code = sns_topic(call, &topic);
    if (code == SNS_OK)
        code = sns_required(call, "Protocol", &protocol);
    if (code == SNS_OK)
        code = sns_required(call, "Endpoint", &endpoint);
    if (code == SNS_OK)
        code = endpoint_check(call, protocol, endpoint);
    if (code == SNS_OK)
        code = attributes_check(call, attributes);
    if (code != SNS_OK)
        return code;
    s = topic_subscription_of(topic, endpoint);
    if (s)
        return subscription_same(call, s, attributes);
    code =
        sns_waiting(call, topic_subscribe(topic, endpoint, attributes, sns_call_written, call, &s));
    if (code == SNS_OK)
        call->code = sns_output(call, "SubscriptionArn", json_string(s->record.named.name));
    return code;
}

static enum sns_code input_subscription(struct sns_call *call, struct subscription **out)
{
    const char *arn;
    enum sns_code code = sns_required(call, "SubscriptionArn", &arn);
    if (code != SNS_OK)
        return code;
    *out = topics_find_subscription(call->topics, arn);
    if (!*out)
        return sns_fail(call, SNS_NOT_FOUND, "Subscription does not exist");
    snprintf(call->request->resource, sizeof call->request->resource, "%s",
             strrchr((*out)->topic_arn, ':') + 1);
    return SNS_OK;
}

/* Ending what is not there succeeds. */
enum sns_code sns_unsubscribe(struct sns_call *call)
{
    struct subscription *s;
    enum sns_code code = input_subscription(call, &s);
    if (code == SNS_NOT_FOUND)
        return call->code = SNS_OK;
    return code == SNS_OK ? sns_waiting(call, subscription_delete(s, sns_call_written, call))
                          : code;
}

static json_t *subscription_json(const struct subscription *s, const char *account)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "SubscriptionArn", s->record.named.name, "Owner",
                     account, "Protocol", "sqs", "Endpoint", s->endpoint, "TopicArn", s->topic_arn);
}

static enum sns_code list_page(struct sns_call *call, const struct topic *topic)
{
    struct subscription *page[PAGE];
    bool more;
    size_t count = topics_list_subscriptions(call->topics, topic,
                                             sns_text(call->input, "NextToken"), page, PAGE, &more);
    json_t *list = json_array();
    int failed = !list;
    for (size_t i = 0; i < count && !failed; i++)
        failed =
            json_array_append_new(list, subscription_json(page[i], call->request->cloud->account));
    if (failed) {
        json_decref(list);
        return SNS_UNAVAILABLE;
    }
    enum sns_code code = sns_output(call, "Subscriptions", list);
    if (code == SNS_OK && more)
        code = sns_output(call, "NextToken", json_string(page[count - 1]->record.named.name));
    return code;
}

enum sns_code sns_list_subscriptions(struct sns_call *call)
{
    return list_page(call, NULL);
}

enum sns_code sns_list_subscriptions_by_topic(struct sns_call *call)
{
    struct topic *topic;
    enum sns_code code = sns_topic(call, &topic);
    return code == SNS_OK ? list_page(call, topic) : code;
}

enum sns_code sns_get_subscription_attributes(struct sns_call *call)
{
    struct subscription *s;
    enum sns_code code = input_subscription(call, &s);
    if (code != SNS_OK)
        return code;
    json_t *attributes = subscription_json(s, call->request->cloud->account);
    if (!attributes ||
        json_object_set_new(attributes, "RawMessageDelivery",
                            json_string(s->raw ? "true" : "false")) ||
        json_object_set_new(attributes, "ConfirmationWasAuthenticated", json_string("true")) ||
        json_object_set_new(attributes, "PendingConfirmation", json_string("false"))) {
        json_decref(attributes);
        return SNS_UNAVAILABLE;
    }
    return sns_output(call, "Attributes", attributes);
}

enum sns_code sns_set_subscription_attributes(struct sns_call *call)
{
    struct subscription *s;
    const char *name;
    enum sns_code code = input_subscription(call, &s);
    if (code == SNS_OK)
        code = sns_required(call, "AttributeName", &name);
    if (code != SNS_OK)
        return code;
    const char *value = sns_text(call->input, "AttributeValue");
    code = attribute_check(call, name, value);
    if (code != SNS_OK)
        return code;
    return sns_waiting(call, subscription_set(s, name, value, sns_call_written, call));
}
