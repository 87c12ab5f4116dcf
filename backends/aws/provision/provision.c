/*
 * Provisioning: an array of steps, run by provision_advance.
 *
 * A step processes one item after another (buckets, queues; some steps have one item or none). Data
 * for later steps is kept in struct provision. ARNs come from the services' responses. Everything
 * may be run again: names are created if absent, and attributes, policies and notifications are
 * written only if they differ from what they should be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arn.h"
#include "log.h"
#include "provision_private.h"
#include "s3_bucket.h"
#include "sqs_private.h"

struct step {
    const char *name;
    size_t (*count)(const struct provision *p);
    provision_start *start;
    provision_finish *finish;
};

void provision_free(void *user)
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

int provision_account(const char *arn, char out[ACCOUNT_MAX])
{
    struct slice account = arn_part(arn, ARN_ACCOUNT);
    return (size_t)snprintf(out, ACCOUNT_MAX, "%.*s", (int)account.size, account.data) < ACCOUNT_MAX
               ? 0
               : ERR_PROTOCOL;
}

/* S3 ARNs contain neither region nor account; their partition is that of the notified queue or
 * topic. */
int provision_bucket_arn(const struct provision *p, const char *sibling, char out[ARN_MAX])
{
    struct slice partition = arn_part(sibling, ARN_PARTITION);
    int size = snprintf(out, ARN_MAX, "arn:%.*s:s3:::%s", (int)partition.size, partition.data,
                        p->fanout->bucket);
    return size < ARN_MAX ? 0 : ERR_INVALID;
}

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
    call.done = provision_replied;
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
    if (strcmp(p->aws->region, "us-east-1") != 0) /* the default, which must not be named here */
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
    buffer_init(&document, (size_t)2 * AWS_RESPONSE_MAX);
    bool fits = false;
    int code = s3_notification_merge(slice_of(p->notification), &ours, &document, &fits);
    if (code || fits) {
        buffer_free(&document);
        return code ? code : NOTHING_TO_DO;
    }
    return s3_call(p, (struct s3_bucket_call){.operation = "PutBucketNotificationConfiguration",
                                              .method = "PUT",
                                              .bucket = p->fanout->bucket,
                                              .query = "notification=",
                                              .body = buffer_take(&document),
                                              .settling = true});
}

/* --- the runner --- */

static int only_success(struct provision *p, const struct aws_reply *reply, struct error *error)
{
    (void)p;
    (void)reply;
    return error->code;
}

/* Policies are set before what they allow: S3 and SNS check them when a target is configured.
 */
static const struct step steps[] = {
    {"create the bucket", count_buckets, bucket_create, bucket_created},
    {"create the dead-letter queue", count_queues, provision_dead_letter_create,
     provision_dead_letter_created},
    {"read the dead-letter queue", count_queues, provision_dead_letter_read,
     provision_dead_letter_known},
    {"create the queue", count_queues, provision_queue_create, provision_queue_created},
    {"read the queue", count_queues, provision_queue_read, provision_queue_known},
    {"create the topic", count_topics, provision_topic_create, provision_topic_created},
    {"read the topic's policy", count_topics, provision_topic_read, provision_topic_known},
    {"let the bucket publish to the topic", count_topics, provision_topic_write, only_success},
    {"set the queue's attributes", count_queues, provision_queue_write, only_success},
    {"subscribe the queue", count_subscriptions, provision_subscription_create,
     provision_subscription_created},
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

/* Starts the next item or step. 0: a request is pending, or p->step is STEP_COUNT. */
static int provision_advance(struct provision *p)
{
    while (p->step < STEP_COUNT) {
        if (p->item == steps[p->step].count(p)) {
            p->step++;
            p->item = 0;
            continue;
        }
        int code = steps[p->step].start(p);
        if (code != NOTHING_TO_DO)
            return code;
        p->item++;
    }
    return 0;
}

void provision_replied(const struct aws_reply *reply, void *user)
{
    struct provision *p = user;
    struct error error = reply->error;
    if (steps[p->step].finish(p, reply, &error) == 0) {
        log_debug("provisioned", LOG_TEXT("step", steps[p->step].name), LOG_INT("item", p->item));
        p->item++;
        int code = provision_advance(p);
        if (code)
            error_set(&error, code, "%s", error_name(code));
        else
            error.code = 0;
    }
    if (error.code || p->step == STEP_COUNT)
        provision_end(p, &error);
}

/* S3 refuses two destinations for one event, so without a topic there can be only one queue. */
static bool fanout_is_valid(const struct fanout *fanout)
{
    if (!fanout->bucket || fanout->queue_count == 0 || (!fanout->topic && fanout->queue_count > 1))
        return false;
    for (size_t i = 0; i < fanout->queue_count; i++) {
        const struct fanout_queue *queue = &fanout->queues[i];
        if (!queue->name || (queue->dead_letter_name && queue->max_receives == 0))
            return false;
    }
    return true;
}

int aws_provision(struct aws *aws, const struct fanout *fanout, aws_done *done, void *user)
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
    int code = p->queues && p->sqs_url ? provision_advance(p) : ERR_MEMORY;
    if (code)
        provision_free(p);
    return code;
}
