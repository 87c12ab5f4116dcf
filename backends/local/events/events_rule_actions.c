/* PutRule and the other actions on rules. */
#include <stdio.h>
#include <string.h>

#include "events_api.h"
#include "json_text.h"

enum { PATTERN_MAX = EVENT_PATTERN_MAX, DESCRIPTION_MAX = 512, ROLE_MAX = 1600 };

/* PutRule. */

static int state_read(struct service_call *call, const char **out)
{
    int code = events_input_text(call, "State", false, 1, 64, out);
    if (code)
        return code;
    if (!*out)
        *out = "ENABLED";
    if (strcmp(*out, "ENABLED") == 0 || strcmp(*out, "DISABLED") == 0)
        return 0;
    return service_call_fail(
        call, EVENTS_VALIDATION,
        "1 validation error detected: Value '%.60s' at 'state' failed to satisfy "
        "constraint: Member must satisfy enum value set: [ENABLED, DISABLED]",
        *out);
}

static int pattern_read(struct service_call *call, const char **out)
{
    struct event_pattern *pattern = NULL;
    struct error error = {0};
    int code = events_input_text(call, "EventPattern", false, 0, PATTERN_MAX, out);
    if (code)
        return code;
    if (!*out)
        return service_call_fail(
            call, EVENTS_VALIDATION,
            "Parameter(s) EventPattern or ScheduleExpression must be specified.");
    code = event_pattern_parse(slice_of(*out), &pattern, &error);
    event_pattern_free(pattern);
    if (code == ERR_MEMORY)
        return code;
    return code ? events_pattern_refuse(call, *out, &error) : 0;
}

/* Only a new rule takes the tags; an existing rule keeps its targets. */
static int rule_inherit(struct service_call *call, const struct events_item *old, json_t *document)
{
    static const char *const kept[] = {"Targets", "Tags"};
    json_t *list, *tags;
    int code = events_input_list(call, "Tags", 0, EVENTS_TAGS_MAX, &list);
    if (code)
        return code;
    if (old)
        return events_members_copy(old->content.document, document, kept, 2);
    tags = json_object();
    code = tags ? events_tags_add(call, list, tags) : ERR_MEMORY;
    if (!code && json_object_set(document, "Tags", tags))
        code = ERR_MEMORY;
    json_decref(tags);
    return code;
}

static int rule_read(struct service_call *call, json_t *document)
{
    const char *pattern, *state, *description, *role, *schedule;
    int code = events_input_text(call, "ScheduleExpression", false, 0, 256, &schedule);
    if (!code && schedule)
        return service_call_not_implemented(call, "ScheduleExpression");
    if (code)
        return code;
    code = pattern_read(call, &pattern);
    if (code)
        return code;
    code = state_read(call, &state);
    if (code)
        return code;
    code = events_input_text(call, "Description", false, 0, DESCRIPTION_MAX, &description);
    if (code)
        return code;
    code = events_input_text(call, "RoleArn", false, 1, ROLE_MAX, &role);
    if (code)
        return code;
    if (events_member_set(document, "EventPattern", pattern) ||
        events_member_set(document, "State", state) ||
        events_member_set(document, "Description", description) ||
        events_member_set(document, "RoleArn", role))
        return ERR_MEMORY;
    return 0;
}

int events_put_rule(struct service_call *call)
{
    struct events_state *state = call->cloud->events;
    struct events_item *bus;
    const char *name;
    char arn[EVENTS_ARN_SIZE], key[EVENTS_KEY_SIZE];
    int code = events_input_rule_name(call, "Name", &bus, &name);
    if (code)
        return code;
    const struct events_item *old = events_rule_find(state, bus->named.name, name);
    if (!old && events_rule_count(state, bus->named.name) >= EVENTS_RULES_MAX)
        return service_call_fail(
            call, EVENTS_LIMIT_EXCEEDED,
            "The requested resource exceeds the maximum number allowed: a bus can "
            "have at most %d rules.",
            EVENTS_RULES_MAX);
    json_t *document = json_object();
    code = document ? rule_read(call, document) : ERR_MEMORY;
    if (code)
        goto out;
    code = rule_inherit(call, old, document);
    if (code)
        goto out;
    events_rule_arn(bus->named.name, name, arn);
    events_key(bus->named.name, name, key);
    code = service_call_output(call, "RuleArn", json_string(arn));
    if (!code)
        return events_change(call, &state->rules, key, document);
out:
    json_decref(document);
    return code;
}

/* Reading. */

static json_t *rule_json(const struct events_item *rule)
{
    static const char *const members[] = {"EventPattern", "State", "Description", "RoleArn"};
    char arn[EVENTS_ARN_SIZE];
    const char *name = events_rule_name(rule), *bus = events_bus_name(rule);
    events_item_arn(rule, arn);
    json_t *out = json_pack("{s:s, s:s, s:s%}", "Name", name, "Arn", arn, "EventBusName", bus,
                            (size_t)(name - 1 - bus));
    if (out && !events_members_copy(rule->content.document, out, members, 4))
        return out;
    json_decref(out);
    return NULL;
}

int events_describe_rule(struct service_call *call)
{
    struct events_item *rule;
    int code = events_input_rule(call, "Name", &rule);
    if (code)
        return code;
    json_decref(call->output);
    call->output = rule_json(rule);
    const struct slice creator = arn_account(json_text_in(call->output, "Arn"));
    return call->output
               ? service_call_output(call, "CreatedBy", json_stringn(creator.data, creator.size))
               : ERR_MEMORY;
}

int events_list_rules(struct service_call *call)
{
    const struct events_item *rule;
    struct events_rule_page page = {.prefix = ""};
    const char *prefix;
    int code = events_input_name(call, "NamePrefix", false, &prefix);
    if (code)
        return code;
    code = events_input_rule_page(call, prefix, &page);
    if (code)
        return code;
    json_t *list = json_array();
    code = service_call_output(call, "Rules", list);
    events_rules_page_start(call->cloud->events, NULL, &page.page);
    while (!code && (rule = events_page_next(&page.page)))
        code = json_array_append_new(list, rule_json(rule)) ? ERR_MEMORY : 0;
    return code ? code : events_output_rule_token(call, &page);
}

/* Changing. */

static int state_set(struct service_call *call, const char *state)
{
    struct events_item *rule;
    int code = events_input_rule(call, "Name", &rule);
    if (code)
        return code;
    json_t *document = json_copy(rule->content.document);
    if (document && events_member_set(document, "State", state)) {
        json_decref(document);
        document = NULL;
    }
    return events_change(call, &call->cloud->events->rules, rule->named.name, document);
}

int events_enable_rule(struct service_call *call)
{
    return state_set(call, "ENABLED");
}

int events_disable_rule(struct service_call *call)
{
    return state_set(call, "DISABLED");
}

/* As on AWS, deleting a missing rule succeeds. */
int events_delete_rule(struct service_call *call)
{
    struct events_item *bus;
    const char *name;
    int code = events_input_rule_name(call, "Name", &bus, &name);
    if (code)
        return code;
    struct events_item *rule = events_rule_find(call->cloud->events, bus->named.name, name);
    if (!rule)
        return 0;
    if (json_array_size(json_object_get(rule->content.document, "Targets")))
        return service_call_fail(call, EVENTS_VALIDATION,
                                 "Rule can't be deleted since it has targets.");
    return service_call_wait(call, events_item_delete(rule, service_call_written, call));
}
