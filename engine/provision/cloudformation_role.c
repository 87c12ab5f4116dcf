/* The role of the engine, and the alarms, in a CloudFormation template. */
#include "cloudformation_stack.h"

/* ---- the role ---- */

static json_t *reach_of(const struct provision_reach *reach, void *user)
{
    const struct stack *s = user;
    if (reach->resource != PROVISION_NONE &&
        s->plan->resources[reach->resource].kind == PROVISION_BUCKET)
        return stack_bucket_arn(s, reach->resource, reach->text);
    if (reach->resource != PROVISION_NONE)
        return stack_arn(reach->resource, user);
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
                     "Statement", "Effect", "Allow", "Principal", "Service",
                     stack_ref("TrustedService"), "Action", "sts:AssumeRole", "Condition",
                     "StringEqualsIfExists", "aws:SourceAccount", stack_ref("AWS::AccountId"));
}

void stack_add_role(struct stack *s)
{
    stack_comment(s, s->resources, "role",
                  "The role of the engine, with what these pipelines need.");
    json_t *properties = stack_add(s, "Role", "AWS::IAM::Role");
    stack_put(s, properties, "AssumeRolePolicyDocument", trust_policy());
    stack_put(s, properties, "Policies",
              json_pack("[{s:s, s:o}]", "PolicyName", "thumbwheel", "PolicyDocument",
                        provision_role_policy(s->permissions, reach_of, s)));
    properties = stack_add_with(s, "InstanceProfile", "AWS::IAM::InstanceProfile", "Condition",
                                json_string("OnEc2"));
    stack_put(s, properties, "Roles", json_pack("[o]", stack_ref("Role")));
}

/* ---- alarms ---- */

static void add_alarm_topic(struct stack *s)
{
    stack_comment(s, s->resources, "alarms", "Alarms, if they have somebody to go to.");
    json_t *properties = stack_add_with(s, "AlarmTopic", "AWS::SNS::Topic", "Condition",
                                        json_string("OwnAlarmTopic"));
    stack_put(s, properties, "Subscription",
              json_pack("[{s:s, s:o}]", "Protocol", "email", "Endpoint", stack_ref("AlarmEmail")));
}

static void add_alarm(struct stack *s, size_t queue)
{
    bool dead = s->plan->resources[queue].dead_letters;
    const char *id =
        template_name(&s->names, s->ids[queue], dead ? "NotEmptyAlarm" : "AgeAlarm", &s->code);
    json_t *properties =
        stack_add_with(s, id, "AWS::CloudWatch::Alarm", "Condition", json_string("Alarms"));
    stack_put(s, properties, "AlarmDescription",
              json_sprintf(dead ? "%s has messages: see thumbwheel dlq list"
                                : "The oldest message of %s waits too long",
                           s->plan->resources[queue].name));
    stack_put(s, properties, "Namespace", json_string("AWS/SQS"));
    stack_put(
        s, properties, "MetricName",
        json_string(dead ? "ApproximateNumberOfMessagesVisible" : "ApproximateAgeOfOldestMessage"));
    stack_put(s, properties, "Dimensions",
              json_pack("[{s:s, s:o}]", "Name", "QueueName", "Value",
                        stack_get(s->ids[queue], "QueueName")));
    stack_put(s, properties, "Statistic", json_string("Maximum"));
    stack_put(s, properties, "Period", json_integer(300));
    stack_put(s, properties, "EvaluationPeriods", json_integer(1));
    stack_put(s, properties, "Threshold", dead ? json_integer(0) : stack_ref("AlarmAgeSeconds"));
    stack_put(s, properties, "ComparisonOperator", json_string("GreaterThanThreshold"));
    stack_put(s, properties, "TreatMissingData", json_string("notBreaching"));
    stack_put(s, properties, "AlarmActions",
              json_pack("[{s:[s, o, o]}]", "Fn::If", "OwnAlarmTopic", stack_ref("AlarmTopic"),
                        stack_ref("AlarmTopicArn")));
}

void stack_add_alarms(struct stack *s)
{
    add_alarm_topic(s);
    for (size_t i = 0; i < s->plan->count; i++)
        if (s->plan->resources[i].kind == PROVISION_QUEUE && !s->plan->resources[i].notify)
            add_alarm(s, i);
}
