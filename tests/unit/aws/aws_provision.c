/* Provisioning against scripted services, and the documents that it merges. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "provision.h"
#include "provision_policy.h"
#include "s3_bucket.h"
#include "scripted_http.h"

#define QUEUE "arn:aws:sqs:eu-central-1:123456789012:web"
#define DEAD  "arn:aws:sqs:eu-central-1:123456789012:web-dead"
#define TOPIC "arn:aws:sns:eu-central-1:123456789012:photos"

/* --- policies --- */

static const struct policy_grant grant = {.service = "s3.amazonaws.com",
                                          .action = "sqs:SendMessage",
                                          .resource_arn = QUEUE,
                                          .source_arn = "arn:aws:s3:::photos",
                                          .source_account = "123456789012"};

static json_t *merged(const char *existing, const struct policy_grant *what, bool expect_fits)
{
    char *text = NULL;
    bool fits = !expect_fits;
    assert_int_equal(policy_merge(existing, what, &text, &fits), 0);
    assert_int_equal(fits, expect_fits);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    free(text);
    return root;
}

static const char *text_at(const json_t *root, const char *a, const char *b)
{
    return json_string_value(json_object_get(json_object_get(root, a), b));
}

static void policy_new(void **state)
{
    (void)state;
    json_t *policy = merged(NULL, &grant, false);
    assert_string_equal(json_string_value(json_object_get(policy, "Version")), "2012-10-17");
    const json_t *statements = json_object_get(policy, "Statement");
    assert_int_equal(json_array_size(statements), 1);
    const json_t *statement = json_array_get(statements, 0);
    assert_string_equal(json_string_value(json_object_get(statement, "Effect")), "Allow");
    assert_string_equal(json_string_value(json_object_get(statement, "Resource")), QUEUE);
    assert_string_equal(text_at(statement, "Principal", "Service"), "s3.amazonaws.com");
    const json_t *condition = json_object_get(statement, "Condition");
    assert_string_equal(text_at(condition, "ArnLike", "aws:SourceArn"), "arn:aws:s3:::photos");
    assert_string_equal(text_at(condition, "StringEquals", "aws:SourceAccount"), "123456789012");
    json_decref(policy);
}

/* Statements of others are kept; ours is added once, and replaced when it changes. */
static void policies_are_merged(void **state)
{
    (void)state;
    static const char *const existing[] = {
        "{\"Version\":\"2008-10-17\",\"Id\":\"theirs\",\"Statement\":[{\"Sid\":\"A\",\"Effect\":"
        "\"Deny\"}]}",
        "{\"Version\":\"2008-10-17\",\"Id\":\"theirs\",\"Statement\":{\"Sid\":\"A\",\"Effect\":"
        "\"Deny\"}}"};
    for (size_t i = 0; i < 2; i++) {
        json_t *first = merged(existing[i], &grant, false);
        assert_string_equal(json_string_value(json_object_get(first, "Id")), "theirs");
        assert_string_equal(json_string_value(json_object_get(first, "Version")), "2008-10-17");
        assert_int_equal(json_array_size(json_object_get(first, "Statement")), 2);
        char *text = json_dumps(first, 0);
        json_t *second = merged(text, &grant, true);
        assert_true(json_equal(first, second));
        struct policy_grant other = grant;
        other.action = "sqs:*";
        json_t *third = merged(text, &other, false);
        assert_int_equal(json_array_size(json_object_get(third, "Statement")), 2);
        other = grant;
        other.source_arn = "arn:aws:s3:::more-photos";
        json_t *fourth = merged(text, &other, false);
        assert_int_equal(json_array_size(json_object_get(fourth, "Statement")), 3);
        free(text);
        json_decref(first);
        json_decref(second);
        json_decref(third);
        json_decref(fourth);
    }
}

static void policy_refused(void **state)
{
    (void)state;
    char *text = NULL;
    bool fits = false;
    assert_int_equal(policy_merge("not JSON", &grant, &text, &fits), ERR_INVALID);
    assert_int_equal(policy_merge("[]", &grant, &text, &fits), ERR_INVALID);
    assert_int_equal(policy_merge("{\"Statement\":1}", &grant, &text, &fits), ERR_INVALID);
    assert_null(text);
}

/* --- notifications --- */

#define OPEN  "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define CLOSE "</NotificationConfiguration>"
#define OURS                                                                                       \
    "<QueueConfiguration><Id>thumbwheel</Id><Queue>" QUEUE                                         \
    "</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name>"      \
    "<Value>ingest/</Value></FilterRule><FilterRule><Name>suffix</Name><Value>.jpg</Value>"        \
    "</FilterRule></S3Key></Filter></QueueConfiguration>"
#define THEIRS                                                                                     \
    "<TopicConfiguration><Id>theirs</Id><Topic>arn:aws:sns:x:1:t</Topic>"                          \
    "<Event>s3:ObjectRemoved:*</Event></TopicConfiguration><EventBridgeConfiguration/>"

static const struct s3_notification notification = {QUEUE, "ingest/", ".jpg"};

static void assert_merged(const char *current, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 8192);
    bool fits = false;
    assert_int_equal(s3_notification_merge(slice_of(current), &notification, &out, &fits), 0);
    assert_int_equal(fits, expected == NULL);
    if (expected)
        assert_string_equal(out.data, expected);
    buffer_free(&out);
}

static void notification_merge(void **state)
{
    (void)state;
    assert_merged("", OPEN OURS CLOSE);
    assert_merged("<?xml version=\"1.0\"?>\n<NotificationConfiguration/>", OPEN OURS CLOSE);
    assert_merged(OPEN THEIRS CLOSE, OPEN THEIRS OURS CLOSE);
    assert_merged(OPEN OURS THEIRS CLOSE, NULL);
    /* Another order and case, as S3 returns it. */
    assert_merged("<NotificationConfiguration><QueueConfiguration><Event>s3:ObjectCreated:*</Event>"
                  "<Queue>" QUEUE "</Queue><Filter><S3Key><FilterRule><Name>Suffix</Name>"
                  "<Value>.jpg</Value></FilterRule><FilterRule><Name>Prefix</Name><Value>ingest/"
                  "</Value></FilterRule></S3Key></Filter><Id>thumbwheel</Id></QueueConfiguration>"
                  "</NotificationConfiguration>",
                  NULL);
}

static void notification_replaces_our_own(void **state)
{
    (void)state;
    assert_merged(OPEN
                  "<QueueConfiguration><Id>thumbwheel</Id><Queue>" QUEUE
                  "</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>" THEIRS CLOSE,
                  OPEN THEIRS OURS CLOSE);
    assert_merged(OPEN "<QueueConfiguration><Id>thumbwheel</Id><Queue>" DEAD
                       "</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>" CLOSE,
                  OPEN OURS CLOSE);
}

static void notification_to_a_topic(void **state)
{
    (void)state;
    const struct s3_notification to_topic = {TOPIC, "a & b/", NULL};
    struct buffer out;
    buffer_init(&out, 8192);
    bool fits = true;
    assert_int_equal(s3_notification_merge(slice_of(""), &to_topic, &out, &fits), 0);
    assert_false(fits);
    assert_string_equal(out.data, OPEN
                        "<TopicConfiguration><Id>thumbwheel</Id><Topic>" TOPIC
                        "</Topic><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule>"
                        "<Name>prefix</Name><Value>a &amp; b/</Value></FilterRule></S3Key></Filter>"
                        "</TopicConfiguration>" CLOSE);
    buffer_free(&out);
}

/* --- all steps --- */

static struct error provision(const struct fanout *fanout)
{
    struct script_outcome seen = {0};
    assert_int_equal(aws_provision(script.aws, fanout, script_on_done, &seen), 0);
    assert_false(seen.done);
    script_run(&seen.done);
    return seen.error;
}

static const struct fanout_queue web = {.name = "web",
                                        .dead_letter_name = "web-dead",
                                        .max_receives = 3,
                                        .visibility_s = 120,
                                        .raw_delivery = true};

static const char *const extra[] = {"renditions"};

static const struct fanout through_topic = {.bucket = "photos",
                                            .prefix = "ingest/",
                                            .topic = "photos",
                                            .queues = &web,
                                            .queue_count = 1,
                                            .extra_buckets = extra,
                                            .extra_bucket_count = 1};

#define OK_RESPONSE                                                                                \
    {                                                                                              \
        .status = 200                                                                              \
    }
#define TOPIC_CHANGED JSON("<SetTopicAttributesResponse/>")
#define SUBSCRIBED                                                                                 \
    JSON("<SubscribeResponse><SubscribeResult><SubscriptionArn>a</SubscriptionArn>"                \
         "</SubscribeResult></SubscribeResponse>")
#define JSON(text)                                                                                 \
    {                                                                                              \
        .status = 200, .body = (text)                                                              \
    }
#define URL_OF(name)                                                                               \
    "{\"QueueUrl\":\"https://sqs.eu-central-1.amazonaws.com/123456789012/" name "\"}"
#define TOPIC_CREATED                                                                              \
    "<CreateTopicResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><CreateTopicResult>"  \
    "<TopicArn>" TOPIC "</TopicArn></CreateTopicResult></CreateTopicResponse>"
#define TOPIC_KNOWN(policy)                                                                        \
    "<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes><entry><key>Owner</key>"    \
    "<value>1</value></entry><entry><key>Policy</key><value>" policy "</value></entry>"            \
    "</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>"

static json_t *sent_attributes(size_t request)
{
    json_t *root = json_loads(script.requests[request].body, 0, NULL);
    json_t *attributes = json_incref(json_object_get(root, "Attributes"));
    json_decref(root);
    assert_non_null(attributes);
    return attributes;
}

static void assert_queue_attributes(size_t request)
{
    json_t *attributes = sent_attributes(request);
    assert_string_equal(json_string_value(json_object_get(attributes, "VisibilityTimeout")), "120");
    json_t *redrive =
        json_loads(json_string_value(json_object_get(attributes, "RedrivePolicy")), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(redrive, "deadLetterTargetArn")), DEAD);
    assert_int_equal(json_integer_value(json_object_get(redrive, "maxReceiveCount")), 3);
    const char *policy = json_string_value(json_object_get(attributes, "Policy"));
    assert_non_null(strstr(policy, "\"sns.amazonaws.com\""));
    assert_non_null(strstr(policy, TOPIC));
    json_decref(redrive);
    json_decref(attributes);
}

static void first_run(void **state)
{
    (void)state;
    SCRIPT(&script_options, OK_RESPONSE, OK_RESPONSE, JSON(URL_OF("web-dead")),
           JSON("{\"Attributes\":{\"QueueArn\":\"" DEAD "\"}}"), JSON(URL_OF("web")),
           JSON("{\"Attributes\":{\"QueueArn\":\"" QUEUE "\",\"VisibilityTimeout\":\"30\"}}"),
           JSON(TOPIC_CREATED), JSON(TOPIC_KNOWN("{&quot;Statement&quot;:[]}")), TOPIC_CHANGED,
           JSON("{}"), SUBSCRIBED, JSON("<NotificationConfiguration/>"), OK_RESPONSE);
    struct error error = provision(&through_topic);
    assert_int_equal(error.code, 0);
    assert_string_equal(script.requests[0].url, "https://photos.s3.eu-central-1.amazonaws.com/");
    assert_non_null(
        strstr(script.requests[0].body, "<LocationConstraint>eu-central-1</LocationConstraint>"));
    assert_string_equal(script.requests[1].url,
                        "https://renditions.s3.eu-central-1.amazonaws.com/");
    assert_non_null(strstr(script.requests[8].body, "Action=SetTopicAttributes"));
    assert_queue_attributes(9);
    assert_non_null(strstr(script.requests[10].body, "Action=Subscribe"));
    assert_non_null(strstr(script.requests[10].body, "Attributes.entry.1.key=RawMessageDelivery"
                                                     "&Attributes.entry.1.value=true"));
    assert_string_equal(script.requests[12].method, "PUT");
    assert_string_equal(script.requests[12].url,
                        "https://photos.s3.eu-central-1.amazonaws.com/?notification=");
    assert_non_null(strstr(script.requests[12].body, "<Topic>" TOPIC "</Topic>"));
    script_end();
}

/* The responses after an earlier run created everything: only names that already exist are
 * written. */
static void second_run_changes_nothing(void **state)
{
    (void)state;
    const struct policy_grant from_topic = {.service = "sns.amazonaws.com",
                                            .action = "sqs:SendMessage",
                                            .resource_arn = QUEUE,
                                            .source_arn = TOPIC};
    const struct policy_grant from_bucket = {.service = "s3.amazonaws.com",
                                             .action = "SNS:Publish",
                                             .resource_arn = TOPIC,
                                             .source_arn = "arn:aws:s3:::photos",
                                             .source_account = "123456789012"};
    char *queue_policy = NULL, *topic_policy = NULL;
    bool fits;
    assert_int_equal(policy_merge(NULL, &from_topic, &queue_policy, &fits), 0);
    assert_int_equal(policy_merge(NULL, &from_bucket, &topic_policy, &fits), 0);
    json_t *attributes =
        json_pack("{s:{s:s, s:s, s:s, s:s}}", "Attributes", "QueueArn", QUEUE, "VisibilityTimeout",
                  "120", "Policy", queue_policy, "RedrivePolicy",
                  "{\"maxReceiveCount\":\"3\",\"deadLetterTargetArn\":\"" DEAD "\"}");
    char *queue_text = json_dumps(attributes, 0);
    struct buffer topic_text;
    buffer_init(&topic_text, 8192);
    buffer_format(&topic_text, TOPIC_KNOWN("%s"), topic_policy);

    SCRIPT(&script_options,
           {.status = 409, .body = "<Error><Code>BucketAlreadyOwnedByYou</Code></Error>"},
           OK_RESPONSE, JSON(URL_OF("web-dead")),
           JSON("{\"Attributes\":{\"QueueArn\":\"" DEAD "\"}}"), JSON(URL_OF("web")),
           JSON(queue_text), JSON(TOPIC_CREATED), JSON(topic_text.data), SUBSCRIBED,
           JSON("<NotificationConfiguration><TopicConfiguration><Id>thumbwheel</Id><Topic>" TOPIC
                "</Topic><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>Prefix"
                "</Name><Value>ingest/</Value></FilterRule></S3Key></Filter></TopicConfiguration>"
                "</NotificationConfiguration>"));
    assert_int_equal(provision(&through_topic).code, 0);
    assert_non_null(strstr(script.requests[8].body, "Action=Subscribe"));
    script_end();
    buffer_free(&topic_text);
    free(queue_text);
    json_decref(attributes);
    free(queue_policy);
    free(topic_policy);
}

/* One queue without a topic: the bucket itself may send to it. */
static void bucket_to_queue(void **state)
{
    (void)state;
    const struct fanout_queue plain = {.name = "web"};
    const struct fanout direct = {.bucket = "photos", .queues = &plain, .queue_count = 1};
    SCRIPT(&script_options, OK_RESPONSE, JSON(URL_OF("web")),
           JSON("{\"Attributes\":{\"QueueArn\":\"" QUEUE "\",\"VisibilityTimeout\":\"30\"}}"),
           JSON("{}"), JSON("<NotificationConfiguration/>"), OK_RESPONSE);
    assert_int_equal(provision(&direct).code, 0);
    json_t *attributes = sent_attributes(3);
    assert_int_equal(json_object_size(attributes), 1);
    const char *policy = json_string_value(json_object_get(attributes, "Policy"));
    assert_non_null(strstr(policy, "\"s3.amazonaws.com\""));
    assert_non_null(strstr(policy, "arn:aws:s3:::photos"));
    json_decref(attributes);
    assert_non_null(strstr(script.requests[5].body, "<Queue>" QUEUE "</Queue>"));
    script_end();
}

static void failure_names_the_step(void **state)
{
    (void)state;
    SCRIPT(&script_options,
           {.status = 409,
            .body = "<Error><Code>BucketAlreadyExists</Code><Message>The requested "
                    "bucket name is not available.</Message></Error>"});
    struct error error = provision(&through_topic);
    assert_int_equal(error.code, ERR_CONFLICT);
    assert_non_null(strstr(error.text, "cannot create the bucket"));
    assert_non_null(strstr(error.text, "photos"));
    assert_non_null(strstr(error.text, "not available"));
    script_end();
}

/* A policy that cannot be read must not be replaced by only ours. */
static void unreadable_policies_are_left(void **state)
{
    (void)state;
    SCRIPT(&script_options, OK_RESPONSE, OK_RESPONSE, JSON(URL_OF("web-dead")),
           JSON("{\"Attributes\":{\"QueueArn\":\"" DEAD "\"}}"), JSON(URL_OF("web")),
           JSON("{\"Attributes\":{\"QueueArn\":\"" QUEUE "\"}}"), JSON(TOPIC_CREATED),
           JSON("<GetTopicAttributesResponse><GetTopicAttributesResult>"),
           JSON("<GetTopicAttributesResponse><GetTopicAttributesResult>"),
           JSON("<GetTopicAttributesResponse><GetTopicAttributesResult>"));
    struct error error = provision(&through_topic);
    assert_int_equal(error.code, ERR_PROTOCOL);
    assert_non_null(strstr(error.text, "GetTopicAttributes"));
    script_end();
    SCRIPT(&script_options, OK_RESPONSE, OK_RESPONSE, JSON(URL_OF("web-dead")),
           JSON("{\"Attributes\":{\"QueueArn\":\"" DEAD "\"}}"), JSON(URL_OF("web")),
           JSON("{\"Attributes\":{\"QueueArn\":\"" QUEUE "\"}}"), JSON(TOPIC_CREATED),
           JSON(TOPIC_KNOWN("not JSON")));
    assert_int_equal(provision(&through_topic).code, ERR_INVALID);
    script_end();
}

/* A queue that was just created may not be visible everywhere. */
static void waits_for_a_new_queue(void **state)
{
    (void)state;
    const struct fanout_queue plain = {.name = "web"};
    const struct fanout direct = {.bucket = "photos", .queues = &plain, .queue_count = 1};
    SCRIPT(&script_options, OK_RESPONSE, JSON(URL_OF("web")),
           {.status = 400, .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}"},
           JSON("{\"Attributes\":{\"QueueArn\":\"" QUEUE "\",\"VisibilityTimeout\":\"30\"}}"),
           JSON("{}"), JSON("<NotificationConfiguration/>"), OK_RESPONSE);
    assert_int_equal(provision(&direct).code, 0);
    script_end();
}

static void refused_and_destroyed(void **state)
{
    (void)state;
    const struct fanout_queue two[] = {{.name = "a"}, {.name = "b"}};
    const struct fanout ambiguous = {.bucket = "photos", .queues = two, .queue_count = 2};
    const struct fanout empty = {.bucket = "photos"};
    struct script_outcome seen = {0};
    SCRIPT(&script_options, {.never = true});
    assert_int_equal(aws_provision(script.aws, &ambiguous, script_on_done, &seen), ERR_INVALID);
    assert_int_equal(aws_provision(script.aws, &empty, script_on_done, &seen), ERR_INVALID);
    assert_int_equal(aws_provision(script.aws, &through_topic, script_on_done, &seen), 0);
    script_end();
    assert_false(seen.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_new),
        cmocka_unit_test(policies_are_merged),
        cmocka_unit_test(policy_refused),
        cmocka_unit_test(notification_merge),
        cmocka_unit_test(notification_replaces_our_own),
        cmocka_unit_test(notification_to_a_topic),
        cmocka_unit_test(first_run),
        cmocka_unit_test(second_run_changes_nothing),
        cmocka_unit_test(bucket_to_queue),
        cmocka_unit_test(failure_names_the_step),
        cmocka_unit_test(unreadable_policies_are_left),
        cmocka_unit_test(waits_for_a_new_queue),
        cmocka_unit_test(refused_and_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
