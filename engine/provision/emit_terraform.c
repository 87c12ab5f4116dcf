/*
 * The plan as a Terraform configuration: a JSON tree, which hcl_write prints.
 *
 * Names of buckets are variables, because they are unique in the world. References between the
 * resources give Terraform the order; what it cannot see is in depends_on: S3 checks that it may
 * send to the targets of a notification, so their policies come first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit_policy.h"
#include "hcl_write.h"
#include "provision_emit.h"
#include "template_names.h"

enum { DEFAULT_RETENTION_S = 345600 };

/* The types of the kinds that have names. */
static const char *const types[PROVISION_KINDS] = {
    [PROVISION_BUCKET] = "aws_s3_bucket",
    [PROVISION_TOPIC] = "aws_sns_topic",
    [PROVISION_TOPIC_POLICY] = "aws_sns_topic_policy",
    [PROVISION_QUEUE] = "aws_sqs_queue",
    [PROVISION_QUEUE_POLICY] = "aws_sqs_queue_policy",
    [PROVISION_SUBSCRIPTION] = "aws_sns_topic_subscription",
    [PROVISION_RULE] = "aws_cloudwatch_event_rule",
    [PROVISION_TARGET] = "aws_cloudwatch_event_target",
    [PROVISION_LIFECYCLE] = "aws_s3_bucket_lifecycle_configuration",
    [PROVISION_NOTIFICATION] = "aws_s3_bucket_notification",
    [PROVISION_EVENT_BRIDGE] = "aws_s3_bucket_notification",
};

struct module {
    const struct provision_plan *plan;
    const struct provision_permissions *permissions;
    struct template_names names;
    const char **ids; /* of each resource of the plan; those on the same resource share its name */
    json_t *tree;
    int code;
};

/* ---- the tree ---- */

/* Takes value; NULL is a lack of memory. */
static json_t *put(struct module *m, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value))
        m->code = ERR_MEMORY;
    return json_object_get(object, key);
}

static json_t *expression(const char *format, ...) __attribute__((format(printf, 1, 2)));

static json_t *expression(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    json_t *value = text ? json_pack("{s:s}", "=", text) : NULL;
    free(text);
    return value;
}

static json_t *encoded(json_t *value)
{
    return json_pack("{s:o}", "jsonencode", value);
}

/* A block with labels; returns its body. */
static json_t *block(struct module *m, const char *kind, const char *type, const char *name)
{
    char key[512];
    json_t *body = json_object();
    snprintf(key, sizeof key, type ? "%s \"%s\" \"%s\"" : "%s%s \"%s\"", kind, type ? type : "",
             name);
    put(m, m->tree, key, json_pack("[o]", body));
    return body;
}

static json_t *resource(struct module *m, size_t index)
{
    return block(m, "resource", types[m->plan->resources[index].kind], m->ids[index]);
}

static void comment(struct module *m, const char *key, const char *text)
{
    char mark[16];
    snprintf(mark, sizeof mark, "#%s", key);
    put(m, m->tree, mark, json_string(text));
}

static json_t *attribute(const struct module *m, size_t index, const char *name)
{
    return expression("%s.%s.%s", types[m->plan->resources[index].kind], m->ids[index], name);
}

/* Not the attribute of the bucket, so that policies do not wait for it; the resources that follow
 * it do not need it either. */
static json_t *arn_of(size_t index, void *user)
{
    return attribute(user, index, "arn");
}

static json_t *account_of(void *user)
{
    (void)user;
    return expression("data.aws_caller_identity.current.account_id");
}

static json_t *policy_of(struct module *m, size_t index)
{
    const struct emit_references references = {arn_of, account_of, m};
    return encoded(emit_policy(m->plan, index, &references));
}

/* ---- variables ---- */

static json_t *variable(struct module *m, const char *name, const char *type, json_t *standard,
                        const char *what)
{
    json_t *body = block(m, "variable", NULL, name);
    put(m, body, "description", json_string(what));
    put(m, body, "type", expression("%s", type));
    put(m, body, "default", standard);
    return body;
}

static void add_bucket_names(struct module *m)
{
    char name[256];
    for (size_t i = 0; i < m->plan->count; i++) {
        const struct provision_resource *bucket = &m->plan->resources[i];
        if (bucket->kind != PROVISION_BUCKET)
            continue;
        snprintf(name, sizeof name, "%s_name", m->ids[i]);
        variable(m, name, "string", json_string(bucket->name),
                 bucket->output ? "Bucket of outputs; the pipeline files name it, too"
                                : "Bucket of the photos; the pipelines' match must accept it");
    }
}

static void add_variables(struct module *m)
{
    const struct provision_settings *settings = &m->plan->settings;
    add_bucket_names(m);
    variable(m, "retention_seconds", "number",
             json_integer(settings->retention_s ? settings->retention_s : DEFAULT_RETENTION_S),
             "How long the queues keep a message");
    variable(m, "dead_letter_retention_seconds", "number", json_integer(PROVISION_DEAD_RETENTION_S),
             "How long the dead-letter queues keep a message");
    variable(m, "max_receives", "number", json_integer(settings->max_receives),
             "A message that was received so often goes to the dead-letter queue");
    if (settings->lifecycle_days)
        variable(m, "expiration_days", "number", json_integer(settings->lifecycle_days),
                 "Outputs are deleted after so many days");
    json_t *service =
        variable(m, "trusted_service", "string", json_string("ecs-tasks.amazonaws.com"),
                 "Where the engine runs: ecs-tasks.amazonaws.com (ECS tasks) or "
                 "ec2.amazonaws.com");
    put(m, service, "validation",
        json_pack("[{s:o, s:s}]", "condition",
                  expression("contains([\"ecs-tasks.amazonaws.com\", \"ec2.amazonaws.com\"], "
                             "var.trusted_service)"),
                  "error_message", "Use ecs-tasks.amazonaws.com or ec2.amazonaws.com."));
    variable(m, "alarm_email", "string", json_string(""),
             "Alarms go to this address; empty for none");
    variable(m, "alarm_topic_arn", "string", json_string(""),
             "Alarms go to this existing topic instead of an address");
    variable(m, "alarm_age_seconds", "number", json_integer(900),
             "An alarm is raised when the oldest message of a queue is older than this");
}

/* ---- buckets ---- */

static void add_filter(struct module *m, json_t *body, const struct provision_filter *filter)
{
    bool topic = m->plan->resources[filter->to].kind == PROVISION_TOPIC;
    const char *kind = topic ? "topic" : "queue";
    json_t *list = json_object_get(body, kind);
    json_t *entry =
        json_pack("{s:s, s:o, s:[s]}", "id", filter->id, topic ? "topic_arn" : "queue_arn",
                  arn_of(filter->to, m), "events", "s3:ObjectCreated:*");
    if (filter->prefix[0])
        put(m, entry, "filter_prefix", json_string(filter->prefix));
    if (filter->suffix[0])
        put(m, entry, "filter_suffix", json_string(filter->suffix));
    if (!list)
        list = put(m, body, kind, json_array());
    if (json_array_append_new(list, entry))
        m->code = ERR_MEMORY;
}

static json_t *policies_for(const struct module *m, size_t bucket)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->plan->count; i++)
        if (emit_policy_admits(m->plan, i, bucket))
            json_array_append_new(
                list, expression("%s.%s", types[m->plan->resources[i].kind], m->ids[i]));
    return list;
}

static void add_notification(struct module *m, size_t index)
{
    const struct provision_resource *notification = &m->plan->resources[index];
    json_t *body = resource(m, index), *policies = policies_for(m, notification->on);
    put(m, body, "bucket", attribute(m, notification->on, "id"));
    if (notification->kind == PROVISION_EVENT_BRIDGE)
        put(m, body, "eventbridge", json_true());
    if (json_array_size(policies))
        put(m, body, "depends_on", json_incref(policies));
    json_decref(policies);
    for (size_t i = 0; i < notification->filter_count; i++)
        add_filter(m, body, &m->plan->filters[notification->filter + i]);
}

static void add_lifecycle(struct module *m, size_t index)
{
    const struct provision_resource *lifecycle = &m->plan->resources[index];
    json_t *body = resource(m, index), *rules = json_array();
    put(m, body, "bucket", attribute(m, lifecycle->on, "id"));
    put(m, body, "rule", rules);
    for (size_t i = 0; i < lifecycle->filter_count; i++) {
        const struct provision_filter *filter = &m->plan->filters[lifecycle->filter + i];
        if (json_array_append_new(rules, json_pack("{s:s, s:s, s:[{s:s}], s:[{s:o}]}", "id",
                                                   filter->id, "status", "Enabled", "filter",
                                                   "prefix", filter->prefix, "expiration", "days",
                                                   expression("var.expiration_days"))))
            m->code = ERR_MEMORY;
    }
}

/* ---- queues, topic, rules ---- */

static void add_queue(struct module *m, size_t index)
{
    const struct provision_resource *queue = &m->plan->resources[index];
    json_t *body = resource(m, index);
    put(m, body, "name", json_string(queue->name));
    if (queue->fifo) {
        put(m, body, "fifo_queue", json_true());
        put(m, body, "content_based_deduplication", json_true());
    }
    if (queue->visibility_s)
        put(m, body, "visibility_timeout_seconds", json_integer(queue->visibility_s));
    put(m, body, "message_retention_seconds",
        expression(queue->dead_letters ? "var.dead_letter_retention_seconds"
                                       : "var.retention_seconds"));
    if (queue->to != PROVISION_NONE)
        put(m, body, "redrive_policy",
            encoded(json_pack("{s:o, s:o}", "deadLetterTargetArn", arn_of(queue->to, m),
                              "maxReceiveCount", expression("var.max_receives"))));
}

static void add_policy(struct module *m, size_t index, const char *key, const char *name)
{
    if (!emit_policy_is_first(m->plan, index))
        return;
    json_t *body = resource(m, index);
    put(m, body, key, attribute(m, m->plan->resources[index].on, name));
    put(m, body, "policy", policy_of(m, index));
}

static void add_subscription(struct module *m, size_t index)
{
    const struct provision_resource *subscription = &m->plan->resources[index];
    json_t *body = resource(m, index);
    put(m, body, "topic_arn", arn_of(subscription->on, m));
    put(m, body, "protocol", json_string("sqs"));
    put(m, body, "endpoint", arn_of(subscription->to, m));
    put(m, body, "raw_message_delivery", json_boolean(subscription->raw_delivery));
    put(m, body, "depends_on", /* the first messages must not fail */
        json_pack("[o]", expression("aws_sqs_queue_policy.%s", m->ids[subscription->to])));
}

static void add_rule(struct module *m, size_t index)
{
    const struct provision_resource *rule = &m->plan->resources[index];
    json_t *body = resource(m, index), *pattern = provision_pattern(m->plan, index);
    put(m, json_object_get(json_object_get(pattern, "detail"), "bucket"), "name",
        json_pack("[o]", attribute(m, rule->on, "id")));
    put(m, body, "name", json_string(rule->name));
    put(m, body, "event_pattern", encoded(pattern));
}

static void add_target(struct module *m, size_t index)
{
    const struct provision_resource *target = &m->plan->resources[index];
    json_t *body = resource(m, index);
    put(m, body, "rule", attribute(m, target->on, "name"));
    put(m, body, "target_id", json_string(target->name));
    put(m, body, "arn", arn_of(target->to, m));
    if (m->plan->resources[target->to].fifo)
        put(m, body, "sqs_target",
            json_pack("[{s:s}]", "message_group_id", m->plan->resources[target->on].name));
}

static void add_bucket(struct module *m, size_t index)
{
    put(m, resource(m, index), "bucket", expression("var.%s_name", m->ids[index]));
}

static void add_resource(struct module *m, size_t index)
{
    switch (m->plan->resources[index].kind) {
    case PROVISION_BUCKET:
        add_bucket(m, index);
        return;
    case PROVISION_LIFECYCLE:
        add_lifecycle(m, index);
        return;
    case PROVISION_TOPIC:
        put(m, resource(m, index), "name", json_string(m->plan->resources[index].name));
        return;
    case PROVISION_TOPIC_POLICY:
        add_policy(m, index, "arn", "arn");
        return;
    case PROVISION_QUEUE:
        add_queue(m, index);
        return;
    case PROVISION_QUEUE_POLICY:
        add_policy(m, index, "queue_url", "id");
        return;
    case PROVISION_SUBSCRIPTION:
        add_subscription(m, index);
        return;
    case PROVISION_RULE:
        add_rule(m, index);
        return;
    case PROVISION_TARGET:
        add_target(m, index);
        return;
    case PROVISION_NOTIFICATION:
    case PROVISION_EVENT_BRIDGE:
        add_notification(m, index);
        return;
    case PROVISION_KINDS:
        return;
    }
}

/* ---- the role ---- */

static json_t *reach_of(const struct provision_reach *reach, void *user)
{
    const struct module *m = user;
    if (reach->resource == PROVISION_NONE && !reach->service)
        return json_string(reach->text);
    if (reach->resource != PROVISION_NONE && !reach->text[0])
        return arn_of(reach->resource, user);
    struct buffer text;
    buffer_init(&text, PROVISION_EMIT_MAX);
    hcl_write_text(&text, reach->text);
    const char *rest = text.data ? text.data + 1 : "\""; /* with the closing quote */
    json_t *value =
        reach->resource != PROVISION_NONE
            ? expression("\"${%s.%s.arn}%s", types[m->plan->resources[reach->resource].kind],
                         m->ids[reach->resource], rest)
            : expression("\"arn:${data.aws_partition.current.partition}:%s:"
                         "${data.aws_region.current.name}:"
                         "${data.aws_caller_identity.current.account_id}:%s",
                         reach->service, rest);
    buffer_free(&text);
    return value;
}

/* The account is given by ECS, and not by EC2. */
static json_t *trust_policy(void)
{
    return encoded(json_pack("{s:s, s:[{s:s, s:{s:o}, s:s, s:{s:{s:o}}}]}", "Version", "2012-10-17",
                             "Statement", "Effect", "Allow", "Principal", "Service",
                             expression("var.trusted_service"), "Action", "sts:AssumeRole",
                             "Condition", "StringEqualsIfExists", "aws:SourceAccount",
                             account_of(NULL)));
}

static void add_role(struct module *m)
{
    comment(m, "role", "The role of the engine, with what these pipelines need.");
    json_t *body = block(m, "resource", "aws_iam_role", "engine");
    put(m, body, "name_prefix", json_string("thumbwheel-"));
    put(m, body, "assume_role_policy", trust_policy());
    body = block(m, "resource", "aws_iam_role_policy", "engine");
    put(m, body, "name", json_string("thumbwheel"));
    put(m, body, "role", expression("aws_iam_role.engine.id"));
    put(m, body, "policy", encoded(provision_role_policy(m->permissions, reach_of, m)));
    body = block(m, "resource", "aws_iam_instance_profile", "engine");
    put(m, body, "count", expression("var.trusted_service == \"ec2.amazonaws.com\" ? 1 : 0"));
    put(m, body, "name_prefix", json_string("thumbwheel-"));
    put(m, body, "role", expression("aws_iam_role.engine.name"));
}

/* ---- alarms ---- */

static json_t *queue_names(struct module *m, bool dead_letters)
{
    struct buffer text;
    buffer_init(&text, PROVISION_EMIT_MAX);
    buffer_text(&text, "local.alarms ? toset([");
    const char *separator = "";
    for (size_t i = 0; i < m->plan->count; i++) {
        const struct provision_resource *queue = &m->plan->resources[i];
        if (queue->kind != PROVISION_QUEUE || queue->dead_letters != dead_letters)
            continue;
        buffer_format(&text, "%saws_sqs_queue.%s.name", separator, m->ids[i]);
        separator = ", ";
    }
    buffer_text(&text, "]) : toset([])");
    json_t *value = text.error ? NULL : expression("%s", text.data);
    buffer_free(&text);
    return value;
}

static void add_alarm(struct module *m, const char *name, bool dead_letters)
{
    json_t *body = block(m, "resource", "aws_cloudwatch_metric_alarm", name);
    put(m, body, "for_each", queue_names(m, dead_letters));
    put(m, body, "alarm_name",
        expression(dead_letters ? "\"${each.value} is not empty\""
                                : "\"The oldest message of ${each.value} waits too long\""));
    put(m, body, "namespace", json_string("AWS/SQS"));
    put(m, body, "metric_name",
        json_string(dead_letters ? "ApproximateNumberOfMessagesVisible"
                                 : "ApproximateAgeOfOldestMessage"));
    put(m, body, "dimensions", json_pack("{s:o}", "QueueName", expression("each.value")));
    put(m, body, "statistic", json_string("Maximum"));
    put(m, body, "period", json_integer(300));
    put(m, body, "evaluation_periods", json_integer(1));
    put(m, body, "threshold", dead_letters ? json_integer(0) : expression("var.alarm_age_seconds"));
    put(m, body, "comparison_operator", json_string("GreaterThanThreshold"));
    put(m, body, "treat_missing_data", json_string("notBreaching"));
    put(m, body, "alarm_actions", json_pack("[o]", expression("local.alarm_topic_arn")));
}

static void add_alarms(struct module *m)
{
    comment(m, "alarms", "Alarms, if they have somebody to go to.");
    put(m, m->tree, "locals",
        json_pack(
            "[{s:o, s:o, s:o}]", "alarms",
            expression("var.alarm_email != \"\" || var.alarm_topic_arn != \"\""), "own_alarm_topic",
            expression("var.alarm_email != \"\" && var.alarm_topic_arn == \"\""), "alarm_topic_arn",
            expression("local.own_alarm_topic ? aws_sns_topic.alarms[0].arn : "
                       "var.alarm_topic_arn")));
    json_t *body = block(m, "resource", "aws_sns_topic", "alarms");
    put(m, body, "count", expression("local.own_alarm_topic ? 1 : 0"));
    put(m, body, "name_prefix", json_string("thumbwheel-alarms-"));
    body = block(m, "resource", "aws_sns_topic_subscription", "alarms");
    put(m, body, "count", expression("local.own_alarm_topic ? 1 : 0"));
    put(m, body, "topic_arn", expression("aws_sns_topic.alarms[0].arn"));
    put(m, body, "protocol", json_string("email"));
    put(m, body, "endpoint", expression("var.alarm_email"));
    add_alarm(m, "dead_letters", true);
    add_alarm(m, "age", false);
}

/* ---- outputs ---- */

static void output(struct module *m, const char *name, const char *what, json_t *value)
{
    json_t *body = block(m, "output", NULL, name);
    put(m, body, "description", json_string(what));
    put(m, body, "value", value);
}

static void add_outputs(struct module *m)
{
    char name[256];
    for (size_t i = 0; i < m->plan->count; i++) {
        const struct provision_resource *made = &m->plan->resources[i];
        if (made->kind == PROVISION_BUCKET) {
            snprintf(name, sizeof name, "%s_name", m->ids[i]);
            output(m, name, made->output ? "Bucket of outputs" : "Bucket of the photos",
                   attribute(m, i, "id"));
        } else if (made->kind == PROVISION_TOPIC) {
            output(m, "topic_arn", "Topic of new photos", arn_of(i, m));
        } else if (made->kind == PROVISION_QUEUE) {
            snprintf(name, sizeof name, "%s_url", m->ids[i]);
            output(m, name, made->dead_letters ? "Dead-letter queue" : "Queue",
                   attribute(m, i, "id"));
        }
    }
    output(m, "role_arn", "Role of the engine: the task definition's taskRoleArn in ECS",
           expression("aws_iam_role.engine.arn"));
    output(m, "instance_profile_arn", "Instance profile with the role, for EC2; else null",
           expression("one(aws_iam_instance_profile.engine[*].arn)"));
}

/* ---- the configuration ---- */

/* Policies, subscriptions, targets and the like have the name of what they belong to. */
static void name_resources(struct module *m)
{
    template_name(&m->names, "alarms", "", &m->code);
    for (size_t i = 0; i < m->plan->count; i++) {
        const struct provision_resource *made = &m->plan->resources[i];
        if (made->kind == PROVISION_BUCKET)
            m->ids[i] = made->output ? template_name(&m->names, made->name, "bucket", &m->code)
                                     : template_name(&m->names, "bucket", "", &m->code);
        else if (made->kind == PROVISION_TOPIC || made->kind == PROVISION_QUEUE ||
                 made->kind == PROVISION_RULE)
            m->ids[i] = template_name(&m->names, made->name, "", &m->code);
        else if (made->kind == PROVISION_SUBSCRIPTION)
            m->ids[i] = m->ids[made->to];
        else
            m->ids[i] = m->ids[made->on];
    }
}

/* Whether an ARN is made of its parts. */
static bool needs_place(const struct provision_permissions *permissions)
{
    for (enum provision_permit i = 0; i < PERMIT_COUNT; i++)
        for (size_t k = 0; k < permissions->items[i].count; k++)
            if (permissions->items[i].reaches[k].service)
                return true;
    return false;
}

static void add_head(struct module *m)
{
    comment(m, "apply",
            "Made by thumbwheel provision --emit terraform. Save it as main.tf in a folder of its "
            "own, then:\n"
            "\n"
            "    terraform init && terraform apply");
    put(m, m->tree, "terraform",
        json_pack("[{s:s, s:[{s:{s:s, s:s}}]}]", "required_version", ">= 1.3", "required_providers",
                  "aws", "source", "hashicorp/aws", "version", ">= 5.0"));
    block(m, "data", "aws_caller_identity", "current");
    if (needs_place(m->permissions)) {
        block(m, "data", "aws_partition", "current");
        block(m, "data", "aws_region", "current");
    }
}

static void build(struct module *m)
{
    name_resources(m);
    if (m->code)
        return;
    add_head(m);
    add_variables(m);
    for (size_t i = 0; i < m->plan->count; i++)
        add_resource(m, i);
    add_role(m);
    add_alarms(m);
    add_outputs(m);
}

int provision_emit_terraform(const struct provision_plan *plan,
                             const struct provision_permissions *permissions, struct buffer *out)
{
    struct module m = {.plan = plan,
                       .permissions = permissions,
                       .names = {.style = TEMPLATE_SNAKE},
                       .ids = calloc(plan->count + 1, sizeof *m.ids),
                       .tree = json_object()};
    m.code = m.ids && m.tree ? 0 : ERR_MEMORY;
    if (!m.code)
        build(&m);
    if (!m.code)
        m.code = hcl_write(m.tree, out);
    json_decref(m.tree);
    template_names_clear(&m.names);
    free(m.ids);
    return m.code;
}
