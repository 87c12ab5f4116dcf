/* The role of the engine, and the alarms, in a Terraform configuration. */
#include <string.h>

#include "hcl_write.h"
#include "terraform_module.h"

/* ---- the role ---- */

static json_t *reach_of(const struct provision_reach *reach, void *user)
{
    const struct module *m = user;
    if (reach->resource == PROVISION_NONE && !reach->service)
        return json_string(reach->text);
    if (reach->resource != PROVISION_NONE && !reach->text[0])
        return module_arn(reach->resource, user);
    struct buffer text;
    buffer_init(&text, PROVISION_EMIT_MAX);
    hcl_write_text(&text, reach->text);
    const char *rest = text.data ? text.data + 1 : "\""; /* with the closing quote */
    json_t *value = reach->resource != PROVISION_NONE
                        ? module_expression("\"${%s.%s.arn}%s",
                                            module_types[m->plan->resources[reach->resource].kind],
                                            m->ids[reach->resource], rest)
                        : module_expression("\"arn:${data.aws_partition.current.partition}:%s:"
                                            "${data.aws_region.current.name}:"
                                            "${data.aws_caller_identity.current.account_id}:%s",
                                            reach->service, rest);
    buffer_free(&text);
    return value;
}

/* The account is given by ECS, and not by EC2. */
static json_t *trust_policy(void)
{
    return module_encoded(json_pack("{s:s, s:[{s:s, s:{s:o}, s:s, s:{s:{s:o}}}]}", "Version",
                                    "2012-10-17", "Statement", "Effect", "Allow", "Principal",
                                    "Service", module_expression("var.trusted_service"), "Action",
                                    "sts:AssumeRole", "Condition", "StringEqualsIfExists",
                                    "aws:SourceAccount", module_account(NULL)));
}

void module_add_role(struct module *m)
{
    module_comment(m, "role", "The role of the engine, with what these pipelines need.");
    json_t *body = module_block(m, "resource", "aws_iam_role", "engine");
    module_put(m, body, "name_prefix", json_string("thumbwheel-"));
    module_put(m, body, "assume_role_policy", trust_policy());
    body = module_block(m, "resource", "aws_iam_role_policy", "engine");
    module_put(m, body, "name", json_string("thumbwheel"));
    module_put(m, body, "role", module_expression("aws_iam_role.engine.id"));
    module_put(m, body, "policy",
               module_encoded(provision_role_policy(m->permissions, reach_of, m)));
    body = module_block(m, "resource", "aws_iam_instance_profile", "engine");
    module_put(m, body, "count",
               module_expression("var.trusted_service == \"ec2.amazonaws.com\" ? 1 : 0"));
    module_put(m, body, "name_prefix", json_string("thumbwheel-"));
    module_put(m, body, "role", module_expression("aws_iam_role.engine.name"));
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
        if (queue->kind != PROVISION_QUEUE || queue->notify || queue->dead_letters != dead_letters)
            continue;
        buffer_format(&text, "%saws_sqs_queue.%s.name", separator, m->ids[i]);
        separator = ", ";
    }
    buffer_text(&text, "]) : toset([])");
    json_t *value = text.error ? NULL : module_expression("%s", text.data);
    buffer_free(&text);
    return value;
}

static void add_alarm(struct module *m, const char *name, bool dead_letters)
{
    json_t *body = module_block(m, "resource", "aws_cloudwatch_metric_alarm", name);
    module_put(m, body, "for_each", queue_names(m, dead_letters));
    module_put(m, body, "alarm_name",
               module_expression(dead_letters
                                     ? "\"${each.value} is not empty\""
                                     : "\"The oldest message of ${each.value} waits too long\""));
    module_put(m, body, "namespace", json_string("AWS/SQS"));
    module_put(m, body, "metric_name",
               json_string(dead_letters ? "ApproximateNumberOfMessagesVisible"
                                        : "ApproximateAgeOfOldestMessage"));
    module_put(m, body, "dimensions",
               json_pack("{s:o}", "QueueName", module_expression("each.value")));
    module_put(m, body, "statistic", json_string("Maximum"));
    module_put(m, body, "period", json_integer(300));
    module_put(m, body, "evaluation_periods", json_integer(1));
    module_put(m, body, "threshold",
               dead_letters ? json_integer(0) : module_expression("var.alarm_age_seconds"));
    module_put(m, body, "comparison_operator", json_string("GreaterThanThreshold"));
    module_put(m, body, "treat_missing_data", json_string("notBreaching"));
    module_put(m, body, "alarm_actions",
               json_pack("[o]", module_expression("local.alarm_topic_arn")));
}

void module_add_alarms(struct module *m)
{
    module_comment(m, "alarms", "Alarms, if they have somebody to go to.");
    module_put(
        m, m->tree, "locals",
        json_pack("[{s:o, s:o, s:o}]", "alarms",
                  module_expression("var.alarm_email != \"\" || var.alarm_topic_arn != \"\""),
                  "own_alarm_topic",
                  module_expression("var.alarm_email != \"\" && var.alarm_topic_arn == \"\""),
                  "alarm_topic_arn",
                  module_expression("local.own_alarm_topic ? aws_sns_topic.alarms[0].arn : "
                                    "var.alarm_topic_arn")));
    json_t *body = module_block(m, "resource", "aws_sns_topic", "alarms");
    module_put(m, body, "count", module_expression("local.own_alarm_topic ? 1 : 0"));
    module_put(m, body, "name_prefix", json_string("thumbwheel-alarms-"));
    body = module_block(m, "resource", "aws_sns_topic_subscription", "alarms");
    module_put(m, body, "count", module_expression("local.own_alarm_topic ? 1 : 0"));
    module_put(m, body, "topic_arn", module_expression("aws_sns_topic.alarms[0].arn"));
    module_put(m, body, "protocol", json_string("email"));
    module_put(m, body, "endpoint", module_expression("var.alarm_email"));
    add_alarm(m, "dead_letters", true);
    add_alarm(m, "age", false);
}
