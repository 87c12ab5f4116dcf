/* Admission: when messages are received, fetched and decoded, limited by slots and memory; with the
 * stub codec, whose images state the memory that they need. */
#include "engine_world.h"

#include "engine_private.h"

enum { MEMORY = 1000 };

static int (*real_receive)(struct queue *, const struct queue_receive *, queue_received *, void *,
                           struct queue_request **);
static unsigned last_max;   /* of a receive */
static size_t most_at_once; /* receives of one queue */

static size_t polls_of(const struct queue *queue)
{
    size_t count = 0;
    for (const struct list *l = queue->polls.next; l != &queue->polls; l = l->next)
        count++;
    return count;
}

static int watched_receive(struct queue *queue, const struct queue_receive *what,
                           queue_received *done, void *user, struct queue_request **out)
{
    int code = real_receive(queue, what, done, user, out);
    last_max = what->max;
    if (polls_of(queue) > most_at_once)
        most_at_once = polls_of(queue);
    return code;
}

static int watched_setup(void **state)
{
    int code = setup(state);
    real_receive = w.queues.ops.receive;
    w.queues.ops.receive = watched_receive;
    last_max = 0;
    most_at_once = 0;
    return code;
}

static struct queue *queue(const char *name)
{
    return fake_queue_find(&w.queues, name);
}

static void announce_sized(const char *where, const char *name, size_t size)
{
    char body[300];
    snprintf(body, sizeof body,
             "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":"
             "\"photos\"},\"object\":{\"key\":\"ingest/%s\",\"eTag\":\"etag\",\"size\":%zu}}}]}",
             name, size);
    fake_queue_put(queue(where), body);
}

/* A photo with its event. */
static void feed(const char *where, const char *name, const char *text)
{
    photo(name, text);
    announce_sized(where, name, strlen(text));
}

static void feed_numbered(const char *where, int number, const char *text)
{
    char name[32];
    snprintf(name, sizeof name, "%s-%d.jpg", where, number);
    feed(where, name, text);
}

static void start_with_memory(uint64_t memory)
{
    struct engine_options with = options();
    with.memory = memory;
    start(&with);
}

/* Waits until a worker has a photo and is at the gate. */
static void start_at_work(const char *text)
{
    add_pipeline("web", "web");
    stub_gate_close();
    start_with_memory(MEMORY);
    feed("web", "1.jpg", text);
    UNTIL(stub_waiting() == 1);
}

static bool is_tight(void)
{
    return memory_is_tight(&w.engine->memory);
}

/* ---- slots ---- */

static void an_idle_queue_is_polled_for_all_its_slots(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    struct engine_options with = options();
    with.jobs = 7;
    start(&with);
    assert_int_equal(last_max, 7);
    assert_int_equal(polls_of(queue("web")), 1);
}

static void never_more_than_ten_are_requested(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    start_default();
    assert_int_equal(last_max, 10);
    assert_int_equal(polls_of(queue("web")), 1); /* one, for an idle queue */
}

/* From ten free slots to none: each receive requests as many messages as slots are left. */
static void exactly_the_free_slots_are_requested(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    struct engine_options with = options();
    with.jobs = 10;
    stub_gate_close();
    start(&with);
    for (unsigned taken = 0; taken < 10; taken++) {
        UNTIL(polls_of(queue("web")) == 1);
        assert_int_equal(last_max, 10 - taken);
        feed_numbered("web", (int)taken, "slow");
        UNTIL(stats().received == taken + 1);
    }
    UNTIL(stub_waiting() == 2); /* the workers */
    assert_int_equal(polls_of(queue("web")), 0);
    stub_gate_open();
    UNTIL(w.acks == 10 && engine_idle(w.engine));
}

static void a_busy_queue_has_several_receives_open(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    struct engine_options with = options();
    with.jobs = 100;
    for (int i = 0; i < 60; i++)
        feed_numbered("web", i, "pixels");
    start(&with);
    UNTIL(w.acks == 60 && engine_idle(w.engine));
    assert_in_range(most_at_once, 2, 3);
    UNTIL(polls_of(queue("web")) == 1); /* and one when it is idle again */
}

static void an_idle_queue_delays_no_other(void **state)
{
    (void)state;
    add_pipeline("tags", "tags");
    add_pipeline("web", "web");
    start_default();
    unsigned idle_calls = queue("tags")->receive_calls;
    for (int i = 0; i < 40; i++)
        feed_numbered("web", i, "pixels");
    UNTIL(w.acks == 40 && engine_idle(w.engine));
    /* All this happened within the idle queue's one long poll. */
    assert_int_equal(queue("tags")->receive_calls, idle_calls);
    assert_int_equal(polls_of(queue("tags")), 1);
}

/* ---- memory ---- */

static void nothing_is_received_while_a_photo_waits_for_memory(void **state)
{
    (void)state;
    start_at_work("slow needs 700;");
    feed("web", "2.jpg", "needs 600;");
    UNTIL(is_tight());
    feed("web", "3.jpg", "pixels"); /* for the receive that is open already */
    UNTIL(stats().received == 3);
    feed("web", "4.jpg", "pixels");
    assert_int_equal(polls_of(queue("web")), 0);
    stub_gate_open();
    UNTIL(w.acks == 4 && engine_idle(w.engine));
    assert_int_equal(w.retries + w.rejects, 0);
    assert_in_range(stats().memory_peak, 700, MEMORY);
    UNTIL(polls_of(queue("web")) == 1);
}

static void a_waiting_photo_keeps_its_message(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    struct engine_options with = options();
    with.memory = MEMORY;
    with.visibility_s = 2;
    stub_gate_close();
    feed("web", "1.jpg", "slow needs 700;");
    feed("web", "2.jpg", "slow needs 600;");
    start(&with);
    UNTIL(stub_waiting() == 1 && is_tight());
    UNTIL(stats().extended >= 4); /* each of them twice */
    stub_gate_open();
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(stats().received, 2); /* none came back meanwhile */
    assert_int_equal(w.retries, 0);
}

static void the_budget_holds_under_a_flood(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    add_pipeline("mobile", "mobile");
    for (int i = 0; i < 40; i++) {
        feed_numbered("web", i, i % 3 ? "needs 300;" : "needs 700;");
        feed_numbered("mobile", i,
                      "needs 100; and some more bytes of its own ....................");
    }
    start_with_memory(MEMORY);
    UNTIL(w.acks == 80 && engine_idle(w.engine));
    assert_int_equal(w.retries + w.rejects, 0);
    assert_in_range(stats().memory_peak, 1, MEMORY);
}

static void one_larger_than_the_budget_runs_alone(void **state)
{
    (void)state;
    start_at_work("slow needs 10;");
    feed("web", "2.jpg", "slow needs 5000;");
    UNTIL(is_tight());
    assert_int_equal(stub_waiting(), 1); /* it waits for the other to end */
    feed("web", "3.jpg", "slow needs 10;");
    stub_gate_open();
    UNTIL(w.acks == 3 && engine_idle(w.engine));
    assert_int_equal(w.retries + w.rejects, 0);
}

static void renditions_are_counted_until_they_are_stored(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    add_pipeline("mobile", "mobile");
    feed("web", "1.jpg", "needs 300;");
    start_with_memory(MEMORY);
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    UNTIL(stats().memory == strlen("needs 300;")); /* it lingers, for the other queue */
}

static void a_message_with_more_photos_than_fit_is_worked_off(void **state)
{
    (void)state;
    char body[2048] = "{\"Records\":[";
    add_pipeline("web", "web");
    for (int i = 0; i < 8; i++) {
        char name[16], record[200], text[201];
        snprintf(name, sizeof name, "%d.jpg", i);
        memset(text, 'x', 200);
        text[200] = '\0';
        photo(name, text);
        snprintf(record, sizeof record,
                 "%s{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"photos\"},"
                 "\"object\":{\"key\":\"ingest/%s\",\"eTag\":\"etag\",\"size\":200}}}",
                 i ? "," : "", name);
        strcat(body, record);
    }
    strcat(body, "]}");
    fake_queue_put(queue("web"), body);
    start_with_memory(MEMORY); /* of which photos may have 250 */
    UNTIL(w.acks == 8 && engine_idle(w.engine));
    assert_in_range(stats().memory_peak, 200, MEMORY);
}

/* ---- sizes ---- */

static void a_get_takes_no_more_than_was_stated(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    feed("web", "1.jpg", "pixels");
    start_default();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(w.store.last_cap, strlen("pixels"));
}

static void a_photo_larger_than_stated_is_fetched_again(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("1.jpg", "many pixels");
    announce_sized("web", "1.jpg", 3);
    start_default();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(w.store.gets, 2);
    assert_stored("web/1.jpg", "web:many pixels");
}

static void a_photo_over_the_limit_is_rejected(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    struct engine_options with = options();
    with.limits.max_bytes = 5;
    feed("web", "1.jpg", "pixels");
    start(&with);
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_string_equal(w.last_reason, "object-too-large");
    assert_int_equal(w.store.gets, 1);
}

static void the_cache_makes_room(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    add_pipeline("mobile", "mobile");
    add_pipeline("thumbnail", "thumbnail"); /* a photo is kept until this one has used it, too */
    struct engine_options with = options();
    with.memory = 40; /* 10 for photos */
    with.linger_ms = 600000;
    start(&with);
    feed("web", "1.jpg", "pixels");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    announce_sized("mobile", "1.jpg", 6); /* it lingers */
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(w.store.gets, 1);
    feed("web", "2.jpg", "pixels");
    UNTIL(w.acks == 3 && engine_idle(w.engine));
    announce_sized("mobile", "1.jpg", 6); /* it has made room */
    UNTIL(w.acks == 4 && engine_idle(w.engine));
    assert_int_equal(w.store.gets, 3);
}

/* ---- fairness ---- */

static unsigned done_before_thumbnail;

static void on_record_counted(const struct engine_record *record, void *user)
{
    if (strcmp(record->pipeline, "thumbnail") != 0 && w.acks == 0)
        done_before_thumbnail++;
    if (strcmp(record->pipeline, "thumbnail") == 0)
        on_record(record, user);
    else
        w.retries += record->outcome != OUTCOME_ACK;
}

/* Photos that wait for a worker, fetched or not. */
static size_t in_line(void)
{
    return w.engine->workers.waiting_count + w.engine->sources.ahead.waiting_count;
}

/* One worker and thirty waiting photos, then one for another pipeline: it is served next, or after
 * one more photo. */
static void a_flood_on_one_queue_starves_no_other(void **state)
{
    (void)state;
    enum { FLOOD = 30 };
    add_pipeline("web", "web");
    add_pipeline("thumbnail", "thumbnail");
    struct engine_options with = options();
    with.workers = 1;
    with.jobs = 100;
    with.observer.record_finished = on_record_counted;
    stub_gate_close();
    done_before_thumbnail = 0;
    start(&with);
    for (int i = 0; i < FLOOD; i++)
        feed_numbered("web", i, "slow");
    UNTIL(stub_waiting() == 1 && in_line() == FLOOD - 1);
    feed_numbered("thumbnail", 0, "pixels");
    UNTIL(in_line() == FLOOD);
    stub_gate_open();
    UNTIL(w.acks == 1);
    assert_in_range(done_before_thumbnail, 0, 3);
    UNTIL(engine_idle(w.engine));
    assert_int_equal(w.retries, 0);
}

/* ---- the end ---- */

/* ---- repeated and stuck renders ---- */

static uint64_t work_bytes(void)
{
    return w.engine->memory.taken[MEMORY_WORK];
}

/* A render whose decoder was killed requests its memory again, which it already has. */
static void a_render_that_begins_again_does_not_wait_for_itself(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    start_with_memory(MEMORY);
    for (int i = 0; i < 5; i++)
        feed_numbered("web", i, "needs 600;again;");
    feed_numbered("web", 5, "needs 2000;again;"); /* larger than all there is */
    UNTIL(w.acks == 6 && engine_idle(w.engine));
    assert_int_equal(work_bytes(), 0);
    assert_int_equal(stats().stalled, 0);
}

static struct engine_options impatient(void)
{
    struct engine_options with = options();
    with.stall_ms = 100;
    with.backoff_s = 1;
    with.memory = MEMORY;
    return with;
}

static void a_worker_that_does_not_return_keeps_no_message(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    struct engine_options with = impatient();
    stub_gate_close();
    feed("web", "1.jpg", "slow needs 600;");
    start(&with);
    UNTIL(w.retries == 1);
    assert_string_equal(w.last_reason, "stalled");
    assert_int_equal(stats().stalled, 1);
    assert_int_equal(work_bytes(), 600); /* the worker still has it */
    stub_gate_open();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(work_bytes(), 0);
    assert_int_equal(fake_queue_count(queue("web")), 0);
}

static int put_nothing(struct object_store *store, const struct object_put *put, object_done *done,
                       void *user, struct object_request **out)
{
    (void)store;
    (void)put;
    (void)done;
    (void)user;
    w.store.puts++;
    *out = (struct object_request *)&w.store;
    return 0;
}

static void cancel_nothing(struct object_request *request)
{
    (void)request;
}

static void an_upload_without_an_end_keeps_no_message(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    struct engine_options with = impatient();
    struct object_store_ops usual = *w.store.store.ops;
    w.store.ops.put = put_nothing;
    w.store.ops.cancel = cancel_nothing;
    feed("web", "1.jpg", "needs 300;");
    start(&with);
    UNTIL(w.retries == 1);
    assert_string_equal(w.last_reason, "stalled");
    w.store.ops = usual;
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(work_bytes(), 0);
    assert_stored("web/1.jpg", "web:needs 300;");
}

static struct {
    object_done *done;
    void *user;
} held; /* the callback of an upload that has not ended */

static int put_later(struct object_store *store, const struct object_put *put, object_done *done,
                     void *user, struct object_request **out)
{
    (void)store;
    (void)put;
    (void)out;
    held.done = done;
    held.user = user;
    return 0;
}

static void a_photo_is_freed_while_its_renditions_are_stored(void **state)
{
    (void)state;
    struct error none = {0};
    held.done = NULL;
    add_pipeline("web", "web");
    w.store.ops.put = put_later;
    feed("web", "1.jpg", "needs 300;");
    start_with_memory(MEMORY);
    UNTIL(held.done);
    assert_int_equal(stats().memory, strlen("web:needs 300;")); /* the rendition */
    held.done(&none, held.user);
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(stats().memory, 0);
}

/* The message is delivered again while the photo's renditions are being stored. */
static void a_photo_that_was_freed_is_fetched_again(void **state)
{
    (void)state;
    struct object_store_ops usual = *w.store.store.ops;
    struct error none = {0};
    held.done = NULL;
    add_pipeline("web", "web");
    w.store.ops.put = put_later;
    feed("web", "1.jpg", "pixels");
    start_with_memory(MEMORY);
    UNTIL(held.done);
    w.store.ops = usual;
    announce_sized("web", "1.jpg", 6);
    UNTIL(w.acks == 1);
    assert_int_equal(w.store.gets, 2);
    assert_stored("web/1.jpg", "web:pixels");
    held.done(&none, held.user);
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(stats().memory, 0);
}

/* Random photos that crash, wait, are corrupt, are abandoned, reloaded and drained: in all cases
 * every grant is released and the next photo is rendered. */
static void random_photos_leave_the_budget_empty(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "needs 10;",          "needs 600;again;", "needs 950;again;",     "needs 3000;again;",
        "corrupt needs 400;", "slow needs 300;",  "slow needs 700;again;"};
    uint32_t dice = 7;
    add_pipeline("web", "web");
    struct engine_options with = impatient();
    stub_gate_close();
    start(&with);
    for (int i = 0; i < 60; i++) {
        dice = dice * 1664525u + 1013904223u;
        feed_numbered("web", i, kinds[(dice >> 16) % 7]);
        if (dice >> 30 == 0)
            uv_run(&w.loop, UV_RUN_NOWAIT);
        if (i % 20 == 10)
            assert_int_equal(
                engine_reload(w.engine, w.pipelines, w.pipeline_count, &(struct error){0}), 0);
    }
    UNTIL(stats().stalled > 0);
    stub_gate_open();
    UNTIL(fake_queue_count(queue("web")) == 0 && engine_idle(w.engine));
    assert_int_equal(work_bytes(), 0);
    feed("web", "next.jpg", "needs 1000;");
    UNTIL(fake_queue_count(queue("web")) == 0 && engine_idle(w.engine));
    assert_int_equal(work_bytes(), 0);
    assert_stored("web/next.jpg", "web:needs 1000;");
}

static void an_engine_ends_while_work_waits_for_memory(void **state)
{
    (void)state;
    start_at_work("slow needs 700;");
    feed("web", "2.jpg", "needs 600;");
    feed("web", "3.jpg", "pixels");
    UNTIL(stats().received == 3 && is_tight());
    engine_drain(w.engine, 10, set_true, &w.drained);
    UNTIL(w.drained);
    assert_int_equal(depth("web"), 3); /* all given back */
}

#define WATCHED(name) cmocka_unit_test_setup_teardown(name, watched_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCHED(an_idle_queue_is_polled_for_all_its_slots),
        WATCHED(never_more_than_ten_are_requested),
        WATCHED(exactly_the_free_slots_are_requested),
        WATCHED(a_busy_queue_has_several_receives_open),
        WATCHED(an_idle_queue_delays_no_other),
        CASE(nothing_is_received_while_a_photo_waits_for_memory),
        CASE(a_waiting_photo_keeps_its_message),
        CASE(the_budget_holds_under_a_flood),
        CASE(one_larger_than_the_budget_runs_alone),
        CASE(renditions_are_counted_until_they_are_stored),
        CASE(a_message_with_more_photos_than_fit_is_worked_off),
        CASE(a_get_takes_no_more_than_was_stated),
        CASE(a_photo_larger_than_stated_is_fetched_again),
        CASE(a_photo_over_the_limit_is_rejected),
        CASE(the_cache_makes_room),
        CASE(a_flood_on_one_queue_starves_no_other),
        CASE(an_engine_ends_while_work_waits_for_memory),
        CASE(a_render_that_begins_again_does_not_wait_for_itself),
        CASE(a_worker_that_does_not_return_keeps_no_message),
        CASE(an_upload_without_an_end_keeps_no_message),
        CASE(a_photo_is_freed_while_its_renditions_are_stored),
        CASE(a_photo_that_was_freed_is_fetched_again),
        CASE(random_photos_leave_the_budget_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
