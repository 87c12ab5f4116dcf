/*
 * Provisioning: an array of steps, run by provision_advance.
 *
 * A step works on one item after another (buckets, queues; some have one item or none). start sends
 * one request, or says that there is nothing to do; finish reads the answer. What a later step
 * needs is kept in struct provision. ARNs come from the services' answers. Everything may be run
 * again: names are created where absent, and attributes, policies and notifications are written
 * only when they don't say yet what they should.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arn.h"
#include "json10.h"
#include "log.h"
#include "provision_policy.h"
#include "s3_bucket.h"
#include "sns.h"
#include "sqs_private.h"

enum { NOTHING_TO_DO = 1, ARN_MAX = 2048 };

struct made_queue {
    char *url, *arn;
    char *dead_letter_url, *dead_letter_arn;
    char *policy, *redrive; /* as found; NULL: none */
    unsigned visibility_s;
};

struct provision {
    struct aws *aws;
    const struct aws_fanout *fanout;
    aws_done *done;
    void *user;
    size_t step, item;
    size_t queue_count;
    struct made_queue *queues; /* one for each of fanout->queues */
    char *sqs_url;
    char *topic_arn, *topic_policy;
    char *notification; /* the bucket's, as found */
};

struct step {
    const char *name;
    size_t (*count)(const struct provision *p);
    int (*start)(struct provision *p); /* 0: wait for finish; NOTHING_TO_DO; negative */
    int (*finish)(struct provision *p, const struct aws_reply *reply, struct error *error);
};

static void provision_free(void *user)
{
    struct provision *p = user;
    for (size_t i = 0; p->queues && i < p->queue_count; i++) {
        struct made_queue *q = &p->queues[i];
        free(q->url);
        free(q->arn);
        free(q->dead_letter_url);
        free(q->dead_letter_arn);
        free(q->policy);
        free(q->redrive);
    }
    free(p->queues);
    free(p->sqs_url);
    free(p->topic_arn);
    free(p->topic_policy);
    free(p->notification);
    free(p);
}

static void on_reply(const struct aws_reply *reply, void *user);

/* --- counts --- */

static size_t count_one(const struct provision *p)
{
    (void)p;
    return 1;
}

static size_t count_buckets(const struct provision *p)
{
    return 1 + p->fanout->extra_bucket_count;
}

static size_t count_queues(const struct provision *p)
{
    return p->queue_count;
}

static size_t count_topics(const struct provision *p)
{
    return p->fanout->topic ? 1 : 0;
}

static size_t count_subscriptions(const struct provision *p)
{
    return p->fanout->topic ? p->queue_count : 0;
}

/* --- buckets --- */

static int s3_call(struct provision *p, struct s3_bucket_call call)
{
    call.done = on_reply;
    call.release = provision_free;
    call.user = p;
    return s3_bucket_start(p->aws, &call);
}

static int bucket_create(struct provision *p)
{
    struct s3_bucket_call call = {.operation = "CreateBucket", .method = "PUT"};
    call.bucket = p->item ? p->fanout->extra_buckets[p->item - 1] : p->fanout->bucket;
    struct buffer body;
    buffer_init(&body, 1024);
    if (strcmp(p->aws->region, "us-east-1") != 0) /* which is the default, and not allowed here */
        buffer_format(
            &body,
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>",
            p->aws->region);
    if (body.error)
        return body.error;
    call.body = buffer_take(&body);
    return s3_call(p, call);
}

static int bucket_created(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    (void)p;
    if (strcmp(reply->fault.code, "BucketAlreadyOwnedByYou") == 0)
        error->code = 0;
    return error->code;
}

/* --- queues --- */

static int sqs_call(struct provision *p, const char *operation, const char *resource, json_t *body)
{
    const struct json10_call call = {.service = AWS_SQS,
                                     .target = "AmazonSQS",
                                     .operation = operation,
                                     .resource = resource,
                                     .url = p->sqs_url,
                                     .body = body,
                                     .settling = true,
                                     .response_max = AWS_ANSWER_MAX,
                                     .done = on_reply,
                                     .release = provision_free,
                                     .user = p};
    return json10_start(p->aws, &call, NULL);
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
    json_t *root = json10_answer(reply, error);
    if (!root)
        return error->code;
    int rc = text_keep(field, json10_text(root, "QueueUrl"), error, "no QueueUrl in the answer");
    json_decref(root);
    return rc;
}

static int main_create(struct provision *p)
{
    return queue_create(p, p->fanout->queues[p->item].name);
}

static int main_created(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    return url_keep(&p->queues[p->item].url, reply, error);
}

static int dead_letter_create(struct provision *p)
{
    const char *name = p->fanout->queues[p->item].dead_letter_name;
    return name ? queue_create(p, name) : NOTHING_TO_DO;
}

static int dead_letter_created(struct provision *p, const struct aws_reply *reply,
                               struct error *error)
{
    return url_keep(&p->queues[p->item].dead_letter_url, reply, error);
}

static int dead_letter_read(struct provision *p)
{
    const char *url = p->queues[p->item].dead_letter_url;
    if (!url)
        return NOTHING_TO_DO;
    return sqs_call(p, "GetQueueAttributes", p->fanout->queues[p->item].dead_letter_name,
                    json_pack("{s:s, s:[s]}", "QueueUrl", url, "AttributeNames", "QueueArn"));
}

static int dead_letter_known(struct provision *p, const struct aws_reply *reply,
                             struct error *error)
{
    json_t *root = json10_answer(reply, error);
    if (!root)
        return error->code;
    const char *arn = json10_text(json_object_get(root, "Attributes"), "QueueArn");
    int rc =
        text_keep(&p->queues[p->item].dead_letter_arn, arn, error, "no QueueArn in the answer");
    json_decref(root);
    return rc;
}

static int main_read(struct provision *p)
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

static int main_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    struct made_queue *q = &p->queues[p->item];
    json_t *root = json10_answer(reply, error);
    if (!root)
        return error->code;
    const json_t *found = json_object_get(root, "Attributes");
    q->visibility_s = (unsigned)json10_number(found, "VisibilityTimeout");
    int rc = text_keep(&q->arn, json10_text(found, "QueueArn"), error, "no QueueArn in the answer");
    if (!rc)
        rc = optional_keep(&q->policy, json10_text(found, "Policy"), error);
    if (!rc)
        rc = optional_keep(&q->redrive, json10_text(found, "RedrivePolicy"), error);
    json_decref(root);
    return rc;
}

/* --- what a queue should be --- */

static int account_of(const char *arn, char out[32])
{
    struct slice account = arn_part(arn, ARN_ACCOUNT);
    return (size_t)snprintf(out, 32, "%.*s", (int)account.size, account.data) < 32 ? 0
                                                                                   : ERR_PROTOCOL;
}

/* S3's ARNs name neither region nor account; their partition is that of the queue or topic
 * notified. */
static int bucket_arn(const struct provision *p, const char *sibling, char out[ARN_MAX])
{
    struct slice partition = arn_part(sibling, ARN_PARTITION);
    int size = snprintf(out, ARN_MAX, "arn:%.*s:s3:::%s", (int)partition.size, partition.data,
                        p->fanout->bucket);
    return size < ARN_MAX ? 0 : ERR_INVALID;
}

static int queue_policy(const struct provision *p, const struct made_queue *q, char **out,
                        bool *fits)
{
    char source[ARN_MAX], account[32];
    struct policy_grant grant = {.service = "sns.amazonaws.com",
                                 .action = "sqs:SendMessage",
                                 .resource_arn = q->arn,
                                 .source_arn = p->topic_arn};
    if (!p->topic_arn) {
        int rc = bucket_arn(p, q->arn, source);
        if (!rc)
            rc = account_of(q->arn, account);
        if (rc)
            return rc;
        grant.service = "s3.amazonaws.com";
        grant.source_arn = source;
        grant.source_account = account;
    }
    return policy_merge(q->policy, &grant, out, fits);
}

static bool redrive_fits(const struct made_queue *q, unsigned max_receives)
{
    json_t *root = q->redrive ? json_loads(q->redrive, 0, NULL) : NULL;
    const char *target = json10_text(root, "deadLetterTargetArn");
    bool fits = target && strcmp(target, q->dead_letter_arn) == 0 &&
                json10_number(root, "maxReceiveCount") == max_receives;
    json_decref(root);
    return fits;
}

static int redrive_set(json_t *attributes, const struct made_queue *q, unsigned max_receives)
{
    json_t *policy = json_pack("{s:s, s:i}", "deadLetterTargetArn", q->dead_letter_arn,
                               "maxReceiveCount", (int)max_receives);
    char *text = policy ? json_dumps(policy, JSON_COMPACT) : NULL;
    int rc = text ? json_object_set_new(attributes, "RedrivePolicy", json_string(text)) : -1;
    free(text);
    json_decref(policy);
    return rc;
}

/* Puts into attributes what differs from what was found. */
static int attributes_differing(const struct provision *p, json_t *attributes)
{
    const struct aws_fanout_queue *wanted = &p->fanout->queues[p->item];
    const struct made_queue *q = &p->queues[p->item];
    char *policy = NULL;
    bool fits = false;
    int rc = queue_policy(p, q, &policy, &fits);
    if (!rc && !fits && json_object_set_new(attributes, "Policy", json_string(policy)))
        rc = ERR_MEMORY;
    free(policy);
    if (!rc && wanted->visibility_s && wanted->visibility_s != q->visibility_s &&
        json_object_set_new(attributes, "VisibilityTimeout",
                            json_sprintf("%u", wanted->visibility_s)))
        rc = ERR_MEMORY;
    if (!rc && q->dead_letter_arn && !redrive_fits(q, wanted->max_receives) &&
        redrive_set(attributes, q, wanted->max_receives))
        rc = ERR_MEMORY;
    return rc;
}

static int main_write(struct provision *p)
{
    json_t *attributes = json_object();
    int rc = attributes ? attributes_differing(p, attributes) : ERR_MEMORY;
    if (!rc && json_object_size(attributes) == 0)
        rc = NOTHING_TO_DO;
    if (rc) {
        json_decref(attributes);
        return rc;
    }
    return sqs_call(
        p, "SetQueueAttributes", p->fanout->queues[p->item].name,
        json_pack("{s:s, s:o}", "QueueUrl", p->queues[p->item].url, "Attributes", attributes));
}

static int only_success(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    (void)p;
    (void)reply;
    return error->code;
}

/* --- topic --- */

static int topic_call(struct provision *p, const char *action,
                      const struct sns_parameter *parameters, size_t count)
{
    const struct sns_call call = {.action = action,
                                  .resource = p->topic_arn ? p->topic_arn : p->fanout->topic,
                                  .parameters = parameters,
                                  .parameter_count = count,
                                  .settling = true,
                                  .done = on_reply,
                                  .release = provision_free,
                                  .user = p};
    return sns_start(p->aws, &call);
}

static int topic_create(struct provision *p)
{
    const struct sns_parameter parameters[] = {{"Name", p->fanout->topic}};
    return topic_call(p, "CreateTopic", parameters, 1);
}

static int topic_created(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    if (error->code)
        return error->code;
    p->topic_arn = sns_answer_text(reply, "CreateTopicResponse/CreateTopicResult/TopicArn");
    return p->topic_arn ? 0 : error_set(error, ERR_PROTOCOL, "no TopicArn in the answer");
}

static int topic_read(struct provision *p)
{
    const struct sns_parameter parameters[] = {{"TopicArn", p->topic_arn}};
    return topic_call(p, "GetTopicAttributes", parameters, 1);
}

static int topic_known(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    if (!error->code)
        p->topic_policy = sns_answer_attribute(
            reply, "GetTopicAttributesResponse/GetTopicAttributesResult/Attributes/entry",
            "Policy");
    return error->code;
}

static int topic_write(struct provision *p)
{
    char source[ARN_MAX], account[32], *policy = NULL;
    const struct policy_grant grant = {.service = "s3.amazonaws.com",
                                       .action = "SNS:Publish",
                                       .resource_arn = p->topic_arn,
                                       .source_arn = source,
                                       .source_account = account};
    bool fits = false;
    int rc = bucket_arn(p, p->topic_arn, source);
    if (!rc)
        rc = account_of(p->topic_arn, account);
    if (!rc)
        rc = policy_merge(p->topic_policy, &grant, &policy, &fits);
    if (!rc) {
        const struct sns_parameter parameters[] = {
            {"TopicArn", p->topic_arn}, {"AttributeName", "Policy"}, {"AttributeValue", policy}};
        rc = fits ? NOTHING_TO_DO : topic_call(p, "SetTopicAttributes", parameters, 3);
    }
    free(policy);
    return rc;
}

/* With the same attributes, an existing subscription is simply named again. */
static int subscription_create(struct provision *p)
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

static int subscription_created(struct provision *p, const struct aws_reply *reply,
                                struct error *error)
{
    if (strcasestr(reply->fault.message, "already exists with different attributes"))
        error_set(error, ERR_CONFLICT,
                  "%s is already subscribed to %s with other attributes; change its raw delivery, "
                  "or delete that subscription",
                  p->fanout->queues[p->item].name, p->fanout->topic);
    return error->code;
}

/* --- notification --- */

static int notification_read(struct provision *p)
{
    return s3_call(p, (struct s3_bucket_call){.operation = "GetBucketNotificationConfiguration",
                                              .method = "GET",
                                              .bucket = p->fanout->bucket,
                                              .query = "notification=",
                                              .settling = true});
}

static int notification_known(struct provision *p, const struct aws_reply *reply,
                              struct error *error)
{
    if (error->code)
        return error->code;
    const struct bytes *body = &reply->response->body;
    p->notification = slice_dup((struct slice){body->data, body->size});
    return p->notification ? 0 : error_set(error, ERR_MEMORY, "out of memory");
}

static int notification_write(struct provision *p)
{
    const struct s3_notification ours = {.arn = p->topic_arn ? p->topic_arn : p->queues[0].arn,
                                         .prefix = p->fanout->prefix,
                                         .suffix = p->fanout->suffix};
    struct buffer document;
    buffer_init(&document, 2 * AWS_ANSWER_MAX);
    bool fits = false;
    int rc = s3_notification_merge(slice_of(p->notification), &ours, &document, &fits);
    if (rc || fits) {
        buffer_free(&document);
        return rc ? rc : NOTHING_TO_DO;
    }
    return s3_call(p, (struct s3_bucket_call){.operation = "PutBucketNotificationConfiguration",
                                              .method = "PUT",
                                              .bucket = p->fanout->bucket,
                                              .query = "notification=",
                                              .body = buffer_take(&document),
                                              .settling = true});
}

/* --- the runner --- */

/* Policies come before what they allow: S3 and SNS check them when they are told where to deliver.
 */
static const struct step steps[] = {
    {"create the bucket", count_buckets, bucket_create, bucket_created},
    {"create the dead-letter queue", count_queues, dead_letter_create, dead_letter_created},
    {"read the dead-letter queue", count_queues, dead_letter_read, dead_letter_known},
    {"create the queue", count_queues, main_create, main_created},
    {"read the queue", count_queues, main_read, main_known},
    {"create the topic", count_topics, topic_create, topic_created},
    {"read the topic's policy", count_topics, topic_read, topic_known},
    {"let the bucket publish to the topic", count_topics, topic_write, only_success},
    {"set the queue's attributes", count_queues, main_write, only_success},
    {"subscribe the queue", count_subscriptions, subscription_create, subscription_created},
    {"read the bucket's notification", count_one, notification_read, notification_known},
    {"set the bucket's notification", count_one, notification_write, only_success},
};

enum { STEP_COUNT = sizeof steps / sizeof steps[0] };

static void provision_end(struct provision *p, struct error *error)
{
    aws_done *done = p->done;
    void *user = p->user;
    if (error->code && p->step < STEP_COUNT)
        error_prefix(error, "cannot %s", steps[p->step].name);
    provision_free(p);
    done(error, user);
}

/* Starts the next thing to be done. 0: a request is under way, or p->step is STEP_COUNT. */
static int provision_advance(struct provision *p)
{
    while (p->step < STEP_COUNT) {
        if (p->item == steps[p->step].count(p)) {
            p->step++;
            p->item = 0;
            continue;
        }
        int rc = steps[p->step].start(p);
        if (rc != NOTHING_TO_DO)
            return rc;
        p->item++;
    }
    return 0;
}

static void on_reply(const struct aws_reply *reply, void *user)
{
    struct provision *p = user;
    struct error error = reply->error;
    if (steps[p->step].finish(p, reply, &error) == 0) {
        log_debug("provisioned", LOG_TEXT("step", steps[p->step].name), LOG_INT("item", p->item));
        p->item++;
        int rc = provision_advance(p);
        if (rc)
            error_set(&error, rc, "%s", error_name(rc));
        else
            error.code = 0;
    }
    if (error.code || p->step == STEP_COUNT)
        provision_end(p, &error);
}

/* S3 refuses two destinations for one event: without a topic there is one queue. */
static bool fanout_is_valid(const struct aws_fanout *fanout)
{
    if (!fanout->bucket || fanout->queue_count == 0 || (!fanout->topic && fanout->queue_count > 1))
        return false;
    for (size_t i = 0; i < fanout->queue_count; i++) {
        const struct aws_fanout_queue *queue = &fanout->queues[i];
        if (!queue->name || (queue->dead_letter_name && queue->max_receives == 0))
            return false;
    }
    return true;
}

int aws_provision(struct aws *aws, const struct aws_fanout *fanout, aws_done *done, void *user)
{
    if (!fanout_is_valid(fanout))
        return ERR_INVALID;
    struct provision *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_MEMORY;
    *p = (struct provision){.aws = aws, .fanout = fanout, .done = done, .user = user};
    p->queue_count = fanout->queue_count;
    p->queues = calloc(fanout->queue_count, sizeof *p->queues);
    p->sqs_url = sqs_endpoint(aws, NULL);
    int rc = p->queues && p->sqs_url ? provision_advance(p) : ERR_MEMORY;
    if (rc)
        provision_free(p);
    return rc;
}
