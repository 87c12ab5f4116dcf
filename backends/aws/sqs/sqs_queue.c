/* Opens a queue (by name, URL or ARN), keeps its attributes, and implements what all operations on
 * it share. */
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "endpoint_host.h"
#include "json_text.h"
#include "sqs_private.h"
#include "sqs_queue.h"
#include "url.h"

const struct queue_backend_ops sqs_ops = {
    .open = sqs_open,
    .service = sqs_service,
    .open_cancel = sqs_open_cancel,
    .close = sqs_close,
    .facts = sqs_facts,
    .compare = aws_queue_compare,
    .same = sqs_same,
    .receive = sqs_receive,
    .receive_cancel = sqs_receive_cancel,
    .delete_batch = sqs_delete_batch,
    .extend_batch = sqs_extend_batch,
    .send = sqs_send,
    .send_batch = sqs_send_batch,
    .depth = sqs_depth,
};

/* --- operations --- */

static void operation_release(void *user)
{
    sqs_operation_free(user);
}

int sqs_start(struct queue *queue, const struct sqs_client_call *call, struct queue_request **out)
{
    if (out)
        *out = NULL;
    struct queue_request *operation = calloc(1, sizeof *operation);
    if (!operation || (!call->no_url && json_object_set_new(call->body, "QueueUrl",
                                                            json_string(queue->facts.url)))) {
        free(operation);
        free(call->md5s);
        json_decref(call->body);
        return ERR_MEMORY;
    }
    operation->queue = queue;
    operation->done = call->done;
    operation->user = call->user;
    operation->count = call->count;
    operation->serial = call->serial;
    operation->md5s = call->md5s;
    if (call->md5)
        memcpy(operation->md5, call->md5, sizeof operation->md5);
    list_push(&queue->operations, &operation->link);
    const struct aws_json_call request = {
        .service = AWS_SQS,
        .target = "AmazonSQS",
        .operation = call->operation,
        .resource = queue->facts.name,
        .url = queue->endpoint,
        .region = queue->region,
        .body = call->body,
        .trace = call->trace,
        .once = call->once,
        .class = call->class,
        .response_max = call->response_max ? call->response_max : AWS_RESPONSE_MAX,
        .timeout_ms =
            call->timeout_ms ? call->timeout_ms : http_client_idle_timeout(queue->aws->http),
        .done = call->replied,
        .release = operation_release,
        .user = operation,
    };
    int code = aws_json_start(queue->aws, &request, &operation->request);
    if (code)
        sqs_operation_free(operation);
    else if (out)
        *out = operation;
    return code;
}

void sqs_operation_free(struct queue_request *operation)
{
    list_remove(&operation->link);
    free(operation->md5s);
    free(operation);
}

/* --- memory --- */

static void queue_free(struct queue *queue)
{
    free((char *)queue->facts.name);
    free((char *)queue->facts.url);
    free((char *)queue->facts.arn);
    free((char *)queue->facts.dead_letter_arn);
    free(queue->endpoint);
    free(queue->region);
    free(queue);
}

static struct queue *queue_create(struct aws *aws, const struct queue_name *name)
{
    struct queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return NULL;
    queue->aws = aws;
    list_init(&queue->operations);
    queue->facts.name = slice_dup(name->name);
    queue->facts.url = name->url ? slice_dup(slice_of(name->url)) : NULL;
    char *region = slice_dup(name->region.size ? name->region : slice_of(aws->region));
    if (region) {
        queue->endpoint = sqs_name_endpoint(aws, name, region);
        queue->region = slice_dup(slice_of(endpoint_region(&aws->endpoints, AWS_SQS, region)));
    }
    free(region);
    if (queue->facts.name && queue->region && queue->endpoint && (queue->facts.url || !name->url))
        return queue;
    queue_free(queue);
    return NULL;
}

/* --- opening --- */

struct opening {
    struct list link; /* in aws->openings */
    struct aws_request *request;
    struct queue *queue;
    queue_opened *done;
    void *user;
};

/* Cancelled before the caller received the queue. */
static void opening_release(void *user)
{
    struct opening *opening = user;
    list_remove(&opening->link);
    queue_free(opening->queue);
    free(opening);
}

static void opening_end(struct opening *opening, const struct error *error)
{
    struct opening copy = *opening;
    list_remove(&opening->link);
    free(opening);
    if (error->code) {
        queue_free(copy.queue);
        copy.queue = NULL;
    }
    copy.done(copy.queue, error, copy.user);
}

static int opening_call(struct opening *opening, const char *operation, json_t *body,
                        aws_replied *done)
{
    const struct queue *queue = opening->queue;
    const struct aws_json_call call = {.service = AWS_SQS,
                                       .target = "AmazonSQS",
                                       .operation = operation,
                                       .resource = queue->facts.name,
                                       .url = queue->endpoint,
                                       .region = queue->region,
                                       .body = body,
                                       .response_max = AWS_RESPONSE_MAX,
                                       .timeout_ms = http_client_idle_timeout(queue->aws->http),
                                       .done = done,
                                       .release = opening_release,
                                       .user = opening};
    return aws_json_start(queue->aws, &call, &opening->request);
}

/* RedrivePolicy is a JSON document within a JSON string, returned as it was set, so it is parsed as
 * leniently as the service does. */
static int redrive_read(struct queue_facts *facts, const char *policy)
{
    if (!policy)
        return 0;
    json_t *root = json_text_read(slice_of(policy), JSON_LAST_DUPLICATE, NULL);
    const char *arn = json_text_in(root, "deadLetterTargetArn");
    int code = root ? 0 : ERR_PROTOCOL;
    if (arn) {
        facts->dead_letter_arn = slice_dup(slice_of(arn));
        facts->max_receives = (unsigned)aws_json_number(root, "maxReceiveCount");
        code = facts->dead_letter_arn ? 0 : ERR_MEMORY;
    }
    json_decref(root);
    return code;
}

static int facts_read(struct queue_facts *facts, const json_t *attributes)
{
    const char *arn = json_text_in(attributes, "QueueArn");
    if (!arn)
        return ERR_PROTOCOL;
    facts->arn = slice_dup(slice_of(arn));
    facts->visibility_s = (unsigned)aws_json_number(attributes, "VisibilityTimeout");
    facts->message_max = (size_t)aws_json_number(attributes, "MaximumMessageSize");
    return facts->arn ? redrive_read(facts, json_text_in(attributes, "RedrivePolicy")) : ERR_MEMORY;
}

static void on_attributes(const struct aws_reply *reply, void *user)
{
    struct opening *opening = user;
    struct error error;
    json_t *root = aws_json_response(reply, &error);
    int code = root ? facts_read(&opening->queue->facts, json_object_get(root, "Attributes")) : 0;
    if (code)
        aws_error_unreadable(&error, &reply->subject, code,
                             "the queue's attributes cannot be read");
    json_decref(root);
    opening_end(opening, &error);
}

static int attributes_ask(struct opening *opening)
{
    json_t *body =
        json_pack("{s:s, s:[s, s, s, s]}", "QueueUrl", opening->queue->facts.url, "AttributeNames",
                  "QueueArn", "VisibilityTimeout", "RedrivePolicy", "MaximumMessageSize");
    return opening_call(opening, "GetQueueAttributes", body, on_attributes);
}

static void on_url(const struct aws_reply *reply, void *user)
{
    struct opening *opening = user;
    struct error error;
    json_t *root = aws_json_response(reply, &error);
    const char *url = json_text_in(root, "QueueUrl");
    if (root && !url) {
        aws_error_local(&error, &reply->subject, ERR_PROTOCOL, "no QueueUrl in the response");
    } else if (root) {
        opening->queue->facts.url = slice_dup(slice_of(url));
        int code = opening->queue->facts.url ? attributes_ask(opening) : ERR_MEMORY;
        if (code)
            aws_error_local(&error, &reply->subject, code, NULL);
    }
    json_decref(root);
    if (error.code)
        opening_end(opening, &error);
}

static int url_ask(struct opening *opening, const struct queue_name *name)
{
    const char *queue = opening->queue->facts.name;
    json_t *body = name->account.size
                       ? json_pack("{s:s, s:s%}", "QueueName", queue, "QueueOwnerAWSAccountId",
                                   name->account.data, name->account.size)
                       : json_pack("{s:s}", "QueueName", queue);
    return opening_call(opening, "GetQueueUrl", body, on_url);
}

int sqs_open(struct queue_backend *backend, const char *name, queue_opened *done, void *user)
{
    struct queue_name parsed;
    if (sqs_name_parse(name, &parsed))
        return ERR_INVALID;
    struct opening *opening = calloc(1, sizeof *opening);
    struct queue *queue = queue_create(container_of(backend, struct aws, queues), &parsed);
    int code = opening && queue ? 0 : ERR_MEMORY;
    if (!code) {
        *opening = (struct opening){.queue = queue, .done = done, .user = user};
        list_push(&queue->aws->openings, &opening->link);
        code = parsed.url ? attributes_ask(opening) : url_ask(opening, &parsed);
    }
    if (code) {
        if (opening && queue)
            list_remove(&opening->link);
        free(opening);
        if (queue)
            queue_free(queue);
    }
    return code;
}

char *sqs_service(const struct queue_backend *backend, const char *name)
{
    struct queue_name parsed;
    if (sqs_name_parse(name, &parsed))
        return NULL;
    const struct aws *aws = container_of(backend, const struct aws, queues);
    char *region = parsed.region.size ? slice_dup(parsed.region) : NULL;
    char *endpoint = sqs_name_endpoint(aws, &parsed, region);
    struct url url;
    char *host = endpoint && url_parse(endpoint, &url) == 0 ? slice_dup(url.host) : NULL;
    free(endpoint);
    free(region);
    return host;
}

void sqs_open_cancel(struct queue_backend *backend, void *user)
{
    struct aws *aws = container_of(backend, struct aws, queues);
    struct list *next;
    for (struct list *l = aws->openings.next; l != &aws->openings; l = next) {
        struct opening *opening = container_of(l, struct opening, link);
        next = l->next;
        if (opening->user == user)
            aws_request_cancel(opening->request);
    }
}

void sqs_close(struct queue *queue)
{
    while (!list_empty(&queue->operations)) {
        struct queue_request *operation =
            container_of(queue->operations.next, struct queue_request, link);
        aws_request_cancel(operation->request);
    }
    queue_free(queue);
}

const struct queue_facts *sqs_facts(const struct queue *queue)
{
    return &queue->facts;
}

static bool endpoint_is_aws(const char *endpoint)
{
    struct url url;
    return url_parse(endpoint, &url) == 0 && endpoint_host_read(AWS_SQS, url.host).region.size;
}

/* In AWS an ARN is unique and a queue can be reached at several hosts; compatible services all use
 * the same account and region in theirs. */
bool sqs_same(const struct queue *queue, const struct queue *other)
{
    return strcmp(queue->facts.arn, other->facts.arn) == 0 &&
           (strcmp(queue->endpoint, other->endpoint) == 0 ||
            (endpoint_is_aws(queue->endpoint) && endpoint_is_aws(other->endpoint)));
}

/* --- depth --- */

static void on_depth(const struct aws_reply *reply, void *user)
{
    struct queue_request *operation = user;
    queue_depth_known *done = operation->done.depth;
    void *their = operation->user;
    struct error error;
    json_t *root = aws_json_response(reply, &error);
    const json_t *attributes = json_object_get(root, "Attributes");
    uint64_t visible = aws_json_number(attributes, "ApproximateNumberOfMessages");
    uint64_t in_flight = aws_json_number(attributes, "ApproximateNumberOfMessagesNotVisible");
    uint64_t delayed = aws_json_number(attributes, "ApproximateNumberOfMessagesDelayed");
    json_decref(root);
    sqs_operation_free(operation);
    done(visible, in_flight, delayed, &error, their);
}

int sqs_depth(struct queue *queue, queue_depth_known *done, void *user)
{
    const struct sqs_client_call call = {
        .operation = "GetQueueAttributes",
        .body = json_pack("{s:[s, s, s]}", "AttributeNames", "ApproximateNumberOfMessages",
                          "ApproximateNumberOfMessagesNotVisible",
                          "ApproximateNumberOfMessagesDelayed"),
        .replied = on_depth,
        .done.depth = done,
        .user = user,
    };
    return sqs_start(queue, &call, NULL);
}
