/* SNS: its operations and errors (Query protocol, version 2010-03-31), and shared inputs. */
#include "sns_api.h"

#include <stdio.h>
#include <string.h>

#include "authorization.h"
#include "call_protocol.h"
#include "json_text.h"
#include "resource_name.h"
#include "sns_call.h"
#include "topic_access.h"

static const struct service_operation operations[] = {
    {.name = "AddPermission",
     .members = "TopicArn Label AWSAccountId ActionName",
     .run = sns_add_permission,
     .no_result = true},
    {.name = "CheckIfPhoneNumberIsOptedOut"},
    {.name = "ConfirmSubscription",
     .members = "TopicArn Token AuthenticateOnUnsubscribe",
     .run = sns_confirm_subscription,
     .is_public = true},
    {.name = "CreatePlatformApplication"},
    {.name = "CreatePlatformEndpoint"},
    {.name = "CreateSMSSandboxPhoneNumber"},
    {.name = "CreateTopic", .members = "Name Attributes Tags", .run = sns_create_topic},
    {.name = "DeleteEndpoint", .no_result = true},
    {.name = "DeletePlatformApplication", .no_result = true},
    {.name = "DeleteSMSSandboxPhoneNumber"},
    {.name = "DeleteTopic", .members = "TopicArn", .run = sns_delete_topic, .no_result = true},
    {.name = "GetDataProtectionPolicy"},
    {.name = "GetEndpointAttributes"},
    {.name = "GetPlatformApplicationAttributes"},
    {.name = "GetSMSAttributes"},
    {.name = "GetSMSSandboxAccountStatus"},
    {.name = "GetSubscriptionAttributes",
     .members = "SubscriptionArn",
     .run = sns_get_subscription_attributes},
    {.name = "GetTopicAttributes", .members = "TopicArn", .run = sns_get_topic_attributes},
    {.name = "ListEndpointsByPlatformApplication"},
    {.name = "ListOriginationNumbers"},
    {.name = "ListPhoneNumbersOptedOut"},
    {.name = "ListPlatformApplications"},
    {.name = "ListSMSSandboxPhoneNumbers"},
    {.name = "ListSubscriptions", .members = "NextToken", .run = sns_list_subscriptions},
    {.name = "ListSubscriptionsByTopic",
     .members = "TopicArn NextToken",
     .run = sns_list_subscriptions_by_topic},
    {.name = "ListTagsForResource", .members = "ResourceArn", .run = sns_list_tags},
    {.name = "ListTopics", .members = "NextToken", .run = sns_list_topics},
    {.name = "OptInPhoneNumber"},
    {.name = "Publish",
     .members = "TopicArn TargetArn PhoneNumber Message Subject MessageStructure MessageAttributes "
                "MessageDeduplicationId MessageGroupId",
     .run = sns_publish,
     .size = sizeof(struct sns_publish_call)},
    {.name = "PublishBatch",
     .members = "TopicArn PublishBatchRequestEntries",
     .run = sns_publish_batch,
     .size = sizeof(struct sns_publish_call)},
    {.name = "PutDataProtectionPolicy", .no_result = true},
    {.name = "RemovePermission",
     .members = "TopicArn Label",
     .run = sns_remove_permission,
     .no_result = true},
    {.name = "SetEndpointAttributes", .no_result = true},
    {.name = "SetPlatformApplicationAttributes", .no_result = true},
    {.name = "SetSMSAttributes"},
    {.name = "SetSubscriptionAttributes",
     .members = "SubscriptionArn AttributeName AttributeValue",
     .run = sns_set_subscription_attributes,
     .no_result = true},
    {.name = "SetTopicAttributes",
     .members = "TopicArn AttributeName AttributeValue",
     .run = sns_set_topic_attributes,
     .no_result = true},
    {.name = "Subscribe",
     .members = "TopicArn Protocol Endpoint Attributes ReturnSubscriptionArn",
     .run = sns_subscribe,
     .size = sizeof(struct sns_subscribe_call)},
    {.name = "TagResource", .members = "ResourceArn Tags", .run = sns_tag_resource},
    {.name = "Unsubscribe",
     .members = "SubscriptionArn",
     .run = sns_unsubscribe,
     .is_public = true,
     .no_result = true},
    {.name = "UntagResource", .members = "ResourceArn TagKeys", .run = sns_untag_resource},
    {.name = "VerifySMSSandboxPhoneNumber"},
};
static const struct xml_rule rules[] = {
    {"Topics", "", NULL, NULL}, {"Subscriptions", "", NULL, NULL},  {"Successful", "", NULL, NULL},
    {"Failed", "", NULL, NULL}, {"Attributes", "", "key", "value"}, {"Tags", "", NULL, NULL},
};
static const struct query_shape shape = {
    .xml_namespace = "http://sns.amazonaws.com/doc/2010-03-31/",
    .style = {rules, sizeof rules / sizeof rules[0], true},
};

static const struct wire_error errors[SNS_CODE_COUNT] = {
    [SNS_INVALID_PARAMETER] = {NULL, "InvalidParameter", 0, 400, "Invalid parameter"},
    [SNS_INVALID_VALUE] = {NULL, "ParameterValueInvalid", 0, 400, "Invalid parameter value"},
    [SNS_NOT_FOUND] = {NULL, "NotFound", 0, 404, "Topic does not exist"},
    [SNS_RESOURCE_NOT_FOUND] = {NULL, "ResourceNotFound", 0, 404, "Resource does not exist"},
    [SNS_TAG_LIMIT] = {NULL, "TagLimitExceeded", 0, 400,
                       "Could not complete request: tag quota of per resource exceeded"},
    [SNS_FILTER_LIMIT] = {NULL, "FilterPolicyLimitExceeded", 0, 403,
                          "The number of filter policies exceeds the limit."},
    [SNS_BATCH_EMPTY] = {NULL, "EmptyBatchRequest", 0, 400,
                         "The batch request doesn't contain any entries."},
    [SNS_BATCH_TOO_MANY] = {NULL, "TooManyEntriesInBatchRequest", 0, 400,
                            "The batch request contains more entries than permissible."},
    [SNS_BATCH_ID_INVALID] = {NULL, "InvalidBatchEntryId", 0, 400,
                              "The Id of a batch entry in a batch request doesn't abide by the "
                              "specification."},
    [SNS_BATCH_IDS_NOT_DISTINCT] = {NULL, "BatchEntryIdsNotDistinct", 0, 400,
                                    "Two or more batch entries in the request have the same Id."},
    [SNS_BATCH_TOO_LONG] = {NULL, "BatchRequestTooLong", 0, 400,
                            "The length of all the batch messages put together is more than the "
                            "limit."},
    [SNS_CONCURRENT] = {NULL, "ConcurrentAccess", 0, 400,
                        "The topic is being deleted. Try again in a moment."},
    [SNS_AUTHORIZATION] = {NULL, "AuthorizationError", 0, 403, "Access to the resource is denied."},
    [SERVICE_UNSIGNED] = {NULL, "MissingAuthenticationToken", 0, 403,
                          "Request is missing Authentication Token"},
    [SERVICE_MALFORMED] = {NULL, "InvalidParameter", 0, 400, "The request cannot be parsed."},
    [SERVICE_MISSING_ACTION] = {NULL, "InvalidAction", 0, 400,
                                "The request must contain the parameter Action."},
    [SERVICE_INVALID_ACTION] = {NULL, "InvalidAction", 0, 400,
                                "The action is not valid for this endpoint."},
    [SERVICE_NOT_IMPLEMENTED] = {NULL, "NotImplemented", 0, 501,
                                 "The embedded cloud does not implement this action."},
    [SERVICE_INTERNAL] = {NULL, "InternalError", 0, 500,
                          "The embedded cloud could not store the change."},
    [SERVICE_UNAVAILABLE] = {NULL, "ServiceUnavailable", 0, 503,
                             "The embedded cloud is short of memory."},
};

/* Input. */

int sns_waiting(struct service_call *call, int code)
{
    if (code == ERR_CONFLICT)
        return SNS_CONCURRENT;
    return service_call_wait(call, code) ? SERVICE_UNAVAILABLE : 0;
}

bool sns_signed(const struct service_call *call)
{
    return call->request->caller != NULL;
}

int sns_required(struct service_call *call, const char *name, const char **out)
{
    *out = json_text_in(call->input, name);
    if (*out && (*out)[0])
        return 0;
    return service_call_fail(call, SNS_INVALID_PARAMETER,
                             "Invalid parameter: %s Reason: no value for "
                             "required parameter",
                             name);
}

/* The token says that the endpoint agrees, whoever sends it, and the request may be unsigned. */
static bool needs_token_alone(const char *action)
{
    return strcmp(action, "ConfirmSubscription") == 0;
}

static int permit(struct service_call *call, const struct topic *topic)
{
    const struct cloud_request *asked = call->request;
    const char *action = call->operation->name, *name = json_text_in(call->input, "AttributeName");
    char reason[POLICY_REASON_MAX], text[AUTHORIZATION_TEXT_MAX];
    bool mends = authorization_is_owner(asked->caller, arn_account(topic->record.named.name)) &&
                 strcmp(action, "SetTopicAttributes") == 0 && name && strcmp(name, "Policy") == 0;
    if (mends || needs_token_alone(action) || topic_access_request(asked, topic, action, reason))
        return 0;
    authorization_denied_text(asked, "SNS", action, topic->record.named.name, reason, text);
    return service_call_fail(call, SNS_AUTHORIZATION, "%s", text);
}

int sns_arn_check(struct service_call *call, const char *parameter, const char *arn)
{
    int parts = 1;
    for (const char *at = arn; *at; at++)
        parts += *at == ':';
    if (parts >= 6 && strncmp(arn, "arn:", 4) == 0)
        return 0;
    if (parts >= 6)
        return service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: %s", parameter);
    return service_call_fail(
        call, SNS_INVALID_PARAMETER,
        "Invalid parameter: %s Reason: An ARN must have at least 6 elements, not %d", parameter,
        parts);
}

/* The links in messages are not signed, so they have no region. */
bool sns_is_here(const struct service_call *call, const char *arn)
{
    return !call->request->region_signed || arn_is_in(arn, call->request->home.region);
}

int sns_topic(struct service_call *call, struct topic **out)
{
    const char *arn = json_text_in(call->input, "TopicArn");
    int code = arn ? sns_arn_check(call, "TopicArn", arn) : sns_required(call, "TopicArn", &arn);
    if (code)
        return code;
    if (strncmp(arn, "arn:aws:sns:", 12) != 0 || !sns_is_here(call, arn))
        return service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: TopicArn");
    const char *name = strrchr(arn, ':') + 1;
    snprintf(call->request->resource, sizeof call->request->resource, "%s", name);
    *out = topics_find(call->cloud->topics, arn);
    return *out ? permit(call, *out) : SNS_NOT_FOUND;
}

static const struct service_api sns_api = {
    .query = &protocol_query,
    .shape = &shape,
    .operations = operations,
    .operation_count = sizeof operations / sizeof *operations,
    .errors = errors,
    .resource = {"TopicArn"},
};

const struct cloud_service cloud_sns = {
    .name = "sns",
    .title = "SNS",
    .operations = service_operation_row,
    .api = &sns_api,
    .handle = service_call_handle,
    .collects = true,
    .is_public = sns_is_public,
    .handle_public = sns_public_handle,
};
