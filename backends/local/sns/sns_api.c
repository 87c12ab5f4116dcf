/* SNS: dispatch of actions, the lifetime of a call, and its XML. */
#include "sns_api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authorization.h"
#include "fault_injection.h"
#include "form.h"
#include "json_text.h"
#include "query_response.h"
#include "sns_call.h"
#include "topic_access.h"
#include "utf8.h"
#include "xml_tree.h"

#define NAMESPACE "http://sns.amazonaws.com/doc/2010-03-31/"

enum { ANSWER_MAX = 4 * 1024 * 1024 };

static const struct sns_action actions[] = {
    {"AddPermission", sns_add_permission, true},
    {"CheckIfPhoneNumberIsOptedOut", NULL, false},
    {"ConfirmSubscription", sns_confirm_subscription, false},
    {"CreatePlatformApplication", NULL, false},
    {"CreatePlatformEndpoint", NULL, false},
    {"CreateSMSSandboxPhoneNumber", NULL, false},
    {"CreateTopic", sns_create_topic, false},
    {"DeleteEndpoint", NULL, true},
    {"DeletePlatformApplication", NULL, true},
    {"DeleteSMSSandboxPhoneNumber", NULL, false},
    {"DeleteTopic", sns_delete_topic, true},
    {"GetDataProtectionPolicy", NULL, false},
    {"GetEndpointAttributes", NULL, false},
    {"GetPlatformApplicationAttributes", NULL, false},
    {"GetSMSAttributes", NULL, false},
    {"GetSMSSandboxAccountStatus", NULL, false},
    {"GetSubscriptionAttributes", sns_get_subscription_attributes, false},
    {"GetTopicAttributes", sns_get_topic_attributes, false},
    {"ListEndpointsByPlatformApplication", NULL, false},
    {"ListOriginationNumbers", NULL, false},
    {"ListPhoneNumbersOptedOut", NULL, false},
    {"ListPlatformApplications", NULL, false},
    {"ListSMSSandboxPhoneNumbers", NULL, false},
    {"ListSubscriptions", sns_list_subscriptions, false},
    {"ListSubscriptionsByTopic", sns_list_subscriptions_by_topic, false},
    {"ListTagsForResource", sns_list_tags, false},
    {"ListTopics", sns_list_topics, false},
    {"OptInPhoneNumber", NULL, false},
    {"Publish", sns_publish, false},
    {"PublishBatch", sns_publish_batch, false},
    {"PutDataProtectionPolicy", NULL, true},
    {"RemovePermission", sns_remove_permission, true},
    {"SetEndpointAttributes", NULL, true},
    {"SetPlatformApplicationAttributes", NULL, true},
    {"SetSMSAttributes", NULL, false},
    {"SetSubscriptionAttributes", sns_set_subscription_attributes, true},
    {"SetTopicAttributes", sns_set_topic_attributes, true},
    {"Subscribe", sns_subscribe, false},
    {"TagResource", sns_tag_resource, false},
    {"Unsubscribe", sns_unsubscribe, true},
    {"UntagResource", sns_untag_resource, false},
    {"VerifySMSSandboxPhoneNumber", NULL, false},
};
enum { ACTION_COUNT = sizeof actions / sizeof actions[0] };

static bool sns_operation_row(const struct cloud_service *service, size_t at,
                              struct cloud_operation *out)
{
    (void)service;
    if (at >= ACTION_COUNT)
        return false;
    *out = (struct cloud_operation){actions[at].name, actions[at].run != NULL};
    return true;
}

static const struct xml_rule rules[] = {
    {"Topics", "", NULL, NULL}, {"Subscriptions", "", NULL, NULL},  {"Successful", "", NULL, NULL},
    {"Failed", "", NULL, NULL}, {"Attributes", "", "key", "value"}, {"Tags", "", NULL, NULL},
};
static const struct xml_style style = {rules, sizeof rules / sizeof rules[0], true};

static const struct sns_code_facts codes[SNS_CODE_COUNT] = {
    [SNS_OK] = {"", 200, ""},
    [SNS_INVALID_PARAMETER] = {"InvalidParameter", 400, "Invalid parameter"},
    [SNS_INVALID_VALUE] = {"ParameterValueInvalid", 400, "Invalid parameter value"},
    [SNS_NOT_FOUND] = {"NotFound", 404, "Topic does not exist"},
    [SNS_RESOURCE_NOT_FOUND] = {"ResourceNotFound", 404, "Resource does not exist"},
    [SNS_TAG_LIMIT] = {"TagLimitExceeded", 400,
                       "Could not complete request: tag quota of per resource exceeded"},
    [SNS_FILTER_LIMIT] = {"FilterPolicyLimitExceeded", 403,
                          "The number of filter policies exceeds the limit."},
    [SNS_BATCH_EMPTY] = {"EmptyBatchRequest", 400,
                         "The batch request doesn't contain any entries."},
    [SNS_BATCH_TOO_MANY] = {"TooManyEntriesInBatchRequest", 400,
                            "The batch request contains more entries than permissible."},
    [SNS_BATCH_ID_INVALID] = {"InvalidBatchEntryId", 400,
                              "The Id of a batch entry in a batch request doesn't abide by the "
                              "specification."},
    [SNS_BATCH_IDS_NOT_DISTINCT] = {"BatchEntryIdsNotDistinct", 400,
                                    "Two or more batch entries in the request have the same Id."},
    [SNS_BATCH_TOO_LONG] = {"BatchRequestTooLong", 400,
                            "The length of all the batch messages put together is more than the "
                            "limit."},
    [SNS_CONCURRENT] = {"ConcurrentAccess", 400,
                        "The topic is being deleted. Try again in a moment."},
    [SNS_AUTHORIZATION] = {"AuthorizationError", 403, "Access to the resource is denied."},
    [SNS_UNSIGNED] = {"MissingAuthenticationToken", 403, "Request is missing Authentication Token"},
    [SNS_INVALID_ACTION] = {"InvalidAction", 400, "The action is not valid for this endpoint."},
    [SNS_NOT_IMPLEMENTED] = {"NotImplemented", 501,
                             "The embedded cloud does not implement this action."},
    [SNS_INTERNAL] = {"InternalError", 500, "The embedded cloud could not store the change."},
    [SNS_UNAVAILABLE] = {"ServiceUnavailable", 503, "The embedded cloud is short of memory."},
};

const struct sns_code_facts *sns_code_facts(enum sns_code code)
{
    return &codes[code];
}

/* The errors of filter policies have two lines. */
static void lines_repair(char *text)
{
    for (char *line = text, *next; line; line = next) {
        if ((next = strchr(line, '\n')))
            *next = '\0';
        utf8_repair(line);
        if (next)
            *next++ = '\n';
    }
}

enum sns_code sns_fail(struct sns_call *call, enum sns_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(call->text, sizeof call->text, format, args);
    va_end(args);
    lines_repair(call->text); /* it may quote the peer's input, truncated within a character */
    return call->code = code;
}

/* Answers. */

static void refuse(struct cloud_request *request, enum sns_code code, const char *text)
{
    query_response_error(request, NAMESPACE, codes[code].status, codes[code].code,
                         text[0] ? text : codes[code].text);
}

static void respond(struct sns_call *call)
{
    const char *action = call->action->name;
    struct buffer xml;
    buffer_init(&xml, ANSWER_MAX);
    buffer_format(&xml, "<%sResponse xmlns=\"" NAMESPACE "\">", action);
    if (!call->action->no_result) {
        buffer_format(&xml, "<%sResult>", action);
        xml_members(&xml, call->output, &style);
        buffer_format(&xml, "</%sResult>", action);
    }
    buffer_text(&xml, "<ResponseMetadata>");
    xml_element(&xml, "RequestId", call->request->id);
    buffer_format(&xml, "</ResponseMetadata></%sResponse>", action);
    query_response_send(call->request, 200, &xml);
}

/* The lifecycle of a call. */

static void call_free_if_over(struct sns_call *call)
{
    if (call->request || call->pending)
        return;
    json_decref(call->input);
    json_decref(call->output);
    free(call);
}

static void call_ended(struct cloud_request *request, bool completed)
{
    (void)completed;
    struct sns_call *call = request->handler;
    call->request = NULL;
    call_free_if_over(call);
}

static void call_finish(struct sns_call *call)
{
    call->pending = false;
    if (!call->request)
        call_free_if_over(call);
    else if (call->code != SNS_OK)
        refuse(call->request, call->code, call->text);
    else
        respond(call);
}

void sns_call_written(int status, void *user)
{
    struct sns_call *call = user;
    if (status && call->code == SNS_OK)
        call->code = status == ERR_MEMORY ? SNS_UNAVAILABLE : SNS_INTERNAL;
    call_finish(call);
}

enum sns_code sns_waiting(struct sns_call *call, int status)
{
    if (status == ERR_CONFLICT)
        return SNS_CONCURRENT;
    call->pending = !status;
    return status ? SNS_UNAVAILABLE : SNS_OK;
}

void sns_call_resume(struct sns_call *call)
{
    call->pending = false;
    if (call->request && call->code == SNS_OK) {
        enum sns_code code = call->action->run(call);
        call->code = code != SNS_OK ? code : call->code;
    }
    if (!call->pending)
        call_finish(call);
}

static int action_compare(const void *name, const void *action)
{
    return strcmp(name, ((const struct sns_action *)action)->name);
}

/* The actions of links in messages. */
static bool is_open(const struct sns_action *action)
{
    return action->run == sns_confirm_subscription || action->run == sns_unsubscribe;
}

static void call_run(struct sns_call *call)
{
    const char *name = json_text_in(call->input, "Action");
    call->action =
        name ? bsearch(name, actions, ACTION_COUNT, sizeof actions[0], action_compare) : NULL;
    if (!call->action) {
        sns_fail(call, SNS_INVALID_ACTION, "The action %.60s is not valid for this endpoint.",
                 name ? name : "");
    } else if (!sns_signed(call) && !is_open(call->action)) {
        call->code = SNS_UNSIGNED;
    } else if (!call->action->run) {
        sns_fail(call, SNS_NOT_IMPLEMENTED, "The embedded cloud does not implement the action %s.",
                 name);
    } else {
        snprintf(call->request->operation, sizeof call->request->operation, "%s", name);
        if (fault_inject(call->request, WIRE_QUERY, json_text_in(call->input, "TopicArn")))
            return;
        enum sns_code code = call->action->run(call);
        call->code = code != SNS_OK ? code : call->code;
        if (call->pending)
            return;
    }
    call_finish(call);
}

static json_t *input_read(struct cloud_request *request, int *status)
{
    struct slice body = {request->body.data, request->body.size};
    json_t *tree = json_object(), *input = NULL;
    *status = tree ? form_parse(tree, http_call_query(request->call), NULL, 0) : ERR_MEMORY;
    if (!*status)
        *status = form_parse(tree, body, NULL, 0);
    if (!*status && !(input = form_shape(tree)))
        *status = ERR_MEMORY;
    json_decref(tree);
    return input;
}

void sns_api_handle(struct cloud_request *request)
{
    int status;
    json_t *input = input_read(request, &status), *output = json_object();
    struct sns_call *call = calloc(1, sizeof *call);
    if (!input || !output || !call) {
        json_decref(input);
        json_decref(output);
        free(call);
        bool ours = status == 0 || status == ERR_MEMORY;
        refuse(request, ours ? SNS_UNAVAILABLE : SNS_INVALID_PARAMETER,
               ours ? "" : "The request is not a form of UTF-8 text with at most 2000 parameters.");
        return;
    }
    *call = (struct sns_call){.request = request,
                              .cloud = request->cloud,
                              .topics = request->cloud->topics,
                              .input = input,
                              .output = output};
    request->handler = call;
    request->ended = call_ended;
    call_run(call);
}

/* Input and output. */

bool sns_signed(const struct sns_call *call)
{
    return call->request->caller != NULL;
}

enum sns_code sns_required(struct sns_call *call, const char *name, const char **out)
{
    *out = json_text_in(call->input, name);
    if (*out && (*out)[0])
        return SNS_OK;
    return sns_fail(call, SNS_INVALID_PARAMETER,
                    "Invalid parameter: %s Reason: no value for "
                    "required parameter",
                    name);
}

/* As with queues, the owner can always replace a policy. */
static enum sns_code permit(struct sns_call *call, const struct topic *topic)
{
    const struct cloud_request *asked = call->request;
    const char *action = call->action->name, *name = json_text_in(call->input, "AttributeName");
    char reason[POLICY_REASON_MAX], text[AUTHORIZATION_TEXT_MAX];
    bool mends = strcmp(action, "SetTopicAttributes") == 0 && name && strcmp(name, "Policy") == 0;
    if (mends || topic_access_request(asked, topic, action, reason))
        return SNS_OK;
    authorization_denied_text(asked, "SNS", action, topic->record.named.name, reason, text);
    return sns_fail(call, SNS_AUTHORIZATION, "%s", text);
}

enum sns_code sns_topic(struct sns_call *call, struct topic **out)
{
    const char *arn;
    enum sns_code code = sns_required(call, "TopicArn", &arn);
    if (code != SNS_OK)
        return code;
    if (strncmp(arn, "arn:aws:sns:", 12) != 0)
        return sns_fail(call, SNS_INVALID_PARAMETER, "Invalid parameter: TopicArn");
    const char *name = strrchr(arn, ':') + 1;
    snprintf(call->request->resource, sizeof call->request->resource, "%s", name);
    *out = topics_find(call->topics, arn);
    return *out ? permit(call, *out) : SNS_NOT_FOUND;
}

enum sns_code sns_output(struct sns_call *call, const char *name, json_t *value)
{
    return json_object_set_new(call->output, name, value) ? SNS_UNAVAILABLE : SNS_OK;
}

const struct cloud_service cloud_sns = {
    .name = "sns",
    .title = "SNS",
    .operations = sns_operation_row,
    .handle = sns_api_handle,
    .collects = true,
    .is_public = sns_is_public,
    .handle_public = sns_public_handle,
};
