/* Deliveries from a bucket or a publisher through topics to queues: what arrives, in which form,
 * and atomically. */
#include "event_target.h"
#include "cloud_world.h"
#include "publish.h"

static const char topic_name[] = "arn:aws:sns:us-east-1:000000000000:t";
static const struct delivery_source from_bucket = {"arn:aws:s3:::photos", "000000000000"};

#define QUEUE_ARN(name) "arn:aws:sqs:us-east-1:000000000000:" name

/* A typical policy that allows a service to send or publish. */
#define GRANT(action)                                                                              \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\","        \
    "\"Action\":\"" action "\",\"Resource\":\"*\"}]}"

static struct local_queue *make_queue(struct world *w, const char *name, const char *message_max)
{
    json_t *attributes = json_pack("{s:s, s:s}", "Policy", GRANT("sqs:SendMessage"),
                                   "MaximumMessageSize", message_max);
    char *text = json_dumps(attributes, 0);
    assert_non_null(text);
    struct local_queue *queue = world_queue(w, name, text);
    free(text);
    json_decref(attributes);
    return queue;
}

static struct local_queue *open_queue(struct world *w, const char *name)
{
    return make_queue(w, name, "1048576");
}

static struct topic *make_topic(struct world *w)
{
    struct world_change change = {0};
    json_t *attributes = json_pack("{s:s}", "Policy", GRANT("sns:Publish"));
    assert_int_equal(
        topics_create(w->cloud.topics, topic_name, attributes, NULL, world_written, &change), 0);
    json_decref(attributes);
    assert_int_equal(world_wait(w, &change), 0);
    struct topic *topic = topics_find(w->cloud.topics, topic_name);
    assert_non_null(topic);
    return topic;
}

static struct subscription *subscribe(struct world *w, struct topic *topic, const char *queue,
                                      bool raw)
{
    char arn[128];
    struct world_change change = {0};
    struct subscription *s;
    json_t *attributes = json_pack("{s:s}", "RawMessageDelivery", raw ? "true" : "false");
    snprintf(arn, sizeof arn, "arn:aws:sqs:us-east-1:000000000000:%s", queue);
    const struct subscription_draft draft = {.endpoint = arn, .attributes = attributes};
    assert_int_equal(topic_subscribe(topic, &draft, world_written, &change, &s), 0);
    json_decref(attributes);
    assert_int_equal(world_wait(w, &change), 0);
    return s;
}

static void deliver(struct world *w, const char *target, const char *body)
{
    struct storage_unit unit = {0};
    assert_int_equal(event_target_send(&w->cloud, from_bucket, target, slice_of("A subject"),
                                       slice_of(body), &unit),
                     0);
    storage_submit_unit(w->cloud.storage, &unit);
    world_settle(w);
}

static const char *field(json_t *envelope, const char *name)
{
    return json_string_value(json_object_get(envelope, name));
}

static void a_topic_fans_out_in_both_forms(void **state)
{
    struct world *w = *state;
    struct local_queue *plain = open_queue(w, "plain"), *raw = open_queue(w, "raw");
    struct topic *topic = make_topic(w);
    struct world_poll poll;
    subscribe(w, topic, "plain", false);
    subscribe(w, topic, "raw", true);
    deliver(w, topic_name, "{\"Records\":[\"\\\"é\"]}");
    assert_int_equal(world_receive(w, raw, &poll, 10, 0, 5), 1);
    assert_string_equal(poll.bodies[0], "{\"Records\":[\"\\\"é\"]}");
    assert_int_equal(world_receive(w, plain, &poll, 10, 0, 5), 1);
    json_t *envelope = json_loads(poll.bodies[0], 0, NULL);
    assert_non_null(envelope);
    assert_string_equal(field(envelope, "Type"), "Notification");
    assert_string_equal(field(envelope, "TopicArn"), topic_name);
    assert_string_equal(field(envelope, "Subject"), "A subject");
    assert_string_equal(field(envelope, "Message"), "{\"Records\":[\"\\\"é\"]}");
    assert_int_equal(strlen(field(envelope, "MessageId")), 36);
    const char *time = field(envelope, "Timestamp");
    assert_int_equal(strlen(time), 24); /* 2012-03-29T05:12:16.901Z */
    assert_int_equal(time[19], '.');
    assert_int_equal(strlen(field(envelope, "Signature")), 344); /* 2048 bits in base64 */
    assert_string_equal(field(envelope, "SignatureVersion"), "1");
    json_decref(envelope);
}

static void attributes_travel_in_both_forms(void **state)
{
    struct world *w = *state;
    struct local_queue *plain = open_queue(w, "plain"), *raw = open_queue(w, "raw");
    struct topic *topic = make_topic(w);
    struct storage_unit unit = {0};
    struct world_poll poll;
    subscribe(w, topic, "plain", false);
    subscribe(w, topic, "raw", true);
    json_t *attributes =
        json_pack("{s:{s:s, s:s}, s:{s:s, s:s}}", "kind", "DataType", "String", "StringValue",
                  "photo", "bytes", "DataType", "Binary", "BinaryValue", "AP8=");
    struct notification_message message = {.body = SLICE_LITERAL("m"), .attributes = attributes};
    uuid_make_text(message.id);
    assert_int_equal(topic_publish(&w->cloud, topic, &message, &unit), 0);
    storage_submit_unit(w->cloud.storage, &unit);
    assert_int_equal(world_receive(w, raw, &poll, 1, 0, 5), 1);
    json_t *got = json_loads(poll.attributes[0], 0, NULL);
    assert_true(json_equal(got, attributes));
    json_decref(got);
    json_decref(attributes);
    assert_int_equal(world_receive(w, plain, &poll, 1, 0, 5), 1);
    json_t *envelope = json_loads(poll.bodies[0], 0, NULL);
    json_t *wanted = json_loads("{\"kind\": {\"Type\": \"String\", \"Value\": \"photo\"},"
                                " \"bytes\": {\"Type\": \"Binary\", \"Value\": \"AP8=\"}}",
                                0, NULL);
    assert_true(json_equal(json_object_get(envelope, "MessageAttributes"), wanted));
    assert_null(json_object_get(envelope, "Subject"));
    assert_string_equal(field(envelope, "MessageId"), message.id);
    json_decref(wanted);
    json_decref(envelope);
}

static void a_queue_is_reached_without_a_topic(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = open_queue(w, "q");
    struct world_poll poll;
    deliver(w, "arn:aws:sqs:us-east-1:000000000000:q", "event");
    assert_int_equal(world_receive(w, queue, &poll, 1, 0, 5), 1);
    assert_string_equal(poll.bodies[0], "event");
}

static void a_unit_that_fails_delivers_nothing(void **state)
{
    struct world *w = *state;
    struct local_queue *a = open_queue(w, "a"), *b = open_queue(w, "b");
    struct topic *topic = make_topic(w);
    struct world_poll poll;
    subscribe(w, topic, "a", false);
    subscribe(w, topic, "b", false);
    world_sql(w, "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN NEW.queue ="
                 " (SELECT id FROM queues WHERE name LIKE '%:b') BEGIN"
                 " SELECT RAISE(ABORT, 'disk full'); END");
    deliver(w, topic_name, "event");
    world_sql(w, "DROP TRIGGER refuse");
    assert_int_equal(world_receive(w, a, &poll, 1, 0, 0), 0);
    assert_int_equal(world_receive(w, b, &poll, 1, 0, 0), 0);
    deliver(w, topic_name, "again");
    assert_int_equal(world_receive(w, a, &poll, 1, 0, 0), 1);
    assert_int_equal(world_receive(w, b, &poll, 1, 0, 0), 1);
}

static void a_discarded_unit_leaves_nothing(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = open_queue(w, "q");
    struct storage_unit unit = {0};
    struct world_poll poll;
    assert_int_equal(event_target_send(&w->cloud, from_bucket,
                                       "arn:aws:sqs:us-east-1:000000000000:q", slice_of(NULL),
                                       slice_of("event"), &unit),
                     0);
    publish_discard(&unit);
    assert_null(unit.first);
    assert_int_equal(world_receive(w, queue, &poll, 1, 0, 0), 0);
    world_reopen(w);
    queue = queues_find(w->cloud.queues, world_home(w), "q");
    assert_int_equal(world_receive(w, queue, &poll, 1, 0, 0), 0);
}

static void vanished_destinations_are_no_error(void **state)
{
    struct world *w = *state;
    struct local_queue *stays = open_queue(w, "stays");
    struct topic *topic = make_topic(w);
    struct world_change change = {0};
    struct world_poll poll;
    subscribe(w, topic, "stays", false);
    open_queue(w, "goes");
    subscribe(w, topic, "goes", false);
    assert_int_equal(local_queue_delete(queues_find(w->cloud.queues, world_home(w), "goes"),
                                        world_written, &change),
                     0);
    assert_int_equal(world_wait(w, &change), 0);
    deliver(w, topic_name, "event");
    assert_int_equal(world_receive(w, stays, &poll, 1, 0, 5), 1);
    char reason[POLICY_REASON_MAX];
    assert_false(event_target_possible(&w->cloud, from_bucket, QUEUE_ARN("goes"), reason));
    assert_non_null(strstr(reason, "does not exist"));
    assert_true(event_target_possible(&w->cloud, from_bucket, topic_name, reason));
    assert_false(event_target_possible(&w->cloud, from_bucket,
                                       "arn:aws:lambda:us-east-1:000000000000:f", reason));
    deliver(w, "arn:aws:sns:us-east-1:000000000000:nowhere", "event");
}

static void a_message_too_large_for_one_queue_reaches_the_others(void **state)
{
    struct world *w = *state;
    struct local_queue *small = make_queue(w, "small", "1024");
    struct local_queue *large = open_queue(w, "large");
    struct topic *topic = make_topic(w);
    struct world_poll poll;
    char body[1100];
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    subscribe(w, topic, "small", true);
    subscribe(w, topic, "large", true);
    deliver(w, topic_name, body);
    assert_int_equal(world_receive(w, large, &poll, 1, 0, 5), 1);
    assert_int_equal(world_receive(w, small, &poll, 1, 0, 0), 0);
}

static void queue_set(struct world *w, const char *name, const char *policy)
{
    struct local_queue *queue = queues_find(w->cloud.queues, world_home(w), name);
    assert_int_equal(world_set(w, queue, json_pack("{s:s}", "Policy", policy)), 0);
}

static size_t waiting(struct world *w, const char *name)
{
    struct world_poll poll;
    struct local_queue *queue = queues_find(w->cloud.queues, world_home(w), name);
    return world_receive(w, queue, &poll, 10, 0, 0);
}

static bool possible(struct world *w, const char *target)
{
    char reason[POLICY_REASON_MAX] = "";
    bool result = event_target_possible(&w->cloud, from_bucket, target, reason);
    assert_int_equal(reason[0] == '\0', result);
    return result;
}

static void a_queue_without_a_policy_gets_nothing(void **state)
{
    struct world *w = *state;
    open_queue(w, "open");
    world_queue(w, "closed", "{}");
    struct topic *topic = make_topic(w);
    subscribe(w, topic, "open", false);
    subscribe(w, topic, "closed", false);
    deliver(w, topic_name, "through the topic");
    deliver(w, QUEUE_ARN("closed"), "directly");
    assert_int_equal(waiting(w, "open"), 1);
    assert_int_equal(waiting(w, "closed"), 0);
    assert_true(possible(w, QUEUE_ARN("open")));
    assert_false(possible(w, QUEUE_ARN("closed")));
    /* As soon as it has one it gets what comes. */
    queue_set(w, "closed", GRANT("sqs:*"));
    deliver(w, topic_name, "again");
    assert_int_equal(waiting(w, "closed"), 1);
    /* An empty policy is none. */
    queue_set(w, "open", "");
    assert_false(possible(w, QUEUE_ARN("open")));
}

static void a_topic_lets_nobody_in_by_default(void **state)
{
    struct world *w = *state;
    struct world_change change = {0};
    open_queue(w, "q");
    assert_int_equal(topics_create(w->cloud.topics, topic_name, NULL, NULL, world_written, &change),
                     0);
    assert_int_equal(world_wait(w, &change), 0);
    struct topic *topic = topics_find(w->cloud.topics, topic_name);
    subscribe(w, topic, "q", false);
    deliver(w, topic_name, "event");
    assert_int_equal(waiting(w, "q"), 0);
    assert_false(possible(w, topic_name));
    assert_int_equal(topic_set(topic, "Policy", GRANT("sns:Publish"), world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    assert_true(possible(w, topic_name));
}

static void policies_survive_a_restart(void **state)
{
    struct world *w = *state;
    open_queue(w, "q");
    queue_set(w, "q", GRANT("sqs:SendMessage"));
    make_topic(w);
    world_queue(w, "closed", "{}");
    world_reopen(w);
    assert_true(possible(w, QUEUE_ARN("q")));
    assert_true(possible(w, topic_name));
    assert_false(possible(w, QUEUE_ARN("closed")));
}

static void a_policy_that_cannot_be_stored_does_not_hold(void **state)
{
    struct world *w = *state;
    struct world_change change = {0};
    struct service_error error = {0};
    open_queue(w, "q");
    struct topic *topic = make_topic(w);
    world_sql(w, "CREATE TRIGGER t BEFORE UPDATE ON topics BEGIN SELECT RAISE(ABORT, 'full'); END;"
                 "CREATE TRIGGER q BEFORE UPDATE ON queues BEGIN SELECT RAISE(ABORT, 'full'); END");
    assert_int_equal(topic_set(topic, "Policy", GRANT("sns:Subscribe"), world_written, &change), 0);
    assert_int_not_equal(world_wait(w, &change), 0);
    assert_true(possible(w, topic_name));
    json_t *changes = json_pack("{s:s}", "Policy", GRANT("sqs:PurgeQueue"));
    assert_int_equal(local_queue_set(queues_find(w->cloud.queues, world_home(w), "q"), changes,
                                     world_written, &change, &error),
                     0);
    json_decref(changes);
    assert_int_not_equal(world_wait(w, &change), 0);
    assert_true(possible(w, QUEUE_ARN("q")));
}

static void subscriptions_survive_a_restart_and_end_with_their_topic(void **state)
{
    struct world *w = *state;
    open_queue(w, "a");
    open_queue(w, "b");
    struct topic *topic = make_topic(w);
    struct world_change change = {0};
    struct subscription *page[4];
    bool more;
    subscribe(w, topic, "a", true);
    struct subscription *second = subscribe(w, topic, "b", false);
    assert_int_equal(subscription_set(second, "RawMessageDelivery", "true", world_written, &change),
                     0);
    assert_int_equal(world_wait(w, &change), 0);
    assert_int_equal(topic_set(topic, "DisplayName", "photos", world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    world_reopen(w);
    topic = topics_find(w->cloud.topics, topic_name);
    assert_non_null(topic);
    assert_string_equal(json_string_value(json_object_get(topic->record.attributes, "DisplayName")),
                        "photos");
    assert_int_equal(topic_subscription_count(topic, false), 2);
    assert_int_equal(topics_list_subscriptions(w->cloud.topics, topic->subscription_prefix, NULL,
                                               page, 4, &more),
                     2);
    assert_true(page[0]->raw && page[1]->raw);
    assert_int_equal(subscription_delete(page[0], world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    assert_int_equal(topic_subscription_count(topic, false), 1);
    assert_int_equal(topic_delete(topic, world_written, &change), 0);
    assert_null(topics_find(w->cloud.topics, topic_name));
    assert_int_equal(world_wait(w, &change), 0);
    world_reopen(w);
    assert_int_equal(topics_list_subscriptions(w->cloud.topics, "", NULL, page, 4, &more), 0);
    assert_null(topics_find(w->cloud.topics, topic_name));
}

static void a_topic_whose_name_is_a_prefix_keeps_its_subscriptions(void **state)
{
    struct world *w = *state;
    open_queue(w, "a");
    struct topic *topic = make_topic(w);
    struct world_change change = {0};
    char longer[128];
    snprintf(longer, sizeof longer, "%s-2", topic_name);
    assert_int_equal(topics_create(w->cloud.topics, longer, NULL, NULL, world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    subscribe(w, topics_find(w->cloud.topics, longer), "a", false);
    assert_int_equal(topic_subscription_count(topic, false), 0);
    subscribe(w, topic, "a", false);
    assert_int_equal(topic_subscription_count(topic, false), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_topic_fans_out_in_both_forms),
        TEST(attributes_travel_in_both_forms),
        TEST(a_queue_is_reached_without_a_topic),
        TEST(a_unit_that_fails_delivers_nothing),
        TEST(a_discarded_unit_leaves_nothing),
        TEST(vanished_destinations_are_no_error),
        TEST(a_message_too_large_for_one_queue_reaches_the_others),
        TEST(a_queue_without_a_policy_gets_nothing),
        TEST(a_topic_lets_nobody_in_by_default),
        TEST(policies_survive_a_restart),
        TEST(a_policy_that_cannot_be_stored_does_not_hold),
        TEST(subscriptions_survive_a_restart_and_end_with_their_topic),
        TEST(a_topic_whose_name_is_a_prefix_keeps_its_subscriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
