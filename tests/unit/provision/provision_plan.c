/* The plan that provision makes of pipelines, without any cloud. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provision_document.h"

struct pipeline {
    struct pipeline_facts facts;
    struct pipeline_output outputs[2]; /* the last one: the sidecar */
};

static const struct pipeline_facts *facts_of(const struct pipeline *pipeline)
{
    return &pipeline->facts;
}

static struct pipeline_output output_of(const struct pipeline *pipeline, size_t index)
{
    return pipeline->outputs[index];
}

static const struct pipeline_ops ops = {.facts = facts_of, .output = output_of};

static const char *const ingest[] = {"ingest/"};
static const char *const two[] = {"a/", "b/"};
static const char *const nested[] = {"ingest/raw/"};
static struct pipeline web = {{.name = "web",
                               .queue = "web-queue",
                               .match_bucket = "photos",
                               .match_prefixes = ingest,
                               .match_prefix_count = 1,
                               .output_count = 1},
                              {{.key = "web/{name}"}}};
static struct pipeline small = {{.name = "small",
                                 .queue = "small-queue",
                                 .visibility_s = 90,
                                 .match_prefixes = two,
                                 .match_prefix_count = 2,
                                 .output_count = 1},
                                {{.bucket = "thumbs", .key = "{name}.png"}}};
static struct pipeline raw = {
    {.name = "raw", .queue = "raw-queue", .match_prefixes = nested, .match_prefix_count = 1},
    {{0}, {0}}};
static struct pipeline foreign = {
    {.name = "foreign", .queue = "arn:aws:sqs:us-east-1:999999999999:their-queue"}, {{0}, {0}}};
static struct pipeline ordered = {{.name = "ordered", .queue = "in-order.fifo"}, {{0}, {0}}};
static struct pipeline beside = {{.name = "beside",
                                  .queue = "q",
                                  .match_prefixes = ingest,
                                  .match_prefix_count = 1,
                                  .output_count = 1},
                                 {{.key = "{dir}/small-{name}"}}};

static const struct provision_place place = {"aws", "eu-west-1", "123456789012"};

enum { PIPELINES_MAX = 4 };

static int make(struct provision_plan *plan, const struct provision_settings *settings,
                struct error *error, struct pipeline *const pipelines[PIPELINES_MAX])
{
    size_t count = 0;
    while (count < PIPELINES_MAX && pipelines[count])
        count++;
    *error = (struct error){0};
    return provision_plan_make(plan, &ops, pipelines, count, settings, error);
}

#define PIPELINES(...) ((struct pipeline *const[PIPELINES_MAX]){__VA_ARGS__})

/* One line for each resource: kind, name, the names of what it is on and leads to. */
static void assert_plan(const struct provision_plan *plan, const char *expected)
{
    struct buffer text;
    buffer_init(&text, 1 << 16);
    for (size_t i = 0; i < plan->count; i++) {
        const struct provision_resource *r = &plan->resources[i];
        buffer_format(&text, "%s %s", provision_kind_name(r->kind), r->name);
        if (r->on != PROVISION_NONE)
            buffer_format(&text, " on %s", plan->resources[r->on].name);
        if (r->to != PROVISION_NONE)
            buffer_format(&text, " to %s", plan->resources[r->to].name);
        buffer_byte(&text, '\n');
        assert_true(r->on == PROVISION_NONE || r->on < i); /* the order of dependencies */
        assert_true(r->to == PROVISION_NONE || r->to < i);
    }
    assert_string_equal(text.data, expected);
    buffer_free(&text);
}

static void assert_attributes(const struct provision_plan *plan, enum provision_kind kind,
                              const char *name, const char *expected)
{
    size_t index = provision_find(plan, kind, name);
    assert_true(index != PROVISION_NONE);
    json_t *attributes = provision_attributes(plan, index, &place);
    char *text = json_dumps(attributes, JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    json_decref(attributes);
}

static void a_topic_leads_to_every_queue(void **state)
{
    (void)state;
    const struct provision_settings settings = {
        .name = "photo-events", .max_receives = 3, .retention_s = 600, .visibility_s = 30};
    struct provision_plan plan;
    struct error error;
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&web, &small)), 0);
    assert_plan(&plan, "bucket photos\n"
                       "bucket thumbs\n"
                       "topic photo-events\n"
                       "policy of topic photo-events on photo-events to photos\n"
                       "queue web-queue-dlq\n"
                       "queue web-queue to web-queue-dlq\n"
                       "policy of queue web-queue on web-queue to photo-events\n"
                       "subscription of queue web-queue on photo-events to web-queue\n"
                       "queue small-queue-dlq\n"
                       "queue small-queue to small-queue-dlq\n"
                       "policy of queue small-queue on small-queue to photo-events\n"
                       "subscription of queue small-queue on photo-events to small-queue\n"
                       "notification of bucket photos on photos\n");
    assert_attributes(&plan, PROVISION_QUEUE, "small-queue",
                      "{\"DeadLetterQueue\":\"arn:aws:sqs:eu-west-1:123456789012:small-queue-dlq\","
                      "\"MaxReceiveCount\":3,\"MessageRetentionPeriod\":600,"
                      "\"VisibilityTimeout\":90}");
    assert_attributes(&plan, PROVISION_QUEUE, "web-queue-dlq",
                      "{\"MessageRetentionPeriod\":1209600}");
    assert_attributes(
        &plan, PROVISION_NOTIFICATION, "photos",
        "{\"thumbwheel-photo-events\":{\"Events\":[\"s3:ObjectCreated:*\"],\"Prefix\":\"ingest/\","
        "\"Suffix\":\"\",\"Target\":\"arn:aws:sns:eu-west-1:123456789012:photo-events\"},"
        "\"thumbwheel-photo-events/2\":{\"Events\":[\"s3:ObjectCreated:*\"],\"Prefix\":\"a/\","
        "\"Suffix\":\"\",\"Target\":\"arn:aws:sns:eu-west-1:123456789012:photo-events\"},"
        "\"thumbwheel-photo-events/3\":{\"Events\":[\"s3:ObjectCreated:*\"],\"Prefix\":\"b/\","
        "\"Suffix\":\"\",\"Target\":\"arn:aws:sns:eu-west-1:123456789012:photo-events\"}}");
    assert_attributes(&plan, PROVISION_SUBSCRIPTION, "web-queue", "{\"RawMessageDelivery\":true}");
    provision_plan_clear(&plan);
}

static void a_policy_lets_one_source_send(void **state)
{
    (void)state;
    const struct provision_settings settings = {.via = PROVISION_SNS, .name = "t"};
    struct provision_plan plan;
    struct error error;
    char sid[PROVISION_SID_SIZE], expected[1024];
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&web)), 0);
    provision_sid(&plan, provision_find(&plan, PROVISION_TOPIC_POLICY, "t"), sid);
    snprintf(expected, sizeof expected,
             "{\"Statement\":{\"Action\":\"SNS:Publish\",\"Condition\":{\"ArnLike\":"
             "{\"aws:SourceArn\":\"arn:aws:s3:::photos\"},\"StringEquals\":{\"aws:SourceAccount\":"
             "\"123456789012\"}},\"Effect\":\"Allow\",\"Principal\":{\"Service\":"
             "\"s3.amazonaws.com\"},\"Resource\":\"arn:aws:sns:eu-west-1:123456789012:t\","
             "\"Sid\":\"%s\"}}",
             sid);
    assert_attributes(&plan, PROVISION_TOPIC_POLICY, "t", expected);
    provision_sid(&plan, provision_find(&plan, PROVISION_QUEUE_POLICY, "web-queue"), sid);
    snprintf(expected, sizeof expected,
             "{\"Statement\":{\"Action\":\"sqs:SendMessage\",\"Condition\":{\"ArnEquals\":"
             "{\"aws:SourceArn\":\"arn:aws:sns:eu-west-1:123456789012:t\"}},\"Effect\":\"Allow\","
             "\"Principal\":{\"Service\":\"sns.amazonaws.com\"},\"Resource\":"
             "\"arn:aws:sqs:eu-west-1:123456789012:web-queue\",\"Sid\":\"%s\"}}",
             sid);
    assert_attributes(&plan, PROVISION_QUEUE_POLICY, "web-queue", expected);
    provision_plan_clear(&plan);
}

static void eventbridge_has_a_rule_for_each_queue(void **state)
{
    (void)state;
    const struct provision_settings settings = {
        .via = PROVISION_EVENTBRIDGE, .bucket = "photos", .max_receives = 3};
    struct provision_plan plan;
    struct error error;
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&small, &ordered)), 0);
    assert_plan(&plan, "bucket photos\n"
                       "bucket thumbs\n"
                       "queue small-queue-dlq\n"
                       "queue small-queue to small-queue-dlq\n"
                       "rule thumbwheel-small on photos\n"
                       "policy of queue small-queue on small-queue to thumbwheel-small\n"
                       "target of rule thumbwheel on thumbwheel-small to small-queue\n"
                       "queue in-order-dlq.fifo\n"
                       "queue in-order.fifo to in-order-dlq.fifo\n"
                       "rule thumbwheel-ordered on photos\n"
                       "policy of queue in-order.fifo on in-order.fifo to thumbwheel-ordered\n"
                       "target of rule thumbwheel on thumbwheel-ordered to in-order.fifo\n"
                       "EventBridge events of bucket photos on photos\n");
    assert_attributes(
        &plan, PROVISION_RULE, "thumbwheel-small",
        "{\"EventPattern\":{\"detail\":{\"bucket\":{\"name\":[\"photos\"]},\"object\":{\"key\":"
        "[{\"prefix\":\"a/\"},{\"prefix\":\"b/\"}]}},\"detail-type\":[\"Object Created\"],"
        "\"source\":[\"aws.s3\"]},\"State\":\"ENABLED\"}");
    assert_attributes(&plan, PROVISION_RULE, "thumbwheel-ordered",
                      "{\"EventPattern\":{\"detail\":{\"bucket\":{\"name\":[\"photos\"]}},"
                      "\"detail-type\":[\"Object Created\"],\"source\":[\"aws.s3\"]},"
                      "\"State\":\"ENABLED\"}");
    assert_attributes(&plan, PROVISION_QUEUE, "in-order.fifo",
                      "{\"ContentBasedDeduplication\":true,\"DeadLetterQueue\":"
                      "\"arn:aws:sqs:eu-west-1:123456789012:in-order-dlq.fifo\",\"FifoQueue\":true,"
                      "\"MaxReceiveCount\":3}");
    provision_plan_clear(&plan);
}

static void a_prefix_and_a_suffix_are_a_wildcard(void **state)
{
    (void)state;
    const struct provision_settings settings = {
        .via = PROVISION_EVENTBRIDGE, .bucket = "photos", .prefix = "in*/", .suffix = ".jpg"};
    struct provision_plan plan;
    struct error error;
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&web)), 0);
    json_t *pattern =
        provision_pattern(&plan, provision_find(&plan, PROVISION_RULE, "thumbwheel-web"));
    const json_t *keys =
        json_object_get(json_object_get(json_object_get(pattern, "detail"), "object"), "key");
    assert_string_equal(json_string_value(json_object_get(json_array_get(keys, 0), "wildcard")),
                        "in\\*/*.jpg");
    json_decref(pattern);
    provision_plan_clear(&plan);
}

static void queues_are_notified_directly_if_their_photos_differ(void **state)
{
    (void)state;
    struct provision_settings settings = {.via = PROVISION_SQS, .bucket = "photos"};
    struct provision_plan plan;
    struct error error;
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&web, &small)), 0);
    assert_attributes(
        &plan, PROVISION_NOTIFICATION, "photos",
        "{\"thumbwheel\":{\"Events\":[\"s3:ObjectCreated:*\"],\"Prefix\":\"ingest/\","
        "\"Suffix\":\"\",\"Target\":\"arn:aws:sqs:eu-west-1:123456789012:web-queue\"},"
        "\"thumbwheel/2\":{\"Events\":[\"s3:ObjectCreated:*\"],\"Prefix\":\"a/\","
        "\"Suffix\":\"\",\"Target\":\"arn:aws:sqs:eu-west-1:123456789012:small-queue\"},"
        "\"thumbwheel/3\":{\"Events\":[\"s3:ObjectCreated:*\"],\"Prefix\":\"b/\","
        "\"Suffix\":\"\",\"Target\":\"arn:aws:sqs:eu-west-1:123456789012:small-queue\"}}");
    provision_plan_clear(&plan);
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&web, &raw)), ERR_INVALID);
    assert_non_null(strstr(error.text, "--via sns"));
    provision_plan_clear(&plan);
    settings.via = PROVISION_SNS; /* a prefix within another needs no notification of its own */
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&raw, &web)), 0);
    assert_int_equal(plan.filter_count, 1);
    assert_string_equal(plan.filters[0].prefix, "ingest/");
    provision_plan_clear(&plan);
}

static void a_queue_of_somebody_else_is_left_to_them(void **state)
{
    (void)state;
    const struct provision_settings settings = {.bucket = "photos"};
    struct provision_plan plan;
    struct error error;
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&foreign, &web)), 0);
    assert_int_equal(plan.notes.count, 1);
    assert_non_null(strstr(plan.notes.items[0], "their-queue"));
    for (size_t i = 0; i < plan.count; i++)
        assert_null(strstr(plan.resources[i].name, "their-queue"));
    provision_plan_clear(&plan);
}

static void outputs_expire_where_photos_do_not(void **state)
{
    (void)state;
    const struct provision_settings settings = {.bucket = "photos", .lifecycle_days = 30};
    struct provision_plan plan;
    struct error error;
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&web, &small)), 0);
    assert_attributes(&plan, PROVISION_LIFECYCLE, "photos",
                      "{\"thumbwheel-web/\":{\"ExpirationDays\":30,\"Prefix\":\"web/\"}}");
    assert_attributes(&plan, PROVISION_LIFECYCLE, "thumbs",
                      "{\"thumbwheel\":{\"ExpirationDays\":30,\"Prefix\":\"\"}}");
    provision_plan_clear(&plan);
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&beside)), ERR_INVALID);
    assert_non_null(strstr(error.text, "would delete photos"));
    provision_plan_clear(&plan);
}

static void what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct provision_settings settings;
        struct pipeline *pipeline;
        const char *says;
    } cases[] = {
        {{.via = PROVISION_SQS, .bucket = "photos"}, &ordered, "and S3 cannot send to one"},
        {{.via = PROVISION_SNS, .bucket = "photos"},
         &ordered,
         "a topic that S3 notifies cannot send"},
        {{.bucket = "other"}, &web, "takes only photos of the bucket photos"},
        {{.name = "t"}, &small, "no bucket"},
        {{.name = "a b", .bucket = "photos"}, &web, "--name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct provision_plan plan;
        struct error error;
        assert_int_equal(make(&plan, &cases[i].settings, &error, PIPELINES(cases[i].pipeline)),
                         ERR_INVALID);
        if (!strstr(error.text, cases[i].says))
            fail_msg("%s", error.text);
        provision_plan_clear(&plan);
    }
}

static bool has_name(const struct provision_plan *plan, const char *part)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strstr(plan->resources[i].name, part))
            return true;
    return false;
}

/* S3 has no bucket of that name, and would create one for an alias if it could. */
static void an_access_point_is_not_a_bucket(void **state)
{
    (void)state;
    static const char *const names[] = {"arn:aws:s3:eu-west-1:123456789012:accesspoint/small",
                                        "small-metadata-s3alias"};
    const struct provision_settings settings = {.bucket = "photos", .lifecycle_days = 30};
    for (size_t i = 0; i < 2; i++) {
        struct pipeline p = {{.name = "p", .queue = "q", .output_count = 1},
                             {{.bucket = names[i], .key = "s/{name}"}}};
        const struct provision_settings behind = {.bucket = names[i]};
        struct provision_plan plan;
        struct error error;
        assert_int_equal(make(&plan, &settings, &error, PIPELINES(&p)), 0);
        assert_false(has_name(&plan, "small"));
        assert_int_equal(plan.notes.count, 1);
        assert_non_null(strstr(plan.notes.items[0], names[i]));
        provision_plan_clear(&plan);
        assert_int_equal(make(&plan, &behind, &error, PIPELINES(&small)), ERR_INVALID);
        assert_non_null(strstr(error.text, "the bucket behind it"));
        provision_plan_clear(&plan);
    }
}

/* What is made for a target, and the note on it; NULL: none. */
static void what_pipelines_notify_is_made_where_it_is(void **state)
{
    (void)state;
    static const struct {
        struct pipeline_notify notify;
        const char *made, *noted;
        bool is_template;
    } cases[] = {
        {{.kind = NOTIFY_TOPIC, .target = "arn:aws:sns:eu-west-1:123456789012:ready"},
         "topic ready\n",
         NULL,
         false},
        {{.kind = NOTIFY_TOPIC, .target = "arn:aws:sns:eu-west-1:999999999999:ready"},
         NULL,
         "another account or region",
         false},
        {{.kind = NOTIFY_TOPIC, .target = "arn:aws:sns:us-east-1:123456789012:ready"},
         NULL,
         "another account or region",
         false},
        {{.kind = NOTIFY_TOPIC, .target = "arn:aws:sns:us-east-1:123456789012:ready"},
         "topic ready\n",
         NULL,
         true},
        {{.kind = NOTIFY_QUEUE, .target = "ready"}, "queue ready\n", NULL, false},
        {{.kind = NOTIFY_QUEUE, .target = "arn:aws:sqs:eu-west-1:123456789012:ready"},
         "queue ready\n",
         NULL,
         false},
        {{.kind = NOTIFY_QUEUE, .target = "https://sqs.eu-west-1.amazonaws.com/123456789012/ready"},
         "queue ready\n",
         NULL,
         false},
        {{.kind = NOTIFY_QUEUE, .target = "https://sqs.eu-west-2.amazonaws.com/123456789012/ready"},
         NULL,
         "another account or region",
         false},
        {{.kind = NOTIFY_QUEUE, .target = "http://127.0.0.1:4566/000000000000/ready"},
         NULL,
         "does not say where it is",
         false},
        {{.kind = NOTIFY_EVENT_BUS, .target = "default"}, NULL, NULL, false},
        {{.kind = NOTIFY_EVENT_BUS, .target = "ready"}, NULL, "event bus ready", false},
        {{.kind = NOTIFY_EVENT_BUS,
          .target = "arn:aws:events:eu-west-1:123456789012:event-bus/default"},
         NULL,
         NULL,
         false},
        {{.kind = NOTIFY_EVENT_BUS,
          .target = "arn:aws:events:eu-west-1:999999999999:event-bus/default"},
         NULL,
         "another account or region",
         false},
        {{.kind = NOTIFY_URL, .target = "https://example.com/ready"}, NULL, NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct provision_settings settings = {.via = PROVISION_SQS,
                                                    .place = cases[i].is_template ? NULL : &place};
        char expected[512];
        struct pipeline p = web;
        struct provision_plan plan;
        struct error error;
        p.facts.notify = &cases[i].notify;
        snprintf(expected, sizeof expected,
                 "bucket photos\n"
                 "queue web-queue-dlq\n"
                 "queue web-queue to web-queue-dlq\n"
                 "policy of queue web-queue on web-queue to photos\n"
                 "%snotification of bucket photos on photos\n",
                 cases[i].made ? cases[i].made : "");
        assert_int_equal(make(&plan, &settings, &error, PIPELINES(&p)), 0);
        assert_plan(&plan, expected);
        assert_int_equal(plan.notes.count, cases[i].noted ? 1 : 0);
        if (cases[i].noted)
            assert_non_null(strstr(plan.notes.items[0], cases[i].noted));
        provision_plan_clear(&plan);
    }
}

static void a_target_that_is_in_the_plan_is_made_once(void **state)
{
    (void)state;
    static const struct pipeline_notify
        ready = {.kind = NOTIFY_TOPIC, .target = "arn:aws:sns:eu-west-1:123456789012:ready.fifo"},
        events = {.kind = NOTIFY_TOPIC, .target = "arn:aws:sns:eu-west-1:123456789012:thumbwheel"};
    const struct provision_settings settings = {.bucket = "photos", .place = &place};
    struct pipeline one = web, other = small;
    struct provision_plan plan;
    struct error error;
    one.facts.notify = other.facts.notify = &ready;
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&one, &other)), 0);
    const size_t topic = provision_find(&plan, PROVISION_TOPIC, "ready.fifo");
    assert_true(plan.resources[topic].fifo && plan.resources[topic].notify);
    for (size_t i = topic + 1; i < plan.count; i++)
        assert_string_not_equal(plan.resources[i].name, "ready.fifo");
    provision_plan_clear(&plan);
    /* A template does not know its place: both of one name, and the named one always. */
    static const struct pipeline_notify here = {.kind = NOTIFY_QUEUE,
                                                .target =
                                                    "arn:aws:sqs:eu-west-1:123456789012:ready"},
                                        there = {.kind = NOTIFY_QUEUE,
                                                 .target =
                                                     "arn:aws:sqs:eu-west-2:123456789012:ready"},
                                        named = {.kind = NOTIFY_QUEUE, .target = "ready"};
    const struct provision_settings template = {.bucket = "photos"};
    for (size_t i = 0; i < 2; i++) {
        one.facts.notify = &here;
        other.facts.notify = i ? &named : &there;
        assert_int_equal(make(&plan, &template, &error, PIPELINES(&one, &other)), 0);
        size_t queues = 0, everywhere = 0;
        for (size_t k = 0; k < plan.count; k++) {
            queues += strcmp(plan.resources[k].name, "ready") == 0;
            everywhere +=
                strcmp(plan.resources[k].name, "ready") == 0 && !plan.resources[k].home_region;
        }
        assert_int_equal(queues, i ? 1 : 2);
        assert_int_equal(everywhere, i ? 1 : 0);
        provision_plan_clear(&plan);
    }
    one.facts.notify = &events; /* mails about photos would be taken for events of photos */
    assert_int_equal(make(&plan, &settings, &error, PIPELINES(&one)), ERR_INVALID);
    assert_non_null(strstr(error.text, "use another --name"));
    provision_plan_clear(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_leads_to_every_queue),
        cmocka_unit_test(a_policy_lets_one_source_send),
        cmocka_unit_test(eventbridge_has_a_rule_for_each_queue),
        cmocka_unit_test(a_prefix_and_a_suffix_are_a_wildcard),
        cmocka_unit_test(queues_are_notified_directly_if_their_photos_differ),
        cmocka_unit_test(a_queue_of_somebody_else_is_left_to_them),
        cmocka_unit_test(outputs_expire_where_photos_do_not),
        cmocka_unit_test(what_does_not_go_together_is_refused),
        cmocka_unit_test(an_access_point_is_not_a_bucket),
        cmocka_unit_test(what_pipelines_notify_is_made_where_it_is),
        cmocka_unit_test(a_target_that_is_in_the_plan_is_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
