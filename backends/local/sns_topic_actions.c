/* The actions of SNS on topics. Source: the Amazon SNS API Reference, an action a page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "sns_call.h"

enum { PAGE = 100, DISPLAY_NAME_MAX = 100 };

static bool json_valid(const char *text)
{
    json_t *document = json_loads(text, 0, NULL);
    bool valid = json_is_object(document);
    json_decref(document);
    return valid;
}

static enum sns_code policy_check(struct sns_call *call, const char *text)
{
    struct policy *policy;
    struct error error = {0};
    int status = policy_parse(POLICY_OF_TOPIC, text, &policy, &error);
    if (status == ERR_MEMORY)
        return SNS_UNAVAILABLE;
    if (status)
        return sns_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: Policy Error: %s",
                        error.text);
    access_policy_note(call->request->resource, policy);
    policy_release(policy);
    return SNS_OK;
}

static enum sns_code attribute_check(struct sns_call *call, const char *name, const char *value)
{
    bool document = strcmp(name, "Policy") == 0 || strcmp(name, "DeliveryPolicy") == 0;
    if (!document && strcmp(name, "DisplayName") != 0)
        return sns_fail(call, SNS_INVALID_PARAMETER,
                        "Invalid parameter: AttributeName: the embedded cloud does not support the "
                        "topic attribute %.60s",
                        name);
    if (!value || (document && !json_valid(value)) ||
        (!document && strlen(value) > DISPLAY_NAME_MAX))
        return sns_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: %s", name);
    if (strcmp(name, "Policy") == 0)
        return policy_check(call, value);
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

/* The rule for a topic that exists: what is stated must be what is set. */
static enum sns_code topic_same(struct sns_call *call, struct topic *topic, json_t *attributes)
{
    const char *name;
    json_t *value;
    json_object_foreach(attributes, name, value)
    {
        json_t *current = json_object_get(topic->record.attributes, name);
        if (!json_equal(current, value))
            return sns_fail(call, SNS_INVALID_PARAMETER,
                            "Invalid parameter: Attributes Reason: Topic already exists with "
                            "different attributes");
    }
    return sns_waiting(call, topic_confirm(topic, sns_call_written, call));
}

static enum sns_code topic_make(struct sns_call *call, const char *arn)
{
    json_t *attributes = json_object_get(call->input, "Attributes");
    enum sns_code code = attributes_check(call, attributes);
    if (code == SNS_OK)
        code = sns_output(call, "TopicArn", json_string(arn));
    if (code != SNS_OK)
        return code;
    struct topic *topic = topics_find(call->topics, arn);
    if (topic)
        return topic_same(call, topic, attributes);
    return sns_waiting(call, topics_create(call->topics, arn, attributes, sns_call_written, call));
}

enum sns_code sns_create_topic(struct sns_call *call)
{
    const char *name;
    enum sns_code code = sns_required(call, "Name", &name);
    if (code != SNS_OK)
        return code;
    snprintf(call->request->resource, sizeof call->request->resource, "%s", name);
    if (!topic_name_valid(name))
        return sns_fail(call, SNS_INVALID_PARAMETER,
                        strstr(name, ".fifo")
                            ? "Invalid parameter: Topic Name: the embedded cloud does not support "
                              "FIFO topics"
                            : "Invalid parameter: Topic Name");
    if (json_object_get(call->input, "Tags") ||
        json_object_get(call->input, "DataProtectionPolicy"))
        return sns_fail(call, SNS_INVALID_PARAMETER,
                        "Invalid parameter: the embedded cloud does not support Tags and "
                        "DataProtectionPolicy of topics");
    struct buffer arn;
    buffer_init(&arn, 512);
    code = topic_arn(call->topics, name, &arn) ? SNS_UNAVAILABLE : topic_make(call, arn.data);
    buffer_free(&arn);
    return code;
}

/* Deleting what is not there succeeds, as the API reference says. */
enum sns_code sns_delete_topic(struct sns_call *call)
{
    struct topic *topic;
    enum sns_code code = sns_topic(call, &topic);
    if (code == SNS_NOT_FOUND)
        return SNS_OK;
    return code == SNS_OK ? sns_waiting(call, topic_delete(topic, sns_call_written, call)) : code;
}

enum sns_code sns_list_topics(struct sns_call *call)
{
    struct topic *page[PAGE];
    bool more;
    size_t count = topics_list(call->topics, sns_text(call->input, "NextToken"), page, PAGE, &more);
    json_t *list = json_array();
    int failed = !list;
    for (size_t i = 0; i < count && !failed; i++)
        failed =
            json_array_append_new(list, json_pack("{s:s}", "TopicArn", page[i]->record.named.name));
    if (failed) {
        json_decref(list);
        return SNS_UNAVAILABLE;
    }
    enum sns_code code = sns_output(call, "Topics", list);
    if (code == SNS_OK && more)
        code = sns_output(call, "NextToken", json_string(page[count - 1]->record.named.name));
    return code;
}

/* What a topic has until it is given another: its own account may do everything. */
static json_t *default_policy(const char *arn, const char *account)
{
    json_t *policy = json_pack(
        "{s:s, s:s, s:[{s:s, s:s, s:{s:s}, s:[ssssssss], s:s, s:{s:{s:s}}}]}", "Version",
        "2008-10-17", "Id", "__default_policy_ID", "Statement", "Sid", "__default_statement_ID",
        "Effect", "Allow", "Principal", "AWS", "*", "Action", "SNS:GetTopicAttributes",
        "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission", "SNS:DeleteTopic",
        "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish", "Resource", arn,
        "Condition", "StringEquals", "AWS:SourceOwner", account);
    char *text = policy ? json_dumps(policy, JSON_COMPACT) : NULL;
    json_t *string = text ? json_string(text) : NULL;
    free(text);
    json_decref(policy);
    return string;
}

enum sns_code sns_get_topic_attributes(struct sns_call *call)
{
    struct topic *topic;
    enum sns_code code = sns_topic(call, &topic);
    if (code != SNS_OK)
        return code;
    const char *arn = topic->record.named.name, *account = call->request->cloud->account;
    json_t *attributes =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:s}", "TopicArn", arn, "Owner", account,
                  "DisplayName", "", "Policy", default_policy(arn, account),
                  "SubscriptionsConfirmed", json_sprintf("%zu", topic_subscription_count(topic)),
                  "SubscriptionsPending", "0", "SubscriptionsDeleted", "0");
    if (!attributes || json_object_update(attributes, topic->record.attributes)) {
        json_decref(attributes);
        return SNS_UNAVAILABLE;
    }
    return sns_output(call, "Attributes", attributes);
}

enum sns_code sns_set_topic_attributes(struct sns_call *call)
{
    struct topic *topic;
    const char *name;
    enum sns_code code = sns_topic(call, &topic);
    if (code == SNS_OK)
        code = sns_required(call, "AttributeName", &name);
    if (code != SNS_OK)
        return code;
    const char *value = sns_text(call->input, "AttributeValue");
    code = attribute_check(call, name, value);
    if (code != SNS_OK)
        return code;
    return sns_waiting(call, topic_set(topic, name, value, sns_call_written, call));
}
