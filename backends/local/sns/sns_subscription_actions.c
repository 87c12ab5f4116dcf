/* The actions of SNS on subscriptions. Source: the Amazon SNS API Reference, an action a page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access_key.h"
#include "authorization.h"
#include "container_of.h"
#include "json_text.h"
#include "sns_call.h"
#include "sns_confirmation.h"
#include "sns_endpoint.h"
#include "sns_mail.h"

enum { PAGE = 100 };

/* Endpoints. */

/* The queue may be created later. */
static int queue_endpoint_check(struct service_call *call, const struct topic *topic,
                                const char *endpoint)
{
    if (strncmp(endpoint, "arn:aws:sqs:", 12) != 0)
        return service_call_fail(call, SNS_INVALID_PARAMETER,
                                 "Invalid parameter: SQS endpoint ARN");
    if (!topic->fifo && topic_name_is_fifo(endpoint))
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues "
            "can not be subscribed to standard SNS topics");
    return 0;
}

static int endpoint_check(struct service_call *call, const struct topic *topic,
                          const char *protocol, const char *endpoint)
{
    static const char *const refused[] = {"sms", "application", "lambda", "firehose"};
    bool http = strcmp(protocol, "http") == 0 || strcmp(protocol, "https") == 0;
    bool mail = strcmp(protocol, "email") == 0 || strcmp(protocol, "email-json") == 0;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (strcmp(protocol, refused[i]) == 0)
            return service_call_fail(call, SERVICE_NOT_IMPLEMENTED,
                                     "The embedded cloud does not support the protocol %s.",
                                     protocol);
    }
    if (strcmp(protocol, "sqs") == 0)
        return queue_endpoint_check(call, topic, endpoint);
    if (!http && !mail)
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: Amazon SNS does not support this protocol string: "
            "%.40s",
            protocol);
    if (topic->fifo)
        return service_call_fail(
            call, SNS_INVALID_PARAMETER,
            "Invalid parameter: Invalid protocol type: %s: FIFO topics deliver to "
            "queues",
            protocol);
    if (http && !sns_endpoint_valid(protocol, endpoint))
        return service_call_fail(call, SNS_INVALID_PARAMETER,
                                 "Invalid parameter: Endpoint must match the specified protocol");
    if (mail && !sns_mail_address_valid(endpoint))
        return service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: Email address");
    return 0;
}

/* Subscribing. */

/* The ARN of an unconfirmed subscription is returned only on request. */
static int arn_output(struct service_call *call, const struct subscription *s)
{
    const char *wish = json_text_in(call->input, "ReturnSubscriptionArn");
    bool hidden = s->pending && !(wish && strcmp(wish, "true") == 0);
    return service_call_output(call, "SubscriptionArn",
                               json_string(hidden ? "pending confirmation" : s->record.named.name));
}

/* An explicit "false" equals the default. */
static bool is_set(const struct subscription *s, const char *name, const char *value)
{
    const char *known = json_text_in(s->record.attributes, name);
    const char *initial = strcmp(name, "RawMessageDelivery") == 0  ? "false"
                          : strcmp(name, "FilterPolicyScope") == 0 ? "MessageAttributes"
                                                                   : "";
    return strcmp(known ? known : initial, value ? value : "") == 0;
}

/* If the endpoint is already subscribed, the given attributes must equal the current ones. */
static int subscription_same(struct service_call *call, struct subscription *s, json_t *attributes)
{
    const char *name;
    json_t *value;
    json_object_foreach(attributes, name, value)
    {
        if (!is_set(s, name, json_string_value(value)))
            return service_call_fail(
                call, SNS_INVALID_PARAMETER,
                "Invalid parameter: Attributes Reason: Subscription already exists "
                "with different attributes");
    }
    int code = arn_output(call, s);
    if (code)
        return code;
    if (s->pending)
        return sns_waiting(call, confirmation_send(call->cloud, s, service_call_written, call));
    return sns_waiting(call, subscription_confirm(s, service_call_written, call));
}

/* The confirmation is requested after the row is stored. */
static void subscribed(int code, void *user)
{
    struct service_call *call = user;
    struct subscription *s = container_of(call, struct sns_subscribe_call, call)->subscription;
    if (code || !s->pending) {
        service_call_written(code, call);
        return;
    }
    code = confirmation_send(call->cloud, s, service_call_written, call);
    if (code)
        service_call_written(code, call);
}

static int subscription_make(struct service_call *call, struct topic *topic, const char *protocol,
                             const char *endpoint, json_t *attributes)
{
    int code = sns_filter_limit_check(call, topic, json_text_in(attributes, "FilterPolicy"));
    if (code)
        return code;
    const bool pending =
        confirmation_is_needed(protocol, endpoint, slice_of(call->request->home.account));
    json_t *details = confirmation_details(protocol, call->request->caller->arn, pending);
    if (!details)
        return ERR_MEMORY;
    struct subscription **s = &container_of(call, struct sns_subscribe_call, call)->subscription;
    const struct subscription_draft draft = {endpoint, attributes, details};
    code = topic_subscribe(topic, &draft, subscribed, call, s);
    json_decref(details);
    code = sns_waiting(call, code);
    return code ? code : arn_output(call, *s);
}

int sns_subscribe(struct service_call *call)
{
    struct topic *topic;
    const char *protocol, *endpoint;
    json_t *attributes = json_object_get(call->input, "Attributes");
    int code = sns_topic(call, &topic);
    if (code)
        return code;
    code = sns_required(call, "Protocol", &protocol);
    if (code)
        return code;
    code = sns_required(call, "Endpoint", &endpoint);
    if (code)
        return code;
    code = endpoint_check(call, topic, protocol, endpoint);
    if (code)
        return code;
    code = sns_subscription_attributes_check(call, attributes);
    if (code)
        return code;
    struct subscription *s = topic_subscription_of(topic, protocol, endpoint);
    return s ? subscription_same(call, s, attributes)
             : subscription_make(call, topic, protocol, endpoint, attributes);
}

/* Tokens are long hexadecimal numbers. */
static bool token_plausible(const char *token)
{
    size_t size = strlen(token);
    return size >= 40 && strspn(token, "0123456789abcdef") == size;
}

/* An ended subscription is restored, unless its endpoint has subscribed again. */
static int subscription_of_token(struct service_call *call, struct topic *topic, const char *token,
                                 struct subscription **out)
{
    struct subscription *s = confirmation_find(topic, token);
    if (!s)
        return service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: Token");
    *out = s->ended ? topic_subscription_of(topic, s->protocol, s->endpoint) : s;
    if (*out)
        return 0;
    *out = s;
    return sns_filter_limit_check(call, topic, json_text_in(s->record.attributes, "FilterPolicy"));
}

int sns_confirm_subscription(struct service_call *call)
{
    struct topic *topic;
    const char *token, *guard = json_text_in(call->input, "AuthenticateOnUnsubscribe");
    int code = sns_required(call, "Token", &token);
    if (code)
        return code;
    if (!token_plausible(token))
        return service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid token");
    code = sns_topic(call, &topic);
    if (code == SNS_NOT_FOUND)
        return service_call_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: Token");
    if (code)
        return code;
    struct subscription *s = NULL;
    code = subscription_of_token(call, topic, token, &s);
    if (code)
        return code;
    code = service_call_output(call, "SubscriptionArn", json_string(s->record.named.name));
    if (code)
        return code;
    bool guarded = sns_signed(call) && guard && strcmp(guard, "true") == 0;
    return sns_waiting(call, confirmation_accept(s, guarded, service_call_written, call));
}

/* Existing subscriptions. */

/* Those of the account that subscribed and of the topic's, and the link in a message. */
static int subscription_permit(struct service_call *call, const struct subscription *s)
{
    const struct cloud_request *asked = call->request;
    const char *arn = s->record.named.name;
    if (!sns_signed(call) || authorization_is_own(asked, arn) ||
        slice_equal_text(subscription_owner(s), asked->home.account))
        return 0;
    return service_call_fail(call, SNS_AUTHORIZATION,
                             "User: %s is not authorized to perform: SNS:%s on resource: %.200s",
                             asked->caller->arn, call->operation->name, arn);
}

static int input_subscription(struct service_call *call, struct subscription **out)
{
    const char *arn;
    int code = sns_required(call, "SubscriptionArn", &arn);
    if (code)
        return code;
    code = sns_arn_check(call, "SubscriptionArn", arn);
    if (code)
        return code;
    *out = sns_is_here(call, arn) ? topics_find_subscription(call->cloud->topics, arn) : NULL;
    if (!*out)
        return service_call_fail(call, SNS_NOT_FOUND, "Subscription does not exist");
    snprintf(call->request->resource, sizeof call->request->resource, "%s",
             strrchr((*out)->topic_arn, ':') + 1);
    return subscription_permit(call, *out);
}

static int subscription_end(struct service_call *call, struct subscription *s)
{
    return sns_waiting(call, sns_signed(call) || s->pending
                                 ? subscription_delete(s, service_call_written, call)
                                 : confirmation_end(call->cloud, s, service_call_written, call));
}

/* Ending a missing subscription succeeds. Requests through the link in a message are unsigned: "If
 * the Unsubscribe call does not require authentication and the requester is not the subscription
 * owner, a final cancellation message is delivered to the endpoint". */
int sns_unsubscribe(struct service_call *call)
{
    struct subscription *s;
    int code = input_subscription(call, &s);
    if (code == SNS_NOT_FOUND) {
        call->error.code = 0;
        return 0;
    }
    if (!code && !sns_signed(call) && confirmation_guards(s))
        return service_call_fail(call, SNS_AUTHORIZATION,
                                 "This subscription belongs to a queue or was confirmed with "
                                 "AuthenticateOnUnsubscribe: only a signed request can delete it.");
    return !code ? subscription_end(call, s) : code;
}

static json_t *subscription_json(const struct subscription *s)
{
    struct slice owner = subscription_owner(s);
    char *endpoint = sns_endpoint_shown(s->endpoint);
    json_t *json = json_pack("{s:s, s:s%, s:s, s:s*, s:s}", "SubscriptionArn",
                             s->pending ? "PendingConfirmation" : s->record.named.name, "Owner",
                             owner.data, owner.size, "Protocol", s->protocol, "Endpoint", endpoint,
                             "TopicArn", s->topic_arn);
    if (!endpoint) {
        json_decref(json);
        json = NULL;
    }
    free(endpoint);
    return json;
}

static int page_output(struct service_call *call, struct subscription *const *page, size_t count,
                       bool more)
{
    json_t *list = json_array();
    int failed = !list;
    for (size_t i = 0; i < count && !failed; i++)
        failed = json_array_append_new(list, subscription_json(page[i]));
    if (failed) {
        json_decref(list);
        return ERR_MEMORY;
    }
    int code = service_call_output(call, "Subscriptions", list);
    if (code)
        return code;
    return more ? service_call_output(call, "NextToken",
                                      json_string(page[count - 1]->record.named.name))
                : 0;
}

int sns_list_subscriptions(struct service_call *call)
{
    struct subscription *page[PAGE];
    const char *after = json_text_in(call->input, "NextToken");
    bool more;
    size_t count = topics_list_owned_subscriptions(call->cloud->topics, call->request->home, after,
                                                   page, PAGE, &more);
    return page_output(call, page, count, more);
}

int sns_list_subscriptions_by_topic(struct service_call *call)
{
    struct topic *topic;
    struct subscription *page[PAGE];
    const char *after = json_text_in(call->input, "NextToken");
    bool more;
    int code = sns_topic(call, &topic);
    if (code)
        return code;
    size_t count = topics_list_subscriptions(call->cloud->topics, topic->subscription_prefix, after,
                                             page, PAGE, &more);
    return page_output(call, page, count, more);
}

int sns_get_subscription_attributes(struct service_call *call)
{
    struct subscription *s;
    int code = input_subscription(call, &s);
    return !code ? service_call_output(call, "Attributes", sns_subscription_describe(call, s))
                 : code;
}

int sns_set_subscription_attributes(struct service_call *call)
{
    struct subscription *s;
    const char *name;
    int code = input_subscription(call, &s);
    if (code)
        return code;
    code = sns_required(call, "AttributeName", &name);
    if (code)
        return code;
    const char *value = json_text_in(call->input, "AttributeValue");
    code = sns_subscription_attribute_check(call, s, name, value);
    if (code)
        return code;
    bool none = !value || !value[0] || strcmp(value, "{}") == 0;
    return sns_waiting(call,
                       subscription_set(s, name, none ? NULL : value, service_call_written, call));
}
