/* PutTargets and the other actions on targets. */
#include <stdio.h>
#include <string.h>

#include "authorization.h"
#include "events_api.h"
#include "events_input.h"
#include "json_text.h"

enum { TARGETS_IN_CALL = 100, ARN_MAX = 1600, GROUP_MAX = 128, ACCOUNT_DIGITS = 12 };

/* Checking a target. */

static int invalid(struct service_call *call, const char *id, const char *text)
{
    return service_call_fail(call, EVENTS_VALIDATION, "%s for target %.64s.", text, id);
}

/* Parameters of targets that are not supported here. */
static int members_check(struct service_call *call, json_t *target)
{
    static const char *const here[] = {"Id",
                                       "Arn",
                                       "RoleArn",
                                       "Input",
                                       "InputPath",
                                       "InputTransformer",
                                       "SqsParameters",
                                       "DeadLetterConfig",
                                       "RetryPolicy"};
    const char *name;
    json_t *value;
    json_object_foreach(target, name, value)
    {
        bool known = json_is_null(value);
        for (size_t i = 0; i < sizeof here / sizeof here[0] && !known; i++)
            known = strcmp(here[i], name) == 0;
        if (!known)
            return service_call_not_implemented(call, name);
    }
    return 0;
}

/* Of any account, in the region of the request. */
static bool is_here(const struct service_call *call, const char *arn, const char *service)
{
    char prefix[128];
    snprintf(prefix, sizeof prefix, "arn:aws:%s:%.64s:", service, call->request->home.region);
    size_t size = strlen(prefix) + ACCOUNT_DIGITS;
    return strncmp(arn, prefix, strlen(prefix)) == 0 && arn_account(arn).size == ACCOUNT_DIGITS &&
           arn[size] == ':' && arn[size + 1] && !strchr(arn + size + 1, ':');
}

static bool is_ours(const struct service_call *call, const char *arn, const char *service)
{
    return is_here(call, arn, service) && authorization_is_own(call->request, arn);
}

/* EventBridge accesses other buses, and targets of other accounts, with a role of the account. */
static int role_check(struct service_call *call, const char *id, const json_t *target)
{
    const char *arn = json_text_in(target, "Arn"), *role = json_text_in(target, "RoleArn");
    if (!role && (events_is_bus_arn(arn) || !authorization_is_own(call->request, arn)))
        return service_call_fail(call, EVENTS_VALIDATION, "RoleArn is required for target %.300s.",
                                 arn);
    if (!role || (strncmp(role, "arn:aws:iam::", 13) == 0 && strstr(role, ":role/") &&
                  authorization_is_own(call->request, role)))
        return 0;
    return invalid(call, id,
                   "Parameter RoleArn is not valid. Reason: it must be a role of the account,");
}

static bool is_fifo(const char *arn)
{
    size_t size = strlen(arn);
    return size > 5 && strcmp(arn + size - 5, ".fifo") == 0;
}

static int arn_check(struct service_call *call, const char *id, const char *arn)
{
    if (!arn || !*arn || strlen(arn) > ARN_MAX)
        return invalid(call, id,
                       "Parameter Arn is not valid. Reason: it must have 1 to 1600 characters,");
    if (strncmp(arn, "arn:aws:", 8) != 0)
        return invalid(call, id,
                       "Parameter Arn is not valid. Reason: Provided Arn is not in correct "
                       "format,");
    if (is_here(call, arn, "sqs") || is_here(call, arn, "sns") || events_is_bus_arn(arn))
        return 0;
    return service_call_fail(call, SERVICE_NOT_IMPLEMENTED,
                             "The embedded cloud supports only event buses, and queues and topics "
                             "of its own region, as targets, not %.200s.",
                             arn);
}

/* Another bus receives the event itself. */
static int forward_check(struct service_call *call, const json_t *target)
{
    static const char *const inputs[] = {"Input", "InputPath", "InputTransformer"};
    for (size_t i = 0; i < 3 && events_is_bus_arn(json_text_in(target, "Arn")); i++) {
        if (json_object_get(target, inputs[i]))
            return service_call_not_implemented(call, inputs[i]);
    }
    return 0;
}

static int group_check(struct service_call *call, const char *id, const json_t *target)
{
    const json_t *parameters = json_object_get(target, "SqsParameters");
    const char *arn = json_text_in(target, "Arn");
    const char *group = json_text_in(parameters, "MessageGroupId");
    if (parameters && !is_here(call, arn, "sqs"))
        return invalid(call, id, "Parameter(s) SqsParameters must not be specified");
    if (is_here(call, arn, "sns") && is_fifo(arn))
        return invalid(call, id, "A FIFO topic cannot be used: an event has no message group,");
    if (is_here(call, arn, "sqs") && is_fifo(arn) && !group)
        return invalid(call, id, "Parameter(s) MessageGroupId must be specified");
    if (group && (!*group || strlen(group) > GROUP_MAX))
        return invalid(call, id, "MessageGroupId must have 1 to 128 characters");
    return 0;
}

static bool in_range(const json_t *object, const char *name, json_int_t min, json_int_t max)
{
    const json_t *value = json_object_get(object, name);
    json_int_t number = json_integer_value(value);
    return !value || (json_is_integer(value) && number >= min && number <= max);
}

static int delivery_check(struct service_call *call, const char *id, const json_t *target)
{
    const json_t *letters = json_object_get(target, "DeadLetterConfig");
    const json_t *retry = json_object_get(target, "RetryPolicy");
    const char *arn = json_text_in(letters, "Arn");
    if (arn && (!is_ours(call, arn, "sqs") || is_fifo(arn)))
        return invalid(call, id,
                       "DeadLetterConfig must name a standard queue of the same region and "
                       "account");
    if (!in_range(retry, "MaximumRetryAttempts", 0, 185))
        return invalid(call, id, "MaximumRetryAttempts must be from 0 to 185");
    if (!in_range(retry, "MaximumEventAgeInSeconds", 60, 86400))
        return invalid(call, id, "MaximumEventAgeInSeconds must be from 60 to 86400");
    return 0;
}

static int target_check(struct service_call *call, json_t *target)
{
    const char *id = json_text_in(target, "Id");
    struct error error = {0};
    if (!id || !events_name_valid(id))
        return service_call_fail(
            call, EVENTS_VALIDATION,
            "1 validation error detected: Value at 'targets.member.id' failed to "
            "satisfy constraint: Member must have 1 to 64 of the characters "
            "[\\.\\-_A-Za-z0-9]");
    int code = members_check(call, target);
    if (code)
        return code;
    code = arn_check(call, id, json_text_in(target, "Arn"));
    if (code)
        return code;
    code = role_check(call, id, target);
    if (code)
        return code;
    code = forward_check(call, target);
    if (code)
        return code;
    code = group_check(call, id, target);
    if (code)
        return code;
    code = delivery_check(call, id, target);
    if (code)
        return code;
    code = events_input_check(target, &error);
    return code && code != ERR_MEMORY ? invalid(call, id, error.text) : code;
}

/* PutTargets. */

static size_t place_of(const json_t *targets, const char *id)
{
    size_t place = 0;
    while (place < json_array_size(targets) &&
           strcmp(json_text_in(json_array_get(targets, place), "Id"), id) != 0)
        place++;
    return place;
}

static int target_put(json_t *targets, json_t *target)
{
    size_t place = place_of(targets, json_text_in(target, "Id"));
    return place < json_array_size(targets) ? json_array_set(targets, place, target)
                                            : json_array_append(targets, target);
}

static int failures_begin(struct service_call *call, json_t **out)
{
    int code = service_call_output(call, "FailedEntryCount", json_integer(0));
    *out = json_array();
    return code ? (json_decref(*out), code) : service_call_output(call, "FailedEntries", *out);
}

/* Takes targets and stores them in the rule's document. */
static int targets_store(struct service_call *call, const struct events_item *rule, json_t *targets)
{
    json_t *document = json_copy(rule->content.document);
    if (!document) {
        json_decref(targets);
        return ERR_MEMORY;
    }
    if (json_object_set_new(document, "Targets", targets)) {
        json_decref(document);
        return ERR_MEMORY;
    }
    return events_change(call, &call->cloud->events->rules, rule->named.name, document);
}

static json_t *targets_copy(const struct events_item *rule)
{
    json_t *targets = json_object_get(rule->content.document, "Targets");
    return targets ? json_copy(targets) : json_array();
}

static int targets_put(struct service_call *call, json_t *targets, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (target_put(targets, json_array_get(list, i)))
            return ERR_MEMORY;
    }
    if (json_array_size(targets) <= EVENTS_TARGETS_MAX)
        return 0;
    return service_call_fail(call, EVENTS_LIMIT_EXCEEDED,
                             "The requested resource exceeds the maximum number allowed: a rule "
                             "can have at most %d targets.",
                             EVENTS_TARGETS_MAX);
}

int events_put_targets(struct service_call *call)
{
    struct events_item *rule;
    json_t *list, *failed, *targets;
    int code = events_input_rule(call, "Rule", &rule);
    if (code)
        return code;
    code = events_input_list(call, "Targets", 1, TARGETS_IN_CALL, &list);
    if (code)
        return code;
    for (size_t i = 0; i < json_array_size(list); i++) {
        code = target_check(call, json_array_get(list, i));
        if (code)
            return code;
    }
    code = failures_begin(call, &failed);
    if (code)
        return code;
    targets = targets_copy(rule);
    if (!targets)
        return ERR_MEMORY;
    code = targets_put(call, targets, list);
    if (code) {
        json_decref(targets);
        return code;
    }
    return targets_store(call, rule, targets);
}

/* RemoveTargets. */

static int target_remove(struct service_call *call, const struct events_item *rule, json_t *targets,
                         const char *id, json_t *failed)
{
    size_t place = id ? place_of(targets, id) : json_array_size(targets);
    if (place < json_array_size(targets))
        return json_array_remove(targets, place);
    json_t *entry = json_pack("{s:s, s:s, s:o}", "TargetId", id ? id : "", "ErrorCode",
                              "ResourceNotFoundException", "ErrorMessage",
                              json_sprintf("Rule %s does not have a target with the Id %s.",
                                           events_rule_name(rule), id ? id : ""));
    if (json_array_append_new(failed, entry))
        return ERR_MEMORY;
    return service_call_output(call, "FailedEntryCount",
                               json_integer((json_int_t)json_array_size(failed)));
}

int events_remove_targets(struct service_call *call)
{
    struct events_item *rule;
    json_t *ids, *failed, *targets;
    int code = events_input_rule(call, "Rule", &rule);
    if (code)
        return code;
    code = events_input_list(call, "Ids", 1, TARGETS_IN_CALL, &ids);
    if (code)
        return code;
    code = failures_begin(call, &failed);
    if (code)
        return code;
    targets = targets_copy(rule);
    if (!targets)
        return ERR_MEMORY;
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        if (target_remove(call, rule, targets, id, failed)) {
            json_decref(targets);
            return ERR_MEMORY;
        }
    }
    return targets_store(call, rule, targets);
}

/* Listing. */

/* The index after the last target of the previous page. Targets are in the order in which they were
 * added; if the last one was removed, the listing starts again. */
static size_t after_place(const json_t *targets, const char *after)
{
    size_t place = after ? place_of(targets, after) + 1 : 0;
    return place > json_array_size(targets) ? 0 : place;
}

int events_list_targets(struct service_call *call)
{
    struct events_item *rule;
    struct page_part page = {0};
    const char *after;
    int code = events_input_rule(call, "Rule", &rule);
    if (code)
        return code;
    code = events_input_page(call, &page.limit, &after);
    if (code)
        return code;
    json_t *list = json_array();
    code = service_call_output(call, "Targets", list);
    const json_t *targets = json_object_get(rule->content.document, "Targets");
    for (size_t i = after_place(targets, after); !code && i < json_array_size(targets); i++) {
        json_t *target = json_array_get(targets, i);
        if (!page_part_take(&page, json_text_in(target, "Id")))
            break;
        code = json_array_append(list, target) ? ERR_MEMORY : 0;
    }
    return code ? code : events_output_token(call, page.next);
}

int events_list_rule_names_by_target(struct service_call *call)
{
    const struct events_item *rule;
    struct events_rule_page page = {.prefix = ""};
    const char *arn;
    int code = events_input_text(call, "TargetArn", true, 1, ARN_MAX, &arn);
    if (code)
        return code;
    code = events_input_rule_page(call, NULL, &page);
    if (code)
        return code;
    json_t *list = json_array();
    code = service_call_output(call, "RuleNames", list);
    events_rules_page_start(call->cloud->events, arn, &page.page);
    while (!code && (rule = events_page_next(&page.page)))
        code = json_array_append_new(list, json_string(events_rule_name(rule))) ? ERR_MEMORY : 0;
    return code ? code : events_output_rule_token(call, &page);
}
