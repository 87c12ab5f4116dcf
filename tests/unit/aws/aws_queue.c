/* The queue backend against a scripted SQS. The MD5 sums are those of RFC 1321's test suite. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws_private.h"
#include "scripted_http.h"

#define URL "https://sqs.eu-central-1.amazonaws.com/123456789012/web"
#define ATTRIBUTES                                                                                 \
    "{\"Attributes\":{\"QueueArn\":\"arn:aws:sqs:eu-central-1:123456789012:web\","                 \
    "\"VisibilityTimeout\":\"90\",\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":"               \
    "\\\"arn:aws:sqs:eu-central-1:123456789012:web-dead\\\",\\\"maxReceiveCount\\\":\\\"3\\\"}\"}" \
    "}"

#define URL_RESPONSE                                                                               \
    {                                                                                              \
        .status = 200, .body = "{\"QueueUrl\":\"" URL "\"}"                                        \
    }
#define ATTRIBUTES_RESPONSE                                                                        \
    {                                                                                              \
        .status = 200, .body = ATTRIBUTES                                                          \
    }
#define OPEN_RESPONSES URL_RESPONSE, ATTRIBUTES_RESPONSE

struct seen {
    bool done;
    struct error error;
    struct queue *queue;
    struct queue_message messages[QUEUE_BATCH_MAX];
    size_t count;
    int codes[QUEUE_BATCH_MAX];
    char id[64];
    uint64_t depth[3];
};

static struct seen seen;

static const struct queue_backend_ops *ops(void)
{
    return aws_queue_backend(script.aws)->ops;
}

static void finished(const struct error *error)
{
    assert_false(seen.done);
    seen.done = true;
    seen.error = *error;
}

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    (void)user;
    finished(error);
    seen.queue = queue;
}

static void on_received(struct queue_message *messages, size_t count, const struct error *error,
                        void *user)
{
    (void)user;
    finished(error);
    seen.count = count;
    for (size_t i = 0; i < count; i++)
        seen.messages[i] = queue_message_take(&messages[i]);
}

static void on_batch(const int *codes, size_t count, const struct error *error, void *user)
{
    (void)user;
    finished(error);
    seen.count = count;
    memcpy(seen.codes, codes, count * sizeof *codes);
}

static void on_sent(const char *id, const struct error *error, void *user)
{
    (void)user;
    finished(error);
    strncpy(seen.id, id ? id : "", sizeof seen.id - 1);
}

static void on_depth(uint64_t visible, uint64_t in_flight, uint64_t delayed,
                     const struct error *error, void *user)
{
    (void)user;
    finished(error);
    seen.depth[0] = visible;
    seen.depth[1] = in_flight;
    seen.depth[2] = delayed;
}

static void await(void)
{
    assert_false(seen.done);
    script_run(&seen.done);
    seen.done = false;
}

static void open_as(const char *name)
{
    memset(&seen, 0, sizeof seen);
    assert_int_equal(ops()->open(aws_queue_backend(script.aws), name, on_opened, NULL), 0);
    await();
}

static void open_queue(void)
{
    open_as("web");
    assert_int_equal(seen.error.code, 0);
    assert_non_null(seen.queue);
}

static void end(void)
{
    for (size_t i = 0; i < QUEUE_BATCH_MAX; i++)
        queue_message_clear(&seen.messages[i]);
    if (seen.queue)
        ops()->close(seen.queue);
    script_end();
}

/* The body of a request, for json_decref. */
static json_t *sent_body(size_t request)
{
    json_t *root = json_loads(script.requests[request].body, 0, NULL);
    assert_non_null(root);
    return root;
}

static void assert_sent_text(size_t request, const char *name, const char *value)
{
    json_t *root = sent_body(request);
    assert_string_equal(json_string_value(json_object_get(root, name)), value);
    json_decref(root);
}

/* --- open --- */

static void open_by_name(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES);
    open_queue();
    const struct queue_facts *facts = ops()->facts(seen.queue);
    assert_string_equal(facts->name, "web");
    assert_string_equal(facts->url, URL);
    assert_string_equal(facts->arn, "arn:aws:sqs:eu-central-1:123456789012:web");
    assert_string_equal(facts->dead_letter_arn, "arn:aws:sqs:eu-central-1:123456789012:web-dead");
    assert_int_equal(facts->max_receives, 3);
    assert_int_equal(facts->visibility_s, 90);
    assert_string_equal(script_header(0, "x-amz-target"), "AmazonSQS.GetQueueUrl");
    assert_string_equal(script_header(0, "content-type"), "application/x-amz-json-1.0");
    assert_string_equal(script_header(1, "x-amz-target"), "AmazonSQS.GetQueueAttributes");
    assert_sent_text(0, "QueueName", "web");
    assert_sent_text(1, "QueueUrl", URL);
    script_assert_signed(0, "sqs");
    script_assert_signed(1, "sqs");
    end();
}

/* A queue in another region and account is requested there. */
static void open_by_arn(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 200,
            .body = "{\"QueueUrl\":\"https://sqs.eu-west-1.amazonaws.com/210987654321/web\"}"},
           ATTRIBUTES_RESPONSE);
    open_as("arn:aws:sqs:eu-west-1:210987654321:web");
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(script.requests[0].url, "https://sqs.eu-west-1.amazonaws.com/");
    assert_non_null(strstr(script_header(0, "authorization"), "/eu-west-1/sqs/aws4_request"));
    assert_sent_text(0, "QueueName", "web");
    assert_sent_text(0, "QueueOwnerAWSAccountId", "210987654321");
    end();
}

static void open_by_url(void **state)
{
    (void)state;
    SCRIPT(&script_options, ATTRIBUTES_RESPONSE);
    open_as("https://sqs.us-west-2.amazonaws.com/123456789012/web");
    assert_string_equal(script.requests[0].url, "https://sqs.us-west-2.amazonaws.com/");
    assert_non_null(strstr(script_header(0, "authorization"), "/us-west-2/sqs/aws4_request"));
    assert_string_equal(ops()->facts(seen.queue)->name, "web");
    end();
}

/* Requests go to the host of the URL, with the variant that is set, and are signed for its region. */
static void open_by_urls_of_aws(void **state)
{
    (void)state;
    static const struct {
        const char *host, *sent, *region;
        bool fips, dualstack;
    } cases[] = {
        {"https://sqs.eu-west-1.amazonaws.com:8443", "https://sqs.eu-west-1.amazonaws.com:8443",
         "eu-west-1", false, false},
        {"https://eu-west-1.queue.amazonaws.com", "https://sqs.eu-west-1.amazonaws.com",
         "eu-west-1", false, false},
        {"http://queue.amazonaws.com", "http://sqs.us-east-1.amazonaws.com", "us-east-1", false,
         false},
        {"https://vpce-1-2.sqs.eu-west-1.vpce.amazonaws.com",
         "https://vpce-1-2.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1", true, false},
        {"https://sqs-fips.us-east-2.amazonaws.com", "https://sqs-fips.us-east-2.amazonaws.com",
         "us-east-2", false, false},
        {"https://sqs.us-east-2.api.aws", "https://sqs-fips.us-east-2.api.aws", "us-east-2", true,
         false},
        {"https://sqs.us-east-2.amazonaws.com", "https://sqs.us-east-2.api.aws", "us-east-2", false,
         true},
        {"https://sqs.cn-north-1.amazonaws.com.cn", "https://sqs.cn-north-1.amazonaws.com.cn",
         "cn-north-1", false, false},
        {"https://sqs.eusc-de-east-1.amazonaws.eu", "https://sqs.eusc-de-east-1.amazonaws.eu",
         "eusc-de-east-1", false, false},
        {"https://queues.example.org:9324", "https://queues.example.org:9324", "eu-central-1", true,
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char queue[128], sent[128];
        SCRIPT(&script_options, ATTRIBUTES_RESPONSE);
        script.aws->endpoints.fips = cases[i].fips;
        script.aws->endpoints.dualstack = cases[i].dualstack;
        snprintf(queue, sizeof queue, "%s/210987654321/web", cases[i].host);
        snprintf(sent, sizeof sent, "%s/", cases[i].sent);
        open_as(queue);
        assert_int_equal(seen.error.code, 0);
        assert_string_equal(script.requests[0].url, sent);
        assert_sent_text(0, "QueueUrl", queue);
        script_assert_signed_for(0, "sqs", cases[i].region);
        end();
    }
}

/* The region becomes part of a host name, which must be one of AWS's. */
static void arns_with_a_false_region_are_refused(void **state)
{
    (void)state;
    static const char *const arns[] = {"arn:aws:sqs:example.org/:210987654321:web",
                                       "arn:aws:sqs:x@example.org:210987654321:web",
                                       "arn:aws:sqs::210987654321:web"};
    SCRIPT(&script_options);
    for (size_t i = 0; i < sizeof arns / sizeof *arns; i++)
        assert_int_equal(ops()->open(aws_queue_backend(script.aws), arns[i], NULL, NULL),
                         ERR_INVALID);
    struct script_publish publish = {0};
    assert_int_equal(script_publish_start(&publish, "arn:aws:sns:example.org/:1:t", NULL, "m"),
                     ERR_INVALID);
    script_end();
}

/* Requests go to a configured endpoint, whatever host the queue's URL has. */
static void open_by_url_with_endpoint(void **state)
{
    (void)state;
    struct backend_settings options = script_options;
    options.endpoint = "http://127.0.0.1:4566";
    SCRIPT(&options, ATTRIBUTES_RESPONSE);
    open_as("http://queue.localhost:9324/000000000000/web");
    assert_string_equal(script.requests[0].url, "http://127.0.0.1:4566/");
    assert_sent_text(0, "QueueUrl", "http://queue.localhost:9324/000000000000/web");
    end();
}

static void open_missing(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 400,
            .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"The "
                    "specified queue does not exist.\"}",
            .headers = {{"x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender"}}});
    open_as("web");
    assert_null(seen.queue);
    assert_int_equal(seen.error.code, ERR_NO_CONTAINER);
    assert_non_null(strstr(seen.error.text, "SQS GetQueueUrl web"));
    assert_non_null(strstr(seen.error.text, "create it"));
    end();
}

/* The service stores the text as it was set; of duplicate members it uses the last one. */
static void open_with_a_redrive_policy_that_repeats_itself(void **state)
{
    (void)state;
    SCRIPT(&script_options, URL_RESPONSE,
           {.status = 200,
            .body = "{\"Attributes\":{\"QueueArn\":\"arn:x\",\"RedrivePolicy\":"
                    "\"{\\\"deadLetterTargetArn\\\":\\\"arn:old\\\","
                    "\\\"deadLetterTargetArn\\\":\\\"arn:new\\\"}\"}}"});
    open_as("web");
    assert_non_null(seen.queue);
    assert_string_equal(ops()->facts(seen.queue)->dead_letter_arn, "arn:new");
    end();
}

/* Without its dead-letter queue, the engine would not know where to send rejected messages. */
static void open_with_unreadable_attributes(void **state)
{
    (void)state;
    static const char *const responses[] = {
        "{\"Attributes\":{\"QueueArn\":\"arn:x\",\"RedrivePolicy\":\"{\"}}",
        "{\"Attributes\":{\"VisibilityTimeout\":\"30\"}}", "{}"};
    for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++) {
        SCRIPT(&script_options, URL_RESPONSE, {.status = 200, .body = responses[i]});
        open_as("web");
        assert_null(seen.queue);
        assert_int_equal(seen.error.code, ERR_PROTOCOL);
        assert_non_null(strstr(seen.error.text, "SQS GetQueueAttributes web"));
        end();
    }
}

/* Damaged in transit: requested again, as after a lost connection. */
static void a_response_that_is_not_json_is_requested_again(void **state)
{
    (void)state;
    static const char *const damaged[] = {"[]", "{\"Attributes\":{\"Queue"};
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        SCRIPT(&script_options, URL_RESPONSE, {.status = 200, .body = damaged[i]},
               {.status = 200, .body = damaged[i]}, {.status = 200, .body = damaged[i]});
        open_as("web");
        assert_null(seen.queue);
        assert_int_equal(seen.error.code, ERR_PROTOCOL);
        assert_non_null(strstr(seen.error.text, "SQS GetQueueAttributes web"));
        end();
    }
}

static void open_refuses_bad_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "a b",
                                      "web/",
                                      "arn:aws:sns:eu-central-1:1:web",
                                      "arn:aws:sqs:::web",
                                      "http://127.0.0.1/"};
    SCRIPT(&script_options, OPEN_RESPONSES);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ops()->open(aws_queue_backend(script.aws), bad[i], on_opened, NULL),
                         ERR_INVALID);
    open_queue();
    end();
}

/* --- receive --- */

static struct queue_request *receive(void)
{
    struct queue_request *request = NULL;
    const struct queue_receive what = {.max = 5, .wait_s = 20, .visibility_s = 90};
    assert_int_equal(ops()->receive(seen.queue, &what, on_received, NULL, &request), 0);
    assert_non_null(request);
    return request;
}

#define MESSAGE                                                                                    \
    "{\"MessageId\":\"m1\",\"ReceiptHandle\":\"r1\",\"Body\":\"message digest\","                  \
    "\"MD5OfBody\":\"f96b697d7cb7938d525a2f31aaf161d0\",\"Attributes\":{"                          \
    "\"ApproximateReceiveCount\":\"2\",\"SentTimestamp\":\"1700000000123\"},"                      \
    "\"MessageAttributes\":{\"reason\":{\"DataType\":\"String\",\"StringValue\":\"corrupt\"},"     \
    "\"raw\":{\"DataType\":\"Binary\",\"BinaryValue\":\"AAEC\"}}}"
#define DAMAGED                                                                                    \
    "{\"MessageId\":\"m2\",\"ReceiptHandle\":\"r2\",\"Body\":\"message digesT\","                  \
    "\"MD5OfBody\":\"f96b697d7cb7938d525a2f31aaf161d0\"}"

static void assert_message(const struct queue_message *m)
{
    assert_string_equal(m->id, "m1");
    assert_string_equal(m->receipt, "r1");
    assert_string_equal(m->body, "message digest");
    assert_int_equal(m->body_size, 14);
    assert_int_equal(m->receive_count, 2);
    assert_int_equal(m->sent_ms, 1700000000123);
    assert_int_equal(m->attribute_count, 2);
    assert_string_equal(m->attributes[0].name, "reason");
    assert_string_equal(m->attributes[0].value, "corrupt");
    assert_string_equal(m->attributes[1].type, "Binary");
    assert_string_equal(m->attributes[1].value, "AAEC");
}

static void a_batch_is_received(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES,
           {.status = 200, .body = "{\"Messages\":[" MESSAGE "]}"});
    open_queue();
    receive();
    await();
    assert_int_equal(seen.error.code, 0);
    assert_int_equal(seen.count, 1);
    assert_message(&seen.messages[0]);
    json_t *body = sent_body(2);
    assert_int_equal(json_integer_value(json_object_get(body, "MaxNumberOfMessages")), 5);
    assert_int_equal(json_integer_value(json_object_get(body, "WaitTimeSeconds")), 20);
    assert_int_equal(json_integer_value(json_object_get(body, "VisibilityTimeout")), 90);
    json_decref(body);
    assert_int_equal(script.requests[2].total_timeout_ms, 30000); /* the poll and its margin */
    end();
}

static void receive_nothing(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES, {.status = 200, .body = "{}"});
    open_queue();
    receive();
    await();
    assert_int_equal(seen.error.code, 0);
    assert_int_equal(seen.count, 0);
    end();
}

static void receive_leaves_a_damaged_body(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES,
           {.status = 200, .body = "{\"Messages\":[" DAMAGED "," MESSAGE "]}"});
    open_queue();
    receive();
    await();
    assert_int_equal(seen.error.code, 0);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.messages[0].id, "m1");
    end();
}

/* The poller has its own backoff. */
static void receive_is_not_retried(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES, {.status = 503});
    open_queue();
    receive();
    await();
    assert_int_equal(seen.error.code, ERR_SERVER);
    assert_int_equal(seen.count, 0);
    end();
}

static void receive_garbage(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES, {.status = 200, .body = "<html>hello</html>"});
    open_queue();
    receive();
    await();
    assert_int_equal(seen.error.code, ERR_PROTOCOL);
    end();
}

static void receive_bounds(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES);
    open_queue();
    static const struct queue_receive bad[] = {
        {.max = 0, .wait_s = 1}, {.max = 11, .wait_s = 1}, {.max = 1, .wait_s = 21}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ops()->receive(seen.queue, &bad[i], on_received, NULL, NULL), ERR_INVALID);
    end();
}

static void a_receive_is_cancelled(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES, {.never = true});
    open_queue();
    struct queue_request *request = receive();
    ops()->receive_cancel(seen.queue, request);
    assert_int_equal(script.cancelled, 1);
    assert_false(seen.done);
    end();
}

static void close_cancels(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES, {.never = true}, {.never = true});
    open_queue();
    receive();
    assert_int_equal(ops()->depth(seen.queue, on_depth, NULL), 0);
    end();
    assert_int_equal(script.cancelled, 2);
}

/* --- batches --- */

static const struct queue_entry entries[] = {{.receipt = "r0", .visibility_s = 10},
                                             {.receipt = "r1", .visibility_s = 20},
                                             {.receipt = "r2", .visibility_s = 30},
                                             {.receipt = "r3", .visibility_s = 40}};

static void delete_batch_with_failures(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES,
           {.status = 200,
            .body = "{\"Successful\":[{\"Id\":\"0-0\"}],\"Failed\":["
                    "{\"Id\":\"0-1\",\"SenderFault\":true,\"Code\":\"ReceiptHandleIsInvalid\"},"
                    "{\"Id\":\"0-2\",\"SenderFault\":false,\"Code\":\"InternalError\"}]}"});
    open_queue();
    assert_int_equal(ops()->delete_batch(seen.queue, entries, 4, on_batch, NULL), 0);
    await();
    assert_int_equal(seen.error.code, 0);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.codes[0], 0);
    assert_int_equal(seen.codes[1], ERR_RECEIPT);
    assert_int_equal(seen.codes[2], ERR_SERVER);
    assert_int_equal(seen.codes[3], ERR_PROTOCOL); /* not mentioned: not deleted */
    json_t *body = sent_body(2);
    const json_t *third = json_array_get(json_object_get(body, "Entries"), 2);
    assert_string_equal(json_string_value(json_object_get(third, "Id")), "0-2");
    assert_string_equal(json_string_value(json_object_get(third, "ReceiptHandle")), "r2");
    assert_null(json_object_get(third, "VisibilityTimeout"));
    json_decref(body);
    end();
}

static void extend_batch_of_expired(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES,
           {.status = 200,
            .body =
                "{\"Successful\":[{\"Id\":\"0-0\"}],\"Failed\":[{\"Id\":\"0-1\",\"SenderFault\":"
                "true,\"Code\":\"InvalidParameterValue\",\"Message\":\"Value r1 for parameter "
                "ReceiptHandle is invalid. Reason: The receipt handle has expired.\"}]}"});
    open_queue();
    assert_int_equal(ops()->extend_batch(seen.queue, entries, 2, on_batch, NULL), 0);
    await();
    assert_int_equal(seen.codes[0], 0);
    assert_int_equal(seen.codes[1], ERR_RECEIPT);
    json_t *body = sent_body(2);
    const json_t *second = json_array_get(json_object_get(body, "Entries"), 1);
    assert_int_equal(json_integer_value(json_object_get(second, "VisibilityTimeout")), 20);
    json_decref(body);
    end();
}

static void batch_that_fails_as_a_whole(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES,
           {.status = 403,
            .body = "{\"__type\":\"com.amazonaws.sqs#AccessDeniedException\",\"Message\":\"no\"}"});
    open_queue();
    assert_int_equal(ops()->delete_batch(seen.queue, entries, 2, on_batch, NULL), 0);
    await();
    assert_int_equal(seen.error.code, ERR_DENIED);
    assert_int_equal(seen.codes[0], ERR_DENIED);
    assert_int_equal(seen.codes[1], ERR_DENIED);
    end();
}

/* More than twelve hours is an error and is not clamped. */
static void batch_bounds(void **state)
{
    (void)state;
    const struct queue_entry day = {.receipt = "r", .visibility_s = QUEUE_VISIBILITY_MAX_S + 1};
    SCRIPT(&script_options, OPEN_RESPONSES);
    open_queue();
    assert_int_equal(ops()->extend_batch(seen.queue, &day, 1, on_batch, NULL), ERR_INVALID);
    assert_int_equal(ops()->delete_batch(seen.queue, entries, 0, on_batch, NULL), ERR_INVALID);
    end();
}

/* --- send and depth --- */

static void send_is_retried(void **state)
{
    (void)state;
    SCRIPT(
        &script_options, OPEN_RESPONSES, {.error = ERR_NETWORK},
        {.status = 200,
         .body =
             "{\"MessageId\":\"m9\",\"MD5OfMessageBody\":\"79c5d81e6a7f17895024db3217985705\"}"});
    open_queue();
    const struct queue_attribute attribute = {"reason", "String", "image-corrupt"};
    const struct queue_send message = {.body = "a \"quoted\" body",
                                       .body_size = 15,
                                       .attributes = &attribute,
                                       .attribute_count = 1,
                                       .delay_s = 7};
    assert_int_equal(ops()->send(seen.queue, &message, on_sent, NULL), 0);
    await();
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(seen.id, "m9");
    assert_sent_text(3, "MessageBody", "a \"quoted\" body");
    json_t *body = sent_body(3);
    const json_t *sent = json_object_get(json_object_get(body, "MessageAttributes"), "reason");
    assert_string_equal(json_string_value(json_object_get(sent, "StringValue")), "image-corrupt");
    assert_int_equal(json_integer_value(json_object_get(body, "DelaySeconds")), 7);
    json_decref(body);
    end();
}

static void send_refuses_invalid_messages(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES);
    open_queue();
    const struct queue_send not_utf8 = {.body = "\xFF", .body_size = 1};
    const struct queue_send too_long = {.body = "", .body_size = QUEUE_MESSAGE_MAX + 1};
    assert_int_equal(ops()->send(seen.queue, &not_utf8, on_sent, NULL), ERR_INVALID);
    assert_int_equal(ops()->send(seen.queue, &too_long, on_sent, NULL), ERR_LIMIT);
    end();
}

static void the_depth_is_read(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES,
           {.status = 200,
            .body = "{\"Attributes\":{\"ApproximateNumberOfMessages\":\"12\","
                    "\"ApproximateNumberOfMessagesNotVisible\":\"3\","
                    "\"ApproximateNumberOfMessagesDelayed\":\"1\"}}"});
    open_queue();
    assert_int_equal(ops()->depth(seen.queue, on_depth, NULL), 0);
    await();
    assert_int_equal(seen.depth[0], 12);
    assert_int_equal(seen.depth[1], 3);
    assert_int_equal(seen.depth[2], 1);
    end();
}

static void expired_credentials(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES,
           {.status = 403,
            .body = "{\"__type\":\"com.amazon.coral.service#ExpiredTokenException\",\"message\":"
                    "\"The security token included in the request is expired\"}"});
    open_queue();
    assert_int_equal(ops()->depth(seen.queue, on_depth, NULL), 0);
    await();
    assert_int_equal(seen.error.code, ERR_EXPIRED);
    assert_non_null(strstr(seen.error.text, "get new ones"));
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_by_name),
        cmocka_unit_test(open_by_arn),
        cmocka_unit_test(open_by_url),
        cmocka_unit_test(open_by_urls_of_aws),
        cmocka_unit_test(arns_with_a_false_region_are_refused),
        cmocka_unit_test(open_by_url_with_endpoint),
        cmocka_unit_test(open_missing),
        cmocka_unit_test(open_with_a_redrive_policy_that_repeats_itself),
        cmocka_unit_test(open_with_unreadable_attributes),
        cmocka_unit_test(a_response_that_is_not_json_is_requested_again),
        cmocka_unit_test(open_refuses_bad_names),
        cmocka_unit_test(a_batch_is_received),
        cmocka_unit_test(receive_nothing),
        cmocka_unit_test(receive_leaves_a_damaged_body),
        cmocka_unit_test(receive_is_not_retried),
        cmocka_unit_test(receive_garbage),
        cmocka_unit_test(receive_bounds),
        cmocka_unit_test(a_receive_is_cancelled),
        cmocka_unit_test(close_cancels),
        cmocka_unit_test(delete_batch_with_failures),
        cmocka_unit_test(extend_batch_of_expired),
        cmocka_unit_test(batch_that_fails_as_a_whole),
        cmocka_unit_test(batch_bounds),
        cmocka_unit_test(send_is_retried),
        cmocka_unit_test(send_refuses_invalid_messages),
        cmocka_unit_test(the_depth_is_read),
        cmocka_unit_test(expired_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
