/*
 * Checks of responses: every operation that the clients call, with the responses of a gateway, of a
 * truncated connection, or to another request. The valid responses are the examples of the API
 * references.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "aws_validity.h"

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* RFC 1321's example: MD5("message digest"). */
static const char SENT_MD5[] = "\"f96b697d7cb7938d525a2f31aaf161d0\"",
                  CONTENT_MD5[] = "+WtpfXy3k41SWi8xqvFh0A=="; /* the same (RFC 4648) */

static const struct valid {
    const char *operation, *etag, *body;
} valid[] = {
    {"GetObject", "\"0123\"", "any bytes at all"},
    {"HeadObject", "\"0123\"", ""},
    {"PutObject", SENT_MD5, ""},
    {"GetObjectTagging", NULL,
     XML "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet/></Tagging>"},
    {"PutObjectTagging", NULL, ""},
    {"ListObjectsV2", NULL,
     XML "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"},
    {"CreateBucket", NULL, ""},
    {"GetBucketNotificationConfiguration", NULL, XML "<NotificationConfiguration/>"},
    {"PutBucketNotificationConfiguration", NULL, ""},
    {"ReceiveMessage", NULL, "{}"},
    {"ReceiveMessage", NULL, "{\"Messages\":[]}"},
    {"DeleteMessageBatch", NULL, "{\"Failed\":[],\"Successful\":[{\"Id\":\"0-0\"}]}"},
    {"ChangeMessageVisibilityBatch", NULL, "{\"Successful\":[{\"Id\":\"0-0\"}]}"},
    {"SendMessage", NULL, "{\"MD5OfMessageBody\":\"x\",\"MessageId\":\"m\"}"},
    {"GetQueueUrl", NULL, "{\"QueueUrl\":\"http://q\"}"},
    {"GetQueueAttributes", NULL, "{\"Attributes\":{}}"},
    {"CreateQueue", NULL, "{\"QueueUrl\":\"http://q\"}"},
    {"SetQueueAttributes", NULL, ""},
    {"SetQueueAttributes", NULL, "{}"},
    {"PurgeQueue", NULL, ""},
    {"ListDeadLetterSourceQueues", NULL, "{\"queueUrls\":[]}"},
    {"StartMessageMoveTask", NULL, "{\"TaskHandle\":\"h\"}"},
    {"ListMessageMoveTasks", NULL, "{\"Results\":[]}"},
    {"CancelMessageMoveTask", NULL, "{\"ApproximateNumberOfMessagesMoved\":1}"},
    {"Publish", NULL,
     "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>"},
    {"CreateTopic", NULL, "<CreateTopicResponse><TopicArn>a</TopicArn></CreateTopicResponse>"},
    {"Subscribe", NULL,
     "<SubscribeResponse><SubscriptionArn>a</SubscriptionArn></SubscribeResponse>"},
    {"SetTopicAttributes", NULL, "<SetTopicAttributesResponse></SetTopicAttributesResponse>"},
    {"GetTopicAttributes", NULL,
     "<GetTopicAttributesResponse><Attributes></Attributes></GetTopicAttributesResponse>"},
};
enum { VALID = sizeof valid / sizeof *valid };

static const char *flaw_of(const char *operation, const struct http_response *response)
{
    json_t *object;
    const struct aws_expected expected = {.operation = operation, .content_md5 = CONTENT_MD5};
    const char *why = aws_response_flaw(&expected, response, &object);
    json_decref(object);
    return why;
}

static const char *flaw(const char *operation, const char *etag, const char *body)
{
    const struct http_header headers[] = {{"content-type", "text/html"}, {"etag", etag}};
    const struct http_response response = {.status = 200,
                                           .headers = headers,
                                           .header_count = etag ? 2 : 1,
                                           .body = bytes_borrow(body, strlen(body))};
    return flaw_of(operation, &response);
}

static void the_services_responses_are_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALID; i++) {
        const char *why = flaw(valid[i].operation, valid[i].etag, valid[i].body);
        if (why)
            fail_msg("%s: %s", valid[i].operation, why);
    }
}

static void a_page_is_no_response(void **state)
{
    (void)state;
    static const char *const pages[] = {"<html><body>Log in to the network</body></html>",
                                        "<!DOCTYPE html><html>PutObject</html>",
                                        "OK",
                                        "null",
                                        "[]",
                                        "{\"status\":\"ok\"}",
                                        "<Error><Code>SlowDown</Code></Error>"};
    for (size_t i = 0; i < VALID; i++) {
        for (size_t k = 0; k < sizeof pages / sizeof *pages; k++) {
            if (!flaw(valid[i].operation, NULL, pages[k]))
                fail_msg("%s takes %s", valid[i].operation, pages[k]);
        }
    }
}

static bool has_no_body(const struct valid *of)
{
    return of->body[0] == '\0' || strcmp(of->operation, "GetObject") == 0 ||
           strcmp(of->body, "{}") == 0;
}

static void a_partial_response_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALID; i++) {
        char part[512];
        if (has_no_body(&valid[i]))
            continue;
        for (size_t size = 0; size < strlen(valid[i].body); size++) {
            snprintf(part, sizeof part, "%.*s", (int)size, valid[i].body);
            if (!flaw(valid[i].operation, valid[i].etag, part))
                fail_msg("%s takes %s", valid[i].operation, part);
        }
    }
}

/* If two operations have the same response, confusing them is harmless. */
static bool look_alike(const char *a, const char *b)
{
    static const char *const groups[] = {
        "GetObject HeadObject PutObject", /* a GET's and a PUT's MD5 tell whose it is */
        "PutObjectTagging CreateBucket PutBucketNotificationConfiguration SetQueueAttributes "
        "PurgeQueue HeadObject PutObject",
        "PutObjectTagging CreateBucket PutBucketNotificationConfiguration SetQueueAttributes "
        "PurgeQueue ReceiveMessage GetQueueAttributes ListDeadLetterSourceQueues "
        "ListMessageMoveTasks",
        "DeleteMessageBatch ChangeMessageVisibilityBatch", /* their entries' ids differ */
        "GetQueueUrl CreateQueue"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (strstr(groups[i], a) && strstr(groups[i], b))
            return true;
    }
    return strcmp(a, b) == 0;
}

/* Readers differ in which of the two they use. */
static void a_member_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    static const char *const twice[][2] = {
        {"GetQueueUrl", "{\"QueueUrl\":\"http://q\",\"QueueUrl\":\"http://other\"}"},
        {"GetQueueUrl", "{\"QueueUrl\":\"http://q\",\"Queue\\u0055rl\":\"http://other\"}"},
        {"SendMessage", "{\"MD5OfMessageBody\":\"x\",\"MessageId\":\"m\",\"MessageId\":\"n\"}"},
        {"ReceiveMessage", "{\"Messages\":[],\"Messages\":[]}"},
        {"ReceiveMessage", "{\"Messages\":[{\"Body\":\"a\",\"Body\":\"b\"}]}"},
        {"DeleteMessageBatch", "{\"Successful\":[{\"Id\":\"0-0\",\"Id\":\"0-1\"}]}"},
    };
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
        if (!flaw(twice[i][0], NULL, twice[i][1]))
            fail_msg("%s takes %s", twice[i][0], twice[i][1]);
    }
}

static const char *marked_flaw(const char *mark, const char *theirs)
{
    const struct http_header headers[] = {{"etag", "\"0123\""}, {"content-disposition", theirs}};
    const struct http_response response = {
        .status = 200, .headers = headers, .header_count = theirs ? 2 : 1};
    const struct aws_expected expected = {.operation = "GetObject", .mark = mark};
    json_t *object;
    return aws_response_flaw(&expected, &response, &object);
}

static void the_response_to_a_request_with_another_mark_is_refused(void **state)
{
    (void)state;
    uint64_t last = 0;
    char mark[AWS_MARK_SIZE], other[AWS_MARK_SIZE];
    aws_mark_make(&last, mark);
    aws_mark_make(&last, other);
    assert_string_not_equal(mark, other);
    assert_null(marked_flaw(mark, mark));
    assert_null(marked_flaw(mark, NULL));         /* a store without the parameter */
    assert_null(marked_flaw(mark, "attachment")); /* the object's own */
    assert_null(marked_flaw(NULL, other));
    assert_string_equal(marked_flaw(mark, other), "it belongs to another request");
}

static void the_response_to_another_operation_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < VALID; i++) {
        for (size_t k = 0; k < VALID; k++) {
            if (!look_alike(valid[i].operation, valid[k].operation) &&
                !flaw(valid[i].operation, valid[k].etag, valid[k].body))
                fail_msg("%s takes %s's response", valid[i].operation, valid[k].operation);
        }
    }
}

static void the_stored_attributes_equal_those_sent(void **state)
{
    (void)state;
    assert_non_null(
        flaw("PutObject", "\"d41d8cd98f00b204e9800998ecf8427e\"", ""));           /* RFC 1321: "" */
    assert_null(flaw("PutObject", "\"d41d8cd98f00b204e9800998ecf8427e-1\"", "")); /* no MD5 */
    const struct http_header encrypted[] = {{"etag", "\"d41d8cd98f00b204e9800998ecf8427e\""},
                                            {"x-amz-server-side-encryption", "aws:kms"}};
    const struct http_response response = {.status = 200, .headers = encrypted, .header_count = 2};
    assert_null(flaw_of("PutObject", &response));
}

static const char *crc_flaw(const char *stored)
{
    json_t *object;
    const struct http_header headers[] = {{"etag", "\"d41d8cd98f00b204e9800998ecf8427e\""},
                                          {"x-amz-checksum-crc64nvme", stored}};
    const struct http_response response = {
        .status = 200, .headers = headers, .header_count = stored ? 2 : 1};
    const struct aws_expected expected = {.operation = "PutObject", .crc = "rosUhgp5mIg="};
    return aws_response_flaw(&expected, &response, &object);
}

static void the_stored_crc_equals_that_sent(void **state)
{
    (void)state;
    assert_null(crc_flaw("rosUhgp5mIg="));
    assert_string_equal(crc_flaw(NULL), "it does not confirm the checksum of what was sent");
    assert_string_equal(crc_flaw("AAAAAAAAAAA="), "its checksum is not that of what was sent");
}

static void an_operation_without_a_row_is_refused(void **state)
{
    (void)state;
    assert_string_equal(flaw("DeleteBucket", NULL, ""),
                        "no validity rule is defined for the operation");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_services_responses_are_valid),
        cmocka_unit_test(a_page_is_no_response),
        cmocka_unit_test(a_partial_response_is_refused),
        cmocka_unit_test(a_member_that_is_there_twice_is_refused),
        cmocka_unit_test(the_response_to_a_request_with_another_mark_is_refused),
        cmocka_unit_test(the_response_to_another_operation_is_refused),
        cmocka_unit_test(the_stored_attributes_equal_those_sent),
        cmocka_unit_test(the_stored_crc_equals_that_sent),
        cmocka_unit_test(an_operation_without_a_row_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
