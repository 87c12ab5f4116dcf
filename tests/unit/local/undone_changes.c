/* Changes that cannot be stored: several pending ones restore the state on the disk. */
#include "cloud_world.h"
#include "events_state.h"

/* Each fails, and both were submitted before the first could. */
struct two_changes {
    struct world_change first, second;
};

static void wait_for_both(struct world *w, struct two_changes *two)
{
    assert_int_not_equal(world_wait(w, &two->first), 0);
    assert_int_not_equal(world_wait(w, &two->second), 0);
    world_settle(w);
}

static void refuse(struct world *w, const char *change, const char *table)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "CREATE TRIGGER refuse BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, 'disk full'); END",
             change, table);
    world_sql(w, sql);
}

static void set_delay(struct local_queue *queue, const char *seconds, struct world_change *change)
{
    struct service_error error = {0};
    json_t *changes = json_pack("{s:s}", "DelaySeconds", seconds);
    assert_int_equal(local_queue_set(queue, changes, world_written, change, &error), 0);
    json_decref(changes);
}

static void a_queue_keeps_its_stored_attributes(void **state)
{
    struct world *w = *state;
    struct two_changes two = {.first = {.done = false}};
    struct local_queue *queue = world_queue(w, "q", "{\"DelaySeconds\": \"1\"}");
    refuse(w, "UPDATE", "queues");
    set_delay(queue, "2", &two.first);
    set_delay(queue, "3", &two.second);
    assert_int_equal(local_queue_attributes(queue)->delay_s, 3);
    wait_for_both(w, &two);
    assert_int_equal(local_queue_attributes(queue)->delay_s, 1);
}

static void tag(struct local_queue *queue, const char *value, struct world_change *change)
{
    struct service_error error = {0};
    json_t *add = json_pack("{s:s}", "team", value);
    assert_int_equal(local_queue_tag(queue, add, NULL, world_written, change, &error), 0);
    json_decref(add);
}

static void a_queue_keeps_its_stored_tags(void **state)
{
    struct world *w = *state;
    struct two_changes two = {.first = {.done = false}};
    struct local_queue *queue = world_queue(w, "q", "{}");
    refuse(w, "UPDATE", "queues");
    tag(queue, "a", &two.first);
    tag(queue, "b", &two.second);
    wait_for_both(w, &two);
    assert_int_equal(json_object_size(local_queue_tags(queue)), 0);
}

static void a_topic_keeps_its_stored_attributes(void **state)
{
    static const char arn[] = "arn:aws:sns:us-east-1:000000000000:t";
    struct world *w = *state;
    struct two_changes two = {.first = {.done = false}};
    struct world_change made = {0};
    json_t *attributes = json_pack("{s:s}", "DisplayName", "stored");
    assert_int_equal(topics_create(w->cloud.topics, arn, attributes, NULL, world_written, &made),
                     0);
    json_decref(attributes);
    assert_int_equal(world_wait(w, &made), 0);
    struct topic *topic = topics_find(w->cloud.topics, arn);
    refuse(w, "UPDATE", "topics");
    assert_int_equal(topic_set(topic, "DisplayName", "a", world_written, &two.first), 0);
    assert_int_equal(topic_set(topic, "DisplayName", "b", world_written, &two.second), 0);
    wait_for_both(w, &two);
    assert_string_equal(json_string_value(json_object_get(topic->record.attributes, "DisplayName")),
                        "stored");
}

static void put_rule(struct events_state *rules, const char *description,
                     struct world_change *change)
{
    json_t *document = json_pack("{s:s, s:s}", "EventPattern", "{\"source\": [\"aws.s3\"]}",
                                 "Description", description);
    assert_int_equal(
        events_items_put(&rules->rules, "us-east-1/default/r", document, world_written, change), 0);
    json_decref(document);
}

static struct events_state *rules_open(struct world *w)
{
    struct events_state *rules;
    struct error error = {0};
    world_sql(w, events_schema);
    assert_int_equal(events_open(&w->cloud, &rules, &error), 0);
    return rules;
}

static void a_rule_that_was_never_stored_vanishes(void **state)
{
    struct world *w = *state;
    struct two_changes two = {.first = {.done = false}};
    struct events_state *rules = rules_open(w);
    refuse(w, "INSERT", "event_rules");
    put_rule(rules, "a", &two.first);
    put_rule(rules, "b", &two.second);
    wait_for_both(w, &two);
    assert_null(events_rule_find(rules, "us-east-1/default", "r"));
    assert_int_equal(events_rule_count(rules, "us-east-1/default"), 0);
    events_close(rules);
}

static void a_rule_keeps_its_stored_content(void **state)
{
    struct world *w = *state;
    struct two_changes two = {.first = {.done = false}};
    struct world_change made = {0};
    struct events_state *rules = rules_open(w);
    put_rule(rules, "stored", &made);
    assert_int_equal(world_wait(w, &made), 0);
    refuse(w, "INSERT", "event_rules");
    put_rule(rules, "a", &two.first);
    put_rule(rules, "b", &two.second);
    wait_for_both(w, &two);
    struct events_item *rule = events_rule_find(rules, "us-east-1/default", "r");
    assert_non_null(rule);
    assert_string_equal(json_string_value(json_object_get(rule->content.document, "Description")),
                        "stored");
    events_close(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_queue_keeps_its_stored_attributes, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_queue_keeps_its_stored_tags, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_topic_keeps_its_stored_attributes, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_rule_that_was_never_stored_vanishes, world_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(a_rule_keeps_its_stored_content, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
