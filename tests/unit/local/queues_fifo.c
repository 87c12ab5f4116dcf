/* FIFO queues: order and closed groups, duplicate sends, repeated receives, and restarts.
 */
#include "cloud_world.h"

#define FIFO    "{\"FifoQueue\": \"true\"}"
#define CONTENT "{\"FifoQueue\": \"true\", \"ContentBasedDeduplication\": \"true\"}"
#define SCOPED                                                                                     \
    "{\"FifoQueue\": \"true\", \"DeduplicationScope\": \"messageGroup\","                          \
    " \"FifoThroughputLimit\": \"perMessageGroupId\"}"

static struct message_sent send_to(struct world *w, struct local_queue *queue, const char *group,
                                   const char *dedup, const char *body)
{
    struct message_draft draft = {
        .body = slice_of(body), .group = group, .dedup = dedup, .delay_s = -1};
    struct world_change change = {0};
    struct message_sent sent;
    assert_int_equal(local_queue_send(queue, &draft, 1, &sent, NULL, world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    return sent;
}

/* The body is its deduplication id. */
static void put(struct world *w, struct local_queue *queue, const char *group, const char *body)
{
    send_to(w, queue, group, body, body);
}

static struct local_queue *find(struct world *w, const char *name)
{
    struct local_queue *queue = queues_find(w->cloud.queues, world_home(w), name);
    assert_non_null(queue);
    return queue;
}

static void a_group_is_handed_out_in_order_and_closed_meanwhile(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_poll first, other, none;
    put(w, queue, "a", "a1");
    put(w, queue, "a", "a2");
    put(w, queue, "b", "b1");
    assert_int_equal(world_receive(w, queue, &first, 1, 600, 0), 1);
    assert_string_equal(first.bodies[0], "a1");
    assert_int_equal(world_receive(w, queue, &other, 10, 600, 0), 1);
    assert_string_equal(other.bodies[0], "b1");
    assert_int_equal(world_receive(w, queue, &none, 10, 600, 0), 0);
    assert_int_equal(world_delete(w, queue, first.handles[0]), 0);
    assert_int_equal(world_receive(w, queue, &first, 10, 600, 0), 1);
    assert_string_equal(first.bodies[0], "a2");
}

static void one_receive_takes_what_it_can_of_a_group_first(void **state)
{
    static const char *const wanted[] = {"a1", "a2", "a3", "b1"};
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_poll poll;
    put(w, queue, "a", "a1");
    put(w, queue, "b", "b1");
    put(w, queue, "a", "a2");
    put(w, queue, "a", "a3");
    assert_int_equal(world_receive(w, queue, &poll, 4, 600, 0), 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(poll.bodies[i], wanted[i]);
}

static void a_returned_message_keeps_its_place(void **state)
{
    static const char *const wanted[] = {"1", "2", "3", "4"};
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_poll poll;
    for (int i = 0; i < 3; i++)
        put(w, queue, "a", wanted[i]);
    assert_int_equal(world_receive(w, queue, &poll, 3, 600, 0), 3);
    put(w, queue, "a", "4");
    for (int i = 2; i >= 0; i--)
        assert_int_equal(world_change_visibility(w, queue, poll.handles[i], 0), 0);
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(poll.bodies[i], wanted[i]);
    assert_int_equal(poll.receive_counts[0], 2);
}

static void one_in_flight_holds_back_those_after_it(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_poll both, poll;
    put(w, queue, "a", "1");
    put(w, queue, "a", "2");
    put(w, queue, "a", "3");
    assert_int_equal(world_receive(w, queue, &both, 2, 600, 0), 2);
    assert_int_equal(world_change_visibility(w, queue, both.handles[0], 0), 0);
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 1);
    assert_string_equal(poll.bodies[0], "1");
    assert_int_equal(world_change_visibility(w, queue, both.handles[1], 0), 0);
    assert_int_equal(world_receive(w, queue, &both, 10, 600, 0), 0);
    assert_int_equal(world_delete(w, queue, poll.handles[0]), 0);
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 2);
    assert_string_equal(poll.bodies[0], "2");
}

static void a_deletion_opens_the_group_for_a_waiting_poll(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_poll first, waiting;
    put(w, queue, "a", "1");
    put(w, queue, "a", "2");
    assert_int_equal(world_receive(w, queue, &first, 1, 600, 0), 1);
    world_poll_start(w, queue, &waiting, 1, 600, 20);
    assert_int_equal(world_delete(w, queue, first.handles[0]), 0);
    world_run_until(w, &waiting.done);
    assert_string_equal(waiting.bodies[0], "2");
}

static void order_and_closed_groups_survive_a_restart(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_poll first, poll;
    char body[16];
    for (int i = 1; i <= 5; i++) {
        snprintf(body, sizeof body, "%d", i);
        put(w, queue, "a", body);
    }
    assert_int_equal(world_receive(w, queue, &first, 1, 600, 0), 1);
    world_reopen(w);
    queue = find(w, "q.fifo");
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 0);
    assert_int_equal(world_change_visibility(w, queue, first.handles[0], 0), 0);
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 5);
    for (int i = 1; i <= 5; i++)
        assert_int_equal(atoi(poll.bodies[i - 1]), i);
}

static void duplicates_are_stored_once(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_poll poll;
    struct message_sent first = send_to(w, queue, "a", "id", "body");
    struct message_sent again = send_to(w, queue, "b", "id", "another body");
    assert_string_equal(first.id, again.id);
    assert_true(first.number == again.number);
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 1);
    assert_string_equal(poll.bodies[0], "body");
    /* Also when the first is deleted, and after a restart. */
    assert_int_equal(world_delete(w, queue, poll.handles[0]), 0);
    world_reopen(w);
    queue = find(w, "q.fifo");
    again = send_to(w, queue, "a", "id", "body");
    assert_string_equal(first.id, again.id);
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 0);
}

static void the_content_makes_the_id_if_none_is_given(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", CONTENT);
    struct world_poll poll;
    send_to(w, queue, "a", NULL, "same");
    send_to(w, queue, "a", NULL, "same");
    send_to(w, queue, "a", NULL, "other");
    send_to(w, queue, "a", "given", "same");
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 3);
    /* printf same | sha256sum */
    send_to(w, queue, "a", "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5",
            "the hash of the other is its id");
    assert_int_equal(world_count(queue, VISIBLE), 0);
}

static void the_scope_may_be_the_group(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", SCOPED);
    struct world_poll poll;
    send_to(w, queue, "a", "id", "1");
    send_to(w, queue, "b", "id", "2");
    send_to(w, queue, "b", "id", "3");
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 2);
}

static void after_five_minutes_the_same_id_is_another_message(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    send_to(w, queue, "a", "old", "1");
    send_to(w, queue, "a", "young", "1");
    world_sql(w, "UPDATE deduplications SET sent_ms = sent_ms - 300001 WHERE key = 'old'");
    world_reopen(w);
    queue = find(w, "q.fifo");
    send_to(w, queue, "a", "old", "2");
    send_to(w, queue, "a", "young", "2");
    assert_int_equal(world_count(queue, VISIBLE), 3);
}

static void a_message_that_was_not_stored_is_not_remembered(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct message_draft draft = {
        .body = SLICE_LITERAL("x"), .group = "a", .dedup = "id", .delay_s = -1};
    struct world_change first = {0}, again = {0};
    world_sql(w, "CREATE TRIGGER refuse BEFORE INSERT ON messages"
                 " BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    assert_int_equal(local_queue_send(queue, &draft, 1, NULL, NULL, world_written, &first), 0);
    /* It gets the response of the first, which is not stored yet, so it must fail with it. */
    assert_int_equal(local_queue_send(queue, &draft, 1, NULL, NULL, world_written, &again), 0);
    assert_int_not_equal(world_wait(w, &first), 0);
    assert_int_not_equal(world_wait(w, &again), 0);
    world_sql(w, "DROP TRIGGER refuse");
    send_to(w, queue, "a", "id", "x");
    assert_int_equal(world_count(queue, VISIBLE), 1);
}

static void a_batch_keeps_its_order_and_repeats_within_it(void **state)
{
    static const char *const bodies[] = {"1", "2", "2", "3"};
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", CONTENT);
    struct message_draft drafts[4];
    struct message_sent sent[4];
    struct world_change change = {0};
    struct world_poll poll;
    for (int i = 0; i < 4; i++)
        drafts[i] =
            (struct message_draft){.body = slice_of(bodies[i]), .group = "g", .delay_s = -1};
    assert_int_equal(local_queue_send(queue, drafts, 4, sent, NULL, world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    assert_string_equal(sent[1].id, sent[2].id);
    assert_true(sent[0].number < sent[1].number && sent[1].number < sent[3].number);
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(atoi(poll.bodies[i]), i + 1);
}

static void a_fifo_queue_wants_a_group_and_an_id(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct message_draft draft = {.body = SLICE_LITERAL("x"), .dedup = "id", .delay_s = -1};
    assert_int_equal(local_queue_send(queue, &draft, 1, NULL, NULL, NULL, NULL), ERR_INVALID);
    draft.dedup = NULL;
    draft.group = "g";
    assert_int_equal(local_queue_send(queue, &draft, 1, NULL, NULL, NULL, NULL), ERR_INVALID);
}

static void sequence_numbers_go_on_after_a_restart(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_poll poll;
    uint64_t before = send_to(w, queue, "a", "1", "1").number;
    assert_int_equal(world_receive(w, queue, &poll, 1, 600, 0), 1);
    assert_int_equal(world_delete(w, queue, poll.handles[0]), 0);
    world_sql(w, "DELETE FROM deduplications");
    world_reopen(w);
    uint64_t after = send_to(w, find(w, "q.fifo"), "a", "2", "2").number;
    assert_true(after > before);
    json_t *text = queue_sequence(after);
    assert_int_equal(json_string_length(text), 20);
    json_decref(text);
}

static size_t try_receive(struct world *w, struct local_queue *queue, struct world_poll *p,
                          const char *id, int visibility_s)
{
    memset(p, 0, sizeof *p);
    p->queues = w->cloud.queues;
    p->poll = (struct queue_poll){
        .max = 10, .visibility_s = visibility_s, .attempt = id, .completed = world_completed};
    assert_int_equal(local_queue_poll(queue, &p->poll, 0), 0);
    world_run_until(w, &p->done);
    return p->count;
}

static void an_attempt_can_be_repeated(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_poll lost, again;
    put(w, queue, "a", "1");
    put(w, queue, "a", "2");
    assert_int_equal(try_receive(w, queue, &lost, "try", 600), 2);
    assert_int_equal(try_receive(w, queue, &again, "other", 600), 0);
    assert_int_equal(try_receive(w, queue, &again, "try", 600), 2);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(again.handles[i], lost.handles[i]);
        assert_string_equal(again.bodies[i], lost.bodies[i]);
        assert_int_equal(again.receive_counts[i], 1);
    }
    /* Once one of them has changed it is a new receive. */
    assert_int_equal(world_delete(w, queue, lost.handles[0]), 0);
    assert_int_equal(try_receive(w, queue, &again, "try", 600), 0);
}

static void a_repeat_restarts_the_visibility(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_poll poll;
    put(w, queue, "a", "1");
    assert_int_equal(try_receive(w, queue, &poll, "try", 600), 1);
    assert_int_equal(try_receive(w, queue, &poll, "try", 0), 1);
    assert_int_equal(world_count(queue, IN_FLIGHT), 0);
    assert_int_equal(try_receive(w, queue, &poll, "try", 600), 1);
    assert_int_equal(poll.receive_counts[0], 2);
}

static void a_receipt_ends_with_its_visibility(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_poll poll;
    put(w, queue, "a", "1");
    assert_int_equal(world_receive(w, queue, &poll, 1, 0, 0), 1);
    assert_int_equal(world_delete(w, queue, poll.handles[0]), SQS_INVALID_PARAMETER);
    assert_int_equal(world_count(queue, VISIBLE), 1);
}

#define DEAD_POLICY                                                                                \
    "{\"FifoQueue\": \"true\", \"RedrivePolicy\": \"{\\\"deadLetterTargetArn\\\":\\\"arn:aws:sqs:" \
    "us-east-1:000000000000:dead.fifo\\\",\\\"maxReceiveCount\\\":1}\"}"

static void dead_letters_keep_the_order_of_their_group(void **state)
{
    static const char *const bodies[] = {"1", "2", "3"};
    struct world *w = *state;
    world_queue(w, "dead.fifo", FIFO);
    struct local_queue *queue = world_queue(w, "q.fifo", DEAD_POLICY);
    struct world_poll poll, waiting;
    for (int i = 0; i < 3; i++)
        put(w, queue, "a", bodies[i]);
    assert_int_equal(world_receive(w, queue, &poll, 2, 0, 0), 2);
    /* The first two go, the third is what is left. */
    assert_int_equal(world_receive(w, queue, &waiting, 10, 600, 20), 1);
    assert_string_equal(waiting.bodies[0], "3");
    world_reopen(w);
    struct local_queue *dead = find(w, "dead.fifo");
    assert_int_equal(world_receive(w, dead, &poll, 10, 600, 0), 2);
    assert_string_equal(poll.bodies[0], "1");
    assert_string_equal(poll.bodies[1], "2");
    assert_int_equal(poll.receive_counts[0], 2);
}

static void the_types_of_a_queue_and_its_dead_letters_agree(void **state)
{
    struct world *w = *state;
    struct service_error error = {0};
    struct world_change change = {0};
    world_queue(w, "dead.fifo", FIFO);
    json_t *policy = json_loads(DEAD_POLICY, 0, NULL);
    json_object_del(policy, "FifoQueue");
    assert_int_equal(queues_create(w->cloud.queues, world_home(w), "q", policy, NULL, world_written,
                                   &change, &error),
                     SQS_INVALID_PARAMETER);
    json_decref(policy);
}

static void the_throughput_limit_needs_its_scope(void **state)
{
    static const struct {
        const char *attributes;
        int code;
    } cases[] = {
        {"{\"FifoThroughputLimit\": \"perMessageGroupId\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"DeduplicationScope\": \"messageGroup\", \"FifoThroughputLimit\":"
         " \"perMessageGroupId\"}",
         0},
        {"{\"DeduplicationScope\": \"queue\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"DeduplicationScope\": \"group\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"FifoQueue\": \"false\"}", SQS_INVALID_ATTRIBUTE_VALUE},
        {"{\"FifoQueue\": \"true\"}", 0},
    };
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(world_set(w, queue, json_loads(cases[i].attributes, 0, NULL)),
                         cases[i].code);
}

static void a_new_delay_applies_to_existing_messages(void **state)
{
    struct world *w = *state;
    struct local_queue *queue =
        world_queue(w, "q.fifo", "{\"FifoQueue\": \"true\", \"DelaySeconds\": \"900\"}");
    put(w, queue, "a", "1");
    assert_int_equal(world_count(queue, DELAYED), 1);
    assert_int_equal(world_set(w, queue, json_pack("{s:s}", "DelaySeconds", "0")), 0);
    assert_int_equal(world_count(queue, VISIBLE), 1);
}

/* What is purged is in flight, waiting and gone: its group must not stay closed. */
static void a_purge_opens_all_groups(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_change purge = {0};
    struct world_poll poll;
    put(w, queue, "a", "1");
    put(w, queue, "a", "2");
    assert_int_equal(world_receive(w, queue, &poll, 1, 600, 0), 1);
    assert_int_equal(local_queue_purge(queue, world_written, &purge), 0);
    assert_int_equal(world_wait(w, &purge), 0);
    put(w, queue, "a", "3");
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 1);
    assert_string_equal(poll.bodies[0], "3");
    while (world_rows(w, "SELECT count(*) FROM messages") > 1)
        world_settle(w);
}

/* A message that is sent while the purge is pending comes after it, also if its group exists. */
static void a_message_sent_during_a_purge_is_received(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q.fifo", FIFO);
    struct world_change purge = {0}, change = {0};
    struct message_draft draft = {.body = slice_of("2"), .group = "a", .dedup = "2", .delay_s = -1};
    struct message_sent sent;
    struct world_poll poll;
    put(w, queue, "a", "1");
    assert_int_equal(local_queue_purge(queue, world_written, &purge), 0);
    assert_int_equal(local_queue_send(queue, &draft, 1, &sent, NULL, world_written, &change), 0);
    assert_int_equal(world_wait(w, &purge), 0);
    assert_int_equal(world_wait(w, &change), 0);
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 1);
    assert_string_equal(poll.bodies[0], "2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_group_is_handed_out_in_order_and_closed_meanwhile),
        TEST(one_receive_takes_what_it_can_of_a_group_first),
        TEST(a_returned_message_keeps_its_place),
        TEST(one_in_flight_holds_back_those_after_it),
        TEST(a_deletion_opens_the_group_for_a_waiting_poll),
        TEST(order_and_closed_groups_survive_a_restart),
        TEST(duplicates_are_stored_once),
        TEST(the_content_makes_the_id_if_none_is_given),
        TEST(the_scope_may_be_the_group),
        TEST(after_five_minutes_the_same_id_is_another_message),
        TEST(a_message_that_was_not_stored_is_not_remembered),
        TEST(a_batch_keeps_its_order_and_repeats_within_it),
        TEST(a_fifo_queue_wants_a_group_and_an_id),
        TEST(sequence_numbers_go_on_after_a_restart),
        TEST(an_attempt_can_be_repeated),
        TEST(a_repeat_restarts_the_visibility),
        TEST(a_receipt_ends_with_its_visibility),
        TEST(dead_letters_keep_the_order_of_their_group),
        TEST(the_types_of_a_queue_and_its_dead_letters_agree),
        TEST(the_throughput_limit_needs_its_scope),
        TEST(a_new_delay_applies_to_existing_messages),
        TEST(a_purge_opens_all_groups),
        TEST(a_message_sent_during_a_purge_is_received),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
