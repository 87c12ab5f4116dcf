/* The state of SQS: which receiver gets a message, when and how often, and what survives a
 * restart. */
#include "cloud_world.h"

static const char refuse_messages[] =
    "CREATE TRIGGER refuse BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'disk full'); END";
static const char refuse_deletes[] =
    "CREATE TRIGGER refuse BEFORE DELETE ON messages BEGIN SELECT RAISE(ABORT, 'disk full'); END";
static const char refuse_queues[] =
    "CREATE TRIGGER refuse BEFORE INSERT ON queues BEGIN SELECT RAISE(ABORT, 'disk full'); END";
static const char refuse_no_more[] = "DROP TRIGGER refuse";

static void message_is_received_once_committed(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll poll;
    struct message_draft draft = {.body = SLICE_LITERAL("hello"), .delay_s = -1};
    struct world_change change = {0};
    struct message_sent sent;
    world_poll_start(w, queue, &poll, 10, 30, 20);
    assert_int_equal(local_queue_send(queue, &draft, 1, &sent, NULL, world_written, &change), 0);
    assert_int_equal(world_count(queue, VISIBLE), 0); /* not before its row is on the disk */
    world_run_until(w, &poll.done);
    assert_true(change.done);
    assert_int_equal(poll.count, 1);
    assert_string_equal(poll.bodies[0], "hello");
    assert_string_equal(poll.ids[0], sent.id);
    assert_int_equal(poll.receive_counts[0], 1);
    assert_int_equal(world_count(queue, IN_FLIGHT), 1);
}

static void message_that_is_not_stored_is_not_sent(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct message_draft draft = {.body = SLICE_LITERAL("lost"), .delay_s = -1};
    struct world_change change = {0};
    struct world_poll poll;
    world_sql(w, refuse_messages);
    assert_int_equal(local_queue_send(queue, &draft, 1, NULL, NULL, world_written, &change), 0);
    assert_int_not_equal(world_wait(w, &change), 0);
    world_sql(w, refuse_no_more);
    assert_int_equal(world_receive(w, queue, &poll, 10, 30, 0), 0);
    world_send(w, queue, "kept", NULL);
    assert_int_equal(world_receive(w, queue, &poll, 10, 30, 0), 1);
    assert_string_equal(poll.bodies[0], "kept");
}

static void polls_are_served_in_the_order_of_their_coming(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll polls[3];
    for (int i = 0; i < 3; i++)
        world_poll_start(w, queue, &polls[i], 1, 30, 20);
    world_send(w, queue, "first", NULL);
    world_send(w, queue, "second", NULL);
    world_run_until(w, &polls[1].done);
    assert_string_equal(polls[0].bodies[0], "first");
    assert_string_equal(polls[1].bodies[0], "second");
    assert_false(polls[2].done);
    queue_poll_cancel(&polls[2].poll);
}

static void a_burst_fills_one_response(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct message_draft drafts[QUEUE_BATCH];
    struct world_change change = {0};
    struct world_poll poll;
    for (int i = 0; i < QUEUE_BATCH; i++)
        drafts[i] = (struct message_draft){.body = SLICE_LITERAL("x"), .delay_s = -1};
    world_poll_start(w, queue, &poll, 10, 30, 20);
    assert_int_equal(
        local_queue_send(queue, drafts, QUEUE_BATCH, NULL, NULL, world_written, &change), 0);
    world_run_until(w, &poll.done);
    assert_int_equal(poll.count, QUEUE_BATCH);
}

static void a_dead_poll_hides_nothing(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll dead, alive;
    world_poll_start(w, queue, &dead, 10, 30, 20);
    queue_poll_cancel(&dead.poll);
    world_send(w, queue, "x", NULL);
    assert_int_equal(world_receive(w, queue, &alive, 10, 30, 0), 1);
    assert_int_equal(alive.receive_counts[0], 1);
    assert_false(dead.done);
}

static void undelivered_messages_return_and_stay_counted(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll lost, next;
    world_send(w, queue, "x", NULL);
    assert_int_equal(world_receive(w, queue, &lost, 10, 600, 0), 1);
    queues_give_back(w->cloud.queues, lost.receipts, lost.count);
    assert_int_equal(world_receive(w, queue, &next, 10, 600, 0), 1);
    assert_int_equal(next.receive_counts[0], 2);
    /* Of the earlier receive: the message is another's now. */
    queues_give_back(w->cloud.queues, lost.receipts, lost.count);
    assert_int_equal(world_count(queue, IN_FLIGHT), 1);
}

static void visibility_ends_and_wakes_a_poll(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll first, second;
    world_send(w, queue, "x", NULL);
    assert_int_equal(world_receive(w, queue, &first, 1, 1, 0), 1);
    uint64_t before = uv_now(&w->loop);
    assert_int_equal(world_receive(w, queue, &second, 1, 30, 20), 1);
    assert_in_range(uv_now(&w->loop) - before, 900, 5000);
    assert_int_equal(second.receive_counts[0], 2);
    assert_string_equal(second.ids[0], first.ids[0]);
    assert_string_not_equal(second.handles[0], first.handles[0]);
}

static void a_delayed_message_waits(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{\"DelaySeconds\": \"1\"}");
    struct world_poll poll;
    world_send(w, queue, "x", NULL);
    assert_int_equal(world_count(queue, DELAYED), 1);
    assert_int_equal(world_receive(w, queue, &poll, 1, 30, 0), 0);
    assert_int_equal(world_receive(w, queue, &poll, 1, 30, 20), 1);
    assert_int_equal(poll.receive_counts[0], 1);
}

static void visibility_can_be_changed_with_any_receipt(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll first, second;
    world_send(w, queue, "x", NULL);
    assert_int_equal(world_receive(w, queue, &first, 1, 600, 0), 1);
    assert_int_equal(world_change_visibility(w, queue, first.handles[0], 0), 0);
    assert_int_equal(world_count(queue, VISIBLE), 1);
    assert_int_equal(world_receive(w, queue, &second, 1, 600, 0), 1);
    assert_int_equal(world_change_visibility(w, queue, first.handles[0], 0), 0);
    assert_int_equal(world_count(queue, VISIBLE), 1);
    assert_int_equal(world_change_visibility(w, queue, second.handles[0], 700), 0);
    assert_int_equal(world_delete(w, queue, second.handles[0]), 0);
    assert_int_equal(world_change_visibility(w, queue, second.handles[0], 5),
                     SQS_INVALID_PARAMETER);
}

static void twelve_hours_from_the_receive_are_the_limit(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll poll;
    world_send(w, queue, "x", NULL);
    assert_int_equal(world_receive(w, queue, &poll, 1, 43200, 0), 1);
    world_pass(w, 20);
    assert_int_equal(world_change_visibility(w, queue, poll.handles[0], 43200),
                     SQS_INVALID_PARAMETER);
    assert_int_equal(world_change_visibility(w, queue, poll.handles[0], 43190), 0);
}

static void any_receipt_deletes(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll first, second, third;
    world_send(w, queue, "x", NULL);
    assert_int_equal(world_receive(w, queue, &first, 1, 0, 0), 1);
    assert_int_equal(world_receive(w, queue, &second, 1, 0, 0), 1);
    assert_int_equal(world_delete(w, queue, first.handles[0]), 0);
    assert_int_equal(world_receive(w, queue, &third, 1, 0, 0), 0);
    assert_int_equal(world_delete(w, queue, first.handles[0]), 0);
    assert_int_equal(world_delete(w, queue, second.handles[0]), 0);
}

static void forged_and_foreign_receipts_are_refused(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}"), *other = world_queue(w, "r", "{}");
    struct world_poll poll;
    world_send(w, queue, "x", NULL);
    assert_int_equal(world_receive(w, queue, &poll, 1, 30, 0), 1);
    assert_int_equal(world_delete(w, other, poll.handles[0]), SQS_RECEIPT_INVALID);
    assert_int_equal(world_delete(w, queue, ""), SQS_RECEIPT_INVALID);
    char *at = &poll.handles[0][20];
    *at = *at == 'A' ? 'B' : 'A';
    assert_int_equal(world_delete(w, queue, poll.handles[0]), SQS_RECEIPT_INVALID);
    assert_int_equal(world_count(queue, IN_FLIGHT), 1);
}

static void a_delete_that_is_not_stored_deletes_nothing(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll poll;
    world_send(w, queue, "x", NULL);
    assert_int_equal(world_receive(w, queue, &poll, 1, 600, 0), 1);
    world_sql(w, refuse_deletes);
    struct queue_receipt_entry entry = {.receipt = slice_of(poll.handles[0])};
    struct service_error error = {0};
    struct world_change change = {0};
    assert_int_equal(local_queue_delete_messages(queue, &entry, 1, &error, world_written, &change),
                     0);
    assert_int_not_equal(world_wait(w, &change), 0);
    world_sql(w, refuse_no_more);
    assert_int_equal(world_count(queue, IN_FLIGHT), 1);
    assert_int_equal(world_delete(w, queue, poll.handles[0]), 0);
    assert_int_equal(world_count(queue, IN_FLIGHT), 0);
}

#define DLQ_POLICY                                                                                 \
    "{\"RedrivePolicy\": \"{\\\"deadLetterTargetArn\\\":\\\"arn:aws:sqs:us-east-1:000000000000:"   \
    "dlq\\\",\\\"maxReceiveCount\\\":2}\"}"

static void a_message_received_too_often_is_redriven(void **state)
{
    struct world *w = *state;
    struct local_queue *dlq = world_queue(w, "dlq", "{}"), *queue = world_queue(w, "q", DLQ_POLICY);
    struct world_poll poll, waiting;
    char id[UUID_TEXT_SIZE];
    world_send(w, queue, "poison", id);
    assert_int_equal(world_receive(w, queue, &poll, 1, 0, 0), 1);
    assert_int_equal(world_receive(w, queue, &poll, 1, 0, 0), 1);
    assert_int_equal(poll.receive_counts[0], 2);
    world_poll_start(w, dlq, &waiting, 1, 0, 20);
    assert_int_equal(world_receive(w, queue, &poll, 1, 0, 0), 0);
    world_run_until(w, &waiting.done);
    assert_string_equal(waiting.ids[0], id);
    assert_string_equal(waiting.bodies[0], "poison");
    assert_int_equal(waiting.receive_counts[0], 3);
    assert_string_equal(waiting.sources[0], "arn:aws:sqs:us-east-1:000000000000:q");
    assert_int_equal(world_count(queue, VISIBLE), 0);
    /* It stays one message, also on the disk. */
    world_reopen(w);
    dlq = queues_find(w->cloud.queues, world_home(w), "dlq");
    assert_int_equal(world_count(queues_find(w->cloud.queues, world_home(w), "q"), VISIBLE), 0);
    assert_int_equal(world_receive(w, dlq, &poll, 10, 0, 0), 1);
    assert_string_equal(poll.ids[0], id);
    assert_string_equal(poll.sources[0], "arn:aws:sqs:us-east-1:000000000000:q");
}

static void a_redrive_policy_needs_its_target(void **state)
{
    struct world *w = *state;
    struct service_error error = {0};
    struct world_change change = {0};
    json_t *policy = json_loads(DLQ_POLICY, 0, NULL);
    assert_int_equal(queues_create(w->cloud.queues, world_home(w), "q", policy, NULL, world_written,
                                   &change, &error),
                     SQS_INVALID_PARAMETER);
    json_decref(policy);
    assert_null(queues_find(w->cloud.queues, world_home(w), "q"));
}

static void a_dead_letter_queue_chooses_its_sources(void **state)
{
    static const struct {
        const char *policy;
        int code;
    } cases[] = {
        {"{\"redrivePermission\":\"denyAll\"}", SQS_INVALID_PARAMETER},
        {"{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"arn:aws:sqs:us-east-1:"
         "000000000000:other\"]}",
         SQS_INVALID_PARAMETER},
        {"{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"arn:aws:sqs:us-east-1:"
         "000000000000:q\"]}",
         0},
        {"{\"redrivePermission\":\"allowAll\"}", 0},
    };
    struct world *w = *state;
    struct local_queue *dlq = world_queue(w, "dlq", "{}"), *queue = world_queue(w, "q", "{}");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *allow = json_pack("{s:s}", "RedriveAllowPolicy", cases[i].policy);
        assert_int_equal(world_set(w, dlq, allow), 0);
        assert_int_equal(world_set(w, queue, json_loads(DLQ_POLICY, 0, NULL)), cases[i].code);
    }
}

static void state_survives_a_restart(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{\"VisibilityTimeout\": \"77\"}");
    struct world_poll in_flight, poll;
    char first[UUID_TEXT_SIZE], second[UUID_TEXT_SIZE];
    struct message_draft delayed = {.body = SLICE_LITERAL("later"), .delay_s = 900};
    struct message_draft full = {
        .body = SLICE_LITERAL("second"), .attributes = "{\"a\":1}", .delay_s = -1};
    struct world_change change = {0};
    struct message_sent sent;
    world_send(w, queue, "first", first);
    assert_int_equal(world_receive(w, queue, &in_flight, 1, 600, 0), 1);
    assert_int_equal(local_queue_send(queue, &full, 1, &sent, NULL, world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    memcpy(second, sent.id, sizeof second);
    assert_int_equal(local_queue_send(queue, &delayed, 1, NULL, NULL, world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    world_reopen(w);
    queue = queues_find(w->cloud.queues, world_home(w), "q");
    assert_non_null(queue);
    assert_int_equal(local_queue_attributes(queue)->visibility_s, 77);
    assert_int_equal(world_count(queue, IN_FLIGHT), 1);
    assert_int_equal(world_count(queue, DELAYED), 1);
    assert_int_equal(world_receive(w, queue, &poll, 10, 0, 0), 1);
    assert_string_equal(poll.ids[0], second);
    assert_string_equal(poll.attributes[0], "{\"a\":1}");
    /* The receipt from before is still good, and the receive still counts. */
    assert_int_equal(world_change_visibility(w, queue, in_flight.handles[0], 0), 0);
    assert_int_equal(world_receive(w, queue, &poll, 10, 0, 0), 2);
    size_t at = strcmp(poll.ids[0], first) == 0 ? 0 : 1;
    assert_string_equal(poll.ids[at], first);
    assert_int_equal(poll.receive_counts[at], 2);
}

static void deleted_messages_stay_deleted(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll poll;
    char old[RECEIPT_TEXT_SIZE];
    world_send(w, queue, "x", NULL);
    assert_int_equal(world_receive(w, queue, &poll, 1, 0, 0), 1);
    memcpy(old, poll.handles[0], sizeof old);
    assert_int_equal(world_delete(w, queue, old), 0);
    world_reopen(w);
    queue = queues_find(w->cloud.queues, world_home(w), "q");
    assert_int_equal(world_receive(w, queue, &poll, 10, 0, 0), 0);
    /* No number is given twice: the old receipt must not reach a new message. */
    uint64_t number = poll.receipts[0].message;
    world_send(w, queue, "y", NULL);
    assert_int_equal(world_receive(w, queue, &poll, 1, 0, 0), 1);
    assert_true(poll.receipts[0].message > number);
    assert_int_equal(world_delete(w, queue, old), 0);
    assert_int_equal(world_count(queue, VISIBLE), 1);
}

static void purging_keeps_later_messages(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll poll;
    struct message_draft draft = {.body = SLICE_LITERAL("after"), .delay_s = -1};
    struct world_change purge = {0}, send = {0};
    world_send(w, queue, "visible", NULL);
    world_send(w, queue, "in flight", NULL);
    assert_int_equal(world_receive(w, queue, &poll, 1, 600, 0), 1);
    assert_int_equal(local_queue_purge(queue, world_written, &purge), 0);
    assert_int_equal(local_queue_purge(queue, world_written, &purge), SQS_PURGE_IN_PROGRESS);
    assert_int_equal(local_queue_send(queue, &draft, 1, NULL, NULL, world_written, &send), 0);
    assert_int_equal(world_wait(w, &purge), 0);
    assert_int_equal(world_wait(w, &send), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(world_count(queue, IN_FLIGHT), 0);
        assert_int_equal(world_receive(w, queue, &poll, 10, 0, 0), 1);
        assert_string_equal(poll.bodies[0], "after");
        world_reopen(w);
        queue = queues_find(w->cloud.queues, world_home(w), "q");
    }
}

static void deleting_a_queue_ends_its_polls_and_messages(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll poll, fresh;
    struct world_change change = {0}, again = {0};
    struct service_error error = {0};
    json_t *nothing = json_object();
    world_poll_start(w, queue, &poll, 1, 30, 20);
    assert_int_equal(local_queue_delete(queue, world_written, &change), 0);
    assert_true(poll.done);
    assert_int_equal(poll.code, SQS_QUEUE_DOES_NOT_EXIST);
    assert_null(queues_find(w->cloud.queues, world_home(w), "q"));
    assert_int_equal(queues_create(w->cloud.queues, world_home(w), "q", nothing, NULL,
                                   world_written, &again, &error),
                     SQS_QUEUE_DELETED_RECENTLY);
    json_decref(nothing);
    assert_int_equal(world_wait(w, &change), 0);
    queue = world_queue(w, "q", "{}");
    world_send(w, queue, "x", NULL);
    assert_int_equal(local_queue_delete(queue, world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    world_reopen(w);
    assert_null(queues_find(w->cloud.queues, world_home(w), "q"));
    assert_int_equal(world_receive(w, world_queue(w, "q", "{}"), &fresh, 10, 0, 0), 0);
}

static void creating_again_is_the_same_queue(void **state)
{
    struct world *w = *state;
    struct service_error error = {0};
    struct world_change change = {0};
    struct local_queue *queue = world_queue(w, "q", "{\"DelaySeconds\": \"3\"}");
    assert_ptr_equal(world_queue(w, "q", "{}"), queue);
    assert_ptr_equal(world_queue(w, "q", "{\"DelaySeconds\": \"3\"}"), queue);
    json_t *other = json_pack("{s:s}", "DelaySeconds", "4");
    assert_int_equal(queues_create(w->cloud.queues, world_home(w), "q", other, NULL, world_written,
                                   &change, &error),
                     SQS_QUEUE_NAME_EXISTS);
    assert_non_null(strstr(error.text, "DelaySeconds"));
    json_decref(other);
}

static void a_queue_that_is_not_stored_does_not_exist(void **state)
{
    struct world *w = *state;
    struct service_error error = {0};
    struct world_change change = {0};
    json_t *nothing = json_object();
    world_sql(w, refuse_queues);
    assert_int_equal(queues_create(w->cloud.queues, world_home(w), "q", nothing, NULL,
                                   world_written, &change, &error),
                     0);
    assert_int_not_equal(world_wait(w, &change), 0);
    assert_null(queues_find(w->cloud.queues, world_home(w), "q"));
    world_sql(w, refuse_no_more);
    json_decref(nothing);
    world_queue(w, "q", "{}");
}

static void attributes_keep_their_bounds(void **state)
{
    static const struct {
        const char *attributes;
        int code;
    } cases[] = {
        {"{\"VisibilityTimeout\": \"43200\"}", 0},
        {"{\"VisibilityTimeout\": \"43201\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"VisibilityTimeout\": \"-1\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"VisibilityTimeout\": \"1x\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"VisibilityTimeout\": 5}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"DelaySeconds\": \"901\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"MessageRetentionPeriod\": \"59\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"MaximumMessageSize\": \"1048577\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"ReceiveMessageWaitTimeSeconds\": \"21\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"Policy\": \"not json\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"Policy\": \"{}\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"Policy\": \"\"}", 0},
        {"{\"RedrivePolicy\": \"{}\"}", SQS_INVALID_PARAMETER},
        {"{\"KmsMasterKeyId\": \"k\"}", 0},
        {"{\"KmsDataKeyReusePeriodSeconds\": \"59\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"KmsDataKeyReusePeriodSeconds\": \"86401\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"SqsManagedSseEnabled\": \"maybe\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"SqsManagedSseEnabled\": \"true\", \"KmsMasterKeyId\": \"k\"}",
         SQS_INVALID_ATTRIBUTE_NAME},
        {"{\"RedriveAllowPolicy\": \"{}\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"RedriveAllowPolicy\": \"{\\\"redrivePermission\\\": \\\"byQueue\\\"}\"}",
         SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"FifoQueue\": \"true\"}", SQS_INVALID_ATTRIBUTE_NAME},
        {"{\"ContentBasedDeduplication\": \"true\"}", SQS_INVALID_ATTRIBUTE_NAME},
        {"{\"Visibility\": \"5\"}", SQS_INVALID_ATTRIBUTE_NAME},
    };
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(world_set(w, queue, json_loads(cases[i].attributes, 0, NULL)),
                         cases[i].code);
    assert_int_equal(local_queue_attributes(queue)->visibility_s, 43200);
}

static void retention_ends_a_message(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll poll;
    world_send(w, queue, "old", NULL);
    world_send(w, queue, "new", NULL);
    world_settle(w);
    /* As if it had been sent five days ago; the default retention is four. */
    world_sql(w, "UPDATE messages SET sent_ms = sent_ms - 432000000 WHERE id ="
                 " (SELECT min(id) FROM messages)");
    world_reopen(w);
    queue = queues_find(w->cloud.queues, world_home(w), "q");
    assert_int_equal(world_receive(w, queue, &poll, 10, 0, 0), 1);
    assert_string_equal(poll.bodies[0], "new");
}

enum { MANY = 2400 };

static void many_sent(struct world *w, struct local_queue *queue)
{
    char texts[QUEUE_BATCH][8];
    struct message_draft drafts[QUEUE_BATCH];
    for (int sent = 0; sent < MANY; sent += QUEUE_BATCH) {
        for (int i = 0; i < QUEUE_BATCH; i++) {
            snprintf(texts[i], sizeof texts[i], "%d", sent + i);
            drafts[i] = (struct message_draft){.body = slice_of(texts[i]), .delay_s = -1};
        }
        assert_int_equal(local_queue_send(queue, drafts, QUEUE_BATCH, NULL, NULL, NULL, NULL), 0);
    }
    world_settle(w);
}

static int visible_count(const struct local_queue *queue)
{
    json_t *told = local_queue_describe(queue);
    int count = atoi(json_string_value(json_object_get(told, "ApproximateNumberOfMessages")));
    json_decref(told);
    return count;
}

static void retention_set(struct local_queue *queue, int seconds, struct world_change *change)
{
    struct service_error error = {0};
    json_t *wanted = json_pack("{s:o}", "MessageRetentionPeriod", json_sprintf("%d", seconds));
    assert_int_equal(local_queue_set(queue, wanted, world_written, change, &error), 0);
    json_decref(wanted);
}

/* "…will impact existing messages in the queue potentially causing them to be expired and deleted":
 * SetQueueAttributes, SQS API Reference. */
static void a_new_retention_expires_old_messages_and_keeps_the_order(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}"), *other = world_queue(w, "o", "{}");
    struct world_change change = {0}, again = {0};
    struct world_poll poll;
    many_sent(w, queue);
    world_send(w, other, "another queue's", NULL);
    world_sql(w, "UPDATE messages SET sent_ms = sent_ms - 3600000"
                 " WHERE CAST(body AS TEXT) % 3 = 0");
    world_reopen(w);
    queue = queues_find(w->cloud.queues, world_home(w), "q");
    other = queues_find(w->cloud.queues, world_home(w), "o");
    retention_set(queue, 1800, &change); /* taken back before anything has ended by it */
    retention_set(queue, 7200, &again);
    assert_int_equal(world_wait(w, &change), 0);
    assert_int_equal(world_wait(w, &again), 0);
    world_pass(w, 1000);
    world_settle(w);
    assert_int_equal(visible_count(queue), MANY);
    retention_set(queue, 1800, &change);
    assert_int_equal(world_wait(w, &change), 0);
    while (visible_count(queue) > MANY - MANY / 3)
        world_pass(w, 1);
    assert_int_equal(visible_count(other), 1);
    for (int i = 0, number = 0; i < MANY - MANY / 3; number++) {
        if (number % 3 == 0)
            continue;
        if (i % QUEUE_BATCH == 0)
            assert_int_equal(world_receive(w, queue, &poll, QUEUE_BATCH, 60, 0), QUEUE_BATCH);
        assert_int_equal(atoi(poll.bodies[i++ % QUEUE_BATCH]), number);
    }
    assert_int_equal(world_receive(w, queue, &poll, QUEUE_BATCH, 60, 0), 0);
}

static void queues_are_listed_by_prefix_and_page(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"b-3", "a-1", "b-1", "c", "b-2"};
    struct local_queue *page[2];
    bool more;
    for (size_t i = 0; i < 5; i++)
        world_queue(w, names[i], "{}");
    assert_int_equal(queues_list(w->cloud.queues, world_home(w), "b-", NULL, NULL, page, 2, &more),
                     2);
    assert_string_equal(local_queue_name(page[0]), "b-1");
    assert_string_equal(local_queue_name(page[1]), "b-2");
    assert_true(more);
    assert_int_equal(queues_list(w->cloud.queues, world_home(w), "b-", "b-2", NULL, page, 2, &more),
                     1);
    assert_string_equal(local_queue_name(page[0]), "b-3");
    assert_false(more);
    assert_int_equal(queues_list(w->cloud.queues, world_home(w), "z", NULL, NULL, page, 2, &more),
                     0);
    assert_int_equal(queues_list(w->cloud.queues, world_home(w), "b-", "a", NULL, page, 2, &more),
                     2);
    assert_string_equal(local_queue_name(page[0]), "b-1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(message_is_received_once_committed),
        TEST(message_that_is_not_stored_is_not_sent),
        TEST(polls_are_served_in_the_order_of_their_coming),
        TEST(a_burst_fills_one_response),
        TEST(a_dead_poll_hides_nothing),
        TEST(undelivered_messages_return_and_stay_counted),
        TEST(visibility_ends_and_wakes_a_poll),
        TEST(a_delayed_message_waits),
        TEST(visibility_can_be_changed_with_any_receipt),
        TEST(twelve_hours_from_the_receive_are_the_limit),
        TEST(any_receipt_deletes),
        TEST(forged_and_foreign_receipts_are_refused),
        TEST(a_delete_that_is_not_stored_deletes_nothing),
        TEST(a_message_received_too_often_is_redriven),
        TEST(a_redrive_policy_needs_its_target),
        TEST(a_dead_letter_queue_chooses_its_sources),
        TEST(state_survives_a_restart),
        TEST(deleted_messages_stay_deleted),
        TEST(purging_keeps_later_messages),
        TEST(deleting_a_queue_ends_its_polls_and_messages),
        TEST(creating_again_is_the_same_queue),
        TEST(a_queue_that_is_not_stored_does_not_exist),
        TEST(attributes_keep_their_bounds),
        TEST(retention_ends_a_message),
        TEST(a_new_retention_expires_old_messages_and_keeps_the_order),
        TEST(queues_are_listed_by_prefix_and_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
