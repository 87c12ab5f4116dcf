/* How many photos are fetched before a worker takes them; two workers. */
#include "engine_world.h"

#include "engine_private.h"

enum { PHOTOS = 40, WORKERS = 2, AHEAD = 4 };

static const struct source_ahead *ahead(void)
{
    return &w.engine->sources.ahead;
}

/* The workers are at the gate, all messages have arrived, and no photo can be fetched any more. */
static void flood(void)
{
    stub_gate_close();
    start_default();
    announce_photos("web", PHOTOS, "slow");
    UNTIL(stats().received == PHOTOS && stub_waiting() == WORKERS &&
          w.engine->workers.waiting_count >= AHEAD);
}

static void no_more_is_fetched_than_the_workers_need(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    flood();
    uint64_t began_ms = uv_now(&w.loop);
    UNTIL(uv_now(&w.loop) > began_ms + 1000); /* however long that takes */
    assert_int_equal(w.store.gets, WORKERS + AHEAD);
    assert_int_equal(stats().sources, WORKERS + AHEAD);
    stub_gate_open();
    UNTIL(w.acks == PHOTOS && engine_idle(w.engine));
    assert_int_equal(w.store.gets, PHOTOS);
    assert_int_equal(ahead()->taken, 0);
}

static void a_drain_returns_photos_that_were_not_fetched(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    flood();
    engine_drain(w.engine, 10, set_true, &w.drained);
    UNTIL(w.drained);
    assert_int_equal(depth("web"), PHOTOS);
}

static void closing_leaves_no_photo_in_line(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    flood();
    /* teardown closes */
}

/* ---- a store that does not respond ---- */

static struct object_store_ops usual;
static unsigned stuck;

static int get_stuck(struct object_store *store, const struct object_name *name, size_t max_size,
                     object_got *done, void *user, struct object_request **out)
{
    if (!strstr(name->key, "stuck"))
        return usual.get(store, name, max_size, done, user, out);
    stuck++;
    *out = (struct object_request *)&stuck;
    return 0;
}

static void cancel(struct object_request *request)
{
    if (request != (struct object_request *)&stuck)
        usual.cancel(request);
}

static void store_hold(void)
{
    usual = w.store.ops;
    stuck = 0;
    w.store.ops.get = get_stuck;
    w.store.ops.cancel = cancel;
}

/* The messages, before the store is gone. */
static void give_back(size_t count)
{
    engine_drain(w.engine, 10, set_true, &w.drained);
    UNTIL(w.drained);
    assert_int_equal(depth("web"), count);
}

static void a_worker_without_work_gets_more_photos_fetched(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    start_default();
    store_hold();
    for (int i = 0; i < PHOTOS; i++) {
        char name[32];
        snprintf(name, sizeof name, "stuck-%d.jpg", i);
        announce("web", name);
    }
    UNTIL(stuck == AHEAD);
    assert_true(ahead()->waiting_count > 0 || stats().received < PHOTOS);
    UNTIL(stuck == PHOTOS);
    give_back(PHOTOS);
}

static void a_photo_that_does_not_arrive_holds_up_no_other(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    add_pipeline("mobile", "mobile");
    start_default();
    store_hold();
    for (int i = 0; i < AHEAD; i++) {
        char name[32];
        snprintf(name, sizeof name, "stuck-%d.jpg", i);
        announce("web", name);
    }
    UNTIL(stuck == AHEAD);
    photo("good.jpg", "pixels");
    announce("mobile", "good.jpg");
    UNTIL(w.acks == 1);
    assert_stored("mobile/good.jpg", "mobile:pixels");
    give_back(AHEAD);
}

static void more_photos_are_fetched_only_as_long_as_that_helps(void **state)
{
    (void)state;
    enum { MORE = 30 };
    add_pipeline("web", "web");
    start_default();
    w.engine->sources.ahead.more = MORE; /* the store was slow */
    stub_gate_close();
    announce_photos("web", PHOTOS, "slow");
    UNTIL(stats().received == PHOTOS && stub_waiting() == WORKERS && ahead()->waiting_count == 4);
    assert_int_equal(w.store.gets, WORKERS + AHEAD + MORE);
    stub_gate_open();
    UNTIL(w.acks == PHOTOS && engine_idle(w.engine));
    assert_in_range(ahead()->more, 0, AHEAD + WORKERS);
}

/* ---- photos that are not fetched ---- */

static void missing_photos_keep_no_place(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    start_default();
    for (int i = 0; i < 2 * AHEAD; i++) {
        char name[32];
        snprintf(name, sizeof name, "gone-%d.jpg", i);
        announce("web", name);
    }
    UNTIL(w.rejects == 2 * AHEAD && engine_idle(w.engine));
    assert_int_equal(ahead()->taken, 0);
}

static int refused;

static int get_refused(struct object_store *store, const struct object_name *name, size_t max_size,
                       object_got *done, void *user, struct object_request **out)
{
    return refused++ < AHEAD ? ERR_NETWORK : usual.get(store, name, max_size, done, user, out);
}

static void photos_whose_fetch_cannot_be_started_keep_no_place(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    start_default();
    usual = w.store.ops;
    w.store.ops.get = get_refused;
    refused = 0;
    announce_photos("web", 2 * AHEAD, "pixels");
    UNTIL(w.acks == 2 * AHEAD && engine_idle(w.engine));
    assert_int_equal(ahead()->taken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(no_more_is_fetched_than_the_workers_need),
        CASE(a_drain_returns_photos_that_were_not_fetched),
        CASE(closing_leaves_no_photo_in_line),
        CASE(a_worker_without_work_gets_more_photos_fetched),
        CASE(a_photo_that_does_not_arrive_holds_up_no_other),
        CASE(more_photos_are_fetched_only_as_long_as_that_helps),
        CASE(missing_photos_keep_no_place),
        CASE(photos_whose_fetch_cannot_be_started_keep_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
