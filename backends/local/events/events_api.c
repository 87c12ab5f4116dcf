/* EventBridge: its operations and errors (JSON 1.1, version 2015-10-07). */
#include "events_api.h"

#include "call_protocol.h"

static const struct service_operation operations[] = {
    {.name = "ActivateEventSource"},
    {.name = "CancelReplay"},
    {.name = "CreateApiDestination"},
    {.name = "CreateArchive"},
    {.name = "CreateConnection"},
    {.name = "CreateEndpoint"},
    {.name = "CreateEventBus",
     .members = "Name EventSourceName Description KmsKeyIdentifier DeadLetterConfig LogConfig Tags",
     .run = events_create_event_bus},
    {.name = "CreatePartnerEventSource"},
    {.name = "DeactivateEventSource"},
    {.name = "DeauthorizeConnection"},
    {.name = "DeleteApiDestination"},
    {.name = "DeleteArchive"},
    {.name = "DeleteConnection"},
    {.name = "DeleteEndpoint"},
    {.name = "DeleteEventBus", .members = "Name", .run = events_delete_event_bus},
    {.name = "DeletePartnerEventSource"},
    {.name = "DeleteRule", .members = "Name EventBusName Force", .run = events_delete_rule},
    {.name = "DescribeApiDestination"},
    {.name = "DescribeArchive"},
    {.name = "DescribeConnection"},
    {.name = "DescribeEndpoint"},
    {.name = "DescribeEventBus", .members = "Name", .run = events_describe_event_bus},
    {.name = "DescribeEventSource"},
    {.name = "DescribePartnerEventSource"},
    {.name = "DescribeReplay"},
    {.name = "DescribeRule", .members = "Name EventBusName", .run = events_describe_rule},
    {.name = "DisableRule", .members = "Name EventBusName", .run = events_disable_rule},
    {.name = "EnableRule", .members = "Name EventBusName", .run = events_enable_rule},
    {.name = "ListApiDestinations"},
    {.name = "ListArchives"},
    {.name = "ListConnections"},
    {.name = "ListEndpoints"},
    {.name = "ListEventBuses",
     .members = "NamePrefix NextToken Limit",
     .run = events_list_event_buses},
    {.name = "ListEventSources"},
    {.name = "ListPartnerEventSourceAccounts"},
    {.name = "ListPartnerEventSources"},
    {.name = "ListReplays"},
    {.name = "ListRuleNamesByTarget",
     .members = "TargetArn EventBusName NextToken Limit",
     .run = events_list_rule_names_by_target},
    {.name = "ListRules",
     .members = "NamePrefix EventBusName NextToken Limit",
     .run = events_list_rules},
    {.name = "ListTagsForResource", .members = "ResourceARN", .run = events_list_tags},
    {.name = "ListTargetsByRule",
     .members = "Rule EventBusName NextToken Limit",
     .run = events_list_targets},
    {.name = "PutEvents", .members = "Entries EndpointId", .run = events_put_events},
    {.name = "PutPartnerEvents"},
    {.name = "PutPermission",
     .members = "EventBusName Action Principal StatementId Condition Policy",
     .run = events_put_permission},
    {.name = "PutRule",
     .members = "Name ScheduleExpression EventPattern State Description RoleArn Tags EventBusName",
     .run = events_put_rule},
    {.name = "PutTargets", .members = "Rule EventBusName Targets", .run = events_put_targets},
    {.name = "RemovePermission",
     .members = "StatementId RemoveAllPermissions EventBusName",
     .run = events_remove_permission},
    {.name = "RemoveTargets",
     .members = "Rule EventBusName Ids Force",
     .run = events_remove_targets},
    {.name = "StartReplay"},
    {.name = "TagResource", .members = "ResourceARN Tags", .run = events_tag_resource},
    {.name = "TestEventPattern", .members = "EventPattern Event", .run = events_test_event_pattern},
    {.name = "UntagResource", .members = "ResourceARN TagKeys", .run = events_untag_resource},
    {.name = "UpdateApiDestination"},
    {.name = "UpdateArchive"},
    {.name = "UpdateConnection"},
    {.name = "UpdateEndpoint"},
    {.name = "UpdateEventBus",
     .members = "Name KmsKeyIdentifier Description DeadLetterConfig LogConfig",
     .run = events_update_event_bus},
};

static const struct wire_error errors[EVENTS_CODE_COUNT] = {
    [SERVICE_INTERNAL] = {"InternalException", NULL, 500, 0,
                          "The embedded cloud could not store the change."},
    [SERVICE_UNAVAILABLE] = {"InternalException", NULL, 503, 0,
                             "The embedded cloud is short of memory."},
    [SERVICE_MALFORMED] = {"SerializationException", NULL, 400, 0, "The input cannot be read."},
    [SERVICE_MISSING_ACTION] = {"UnknownOperationException", NULL, 400, 0,
                                "The request names no operation."},
    [SERVICE_INVALID_ACTION] = {"UnknownOperationException", NULL, 400, 0,
                                "The operation is not valid for this endpoint."},
    [SERVICE_NOT_IMPLEMENTED] = {"NotImplemented", NULL, 501, 0,
                                 "The embedded cloud does not implement this operation."},
    [SERVICE_UNSIGNED] = {"MissingAuthenticationTokenException", NULL, 403, 0,
                          "Request is missing Authentication Token"},
    [EVENTS_VALIDATION] = {"ValidationException", NULL, 400, 0, "A parameter is invalid."},
    [EVENTS_NOT_FOUND] = {"ResourceNotFoundException", NULL, 400, 0,
                          "The resource does not exist."},
    [EVENTS_LIMIT_EXCEEDED] = {"LimitExceededException", NULL, 400, 0, "A limit was exceeded."},
    [EVENTS_CONCURRENT] = {"ConcurrentModificationException", NULL, 400, 0,
                           "The resource is being changed."},
    [EVENTS_EXISTS] = {"ResourceAlreadyExistsException", NULL, 400, 0, "The resource exists."},
    [EVENTS_POLICY_LENGTH] = {"PolicyLengthExceededException", NULL, 400, 0,
                              "The policy of an event bus can have at most 10240 bytes."},
    [EVENTS_ACCESS_DENIED] = {"AccessDeniedException", NULL, 400, 0, "Access is denied."},
    [EVENTS_INVALID_PATTERN] = {"InvalidEventPatternException", NULL, 400, 0,
                                "The event pattern is invalid."},
};

int events_change(struct service_call *call, struct events_items *items, const char *name,
                  json_t *document)
{
    int code =
        document ? events_items_put(items, name, document, service_call_written, call) : ERR_MEMORY;
    json_decref(document);
    if (code == ERR_CONFLICT)
        return service_call_fail(call, EVENTS_CONCURRENT,
                                 "%s is being deleted. Try again in a moment.", name);
    return service_call_wait(call, code);
}

int events_member_set(json_t *object, const char *name, const char *value)
{
    return value && json_object_set_new(object, name, json_string(value)) ? ERR_MEMORY : 0;
}

int events_members_copy(const json_t *from, json_t *to, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(from, names[i]);
        if (value && json_object_set(to, names[i], value))
            return ERR_MEMORY;
    }
    return 0;
}

static const struct service_api events_api = {
    .target = "AWSEvents.",
    .json = &protocol_json_1_1,
    .operations = operations,
    .operation_count = sizeof operations / sizeof *operations,
    .errors = errors,
};

const struct cloud_service cloud_events = {
    .name = "events",
    .title = "EventBridge",
    .operations = service_operation_row,
    .api = &events_api,
    .handle = service_call_handle,
    .collects = true,
};
