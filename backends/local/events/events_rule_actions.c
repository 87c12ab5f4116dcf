/* PutRule and the other actions on rules. */
#include <stdio.h>
#include <string.h>

#include "events_api.h"
#include "json_text.h"

enum { PATTERN_MAX = EVENT_PATTERN_MAX, DESCRIPTION_MAX = 512, ROLE_MAX = 1600, TAGS_MAX = 50 };

/* Sets a member if there is a value. */
static int member_set(json_t *object, const char *name, const char *value)
{
    return value && json_object_set_new(object, name, json_string(value)) ? ERR_MEMORY : 0;
}

static int members_copy(const json_t *from, json_t *to, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(from, names[i]);
        if (value && json_object_set(to, names[i], value))
            return ERR_MEMORY;
    }
    return 0;
}

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
    return code ? service_call_fail(call, EVENTS_INVALID_PATTERN, "%s", error.text) : 0;
}

int events_tags_add(struct service_call *call, json_t *list, json_t *tags)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *tag = json_array_get(list, i);
        const char *key = json_text_in(tag, "Key"), *value = json_text_in(tag, "Value");
        if (!key || !*key || strlen(key) > 128 || !value || strlen(value) > 256 ||
            strncmp(key, "aws:", 4) == 0)
            return service_call_fail(
                call, EVENTS_VALIDATION,
                "A tag must have a Key of 1 to 128 characters that does not begin "
                "with aws:, and a Value of at most 256.");
        if (json_object_set_new(tags, key, json_string(value)))
            return ERR_MEMORY;
    }
    if (json_object_size(tags) > TAGS_MAX)
        return service_call_fail(call, EVENTS_LIMIT_EXCEEDED, "A rule can have at most 50 tags.");
    return 0;
}

/* Only a new rule takes the tags; an existing rule keeps its targets. */
static int rule_inherit(struct service_call *call, const struct events_rule *old, json_t *document)
{
    static const char *const kept[] = {"Targets", "Tags"};
    json_t *list, *tags;
    int code = events_input_list(call, "Tags", 0, TAGS_MAX, &list);
    if (code)
        return code;
    if (old)
        return members_copy(old->document, document, kept, 2);
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
    if (member_set(document, "EventPattern", pattern) || member_set(document, "State", state) ||
        member_set(document, "Description", description) || member_set(document, "RoleArn", role))
        return ERR_MEMORY;
    return 0;
}

int events_put_rule(struct service_call *call)
{
    struct events_rules *rules = call->cloud->events;
    const char *name;
    char arn[EVENTS_ARN_SIZE];
    int code = events_input_bus(call, "EventBusName");
    if (code)
        return code;
    code = events_input_name(call, "Name", true, &name);
    if (code)
        return code;
    snprintf(call->request->resource, sizeof call->request->resource, "%s", name);
    const struct events_rule *old = events_find(rules, name);
    if (!old && events_count(rules) >= EVENTS_RULES_MAX)
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
    events_rule_arn(call->cloud, name, arn);
    code = service_call_output(call, "RuleArn", json_string(arn));
    if (!code)
        return events_change(call, name, document);
out:
    json_decref(document);
    return code;
}

/* Reading. */

static json_t *rule_json(const struct cloud *cloud, const struct events_rule *rule)
{
    static const char *const members[] = {"EventPattern", "State", "Description", "RoleArn"};
    char arn[EVENTS_ARN_SIZE];
    events_rule_arn(cloud, rule->named.name, arn);
    json_t *out = json_pack("{s:s, s:s, s:s}", "Name", rule->named.name, "Arn", arn, "EventBusName",
                            "default");
    if (out && !members_copy(rule->document, out, members, 4))
        return out;
    json_decref(out);
    return NULL;
}

int events_describe_rule(struct service_call *call)
{
    struct events_rule *rule;
    int code = events_input_rule(call, "Name", &rule);
    if (code)
        return code;
    json_decref(call->output);
    call->output = rule_json(call->cloud, rule);
    return call->output ? service_call_output(call, "CreatedBy", json_string(call->cloud->account))
                        : ERR_MEMORY;
}

int events_list_rules(struct service_call *call)
{
    const struct events_rule *rule;
    struct name_page page = {0};
    int code = events_input_bus(call, "EventBusName");
    if (code)
        return code;
    code = events_input_name(call, "NamePrefix", false, &page.prefix);
    if (code)
        return code;
    code = events_input_page(call, &page.part.limit, &page.after);
    if (code)
        return code;
    json_t *list = json_array();
    code = service_call_output(call, "Rules", list);
    events_page_start(call->cloud->events, NULL, &page);
    while (!code && (rule = events_page_next(&page)))
        code = json_array_append_new(list, rule_json(call->cloud, rule)) ? ERR_MEMORY : 0;
    return code ? code : events_output_token(call, page.part.next);
}

/* Changing. */

static int state_set(struct service_call *call, const char *state)
{
    struct events_rule *rule;
    int code = events_input_rule(call, "Name", &rule);
    if (code)
        return code;
    json_t *document = json_copy(rule->document);
    if (document && member_set(document, "State", state)) {
        json_decref(document);
        document = NULL;
    }
    return events_change(call, rule->named.name, document);
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
    const char *name;
    int code = events_input_bus(call, "EventBusName");
    if (code)
        return code;
    code = events_input_name(call, "Name", true, &name);
    if (code)
        return code;
    snprintf(call->request->resource, sizeof call->request->resource, "%s", name);
    struct events_rule *rule = events_find(call->cloud->events, name);
    if (!rule)
        return 0;
    if (json_array_size(json_object_get(rule->document, "Targets")))
        return service_call_fail(call, EVENTS_VALIDATION,
                                 "Rule can't be deleted since it has targets.");
    return service_call_wait(call, events_delete(rule, service_call_written, call));
}

/* Tags. */

static int tagged_rule(struct service_call *call, struct events_rule **out)
{
    char prefix[EVENTS_ARN_SIZE];
    const char *arn;
    int code = events_input_text(call, "ResourceARN", true, 1, 1600, &arn);
    if (code)
        return code;
    events_rule_arn(call->cloud, "", prefix);
    bool rule = strncmp(arn, prefix, strlen(prefix)) == 0;
    *out = rule ? events_find(call->cloud->events, arn + strlen(prefix)) : NULL;
    if (*out)
        return 0;
    return service_call_fail(
        call, EVENTS_NOT_FOUND,
        "%.200s does not exist. The embedded cloud supports tags only on rules of the default bus.",
        arn);
}

/* A copy of the rule's document whose tags can be changed; NULL if memory is short. */
static json_t *document_with_tags(const struct events_rule *rule, json_t **tags)
{
    const json_t *old = json_object_get(rule->document, "Tags");
    json_t *document = json_copy(rule->document);
    *tags = old ? json_copy((json_t *)(uintptr_t)old) : json_object();
    if (document && *tags && !json_object_set_new(document, "Tags", *tags))
        return document;
    if (!document)
        json_decref(*tags);
    json_decref(document);
    return NULL;
}

/* Adds or removes tags of the rule. */
static int change_tags(struct service_call *call, const char *member,
                       int (*change)(struct service_call *call, json_t *list, json_t *tags))
{
    struct events_rule *rule;
    json_t *list, *tags;
    int code = tagged_rule(call, &rule);
    if (code)
        return code;
    code = events_input_list(call, member, 1, TAGS_MAX, &list);
    if (code)
        return code;
    json_t *document = document_with_tags(rule, &tags);
    code = document ? change(call, list, tags) : ERR_MEMORY;
    if (!code)
        return events_change(call, rule->named.name, document);
    json_decref(document);
    return code;
}

int events_tag_resource(struct service_call *call)
{
    return change_tags(call, "Tags", events_tags_add);
}

static int remove_tags(struct service_call *call, json_t *keys, json_t *tags)
{
    (void)call;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        if (key)
            json_object_del(tags, key);
    }
    return 0;
}

int events_untag_resource(struct service_call *call)
{
    return change_tags(call, "TagKeys", remove_tags);
}

int events_list_tags(struct service_call *call)
{
    struct events_rule *rule;
    int code = tagged_rule(call, &rule);
    json_t *list = code ? NULL : json_array(), *value;
    const char *key;
    if (code)
        return code;
    code = service_call_output(call, "Tags", list);
    if (code)
        return code;
    json_object_foreach(json_object_get(rule->document, "Tags"), key, value)
    {
        if (json_array_append_new(list, json_pack("{s:s, s:O}", "Key", key, "Value", value)))
            return ERR_MEMORY;
    }
    return 0;
}
