/*
 * The plan as a CloudFormation template: a JSON tree, which yaml_write prints.
 *
 * Names of buckets are parameters, because they are unique in the world. References between the
 * resources give CloudFormation the order; what it cannot see is in DependsOn: S3 checks that it
 * may send to the targets of a notification, so their policies come first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloudformation_stack.h"
#include "yaml_write.h"

enum { DEFAULT_RETENTION_S = 345600, RETENTION_MIN_S = 60, RETENTION_MAX_S = 1209600 };

/* ---- parameters ---- */

static void add_number(struct stack *s, const char *id, unsigned standard, unsigned least,
                       unsigned most, const char *what)
{
    stack_put(s, s->inputs, id,
              json_pack("{s:s, s:i, s:i, s:i, s:s}", "Type", "Number", "Default", (int)standard,
                        "MinValue", (int)least, "MaxValue", (int)most, "Description", what));
}

static void add_text(struct stack *s, const char *id, const char *standard, const char *what)
{
    stack_put(
        s, s->inputs, id,
        json_pack("{s:s, s:s, s:s}", "Type", "String", "Default", standard, "Description", what));
}

static void add_bucket_names(struct stack *s)
{
    for (size_t i = 0; i < s->plan->count; i++) {
        const struct provision_resource *resource = &s->plan->resources[i];
        if (resource->kind == PROVISION_BUCKET)
            add_text(s, s->parameters[i], resource->name, template_name_words(resource));
    }
}

static void add_parameters(struct stack *s)
{
    const struct provision_settings *settings = &s->plan->settings;
    add_bucket_names(s);
    add_number(s, "RetentionSeconds",
               settings->retention_s ? settings->retention_s : DEFAULT_RETENTION_S, RETENTION_MIN_S,
               RETENTION_MAX_S, "How long the queues keep a message");
    add_number(s, "DeadLetterRetentionSeconds", PROVISION_DEAD_RETENTION_S, RETENTION_MIN_S,
               RETENTION_MAX_S, "How long the dead-letter queues keep a message");
    add_number(s, "MaxReceives", settings->max_receives, 1, 1000,
               "A message that was received so often goes to the dead-letter queue");
    if (settings->lifecycle_days)
        add_number(s, "ExpirationDays", settings->lifecycle_days, 1, 36500,
                   "Outputs are deleted after so many days");
    stack_put(s, s->inputs, "TrustedService",
              json_pack("{s:s, s:s, s:[s, s], s:s}", "Type", "String", "Default",
                        "ecs-tasks.amazonaws.com", "AllowedValues", "ecs-tasks.amazonaws.com",
                        "ec2.amazonaws.com", "Description",
                        "Where the engine runs: ECS tasks or EC2"));
    add_text(s, "AlarmEmail", "", "Alarms go to this address; empty for none");
    add_text(s, "AlarmTopicArn", "", "Alarms go to this existing topic instead of an address");
    add_number(s, "AlarmAgeSeconds", 900, 1, RETENTION_MAX_S,
               "An alarm is raised when the oldest message of a queue is older than this");
}

static json_t *is_empty(const char *parameter)
{
    return json_pack("{s:[o, s]}", "Fn::Equals", stack_ref(parameter), "");
}

static void add_conditions(struct stack *s)
{
    s->conditions = stack_put(s, s->tree, "Conditions", json_object());
    stack_put(s, s->conditions, "Alarms",
              json_pack("{s:[{s:[o, o]}]}", "Fn::Not", "Fn::And", is_empty("AlarmEmail"),
                        is_empty("AlarmTopicArn")));
    stack_put(s, s->conditions, "OwnAlarmTopic",
              json_pack("{s:[{s:[o]}, o]}", "Fn::And", "Fn::Not", is_empty("AlarmEmail"),
                        is_empty("AlarmTopicArn")));
    stack_put(
        s, s->conditions, "OnEc2",
        json_pack("{s:[o, s]}", "Fn::Equals", stack_ref("TrustedService"), "ec2.amazonaws.com"));
}

/* ---- outputs ---- */

static void add_output(struct stack *s, const char *id, const char *what, json_t *value)
{
    stack_put(s, s->outputs, id, json_pack("{s:s, s:o}", "Description", what, "Value", value));
}

/* A topic or queue, which may be made on a condition. */
static void add_made(struct stack *s, size_t index, const char *suffix, const char *what)
{
    char id[256];
    snprintf(id, sizeof id, "%s%s", s->ids[index], suffix);
    add_output(s, id, what, stack_ref(s->ids[index]));
    if (s->homes[index])
        stack_put(s, json_object_get(s->outputs, id), "Condition", json_string(s->homes[index]));
}

static void add_outputs(struct stack *s)
{
    for (size_t i = 0; i < s->plan->count; i++) {
        const struct provision_resource *resource = &s->plan->resources[i];
        if (resource->kind == PROVISION_BUCKET)
            add_output(s, s->parameters[i], template_output_words(resource), stack_ref(s->ids[i]));
        if (resource->kind == PROVISION_TOPIC && !resource->notify)
            add_output(s, "TopicArn", template_output_words(resource), stack_ref(s->ids[i]));
        else if (resource->kind == PROVISION_TOPIC)
            add_made(s, i, "Arn", template_output_words(resource));
        else if (resource->kind == PROVISION_QUEUE)
            add_made(s, i, "Url", template_output_words(resource));
    }
    add_output(s, "RoleArn", "Role of the engine: the task definition's taskRoleArn in ECS",
               stack_get("Role", "Arn"));
    add_output(s, "InstanceProfileArn", "Instance profile with the role, for EC2",
               stack_get("InstanceProfile", "Arn"));
    stack_put(s, json_object_get(s->outputs, "InstanceProfileArn"), "Condition",
              json_string("OnEc2"));
}

/* ---- the template ---- */

static void name_bucket(struct stack *s, size_t index)
{
    const struct provision_resource *bucket = &s->plan->resources[index];
    s->ids[index] =
        template_name(&s->names, bucket->output ? bucket->name : "", "Bucket", &s->code);
    s->parameters[index] = template_name(&s->names, s->ids[index], "Name", &s->code);
}

static void name_resources(struct stack *s)
{
    static const char *const taken[] = {"Role",       "InstanceProfile", "AlarmTopic",
                                        "AlarmEmail", "AlarmTopicArn",   "AlarmAgeSeconds",
                                        "MaxReceives"};
    static const char *const suffixes[PROVISION_KINDS] = {
        [PROVISION_QUEUE] = "",
        [PROVISION_QUEUE_POLICY] = "Policy",
        [PROVISION_TOPIC] = "Topic",
        [PROVISION_TOPIC_POLICY] = "Policy",
        [PROVISION_SUBSCRIPTION] = "Subscription",
        [PROVISION_RULE] = "Rule",
    };
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        template_name(&s->names, taken[i], "", &s->code);
    for (size_t i = 0; i < s->plan->count; i++) {
        const struct provision_resource *resource = &s->plan->resources[i];
        if (resource->kind == PROVISION_BUCKET)
            name_bucket(s, i);
        else if (suffixes[resource->kind])
            s->ids[i] =
                template_name(&s->names, resource->name, suffixes[resource->kind], &s->code);
        if (resource->home_region)
            s->homes[i] = template_name(&s->names, s->ids[i], "IsHere", &s->code);
    }
}

static void build(struct stack *s)
{
    name_resources(s);
    if (s->code)
        return;
    stack_comment(
        s, s->tree, "deploy",
        "Made by thumbwheel provision --emit cloudformation. To create or update the stack:\n"
        "\n"
        "    aws cloudformation deploy --stack-name thumbwheel --template-file FILE \\\n"
        "        --capabilities CAPABILITY_IAM");
    stack_put(s, s->tree, "AWSTemplateFormatVersion", json_string("2010-09-09"));
    stack_put(s, s->tree, "Description",
              json_sprintf("%s: photos reach the queues of Thumbwheel's pipelines",
                           s->plan->settings.name));
    s->inputs = stack_put(s, s->tree, "Parameters", json_object());
    add_parameters(s);
    add_conditions(s);
    s->resources = stack_put(s, s->tree, "Resources", json_object());
    for (size_t i = 0; i < s->plan->count; i++)
        stack_add_resource(s, i);
    stack_add_role(s);
    stack_add_alarms(s);
    s->outputs = stack_put(s, s->tree, "Outputs", json_object());
    add_outputs(s);
}

int provision_emit_cloudformation(const struct provision_plan *plan,
                                  const struct provision_permissions *permissions,
                                  struct buffer *out)
{
    struct stack s = {.plan = plan,
                      .permissions = permissions,
                      .names = {.style = TEMPLATE_CAMEL},
                      .ids = calloc(plan->count + 1, sizeof *s.ids),
                      .parameters = calloc(plan->count + 1, sizeof *s.parameters),
                      .homes = calloc(plan->count + 1, sizeof *s.homes),
                      .tree = json_object()};
    s.code = s.ids && s.parameters && s.homes && s.tree ? 0 : ERR_MEMORY;
    if (!s.code)
        build(&s);
    if (!s.code)
        s.code = yaml_write(s.tree, out);
    json_decref(s.tree);
    template_names_clear(&s.names);
    free(s.ids);
    free(s.parameters);
    free(s.homes);
    return s.code;
}
