/* The permissions that the engine needs for pipelines, and the names and texts of templates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hcl_write.h"
#include "provision_emit.h"
#include "template_names.h"
#include "yaml_write.h"

struct pipeline {
    struct pipeline_facts facts;
    struct pipeline_output outputs[3]; /* the last one: the sidecar */
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
static const struct provision_place place = {"aws", "eu-west-1", "123456789012"};

enum { PIPELINES_MAX = 4 };

#define PIPELINES(...) ((struct pipeline *const[PIPELINES_MAX]){__VA_ARGS__})

/* The policy as one line; for free(). */
static char *policy_of(const struct provision_settings *settings,
                       struct pipeline *const pipelines[PIPELINES_MAX])
{
    struct provision_plan plan;
    struct provision_permissions permissions;
    struct error error = {0};
    struct buffer out;
    size_t count = 0;
    while (count < PIPELINES_MAX && pipelines[count])
        count++;
    assert_int_equal(provision_plan_make(&plan, &ops, pipelines, count, settings, &error), 0);
    assert_int_equal(
        provision_permissions_make(&permissions, &plan, &ops, pipelines, count, &error), 0);
    buffer_init(&out, PROVISION_EMIT_MAX);
    assert_int_equal(provision_emit_iam_policy(&plan, &permissions, &place, &out), 0);
    json_t *policy = json_loads(out.data, 0, NULL);
    char *text = json_dumps(json_object_get(policy, "Statement"), JSON_COMPACT);
    json_decref(policy);
    buffer_free(&out);
    provision_permissions_clear(&permissions);
    provision_plan_clear(&plan);
    return text;
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in %s", part, text);
}

static const char *const ingest[] = {"ingest/"};
static struct pipeline web = {.facts = {.name = "web",
                                        .queue = "web-queue",
                                        .match_bucket = "photos",
                                        .match_prefixes = ingest,
                                        .match_prefix_count = 1,
                                        .output_count = 1},
                              .outputs = {{.key = "web/Web-{image}"}}};

#define SQS "arn:aws:sqs:eu-west-1:123456789012:"

static void a_plain_pipeline_needs_the_least(void **state)
{
    (void)state;
    const struct provision_settings settings = {.max_receives = 3};
    char *policy = policy_of(&settings, PIPELINES(&web));
    assert_string_equal(
        policy,
        "[{\"Sid\":\"Queues\",\"Effect\":\"Allow\",\"Action\":[\"sqs:GetQueueUrl\","
        "\"sqs:GetQueueAttributes\",\"sqs:ReceiveMessage\",\"sqs:DeleteMessage\","
        "\"sqs:ChangeMessageVisibility\"],\"Resource\":[\"" SQS "web-queue\"]},"
        "{\"Sid\":\"DeadLetters\",\"Effect\":\"Allow\",\"Action\":[\"sqs:GetQueueUrl\","
        "\"sqs:GetQueueAttributes\",\"sqs:SendMessage\"],\"Resource\":[\"" SQS "web-queue-dlq\"]},"
        "{\"Sid\":\"TellMissingFromDenied\",\"Effect\":\"Allow\",\"Action\":[\"s3:ListBucket\"],"
        "\"Resource\":[\"arn:aws:s3:::photos\"]},"
        "{\"Sid\":\"Sources\",\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\","
        "\"s3:GetObjectVersion\"],\"Resource\":[\"arn:aws:s3:::photos/ingest/*\"]},"
        "{\"Sid\":\"Outputs\",\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\"],"
        "\"Resource\":[\"arn:aws:s3:::photos/web/Web-*\"]}]");
    free(policy);
}

/* The literal parts stay; whatever a policy would read differently is a wildcard. */
static void keys_become_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *key, *pattern;
    } cases[] = {
        {"web/{name}", "/web/*"},
        {"{dir}/{name}", "/*"},
        {"a/{dir}/b-{stem}{ext}.x", "/a/*b-*.x"},
        {"{pipeline}/{width}x{height}/{image}", "/p/*x*/*"},
        {"50$/what?/{key}", "/50?/what?/*"},
        {"größe/{name}", "/gr*e/*"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct provision_settings settings = {.bucket = "b", .max_receives = 3};
        char expected[128];
        struct pipeline p = {.facts = {.name = "p", .queue = "q", .output_count = 1},
                             .outputs = {{.key = cases[i].key}}};
        char *policy = policy_of(&settings, PIPELINES(&p));
        snprintf(expected, sizeof expected, "\"arn:aws:s3:::b%s\"]}]", cases[i].pattern);
        assert_contains(policy, expected);
        free(policy);
    }
}

static void how_outputs_are_stored_needs_permissions(void **state)
{
    (void)state;
    static const struct object_pair tag = {"a", "b"};
    static const struct object_settings own = {.tags = &tag,
                                               .tag_count = 1,
                                               .acl = "public-read",
                                               .sse = "aws:kms",
                                               .kms_key = "1234abcd"};
    static const struct object_settings aliased = {.sse = "aws:kms", .kms_key = "alias/photos"};
    const struct provision_settings settings = {.max_receives = 3};
    struct pipeline p = web;
    p.facts.output_count = 2;
    p.facts.labels = p.facts.tags = true;
    static const struct labeler_settings rekognition = {.kind = LABELER_REKOGNITION};
    p.facts.labeler = &rekognition;
    p.outputs[0].settings = &own;
    p.outputs[1] =
        (struct pipeline_output){.bucket = "small", .key = "s/{name}", .settings = &aliased};
    p.outputs[2] = (struct pipeline_output){.key = "tags/{name}.json"};
    char *policy = policy_of(&settings, PIPELINES(&p, &web));
    assert_contains(policy, "\"s3:ListBucket\"],\"Resource\":[\"arn:aws:s3:::photos\","
                            "\"arn:aws:s3:::small\"]");
    assert_contains(policy, "{\"Sid\":\"SourceTags\",\"Effect\":\"Allow\",\"Action\":["
                            "\"s3:GetObjectTagging\",\"s3:GetObjectVersionTagging\","
                            "\"s3:PutObjectTagging\",\"s3:PutObjectVersionTagging\"],\"Resource\":"
                            "[\"arn:aws:s3:::photos/ingest/*\"]}");
    assert_contains(policy, "\"s3:PutObject\"],\"Resource\":[\"arn:aws:s3:::photos/web/Web-*\","
                            "\"arn:aws:s3:::small/s/*\",\"arn:aws:s3:::photos/tags/*.json\"]");
    assert_contains(policy, "{\"Sid\":\"OutputTags\",\"Effect\":\"Allow\",\"Action\":["
                            "\"s3:PutObjectTagging\"],\"Resource\":"
                            "[\"arn:aws:s3:::photos/web/Web-*\"]}");
    assert_contains(policy,
                    "\"s3:PutObjectAcl\"],\"Resource\":[\"arn:aws:s3:::photos/web/Web-*\"]");
    assert_contains(policy, "\"Sid\":\"Keys\",\"Effect\":\"Allow\",\"Action\":["
                            "\"kms:GenerateDataKey\"],\"Resource\":["
                            "\"arn:aws:kms:eu-west-1:123456789012:key/1234abcd\"]");
    assert_contains(policy, "\"arn:aws:kms:eu-west-1:123456789012:key/*\"],\"Condition\":"
                            "{\"ForAnyValue:StringEquals\":{\"kms:ResourceAliases\":["
                            "\"alias/photos\"]}}");
    assert_contains(policy, "\"rekognition:DetectLabels\"],\"Resource\":[\"*\"]");
    free(policy);
}

static void queues_of_others_are_read_where_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *queue, *arn;
    } cases[] = {
        {"arn:aws:sqs:us-east-1:999999999999:q", "arn:aws:sqs:us-east-1:999999999999:q"},
        {"https://sqs.us-east-2.amazonaws.com/999999999999/q",
         "arn:aws:sqs:us-east-2:999999999999:q"},
        {"https://us-east-2.queue.amazonaws.com/999999999999/q",
         "arn:aws:sqs:us-east-2:999999999999:q"},
        {"https://sqs.cn-north-1.amazonaws.com.cn/999999999999/q",
         "arn:aws-cn:sqs:cn-north-1:999999999999:q"},
        {"https://vpce-1.example.com/999999999999/q", SQS "q"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct provision_settings settings = {.bucket = "b", .max_receives = 3};
        char expected[128];
        struct pipeline p = {.facts = {.name = "p", .queue = cases[i].queue, .output_count = 1},
                             .outputs = {{.key = "{name}"}}};
        char *policy = policy_of(&settings, PIPELINES(&p));
        snprintf(expected, sizeof expected, "\"Resource\":[\"%s\"]", cases[i].arn);
        assert_contains(policy, expected);
        assert_null(strstr(policy, "sqs:SendMessage"));
        free(policy);
    }
}

static void announcements_may_be_sent(void **state)
{
    (void)state;
    static const struct {
        struct pipeline_notify notify;
        const char *expected;
    } cases[] = {
        {{.kind = NOTIFY_TOPIC, .target = "arn:aws:sns:eu-west-1:123456789012:done"},
         "\"sns:Publish\"],\"Resource\":[\"arn:aws:sns:eu-west-1:123456789012:done\"]"},
        {{.kind = NOTIFY_QUEUE, .target = "done-queue"},
         "\"sqs:SendMessage\"],\"Resource\":[\"" SQS "done-queue\"]"},
        {{.kind = NOTIFY_EVENT_BUS, .target = "default"},
         "\"events:PutEvents\"],\"Resource\":"
         "[\"arn:aws:events:eu-west-1:123456789012:event-bus/default\"]"},
        {{.kind = NOTIFY_EVENT_BUS, .target = "arn:aws:events:eu-west-1:999999999999:event-bus/b"},
         "[\"arn:aws:events:eu-west-1:999999999999:event-bus/b\"]"},
        {{.kind = NOTIFY_URL, .target = "https://example.com/hook"}, "Web-*\"]}]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct provision_settings settings = {.max_receives = 3};
        struct pipeline p = web;
        p.facts.notify = &cases[i].notify;
        char *policy = policy_of(&settings, PIPELINES(&p));
        assert_contains(policy, cases[i].expected);
        assert_null(strstr(policy, "hook"));
        free(policy);
    }
}

/* "Configuring IAM policies for using access points", Amazon S3 User Guide. */
static void outputs_may_go_through_an_access_point(void **state)
{
    (void)state;
    static const char point[] = "arn:aws:s3:eu-west-1:123456789012:accesspoint/small";
    const struct provision_settings settings = {.max_receives = 3};
    struct pipeline p = web;
    p.outputs[0].bucket = point;
    char *policy = policy_of(&settings, PIPELINES(&p));
    assert_contains(policy, "\"s3:PutObject\"],\"Resource\":[\"arn:aws:s3:eu-west-1:123456789012:"
                            "accesspoint/small/object/web/Web-*\"]");
    assert_contains(policy, "\"s3:ListBucket\"],\"Resource\":[\"arn:aws:s3:::photos\","
                            "\"arn:aws:s3:eu-west-1:123456789012:accesspoint/small\"]");
    assert_null(strstr(policy, "s3:::arn"));
    free(policy);
    p.outputs[0].bucket = "small-metadata-s3alias"; /* of which access point, nothing tells */
    policy = policy_of(&settings, PIPELINES(&p));
    assert_null(strstr(policy, "s3alias"));
    free(policy);
}

static void sources_are_what_is_announced_and_accepted(void **state)
{
    (void)state;
    static const char *const accepted[] = {"ingest/", "other/"};
    struct pipeline p = web;
    p.facts.match_prefixes = accepted;
    p.facts.match_prefix_count = 2;
    const struct provision_settings settings = {.prefix = "ingest/raw/", .max_receives = 3};
    char *policy = policy_of(&settings, PIPELINES(&p));
    assert_contains(policy, "\"s3:GetObjectVersion\"],\"Resource\":["
                            "\"arn:aws:s3:::photos/ingest/raw/*\"]");
    free(policy);
}

static void names_in_a_template_are_unique(void **state)
{
    (void)state;
    struct template_names camel = {.style = TEMPLATE_CAMEL}, snake = {.style = TEMPLATE_SNAKE};
    int code = 0;
    assert_string_equal(template_name(&camel, "web-queue", "Policy", &code), "WebQueuePolicy");
    assert_string_equal(template_name(&camel, "web_queue", "policy", &code), "WebQueuePolicy2");
    assert_string_equal(template_name(&camel, "4k.fifo", "", &code), "N4kFifo");
    assert_string_equal(template_name(&snake, "web-queue", "", &code), "web_queue");
    assert_string_equal(template_name(&snake, "Web_Queue", "", &code), "web_queue_2");
    assert_string_equal(template_name(&snake, "4k.fifo", "", &code), "n_4k_fifo");
    assert_int_equal(code, 0);
    template_names_clear(&camel);
    template_names_clear(&snake);
}

static void yaml_is_short_and_exact(void **state)
{
    (void)state;
    json_t *tree = json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:i, s:b}, s:[s, {s:{s:{s:{s:s}}}}]}",
                             "#a", "two\n\nlines", "Version", "2012-10-17", "Map", "a:b", "x: y",
                             "yes", "no", "plain", "A.b/c-1", "n", 5, "t", 0, "List",
                             "${x} \"quoted\" {", "a", "b", "c", "d", "e");
    struct buffer out;
    assert_non_null(tree);
    buffer_init(&out, 4096);
    assert_int_equal(yaml_write(tree, &out), 0);
    assert_string_equal(out.data, "# two\n"
                                  "#\n"
                                  "# lines\n"
                                  "Version: \"2012-10-17\"\n"
                                  "Map: { \"a:b\": \"x: y\", \"yes\": \"no\", plain: A.b/c-1, "
                                  "\"n\": 5, t: false }\n"
                                  "List:\n"
                                  "  - \"${x} \\\"quoted\\\" {\"\n"
                                  "  - a: { b: { c: { d: e } } }\n");
    buffer_free(&out);
    json_decref(tree);
}

static void hcl_has_terraforms_layout(void **state)
{
    (void)state;
    json_t *tree = json_pack(
        "{s:s, s:[{s:s, s:{s:s}, s:b, s:{s:{s:[{s:s}], s:i}}, s:i, s:[{s:s}, {s:s}]}], s:[{}]}",
        "#a", "Why", "resource \"t\" \"n\"", "name", "a \"${b}\" %{c}", "longer", "=", "var.x",
        "on", 1, "policy", "jsonencode", "Statement", "aws:x", "y", "n", 5, "last", 7, "rule", "id",
        "1", "id", "2", "data \"d\" \"e\"");
    struct buffer out;
    assert_non_null(tree);
    buffer_init(&out, 4096);
    assert_int_equal(hcl_write(tree, &out), 0);
    assert_string_equal(out.data, "# Why\n"
                                  "resource \"t\" \"n\" {\n"
                                  "  name   = \"a \\\"$${b}\\\" %%{c}\"\n"
                                  "  longer = var.x\n"
                                  "  on     = true\n"
                                  "  policy = jsonencode({\n"
                                  "    Statement = [\n"
                                  "      {\n"
                                  "        \"aws:x\" = \"y\"\n"
                                  "      },\n"
                                  "    ]\n"
                                  "    n = 5\n"
                                  "  })\n"
                                  "  last = 7\n"
                                  "\n"
                                  "  rule {\n"
                                  "    id = \"1\"\n"
                                  "  }\n"
                                  "  rule {\n"
                                  "    id = \"2\"\n"
                                  "  }\n"
                                  "}\n"
                                  "\n"
                                  "data \"d\" \"e\" {}\n");
    buffer_free(&out);
    json_decref(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_pipeline_needs_the_least),
        cmocka_unit_test(keys_become_patterns),
        cmocka_unit_test(how_outputs_are_stored_needs_permissions),
        cmocka_unit_test(queues_of_others_are_read_where_they_are),
        cmocka_unit_test(announcements_may_be_sent),
        cmocka_unit_test(outputs_may_go_through_an_access_point),
        cmocka_unit_test(sources_are_what_is_announced_and_accepted),
        cmocka_unit_test(names_in_a_template_are_unique),
        cmocka_unit_test(yaml_is_short_and_exact),
        cmocka_unit_test(hcl_has_terraforms_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
