/* Topics of Ceph that publish to a broker, and the notifications that name them. The responses are as
 * the object gateway of Ceph 16 writes them (rgw_rest_pubsub.cc, rgw_pubsub.cc). */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plain_pipelines.h"
#include "provision.h"
#include "provision_broker.h"
#include "scripted_http.h"

static const struct backend_settings ceph = {.region = "default",
                                             .endpoint = "http://rgw:7480",
                                             .access_key = "AKIDEXAMPLE",
                                             .secret_key =
                                                 "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                             .ignore_environment = true};

/* ---- a plan without anything in the broker ---- */

static const char *const prefixes[] = {"ingest/"};
static struct pipeline web = {{.name = "web",
                               .queue = "amqp://photo@node/shop/web",
                               .match_prefixes = prefixes,
                               .match_prefix_count = 1}};

static bool is_address(const char *queue)
{
    return strncmp(queue, "amqp:", 5) == 0;
}

static int plan_nothing(const struct provision_broker_wish *wish, provision_broker_add *add,
                        void *plan, struct error *error)
{
    (void)error;
    json_t *type = json_pack("{s:s}", "Type", "topic");
    add(plan, &(struct provision_broker_item){.kind = PROVISION_EXCHANGE,
                                              .name = wish->exchange,
                                              .on = PROVISION_NONE,
                                              .to = PROVISION_NONE,
                                              .attributes = type});
    return 0;
}

static char *publish_address(const char *queue)
{
    (void)queue;
    return strdup("amqp://photo@node:5672/shop");
}

static const struct provision_broker broker = {
    .is_address = is_address, .plan = plan_nothing, .publish_address = publish_address};

static struct {
    struct provision_plan plan;
    struct provision_run run;
    size_t written;
    char differences[2048]; /* of the topic */
} world;

static void on_compared(size_t index, const struct provision_change *change, void *user)
{
    (void)user;
    if (world.plan.resources[index].kind != PROVISION_TOPIC)
        return;
    char *text = json_dumps(change->differences, JSON_COMPACT);
    strncpy(world.differences, text, sizeof world.differences - 1);
    free(text);
}

static void on_written(size_t index, void *user)
{
    (void)index;
    (void)user;
    world.written++;
}

static struct error provision(void)
{
    struct pipeline *const pipelines[] = {&web};
    const struct provision_settings settings = {.bucket = "photos",
                                                .via = PROVISION_RABBITMQ,
                                                .store = PROVISION_STORE_CEPH,
                                                .max_receives = 3,
                                                .broker = &broker};
    struct script_outcome seen = {0};
    memset(&world, 0, sizeof world);
    assert_int_equal(
        provision_plan_make(&world.plan, &plain_pipeline_ops, pipelines, 1, &settings, NULL), 0);
    world.run = (struct provision_run){.plan = &world.plan,
                                       .place = {"aws", "default", ""},
                                       .write = true,
                                       .events_password = "p@ss/1",
                                       .compared = on_compared,
                                       .written = on_written};
    assert_int_equal(aws_provision(script.aws, &world.run, script_on_done, &seen), 0);
    script_run(&seen.done);
    provision_plan_clear(&world.plan);
    assert_null(strstr(seen.error.text, "p@ss"));
    assert_null(strstr(world.differences, "p%40ss"));
    return seen.error;
}

#define BODY(text)                                                                                 \
    {                                                                                              \
        .status = 200, .body = (text)                                                              \
    }
#define DONE                                                                                       \
    {                                                                                              \
        .status = 200                                                                              \
    }
#define LOCATION BODY("<LocationConstraint>default</LocationConstraint>")
#define ABSENT                                                                                     \
    {                                                                                              \
        .status = 404, .body = "<Error><Code>NoSuchKey</Code><RequestId>tx1</RequestId></Error>"   \
    }
#define CREATED                                                                                    \
    BODY("<CreateTopicResponse xmlns=\"https://sns.amazonaws.com/doc/2010-03-31/\">"               \
         "<CreateTopicResult><TopicArn>arn:aws:sns:default::thumbwheel</TopicArn>"                 \
         "</CreateTopicResult></CreateTopicResponse>")
#define TOPIC(password, exchange)                                                                  \
    BODY("<GetTopicResponse><GetTopicResult><Topic><User>photos</User><Name>thumbwheel</Name>"     \
         "<EndPoint><EndpointAddress>amqp://photo:" password "@node:5672/shop</EndpointAddress>"   \
         "<EndpointArgs>amqp-ack-level=broker&amp;amqp-exchange=" exchange                         \
         "&amp;persistent=true&amp;push-endpoint=amqp://photo:" password                           \
         "@node:5672/shop</EndpointArgs><EndpointTopic>thumbwheel</EndpointTopic>"                 \
         "<HasStoredSecret>true</HasStoredSecret><Persistent>true</Persistent></EndPoint>"         \
         "<TopicArn>arn:aws:sns:default::thumbwheel</TopicArn><OpaqueData></OpaqueData></Topic>"   \
         "</GetTopicResult></GetTopicResponse>")
#define NOTIFICATION(id, topic)                                                                    \
    "<TopicConfiguration><Id>" id "</Id><Topic>arn:aws:sns:zone::" topic "</Topic><Filter><S3Key>" \
    "<FilterRule><Name>prefix</Name><Value>ingest/</Value></FilterRule></S3Key></Filter>"          \
    "<Event>s3:ObjectCreated:*</Event></TopicConfiguration>"
#define THEIRS                                                                                     \
    "<TopicConfiguration><Id>theirs</Id><Topic>arn:aws:sns:zone::other</Topic>"                    \
    "<Event>s3:ObjectRemoved:*</Event></TopicConfiguration>"
#define NOTIFICATIONS(entries)                                                                     \
    BODY("<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" entries   \
         "</NotificationConfiguration>")

/* The topic goes to the store, in this form; its password is encoded in the address, and that in the
 * form. The entries of others are not repeated: the gateway keeps them. */
static void a_topic_tells_the_store_where_to_publish(void **state)
{
    (void)state;
    SCRIPT(&ceph, LOCATION, ABSENT, CREATED, NOTIFICATIONS(THEIRS), DONE);
    assert_int_equal(provision().code, 0);
    assert_int_equal(world.written, 2);
    assert_string_equal(script.requests[2].url, "http://rgw:7480/");
    script_assert_signed_for(2, "sns", "default");
    assert_string_equal(script.requests[2].body,
                        "Action=CreateTopic&Version=2010-03-31&Name=thumbwheel"
                        "&Attributes.entry.1.key=push-endpoint&Attributes.entry.1.value="
                        "amqp%3A%2F%2Fphoto%3Ap%2540ss%252F1%40node%3A5672%2Fshop"
                        "&Attributes.entry.2.key=amqp-exchange&Attributes.entry.2.value=thumbwheel"
                        "&Attributes.entry.3.key=amqp-ack-level&Attributes.entry.3.value=broker"
                        "&Attributes.entry.4.key=persistent&Attributes.entry.4.value=true");
    assert_string_equal(script.requests[4].method, "PUT");
    assert_non_null(strstr(script.requests[4].body, "arn:aws:sns:default::thumbwheel"));
    assert_null(strstr(script.requests[4].body, "theirs"));
    script_end();
}

static void a_second_run_only_reads(void **state)
{
    (void)state;
    SCRIPT(&ceph, LOCATION, TOPIC("p%40ss%2F1", "thumbwheel"),
           NOTIFICATIONS(NOTIFICATION("thumbwheel", "thumbwheel") THEIRS));
    assert_int_equal(provision().code, 0);
    assert_int_equal(world.written, 0);
    assert_string_equal(script.requests[1].body,
                        "Action=GetTopic&Version=2010-03-31"
                        "&TopicArn=arn%3Aaws%3Asns%3Adefault%3A%3Athumbwheel");
    script_end();
}

/* A notification contains a copy of its topic. */
static void a_changed_topic_renews_its_notification(void **state)
{
    (void)state;
    SCRIPT(&ceph, LOCATION, TOPIC("old", "thumbwheel"), CREATED,
           NOTIFICATIONS(NOTIFICATION("thumbwheel", "thumbwheel")), DONE);
    assert_int_equal(provision().code, 0);
    assert_string_equal(world.differences,
                        "{\"password\":{\"is\":\"another one\",\"should\":\"as given\"}}");
    assert_int_equal(world.written, 2);
    script_end();
}

static void another_exchange_is_a_difference(void **state)
{
    (void)state;
    SCRIPT(&ceph, LOCATION, TOPIC("p%40ss%2F1", "other"), CREATED,
           NOTIFICATIONS(NOTIFICATION("thumbwheel", "thumbwheel")), DONE);
    assert_int_equal(provision().code, 0);
    assert_string_equal(world.differences,
                        "{\"amqp-exchange\":{\"is\":\"other\",\"should\":\"thumbwheel\"}}");
    script_end();
}

/* The gateway adds what a document has, and removes only by a request of its own. */
static void a_notification_that_is_not_planned_is_removed(void **state)
{
    (void)state;
    SCRIPT(&ceph, LOCATION, TOPIC("p%40ss%2F1", "thumbwheel"),
           NOTIFICATIONS(NOTIFICATION("thumbwheel", "thumbwheel")
                             NOTIFICATION("thumbwheel/2", "thumbwheel")),
           {.status = 204}, DONE);
    assert_int_equal(provision().code, 0);
    assert_string_equal(script.requests[3].method, "DELETE");
    assert_string_equal(script.requests[3].url,
                        "http://rgw:7480/photos?notification=thumbwheel%2F2");
    assert_string_equal(script.requests[4].method, "PUT");
    script_end();
}

static void a_secret_over_http_is_explained(void **state)
{
    (void)state;
    SCRIPT(&ceph, LOCATION, ABSENT,
           {.status = 400, .body = "<Error><Code>InvalidInput</Code></Error>"});
    const struct error error = provision();
    assert_int_not_equal(error.code, 0);
    assert_non_null(strstr(error.text, "rgw_allow_notification_secrets_in_cleartext"));
    script_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_tells_the_store_where_to_publish),
        cmocka_unit_test(a_second_run_only_reads),
        cmocka_unit_test(a_changed_topic_renews_its_notification),
        cmocka_unit_test(another_exchange_is_a_difference),
        cmocka_unit_test(a_notification_that_is_not_planned_is_removed),
        cmocka_unit_test(a_secret_over_http_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
