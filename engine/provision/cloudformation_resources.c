/* The resources of the plan in a CloudFormation template. */
#include "cloudformation_stack.h"
#include "emit_policy.h"

static json_t *policy_of(struct stack *s, size_t index)
{
    const struct emit_references references = {stack_arn, stack_account, s};
    return emit_policy(s->plan, index, &references);
}

static json_t *resource_of(struct stack *s, const char *id)
{
    return json_object_get(s->resources, id);
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
                              topic ? "Topic" : "Queue", stack_arn(filter->to, s));
    if (filter->prefix[0] || filter->suffix[0])
        stack_put(s, entry, "Filter",
                  json_pack("{s:{s:o}}", "S3Key", "Rules", filter_rules(filter)));
    if (!list)
        list = stack_put(s, configuration, kind, json_array());
    if (json_array_append_new(list, entry))
        s->code = ERR_MEMORY;
}

static void add_notification(struct stack *s, const struct provision_resource *resource)
{
    json_t *properties = json_object_get(resource_of(s, s->ids[resource->on]), "Properties");
    json_t *configuration = stack_put(s, properties, "NotificationConfiguration", json_object());
    for (size_t i = 0; i < resource->filter_count; i++)
        add_target(s, configuration, &s->plan->filters[resource->filter + i]);
}

static void add_event_bridge(struct stack *s, const struct provision_resource *resource)
{
    json_t *properties = json_object_get(resource_of(s, s->ids[resource->on]), "Properties");
    stack_put(s, properties, "NotificationConfiguration",
              json_pack("{s:{s:b}}", "EventBridgeConfiguration", "EventBridgeEnabled", 1));
}

static void add_lifecycle(struct stack *s, const struct provision_resource *resource)
{
    json_t *properties = json_object_get(resource_of(s, s->ids[resource->on]), "Properties");
    json_t *rules = json_array();
    stack_put(s, properties, "LifecycleConfiguration", json_pack("{s:o}", "Rules", rules));
    for (size_t i = 0; i < resource->filter_count; i++) {
        const struct provision_filter *filter = &s->plan->filters[resource->filter + i];
        json_t *rule = json_pack("{s:s, s:s, s:o}", "Id", filter->id, "Status", "Enabled",
                                 "ExpirationInDays", stack_ref("ExpirationDays"));
        if (filter->prefix[0])
            stack_put(s, rule, "Prefix", json_string(filter->prefix));
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
        stack_put(s, s->resources, s->ids[index], json_pack("{s:s}", "Type", "AWS::S3::Bucket"));
    json_t *policies = policies_for(s, index);
    if (json_array_size(policies))
        stack_put(s, bucket, "DependsOn", json_incref(policies));
    json_decref(policies);
    stack_put(s, bucket, "DeletionPolicy", json_string("Retain"));
    stack_put(s, bucket, "UpdateReplacePolicy", json_string("Retain"));
    stack_put(s, bucket, "Properties",
              json_pack("{s:o}", "BucketName", stack_ref(s->parameters[index])));
}

/* ---- queues, topic, rules ---- */

static json_t *same(const char *parameter, const char *value)
{
    return json_pack("{s:[o, s]}", "Fn::Equals", stack_ref(parameter), value);
}

/* A topic or queue that must be somewhere is made only there. */
static json_t *add_at_home(struct stack *s, size_t index, const char *type)
{
    const struct provision_resource *resource = &s->plan->resources[index];
    const char *condition = s->homes[index];
    if (!condition)
        return stack_add(s, s->ids[index], type);
    stack_put(s, s->conditions, condition,
              json_pack("{s:[o, o]}", "Fn::And", same("AWS::AccountId", resource->home_account),
                        same("AWS::Region", resource->home_region)));
    return stack_add_with(s, s->ids[index], type, "Condition", json_string(condition));
}

static void add_topic(struct stack *s, size_t index)
{
    const struct provision_resource *topic = &s->plan->resources[index];
    json_t *properties = add_at_home(s, index, "AWS::SNS::Topic");
    stack_put(s, properties, "TopicName", json_string(topic->name));
    if (topic->fifo)
        stack_put(s, properties, "FifoTopic", json_true());
}

static void add_queue(struct stack *s, size_t index)
{
    const struct provision_resource *queue = &s->plan->resources[index];
    json_t *properties = add_at_home(s, index, "AWS::SQS::Queue");
    stack_put(s, properties, "QueueName", json_string(queue->name));
    if (queue->fifo) {
        stack_put(s, properties, "FifoQueue", json_true());
        stack_put(s, properties, "ContentBasedDeduplication", json_true());
    }
    if (queue->visibility_s)
        stack_put(s, properties, "VisibilityTimeout", json_integer(queue->visibility_s));
    stack_put(s, properties, "MessageRetentionPeriod",
              stack_ref(queue->dead_letters ? "DeadLetterRetentionSeconds" : "RetentionSeconds"));
    if (queue->to != PROVISION_NONE)
        stack_put(s, properties, "RedrivePolicy",
                  json_pack("{s:o, s:o}", "deadLetterTargetArn", stack_arn(queue->to, s),
                            "maxReceiveCount", stack_ref("MaxReceives")));
}

static void add_policy(struct stack *s, size_t index, const char *type, const char *list)
{
    if (!emit_policy_is_first(s->plan, index))
        return;
    json_t *properties = stack_add(s, s->ids[index], type);
    stack_put(s, properties, list,
              json_pack("[o]", stack_ref(s->ids[s->plan->resources[index].on])));
    stack_put(s, properties, "PolicyDocument", policy_of(s, index));
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
    json_t *properties = stack_add_with(s, s->ids[index], "AWS::SNS::Subscription", "DependsOn",
                                        json_string(policy_id(s, resource->to)));
    stack_put(s, properties, "TopicArn", stack_ref(s->ids[resource->on]));
    stack_put(s, properties, "Protocol", json_string("sqs"));
    stack_put(s, properties, "Endpoint", stack_arn(resource->to, s));
    stack_put(s, properties, "RawMessageDelivery", json_boolean(resource->raw_delivery));
}

static void add_rule(struct stack *s, size_t index)
{
    const struct provision_resource *rule = &s->plan->resources[index];
    json_t *properties = stack_add(s, s->ids[index], "AWS::Events::Rule");
    json_t *pattern = provision_pattern(s->plan, index);
    stack_put(s, json_object_get(json_object_get(pattern, "detail"), "bucket"), "name",
              json_pack("[o]", stack_ref(s->parameters[rule->on])));
    stack_put(s, properties, "Name", json_string(rule->name));
    stack_put(s, properties, "EventPattern", pattern);
    stack_put(s, properties, "State", json_string("ENABLED"));
    stack_put(s, properties, "Targets", json_array());
}

static void add_rule_target(struct stack *s, const struct provision_resource *target)
{
    json_t *properties = json_object_get(resource_of(s, s->ids[target->on]), "Properties");
    json_t *entry = json_pack("{s:s, s:o}", "Id", target->name, "Arn", stack_arn(target->to, s));
    if (s->plan->resources[target->to].fifo)
        stack_put(s, entry, "SqsParameters",
                  json_pack("{s:s}", "MessageGroupId", s->plan->resources[target->on].name));
    if (json_array_append_new(json_object_get(properties, "Targets"), entry))
        s->code = ERR_MEMORY;
}

void stack_add_resource(struct stack *s, size_t index)
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
        add_topic(s, index);
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
    case PROVISION_EXCHANGE: /* nothing of a broker is in a template */
    case PROVISION_BROKER_QUEUE:
    case PROVISION_BINDING:
    case PROVISION_BROKER_POLICY:
    case PROVISION_KINDS:
        return;
    }
}
