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

#include "emit_policy.h"
#include "provision_emit.h"
#include "template_names.h"
#include "yaml_write.h"

enum { DEFAULT_RETENTION_S = 345600, RETENTION_MIN_S = 60, RETENTION_MAX_S = 1209600 };

struct stack {
    const struct provision_plan *plan;
    const struct provision_permissions *permissions;
    struct template_names names;
    const char **ids;        /* of each resource of the plan */
    const char **parameters; /* the parameter with the name of each bucket */
    json_t *tree, *inputs, *resources, *outputs;
    int code;
};

/* ---- the tree ---- */

/* Takes value; NULL is a lack of memory. */
static json_t *put(struct stack *s, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value))
        s->code = ERR_MEMORY;
    return json_object_get(object, key);
}

static json_t *ref(const char *id)
{
    return json_pack("{s:s}", "Ref", id);
}

static json_t *get(const char *id, const char *attribute)
{
    return json_pack("{s:[s, s]}", "Fn::GetAtt", id, attribute);
}

static json_t *bucket_arn(const struct stack *s, size_t bucket, const char *rest)
{
    return json_pack(
        "{s:o}", "Fn::Sub",
        json_sprintf("arn:${AWS::Partition}:s3:::${%s}%s", s->parameters[bucket], rest));
}

/* Not the attribute of the bucket, which waits for policies that name it. */
static json_t *arn_of(size_t index, void *user)
{
    const struct stack *s = user;
    if (s->plan->resources[index].kind == PROVISION_BUCKET)
        return bucket_arn(s, index, "");
    if (s->plan->resources[index].kind == PROVISION_TOPIC)
        return ref(s->ids[index]);
    return get(s->ids[index], "Arn");
}

static json_t *account_of(void *user)
{
    (void)user;
    return ref("AWS::AccountId");
}

static json_t *policy_of(struct stack *s, size_t index)
{
    const struct emit_references references = {arn_of, account_of, s};
    return emit_policy(s->plan, index, &references);
}

/* Takes the value of the key, such as DependsOn or Condition. Returns the resource's properties. */
static json_t *add_with(struct stack *s, const char *id, const char *type, const char *key,
                        json_t *value)
{
    json_t *resource = put(s, s->resources, id, json_pack("{s:s}", "Type", type));
    put(s, resource, key, value);
    return put(s, resource, "Properties", json_object());
}

static json_t *add(struct stack *s, const char *id, const char *type)
{
    json_t *resource = put(s, s->resources, id, json_pack("{s:s}", "Type", type));
    return put(s, resource, "Properties", json_object());
}

static json_t *resource_of(struct stack *s, const char *id)
{
    return json_object_get(s->resources, id);
}

static void comment(struct stack *s, json_t *object, const char *key, const char *text)
{
    char mark[16];
    snprintf(mark, sizeof mark, "#%s", key);
    put(s, object, mark, json_string(text));
}

/* ---- parameters ---- */

static void add_number(struct stack *s, const char *id, unsigned standard, unsigned least,
                       unsigned most, const char *what)
{
    put(s, s->inputs, id,
        json_pack("{s:s, s:i, s:i, s:i, s:s}", "Type", "Number", "Default", (int)standard,
                  "MinValue", (int)least, "MaxValue", (int)most, "Description", what));
}

static void add_text(struct stack *s, const char *id, const char *standard, const char *what)
{
    put(s, s->inputs, id,
        json_pack("{s:s, s:s, s:s}", "Type", "String", "Default", standard, "Description", what));
}

static void add_bucket_names(struct stack *s)
{
    for (size_t i = 0; i < s->plan->count; i++) {
        const struct provision_resource *resource = &s->plan->resources[i];
        if (resource->kind == PROVISION_BUCKET)
            add_text(s, s->parameters[i], resource->name,
                     resource->output
                         ? "Bucket of outputs; the pipeline files name it, too"
                         : "Bucket of the photos; the pipelines' match must accept it");
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
    put(s, s->inputs, "TrustedService",
        json_pack("{s:s, s:s, s:[s, s], s:s}", "Type", "String", "Default",
                  "ecs-tasks.amazonaws.com", "AllowedValues", "ecs-tasks.amazonaws.com",
                  "ec2.amazonaws.com", "Description", "Where the engine runs: ECS tasks or EC2"));
    add_text(s, "AlarmEmail", "", "Alarms go to this address; empty for none");
    add_text(s, "AlarmTopicArn", "", "Alarms go to this existing topic instead of an address");
    add_number(s, "AlarmAgeSeconds", 900, 1, RETENTION_MAX_S,
               "An alarm is raised when the oldest message of a queue is older than this");
}

static json_t *is_empty(const char *parameter)
{
    return json_pack("{s:[o, s]}", "Fn::Equals", ref(parameter), "");
}

static void add_conditions(struct stack *s)
{
    json_t *conditions = put(s, s->tree, "Conditions", json_object());
    put(s, conditions, "Alarms",
        json_pack("{s:[{s:[o, o]}]}", "Fn::Not", "Fn::And", is_empty("AlarmEmail"),
                  is_empty("AlarmTopicArn")));
    put(s, conditions, "OwnAlarmTopic",
        json_pack("{s:[{s:[o]}, o]}", "Fn::And", "Fn::Not", is_empty("AlarmEmail"),
                  is_empty("AlarmTopicArn")));
    put(s, conditions, "OnEc2",
        json_pack("{s:[o, s]}", "Fn::Equals", ref("TrustedService"), "ec2.amazonaws.com"));
}

/* ---- buckets ---- */

static json_t *filter_rules(const struct provision_filter *filter)
{
    json_t *rules = json_array();
    if (filter->prefix[0])
        json_array_append_new(rules,
                              json_pack("{s:s, s:s}", "Name", "prefix", "Value", filter->prefix));
    if (filter->suffix[0])
        json_array_append_new(rules,
                              json_pack("{s:s, s:s}", "Name", "suffix", "Value", filter->suffix));
    return rules;
}

static void add_target(struct stack *s, json_t *configuration,
                       const struct provision_filter *filter)
{
    bool topic = s->plan->resources[filter->to].kind == PROVISION_TOPIC;
    const char *kind = topic ? "TopicConfigurations" : "QueueConfigurations";
    json_t *list = json_object_get(configuration, kind);
    json_t *entry = json_pack("{s:s, s:o}", "Event", "s3:ObjectCreated:*",
                              topic ? "Topic" : "Queue", arn_of(filter->to, s));
    if (filter->prefix[0] || filter->suffix[0])
        put(s, entry, "Filter", json_pack("{s:{s:o}}", "S3Key", "Rules", filter_rules(filter)));
    if (!list)
        list = put(s, configuration, kind, json_array());
    if (json_array_append_new(list, entry))
        s->code = ERR_MEMORY;
}

static void add_notification(struct stack *s, const struct provision_resource *resource)
{
    json_t *properties = json_object_get(resource_of(s, s->ids[resource->on]), "Properties");
    json_t *configuration = put(s, properties, "NotificationConfiguration", json_object());
    for (size_t i = 0; i < resource->filter_count; i++)
        add_target(s, configuration, &s->plan->filters[resource->filter + i]);
}

static void add_event_bridge(struct stack *s, const struct provision_resource *resource)
{
    json_t *properties = json_object_get(resource_of(s, s->ids[resource->on]), "Properties");
    put(s, properties, "NotificationConfiguration",
        json_pack("{s:{s:b}}", "EventBridgeConfiguration", "EventBridgeEnabled", 1));
}

static void add_lifecycle(struct stack *s, const struct provision_resource *resource)
{
    json_t *properties = json_object_get(resource_of(s, s->ids[resource->on]), "Properties");
    json_t *rules = json_array();
    put(s, properties, "LifecycleConfiguration", json_pack("{s:o}", "Rules", rules));
    for (size_t i = 0; i < resource->filter_count; i++) {
        const struct provision_filter *filter = &s->plan->filters[resource->filter + i];
        json_t *rule = json_pack("{s:s, s:s, s:o}", "Id", filter->id, "Status", "Enabled",
                                 "ExpirationInDays", ref("ExpirationDays"));
        if (filter->prefix[0])
            put(s, rule, "Prefix", json_string(filter->prefix));
        if (json_array_append_new(rules, rule))
            s->code = ERR_MEMORY;
    }
}

static json_t *policies_for(const struct stack *s, size_t bucket)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->plan->count; i++)
        if (emit_policy_admits(s->plan, i, bucket))
            json_array_append_new(list, json_string(s->ids[i]));
    return list;
}

static void add_bucket(struct stack *s, size_t index)
{
    json_t *bucket =
        put(s, s->resources, s->ids[index], json_pack("{s:s}", "Type", "AWS::S3::Bucket"));
    json_t *policies = policies_for(s, index);
    if (json_array_size(policies))
        put(s, bucket, "DependsOn", json_incref(policies));
    json_decref(policies);
    put(s, bucket, "DeletionPolicy", json_string("Retain"));
    put(s, bucket, "UpdateReplacePolicy", json_string("Retain"));
    put(s, bucket, "Properties", json_pack("{s:o}", "BucketName", ref(s->parameters[index])));
}

/* ---- queues, topic, rules ---- */

static void add_queue(struct stack *s, size_t index)
{
    const struct provision_resource *queue = &s->plan->resources[index];
    json_t *properties = add(s, s->ids[index], "AWS::SQS::Queue");
    put(s, properties, "QueueName", json_string(queue->name));
    if (queue->fifo) {
        put(s, properties, "FifoQueue", json_true());
        put(s, properties, "ContentBasedDeduplication", json_true());
    }
    if (queue->visibility_s)
        put(s, properties, "VisibilityTimeout", json_integer(queue->visibility_s));
    put(s, properties, "MessageRetentionPeriod",
        ref(queue->dead_letters ? "DeadLetterRetentionSeconds" : "RetentionSeconds"));
    if (queue->to != PROVISION_NONE)
        put(s, properties, "RedrivePolicy",
            json_pack("{s:o, s:o}", "deadLetterTargetArn", arn_of(queue->to, s), "maxReceiveCount",
                      ref("MaxReceives")));
}

static void add_policy(struct stack *s, size_t index, const char *type, const char *list)
{
    if (!emit_policy_is_first(s->plan, index))
        return;
    json_t *properties = add(s, s->ids[index], type);
    put(s, properties, list, json_pack("[o]", ref(s->ids[s->plan->resources[index].on])));
    put(s, properties, "PolicyDocument", policy_of(s, index));
}

static const char *policy_id(const struct stack *s, size_t queue)
{
    size_t i = 0;
    while (s->plan->resources[i].kind != PROVISION_QUEUE_POLICY ||
           s->plan->resources[i].on != queue)
        i++;
    return s->ids[i];
}

/* After the policy, so that the first messages do not fail. */
static void add_subscription(struct stack *s, size_t index)
{
    const struct provision_resource *resource = &s->plan->resources[index];
    json_t *properties = add_with(s, s->ids[index], "AWS::SNS::Subscription", "DependsOn",
                                  json_string(policy_id(s, resource->to)));
    put(s, properties, "TopicArn", ref(s->ids[resource->on]));
    put(s, properties, "Protocol", json_string("sqs"));
    put(s, properties, "Endpoint", arn_of(resource->to, s));
    put(s, properties, "RawMessageDelivery", json_boolean(resource->raw_delivery));
}

static void add_rule(struct stack *s, size_t index)
{
    const struct provision_resource *rule = &s->plan->resources[index];
    json_t *properties = add(s, s->ids[index], "AWS::Events::Rule");
    json_t *pattern = provision_pattern(s->plan, index);
    put(s, json_object_get(json_object_get(pattern, "detail"), "bucket"), "name",
        json_pack("[o]", ref(s->parameters[rule->on])));
    put(s, properties, "Name", json_string(rule->name));
    put(s, properties, "EventPattern", pattern);
    put(s, properties, "State", json_string("ENABLED"));
    put(s, properties, "Targets", json_array());
}

static void add_rule_target(struct stack *s, const struct provision_resource *target)
{
    json_t *properties = json_object_get(resource_of(s, s->ids[target->on]), "Properties");
    json_t *entry = json_pack("{s:s, s:o}", "Id", target->name, "Arn", arn_of(target->to, s));
    if (s->plan->resources[target->to].fifo)
        put(s, entry, "SqsParameters",
            json_pack("{s:s}", "MessageGroupId", s->plan->resources[target->on].name));
    if (json_array_append_new(json_object_get(properties, "Targets"), entry))
        s->code = ERR_MEMORY;
}

static void add_resource(struct stack *s, size_t index)
{
    const struct provision_resource *resource = &s->plan->resources[index];
    switch (resource->kind) {
    case PROVISION_BUCKET:
        add_bucket(s, index);
        return;
    case PROVISION_LIFECYCLE:
        add_lifecycle(s, resource);
        return;
    case PROVISION_TOPIC:
        put(s, add(s, s->ids[index], "AWS::SNS::Topic"), "TopicName", json_string(resource->name));
        return;
    case PROVISION_TOPIC_POLICY:
        add_policy(s, index, "AWS::SNS::TopicPolicy", "Topics");
        return;
    case PROVISION_QUEUE:
        add_queue(s, index);
        return;
    case PROVISION_QUEUE_POLICY:
        add_policy(s, index, "AWS::SQS::QueuePolicy", "Queues");
        return;
    case PROVISION_SUBSCRIPTION:
        add_subscription(s, index);
        return;
    case PROVISION_RULE:
        add_rule(s, index);
        return;
    case PROVISION_TARGET:
        add_rule_target(s, resource);
        return;
    case PROVISION_NOTIFICATION:
        add_notification(s, resource);
        return;
    case PROVISION_EVENT_BRIDGE:
        add_event_bridge(s, resource);
        return;
    case PROVISION_KINDS:
        return;
    }
}

/* ---- the role ---- */

static json_t *reach_of(const struct provision_reach *reach, void *user)
{
    const struct stack *s = user;
    if (reach->resource != PROVISION_NONE &&
        s->plan->resources[reach->resource].kind == PROVISION_BUCKET)
        return bucket_arn(s, reach->resource, reach->text);
    if (reach->resource != PROVISION_NONE)
        return arn_of(reach->resource, user);
    if (!reach->service)
        return json_string(reach->text);
    return json_pack("{s:o}", "Fn::Sub",
                     json_sprintf("arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:%s",
                                  reach->service, reach->text));
}

/* The account is given by ECS, and not by EC2. */
static json_t *trust_policy(void)
{
    return json_pack("{s:s, s:[{s:s, s:{s:o}, s:s, s:{s:{s:o}}}]}", "Version", "2012-10-17",
                     "Statement", "Effect", "Allow", "Principal", "Service", ref("TrustedService"),
                     "Action", "sts:AssumeRole", "Condition", "StringEqualsIfExists",
                     "aws:SourceAccount", ref("AWS::AccountId"));
}

static void add_role(struct stack *s)
{
    comment(s, s->resources, "role", "The role of the engine, with what these pipelines need.");
    json_t *properties = add(s, "Role", "AWS::IAM::Role");
    put(s, properties, "AssumeRolePolicyDocument", trust_policy());
    put(s, properties, "Policies",
        json_pack("[{s:s, s:o}]", "PolicyName", "thumbwheel", "PolicyDocument",
                  provision_role_policy(s->permissions, reach_of, s)));
    properties = add_with(s, "InstanceProfile", "AWS::IAM::InstanceProfile", "Condition",
                          json_string("OnEc2"));
    put(s, properties, "Roles", json_pack("[o]", ref("Role")));
}

/* ---- alarms ---- */

static void add_alarm_topic(struct stack *s)
{
    comment(s, s->resources, "alarms", "Alarms, if they have somebody to go to.");
    json_t *properties =
        add_with(s, "AlarmTopic", "AWS::SNS::Topic", "Condition", json_string("OwnAlarmTopic"));
    put(s, properties, "Subscription",
        json_pack("[{s:s, s:o}]", "Protocol", "email", "Endpoint", ref("AlarmEmail")));
}

static void add_alarm(struct stack *s, size_t queue)
{
    bool dead = s->plan->resources[queue].dead_letters;
    const char *id =
        template_name(&s->names, s->ids[queue], dead ? "NotEmptyAlarm" : "AgeAlarm", &s->code);
    json_t *properties =
        add_with(s, id, "AWS::CloudWatch::Alarm", "Condition", json_string("Alarms"));
    put(s, properties, "AlarmDescription",
        json_sprintf(dead ? "%s has messages: see thumbwheel dlq list"
                          : "The oldest message of %s waits too long",
                     s->plan->resources[queue].name));
    put(s, properties, "Namespace", json_string("AWS/SQS"));
    put(s, properties, "MetricName",
        json_string(dead ? "ApproximateNumberOfMessagesVisible" : "ApproximateAgeOfOldestMessage"));
    put(s, properties, "Dimensions",
        json_pack("[{s:s, s:o}]", "Name", "QueueName", "Value", get(s->ids[queue], "QueueName")));
    put(s, properties, "Statistic", json_string("Maximum"));
    put(s, properties, "Period", json_integer(300));
    put(s, properties, "EvaluationPeriods", json_integer(1));
    put(s, properties, "Threshold", dead ? json_integer(0) : ref("AlarmAgeSeconds"));
    put(s, properties, "ComparisonOperator", json_string("GreaterThanThreshold"));
    put(s, properties, "TreatMissingData", json_string("notBreaching"));
    put(s, properties, "AlarmActions",
        json_pack("[{s:[s, o, o]}]", "Fn::If", "OwnAlarmTopic", ref("AlarmTopic"),
                  ref("AlarmTopicArn")));
}

static void add_alarms(struct stack *s)
{
    add_alarm_topic(s);
    for (size_t i = 0; i < s->plan->count; i++)
        if (s->plan->resources[i].kind == PROVISION_QUEUE)
            add_alarm(s, i);
}

/* ---- outputs ---- */

static void add_output(struct stack *s, const char *id, const char *what, json_t *value)
{
    put(s, s->outputs, id, json_pack("{s:s, s:o}", "Description", what, "Value", value));
}

static void add_outputs(struct stack *s)
{
    char id[256];
    for (size_t i = 0; i < s->plan->count; i++) {
        const struct provision_resource *resource = &s->plan->resources[i];
        if (resource->kind == PROVISION_BUCKET)
            add_output(s, s->parameters[i],
                       resource->output ? "Bucket of outputs" : "Bucket of the photos",
                       ref(s->ids[i]));
        if (resource->kind == PROVISION_TOPIC)
            add_output(s, "TopicArn", "Topic of new photos", ref(s->ids[i]));
        if (resource->kind != PROVISION_QUEUE)
            continue;
        snprintf(id, sizeof id, "%sUrl", s->ids[i]);
        add_output(s, id, resource->dead_letters ? "Dead-letter queue" : "Queue", ref(s->ids[i]));
    }
    add_output(s, "RoleArn", "Role of the engine: the task definition's taskRoleArn in ECS",
               get("Role", "Arn"));
    add_output(s, "InstanceProfileArn", "Instance profile with the role, for EC2",
               get("InstanceProfile", "Arn"));
    put(s, json_object_get(s->outputs, "InstanceProfileArn"), "Condition", json_string("OnEc2"));
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
    }
}

static void build(struct stack *s)
{
    name_resources(s);
    if (s->code)
        return;
    comment(s, s->tree, "deploy",
            "Made by thumbwheel provision --emit cloudformation. To create or update the stack:\n"
            "\n"
            "    aws cloudformation deploy --stack-name thumbwheel --template-file FILE \\\n"
            "        --capabilities CAPABILITY_IAM");
    put(s, s->tree, "AWSTemplateFormatVersion", json_string("2010-09-09"));
    put(s, s->tree, "Description",
        json_sprintf("%s: photos reach the queues of Thumbwheel's pipelines",
                     s->plan->settings.name));
    s->inputs = put(s, s->tree, "Parameters", json_object());
    add_parameters(s);
    add_conditions(s);
    s->resources = put(s, s->tree, "Resources", json_object());
    for (size_t i = 0; i < s->plan->count; i++)
        add_resource(s, i);
    add_role(s);
    add_alarms(s);
    s->outputs = put(s, s->tree, "Outputs", json_object());
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
                      .tree = json_object()};
    s.code = s.ids && s.parameters && s.tree ? 0 : ERR_MEMORY;
    if (!s.code)
        build(&s);
    if (!s.code)
        s.code = yaml_write(s.tree, out);
    json_decref(s.tree);
    template_names_clear(&s.names);
    free(s.ids);
    free(s.parameters);
    return s.code;
}
