/* Events for objects that do not exist, may not be read, or are our own outputs; and events of
 * services that do not encode keys. */
#include <fcntl.h>
#include <unistd.h>

#include "engine_world.h"
#include "log.h"

static void announce_key(const char *queue, const char *key, const char *more)
{
    char body[512];
    snprintf(body, sizeof body,
             "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\"%s,\"s3\":{\"bucket\":{\"name\":"
             "\"photos\"},\"object\":{\"key\":\"%s\"}}}]}",
             more, key);
    fake_queue_put(fake_queue_find(&w.queues, queue), body);
}

static const char of_minio[] = ",\"eventSource\":\"minio:s3\"",
                  of_aws[] = ",\"eventSource\":\"aws:s3\"";

/* ---- the log ---- */

static int log_in, log_out;

static void log_capture(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    log_out = ends[0];
    log_in = ends[1];
    log_setup(log_in, LOG_FORMAT_JSON, LOG_INFO);
}

static void assert_logged(const char *event, const char *key)
{
    char text[16384] = "";
    ssize_t size = read(log_out, text, sizeof text - 1);
    assert_true(size > 0);
    text[size] = '\0';
    char *at = strstr(text, event);
    if (!at) {
        fail_msg("no \"%s\" in %s", event, text);
        return; /* clang-analyzer does not know that fail_msg never returns */
    }
    at[strcspn(at, "\n")] = '\0';
    if (!strstr(at, key))
        fail_msg("no \"%s\" in %s", key, at);
}

static int log_restore(void **state)
{
    log_setup(STDERR_FILENO, LOG_FORMAT_AUTO, LOG_ERROR);
    if (log_in) {
        close(log_in);
        close(log_out);
    }
    log_in = log_out = 0;
    return teardown(state);
}

static void assert_rejected(const char *reason)
{
    assert_string_equal(w.last_reason, reason);
    assert_int_equal(depth("dead"), 1);
}

/* ---- skipped ---- */

static void the_reason_for_skipping_an_output_is_logged(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "pixels");
    fake_store_find(&w.store, "photos", "ingest/a.jpg")->marked = true;
    announce("web", "a.jpg");
    log_capture();
    start_default();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_logged("event skipped: the object is an output of thumbwheel", "ingest/a.jpg");
}

static void start_dropping(void)
{
    struct engine_options with = options();
    with.drop_missing = true;
    start(&with);
}

static void a_missing_object_is_dropped_where_that_was_chosen(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    announce("web", "gone.jpg");
    log_capture();
    start_dropping();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_int_equal(w.store.gets, 2); /* not before the second look */
    assert_int_equal(depth("web") + depth("dead"), 0);
    assert_logged("event skipped: the object does not exist", "ingest/gone.jpg");
}

static void corrupt_images_are_still_rejected(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "corrupt");
    announce("web", "a.jpg");
    start_dropping();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_rejected("image-corrupt");
}

/* ---- denied ---- */

static void a_denied_object_that_is_not_listed_is_missing(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    w.store.hides = true;
    photo("gone.jpg.bak", "a name that begins like it");
    announce("web", "gone.jpg");
    start_default();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_rejected("object-missing");
    assert_int_equal(w.store.gets, 2); /* and it was looked for twice */
}

static void a_denied_object_that_is_listed_is_tried_again(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "pixels");
    w.store.forbidden = "ingest/a.jpg";
    announce("web", "a.jpg");
    start_dropping();
    UNTIL(w.retries == 1 && engine_idle(w.engine));
    assert_string_equal(w.last_reason, "access-denied");
    assert_int_equal(w.store.lists, 1);
}

static void objects_that_may_not_be_listed_are_not_missing(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    w.store.hides = w.store.unlisted = true;
    announce("web", "gone.jpg");
    start_dropping();
    UNTIL(w.retries == 1 && engine_idle(w.engine));
    assert_string_equal(w.last_reason, "access-denied");
}

static void a_listing_does_not_decide_about_versions(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    w.store.hides = true;
    fake_queue_put(fake_queue_find(&w.queues, "web"),
                   "{\"bucket\":\"photos\",\"key\":\"ingest/a.jpg\",\"version\":\"v1\"}");
    start_default();
    UNTIL(w.retries == 1 && engine_idle(w.engine));
    assert_string_equal(w.last_reason, "access-denied");
    assert_int_equal(w.store.lists, 0);
}

static void closing_during_a_listing_leaves_nothing_behind(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    w.store.hides = true;
    announce("web", "gone.jpg");
    start_default();
    UNTIL(w.store.lists == 1);
}

/* ---- keys that are not encoded ---- */

static void the_undecoded_key_of_another_service_is_tried(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    add_pipeline("tags", "tags");
    w.pipelines[1]->facts.labels = true;
    photo("a+b%20c.jpg", "pixels");
    announce_key("web", "ingest/a+b%20c.jpg", of_minio);
    announce_key("tags", "ingest/a+b%20c.jpg", ""); /* it names no source at all */
    start_default();
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_stored("web/a+b%20c.jpg", "web:pixels");
    assert_string_equal(w.last_key, "ingest/a+b%20c.jpg");
    assert_true(fake_store_find(&w.store, "photos", "ingest/a+b%20c.jpg")->tag_count > 0);
    assert_int_equal(w.store.gets, 3); /* the decoded one twice, and the other once for both */
}

static void the_decoded_key_comes_first(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a b.jpg", "decoded");
    photo("a+b.jpg", "raw");
    announce_key("web", "ingest/a+b.jpg", of_minio);
    start_default();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_stored("web/a b.jpg", "web:decoded");
    assert_null(fake_store_find(&w.store, "photos", "web/a+b.jpg"));
}

static void the_undecoded_key_is_tried_once(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    announce_key("web", "ingest/a+b.jpg", of_minio);
    start_default();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_rejected("object-missing");
    assert_string_equal(w.last_key, "ingest/a b.jpg");
    assert_int_equal(w.store.gets, 3);
}

static void a_key_of_s3_itself_is_always_encoded(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a+b.jpg", "another photo");
    announce_key("web", "ingest/a+b.jpg", of_aws);
    start_default();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_rejected("object-missing");
    assert_int_equal(w.store.gets, 2);
}

static void a_pipeline_may_match_the_undecoded_key_alone(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    w.pipelines[0]->prefix = "in+gest/";
    fake_store_put(&w.store, "photos", "in+gest/a.jpg", "pixels");
    announce_key("web", "in+gest/a.jpg", of_minio);
    start_default();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_stored("web/a.jpg", "web:pixels");
}

static void undecodable_keys_count_as_not_encoded(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("100%.jpg", "pixels");
    announce_key("web", "ingest/100%.jpg", of_minio);
    start_default();
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_stored("web/100%.jpg", "web:pixels");
    assert_int_equal(w.store.gets, 1);
}

#define LOG_CASE(name) cmocka_unit_test_setup_teardown(name, setup, log_restore)

int main(void)
{
    log_setup(STDERR_FILENO, LOG_FORMAT_AUTO, LOG_ERROR);
    const struct CMUnitTest tests[] = {
        LOG_CASE(the_reason_for_skipping_an_output_is_logged),
        LOG_CASE(a_missing_object_is_dropped_where_that_was_chosen),
        LOG_CASE(corrupt_images_are_still_rejected),
        LOG_CASE(a_denied_object_that_is_not_listed_is_missing),
        LOG_CASE(a_denied_object_that_is_listed_is_tried_again),
        LOG_CASE(objects_that_may_not_be_listed_are_not_missing),
        LOG_CASE(a_listing_does_not_decide_about_versions),
        LOG_CASE(closing_during_a_listing_leaves_nothing_behind),
        LOG_CASE(the_undecoded_key_of_another_service_is_tried),
        LOG_CASE(the_decoded_key_comes_first),
        LOG_CASE(the_undecoded_key_is_tried_once),
        LOG_CASE(a_key_of_s3_itself_is_always_encoded),
        LOG_CASE(a_pipeline_may_match_the_undecoded_key_alone),
        LOG_CASE(undecodable_keys_count_as_not_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
