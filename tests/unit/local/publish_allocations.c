/* A publish for which memory runs out, at one place after the other: it fails, or the message is in
 * the queue. Success without a delivery would lose the message. */
#include "cloud_world.h"
#include "failing_allocations.h"
#include "publish.h"

static const char topic_name[] = "arn:aws:sns:us-east-1:000000000000:t";

#define GRANT                                                                                      \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\","        \
    "\"Action\":\"sqs:SendMessage\",\"Resource\":\"*\"}]}"

static struct local_queue *make_queue(struct world *w)
{
    json_t *attributes = json_pack("{s:s}", "Policy", GRANT);
    char *text = json_dumps(attributes, 0);
    assert_non_null(text);
    struct local_queue *queue = world_queue(w, "a", text);
    free(text);
    json_decref(attributes);
    return queue;
}

/* Subscribed to the queue with raw delivery, which needs no key to sign with. */
static struct topic *make_topic(struct world *w)
{
    struct world_change change = {0};
    assert_int_equal(topics_create(w->cloud.topics, topic_name, NULL, NULL, world_written, &change),
                     0);
    assert_int_equal(world_wait(w, &change), 0);
    struct topic *topic = topics_find(w->cloud.topics, topic_name);
    struct subscription *s;
    json_t *attributes = json_pack("{s:s}", "RawMessageDelivery", "true");
    const struct subscription_draft draft = {.endpoint = "arn:aws:sqs:us-east-1:000000000000:a",
                                             .attributes = attributes};
    assert_int_equal(topic_subscribe(topic, &draft, world_written, &change, &s), 0);
    assert_int_equal(world_wait(w, &change), 0);
    json_decref(attributes);
    return topic;
}

static void without_memory_a_publish_fails_and_loses_nothing(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = make_queue(w);
    struct topic *topic = make_topic(w);
    const struct notification_message message = {.id = "m", .body = slice_of("text")};
    bool failed = true;
    int expected = 0;
    for (unsigned long n = 1; failed; n++) {
        struct storage_unit unit = {0};
        assert_true(n < 10000);
        allocations_fail(n);
        int code = topic_publish(&w->cloud, topic, &message, &unit);
        failed = allocations_end();
        if (!failed)
            assert_int_equal(code, 0);
        if (code) {
            assert_int_equal(code, ERR_MEMORY);
        } else {
            expected++;
            storage_submit_unit(w->cloud.storage, &unit);
            world_settle(w);
        }
        assert_int_equal(world_count(queue, VISIBLE), expected);
    }
}

int main(void)
{
    allocations_hook();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_memory_a_publish_fails_and_loses_nothing,
                                        world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
