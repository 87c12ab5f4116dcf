/* The queues that a process watches, and its work on their dead-letter queues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_services.h"
#include <cmocka.h>

#include "letters_work.h"

static struct {
    uv_loop_t loop;
    struct fake_queues queues;
    struct queue_watch *watch;
    bool looked, closed, done;
    struct letters_work *work;
    char listed[8][48];
    size_t count;
    struct text_list ids;
} world;

static const struct dead_letter_origin origins[] = {{"web", "web-queue"},
                                                    {"mobile", "mobile-queue"}};

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    uv_loop_init(&world.loop);
    fake_queues_init(&world.queues, &world.loop);
    return 0;
}

static void on_closed(void *user)
{
    (void)user;
    world.closed = true;
}

static int teardown(void **state)
{
    (void)state;
    if (world.work)
        letters_work_free(world.work);
    queue_watch_close(world.watch, on_closed, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_true(world.closed);
    text_list_clear(&world.ids);
    fake_queues_clear(&world.queues);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    return 0;
}

static void on_looked(void *user)
{
    (void)user;
    world.looked = true;
}

static void look(void)
{
    world.looked = false;
    assert_int_equal(queue_watch_look(world.watch, on_looked, NULL), 0);
    assert_int_equal(queue_watch_look(world.watch, on_looked, NULL), ERR_BUSY);
    assert_false(world.looked); /* from a fresh callback */
    while (!world.looked)
        uv_run(&world.loop, UV_RUN_ONCE);
}

static void watch(void)
{
    const struct queue_watch_pipeline pipelines[] = {{"web", "web-queue"},
                                                     {"mobile", "mobile-queue"}};
    assert_int_equal(
        queue_watch_open(&world.loop, &world.queues.backend, pipelines, 2, &world.watch), 0);
    look();
}

static void on_listed(const struct queue_message *message, const struct dead_letter_facts *facts,
                      void *user)
{
    (void)user;
    snprintf(world.listed[world.count++ % 8], sizeof world.listed[0], "%s by %s", message->body,
             facts->pipeline ? facts->pipeline : "nobody");
}

static void on_done(struct letters_work *work, void *user)
{
    (void)user;
    assert_ptr_equal(work, world.work);
    world.done = true;
}

static struct letters_facts work_on(size_t pipeline, enum letters_action action, size_t limit)
{
    const struct letters_options options = {
        .loop = &world.loop,
        .backend = &world.queues.backend,
        .watch = world.watch,
        .pipeline = pipeline,
        .origins = {origins, 2, world.queues.ops.compare},
        .action = action,
        .ids = world.ids.count ? &world.ids : NULL,
        .limit = limit,
        .now_ms = 2000000000,
        .listed = on_listed,
        .done = on_done,
    };
    world.done = false;
    world.count = 0;
    if (world.work)
        letters_work_free(world.work);
    assert_int_equal(letters_work_start(&options, &world.work), 0);
    while (!world.done)
        uv_run(&world.loop, UV_RUN_ONCE);
    return *letters_work_facts(world.work);
}

static struct fake_message *put(struct queue *letters, const char *body, const char *source)
{
    struct fake_message *message = fake_queue_put(letters, body);
    message->sent_ms = 1000;
    snprintf(message->source_arn, sizeof message->source_arn, "%s", source);
    return message;
}

/* Both pipelines have the same dead-letter queue. */
static struct queue *share(void)
{
    struct queue *dead = fake_queue_add(&world.queues, "dead", NULL);
    fake_queue_add(&world.queues, "web-queue", "dead");
    fake_queue_add(&world.queues, "mobile-queue", "dead");
    put(dead, "w1", "web-queue");
    put(dead, "m1", "mobile-queue");
    put(dead, "w2", "web-queue");
    watch();
    return dead;
}

static void a_queue_that_is_missing_is_opened_when_it_exists(void **state)
{
    (void)state;
    fake_queue_add(&world.queues, "web-queue", "dead");
    watch();
    assert_non_null(queue_watch_source(world.watch, 0)->queue);
    assert_null(queue_watch_letters(world.watch, 0)->queue);
    assert_int_equal(queue_watch_letters(world.watch, 0)->error.code, ERR_NO_CONTAINER);
    assert_null(queue_watch_source(world.watch, 1)->queue);
    assert_int_equal(queue_watch_source(world.watch, 1)->error.code, ERR_NO_CONTAINER);
    assert_null(queue_watch_letters(world.watch, 1));

    struct queue *dead = fake_queue_add(&world.queues, "dead", NULL);
    fake_queue_put(dead, "a");
    fake_queue_put(fake_queue_add(&world.queues, "mobile-queue", "dead"), "b");
    look();
    assert_ptr_equal(queue_watch_letters(world.watch, 0)->queue, dead);
    assert_ptr_equal(queue_watch_letters(world.watch, 1), queue_watch_letters(world.watch, 0));
    assert_true(queue_watch_letters(world.watch, 1)->depth_known);
    assert_int_equal(queue_watch_letters(world.watch, 1)->visible, 1);
    assert_int_equal(queue_watch_source(world.watch, 1)->visible, 1);
    assert_int_equal(queue_watch_source(world.watch, 0)->visible, 0);
}

static void a_pipeline_sees_its_own_letters_in_a_shared_queue(void **state)
{
    (void)state;
    struct queue *dead = share();
    const struct letters_facts facts = work_on(0, LETTERS_LIST, 0);
    assert_int_equal(facts.done, 2);
    assert_true(facts.complete);
    assert_int_equal(facts.error.code, 0);
    assert_string_equal(world.listed[0], "w1 by web");
    assert_string_equal(world.listed[1], "w2 by web");
    assert_int_equal(fake_queue_count(dead), 3);
}

static void a_list_has_a_limit(void **state)
{
    (void)state;
    share();
    const struct letters_facts facts = work_on(0, LETTERS_LIST, 1);
    assert_int_equal(facts.matched, 1);
    assert_false(facts.complete);
    assert_int_equal(world.count, 1);
}

static void letters_go_back_to_their_own_queue(void **state)
{
    (void)state;
    struct queue *dead = share();
    const struct letters_facts facts = work_on(1, LETTERS_REDRIVE, 0);
    assert_int_equal(facts.done, 1);
    assert_int_equal(fake_queue_count(dead), 2);
    assert_string_equal(fake_queue_first(fake_queue_find(&world.queues, "mobile-queue"))->body,
                        "m1");
    assert_int_equal(fake_queue_count(fake_queue_find(&world.queues, "web-queue")), 0);
}

static void chosen_letters_are_moved(void **state)
{
    (void)state;
    struct queue *dead = share();
    text_list_add(&world.ids, put(dead, "w3", "web-queue")->id);
    assert_int_equal(work_on(0, LETTERS_REDRIVE, 0).done, 1);
    assert_string_equal(fake_queue_first(fake_queue_find(&world.queues, "web-queue"))->body, "w3");
    assert_int_equal(fake_queue_count(dead), 3);
}

/* Only a purge by the service would delete the other pipeline's. */
static void a_purge_leaves_the_letters_of_other_pipelines(void **state)
{
    (void)state;
    struct queue *dead = share();
    const struct letters_facts facts = work_on(0, LETTERS_PURGE, 0);
    assert_int_equal(facts.done, 2);
    assert_int_equal(fake_queue_count(dead), 1);
    assert_string_equal(fake_queue_first(dead)->body, "m1");
}

/* ---- a purge by the service ---- */

static struct {
    uv_timer_t timer;
    queue_purged *done;
    void *user;
    unsigned calls;
} purge;

static void purge_fire(uv_timer_t *timer)
{
    const struct error none = {0};
    uv_close((uv_handle_t *)timer, NULL);
    purge.done(&none, purge.user);
}

static int fake_purge(struct queue *queue, queue_purged *done, void *user)
{
    assert_string_equal(queue->name, "dead");
    purge.done = done;
    purge.user = user;
    purge.calls++;
    uv_timer_init(&world.loop, &purge.timer);
    return uv_timer_start(&purge.timer, purge_fire, 0, 0);
}

static void a_queue_of_one_pipeline_is_purged_by_the_service(void **state)
{
    (void)state;
    const struct queue_admin_ops admin = {.purge = fake_purge};
    purge.calls = 0;
    put(fake_queue_add(&world.queues, "dead", NULL), "w1", "web-queue");
    fake_queue_add(&world.queues, "web-queue", "dead");
    watch();
    world.queues.backend.admin = &admin;
    const struct letters_facts facts = work_on(0, LETTERS_PURGE, 0);
    assert_int_equal(purge.calls, 1);
    assert_true(facts.complete);
    assert_false(facts.counted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_queue_that_is_missing_is_opened_when_it_exists, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_pipeline_sees_its_own_letters_in_a_shared_queue, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_list_has_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(letters_go_back_to_their_own_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(chosen_letters_are_moved, setup, teardown),
        cmocka_unit_test_setup_teardown(a_purge_leaves_the_letters_of_other_pipelines, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_queue_of_one_pipeline_is_purged_by_the_service, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
