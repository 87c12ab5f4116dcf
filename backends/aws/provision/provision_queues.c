/* Queues and their policies. */
#include <stdlib.h>
#include <string.h>

#include "aws_json.h"
#include "json_text.h"
#include "provision_private.h"

static int sqs_call(struct provision *p, const char *operation, json_t *body, bool settling,
                    provision_reply *reply)
{
    const struct aws_json_call call = {.service = AWS_SQS,
                                       .target = "AmazonSQS",
                                       .operation = operation,
                                       .resource = provision_now(p)->name,
                                       .url = p->sqs_url,
                                       .body = body,
                                       .settling = settling,
                                       .response_max = AWS_RESPONSE_MAX,
                                       .done = provision_replied,
                                       .release = provision_free,
                                       .user = p};
    p->reply = reply;
    return aws_json_start(p->aws, &call, NULL);
}

/* ---- reading ---- */

static int is_found(struct provision *p, json_t *attributes)
{
    static const char *const numbers[] = {"VisibilityTimeout", "MessageRetentionPeriod"};
    static const char *const switches[] = {"FifoQueue", "ContentBasedDeduplication"};
    json_t *wanted = provision_attributes(p->run->plan, p->index, &p->run->place);
    int code = wanted ? 0 : ERR_MEMORY;
    for (size_t i = 0; i < 2 && !code; i++)
        if (json_object_get(wanted, numbers[i]))
            code = provision_found(
                p, numbers[i], json_integer((json_int_t)aws_json_number(attributes, numbers[i])));
    for (size_t i = 0; i < 2 && !code; i++) {
        const char *value = json_text_in(attributes, switches[i]);
        if (json_object_get(wanted, switches[i]))
            code =
                provision_found(p, switches[i], json_boolean(value && strcmp(value, "true") == 0));
    }
    json_decref(wanted);
    return code;
}

static int redrive_found(struct provision *p, const json_t *attributes)
{
    const char *text = json_text_in(attributes, "RedrivePolicy");
    if (!text || provision_now(p)->to == PROVISION_NONE)
        return 0;
    json_t *root = json_text_read(slice_of(text), JSON_LAST_DUPLICATE, NULL);
    const char *target = json_text_in(root, "deadLetterTargetArn");
    int code = target ? provision_found(p, "DeadLetterQueue", json_string(target)) : 0;
    if (!code && provision_now(p)->max_receives)
        code = provision_found(p, "MaxReceiveCount",
                               json_integer((json_int_t)aws_json_number(root, "maxReceiveCount")));
    json_decref(root);
    return code;
}

static int queue_known(struct provision *p, json_t *attributes)
{
    p->finding.exists = true;
    int code = is_found(p, attributes);
    return code ? code : redrive_found(p, attributes);
}

static int queue_policy_known(struct provision *p, const json_t *attributes, struct error *error)
{
    int code = provision_keep_text(&p->text, json_text_in(attributes, "Policy"));
    return code ? code : provision_policy_found(p, error);
}

static int attributes_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    if (provision_is_absent(error))
        return 0;
    json_t *root = aws_json_response(reply, error);
    if (!root)
        return error->code;
    json_t *attributes = json_object_get(root, "Attributes");
    int code = provision_now(p)->kind == PROVISION_QUEUE ? queue_known(p, attributes)
                                                         : queue_policy_known(p, attributes, error);
    json_decref(root);
    return code;
}

static int url_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    if (provision_is_absent(error))
        return 0;
    json_t *root = aws_json_response(reply, error);
    if (!root)
        return error->code;
    const char *url = json_text_in(root, "QueueUrl");
    int code = url ? provision_keep_text(&p->found, url) : ERR_PROTOCOL;
    if (!code)
        code = sqs_call(p, "GetQueueAttributes",
                        json_pack("{s:s, s:[s]}", "QueueUrl", url, "AttributeNames", "All"),
                        p->run->write, attributes_known);
    json_decref(root);
    return code ? code : PROVISION_WAITS;
}

int provision_read_queue(struct provision *p)
{
    return sqs_call(p, "GetQueueUrl", json_pack("{s:s}", "QueueName", provision_now(p)->name),
                    false, url_known);
}

/* The queue was created a moment ago, or did exist. */
int provision_read_queue_policy(struct provision *p)
{
    return sqs_call(p, "GetQueueUrl", json_pack("{s:s}", "QueueName", provision_base(p)),
                    p->run->write, url_known);
}

/* ---- writing ---- */

static int redrive_set(const struct provision *p, json_t *attributes)
{
    char *arn = provision_arn_at(p, provision_now(p)->to);
    json_t *policy = json_pack("{s:s, s:i}", "deadLetterTargetArn", arn, "maxReceiveCount",
                               (int)provision_now(p)->max_receives);
    char *text = policy ? json_dumps(policy, JSON_COMPACT) : NULL;
    int failed = json_object_set_new(attributes, "RedrivePolicy", text ? json_string(text) : NULL);
    free(text);
    json_decref(policy);
    free(arn);
    return failed;
}

/* SQS writes all values as text. */
static json_t *text_of(const json_t *value)
{
    if (json_is_integer(value))
        return json_sprintf("%lld", (long long)json_integer_value(value));
    return json_string(json_is_true(value) ? "true" : "false");
}

static json_t *attributes_wanted(const struct provision *p)
{
    json_t *attributes = json_object();
    const char *name;
    json_t *difference;
    int failed = !attributes;
    json_object_foreach(p->change.differences, name, difference)
    {
        const json_t *should = json_object_get(difference, "should");
        if (failed)
            break;
        if (strcmp(name, "DeadLetterQueue") == 0 || strcmp(name, "MaxReceiveCount") == 0)
            failed = redrive_set(p, attributes);
        else
            failed = json_object_set_new(attributes, name, text_of(should));
    }
    if (!failed)
        return attributes;
    json_decref(attributes);
    return NULL;
}

int provision_write_queue(struct provision *p)
{
    json_t *attributes = attributes_wanted(p);
    if (p->found)
        return sqs_call(p, "SetQueueAttributes",
                        json_pack("{s:s, s:o}", "QueueUrl", p->found, "Attributes", attributes),
                        true, provision_written);
    return sqs_call(
        p, "CreateQueue",
        json_pack("{s:s, s:o}", "QueueName", provision_now(p)->name, "Attributes", attributes),
        true, provision_written);
}

int provision_write_queue_policy(struct provision *p)
{
    char *policy = NULL;
    int code = p->found ? provision_policy_wanted(p, &policy) : ERR_NO_CONTAINER;
    if (!code)
        code = sqs_call(
            p, "SetQueueAttributes",
            json_pack("{s:s, s:{s:s}}", "QueueUrl", p->found, "Attributes", "Policy", policy), true,
            provision_written);
    free(policy);
    return code;
}
