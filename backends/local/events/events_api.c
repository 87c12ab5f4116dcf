/* EventBridge: its operations and their shared parameters. */
#include "events_api.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "operations.h"

enum { NAME_MAX_SIZE = 64, BUS_MAX = 1600, TOKEN_MAX = 2048, PAGE_MAX = 100 };

static const struct json_call_action actions[] = {
    {"ActivateEventSource", NULL},
    {"CancelReplay", NULL},
    {"CreateApiDestination", NULL},
    {"CreateArchive", NULL},
    {"CreateConnection", NULL},
    {"CreateEndpoint", NULL},
    {"CreateEventBus", NULL},
    {"CreatePartnerEventSource", NULL},
    {"DeactivateEventSource", NULL},
    {"DeauthorizeConnection", NULL},
    {"DeleteApiDestination", NULL},
    {"DeleteArchive", NULL},
    {"DeleteConnection", NULL},
    {"DeleteEndpoint", NULL},
    {"DeleteEventBus", NULL},
    {"DeletePartnerEventSource", NULL},
    {"DeleteRule", events_delete_rule},
    {"DescribeApiDestination", NULL},
    {"DescribeArchive", NULL},
    {"DescribeConnection", NULL},
    {"DescribeEndpoint", NULL},
    {"DescribeEventBus", events_describe_event_bus},
    {"DescribeEventSource", NULL},
    {"DescribePartnerEventSource", NULL},
    {"DescribeReplay", NULL},
    {"DescribeRule", events_describe_rule},
    {"DisableRule", events_disable_rule},
    {"EnableRule", events_enable_rule},
    {"ListApiDestinations", NULL},
    {"ListArchives", NULL},
    {"ListConnections", NULL},
    {"ListEndpoints", NULL},
    {"ListEventBuses", events_list_event_buses},
    {"ListEventSources", NULL},
    {"ListPartnerEventSourceAccounts", NULL},
    {"ListPartnerEventSources", NULL},
    {"ListReplays", NULL},
    {"ListRuleNamesByTarget", events_list_rule_names_by_target},
    {"ListRules", events_list_rules},
    {"ListTagsForResource", events_list_tags},
    {"ListTargetsByRule", events_list_targets},
    {"PutEvents", events_put_events},
    {"PutPartnerEvents", NULL},
    {"PutPermission", NULL},
    {"PutRule", events_put_rule},
    {"PutTargets", events_put_targets},
    {"RemovePermission", NULL},
    {"RemoveTargets", events_remove_targets},
    {"StartReplay", NULL},
    {"TagResource", events_tag_resource},
    {"TestEventPattern", events_test_event_pattern},
    {"UntagResource", events_untag_resource},
    {"UpdateApiDestination", NULL},
    {"UpdateArchive", NULL},
    {"UpdateConnection", NULL},
    {"UpdateEndpoint", NULL},
    {"UpdateEventBus", NULL},
};

enum { ACTION_COUNT = sizeof actions / sizeof actions[0] };

static bool events_operation_row(size_t at, struct cloud_operation *out)
{
    if (at >= ACTION_COUNT)
        return false;
    *out = (struct cloud_operation){actions[at].name, actions[at].run != NULL};
    return true;
}

static void events_api_handle(struct cloud_request *request)
{
    static const struct json_call_service service = {.prefix = "AWSEvents.",
                                                     .actions = actions,
                                                     .count = ACTION_COUNT,
                                                     .internal_error = "InternalException"};
    json_call_handle(request, &service);
}

bool events_name_valid(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr(".-_", name[i]))
            return false;
    }
    return size > 0 && size <= NAME_MAX_SIZE;
}

int events_input_name(struct json_call *call, const char *parameter, bool required,
                      const char **out)
{
    int status = json_call_input_text(call, parameter, required, 1, NAME_MAX_SIZE, out);
    if (status || !*out || events_name_valid(*out))
        return status;
    return json_call_fail(call, "ValidationException",
                          "1 validation error detected: Value '%.64s' at '%s' failed to satisfy "
                          "constraint: Member must satisfy regular expression pattern: "
                          "[\\.\\-_A-Za-z0-9]+",
                          *out, parameter);
}

int events_input_bus(struct json_call *call, const char *parameter)
{
    const char *name;
    char arn[EVENTS_ARN_SIZE];
    int status = json_call_input_text(call, parameter, false, 1, BUS_MAX, &name);
    if (status || !name || strcmp(name, "default") == 0)
        return status;
    snprintf(arn, sizeof arn, "arn:aws:events:%s:%s:event-bus/default", call->cloud->region,
             call->cloud->account);
    if (strcmp(name, arn) == 0)
        return 0;
    return json_call_fail(
        call, "ResourceNotFoundException",
        "Event bus %.200s does not exist. The embedded cloud has only the default bus.", name);
}

int events_input_rule(struct json_call *call, const char *parameter, struct events_rule **out)
{
    const char *name;
    int status = events_input_bus(call, "EventBusName");
    if (!status)
        status = events_input_name(call, parameter, true, &name);
    if (status)
        return status;
    snprintf(call->request->resource, sizeof call->request->resource, "%s", name);
    *out = events_find(call->cloud->events, name);
    if (*out)
        return 0;
    return json_call_fail(call, "ResourceNotFoundException",
                          "Rule %s does not exist on EventBus default.", name);
}

int events_input_page(struct json_call *call, int *limit, const char **after)
{
    *limit = PAGE_MAX;
    int status = json_call_input_int(call, "Limit", 1, PAGE_MAX, limit);
    if (!status)
        status = json_call_input_text(call, "NextToken", false, 1, TOKEN_MAX, after);
    if (!status && *after && !events_name_valid(*after))
        status = json_call_fail(call, "ValidationException", "NextToken is invalid.");
    return status;
}

int events_change(struct json_call *call, const char *name, json_t *document)
{
    int status = document ? events_put(call->cloud->events, name, document, json_call_written, call)
                          : ERR_MEMORY;
    json_decref(document);
    if (status == ERR_CONFLICT)
        return json_call_fail(call, "ConcurrentModificationException",
                              "Rule %s is being deleted. Try again in a moment.", name);
    return json_call_waiting(call, status);
}

/* Buses. */

static json_t *bus_json(const struct cloud *cloud)
{
    return json_pack(
        "{s:s, s:o}", "Name", "default", "Arn",
        json_sprintf("arn:aws:events:%s:%s:event-bus/default", cloud->region, cloud->account));
}

int events_describe_event_bus(struct json_call *call)
{
    int status = events_input_bus(call, "Name");
    if (status)
        return status;
    json_decref(call->output);
    call->output = bus_json(call->cloud);
    return call->output ? 0 : ERR_MEMORY;
}

int events_list_event_buses(struct json_call *call)
{
    const char *prefix;
    int limit;
    const char *after;
    int status = json_call_input_text(call, "NamePrefix", false, 1, 256, &prefix);
    if (!status)
        status = events_input_page(call, &limit, &after);
    if (status)
        return status;
    json_t *buses = json_array();
    if (!prefix || strncmp("default", prefix, strlen(prefix)) == 0)
        json_array_append_new(buses, bus_json(call->cloud));
    return json_call_output(call, "EventBuses", buses);
}

const struct cloud_service cloud_events = {
    .name = "events",
    .title = "EventBridge",
    .operations = events_operation_row,
    .handle = events_api_handle,
    .collects = true,
};
