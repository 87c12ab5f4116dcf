/* Events of one key in the wrong order: the outputs of the newest one remain, in any order of
 * arrival. */
#include "engine_world.h"

#include "event_order.h"
#include "output_mark.h"

/* ---- sequencers ---- */

static void sequencers_compare_as_s3_says(void **state)
{
    (void)state;
    /* S3 User Guide, "Event message structure": pad the shorter with zeros on the right, then
     * compare lexicographically. */
    assert_int_equal(sequencer_compare("0055AED6DCD90281E5", "0055AED6DCD90281E6"), -1);
    assert_int_equal(sequencer_compare("0055AED6DCD90281E6", "0055AED6DCD90281E5"), 1);
    assert_int_equal(sequencer_compare("55", "5500"), 0);
    assert_int_equal(sequencer_compare("55", "5501"), -1);
    assert_int_equal(sequencer_compare("6", "5FFFFFFF"), 1); /* longer is not newer */
    assert_int_equal(sequencer_compare("ab", "AB"), 0);
    assert_int_equal(sequencer_compare("AB", "ac"), -1);
    assert_true(sequencer_valid("0055AED6DCD90281E5"));
    assert_false(sequencer_valid(NULL));
    assert_false(sequencer_valid(""));
    assert_false(sequencer_valid("12 34"));
    assert_false(sequencer_valid(
        "00000000000000000000000000000000000000000000000000000000000000000")); /* 65 */
}

static struct envelope_record record(const char *key, const char *sequencer)
{
    return (struct envelope_record){.bucket = (char *)(uintptr_t) "photos",
                                    .key = (char *)(uintptr_t)key,
                                    .sequencer = (char *)(uintptr_t)sequencer,
                                    .created = true};
}

static void the_memory_is_bounded(void **state)
{
    (void)state;
    struct event_order order;
    struct order_claim held = {0};
    event_order_init(&order, &w.loop);
    struct envelope_record first = record("ingest/first.jpg", "01");
    event_order_join(&order, "web", &first, &held); /* under way all the while */
    for (int i = 0; i < 100000; i++) {
        char key[64];
        struct order_claim claim = {0};
        snprintf(key, sizeof key, "ingest/%d.jpg", i);
        struct envelope_record r = record(key, "01");
        event_order_join(&order, "web", &r, &claim);
        event_order_leave(&order, &claim, true);
    }
    assert_in_range(order.keys.bytes, 1, ORDER_BYTES_MAX);
    assert_in_range(order.keys.index.entry_count, 10000, 99999);
    struct order_claim claim = {0};
    struct envelope_record newest = record("ingest/99999.jpg", "00");
    assert_int_equal(event_order_join(&order, "web", &newest, &claim), ORDER_OLD);
    struct envelope_record forgotten = record("ingest/0.jpg", "00");
    assert_int_equal(event_order_join(&order, "web", &forgotten, &claim), ORDER_GO);
    event_order_leave(&order, &claim, false);
    event_order_leave(&order, &held, true);
    struct envelope_record older = record("ingest/first.jpg", "00");
    assert_int_equal(event_order_join(&order, "web", &older, &claim), ORDER_OLD);
    event_order_close(&order, NULL);
    uv_run(&w.loop, UV_RUN_NOWAIT);
}

static void each_pipeline_and_bucket_has_its_own_order(void **state)
{
    (void)state;
    struct event_order order;
    struct order_claim claim = {0};
    event_order_init(&order, &w.loop);
    struct envelope_record newer = record("k", "02"), older = record("k", "01");
    event_order_join(&order, "web", &newer, &claim);
    event_order_leave(&order, &claim, true);
    assert_int_equal(event_order_join(&order, "web", &older, &claim), ORDER_OLD);
    assert_int_equal(event_order_join(&order, "mobile", &older, &claim), ORDER_GO);
    event_order_leave(&order, &claim, true);
    older.bucket = (char *)(uintptr_t) "other";
    assert_int_equal(event_order_join(&order, "web", &older, &claim), ORDER_GO);
    event_order_leave(&order, &claim, true);
    event_order_close(&order, NULL);
    uv_run(&w.loop, UV_RUN_NOWAIT);
}

static unsigned woken;

static void count_wake(struct order_claim *claim)
{
    (void)claim;
    woken++;
}

static void one_writes_at_a_time_the_newest_first(void **state)
{
    (void)state;
    struct event_order order;
    struct order_claim claims[3] = {0};
    static const char *const sequencers[] = {"02", "01", "03"};
    woken = 0;
    event_order_init(&order, &w.loop);
    for (int i = 0; i < 3; i++) {
        struct envelope_record r = record("k", sequencers[i]);
        claims[i].wake = count_wake;
        assert_int_equal(event_order_join(&order, "web", &r, &claims[i]), ORDER_GO);
    }
    assert_int_equal(event_order_turn(&claims[0]), ORDER_GO);
    assert_int_equal(event_order_turn(&claims[1]), ORDER_WAIT);
    assert_int_equal(event_order_turn(&claims[2]), ORDER_WAIT);
    event_order_leave(&order, &claims[0], true);
    assert_int_equal(woken, 0); /* never from within */
    UNTIL(woken == 1);
    assert_int_equal(event_order_turn(&claims[2]), ORDER_GO);
    event_order_leave(&order, &claims[2], true);
    UNTIL(woken == 2);
    assert_int_equal(event_order_turn(&claims[1]), ORDER_OLD);
    event_order_leave(&order, &claims[1], true);
    event_order_close(&order, NULL);
    uv_run(&w.loop, UV_RUN_NOWAIT);
}

/* ---- the engine ---- */

static void tell(const char *event, const char *name, const char *version, const char *sequencer)
{
    char body[512];
    snprintf(body, sizeof body,
             "{\"Records\":[{\"eventName\":\"%s\",\"s3\":{\"bucket\":{\"name\":\"photos\"},"
             "\"object\":{\"key\":\"ingest/%s\",\"eTag\":\"e%s\",\"versionId\":\"%s\","
             "\"sequencer\":\"%s\"}}}]}",
             event, name, sequencer, version, sequencer);
    fake_queue_put(fake_queue_find(&w.queues, "web"), body);
}

static void created(const char *name, const char *sequencer)
{
    tell("ObjectCreated:Put", name, "", sequencer);
}

/* A store with versions: GET of version "v" has the bytes of "ingest/NAME@v". */
static int (*real_get)(struct object_store *, const struct object_name *, size_t, object_got *,
                       void *, struct object_request **);

static int versioned_get(struct object_store *store, const struct object_name *name,
                         size_t max_size, object_got *done, void *user, struct object_request **out)
{
    char key[128];
    struct object_name whole = *name;
    if (name->version) {
        snprintf(key, sizeof key, "%s@%s", name->key, name->version);
        whole.key = key;
    }
    return real_get(store, &whole, max_size, done, user, out);
}

static void with_versions(void)
{
    real_get = w.store.ops.get;
    w.store.ops.get = versioned_get;
}

static void an_older_event_is_skipped(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "new");
    start_default();
    created("a.jpg", "0055AED6DCD90281E6");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    created("a.jpg", "0055AED6DCD90281E5");
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(w.store.puts, 1);
    assert_int_equal(w.store.gets, 1); /* not even fetched */
    assert_int_equal(stats().superseded, 1);
    assert_int_equal(depth("web"), 0);
    created("a.jpg", "0055AED6DCD90281E6"); /* a second delivery is done again, to be sure */
    UNTIL(w.acks == 3 && engine_idle(w.engine));
    assert_int_equal(w.store.puts, 2);
    assert_int_equal(w.store.heads, 0); /* without versions nothing needs a look */
}

static void outputs_carry_where_they_come_from(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "pixels");
    start_default();
    created("a.jpg", "0055");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    struct fake_object *output = fake_store_find(&w.store, "photos", "web/a.jpg");
    static const char *const expected[][2] = {
        {"thumbwheel-pipeline", "web"},        {"thumbwheel-source-bucket", "photos"},
        {"thumbwheel-source", "ingest/a.jpg"}, {"thumbwheel-source-etag", "etag"},
        {"thumbwheel-sequencer", "0055"},      {"thumbwheel-size", "1x1"},
        {"thumbwheel-image", "30x20"}};
    assert_int_equal(output->metadata_count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(output->metadata[i].name, expected[i][0]);
        assert_string_equal(output->metadata[i].value, expected[i][1]);
    }
}

static void marks_stay_below_two_kilobytes(void **state)
{
    (void)state;
    char key[OBJECT_KEY_MAX + 1], pipeline[65], bucket[64];
    static const char *const pieces[] = {"x", "é", "%", "日"};
    memset(pipeline, 'p', sizeof pipeline - 1);
    memset(bucket, 'b', sizeof bucket - 1);
    pipeline[64] = bucket[63] = '\0';
    for (size_t p = 0; p < 8; p++) {
        key[0] = '\0';
        while (strlen(key) + strlen(pieces[p % 4]) <= OBJECT_KEY_MAX)
            strcat(key, pieces[p % 4]);
        struct envelope_record r = record(key, "0123456789ABCDEF0123456789ABCDEF");
        r.bucket = bucket;
        struct output_marks marks;
        const struct output_sizes sizes = {100000, 100000, 1000000, 1000000};
        size_t taken = p < 4 ? 0 : OBJECT_METADATA_MAX;
        output_marks_make(pipeline, &r, "0123456789abcdef0123456789abcdef-10000", &sizes, taken,
                          &marks);
        size_t total = taken;
        for (size_t i = 0; i < marks.count; i++) {
            total += strlen(marks.pairs[i].name);
            for (const char *c = marks.pairs[i].value; *c; c++)
                total += *c > ' ' && *c < 0x7f && *c != '%' ? 1 : 3; /* as it travels */
        }
        assert_in_range(total, 1, 2048);
        const struct object_facts facts = {.metadata = marks.pairs, .metadata_count = marks.count};
        assert_string_equal(output_mark_sequencer(&facts, &r), r.sequencer);
        key[strlen(key) - 1] ^= 1; /* another key with the same beginning */
        assert_null(output_mark_sequencer(&facts, &r));
    }
}

/* ---- both pending ---- */

static void the_newest_stays_whichever_finishes_last(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    with_versions();
    photo("a.jpg@v1", "slow old"); /* waits at the gate while the newer one is done */
    photo("a.jpg@v2", "new");
    stub_gate_close();
    start_default();
    tell("ObjectCreated:Put", "a.jpg", "v1", "01");
    UNTIL(stub_waiting() == 1);
    tell("ObjectCreated:Put", "a.jpg", "v2", "02");
    UNTIL(w.acks == 1);
    assert_stored("web/a.jpg", "web:new");
    stub_gate_open();
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:new");
    assert_int_equal(w.store.puts, 1);
    assert_int_equal(stats().superseded, 1);
}

/* Uploads that complete when the test decides, in any order. */
static struct {
    object_done *done;
    void *user;
    struct object_put put;
    char body[64];
} held_puts[4];
static size_t held_count;

static int holding_put(struct object_store *store, const struct object_put *put, object_done *done,
                       void *user, struct object_request **out)
{
    (void)store;
    held_puts[held_count].done = done;
    held_puts[held_count].user = user;
    snprintf(held_puts[held_count].body, 64, "%.*s", (int)put->body_size, (const char *)put->body);
    held_count++;
    *out = NULL;
    return 0;
}

static void put_ends(size_t i, int code)
{
    struct error error = {.code = code};
    held_puts[i].done(&error, held_puts[i].user);
}

static void two_hold(void)
{
    add_pipeline("web", "web");
    with_versions();
    photo("a.jpg@v1", "old");
    photo("a.jpg@v2", "new");
    held_count = 0;
    w.store.ops.put = holding_put;
    start_default();
    tell("ObjectCreated:Put", "a.jpg", "v1", "01");
    UNTIL(held_count == 1);
    tell("ObjectCreated:Put", "a.jpg", "v2", "02");
    UNTIL(stats().rendered == 2);
    for (int i = 0; i < 20; i++)
        uv_run(&w.loop, UV_RUN_NOWAIT);
    assert_int_equal(held_count, 1); /* the newer one waits: both at once could end either way */
}

static void the_newer_one_writes_after_the_older_one(void **state)
{
    (void)state;
    two_hold();
    put_ends(0, 0);
    UNTIL(held_count == 2);
    assert_string_equal(held_puts[1].body, "web:new");
    put_ends(1, 0);
    UNTIL(w.acks == 2 && engine_idle(w.engine));
}

static void an_older_one_that_failed_is_skipped_on_redelivery(void **state)
{
    (void)state;
    two_hold();
    put_ends(0, ERR_NETWORK);
    UNTIL(held_count == 2);
    put_ends(1, 0);
    UNTIL(w.acks == 2 && engine_idle(w.engine)); /* the newer, and the older's second delivery */
    assert_int_equal(held_count, 2);
    assert_int_equal(stats().superseded, 1);
    assert_int_equal(w.retries, 1);
}

static void a_newer_one_that_failed_lets_the_older_one_write(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    with_versions();
    photo("a.jpg@v1", "old");
    photo("a.jpg@v2", "corrupt");
    start_default();
    tell("ObjectCreated:Put", "a.jpg", "v2", "02");
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    tell("ObjectCreated:Put", "a.jpg", "v1", "01");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:old"); /* the newest that could be made */
}

/* ---- after a restart ---- */

static void stored_by_an_earlier_process(const char *sequencer, const char *source)
{
    struct fake_object *output = fake_store_put(&w.store, "photos", "web/a.jpg", "web:new");
    struct envelope_record r = record(source, sequencer);
    struct output_marks marks;
    output_marks_make("web", &r, "e", &(struct output_sizes){0}, 0, &marks);
    for (size_t i = 0; i < marks.count; i++)
        output->metadata[output->metadata_count++] =
            (struct object_pair){strdup(marks.pairs[i].name), strdup(marks.pairs[i].value)};
}

static void after_a_restart_the_output_itself_decides(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    with_versions();
    photo("a.jpg@v1", "old");
    photo("a.jpg@v3", "newest");
    stored_by_an_earlier_process("02", "ingest/a.jpg");
    start_default();
    tell("ObjectCreated:Put", "a.jpg", "v1", "01");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:new");
    assert_int_equal(w.store.heads, 1);
    assert_int_equal(w.store.puts, 0);
    tell("ObjectCreated:Put", "a.jpg", "v1", "01"); /* now it is known */
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(w.store.heads, 1);
    tell("ObjectCreated:Put", "a.jpg", "v3", "03");
    UNTIL(w.acks == 3 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:newest");
}

static void another_engine_comes_first(struct fake_store *store)
{
    store->before_put = NULL;
    stored_by_an_earlier_process("02", "ingest/a.jpg");
}

/* Between the decision to write and the write, another engine stores a newer output. */
static void a_newer_output_of_another_engine_stays(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "old");
    w.store.conditional = true;
    w.store.before_put = another_engine_comes_first;
    start_default();
    created("a.jpg", "01");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:new");
    assert_int_equal(stats().superseded, 1);
    assert_int_equal(stats().stored, 0);
    created("a.jpg", "03");
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:old"); /* the newest event's */
    assert_int_equal(stats().stored, 1);
}

static struct object_store_ops usual_ops;
static object_done *refused_done;
static void *refused_user;

static void refuse(uv_timer_t *timer)
{
    struct error error = {0};
    error_set(&error, ERR_UNSUPPORTED, "NotImplemented");
    uv_close((uv_handle_t *)timer, NULL);
    refused_done(&error, refused_user);
}

static int put_unconditionally(struct object_store *store, const struct object_put *put,
                               object_done *done, void *user, struct object_request **out)
{
    static uv_timer_t timer;
    if (!put->only_new && !put->replaces)
        return usual_ops.put(store, put, done, user, out);
    refused_done = done;
    refused_user = user;
    *out = NULL;
    uv_timer_init(&w.loop, &timer);
    return uv_timer_start(&timer, refuse, 0, 0);
}

static void a_store_without_conditions_is_written_to_without(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "pixels");
    usual_ops = w.store.ops;
    w.store.ops.put = put_unconditionally;
    start_default();
    created("a.jpg", "01");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:pixels");
}

static void another_objects_output_decides_nothing(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    with_versions();
    photo("a.jpg@v1", "old");
    stored_by_an_earlier_process("02", "ingest/a.png"); /* sequencers of two keys have no order */
    start_default();
    tell("ObjectCreated:Put", "a.jpg", "v1", "01");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:old");
}

static int head_failure;
static unsigned head_failures;

static int (*real_head)(struct object_store *, const struct object_name *, object_head_done *,
                        void *, struct object_request **);

static object_head_done *real_head_done;
static void *real_head_user;

static void head_fails(const struct object_facts *facts, const struct error *error, void *user)
{
    struct error failure;
    const struct object_facts none = {0};
    (void)facts;
    (void)error;
    (void)user;
    error_set(&failure, head_failure, "no");
    real_head_done(&none, &failure, real_head_user);
}

static int failing_head(struct object_store *store, const struct object_name *name,
                        object_head_done *done, void *user, struct object_request **out)
{
    if (!head_failures)
        return real_head(store, name, done, user, out);
    head_failures--;
    real_head_done = done;
    real_head_user = user;
    return real_head(store, name, head_fails, NULL, out);
}

static void look_fails(int code)
{
    add_pipeline("web", "web");
    with_versions();
    photo("a.jpg@v1", "old");
    real_head = w.store.ops.head;
    w.store.ops.head = failing_head;
    head_failure = code;
    head_failures = 1;
    start_default();
    tell("ObjectCreated:Put", "a.jpg", "v1", "01");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:old");
}

static void a_denied_head_stops_nothing(void **state)
{
    (void)state;
    look_fails(ERR_DENIED); /* a role that may only write */
    assert_int_equal(w.retries, 0);
}

static void a_failed_head_is_retried(void **state)
{
    (void)state;
    look_fails(ERR_SERVER);
    assert_int_equal(w.retries, 1);
}

/* ---- removals ---- */

static void a_missing_object_that_was_deleted_later_is_done(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    start_default();
    tell("ObjectRemoved:Delete", "gone.jpg", "", "02");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    created("gone.jpg", "01");
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(w.rejects, 0);
    assert_int_equal(depth("web"), 0);
    assert_int_equal(depth("dead"), 0);
    assert_int_equal(w.store.gets, 2); /* the second look, too */
}

static void a_removal_during_the_second_look_counts(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    start_default();
    created("gone.jpg", "01");
    UNTIL(w.store.gets == 1);
    tell("s3:LifecycleExpiration:Delete", "gone.jpg", "", "02");
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(depth("dead"), 0);
}

static void a_removal_before_the_event_excuses_nothing(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    start_default();
    tell("ObjectRemoved:Delete", "gone.jpg", "", "01");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    created("gone.jpg", "02");
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_string_equal(w.last_reason, "object-missing");
    assert_int_equal(depth("dead"), 1);
}

static void a_removal_known_from_eventbridge_counts(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    start_default();
    fake_queue_put(fake_queue_find(&w.queues, "web"),
                   "{\"detail-type\":\"Object Deleted\",\"source\":\"aws.s3\",\"detail\":{"
                   "\"bucket\":{\"name\":\"photos\"},\"object\":{\"key\":\"ingest/gone.jpg\","
                   "\"sequencer\":\"02\"}}}");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    created("gone.jpg", "01");
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(depth("dead"), 0);
}

static void closing_while_one_waits_for_its_turn_leaves_nothing_behind(void **state)
{
    (void)state;
    two_hold();
    held_count = 0; /* teardown closes with one upload open, and one job that waits for it */
    w.store.ops.cancel = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sequencers_compare_as_s3_says),
        CASE(the_memory_is_bounded),
        CASE(each_pipeline_and_bucket_has_its_own_order),
        CASE(one_writes_at_a_time_the_newest_first),
        CASE(an_older_event_is_skipped),
        CASE(outputs_carry_where_they_come_from),
        CASE(marks_stay_below_two_kilobytes),
        CASE(the_newest_stays_whichever_finishes_last),
        CASE(the_newer_one_writes_after_the_older_one),
        CASE(an_older_one_that_failed_is_skipped_on_redelivery),
        CASE(a_newer_one_that_failed_lets_the_older_one_write),
        CASE(after_a_restart_the_output_itself_decides),
        CASE(a_newer_output_of_another_engine_stays),
        CASE(a_store_without_conditions_is_written_to_without),
        CASE(another_objects_output_decides_nothing),
        CASE(a_denied_head_stops_nothing),
        CASE(a_failed_head_is_retried),
        CASE(a_missing_object_that_was_deleted_later_is_done),
        CASE(a_removal_during_the_second_look_counts),
        CASE(a_removal_before_the_event_excuses_nothing),
        CASE(a_removal_known_from_eventbridge_counts),
        CASE(closing_while_one_waits_for_its_turn_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
