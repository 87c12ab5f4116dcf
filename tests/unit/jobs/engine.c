/* The engine with a real loop and workers, in-memory seams, and a codec that copies bytes. */
#include "engine_metrics.h"
#include "engine_world.h"

/* ---- the job ---- */

static void a_message_becomes_a_rendition_and_is_deleted(void **state)
{
    (void)state;
    add_pipeline("web", "web-queue");
    photo("a.jpg", "pixels");
    announce("web-queue", "a.jpg");
    start_default();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:pixels");
    assert_int_equal(depth("web-queue"), 0);
    assert_int_equal(stats().deleted, 1);
}

static void four_queues_share_one_get_and_one_decode(void **state)
{
    (void)state;
    const char *const names[] = {"thumbnail", "web", "mobile", "tags"};
    for (int i = 0; i < 4; i++)
        add_pipeline(names[i], names[i]);
    photo("a.jpg", "pixels");
    start_default();
    unsigned renders = stub_renders();
    for (int i = 0; i < 4; i++)
        announce(names[i], "a.jpg");
    UNTIL(w.acks == 4 && engine_idle(w.engine));
    assert_int_equal(w.store.gets, 1);
    assert_int_equal(stub_renders() - renders, 1);
    assert_int_equal(stats().fetch_shared, 3);
    assert_stored("thumbnail/a.jpg", "thumbnail:pixels");
    assert_stored("tags/a.jpg", "tags:pixels");
}

static void a_late_sibling_uses_the_lingering_bytes(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    add_pipeline("mobile", "mobile");
    photo("a.jpg", "pixels");
    start_default();
    announce("web", "a.jpg");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    announce("mobile", "a.jpg");
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(w.store.gets, 1);
}

/* Only a message that is delivered again could use it. */
static void a_photo_that_every_queue_has_used_is_not_kept(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    add_pipeline("mobile", "mobile");
    photo("a.jpg", "pixels");
    start_default();
    announce("web", "a.jpg");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(stats().memory, strlen("pixels"));
    announce("mobile", "a.jpg");
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(w.store.gets, 1);
    assert_int_equal(stats().memory, 0);
}

static void a_message_without_a_version_is_fetched_again(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "old");
    start_default();
    fake_queue_put(fake_queue_find(&w.queues, "web"),
                   "{\"bucket\":\"photos\",\"key\":\"ingest/a.jpg\"}");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    photo("a.jpg", "new");
    fake_queue_put(fake_queue_find(&w.queues, "web"),
                   "{\"bucket\":\"photos\",\"key\":\"ingest/a.jpg\"}");
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:new");
}

/* Nothing in them says that both found the same content. */
static void two_events_without_an_etag_are_fetched_apart(void **state)
{
    (void)state;
    const char *const names[] = {"web", "mobile"};
    photo("a.jpg", "pixels");
    for (int i = 0; i < 2; i++) {
        char event[256];
        add_pipeline(names[i], names[i]);
        snprintf(event, sizeof event,
                 "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":"
                 "\"photos\"},\"object\":{\"key\":\"ingest/a.jpg\",\"sequencer\":\"0%d\"}}}]}",
                 i + 1);
        fake_queue_put(fake_queue_find(&w.queues, names[i]), event);
    }
    start_default();
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(w.store.gets, 2);
}

static void labels_become_tags_beside_those_of_others(void **state)
{
    (void)state;
    add_pipeline("tags", "tags");
    w.pipelines[0]->facts.labels = true;
    photo("a.jpg", "pixels");
    struct fake_object *object = fake_store_find(&w.store, "photos", "ingest/a.jpg");
    object->tags[object->tag_count++] = (struct object_pair){strdup("project"), strdup("x")};
    announce("tags", "a.jpg");
    start_default();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    object = fake_store_find(&w.store, "photos", "ingest/a.jpg");
    assert_int_equal(object->tag_count, 3);
    assert_string_equal(object->tags[0].name, "project");
    assert_string_equal(object->tags[1].name, "Landscape");
    assert_string_equal(object->tags[1].value, "100.0");
    assert_string_equal(object->tags[2].value, "Blue");
    assert_non_null(fake_store_find(&w.store, "photos", "tags/labels.json"));
}

static void our_own_outputs_are_never_processed(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "pixels");
    fake_store_find(&w.store, "photos", "ingest/a.jpg")->marked = true;
    announce("web", "a.jpg");
    start_default();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(w.store.puts, 0);
}

static void a_test_event_is_acknowledged(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    fake_queue_put(fake_queue_find(&w.queues, "web"),
                   "{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\",\"Bucket\":\"photos\"}");
    start_default();
    UNTIL(stats().acknowledged == 1 && engine_idle(w.engine));
    assert_int_equal(depth("web"), 0);
}

static void a_pointer_is_followed(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "pixels");
    fake_store_put(&w.store, "payloads", "p1", "{\"bucket\":\"photos\",\"key\":\"ingest/a.jpg\"}");
    struct fake_message *message =
        fake_queue_put(fake_queue_find(&w.queues, "web"),
                       "[\"software.amazon.payloadoffloading.PayloadS3Pointer\",{\"s3BucketName\":"
                       "\"payloads\",\"s3Key\":\"p1\"}]");
    message->attributes[message->attribute_count++] =
        (struct queue_attribute){strdup("ExtendedPayloadSize"), strdup("Number"), strdup("60")};
    start_default();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:pixels");
}

/* ---- observers ---- */

struct sightings {
    char steps[256]; /* "pipeline:step …" */
    unsigned records, ordered;
    uint64_t last_ns;
    char message[64];
};

static void on_step(const struct engine_step *step, void *user)
{
    struct sightings *seen = user;
    size_t used = strlen(seen->steps);
    snprintf(seen->steps + used, sizeof seen->steps - used, "%s:%s ", step->pipeline, step->step);
    snprintf(seen->message, sizeof seen->message, "%s", step->message);
    seen->ordered += step->received_ns <= step->at_ns && seen->last_ns <= step->at_ns;
    seen->last_ns = step->at_ns;
    assert_string_equal(step->bucket, "photos");
    assert_string_equal(step->key, "ingest/a.jpg");
}

static void on_sighted(const struct engine_record *record, void *user)
{
    struct sightings *seen = user;
    assert_string_equal(record->message, seen->message);
    seen->records++;
}

static void observers_see_the_steps_of_a_job_and_its_end(void **state)
{
    (void)state;
    struct sightings seen = {.records = 0}, second = {.records = 0};
    const struct engine_observer next = {on_sighted, on_step, &second, NULL};
    add_pipeline("web", "web");
    photo("a.jpg", "pixels");
    struct engine_options with = options();
    with.observer = (struct engine_observer){on_sighted, on_step, &seen, &next};
    start(&with);
    announce("web", "a.jpg");
    UNTIL(seen.records == 1 && engine_idle(w.engine));
    assert_string_equal(seen.steps,
                        "web:matching web:fetching web:rendering web:ordering web:storing "
                        "web:labelling web:comparing web:describing web:tagging web:notifying ");
    assert_int_equal(seen.ordered, 10);
    assert_string_equal(second.steps, seen.steps);
    assert_int_equal(second.records, 1);
}

/* ---- permanent failures ---- */

static void assert_dead(const char *reason, const char *body)
{
    struct fake_message *dead = fake_queue_first(fake_queue_find(&w.queues, "dead"));
    assert_non_null(dead);
    assert_string_equal(fake_attribute(dead, "ThumbwheelReason"), reason);
    assert_string_equal(fake_attribute(dead, "ThumbwheelPipeline"), "web");
    assert_non_null(fake_attribute(dead, "ThumbwheelDetail"));
    assert_non_null(fake_attribute(dead, "ThumbwheelMessageId"));
    if (body)
        assert_string_equal(dead->body, body);
}

static void a_corrupt_image_goes_to_the_dead_letters(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "corrupt");
    announce("web", "a.jpg");
    start_default();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_dead("image-corrupt", NULL);
    assert_int_equal(depth("web"), 0);
}

static void an_unreadable_message_keeps_its_body_and_attributes(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    struct fake_message *message = fake_queue_put(fake_queue_find(&w.queues, "web"), "not json");
    message->attributes[message->attribute_count++] =
        (struct queue_attribute){strdup("tenant"), strdup("String"), strdup("blue")};
    start_default();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_dead("message-unreadable", "not json");
    assert_string_equal(
        fake_attribute(fake_queue_first(fake_queue_find(&w.queues, "dead")), "tenant"), "blue");
}

static void a_missing_object_is_rejected(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    announce("web", "gone.jpg");
    start_default();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_dead("object-missing", NULL);
}

static void an_object_that_appears_late_is_found(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    announce("web", "late.jpg");
    start_default();
    UNTIL(w.store.gets == 1);
    photo("late.jpg", "pixels");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(w.store.gets, 2);
    assert_stored("web/late.jpg", "web:pixels");
}

static void one_bad_record_does_not_stop_the_others(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("good.jpg", "pixels");
    fake_queue_put(
        fake_queue_find(&w.queues, "web"),
        "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":"
        "\"photos\"},\"object\":{\"key\":\"ingest/gone.jpg\"}}},{\"eventName\":"
        "\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"photos\"},\"object\":{"
        "\"key\":\"ingest/good.jpg\"}}}]}");
    start_default();
    UNTIL(w.rejects == 1 && w.acks == 1 && engine_idle(w.engine));
    assert_dead("object-missing", NULL);
    assert_stored("web/good.jpg", "web:pixels");
}

static void without_dead_letters_a_rejected_message_stays(void **state)
{
    (void)state;
    fake_queue_add(&w.queues, "web", NULL);
    w.pipelines[w.pipeline_count++] = stub_pipeline("web", "web");
    fake_queue_put(fake_queue_find(&w.queues, "web"), "not json");
    start_default();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_int_equal(depth("web"), 1);
    assert_int_equal(stats().deleted, 0);
}

/* ---- transient failures ---- */

static int (*real_put)(struct object_store *, const struct object_put *, object_done *, void *,
                       struct object_request **);
static unsigned put_failures;

static int failing_put(struct object_store *store, const struct object_put *put, object_done *done,
                       void *user, struct object_request **out)
{
    if (put_failures) {
        put_failures--;
        return ERR_NETWORK;
    }
    return real_put(store, put, done, user, out);
}

static void a_failed_upload_is_tried_again_and_nothing_is_lost(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    real_put = w.store.ops.put;
    put_failures = 1;
    w.store.ops.put = failing_put;
    start_default();
    UNTIL(w.retries == 1);
    assert_int_equal(depth("web"), 1);
    assert_string_equal(w.last_reason, "connection-lost");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    struct queue *queue = fake_queue_find(&w.queues, "web");
    assert_in_range(queue->last_visibility_s, 1, 3); /* 1 s + full jitter under 2 s */
    assert_int_equal(depth("web"), 0);
    assert_stored("web/a.jpg", "web:pixels");
}

static void one_refused_output(const struct object_settings *settings)
{
    add_pipeline("web", "web");
    w.pipelines[0]->settings = settings;
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    w.store.put_code = ERR_INVALID;
    start_default();
    UNTIL(w.retries + w.rejects == 1);
}

static void an_output_that_the_store_refuses_is_rejected(void **state)
{
    (void)state;
    static const struct object_settings none = {.kms_key = NULL};
    one_refused_output(&none);
    assert_int_equal(w.rejects, 1);
    assert_string_equal(w.last_reason, "output-refused");
}

/* The reason may be the pipeline file, which the operator can change. */
static void an_output_that_is_refused_with_its_settings_waits(void **state)
{
    (void)state;
    static const struct object_settings settings = {.storage_class = "OUTPOSTS"};
    one_refused_output(&settings);
    assert_int_equal(w.retries, 1);
    assert_string_equal(w.last_reason, "request-refused");
}

static int (*real_delete)(struct queue *, const struct queue_entry *, size_t, queue_batch_done *,
                          void *);
static unsigned delete_failures;

static int failing_delete(struct queue *queue, const struct queue_entry *entries, size_t count,
                          queue_batch_done *done, void *user)
{
    if (delete_failures) {
        delete_failures--;
        return ERR_NETWORK;
    }
    return real_delete(queue, entries, count, done, user);
}

static void a_failed_delete_is_repeated(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "pixels");
    announce("web", "a.jpg");
    real_delete = w.queues.ops.delete_batch;
    delete_failures = 2;
    w.queues.ops.delete_batch = failing_delete;
    start_default();
    UNTIL(stats().deleted == 1);
    assert_int_equal(w.acks, 1); /* the job ran once */
    assert_int_equal(depth("web"), 0);
}

static void deletes_travel_in_batches(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    announce_photos("web", 30, "pixels");
    start_default();
    UNTIL(w.acks == 30 && engine_idle(w.engine));
    assert_in_range(fake_queue_find(&w.queues, "web")->delete_calls, 3, 6);
}

/* ---- leases ---- */

static void a_long_job_keeps_its_message(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "slow");
    announce("web", "a.jpg");
    stub_gate_close();
    start_leasing();
    UNTIL(stats().extended >= 1);
    assert_int_equal(fake_queue_find(&w.queues, "web")->last_visibility_s, 2);
    stub_gate_open();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(stats().received, 1); /* it was never delivered a second time */
}

static void a_lost_lease_cancels_the_work(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "slow");
    announce("web", "a.jpg");
    stub_gate_close();
    start_leasing();
    UNTIL(stub_waiting() == 1);
    receive_elsewhere("web");
    UNTIL(w.retries == 1);
    assert_string_equal(w.last_reason, "lease-lost");
    assert_int_equal(stats().lease_lost, 1);
    stub_gate_open();
    UNTIL(stats().jobs == 0);
    assert_int_equal(w.store.puts, 0);
    assert_int_equal(depth("web"), 1);
}

/* ---- admission and shutdown ---- */

static void no_more_is_received_than_there_are_slots(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "slow");
    for (int i = 0; i < 20; i++)
        announce("web", "a.jpg");
    stub_gate_close();
    struct engine_options with = options();
    with.jobs = 5;
    start(&with);
    UNTIL(stub_waiting() >= 1 && stats().received == 5);
    struct queue *queue = fake_queue_find(&w.queues, "web");
    assert_true(list_empty(&queue->polls)); /* no poll is open: there is no room */
    stub_gate_open();
    UNTIL(w.acks == 20 && engine_idle(w.engine));
}

static void a_drain_returns_unstarted_messages(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    announce_photos("web", 6, "slow");
    stub_gate_close();
    start_default();
    UNTIL(stub_waiting() == 2 && stats().received == 6);
    engine_drain(w.engine, WATCHDOG_MS, set_true, &w.drained);
    stub_gate_open();
    UNTIL(w.drained);
    assert_int_equal(stats().acknowledged, 2); /* what the two workers had */
    assert_int_equal(depth("web"), 4);
    struct fake_message *message = fake_queue_first(fake_queue_find(&w.queues, "web"));
    assert_in_range(message->visible_at_ms, 0, uv_now(&w.loop)); /* visible at once */
}

/* Also if the service would hide a message for a cancelled poll: 20 s are longer than the time that
 * a container is given to stop. */
static void a_drain_does_not_wait_for_an_idle_poll(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    struct engine_options with = options();
    with.polls_abortable = false;
    with.wait_s = 20;
    start(&with);
    UNTIL(fake_queue_find(&w.queues, "web")->receive_calls == 1);
    uint64_t began = uv_now(&w.loop);
    engine_drain(w.engine, WATCHDOG_MS, set_true, &w.drained);
    UNTIL(w.drained);
    assert_in_range(uv_now(&w.loop) - began, 0, 9000);
}

static void a_drain_past_its_grace_gives_back_the_rest(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "slow");
    announce("web", "a.jpg");
    stub_gate_close();
    start_default();
    UNTIL(stub_waiting() == 1);
    engine_drain(w.engine, 10, set_true, &w.drained);
    UNTIL(w.drained);
    assert_int_equal(stats().retried, 1);
    assert_int_equal(depth("web"), 1);
}

static void closing_in_the_middle_leaves_nothing_behind(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    add_pipeline("mobile", "mobile");
    photo("a.jpg", "slow");
    announce("web", "a.jpg");
    announce("mobile", "a.jpg");
    announce("mobile", "gone.jpg");
    stub_gate_close();
    start_default();
    UNTIL(stub_waiting() == 1);
    /* teardown closes with a worker at the gate, polls open and a dead letter on its way */
}

/* ---- monitoring ---- */

enum { DEPTHS_MAX = 8 };

static struct {
    queue_depth_known *done[DEPTHS_MAX];
    void *user[DEPTHS_MAX];
    unsigned asked, answered;
} depths;

static int depth_ask(struct queue *queue, queue_depth_known *done, void *user)
{
    (void)queue;
    assert_in_range(depths.asked, 0, DEPTHS_MAX - 1);
    depths.done[depths.asked] = done;
    depths.user[depths.asked++] = user;
    return 0;
}

static void depths_answer(void)
{
    for (; depths.answered < depths.asked; depths.answered++)
        depths.done[depths.answered](0, 0, 0, &(struct error){0}, depths.user[depths.answered]);
}

/* Prometheus may look every second; SQS bills each request. */
static void metrics_look(void)
{
    struct buffer page;
    buffer_init(&page, 1 << 20);
    engine_write_metrics(w.engine, &page);
    buffer_free(&page);
    depths_answer();
}

static void the_depth_of_a_queue_is_asked_for_at_most_every_thirty_seconds(void **state)
{
    (void)state;
    memset(&depths, 0, sizeof depths);
    add_pipeline("web", "web");
    w.queues.ops.depth = depth_ask;
    start_default();
    metrics_look();
    const unsigned queues = depths.asked;
    const uint64_t began_ms = uv_now(&w.loop);
    assert_in_range(queues, 1, 2); /* and its dead letters */
    metrics_look();
    UNTIL(uv_now(&w.loop) >= began_ms + 29000);
    if (uv_now(&w.loop) < began_ms + 30000)
        metrics_look();
    assert_int_equal(depths.asked, queues);
    UNTIL(uv_now(&w.loop) >= began_ms + 30000);
    metrics_look();
    assert_int_equal(depths.asked, 2 * queues);
}

static void two_pipelines_on_one_queue_are_refused(void **state)
{
    (void)state;
    w.pipelines[w.pipeline_count++] = stub_pipeline("web", "q");
    w.pipelines[w.pipeline_count++] = stub_pipeline("mobile", "q");
    struct engine_options with = options();
    struct error error;
    assert_int_equal(engine_create(&w.loop, &with, &w.engine, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, "web"));
    assert_non_null(strstr(error.text, "mobile"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_message_becomes_a_rendition_and_is_deleted),
        CASE(four_queues_share_one_get_and_one_decode),
        CASE(a_late_sibling_uses_the_lingering_bytes),
        CASE(a_photo_that_every_queue_has_used_is_not_kept),
        CASE(a_message_without_a_version_is_fetched_again),
        CASE(two_events_without_an_etag_are_fetched_apart),
        CASE(labels_become_tags_beside_those_of_others),
        CASE(our_own_outputs_are_never_processed),
        CASE(a_test_event_is_acknowledged),
        CASE(a_pointer_is_followed),
        CASE(observers_see_the_steps_of_a_job_and_its_end),
        CASE(a_corrupt_image_goes_to_the_dead_letters),
        CASE(an_unreadable_message_keeps_its_body_and_attributes),
        CASE(a_missing_object_is_rejected),
        CASE(an_object_that_appears_late_is_found),
        CASE(one_bad_record_does_not_stop_the_others),
        CASE(without_dead_letters_a_rejected_message_stays),
        CASE(a_failed_upload_is_tried_again_and_nothing_is_lost),
        CASE(an_output_that_the_store_refuses_is_rejected),
        CASE(an_output_that_is_refused_with_its_settings_waits),
        CASE(a_failed_delete_is_repeated),
        CASE(deletes_travel_in_batches),
        CASE(a_long_job_keeps_its_message),
        CASE(a_lost_lease_cancels_the_work),
        CASE(no_more_is_received_than_there_are_slots),
        CASE(a_drain_returns_unstarted_messages),
        CASE(a_drain_does_not_wait_for_an_idle_poll),
        CASE(a_drain_past_its_grace_gives_back_the_rest),
        CASE(closing_in_the_middle_leaves_nothing_behind),
        CASE(the_depth_of_a_queue_is_asked_for_at_most_every_thirty_seconds),
        CASE(two_pipelines_on_one_queue_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
