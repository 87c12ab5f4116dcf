/* The queues and dead-letter queues of a fan-out. */
#include <stdlib.h>
#include <string.h>

#include "aws_json.h"
#include "json_text.h"
#include "provision_policy.h"
#include "provision_private.h"

static int sqs_call(struct provision *p, const char *operation, const char *resource, json_t *body)
{
    const struct aws_json_call call = {.service = AWS_SQS,
                                       .target = "AmazonSQS",
                                       .operation = operation,
                                       .resource = resource,
                                       .url = p->sqs_url,
                                       .body = body,
                                       .settling = true,
                                       .response_max = AWS_RESPONSE_MAX,
                                       .done = provision_replied,
                                       .release = provision_free,
                                       .user = p};
    return aws_json_start(p->aws, &call, NULL);
}

static int text_keep(char **field, const char *text, struct error *error, const char *what)
{
    free(*field);
    *field = text ? slice_dup(slice_of(text)) : NULL;
    if (*field)
        return 0;
    return error_set(error, text ? ERR_MEMORY : ERR_PROTOCOL, "%s", text ? "out of memory" : what);
}

static int queue_create(struct provision *p, const char *name)
{
    return sqs_call(p, "CreateQueue", name, json_pack("{s:s}", "QueueName", name));
}

static int url_keep(char **field, const struct aws_reply *reply, struct error *error)
{
    json_t *root = aws_json_response(reply, error);
    if (!root)
        return error->code;
    int code =
        text_keep(field, json_text_in(root, "QueueUrl"), error, "no QueueUrl in the response");
    json_decref(root);
    return code;
}

int provision_queue_create(struct provision *p)
{
    return queue_create(p, p->fanout->queues[p->item].name);
}

int provision_queue_created(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    return url_keep(&p->queues[p->item].url, reply, error);
}

int provision_dead_letter_create(struct provision *p)
{
    const char *name = p->fanout->queues[p->item].dead_letter_name;
    return name ? queue_create(p, name) : NOTHING_TO_DO;
}

int provision_dead_letter_created(struct provision *p, const struct aws_reply *reply,
                                  struct error *error)
{
    return url_keep(&p->queues[p->item].dead_letter_url, reply, error);
}

int provision_dead_letter_read(struct provision *p)
{
    const char *url = p->queues[p->item].dead_letter_url;
    if (!url)
        return NOTHING_TO_DO;
    return sqs_call(p, "GetQueueAttributes", p->fanout->queues[p->item].dead_letter_name,
                    json_pack("{s:s, s:[s]}", "QueueUrl", url, "AttributeNames", "QueueArn"));
}

int provision_dead_letter_known(struct provision *p, const struct aws_reply *reply,
                                struct error *error)
{
    json_t *root = aws_json_response(reply, error);
    if (!root)
        return error->code;
    const char *arn = json_text_in(json_object_get(root, "Attributes"), "QueueArn");
    int code =
        text_keep(&p->queues[p->item].dead_letter_arn, arn, error, "no QueueArn in the response");
    json_decref(root);
    return code;
}

int provision_queue_read(struct provision *p)
{
    return sqs_call(p, "GetQueueAttributes", p->fanout->queues[p->item].name,
                    json_pack("{s:s, s:[s, s, s, s]}", "QueueUrl", p->queues[p->item].url,
                              "AttributeNames", "QueueArn", "VisibilityTimeout", "RedrivePolicy",
                              "Policy"));
}

static int optional_keep(char **field, const char *text, struct error *error)
{
    return text ? text_keep(field, text, error, NULL) : 0;
}

int provision_queue_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    struct made_queue *q = &p->queues[p->item];
    json_t *root = aws_json_response(reply, error);
    if (!root)
        return error->code;
    const json_t *found = json_object_get(root, "Attributes");
    q->visibility_s = (unsigned)aws_json_number(found, "VisibilityTimeout");
    int code =
        text_keep(&q->arn, json_text_in(found, "QueueArn"), error, "no QueueArn in the response");
    if (code)
        goto out;
    code = optional_keep(&q->policy, json_text_in(found, "Policy"), error);
    if (code)
        goto out;
    code = optional_keep(&q->redrive, json_text_in(found, "RedrivePolicy"), error);
out:
    json_decref(root);
    return code;
}

/* --- the attributes of a queue --- */

static int queue_policy(const struct provision *p, const struct made_queue *q, char **out,
                        bool *fits)
{
    char source[ARN_MAX], account[ACCOUNT_MAX];
    struct policy_grant grant = {.service = "sns.amazonaws.com",
                                 .action = "sqs:SendMessage",
                                 .resource_arn = q->arn,
                                 .source_arn = p->topic_arn};
    if (!p->topic_arn) {
        int code = provision_bucket_arn(p, q->arn, source);
        if (code)
            return code;
        code = provision_account(q->arn, account);
        if (code)
            return code;
        grant.service = "s3.amazonaws.com";
        grant.source_arn = source;
        grant.source_account = account;
    }
    return policy_merge(q->policy, &grant, out, fits);
}

static bool redrive_fits(const struct made_queue *q, unsigned max_receives)
{
    json_t *root =
        q->redrive ? json_text_read(slice_of(q->redrive), JSON_LAST_DUPLICATE, NULL) : NULL;
    const char *target = json_text_in(root, "deadLetterTargetArn");
    bool fits = target && strcmp(target, q->dead_letter_arn) == 0 &&
                aws_json_number(root, "maxReceiveCount") == max_receives;
    json_decref(root);
    return fits;
}

static int redrive_set(json_t *attributes, const struct made_queue *q, unsigned max_receives)
{
    json_t *policy = json_pack("{s:s, s:i}", "deadLetterTargetArn", q->dead_letter_arn,
                               "maxReceiveCount", (int)max_receives);
    char *text = policy ? json_dumps(policy, JSON_COMPACT) : NULL;
    int code = text ? json_object_set_new(attributes, "RedrivePolicy", json_string(text)) : -1;
    free(text);
    json_decref(policy);
    return code;
}

/* Collects the attributes that differ from the current ones. */
static int attributes_differing(const struct provision *p, json_t *attributes)
{
    const struct fanout_queue *wanted = &p->fanout->queues[p->item];
    const struct made_queue *q = &p->queues[p->item];
    char *policy = NULL;
    bool fits = false;
    int code = queue_policy(p, q, &policy, &fits);
    if (!code && !fits && json_object_set_new(attributes, "Policy", json_string(policy)))
        code = ERR_MEMORY;
    free(policy);
    if (code)
        return code;
    if (wanted->visibility_s && wanted->visibility_s != q->visibility_s &&
        json_object_set_new(attributes, "VisibilityTimeout",
                            json_sprintf("%u", wanted->visibility_s)))
        return ERR_MEMORY;
    if (q->dead_letter_arn && !redrive_fits(q, wanted->max_receives) &&
        redrive_set(attributes, q, wanted->max_receives))
        return ERR_MEMORY;
    return 0;
}

int provision_queue_write(struct provision *p)
{
    json_t *attributes = json_object();
    int code = attributes ? attributes_differing(p, attributes) : ERR_MEMORY;
    if (!code && json_object_size(attributes) == 0)
        code = NOTHING_TO_DO;
    if (code) {
        json_decref(attributes);
        return code;
    }
    return sqs_call(
        p, "SetQueueAttributes", p->fanout->queues[p->item].name,
        json_pack("{s:s, s:o}", "QueueUrl", p->queues[p->item].url, "Attributes", attributes));
}
