/* The plan of `provision --via rabbitmq`, without any broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "broker_plan.h"
#include "plain_pipelines.h"
#include "provision_document.h"
#include "provision_permissions.h"

static const char *const ingest[] = {"ingest/"};
static struct pipeline web = {{.name = "web",
                               .queue = "amqp://photo@one:5672,two:5672/shop/web",
                               .match_prefixes = ingest,
                               .match_prefix_count = 1}};
static struct pipeline small = {{.name = "small",
                                 .queue = "amqp://photo@two/shop/small",
                                 .match_prefixes = ingest,
                                 .match_prefix_count = 1}};
static struct pipeline in_aws = {{.name = "aws", .queue = "aws-queue"}};

enum { PIPELINES_MAX = 3 };
#define PIPELINES(...) ((struct pipeline *const[PIPELINES_MAX]){__VA_ARGS__})

static struct provision_settings settings_of(enum provision_store store)
{
    return (struct provision_settings){.bucket = "photos",
                                       .via = PROVISION_RABBITMQ,
                                       .max_receives = 3,
                                       .store = store,
                                       .broker = &rabbitmq_broker};
}

static int plan_make(struct provision_plan *plan, struct pipeline *const pipelines[PIPELINES_MAX],
                     const struct provision_settings *settings, struct error *error)
{
    size_t count = 0;
    while (count < PIPELINES_MAX && pipelines[count])
        count++;
    return provision_plan_make(plan, &plain_pipeline_ops, pipelines, count, settings, error);
}

static const struct provision_place place = {"aws", "default", ""};

static void assert_resource(const struct provision_plan *plan, size_t *index,
                            enum provision_kind kind, const char *name, const char *attributes)
{
    const struct provision_resource *resource = &plan->resources[*index];
    assert_true(*index < plan->count);
    assert_int_equal(resource->kind, kind);
    assert_string_equal(resource->name, name);
    json_t *found = provision_attributes(plan, (*index)++, &place);
    char *text = json_dumps(found, JSON_COMPACT);
    if (attributes)
        assert_string_equal(text, attributes);
    free(text);
    json_decref(found);
}

static void assert_queues(const struct provision_plan *plan, size_t *index, const char *name)
{
    static const char *const suffixes[] = {".dead",      "",          ".retry.1s",
                                           ".retry.10s", ".retry.1m", ".retry.10m"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char full[64];
        strcpy(stpcpy(full, name), suffixes[i]);
        assert_resource(plan, index, PROVISION_BROKER_QUEUE, full, NULL);
    }
    assert_resource(plan, index, PROVISION_BINDING, name, "{\"RoutingKey\":\"thumbwheel\"}");
    const struct provision_resource *binding = &plan->resources[*index - 1];
    assert_string_equal(plan->resources[binding->on].name, "thumbwheel");
    assert_string_equal(plan->resources[binding->to].name, name);
}

/* What others refer to comes first, the notification last. */
static void a_plan_leads_from_the_bucket_to_every_queue(void **state)
{
    (void)state;
    const struct provision_settings settings = settings_of(PROVISION_STORE_CEPH);
    struct provision_plan plan;
    size_t i = 0;
    assert_int_equal(plan_make(&plan, PIPELINES(&web, &small), &settings, NULL), 0);
    assert_resource(&plan, &i, PROVISION_BUCKET, "photos", "{}");
    assert_resource(&plan, &i, PROVISION_EXCHANGE, "thumbwheel.unrouted", "{\"Type\":\"fanout\"}");
    assert_resource(
        &plan, &i, PROVISION_BROKER_QUEUE, "thumbwheel.unrouted",
        "{\"Arguments\":{\"x-queue-type\":\"quorum\",\"x-delivery-limit\":1000000000}}");
    assert_resource(&plan, &i, PROVISION_BINDING, "thumbwheel.unrouted", NULL);
    assert_resource(&plan, &i, PROVISION_EXCHANGE, "thumbwheel", "{\"Type\":\"topic\"}");
    assert_resource(&plan, &i, PROVISION_BROKER_POLICY, "thumbwheel",
                    "{\"Pattern\":\"^thumbwheel$\",\"ApplyTo\":\"exchanges\",\"Definition\":"
                    "{\"alternate-exchange\":\"thumbwheel.unrouted\"}}");
    assert_queues(&plan, &i, "web");
    assert_queues(&plan, &i, "small");
    assert_resource(&plan, &i, PROVISION_TOPIC, "thumbwheel",
                    "{\"push-endpoint\":\"amqp://photo@one:5672/shop\",\"password\":\"as given\","
                    "\"amqp-exchange\":\"thumbwheel\",\"amqp-ack-level\":\"broker\","
                    "\"persistent\":\"true\"}");
    assert_resource(&plan, &i, PROVISION_NOTIFICATION, "photos",
                    "{\"thumbwheel\":{\"Prefix\":\"ingest/\",\"Suffix\":\"\",\"Events\":"
                    "[\"s3:ObjectCreated:*\"],\"Target\":\"arn:aws:sns:default::thumbwheel\"}}");
    assert_int_equal(i, plan.count);
    provision_plan_clear(&plan);
}

static void a_work_queue_has_its_arguments(void **state)
{
    (void)state;
    const struct provision_settings settings = settings_of(PROVISION_STORE_OTHER);
    struct provision_plan plan;
    assert_int_equal(plan_make(&plan, PIPELINES(&web), &settings, NULL), 0);
    size_t i = provision_find(&plan, PROVISION_BROKER_QUEUE, "web");
    assert_resource(&plan, &i, PROVISION_BROKER_QUEUE, "web",
                    "{\"Arguments\":{\"x-queue-type\":\"quorum\",\"x-delivery-limit\":2,"
                    "\"x-dead-letter-exchange\":\"\",\"x-dead-letter-routing-key\":\"web.dead\","
                    "\"x-dead-letter-strategy\":\"at-least-once\","
                    "\"x-overflow\":\"reject-publish\"}}");
    assert_int_equal(plan.notes.count, 1);
    assert_non_null(strstr(plan.notes.items[0], "--store ceph"));
    provision_plan_clear(&plan);
}

/* MinIO's documentation, "AMQP Notification Settings". */
static void the_commands_of_minio_have_no_password(void **state)
{
    (void)state;
    struct provision_settings settings = settings_of(PROVISION_STORE_MINIO);
    struct provision_plan plan;
    settings.events_to = "amqps://store@broker:5671/shop";
    settings.suffix = ".jp'g";
    settings.name = "photo-events";
    assert_int_equal(plan_make(&plan, PIPELINES(&web, &small), &settings, NULL), 0);
    assert_int_equal(plan.commands.count, 3);
    assert_string_equal(
        plan.commands.items[0],
        "mc admin config set ALIAS notify_amqp:photo-events "
        "url='amqps://store:PASSWORD@broker:5671/shop' exchange=photo-events exchange_type=topic "
        "routing_key=photo-events durable=on delivery_mode=2 publisher_confirms=on "
        "queue_dir=/var/lib/minio/events");
    assert_string_equal(plan.commands.items[1], "mc admin service restart ALIAS");
    assert_string_equal(plan.commands.items[2],
                        "mc event add ALIAS/photos arn:minio:sqs::photo-events:amqp --event put "
                        "--prefix 'ingest/' --suffix '.jp'\\''g'");
    assert_int_equal(provision_find(&plan, PROVISION_NOTIFICATION, "photos"), PROVISION_NONE);
    provision_plan_clear(&plan);
}

static void queues_elsewhere_are_left(void **state)
{
    (void)state;
    const struct provision_settings settings = settings_of(PROVISION_STORE_CEPH);
    struct provision_settings via_sns = settings;
    struct provision_plan plan;
    assert_int_equal(plan_make(&plan, PIPELINES(&web, &in_aws), &settings, NULL), 0);
    assert_int_equal(plan.notes.count, 1);
    assert_non_null(strstr(plan.notes.items[0], "aws-queue"));
    provision_plan_clear(&plan);
    via_sns.via = PROVISION_SNS;
    via_sns.store = PROVISION_STORE_OTHER;
    assert_int_equal(plan_make(&plan, PIPELINES(&web, &in_aws), &via_sns, NULL), 0);
    assert_int_equal(plan.notes.count, 1);
    assert_non_null(strstr(plan.notes.items[0], "--via rabbitmq"));
    assert_int_equal(provision_find(&plan, PROVISION_EXCHANGE, "thumbwheel"), PROVISION_NONE);
    provision_plan_clear(&plan);
}

static void a_policy_of_aws_has_no_queues_of_the_broker(void **state)
{
    (void)state;
    static const struct pipeline_notify notify = {.kind = NOTIFY_QUEUE,
                                                  .target = "amqp://photo@one/shop/finished"};
    struct provision_settings settings = settings_of(PROVISION_STORE_OTHER);
    struct pipeline telling = web;
    struct pipeline *const pipelines[] = {&telling, &in_aws};
    struct provision_permissions permissions;
    struct provision_plan plan;
    settings.via = PROVISION_SNS;
    telling.facts.notify = &notify;
    assert_int_equal(provision_plan_make(&plan, &plain_pipeline_ops, pipelines, 2, &settings, NULL),
                     0);
    assert_int_equal(
        provision_permissions_make(&permissions, &plan, &plain_pipeline_ops, pipelines, 2, NULL),
        0);
    assert_int_equal(permissions.items[PERMIT_QUEUES].count, 1);
    assert_int_equal(permissions.items[PERMIT_NOTIFY_QUEUES].count, 0);
    provision_permissions_clear(&permissions);
    provision_plan_clear(&plan);
}

static void a_queue_that_is_notified_is_made(void **state)
{
    (void)state;
    static const struct pipeline_notify notify = {.kind = NOTIFY_QUEUE,
                                                  .target = "amqp://photo@one/shop/finished"};
    static const struct pipeline_notify topic = {.kind = NOTIFY_TOPIC,
                                                 .target = "arn:aws:sns:eu-west-1:1:t"};
    const struct provision_settings settings = settings_of(PROVISION_STORE_OTHER);
    struct pipeline telling = web, other = small;
    struct provision_plan plan;
    telling.facts.notify = &notify;
    other.facts.notify = &topic;
    assert_int_equal(plan_make(&plan, PIPELINES(&telling, &other), &settings, NULL), 0);
    assert_int_not_equal(provision_find(&plan, PROVISION_BROKER_QUEUE, "finished"), PROVISION_NONE);
    assert_int_equal(provision_find(&plan, PROVISION_BROKER_QUEUE, "finished.dead"),
                     PROVISION_NONE);
    assert_int_equal(provision_find(&plan, PROVISION_TOPIC, "t"), PROVISION_NONE);
    assert_int_equal(plan.notes.count, 2);
    provision_plan_clear(&plan);
}

static void assert_refused(struct pipeline *const pipelines[PIPELINES_MAX],
                           const struct provision_settings *settings, const char *part)
{
    struct provision_plan plan;
    struct error error;
    assert_int_equal(plan_make(&plan, pipelines, settings, &error), ERR_INVALID);
    if (!strstr(error.text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, error.text);
    assert_null(strstr(error.text, "secret"));
    provision_plan_clear(&plan);
}

static void what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    struct provision_settings settings = settings_of(PROVISION_STORE_CEPH);
    struct pipeline elsewhere = small, dead = small, known = small;
    elsewhere.facts.queue = "amqp://photo@two/other/small";
    dead.facts.queue = "amqp://photo@two/shop/web.dead";
    known.facts.queue = "amqp://photo:secret@two/shop/small";
    assert_refused(PIPELINES(&in_aws), &settings, "queue: amqp://");
    assert_refused(PIPELINES(&web, &elsewhere), &settings, "--pipelines");
    assert_refused(PIPELINES(&web, &dead), &settings, "web.dead");
    assert_refused(PIPELINES(&known), &settings, "password");
    settings.events_to = "amqp://photo:secret@broker/shop";
    assert_refused(PIPELINES(&web), &settings, "--events-to");
    settings.events_to = "amqp://photo@one,two/shop";
    assert_refused(PIPELINES(&web), &settings, "one host");
    settings.events_to = NULL;
    settings.retention_s = 3600;
    assert_refused(PIPELINES(&web), &settings, "--retention");
    settings.retention_s = 0;
    settings.via = PROVISION_SQS;
    assert_refused(PIPELINES(&web), &settings, "--store");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_leads_from_the_bucket_to_every_queue),
        cmocka_unit_test(a_work_queue_has_its_arguments),
        cmocka_unit_test(the_commands_of_minio_have_no_password),
        cmocka_unit_test(queues_elsewhere_are_left),
        cmocka_unit_test(a_policy_of_aws_has_no_queues_of_the_broker),
        cmocka_unit_test(a_queue_that_is_notified_is_made),
        cmocka_unit_test(what_does_not_go_together_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
