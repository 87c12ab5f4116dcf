/* Opening the state of SQS: bodies, leftovers of purges and deletions, tables of an earlier
 * version. */
#include "cloud_world.h"

static struct local_queue *find(struct world *w, const char *name)
{
    struct local_queue *queue = queues_find(w->cloud.queues, world_home(w), name);
    assert_non_null(queue);
    return queue;
}

static void send_many(struct world *w, struct local_queue *queue, int count)
{
    struct message_draft drafts[QUEUE_BATCH];
    for (int i = 0; i < QUEUE_BATCH; i++)
        drafts[i] = (struct message_draft){.body = SLICE_LITERAL("x"), .delay_s = -1};
    for (int i = 0; i < count; i += QUEUE_BATCH) {
        struct world_change change = {0};
        assert_int_equal(
            local_queue_send(queue, drafts, QUEUE_BATCH, NULL, NULL, world_written, &change), 0);
        assert_int_equal(world_wait(w, &change), 0);
    }
}

static void await_rows(struct world *w, const char *sql, int count)
{
    for (int i = 0; i < 1000 && world_rows(w, sql) != count; i++)
        world_settle(w);
    assert_int_equal(world_rows(w, sql), count);
}

static const char all_rows[] = "SELECT count(*) FROM messages";

static void bodies_are_read_on_demand(void **state)
{
    static char large[4000];
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_poll poll;
    struct world_change change = {0};
    memset(large, 'l', sizeof large);
    struct message_draft drafts[] = {
        {.body = SLICE_LITERAL("small"), .attributes = "{\"a\":1}", .delay_s = -1},
        {.body = {large, sizeof large}, .attributes = "{\"b\":2}", .delay_s = -1},
        {.body = SLICE_LITERAL("plain"), .delay_s = -1},
    };
    assert_int_equal(local_queue_send(queue, drafts, 3, NULL, NULL, world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    assert_int_equal(world_rows(w, "SELECT count(*) FROM message_bodies"), 1);
    for (int round = 0; round < 2; round++) {
        world_reopen(w);
        queue = find(w, "q");
        world_send(w, queue, "new", NULL);
        assert_int_equal(world_receive(w, queue, &poll, 10, 0, 0), 4 + (size_t)round);
        assert_string_equal(poll.bodies[0], "small");
        assert_string_equal(poll.attributes[0], "{\"a\":1}");
        assert_int_equal(strlen(poll.bodies[1]), sizeof large);
        assert_string_equal(poll.attributes[1], "{\"b\":2}");
        assert_string_equal(poll.bodies[2], "plain");
        assert_string_equal(poll.attributes[2], "");
        assert_string_equal(poll.bodies[3], "new");
        assert_int_equal(poll.receive_counts[0], round + 1);
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(world_delete(w, queue, poll.handles[i]), 0);
    assert_int_equal(world_rows(w, all_rows), 0);
    assert_int_equal(world_rows(w, "SELECT count(*) FROM message_bodies"), 0);
}

/* Keeps the storage thread busy until it is told. */
struct blocker {
    struct storage_task task;
    uv_sem_t go;
    bool done;
};

static int blocker_run(struct storage_task *task, struct storage *storage)
{
    (void)storage;
    uv_sem_wait(&((struct blocker *)task)->go);
    return 0;
}

static void blocker_done(struct storage_task *task, int code)
{
    (void)code;
    ((struct blocker *)task)->done = true;
}

static void a_poller_that_leaves_while_a_body_is_read_hides_nothing(void **state)
{
    struct world *w = *state;
    struct world_poll gone, poll;
    struct blocker blocker = {.task = {.run = blocker_run, .done = blocker_done}};
    world_send(w, world_queue(w, "q", "{}"), "x", NULL);
    world_reopen(w);
    struct local_queue *queue = find(w, "q");
    assert_int_equal(uv_sem_init(&blocker.go, 0), 0);
    storage_submit(w->cloud.storage, &blocker.task);
    world_poll_start(w, queue, &gone, 1, 600, 20);
    w->awaited = &gone.done;
    while (!gone.poll.reading)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    queue_poll_cancel(&gone.poll);
    uv_sem_post(&blocker.go);
    world_run_until(w, &blocker.done);
    uv_sem_destroy(&blocker.go);
    assert_int_equal(world_receive(w, queue, &poll, 1, 600, 20), 1);
    assert_false(gone.done);
    assert_string_equal(poll.bodies[0], "x");
    assert_int_equal(poll.receive_counts[0], 2);
}

static void a_body_that_is_lost_is_an_error_and_hides_nothing(void **state)
{
    static char large[4000];
    struct world *w = *state;
    struct world_poll poll;
    struct world_change change = {0};
    struct local_queue *queue = world_queue(w, "q", "{}");
    memset(large, 'l', sizeof large);
    struct message_draft draft = {.body = {large, sizeof large}, .delay_s = -1};
    assert_int_equal(local_queue_send(queue, &draft, 1, NULL, NULL, world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    world_sql(w, "DELETE FROM message_bodies");
    world_reopen(w);
    queue = find(w, "q");
    world_poll_start(w, queue, &poll, 1, 600, 20);
    world_run_until(w, &poll.done);
    assert_int_equal(poll.code, SERVICE_INTERNAL);
    assert_int_equal(world_count(queue, VISIBLE), 1);
}

static void purged_messages_are_freed_in_pieces(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}");
    struct world_change purge = {0};
    struct world_poll poll;
    send_many(w, queue, 1200);
    assert_int_equal(local_queue_purge(queue, world_written, &purge), 0);
    assert_int_equal(world_wait(w, &purge), 0);
    assert_int_equal(world_count(queue, VISIBLE), 0);
    /* The queue works meanwhile. */
    world_send(w, queue, "after", NULL);
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 1);
    await_rows(w, all_rows, 1);
}

static void an_end_in_the_middle_of_a_purge_brings_nothing_back(void **state)
{
    struct world *w = *state;
    struct local_queue *queue = world_queue(w, "q", "{}"), *other = world_queue(w, "other", "{}");
    struct world_change purge = {0}, gone = {0};
    struct world_poll poll;
    send_many(w, queue, 1200);
    send_many(w, other, 1200);
    world_sql(w, "CREATE TRIGGER refuse BEFORE DELETE ON messages"
                 " BEGIN SELECT RAISE(ABORT, 'the end'); END");
    assert_int_equal(local_queue_purge(queue, world_written, &purge), 0);
    assert_int_equal(local_queue_delete(other, world_written, &gone), 0);
    assert_int_equal(world_wait(w, &purge), 0);
    assert_int_equal(world_wait(w, &gone), 0);
    world_reopen(w);
    assert_int_equal(world_rows(w, all_rows), 2400);
    queue = find(w, "q");
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 0);
    assert_null(queues_find(w->cloud.queues, world_home(w), "other"));
    other = world_queue(w, "other", "{}");
    assert_int_equal(world_receive(w, other, &poll, 10, 600, 0), 0);
    world_sql(w, "DROP TRIGGER refuse");
    world_reopen(w);
    await_rows(w, all_rows, 0);
}

static void a_queue_keeps_its_tags(void **state)
{
    struct world *w = *state;
    struct world_change change = {0};
    struct service_error error = {0};
    json_t *tags = json_pack("{s:s}", "team", "x");
    assert_int_equal(
        local_queue_tag(world_queue(w, "q", "{}"), tags, NULL, world_written, &change, &error), 0);
    assert_int_equal(world_wait(w, &change), 0);
    world_reopen(w);
    assert_true(json_equal(local_queue_tags(find(w, "q")), tags));
    json_decref(tags);
}

/* The tables of version 0.1.0. */
static const char earlier_tables[] =
    "DROP TABLE queues; DROP TABLE messages; DROP TABLE message_bodies;"
    "CREATE TABLE queues (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL, attributes TEXT NOT NULL);"
    "CREATE TABLE messages (id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, uuid BLOB NOT NULL,"
    " sent_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, first_ms INTEGER NOT NULL,"
    " count INTEGER NOT NULL, base INTEGER NOT NULL, trace TEXT, source TEXT);"
    "CREATE TABLE message_bodies (id INTEGER PRIMARY KEY, body BLOB NOT NULL, attributes TEXT);"
    "INSERT INTO queues VALUES (1, 'old', 1, 1, '{\"VisibilityTimeout\":\"77\"}');"
    "INSERT INTO messages VALUES (1, 1, zeroblob(16), strftime('%s','now') * 1000, 0, 0, 0, 0,"
    " NULL, NULL), (2, 1, zeroblob(16), strftime('%s','now') * 1000, 0, 5, 3, 0, NULL, NULL);"
    "INSERT INTO message_bodies VALUES (1, 'first', '{\"a\":1}'), (2, 'second', NULL);";

static void tables_of_an_earlier_version_are_read(void **state)
{
    struct world *w = *state;
    struct world_poll poll;
    world_sql(w, earlier_tables);
    world_reopen(w);
    struct local_queue *queue = find(w, "old");
    assert_int_equal(local_queue_attributes(queue)->visibility_s, 77);
    world_send(w, queue, "new", NULL);
    assert_int_equal(world_receive(w, queue, &poll, 10, 600, 0), 3);
    assert_string_equal(poll.bodies[0], "first");
    assert_string_equal(poll.attributes[0], "{\"a\":1}");
    assert_string_equal(poll.bodies[1], "second");
    assert_int_equal(poll.receive_counts[1], 4);
    for (int i = 0; i < 3; i++)
        assert_int_equal(world_delete(w, queue, poll.handles[i]), 0);
    assert_int_equal(world_rows(w, "SELECT count(*) FROM message_bodies"), 0);
}

static void a_clock_that_goes_back_hides_nothing_for_longer(void **state)
{
    struct world *w = *state;
    struct world_poll poll;
    struct local_queue *queue = world_queue(w, "q", "{}");
    world_send(w, queue, "received", NULL);
    assert_int_equal(world_receive(w, queue, &poll, 10, 5, 0), 1);
    world_sql(w,
              "UPDATE messages SET sent_ms = sent_ms + 2592000000, due_ms = due_ms + 2592000000, "
              "first_ms = first_ms + 2592000000, received_ms = received_ms + 2592000000");
    world_reopen(w);
    queue = find(w, "q");
    assert_int_equal(world_receive(w, queue, &poll, 10, 5, 0), 0);
    assert_int_equal(world_receive(w, queue, &poll, 10, 5, 20), 1);
    assert_string_equal(poll.bodies[0], "received");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bodies_are_read_on_demand),
        TEST(a_poller_that_leaves_while_a_body_is_read_hides_nothing),
        TEST(a_body_that_is_lost_is_an_error_and_hides_nothing),
        TEST(purged_messages_are_freed_in_pieces),
        TEST(an_end_in_the_middle_of_a_purge_brings_nothing_back),
        TEST(a_queue_keeps_its_tags),
        TEST(tables_of_an_earlier_version_are_read),
        TEST(a_clock_that_goes_back_hides_nothing_for_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
