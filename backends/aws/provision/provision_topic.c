/* The topic of a fan-out: its policy and subscriptions. */
#include <stdlib.h>
#include <string.h>

#include "provision_policy.h"
#include "provision_private.h"
#include "sns.h"

static int topic_call(struct provision *p, const char *action,
                      const struct sns_parameter *parameters, size_t count)
{
    const struct sns_client_call call = {.action = action,
                                         .resource = p->topic_arn ? p->topic_arn : p->fanout->topic,
                                         .parameters = parameters,
                                         .parameter_count = count,
                                         .settling = true,
                                         .done = provision_replied,
                                         .release = provision_free,
                                         .user = p};
    return sns_start(p->aws, &call);
}

int provision_topic_create(struct provision *p)
{
    const struct sns_parameter parameters[] = {{"Name", p->fanout->topic}};
    return topic_call(p, "CreateTopic", parameters, 1);
}

int provision_topic_created(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    if (error->code)
        return error->code;
    int code =
        sns_response_text(reply, "CreateTopicResponse/CreateTopicResult/TopicArn", &p->topic_arn);
    if (!code && !p->topic_arn)
        code = ERR_PROTOCOL;
    if (code)
        aws_error_unreadable(error, &reply->subject, code, "no TopicArn in the response");
    return code;
}

int provision_topic_read(struct provision *p)
{
    const struct sns_parameter parameters[] = {{"TopicArn", p->topic_arn}};
    return topic_call(p, "GetTopicAttributes", parameters, 1);
}

/* An unreadable policy must not count as absent, because it would be overwritten. */
int provision_topic_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    static const char entry[] =
        "GetTopicAttributesResponse/GetTopicAttributesResult/Attributes/entry";
    if (error->code)
        return error->code;
    int code = sns_response_attribute(reply, entry, "Policy", &p->topic_policy);
    if (code)
        aws_error_unreadable(error, &reply->subject, code, "the topic's attributes cannot be read");
    return code;
}

int provision_topic_write(struct provision *p)
{
    char source[ARN_MAX], account[ACCOUNT_MAX], *policy = NULL;
    const struct policy_grant grant = {.service = "s3.amazonaws.com",
                                       .action = "SNS:Publish",
                                       .resource_arn = p->topic_arn,
                                       .source_arn = source,
                                       .source_account = account};
    bool fits = false;
    int code = provision_bucket_arn(p, p->topic_arn, source);
    if (code)
        goto out;
    code = provision_account(p->topic_arn, account);
    if (code)
        goto out;
    code = policy_merge(p->topic_policy, &grant, &policy, &fits);
    if (code)
        goto out;
    const struct sns_parameter parameters[] = {
        {"TopicArn", p->topic_arn}, {"AttributeName", "Policy"}, {"AttributeValue", policy}};
    code = fits ? NOTHING_TO_DO : topic_call(p, "SetTopicAttributes", parameters, 3);
out:
    free(policy);
    return code;
}

/* If an existing subscription has the same attributes, SNS returns its ARN. */
int provision_subscription_create(struct provision *p)
{
    const struct sns_parameter parameters[] = {
        {"TopicArn", p->topic_arn},
        {"Protocol", "sqs"},
        {"Endpoint", p->queues[p->item].arn},
        {"ReturnSubscriptionArn", "true"},
        {"Attributes.entry.1.key", "RawMessageDelivery"},
        {"Attributes.entry.1.value", p->fanout->queues[p->item].raw_delivery ? "true" : "false"},
    };
    return topic_call(p, "Subscribe", parameters, sizeof parameters / sizeof parameters[0]);
}

int provision_subscription_created(struct provision *p, const struct aws_reply *reply,
                                   struct error *error)
{
    if (strcasestr(reply->fault.message, "already exists with different attributes"))
        error_set(error, ERR_CONFLICT,
                  "%s is already subscribed to %s with other attributes; change its raw delivery, "
                  "or delete that subscription",
                  p->fanout->queues[p->item].name, p->fanout->topic);
    return error->code;
}
