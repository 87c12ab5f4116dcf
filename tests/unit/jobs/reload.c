/* The pipelines of a running engine: opening their queues and replacing them.
 */
#include "engine_world.h"

static int (*real_open)(struct queue_backend *, const char *, queue_opened *, void *);
static int open_code;        /* of the next opens; 0: as always */
static unsigned open_misses; /* how many of them */

struct failure {
    uv_timer_t timer;
    queue_opened *done;
    void *user;
};

static struct failure failure; /* one open at a time fails this way */

static void fail_open(uv_timer_t *timer)
{
    (void)timer;
    struct error error;
    error_set(&error, open_code, "no good");
    failure.done(NULL, &error, failure.user);
}

static int failing_open(struct queue_backend *backend, const char *name, queue_opened *done,
                        void *user)
{
    if (strchr(name, ' '))
        return ERR_INVALID;
    if (!open_misses)
        return real_open(backend, name, done, user);
    open_misses--;
    failure.done = done;
    failure.user = user;
    uv_timer_start(&failure.timer, fail_open, 0, 0);
    return 0;
}

static int setup_open(void **state)
{
    setup(state);
    real_open = w.queues.ops.open;
    w.queues.ops.open = failing_open;
    open_misses = 0;
    uv_timer_init(&w.loop, &failure.timer);
    return 0;
}

static int teardown_open(void **state)
{
    uv_close((uv_handle_t *)&failure.timer, NULL);
    return teardown(state);
}

/* ---- the start ---- */

static void a_queue_that_is_missing_is_waited_for(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    w.pipelines[w.pipeline_count++] = stub_pipeline("mobile", "late");
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    struct engine_options with = options();
    start_unawaited(&with);
    UNTIL(w.acks == 1); /* the other one works */
    assert_false(w.ready);
    fake_queue_add(&w.queues, "late", NULL);
    announce("late", "a.jpg");
    UNTIL(w.ready && w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(w.ready_error.code, 0);
}

static void a_service_that_is_down_is_waited_for(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    open_code = ERR_NETWORK;
    open_misses = 3;
    start_default();
    assert_int_equal(open_misses, 0);
    UNTIL(w.acks == 1 && engine_idle(w.engine));
}

static void a_dead_letter_queue_that_cannot_be_reached_is_waited_for(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    fake_queue_put(fake_queue_find(&w.queues, "web"), "not json");
    struct engine_options with = options();
    start_unawaited(&with);
    UNTIL(fake_queue_find(&w.queues, "web")->opened);
    open_code = ERR_SERVER;
    open_misses = 1;
    UNTIL(w.ready && w.rejects == 1 && engine_idle(w.engine));
    assert_int_equal(depth("dead"), 1); /* not left to the redrive policy */
}

static void credentials_that_are_refused_end_the_start(void **state)
{
    (void)state;
    const int codes[] = {ERR_CREDENTIALS, ERR_EXPIRED, ERR_INVALID};
    add_pipeline("web", "web");
    for (size_t i = 0; i < 3; i++) {
        open_code = codes[i];
        open_misses = 1;
        struct engine_options with = options();
        w.ready = w.closed = false;
        start(&with);
        assert_int_equal(w.ready_error.code, codes[i]);
        engine_close(w.engine, set_true, &w.closed);
        UNTIL(w.closed);
        w.engine = NULL;
    }
}

static unsigned pending_opens;

static int open_without_response(struct queue_backend *backend, const char *name,
                                 queue_opened *done, void *user)
{
    (void)backend, (void)name, (void)done, (void)user;
    pending_opens++;
    return 0;
}

static void cancel_pending_open(struct queue_backend *backend, void *user)
{
    (void)backend, (void)user;
    pending_opens--;
}

static void it_can_be_closed_while_a_queue_is_being_opened(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    w.queues.ops.open = open_without_response;
    w.queues.ops.open_cancel = cancel_pending_open;
    struct engine_options with = options();
    start_unawaited(&with);
    UNTIL(pending_opens == 1);
    engine_drain(w.engine, WATCHDOG_MS, set_true, &w.drained);
    UNTIL(w.drained);
    engine_close(w.engine, set_true, &w.closed);
    UNTIL(w.closed);
    w.engine = NULL;
    assert_int_equal(pending_opens, 0);
    assert_false(w.ready);
}

/* ---- reloading ---- */

static struct pipeline *changed(const char *name, const char *queue)
{
    struct pipeline *pipeline = stub_pipeline(name, queue);
    pipeline->says = "new";
    return pipeline;
}

/* The world's pipelines are these from now on. */
static void reload(struct pipeline **pipelines, size_t count)
{
    struct error error;
    assert_int_equal(engine_reload(w.engine, pipelines, count, &error), 0);
    for (size_t i = 0; i < w.pipeline_count; i++)
        stub_pipeline_ops.release(w.pipelines[i]);
    memcpy(w.pipelines, pipelines, count * sizeof *pipelines);
    w.pipeline_count = count;
}

/* It must change nothing; the pipelines are released. */
static void refused(struct pipeline **pipelines, size_t count, int code, const char *word)
{
    struct error error;
    assert_int_equal(engine_reload(w.engine, pipelines, count, &error), code);
    assert_non_null(strstr(error.text, word));
    for (size_t i = 0; i < count; i++)
        stub_pipeline_ops.release(pipelines[i]);
    photo("after.jpg", "pixels");
    announce("web", "after.jpg");
    unsigned acks = w.acks;
    UNTIL(w.acks == acks + 1 && engine_idle(w.engine));
    assert_stored("web/after.jpg", "web:pixels");
}

static void running_jobs_finish_on_the_file_they_began_with(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "slow");
    photo("b.jpg", "slow");
    stub_gate_close();
    start_default();
    announce("web", "a.jpg");
    UNTIL(stub_waiting() == 1);
    struct pipeline *after[] = {changed("web", "web")};
    reload(after, 1);
    announce("web", "b.jpg");
    UNTIL(stub_waiting() == 2);
    stub_gate_open();
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:slow");
    assert_stored("web/b.jpg", "new:slow");
    assert_int_equal(fake_queue_find(&w.queues, "web")->opened, 1); /* it is the same queue */
}

static void an_added_pipeline_polls_its_queue(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    start_default();
    photo("a.jpg", "pixels");
    fake_queue_add(&w.queues, "mobile", "dead");
    announce("mobile", "a.jpg");
    announce("web", "a.jpg");
    struct pipeline *after[] = {changed("mobile", "mobile"), changed("web", "web")};
    reload(after, 2);
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_stored("mobile/a.jpg", "new:pixels");
}

static void a_removed_pipeline_finishes_and_polls_no_more(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    add_pipeline("mobile", "mobile");
    announce_photos("web", 5, "slow");
    stub_gate_close();
    start_default();
    UNTIL(stub_waiting() == 2 && stats().received == 5);
    struct queue *queue = fake_queue_find(&w.queues, "web");
    struct pipeline *after[] = {changed("mobile", "mobile")};
    reload(after, 1);
    unsigned calls = queue->receive_calls;
    stub_gate_open();
    UNTIL(queue->opened == 0);
    assert_int_equal(w.acks, 2);
    assert_int_equal(depth("web"), 3); /* what had not begun is back */
    assert_true(fake_queue_first(queue)->visible_at_ms <= uv_now(&w.loop));
    assert_int_equal(queue->receive_calls, calls);
    announce("mobile", "0.jpg");
    UNTIL(w.acks == 3 && engine_idle(w.engine));
}

static void polls_that_cannot_be_cancelled_return_their_messages(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    add_pipeline("mobile", "mobile");
    struct engine_options with = options();
    with.polls_abortable = false;
    start(&with);
    struct queue *queue = fake_queue_find(&w.queues, "web");
    UNTIL(!list_empty(&queue->polls));
    struct pipeline *after[] = {changed("mobile", "mobile")};
    reload(after, 1);
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    UNTIL(queue->opened == 0);
    assert_int_equal(depth("web"), 1);
    assert_int_equal(w.store.puts, 0);
    assert_true(fake_queue_first(queue)->visible_at_ms <= uv_now(&w.loop));
}

static void a_pipeline_may_change_its_queue(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "slow");
    photo("b.jpg", "slow");
    announce("web", "a.jpg");
    stub_gate_close();
    start_default();
    UNTIL(stub_waiting() == 1);
    fake_queue_add(&w.queues, "other", NULL);
    announce("other", "b.jpg");
    struct pipeline *after[] = {changed("web", "other")};
    reload(after, 1);
    UNTIL(stub_waiting() == 2);
    stub_gate_open();
    UNTIL(w.acks == 2 && fake_queue_find(&w.queues, "web")->opened == 0 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:slow");
    assert_stored("web/b.jpg", "new:slow");
    assert_int_equal(depth("web") + depth("other"), 0);
}

static int loops(const struct pipeline *from, size_t index, const struct pipeline *to,
                 struct error *error)
{
    (void)index;
    return strcmp(from->says, "new") == 0
               ? error_set(error, ERR_LOOP, "%s feeds %s", from->says, to->says)
               : 0;
}

static void incompatible_options_are_refused(void **state)
{
    (void)state;
    struct pipeline_ops ops = stub_pipeline_ops;
    struct engine_options with = options();
    add_pipeline("web", "web");
    ops.check_loop = loops;
    with = options();
    with.pipeline_ops = &ops;
    start(&with);
    struct pipeline *looping[] = {changed("web", "web")};
    refused(looping, 1, ERR_LOOP, "feeds");
    struct pipeline *twins[] = {stub_pipeline("web", "web"), stub_pipeline("mobile", "web")};
    refused(twins, 2, ERR_INVALID, "mobile");
    refused(NULL, 0, ERR_INVALID, "no pipeline");
    engine_close(w.engine, set_true, &w.closed); /* ops are this frame's */
    UNTIL(w.closed);
    w.engine = NULL;
}

static void all_of_it_is_refused_where_one_queue_cannot_be(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    fake_queue_add(&w.queues, "good", NULL);
    start_default();
    struct pipeline *after[] = {changed("web", "web"), changed("a", "good"), changed("b", "b d")};
    refused(after, 3, ERR_INVALID, "b d");
    assert_int_equal(fake_queue_find(&w.queues, "good")->opened, 0);
}

static void a_queue_that_is_waited_for_may_be_taken_out(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    w.pipelines[w.pipeline_count++] = stub_pipeline("mobile", "no-such-queue");
    struct engine_options with = options();
    start_unawaited(&with);
    UNTIL(fake_queue_find(&w.queues, "web")->receive_calls);
    assert_false(w.ready);
    struct pipeline *after[] = {changed("web", "web")};
    reload(after, 1);
    UNTIL(w.ready);
    assert_int_equal(w.ready_error.code, 0);
}

static void a_worker_may_outlive_the_pipeline_it_works_for(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    add_pipeline("mobile", "mobile");
    photo("a.jpg", "slow");
    announce("web", "a.jpg");
    stub_gate_close();
    start_leasing();
    UNTIL(stub_waiting() == 1);
    receive_elsewhere("web");
    UNTIL(stats().lease_lost == 1);
    struct pipeline *after[] = {changed("mobile", "mobile")};
    reload(after, 1);
    stub_gate_open();
    UNTIL(stats().jobs == 0 && fake_queue_find(&w.queues, "web")->opened == 0);
}

static void reloads_in_the_middle_of_work_lose_nothing(void **state)
{
    (void)state;
    enum { ROUNDS = 40 };
    add_pipeline("web", "web");
    add_pipeline("mobile", "mobile");
    start_default();
    for (int i = 0; i < ROUNDS; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.jpg", i);
        photo(name, "pixels");
        announce("web", name);
        announce("mobile", name);
        struct pipeline *after[] = {changed("web", "web"), changed("mobile", "mobile")};
        reload(after, i % 3 == 2 ? 2 : 1); /* mobile comes and goes */
        if (i % 3 != 2)
            stub_pipeline_ops.release(after[1]);
        for (int turns = 0; turns < i % 7; turns++)
            uv_run(&w.loop, UV_RUN_NOWAIT);
    }
    struct pipeline *after[] = {changed("web", "web"), changed("mobile", "mobile")};
    reload(after, 2);
    UNTIL(engine_idle(w.engine) && depth("web") == 0 && depth("mobile") == 0);
    assert_int_equal(depth("dead"), 0);
    for (int i = 0; i < ROUNDS; i++) {
        char key[32];
        snprintf(key, sizeof key, "web/%d.jpg", i);
        assert_non_null(fake_store_find(&w.store, "photos", key));
        snprintf(key, sizeof key, "mobile/%d.jpg", i);
        assert_non_null(fake_store_find(&w.store, "photos", key));
    }
}

static void a_reload_while_it_stops_is_refused(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    start_default();
    engine_drain(w.engine, WATCHDOG_MS, set_true, &w.drained);
    struct error error;
    assert_int_equal(engine_reload(w.engine, w.pipelines, 1, &error), ERR_CANCELLED);
    UNTIL(w.drained);
}

#define WITH_OPEN(name) cmocka_unit_test_setup_teardown(name, setup_open, teardown_open)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_queue_that_is_missing_is_waited_for),
        WITH_OPEN(a_service_that_is_down_is_waited_for),
        WITH_OPEN(a_dead_letter_queue_that_cannot_be_reached_is_waited_for),
        WITH_OPEN(credentials_that_are_refused_end_the_start),
        CASE(it_can_be_closed_while_a_queue_is_being_opened),
        CASE(running_jobs_finish_on_the_file_they_began_with),
        CASE(an_added_pipeline_polls_its_queue),
        CASE(a_removed_pipeline_finishes_and_polls_no_more),
        CASE(polls_that_cannot_be_cancelled_return_their_messages),
        CASE(a_pipeline_may_change_its_queue),
        CASE(incompatible_options_are_refused),
        WITH_OPEN(all_of_it_is_refused_where_one_queue_cannot_be),
        CASE(a_queue_that_is_waited_for_may_be_taken_out),
        CASE(a_worker_may_outlive_the_pipeline_it_works_for),
        CASE(reloads_in_the_middle_of_work_lose_nothing),
        CASE(a_reload_while_it_stops_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
