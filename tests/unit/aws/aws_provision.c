/* Provisioning against scripted services, and the documents that it merges. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bucket_entries.h"
#include "json_text.h"
#include "provision.h"
#include "provision_policy.h"
#include "scripted_http.h"

#define QUEUE "arn:aws:sqs:eu-central-1:123456789012:web"
#define DEAD  "arn:aws:sqs:eu-central-1:123456789012:web-dlq"
#define TOPIC "arn:aws:sns:eu-central-1:123456789012:photo-events"

/* --- policies --- */

static json_t *statement(const char *action)
{
    return json_pack("{s:s, s:s, s:s}", "Sid", "Thumbwheel1", "Effect", "Allow", "Action", action);
}

static json_t *merged(const char *existing, const char *action)
{
    char *text = NULL;
    json_t *ours = statement(action);
    assert_int_equal(policy_merge(existing, ours, &text), 0);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_true(json_equal(policy_find(root, "Thumbwheel1"), ours));
    json_decref(ours);
    free(text);
    return root;
}

static void a_new_policy_has_one_statement(void **state)
{
    (void)state;
    json_t *policy = merged(NULL, "sqs:SendMessage");
    assert_string_equal(json_text_in(policy, "Version"), "2012-10-17");
    assert_int_equal(json_array_size(json_object_get(policy, "Statement")), 1);
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
        json_t *first = merged(existing[i], "sqs:SendMessage");
        assert_string_equal(json_text_in(first, "Id"), "theirs");
        assert_string_equal(json_text_in(first, "Version"), "2008-10-17");
        assert_int_equal(json_array_size(json_object_get(first, "Statement")), 2);
        assert_non_null(policy_find(first, "A"));
        char *text = json_dumps(first, 0);
        json_t *second = merged(text, "sqs:*");
        assert_int_equal(json_array_size(json_object_get(second, "Statement")), 2);
        free(text);
        json_decref(first);
        json_decref(second);
    }
}

static void what_is_not_a_policy_is_refused(void **state)
{
    (void)state;
    char *text = NULL;
    json_t *ours = statement("sqs:SendMessage");
    assert_int_equal(policy_merge("not JSON", ours, &text), ERR_INVALID);
    assert_int_equal(policy_merge("[]", ours, &text), ERR_INVALID);
    assert_int_equal(policy_merge("{\"Statement\":1}", ours, &text), ERR_INVALID);
    assert_null(text);
    json_decref(ours);
}

/* --- documents of a bucket --- */

#define OPEN  "<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define CLOSE "</NotificationConfiguration>"
#define OURS                                                                                       \
    "<TopicConfiguration><Id>thumbwheel</Id><Topic>" TOPIC                                         \
    "</Topic><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name>"      \
    "<Value>a &amp; b/</Value></FilterRule></S3Key></Filter></TopicConfiguration>"
#define THEIRS                                                                                     \
    "<TopicConfiguration><Id>theirs</Id><Topic>arn:aws:sns:x:1:t</Topic>"                          \
    "<Event>s3:ObjectRemoved:*</Event></TopicConfiguration><EventBridgeConfiguration/>"

static void notifications_are_read_as_they_are_written(void **state)
{
    (void)state;
    /* Another order and case, as S3 returns it. */
    static const char document[] =
        "<?xml version=\"1.0\"?>\n<NotificationConfiguration><TopicConfiguration><Event>"
        "s3:ObjectCreated:*</Event><Topic>" TOPIC "</Topic><Filter><S3Key><FilterRule><Name>Suffix"
        "</Name><Value></Value></FilterRule><FilterRule><Name>Prefix</Name><Value>a &amp; b/"
        "</Value></FilterRule></S3Key></Filter><Id>thumbwheel</Id></TopicConfiguration>" CLOSE;
    json_t *entries;
    struct buffer out;
    buffer_init(&out, 8192);
    assert_int_equal(bucket_entries_read(slice_of(document), &entries), 0);
    assert_int_equal(json_array_size(entries), 1);
    json_t *notification = notification_of(json_array_get(entries, 0));
    notification_append(&out, "thumbwheel", notification);
    assert_string_equal(out.data, OURS);
    buffer_free(&out);
    json_decref(notification);
    json_decref(entries);
    assert_int_equal(bucket_entries_read(slice_of(OPEN "<QueueConf"), &entries), ERR_PROTOCOL);
}

/* Only a rule that does nothing else, and is enabled, is as ours. */
static void lifecycle_rules_are_read_as_they_are_written(void **state)
{
    (void)state;
    static const char document[] =
        "<LifecycleConfiguration><Rule><ID>a</ID><Filter><Prefix>web/</Prefix></Filter><Status>"
        "Enabled</Status><Expiration><Days>30</Days></Expiration></Rule><Rule><ID>b</ID><Prefix/>"
        "<Status>Disabled</Status><Expiration><Days>30</Days></Expiration></Rule>"
        "<Rule><ID>c</ID><Filter><And><Prefix>x</Prefix></And></Filter><Status>Enabled</Status>"
        "<Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>";
    static const json_int_t days[] = {30, 0, 0};
    json_t *entries;
    struct buffer out;
    buffer_init(&out, 8192);
    assert_int_equal(bucket_entries_read(slice_of(document), &entries), 0);
    for (size_t i = 0; i < 3; i++) {
        json_t *rule = lifecycle_of(json_array_get(entries, i));
        assert_int_equal(json_integer_value(json_object_get(rule, "ExpirationDays")), days[i]);
        if (i == 0)
            lifecycle_append(&out, "a", rule);
        json_decref(rule);
    }
    assert_non_null(strstr(document, out.data));
    buffer_free(&out);
    json_decref(entries);
}

/* --- all steps --- */

struct pipeline {
    struct pipeline_facts facts;
};

static struct pipeline web = {
    {.name = "web", .queue = "web", .visibility_s = 120, .output_count = 1}};

static const struct pipeline_facts *facts_of(const struct pipeline *pipeline)
{
    return &pipeline->facts;
}

static struct pipeline_output output_of(const struct pipeline *pipeline, size_t index)
{
    (void)pipeline;
    return index ? (struct pipeline_output){0}
                 : (struct pipeline_output){.bucket = "renditions", .key = "{name}"};
}

static const struct pipeline_ops ops = {.facts = facts_of, .output = output_of};

static struct {
    struct provision_plan plan;
    struct provision_run run;
    size_t compared, written, differing;
} world;

static void on_compared(size_t index, const struct provision_change *change, void *user)
{
    (void)user;
    assert_int_equal(index, world.compared++);
    world.differing += change->action != PROVISION_KEEP;
}

static void on_written(size_t index, void *user)
{
    (void)index;
    (void)user;
    world.written++;
}

static void plan_make(enum provision_via via)
{
    static struct pipeline *const pipelines[] = {&web};
    const struct provision_settings settings = {.bucket = "photos",
                                                .prefix = "ingest/",
                                                .name = "photo-events",
                                                .notification_id = "thumbwheel",
                                                .via = via,
                                                .max_receives = 3};
    struct error error;
    memset(&world, 0, sizeof world);
    assert_int_equal(provision_plan_make(&world.plan, &ops, pipelines, 1, &settings, &error), 0);
    world.run = (struct provision_run){.plan = &world.plan,
                                       .place = {"aws", "eu-central-1", "123456789012"},
                                       .write = true,
                                       .compared = on_compared,
                                       .written = on_written};
}

static struct error provision(enum provision_via via)
{
    struct script_outcome seen = {0};
    plan_make(via);
    assert_int_equal(aws_provision(script.aws, &world.run, script_on_done, &seen), 0);
    assert_false(seen.done);
    script_run(&seen.done);
    provision_plan_clear(&world.plan);
    return seen.error;
}

#define OK_RESPONSE                                                                                \
    {                                                                                              \
        .status = 200                                                                              \
    }
#define BODY(text)                                                                                 \
    {                                                                                              \
        .status = 200, .body = (text)                                                              \
    }
#define LOCATION BODY("<LocationConstraint>eu-central-1</LocationConstraint>")
#define NO_BUCKET                                                                                  \
    {                                                                                              \
        .status = 404, .body = "<Error><Code>NoSuchBucket</Code></Error>"                          \
    }
#define NO_TOPIC                                                                                   \
    {                                                                                              \
        .status = 404,                                                                             \
        .body = "<ErrorResponse><Error><Code>NotFound</Code></Error></ErrorResponse>"              \
    }
#define NO_QUEUE                                                                                   \
    {                                                                                              \
        .status = 400, .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}"              \
    }
#define QUEUE_URL(name)                                                                            \
    BODY("{\"QueueUrl\":\"https://sqs.eu-central-1.amazonaws.com/123456789012/" name "\"}")
#define TOPIC_CREATED                                                                              \
    BODY("<CreateTopicResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">"                \
         "<CreateTopicResult><TopicArn>" TOPIC "</TopicArn></CreateTopicResult>"                   \
         "</CreateTopicResponse>")
#define TOPIC_KNOWN(policy)                                                                        \
    "<GetTopicAttributesResponse><GetTopicAttributesResult><Attributes><entry><key>Owner</key>"    \
    "<value>1</value></entry><entry><key>Policy</key><value>" policy "</value></entry>"            \
    "</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>"
#define TOPIC_CHANGED BODY("<SetTopicAttributesResponse/>")
#define SUBSCRIPTIONS(members)                                                                     \
    BODY("<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><"                     \
         "Subscriptions>" members "</Subscriptions></ListSubscriptionsByTopicResult>"              \
         "</ListSubscriptionsByTopicResponse>")
#define SUBSCRIBED                                                                                 \
    BODY("<SubscribeResponse><SubscribeResult><SubscriptionArn>a</SubscriptionArn>"                \
         "</SubscribeResult></SubscribeResponse>")
#define IS_RAW                                                                                     \
    BODY("<GetSubscriptionAttributesResponse><GetSubscriptionAttributesResult><Attributes><entry>" \
         "<key>RawMessageDelivery</key><value>true</value></entry></Attributes>"                   \
         "</GetSubscriptionAttributesResult></GetSubscriptionAttributesResponse>")

static json_t *sent(size_t request, const char *member)
{
    json_t *root = json_loads(script.requests[request].body, 0, NULL);
    json_t *attributes = json_incref(json_object_get(root, member));
    json_decref(root);
    assert_non_null(attributes);
    return attributes;
}

static void assert_queue_attributes(size_t request)
{
    json_t *attributes = sent(request, "Attributes");
    assert_string_equal(json_text_in(attributes, "VisibilityTimeout"), "120");
    json_t *redrive = json_loads(json_text_in(attributes, "RedrivePolicy"), 0, NULL);
    assert_string_equal(json_text_in(redrive, "deadLetterTargetArn"), DEAD);
    assert_int_equal(json_integer_value(json_object_get(redrive, "maxReceiveCount")), 3);
    json_decref(redrive);
    json_decref(attributes);
}

static void a_first_run_creates_everything(void **state)
{
    (void)state;
    SCRIPT(&script_options, NO_BUCKET, OK_RESPONSE, NO_BUCKET, OK_RESPONSE, NO_TOPIC, TOPIC_CREATED,
           BODY(TOPIC_KNOWN("{&quot;Statement&quot;:[]}")), TOPIC_CHANGED, NO_QUEUE,
           QUEUE_URL("web-dlq"), NO_QUEUE, QUEUE_URL("web"), QUEUE_URL("web"), BODY("{}"),
           BODY("{}"), SUBSCRIPTIONS(""), SUBSCRIBED, BODY(OPEN THEIRS CLOSE), OK_RESPONSE);
    assert_int_equal(provision(PROVISION_SNS).code, 0);
    assert_int_equal(world.written, 9);
    assert_string_equal(script.requests[1].url, "https://photos.s3.eu-central-1.amazonaws.com/");
    assert_non_null(
        strstr(script.requests[1].body, "<LocationConstraint>eu-central-1</LocationConstraint>"));
    assert_string_equal(script.requests[3].url,
                        "https://renditions.s3.eu-central-1.amazonaws.com/");
    assert_non_null(strstr(script.requests[7].body, "Action=SetTopicAttributes"));
    assert_queue_attributes(11);
    json_t *attributes = sent(14, "Attributes");
    assert_non_null(strstr(json_text_in(attributes, "Policy"), "\"sns.amazonaws.com\""));
    json_decref(attributes);
    assert_non_null(strstr(script.requests[16].body, "Attributes.entry.1.key=RawMessageDelivery"
                                                     "&Attributes.entry.1.value=true"));
    assert_string_equal(script.requests[18].method, "PUT");
    assert_string_equal(script.requests[18].url,
                        "https://photos.s3.eu-central-1.amazonaws.com/?notification=");
    assert_non_null(strstr(script.requests[18].body, OPEN THEIRS "<TopicConfiguration>"));
    script_end();
}

/* The text of a policy with the plan's statement. */
static char *policy_of(enum provision_kind kind, const char *name)
{
    char *text = NULL;
    json_t *ours =
        provision_statement(&world.plan, provision_find(&world.plan, kind, name), &world.run.place);
    assert_int_equal(policy_merge(NULL, ours, &text), 0);
    json_decref(ours);
    return text;
}

/* The responses after an earlier run created everything. */
static void a_second_run_only_reads(void **state)
{
    (void)state;
    struct buffer topic;
    plan_make(PROVISION_SNS);
    char *queue_policy = policy_of(PROVISION_QUEUE_POLICY, "web");
    char *topic_policy = policy_of(PROVISION_TOPIC_POLICY, "photo-events");
    provision_plan_clear(&world.plan);
    json_t *attributes =
        json_pack("{s:{s:s, s:s, s:s, s:s}}", "Attributes", "MessageRetentionPeriod", "1209600",
                  "VisibilityTimeout", "120", "Policy", queue_policy, "RedrivePolicy",
                  "{\"maxReceiveCount\":\"3\",\"deadLetterTargetArn\":\"" DEAD "\"}");
    char *queue_text = json_dumps(attributes, 0);
    buffer_init(&topic, 8192);
    buffer_format(&topic, TOPIC_KNOWN("%s"), topic_policy);
    SCRIPT(&script_options, LOCATION, LOCATION, BODY(topic.data), BODY(topic.data),
           QUEUE_URL("web-dlq"), BODY(queue_text), QUEUE_URL("web"), BODY(queue_text),
           QUEUE_URL("web"), BODY(queue_text),
           SUBSCRIPTIONS("<member><SubscriptionArn>arn:aws:sns:x:1:t:a</SubscriptionArn><Endpoint>"
                         "other</Endpoint></member><member><SubscriptionArn>" TOPIC
                         ":b</SubscriptionArn><Endpoint>" QUEUE "</Endpoint></member>"),
           IS_RAW,
           BODY("<NotificationConfiguration><TopicConfiguration><Id>thumbwheel</Id><Topic>" TOPIC
                "</Topic><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>Prefix"
                "</Name><Value>ingest/</Value></FilterRule></S3Key></Filter></TopicConfiguration>"
                "</NotificationConfiguration>"));
    assert_int_equal(provision(PROVISION_SNS).code, 0);
    assert_int_equal(world.differing, 0);
    assert_int_equal(world.written, 0);
    assert_non_null(strstr(script.requests[11].body, "photo-events%3Ab"));
    script_end();
    buffer_free(&topic);
    free(queue_text);
    json_decref(attributes);
    free(queue_policy);
    free(topic_policy);
}

static void a_failure_names_the_resource(void **state)
{
    (void)state;
    SCRIPT(&script_options, NO_BUCKET,
           {.status = 409,
            .body = "<Error><Code>BucketAlreadyExists</Code><Message>The requested "
                    "bucket name is not available.</Message></Error>"});
    struct error error = provision(PROVISION_SNS);
    assert_int_equal(error.code, ERR_CONFLICT);
    assert_non_null(strstr(error.text, "bucket photos: cannot set it"));
    assert_non_null(strstr(error.text, "not available"));
    script_end();
}

static void what_stands_in_the_way_is_not_changed(void **state)
{
    (void)state;
    SCRIPT(&script_options, {.status = 403, .body = "<Error><Code>AccessDenied</Code></Error>"});
    struct error error = provision(PROVISION_SQS);
    assert_int_equal(error.code, ERR_CONFLICT);
    assert_non_null(strstr(error.text, "belongs to somebody else"));
    script_end();
    SCRIPT(&script_options, BODY("<LocationConstraint/>"));
    assert_non_null(strstr(provision(PROVISION_SQS).text, "use --region us-east-1"));
    script_end();
}

/* A policy that cannot be read must not be replaced by only ours. */
static void unreadable_policies_are_left(void **state)
{
    (void)state;
    SCRIPT(&script_options, LOCATION, LOCATION, BODY(TOPIC_KNOWN("{}")),
           BODY("<GetTopicAttributesResponse><GetTopicAttributesResult>"),
           BODY("<GetTopicAttributesResponse><GetTopicAttributesResult>"),
           BODY("<GetTopicAttributesResponse><GetTopicAttributesResult>"));
    struct error error = provision(PROVISION_SNS);
    assert_int_equal(error.code, ERR_PROTOCOL);
    assert_non_null(strstr(error.text, "GetTopicAttributes"));
    script_end();
    SCRIPT(&script_options, LOCATION, LOCATION, BODY(TOPIC_KNOWN("{}")),
           BODY(TOPIC_KNOWN("not JSON")));
    assert_int_equal(provision(PROVISION_SNS).code, ERR_INVALID);
    script_end();
}

/* A queue that was just created may not be visible everywhere. */
static void a_new_queue_is_waited_for(void **state)
{
    (void)state;
    SCRIPT(&script_options, LOCATION, LOCATION, NO_QUEUE, QUEUE_URL("web-dlq"), NO_QUEUE,
           QUEUE_URL("web"), NO_QUEUE, QUEUE_URL("web"), NO_QUEUE, BODY("{}"), BODY("{}"),
           BODY(OPEN CLOSE), OK_RESPONSE);
    assert_int_equal(provision(PROVISION_SQS).code, 0);
    script_end();
}

/* PutTargets tells in a 200 that it failed. */
static void a_refused_target_is_a_failure(void **state)
{
    (void)state;
    SCRIPT(&script_options, LOCATION, LOCATION, NO_QUEUE, QUEUE_URL("web-dlq"), NO_QUEUE,
           QUEUE_URL("web"), {.status = 400, .body = "{\"__type\":\"ResourceNotFoundException\"}"},
           BODY("{\"RuleArn\":\"arn\"}"), QUEUE_URL("web"), BODY("{}"), BODY("{}"), BODY("{}"),
           BODY("{\"FailedEntryCount\":1,\"FailedEntries\":[{\"ErrorMessage\":\"too many\"}]}"));
    struct error error = provision(PROVISION_EVENTBRIDGE);
    assert_non_null(strstr(error.text, "too many"));
    assert_string_equal(script_header(7, "content-type"), "application/x-amz-json-1.1");
    script_end();
}

static void a_pending_run_ends_with_its_client(void **state)
{
    (void)state;
    struct script_outcome seen = {0};
    SCRIPT(&script_options, {.never = true});
    plan_make(PROVISION_SNS);
    assert_int_equal(aws_provision(script.aws, &world.run, script_on_done, &seen), 0);
    script_end();
    assert_false(seen.done);
    provision_plan_clear(&world.plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_policy_has_one_statement),
        cmocka_unit_test(policies_are_merged),
        cmocka_unit_test(what_is_not_a_policy_is_refused),
        cmocka_unit_test(notifications_are_read_as_they_are_written),
        cmocka_unit_test(lifecycle_rules_are_read_as_they_are_written),
        cmocka_unit_test(a_first_run_creates_everything),
        cmocka_unit_test(a_second_run_only_reads),
        cmocka_unit_test(a_failure_names_the_resource),
        cmocka_unit_test(what_stands_in_the_way_is_not_changed),
        cmocka_unit_test(unreadable_policies_are_left),
        cmocka_unit_test(a_new_queue_is_waited_for),
        cmocka_unit_test(a_refused_target_is_a_failure),
        cmocka_unit_test(a_pending_run_ends_with_its_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
