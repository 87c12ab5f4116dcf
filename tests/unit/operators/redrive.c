/* Moving messages one by one: at every moment each is in one of the two queues, or in both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_services.h"
#include <cmocka.h>

#include "redrive.h"

enum { BEGAN_MS = 2000000000 };

static struct {
    uv_loop_t loop;
    struct fake_queues queues;
    struct queue_backend_ops original;
    struct queue *dead, *source;
    struct redrive *redrive;
    struct redrive_target target;
    struct dead_letter_filter filter;
    unsigned sends, stop_after, fail_from, fail_to; /* the number of a send, from 1; 0: none */
    int failure;
    bool deletions_fail;
    size_t put;
} world;

static const struct dead_letter_origins no_origins;

static void begin(const char *dead, const char *source)
{
    world.dead = fake_queue_add(&world.queues, dead, NULL);
    world.source = fake_queue_add(&world.queues, source, dead);
    world.target = (struct redrive_target){"web", world.source};
}

/* Nothing is lost, at any time. */
static void assert_all_are_somewhere(void)
{
    for (size_t i = 0; i < world.put; i++) {
        char body[32];
        snprintf(body, sizeof body, "body-%zu", i);
        size_t found = 0;
        struct queue *const both[] = {world.dead, world.source};
        for (size_t q = 0; q < 2; q++)
            for (struct list *l = both[q]->messages.next; l != &both[q]->messages; l = l->next)
                found += strcmp(container_of(l, struct fake_message, link)->body, body) == 0;
        assert_true(found > 0);
    }
}

struct failed_send {
    uv_timer_t timer;
    queue_sent *done;
    void *user;
};

static void failed_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void failed_fire(uv_timer_t *timer)
{
    struct failed_send *failed = timer->data;
    struct error error;
    error_set(&error, world.failure, "as the test demands");
    failed->done(NULL, &error, failed->user);
    uv_close((uv_handle_t *)timer, failed_closed);
}

static int send_message(struct queue *queue, const struct queue_send *message, queue_sent *done,
                        void *user)
{
    const unsigned number = ++world.sends;
    assert_all_are_somewhere();
    if (number == world.stop_after)
        redrive_stop(world.redrive);
    if (!world.fail_from || number < world.fail_from || number > world.fail_to)
        return world.original.send(queue, message, done, user);
    struct failed_send *failed = calloc(1, sizeof *failed);
    *failed = (struct failed_send){.done = done, .user = user};
    uv_timer_init(&world.loop, &failed->timer);
    failed->timer.data = failed;
    uv_timer_start(&failed->timer, failed_fire, 0, 0);
    return 0;
}

static int delete_batch(struct queue *queue, const struct queue_entry *entries, size_t count,
                        queue_batch_done *done, void *user)
{
    if (world.deletions_fail)
        for (struct list *l = queue->messages.next; l != &queue->messages; l = l->next)
            container_of(l, struct fake_message, link)->receipt[0] = '\0';
    int code = world.original.delete_batch(queue, entries, count, done, user);
    assert_all_are_somewhere();
    return code;
}

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    uv_loop_init(&world.loop);
    fake_queues_init(&world.queues, &world.loop);
    world.original = world.queues.ops;
    world.queues.ops.send = send_message;
    world.queues.ops.delete_batch = delete_batch;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    redrive_free(world.redrive);
    fake_queues_clear(&world.queues);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    return 0;
}

static struct fake_message *put(void)
{
    char body[32];
    snprintf(body, sizeof body, "body-%zu", world.put++);
    struct fake_message *message = fake_queue_put(world.dead, body);
    message->sent_ms = 1000;
    return message;
}

static void attribute(struct fake_message *message, const char *name, const char *type,
                      const char *value)
{
    message->attributes[message->attribute_count++] =
        (struct queue_attribute){strdup(name), strdup(type), strdup(value)};
}

static const struct redrive_facts *redrive_with(size_t limit, size_t targets)
{
    const struct redrive_options options = {.loop = &world.loop,
                                            .ops = &world.queues.ops,
                                            .dead_letters = world.dead,
                                            .visibility_s = 30,
                                            .filter = &world.filter,
                                            .origins = &no_origins,
                                            .limit = limit,
                                            .began_ms = BEGAN_MS,
                                            .targets = &world.target,
                                            .target_count = targets,
                                            .targets_known = true};
    assert_int_equal(redrive_start(&options, &world.redrive), 0);
    while (!redrive_is_done(world.redrive))
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_all_are_somewhere();
    return redrive_facts(world.redrive);
}

static void all_messages_are_moved(void **state)
{
    (void)state;
    begin("dead", "source");
    for (size_t i = 0; i < 57; i++)
        put();
    const struct redrive_facts *facts = redrive_with(0, 1);
    assert_int_equal(facts->sent, 57);
    assert_int_equal(facts->failed, 0);
    assert_int_equal(fake_queue_count(world.dead), 0);
    assert_int_equal(fake_queue_count(world.source), 57);
}

static void an_interrupted_redrive_loses_nothing(void **state)
{
    (void)state;
    begin("dead", "source");
    for (size_t i = 0; i < 57; i++)
        put();
    world.stop_after = 13;
    const struct redrive_facts *facts = redrive_with(0, 1);
    assert_in_range(facts->sent, 13, 56);
    assert_int_equal(fake_queue_count(world.source), facts->sent);
    assert_int_equal(fake_queue_count(world.dead), 57 - facts->sent);
    for (struct list *l = world.dead->messages.next; l != &world.dead->messages; l = l->next)
        assert_true(container_of(l, struct fake_message, link)->visible_at_ms <=
                    uv_now(&world.loop));
}

static void a_limit_is_kept(void **state)
{
    (void)state;
    begin("dead", "source");
    for (size_t i = 0; i < 30; i++)
        put();
    assert_int_equal(redrive_with(12, 1)->sent, 12);
    assert_int_equal(fake_queue_count(world.dead), 18);
}

static void a_message_that_cannot_be_sent_stays(void **state)
{
    (void)state;
    begin("dead", "source");
    for (size_t i = 0; i < 20; i++)
        put();
    world.fail_from = world.fail_to = 4;
    world.failure = ERR_SERVER;
    const struct redrive_facts *facts = redrive_with(0, 1);
    assert_int_equal(facts->sent, 19);
    assert_int_equal(facts->failed, 1);
    assert_int_equal(facts->error.code, ERR_SERVER);
    assert_int_equal(fake_queue_count(world.dead), 1);
    assert_string_equal(fake_queue_first(world.dead)->body, "body-3");
}

static void a_queue_that_refuses_ends_the_redrive(void **state)
{
    (void)state;
    begin("dead", "source");
    for (size_t i = 0; i < 200; i++)
        put();
    world.fail_from = 1;
    world.fail_to = 1000;
    world.failure = ERR_DENIED;
    const struct redrive_facts *facts = redrive_with(0, 1);
    assert_in_range(facts->failed, 1, QUEUE_SCAN_BUSY_MAX + QUEUE_BATCH_MAX);
    assert_int_equal(fake_queue_count(world.dead), 200);
}

static void what_cannot_be_deleted_is_in_both(void **state)
{
    (void)state;
    begin("dead", "source");
    put();
    put();
    world.deletions_fail = true;
    assert_int_equal(redrive_with(0, 1)->sent, 2);
    assert_int_equal(redrive_scan_facts(world.redrive)->undeleted, 2);
    assert_int_equal(fake_queue_count(world.dead), 2);
    assert_int_equal(fake_queue_count(world.source), 2);
}

static void the_engines_attributes_stay_behind(void **state)
{
    (void)state;
    begin("dead", "source");
    struct fake_message *message = put();
    attribute(message, "ThumbwheelReason", "String", "image-corrupt");
    attribute(message, "colour", "String.hex", "blue");
    attribute(message, "ThumbwheelMessageId", "String", "m0");
    attribute(message, "bytes", "Binary", "AAEC/w==");
    redrive_with(0, 1);
    const struct fake_message *moved = fake_queue_first(world.source);
    assert_int_equal(moved->attribute_count, 2);
    assert_string_equal(moved->attributes[0].type, "String.hex");
    assert_string_equal(fake_attribute(moved, "colour"), "blue");
    assert_string_equal(fake_attribute(moved, "bytes"), "AAEC/w==");
}

static void a_source_is_not_guessed(void **state)
{
    (void)state;
    begin("dead", "source");
    snprintf(put()->source_arn, 64, "another");
    snprintf(put()->source_arn, 64, "source");
    const struct redrive_facts *facts = redrive_with(0, 1);
    assert_int_equal(facts->sent, 1);
    assert_int_equal(facts->failed, 1);
    assert_non_null(strstr(facts->error.text, "another"));
    assert_string_equal(fake_queue_first(world.source)->body, "body-1");
}

static void without_a_target_everything_stays(void **state)
{
    (void)state;
    begin("dead", "source");
    put();
    assert_int_equal(redrive_with(0, 0)->failed, 1);
    assert_int_equal(fake_queue_count(world.dead), 1);
}

/* Otherwise a message that is rejected again at once would go round and round. */
static void what_arrives_after_the_start_stays(void **state)
{
    (void)state;
    begin("dead", "source");
    put();
    put()->sent_ms = BEGAN_MS + 1;
    const struct redrive_facts *facts = redrive_with(0, 1);
    assert_int_equal(facts->sent, 1);
    assert_int_equal(facts->arrived, 1);
    assert_int_equal(fake_queue_count(world.dead), 1);
}

static void a_fifo_queue_stays_in_order(void **state)
{
    (void)state;
    begin("dead.fifo", "source.fifo");
    for (size_t i = 0; i < 25; i++)
        snprintf(put()->group, 32, "a");
    world.fail_from = world.fail_to = 14;
    world.failure = ERR_SERVER;
    const struct redrive_facts *facts = redrive_with(0, 1);
    assert_int_equal(facts->sent, 13);
    assert_int_equal(facts->failed, 1);
    assert_int_equal(fake_queue_count(world.dead), 12);
    size_t at = 0;
    for (struct list *l = world.source->messages.next; l != &world.source->messages; l = l->next) {
        const struct fake_message *message = container_of(l, struct fake_message, link);
        char body[32];
        snprintf(body, sizeof body, "body-%zu", at++);
        assert_string_equal(message->body, body);
        assert_string_equal(message->group, "a");
    }
}

static void a_deduplication_id_is_kept_when_it_cannot_hide_the_message(void **state)
{
    (void)state;
    begin("dead.fifo", "source.fifo");
    struct fake_message *old = put(), *young = put(), *none = put();
    snprintf(old->deduplication, 64, "old");
    snprintf(young->deduplication, 64, "young");
    young->sent_ms = BEGAN_MS - REDRIVE_DEDUPLICATION_MS;
    char id[32];
    snprintf(id, sizeof id, "%s", young->id);
    (void)none;
    assert_int_equal(redrive_with(0, 1)->sent, 3);
    const struct list *l = world.source->messages.next;
    assert_string_equal(container_of(l, struct fake_message, link)->deduplication, "old");
    assert_string_equal(container_of(l->next, struct fake_message, link)->deduplication, id);
    assert_string_not_equal(container_of(l->next->next, struct fake_message, link)->deduplication,
                            "");
}

#define REDRIVE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REDRIVE_TEST(all_messages_are_moved),
        REDRIVE_TEST(an_interrupted_redrive_loses_nothing),
        REDRIVE_TEST(a_limit_is_kept),
        REDRIVE_TEST(a_message_that_cannot_be_sent_stays),
        REDRIVE_TEST(a_queue_that_refuses_ends_the_redrive),
        REDRIVE_TEST(what_cannot_be_deleted_is_in_both),
        REDRIVE_TEST(the_engines_attributes_stay_behind),
        REDRIVE_TEST(a_source_is_not_guessed),
        REDRIVE_TEST(without_a_target_everything_stays),
        REDRIVE_TEST(what_arrives_after_the_start_stays),
        REDRIVE_TEST(a_fifo_queue_stays_in_order),
        REDRIVE_TEST(a_deduplication_id_is_kept_when_it_cannot_hide_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
