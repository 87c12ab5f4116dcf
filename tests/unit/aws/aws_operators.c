/*
 * What operators do with queues, topics and payloads, against scripted services: batches of
 * messages, uploads in parts, message move tasks. The wire forms are those of the API references of
 * SQS, SNS and S3; the MD5 sums are those of RFC 1321's test suite.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws_private.h"
#include "queue_admin.h"
#include "scripted_http.h"
#include "topic_backend.h"

#define DEAD_URL "https://sqs.eu-central-1.amazonaws.com/123456789012/web-dead"
#define DEAD_ARN "arn:aws:sqs:eu-central-1:123456789012:web-dead"
#define TOPIC    "arn:aws:sns:eu-central-1:123456789012:photos"

#define MD5_A   "0cc175b9c0f1b6a831c399e269772661"
#define MD5_ABC "900150983cd24fb0d6963f7d28e17f72"

#define OPEN_RESPONSES                                                                             \
    {.status = 200, .body = "{\"QueueUrl\":\"" DEAD_URL "\"}"},                                    \
    {                                                                                              \
        .status = 200, .body = "{\"Attributes\":{\"QueueArn\":\"" DEAD_ARN "\"}}"                  \
    }

static struct seen {
    bool done;
    struct error error;
    struct queue *queue;
    struct queue_send_result results[QUEUE_BATCH_MAX];
    char texts[QUEUE_BATCH_MAX][128]; /* the id of a message that was stored, else why it was not */
    size_t count;
    char text[128]; /* a handle, an upload, an ETag, a URL */
    struct queue_move_facts move;
    bool more;
} seen;

static void finished(const struct error *error)
{
    assert_false(seen.done);
    seen.done = true;
    seen.error = *error;
}

static void keep(const char *text)
{
    snprintf(seen.text, sizeof seen.text, "%s", text ? text : "");
}

static void on_done(const struct error *error, void *user)
{
    (void)user;
    finished(error);
}

static void on_text(const char *text, const struct error *error, void *user)
{
    (void)user;
    finished(error);
    keep(text);
}

static void on_opened(struct queue *queue, const struct error *error, void *user)
{
    (void)user;
    finished(error);
    seen.queue = queue;
}

static void on_batch(const struct queue_send_result *results, size_t count,
                     const struct error *error, void *user)
{
    (void)user;
    finished(error);
    seen.count = count;
    for (size_t i = 0; i < count; i++) {
        seen.results[i] = results[i];
        snprintf(seen.texts[i], sizeof seen.texts[i], "%s",
                 results[i].code ? results[i].why : results[i].id);
    }
}

static void on_move(const struct queue_move_facts *move, const struct error *error, void *user)
{
    (void)user;
    finished(error);
    seen.move = *move;
    keep(move->reason ? move->reason : move->handle);
}

static void on_sources(const char *const *urls, size_t count, bool more, const struct error *error,
                       void *user)
{
    (void)user;
    finished(error);
    seen.count = count;
    seen.more = more;
    keep(count ? urls[count - 1] : "");
}

static void await(void)
{
    script_run(&seen.done);
    seen.done = false;
}

static const struct queue_backend *queues(void)
{
    return aws_queue_backend(script.aws);
}

static const struct object_store_ops *store(void)
{
    return aws_object_store(script.aws)->ops;
}

static void open_queue(void)
{
    memset(&seen, 0, sizeof seen);
    assert_int_equal(queues()->ops->open((struct queue_backend *)(uintptr_t)queues(), "web-dead",
                                         on_opened, NULL),
                     0);
    await();
    assert_int_equal(seen.error.code, 0);
}

static void end(void)
{
    if (seen.queue)
        queues()->ops->close(seen.queue);
    memset(&seen, 0, sizeof seen);
    script_end();
}

/* The JSON body of a request is as expected, whatever the order of its members. */
static void assert_body(size_t request, const char *expected)
{
    json_t *is = json_loads(script.requests[request].body, 0, NULL);
    json_t *should = json_loads(expected, 0, NULL);
    assert_non_null(should);
    if (!json_equal(is, should))
        fail_msg("%s\nis not\n%s", script.requests[request].body, expected);
    json_decref(is);
    json_decref(should);
}

static void assert_request(size_t request, const char *method, const char *url)
{
    assert_string_equal(script.requests[request].method, method);
    assert_string_equal(script.requests[request].url, url);
    script_assert_signed(request, "s3");
}

/* ---- batches of messages ---- */

static const struct queue_attribute size_attribute = {"ExtendedPayloadSize", "Number", "3"};
static const struct queue_send messages[] = {
    {.body = "a", .body_size = 1, .group = "g", .deduplication = "d"},
    {.body = "abc", .body_size = 3, .attributes = &size_attribute, .attribute_count = 1},
    {.body = "a", .body_size = 1},
    {.body = "a", .body_size = 1},
};

static void a_batch_has_one_result_for_each_message(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES,
           {.status = 200,
            .body = "{\"Successful\":["
                    "{\"Id\":\"0-1\",\"MessageId\":\"m1\",\"MD5OfMessageBody\":\"" MD5_ABC "\"},"
                    "{\"Id\":\"0-0\",\"MessageId\":\"m0\",\"MD5OfMessageBody\":\"" MD5_ABC "\"}],"
                    "\"Failed\":[{\"Id\":\"0-2\",\"SenderFault\":true,"
                    "\"Code\":\"InvalidMessageContents\",\"Message\":\"not allowed\"}]}"});
    open_queue();
    assert_int_equal(queues()->ops->send_batch(seen.queue, messages, 4, on_batch, NULL), 0);
    await();
    assert_int_equal(seen.error.code, 0);
    assert_int_equal(seen.results[1].code, 0);
    assert_string_equal(seen.texts[1], "m1");
    assert_int_equal(seen.results[0].code, ERR_PROTOCOL); /* the MD5 of another body */
    assert_int_not_equal(seen.results[2].code, 0);
    assert_string_equal(seen.texts[2], "not allowed");
    assert_int_equal(seen.results[3].code, ERR_PROTOCOL); /* not mentioned */
    assert_string_equal(script_header(2, "x-amz-target"), "AmazonSQS.SendMessageBatch");
    script_assert_signed(2, "sqs");
    assert_body(2,
                "{\"QueueUrl\":\"" DEAD_URL "\",\"Entries\":["
                "{\"Id\":\"0-0\",\"MessageBody\":\"a\",\"MessageGroupId\":\"g\","
                "\"MessageDeduplicationId\":\"d\"},"
                "{\"Id\":\"0-1\",\"MessageBody\":\"abc\",\"MessageAttributes\":"
                "{\"ExtendedPayloadSize\":{\"DataType\":\"Number\",\"StringValue\":\"3\"}}},"
                "{\"Id\":\"0-2\",\"MessageBody\":\"a\"},{\"Id\":\"0-3\",\"MessageBody\":\"a\"}]}");
    end();
}

static void a_batch_that_is_refused_is_refused_for_all(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES,
           {.status = 403,
            .body = "{\"__type\":\"com.amazonaws.sqs#AccessDeniedException\",\"Message\":\"no\"}"});
    open_queue();
    assert_int_equal(queues()->ops->send_batch(seen.queue, messages, 2, on_batch, NULL), 0);
    await();
    assert_int_equal(seen.error.code, ERR_DENIED);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(seen.results[i].code, ERR_DENIED);
    end();
}

static void a_batch_has_one_to_ten_messages(void **state)
{
    (void)state;
    static const struct queue_send many[QUEUE_BATCH_MAX + 1],
        large = {.body = "", .body_size = 2 << 20};
    SCRIPT(&script_options, OPEN_RESPONSES);
    open_queue();
    assert_int_equal(queues()->ops->send_batch(seen.queue, many, 0, on_batch, NULL), ERR_INVALID);
    assert_int_equal(
        queues()->ops->send_batch(seen.queue, many, QUEUE_BATCH_MAX + 1, on_batch, NULL),
        ERR_INVALID);
    assert_int_equal(queues()->ops->send_batch(seen.queue, &large, 1, on_batch, NULL), ERR_LIMIT);
    end();
}

static void a_topic_gets_a_batch_in_the_query_protocol(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 200,
            .body = "<PublishBatchResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">"
                    "<PublishBatchResult><Successful><member><Id>1</Id><MessageId>m1</MessageId>"
                    "</member></Successful><Failed><member><Id>0</Id><Code>InvalidParameter</Code>"
                    "<Message>too &amp; odd</Message><SenderFault>true</SenderFault></member>"
                    "</Failed></PublishBatchResult></PublishBatchResponse>"});
    struct topic_backend *topics = &script.aws->topic_batches;
    memset(&seen, 0, sizeof seen);
    assert_int_equal(topics->ops->publish_batch(topics, TOPIC, messages, 3, on_batch, NULL), 0);
    await();
    assert_string_equal(seen.texts[0], "too & odd");
    assert_int_not_equal(seen.results[0].code, 0);
    assert_int_equal(seen.results[1].code, 0);
    assert_string_equal(seen.texts[1], "m1");
    assert_int_equal(seen.results[2].code, ERR_PROTOCOL);
    script_assert_signed(0, "sns");
    static const char *const parts[] = {
        "Action=PublishBatch",
        "TopicArn=arn%3Aaws%3Asns%3Aeu-central-1%3A123456789012%3Aphotos",
        "PublishBatchRequestEntries.member.1.Id=0",
        "PublishBatchRequestEntries.member.1.Message=a",
        "PublishBatchRequestEntries.member.1.MessageGroupId=g",
        "PublishBatchRequestEntries.member.1.MessageDeduplicationId=d",
        "PublishBatchRequestEntries.member.2.MessageAttributes.entry.1.Name=ExtendedPayloadSize",
        "PublishBatchRequestEntries.member.2.MessageAttributes.entry.1.Value.DataType=Number",
        "PublishBatchRequestEntries.member.2.MessageAttributes.entry.1.Value.StringValue=3"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!strstr(script.requests[0].body, parts[i]))
            fail_msg("%s is not in %s", parts[i], script.requests[0].body);
    end();
}

static void a_topic_is_named_by_its_arn(void **state)
{
    (void)state;
    struct error error;
    SCRIPT(&script_options,
           {.status = 404,
            .body = "<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code>"
                    "<Message>Topic does not exist</Message></Error>"
                    "</ErrorResponse>"});
    struct topic_backend *topics = &script.aws->topic_batches;
    memset(&seen, 0, sizeof seen);
    assert_int_equal(topics->ops->check(TOPIC, &error), 0);
    assert_int_equal(topics->ops->check("photos", &error), ERR_INVALID);
    assert_int_equal(topics->ops->check(DEAD_ARN, &error), ERR_INVALID);
    assert_int_equal(topics->ops->publish_batch(topics, TOPIC, messages, 1, on_batch, NULL), 0);
    await();
    assert_int_equal(seen.results[0].code, seen.error.code);
    assert_int_not_equal(seen.error.code, 0);
    end();
}

/* ---- uploads in parts ---- */

#define OBJECT "https://photos.s3.eu-central-1.amazonaws.com/p/a%20b"

static const struct object_upload upload = {.bucket = "photos", .key = "p/a b", .id = "u/1+"};

static void an_upload_in_parts_is_four_kinds_of_requests(void **state)
{
    (void)state;
    static char first[] = "e1", second[] = "e2";
    char *const etags[] = {first, second};
    SCRIPT(&script_options,
           {.status = 200,
            .body = "<InitiateMultipartUploadResult><Bucket>photos</Bucket><Key>p/a b</Key>"
                    "<UploadId>u/1+</UploadId></InitiateMultipartUploadResult>"},
           {.status = 200, .headers = {{"etag", "\"" MD5_ABC "\""}}},
           {.status = 200,
            .body = "<CompleteMultipartUploadResult><ETag>\"x-2\"</ETag>"
                    "</CompleteMultipartUploadResult>"},
           {.status = 204, .bare = true});
    memset(&seen, 0, sizeof seen);
    struct object_store *objects = aws_object_store(script.aws);
    assert_int_equal(store()->upload_begin(objects, &upload, "text/plain", on_text, NULL, NULL), 0);
    await();
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(seen.text, "u/1+");
    assert_request(0, "POST", OBJECT "?uploads=");
    assert_string_equal(script_header(0, "content-type"), "text/plain");
    assert_int_equal(
        store()->upload_part(objects, &upload, 2, slice_of("abc"), on_text, NULL, NULL), 0);
    await();
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(seen.text, MD5_ABC);
    assert_request(1, "PUT", OBJECT "?partNumber=2&uploadId=u%2F1%2B");
    assert_string_equal(script_header(1, "content-md5"), "kAFQmDzST7DWlj99KOF/cg==");
    assert_int_equal(store()->upload_complete(objects, &upload, etags, 2, on_done, NULL, NULL), 0);
    await();
    assert_int_equal(seen.error.code, 0);
    assert_request(2, "POST", OBJECT "?uploadId=u%2F1%2B");
    assert_string_equal(
        script.requests[2].body,
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Part><PartNumber>1</PartNumber><ETag>&quot;e1&quot;</ETag></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>&quot;e2&quot;</ETag></Part>"
        "</CompleteMultipartUpload>");
    assert_int_equal(store()->upload_abort(objects, &upload, on_done, NULL, NULL), 0);
    await();
    assert_int_equal(seen.error.code, 0);
    assert_request(3, "DELETE", OBJECT "?uploadId=u%2F1%2B");
    end();
}

/* "CompleteMultipartUpload": S3 may answer 200 before it knows, and report the failure in the body. */
static void a_success_may_contain_a_failure(void **state)
{
    (void)state;
    static char etag[] = "e1";
    char *const etags[] = {etag};
    static const struct scripted_response failure = {
        .status = 200,
        .body = "<Error><Code>InternalError</Code><Message>try again</Message></Error>"};
    SCRIPT(&script_options, failure, failure, failure);
    memset(&seen, 0, sizeof seen);
    assert_int_equal(store()->upload_complete(aws_object_store(script.aws), &upload, etags, 1,
                                              on_done, NULL, NULL),
                     0);
    await();
    assert_int_not_equal(seen.error.code, 0);
    end();
}

static void what_s3_did_not_store_is_no_part(void **state)
{
    (void)state;
    static const struct scripted_response other = {
        .status = 200, .headers = {{"etag", "\"" MD5_A "\""}}}; /* of other bytes */
    SCRIPT(&script_options, other, other, other);
    memset(&seen, 0, sizeof seen);
    struct object_store *objects = aws_object_store(script.aws);
    assert_int_equal(
        store()->upload_part(objects, &upload, 1, slice_of("abc"), on_text, NULL, NULL), 0);
    await();
    assert_int_equal(seen.error.code, ERR_PROTOCOL);
    assert_int_equal(
        store()->upload_part(objects, &upload, 0, slice_of("abc"), on_text, NULL, NULL), ERR_LIMIT);
    assert_int_equal(store()->upload_part(objects, &upload, OBJECT_PARTS_MAX + 1, slice_of("abc"),
                                          on_text, NULL, NULL),
                     ERR_LIMIT);
    end();
}

static void an_object_is_removed(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 204, .bare = true});
    memset(&seen, 0, sizeof seen);
    const struct object_name name = {.bucket = "photos", .key = "p/a b"};
    assert_int_equal(store()->remove(aws_object_store(script.aws), &name, on_done, NULL, NULL), 0);
    await();
    assert_int_equal(seen.error.code, 0);
    assert_request(0, "DELETE", OBJECT);
    end();
}

/* ---- dead-letter queues ---- */

static void a_move_task_is_started_followed_and_cancelled(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES, {.status = 200, .body = "{\"TaskHandle\":\"h\"}"},
           {.status = 200,
            .body = "{\"Results\":[{\"Status\":\"RUNNING\",\"TaskHandle\":\"h\","
                    "\"ApproximateNumberOfMessagesMoved\":3,"
                    "\"ApproximateNumberOfMessagesToMove\":7},{\"Status\":\"FAILED\"}]}"},
           {.status = 200, .body = "{\"ApproximateNumberOfMessagesMoved\":4}"},
           {.status = 200,
            .body = "{\"Results\":[{\"Status\":\"FAILED\",\"FailureReason\":\"CouldNot\"}]}"});
    open_queue();
    const struct queue_admin_ops *admin = queues()->admin;
    assert_int_equal(admin->move_start(seen.queue, seen.queue, on_text, NULL), 0);
    await();
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(seen.text, "h");
    assert_string_equal(script_header(2, "x-amz-target"), "AmazonSQS.StartMessageMoveTask");
    assert_body(2, "{\"SourceArn\":\"" DEAD_ARN "\",\"DestinationArn\":\"" DEAD_ARN "\"}");
    assert_int_equal(admin->move_look(seen.queue, on_move, NULL), 0);
    await();
    assert_int_equal(seen.move.state, QUEUE_MOVE_RUNNING); /* the newest task counts */
    assert_int_equal(seen.move.moved, 3);
    assert_int_equal(seen.move.to_move, 7);
    assert_body(3, "{\"SourceArn\":\"" DEAD_ARN "\",\"MaxResults\":1}");
    assert_int_equal(admin->move_cancel(seen.queue, "h", on_done, NULL), 0);
    await();
    assert_int_equal(seen.error.code, 0);
    assert_body(4, "{\"TaskHandle\":\"h\"}");
    assert_int_equal(admin->move_look(seen.queue, on_move, NULL), 0);
    await();
    assert_int_equal(seen.move.state, QUEUE_MOVE_FAILED);
    assert_string_equal(seen.text, "CouldNot");
    end();
}

/* A second request would be refused, because the first one started the task. */
static void a_start_that_is_lost_is_not_repeated(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES, {.error = ERR_NETWORK});
    open_queue();
    assert_int_equal(queues()->admin->move_start(seen.queue, seen.queue, on_text, NULL), 0);
    await();
    assert_int_equal(seen.error.code, ERR_NETWORK);
    end();
}

/* The redrive then moves the messages one by one. */
static void a_refused_task_is_told_from_a_failure(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        int status, code;
    } refusals[] = {{"UnsupportedOperation", 400, ERR_UNSUPPORTED},
                    {"AccessDeniedException", 403, ERR_DENIED}};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"__type\":\"com.amazonaws.sqs#%s\",\"message\":\"no\"}",
                 refusals[i].type);
        SCRIPT(&script_options, OPEN_RESPONSES, {.status = refusals[i].status, .body = body});
        open_queue();
        assert_int_equal(queues()->admin->move_start(seen.queue, seen.queue, on_text, NULL), 0);
        await();
        assert_int_equal(seen.error.code, refusals[i].code);
        end();
    }
}

static void a_queue_is_purged_and_its_sources_are_listed(void **state)
{
    (void)state;
    SCRIPT(&script_options, OPEN_RESPONSES, {.status = 200, .body = "", .bare = true},
           {.status = 200, .body = "{\"queueUrls\":[\"https://a/1/x\",\"https://a/1/y\"]}"},
           {.status = 200, .body = "{\"queueUrls\":[],\"NextToken\":\"t\"}"});
    open_queue();
    assert_int_equal(queues()->admin->purge(seen.queue, on_done, NULL), 0);
    await();
    assert_int_equal(seen.error.code, 0);
    assert_string_equal(script_header(2, "x-amz-target"), "AmazonSQS.PurgeQueue");
    assert_body(2, "{\"QueueUrl\":\"" DEAD_URL "\"}");
    assert_int_equal(queues()->admin->sources(seen.queue, on_sources, NULL), 0);
    await();
    assert_int_equal(seen.count, 2);
    assert_false(seen.more);
    assert_string_equal(seen.text, "https://a/1/y");
    assert_int_equal(queues()->admin->sources(seen.queue, on_sources, NULL), 0);
    await();
    assert_true(seen.more);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_has_one_result_for_each_message),
        cmocka_unit_test(a_batch_that_is_refused_is_refused_for_all),
        cmocka_unit_test(a_batch_has_one_to_ten_messages),
        cmocka_unit_test(a_topic_gets_a_batch_in_the_query_protocol),
        cmocka_unit_test(a_topic_is_named_by_its_arn),
        cmocka_unit_test(an_upload_in_parts_is_four_kinds_of_requests),
        cmocka_unit_test(a_success_may_contain_a_failure),
        cmocka_unit_test(what_s3_did_not_store_is_no_part),
        cmocka_unit_test(an_object_is_removed),
        cmocka_unit_test(a_move_task_is_started_followed_and_cancelled),
        cmocka_unit_test(a_start_that_is_lost_is_not_repeated),
        cmocka_unit_test(a_refused_task_is_told_from_a_failure),
        cmocka_unit_test(a_queue_is_purged_and_its_sources_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
