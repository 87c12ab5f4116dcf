/* Event buses and rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init_build.h"
#include "init_values.h"

/* Sets a member to a value, which is taken (NULL: no memory). */
static int member_set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) ? ERR_MEMORY : 0;
}

/* Sets a member to a text of the item, if it has one. */
static int text_set(json_t *object, const char *name, const struct yaml_node *item, const char *key)
{
    const char *text = init_text(item, key);
    return text ? member_set(object, name, json_string(text)) : 0;
}

/* Takes the ARN. */
static int tags_set(struct init_build *build, const struct yaml_node *item, json_t *arn)
{
    json_t *input =
        json_pack("{s:o, s:o}", "ResourceARN", arn, "Tags", init_tags(yaml_child(item, "tags")));
    return init_call_add(build, item, "tags", INIT_EVENTS, "TagResource", input);
}

/* Buses. */

static int bus_set(struct init_build *build, const struct yaml_node *bus)
{
    const char *name = init_text(bus, "name");
    int code = 0;
    if (init_text(bus, "description"))
        code = init_call_add(
            build, bus, "description", INIT_EVENTS, "UpdateEventBus",
            json_pack("{s:s, s:s}", "Name", name, "Description", init_text(bus, "description")));
    if (code)
        return code;
    if (yaml_child(bus, "policy"))
        code = init_call_add(build, bus, "policy", INIT_EVENTS, "PutPermission",
                             json_pack("{s:s, s:o}", "EventBusName", name, "Policy",
                                       init_attribute(yaml_child(bus, "policy"))));
    if (code || !yaml_child(bus, "tags"))
        return code;
    return tags_set(build, bus,
                    json_sprintf("arn:aws:events:%s:%s:event-bus/%s", build->home->region,
                                 build->home->account, name));
}

int init_bus_create(struct init_build *build, const struct yaml_node *bus)
{
    const char *name = init_text(bus, "name");
    int code = init_call_add(build, bus, NULL, INIT_EVENTS, "CreateEventBus",
                             json_pack("{s:s}", "Name", name));
    if (code)
        return code;
    build->file->requests[build->file->count - 1].accepts = "ResourceAlreadyExistsException";
    return bus_set(build, bus);
}

/* Targets. */

static int target_members_set(struct init_build *build, const struct yaml_node *item,
                              json_t *target)
{
    const struct yaml_node *input = yaml_child(item, "input");
    const char *letters = init_text(item, "dead_letters"), *group = init_text(item, "group");
    int code = input ? member_set(target, "Input", init_attribute(input)) : 0;
    if (code)
        return code;
    code = text_set(target, "InputPath", item, "input_path");
    if (code)
        return code;
    if (letters)
        code = member_set(target, "DeadLetterConfig",
                          json_pack("{s:o}", "Arn", init_arn(build, "sqs", letters)));
    if (code || !group)
        return code;
    return member_set(target, "SqsParameters", json_pack("{s:s}", "MessageGroupId", group));
}

/* Without an id, it is the name, so that the same target is put each time. */
static int target_add(struct init_build *build, const struct yaml_node *item, json_t *targets)
{
    const char *queue = init_text(item, "queue"), *id = init_text(item, "id");
    const char *name = queue ? queue : init_text(item, "topic");
    const char *colon = strrchr(name, ':');
    json_t *target = json_pack("{s:s, s:o}", "Id",
                               id      ? id
                               : colon ? colon + 1
                                       : name,
                               "Arn", init_arn(build, queue ? "sqs" : "sns", name));
    int code = target ? target_members_set(build, item, target) : ERR_MEMORY;
    if (!code)
        return json_array_append_new(targets, target) ? ERR_MEMORY : 0;
    json_decref(target);
    return code;
}

static int targets_put(struct init_build *build, const struct yaml_node *rule)
{
    json_t *targets = json_array();
    const struct yaml_node *item = yaml_child(rule, "targets")->children;
    if (!item) {
        json_decref(targets);
        return 0;
    }
    int code = targets ? 0 : ERR_MEMORY;
    for (; item && !code; item = item->next)
        code = target_add(build, item, targets);
    json_t *input =
        code ? NULL : json_pack("{s:s, s:O}", "Rule", init_text(rule, "name"), "Targets", targets);
    json_decref(targets);
    if (input && text_set(input, "EventBusName", rule, "bus")) {
        json_decref(input);
        input = NULL;
    }
    return init_call_add(build, rule, "targets", INIT_EVENTS, "PutTargets", input);
}

/* Rules. */

static json_t *rule_arn(const struct init_build *build, const struct yaml_node *rule)
{
    const char *bus = init_text(rule, "bus");
    bool other = bus && strcmp(bus, "default") != 0;
    return json_sprintf("arn:aws:events:%s:%s:rule/%s%s%s", build->home->region,
                        build->home->account, other ? bus : "", other ? "/" : "",
                        init_text(rule, "name"));
}

static int rule_put(struct init_build *build, const struct yaml_node *rule)
{
    json_t *input = json_pack("{s:s, s:o, s:s}", "Name", init_text(rule, "name"), "EventPattern",
                              init_attribute(yaml_child(rule, "pattern")), "State",
                              init_switch(rule, "enabled", true) ? "ENABLED" : "DISABLED");
    if (input && (text_set(input, "Description", rule, "description") ||
                  text_set(input, "EventBusName", rule, "bus"))) {
        json_decref(input);
        input = NULL;
    }
    return init_call_add(build, rule, NULL, INIT_EVENTS, "PutRule", input);
}

int init_rule(struct init_build *build, const struct yaml_node *rule)
{
    int code = rule_put(build, rule);
    if (code)
        return code;
    code = yaml_child(rule, "tags") ? tags_set(build, rule, rule_arn(build, rule)) : 0;
    return code || !yaml_child(rule, "targets") ? code : targets_put(build, rule);
}
