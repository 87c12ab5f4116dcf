/* The end of messages: partly failed batches, dead letters, backoffs and log lines.
 */
#include "engine_world.h"

#include <fcntl.h>
#include <unistd.h>

#include "jitter.h"
#include "log.h"
#include "message_memory.h"

static struct queue *queue(const char *name)
{
    return fake_queue_find(&w.queues, name);
}

static void batch(size_t count, const char *const *names)
{
    char body[4096] = "{\"Records\":[";
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(body);
        snprintf(body + used, sizeof body - used,
                 "%s{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"photos\"},"
                 "\"object\":{\"key\":\"ingest/%s\",\"eTag\":\"etag\"}}}",
                 i ? "," : "", names[i]);
    }
    strcat(body, "]}");
    fake_queue_put(queue("web"), body);
}
#define BATCH(...)                                                                                 \
    batch(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

/* ---- faults ---- */

static int (*real_put)(struct object_store *, const struct object_put *, object_done *, void *,
                       struct object_request **);
static const char *bad_key; /* uploads of it fail so often */
static unsigned bad_times;

static int failing_put(struct object_store *store, const struct object_put *put, object_done *done,
                       void *user, struct object_request **out)
{
    if (bad_times && strcmp(put->key, bad_key) == 0) {
        bad_times--;
        return ERR_NETWORK;
    }
    return real_put(store, put, done, user, out);
}

static void uploads_fail(const char *key, unsigned times)
{
    real_put = w.store.ops.put;
    w.store.ops.put = failing_put;
    bad_key = key;
    bad_times = times;
}

static int (*real_send)(struct queue *, const struct queue_send *, queue_sent *, void *);
static unsigned send_failures;

static int failing_send(struct queue *to, const struct queue_send *message, queue_sent *done,
                        void *user)
{
    if (send_failures) {
        send_failures--;
        return ERR_NETWORK;
    }
    return real_send(to, message, done, user);
}

static void sends_fail(unsigned times)
{
    real_send = w.queues.ops.send;
    w.queues.ops.send = failing_send;
    send_failures = times;
}

static int (*real_delete)(struct queue *, const struct queue_entry *, size_t, queue_batch_done *,
                          void *);

/* The receipts have expired, so the messages are delivered again. */
static int expired_delete(struct queue *from, const struct queue_entry *entries, size_t count,
                          queue_batch_done *done, void *user)
{
    struct queue_entry unknown[QUEUE_BATCH_MAX];
    for (size_t i = 0; i < count; i++)
        unknown[i].receipt = "unknown";
    (void)entries;
    w.queues.ops.delete_batch = real_delete;
    return real_delete(from, unknown, count, done, user);
}

/* ---- batches ---- */

static void only_failed_records_are_repeated(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "A");
    photo("b.jpg", "B");
    photo("c.jpg", "C");
    uploads_fail("web/b.jpg", 2);
    start_default();
    BATCH("a.jpg", "b.jpg", "c.jpg");
    UNTIL(w.acks == 3 && engine_idle(w.engine));
    assert_int_equal(w.retries, 2); /* b.jpg, twice */
    assert_int_equal(w.store.puts, 3);
    assert_int_equal(stats().rendered, 5); /* a and c once, b three times */
    assert_int_equal(depth("web"), 0);
    assert_int_equal(depth("dead"), 0);
    assert_stored("web/b.jpg", "web:B");
}

static void one_dead_letter_covers_all_rejected_records(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("good.jpg", "G");
    photo("late.jpg", "L");
    photo("bad.jpg", "corrupt");
    photo("worse.jpg", "corrupt");
    uploads_fail("web/late.jpg", 1);
    start_default();
    BATCH("good.jpg", "bad.jpg", "late.jpg", "worse.jpg");
    UNTIL(w.retries == 1);
    assert_int_equal(depth("dead"), 0); /* not before everything is settled */
    assert_int_equal(depth("web"), 1);
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(w.rejects, 2);
    assert_int_equal(stats().rendered, 3); /* good once, late twice */
    assert_int_equal(depth("web"), 0);
    assert_int_equal(depth("dead"), 1);
    struct fake_message *dead = fake_queue_first(queue("dead"));
    assert_non_null(strstr(dead->body, "good.jpg")); /* the body is unchanged */
    assert_string_equal(fake_attribute(dead, "ThumbwheelRecords"), "1,3");
    assert_string_equal(fake_attribute(dead, "ThumbwheelReason"), "image-corrupt");
    assert_string_equal(fake_attribute(dead, "ThumbwheelDetail"),
                        "Records[1] image-corrupt: the image is corrupt; "
                        "Records[3] image-corrupt: the image is corrupt");
}

static void a_batch_whose_dead_letter_fails_repeats_only_that(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("good.jpg", "G");
    photo("bad.jpg", "corrupt");
    sends_fail(1);
    start_default();
    BATCH("good.jpg", "bad.jpg");
    UNTIL(depth("dead") == 1 && engine_idle(w.engine));
    assert_int_equal(stats().retried, 1);
    assert_int_equal(w.store.puts, 1);
    assert_int_equal(w.store.gets, 2);
    assert_int_equal(depth("web"), 0);
}

static void nothing_is_dead_lettered_twice(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("bad.jpg", "corrupt");
    real_delete = w.queues.ops.delete_batch;
    w.queues.ops.delete_batch = expired_delete;
    start_leasing();
    announce("web", "bad.jpg");
    UNTIL(stats().lease_lost == 1); /* the message could not be deleted, and comes again */
    UNTIL(stats().deleted == 1 && engine_idle(w.engine));
    assert_int_equal(stats().received, 2);
    assert_int_equal(depth("dead"), 1);
    assert_int_equal(depth("web"), 0);
}

static void a_returned_batch_remembers_finished_records(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "A");
    photo("slow.jpg", "slow");
    stub_gate_close();
    start_leasing();
    BATCH("a.jpg", "slow.jpg");
    UNTIL(w.store.puts == 1 && stub_waiting() == 1);
    struct fake_message *message = receive_elsewhere("web");
    UNTIL(stats().lease_lost == 1);
    stub_gate_open();
    message->visible_at_ms = 0;
    fake_queue_put(queue("web"), "{\"Event\":\"s3:TestEvent\"}"); /* the poll looks again */
    UNTIL(w.acks == 2 && engine_idle(w.engine));
    assert_int_equal(w.store.puts, 2); /* a.jpg was not written again */
    assert_int_equal(depth("web"), 0);
}

static void remembered_messages_are_bounded(void **state)
{
    (void)state;
    struct message_memory memory;
    struct record_tally tally = {0};
    char id[48];
    message_memory_init(&memory);
    for (int i = 0; i < 50000; i++) {
        snprintf(id, sizeof id, "0f1e2d3c-4b5a-6978-8796-a5b4c3d2%04x", i);
        record_tally_reject(&tally, 127, 128, "image-corrupt", "the image is corrupt");
        assert_true(message_memory_keep(&memory, "web", id, &tally));
    }
    assert_in_range(memory.messages.bytes, 1, MESSAGE_MEMORY_BYTES);
    assert_in_range(memory.messages.index.entry_count, 1000, 49999);
    message_memory_recall(&memory, "mobile", id, &tally); /* another pipeline's is another */
    assert_false(record_tally_has(&tally, 127));
    message_memory_recall(&memory, "web", id, &tally);
    assert_true(record_tally_has(&tally, 127));
    assert_false(record_tally_has(&tally, 63));
    assert_false(record_tally_complete(&tally, 128));
    for (size_t i = 0; i < 127; i++)
        record_tally_accept(&tally, i);
    assert_true(record_tally_complete(&tally, 128));
    char *rejected = record_tally_rejected(&tally);
    assert_string_equal(rejected, "127");
    free(rejected);
    record_tally_clear(&tally);
    message_memory_clear(&memory);
}

/* ---- dead letters ---- */

static void attribute(struct fake_message *message, const char *name, const char *value)
{
    message->attributes[message->attribute_count++] =
        (struct queue_attribute){strdup(name), strdup("String"), strdup(value)};
}

static struct fake_message *rejected_with(size_t attributes)
{
    static const char *const names[] = {"a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"};
    add_pipeline("web", "web");
    struct fake_message *message = fake_queue_put(queue("web"), "not json");
    for (size_t i = 0; i < attributes; i++)
        attribute(message, names[i], "kept");
    start_default();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    struct fake_message *dead = fake_queue_first(queue("dead"));
    assert_non_null(dead);
    for (size_t i = 0; i < attributes; i++)
        assert_string_equal(fake_attribute(dead, names[i]), "kept");
    return dead;
}

static void every_attribute_of_the_message_is_kept(void **state)
{
    (void)state;
    struct fake_message *dead = rejected_with(6);
    assert_int_equal(dead->attribute_count, 10);
    assert_string_equal(fake_attribute(dead, "ThumbwheelReason"), "message-unreadable");
    assert_string_equal(fake_attribute(dead, "ThumbwheelPipeline"), "web");
    assert_string_equal(fake_attribute(dead, "ThumbwheelMessageId"), "m1");
    assert_non_null(strstr(fake_attribute(dead, "ThumbwheelDetail"), "not JSON"));
}

static void beside_nine_attributes_there_is_room_for_the_reason(void **state)
{
    (void)state;
    struct fake_message *dead = rejected_with(9);
    assert_int_equal(dead->attribute_count, 10);
    assert_string_equal(fake_attribute(dead, "ThumbwheelReason"), "message-unreadable");
}

static void beside_ten_attributes_there_is_room_for_nothing(void **state)
{
    (void)state;
    assert_int_equal(rejected_with(10)->attribute_count, 10);
}

static void reasons_of_an_earlier_rejection_are_replaced(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    struct fake_message *message = fake_queue_put(queue("web"), "not json");
    attribute(message, "ThumbwheelReason", "object-missing");
    attribute(message, "ThumbwheelRecords", "7");
    start_default();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    struct fake_message *dead = fake_queue_first(queue("dead"));
    assert_int_equal(dead->attribute_count, 4);
    assert_string_equal(fake_attribute(dead, "ThumbwheelReason"), "message-unreadable");
    assert_null(fake_attribute(dead, "ThumbwheelRecords"));
}

static size_t size_of(const struct fake_message *message)
{
    size_t size = strlen(message->body);
    for (size_t i = 0; i < message->attribute_count; i++)
        size += strlen(message->attributes[i].name) + strlen(message->attributes[i].type) +
                strlen(message->attributes[i].value);
    return size;
}

/* The dead letter of a body that is `short_of` bytes below the limit of its queue. */
static struct fake_message *dead_of_size(size_t short_of)
{
    enum { MOST = 4096 };
    char body[MOST + 1];
    add_pipeline("web", "web");
    queue("dead")->facts.message_max = MOST;
    memset(body, 'x', sizeof body);
    body[MOST - short_of] = '\0';
    fake_queue_put(queue("web"), body);
    start_default();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    struct fake_message *dead = fake_queue_first(queue("dead"));
    assert_string_equal(dead->body, body);
    assert_in_range(size_of(dead), 1, MOST);
    return dead;
}

static void a_body_of_the_largest_size_goes_without_reasons(void **state)
{
    (void)state;
    assert_int_equal(dead_of_size(0)->attribute_count, 0);
}

static void a_body_with_little_room_keeps_the_reason(void **state)
{
    (void)state;
    struct fake_message *dead = dead_of_size(50);
    assert_int_equal(dead->attribute_count, 1);
    assert_string_equal(fake_attribute(dead, "ThumbwheelReason"), "message-unreadable");
}

static void a_detail_is_cut_to_fit(void **state)
{
    (void)state;
    struct fake_message *dead = dead_of_size(90);
    assert_string_equal(fake_attribute(dead, "ThumbwheelReason"), "message-unreadable");
    const char *detail = fake_attribute(dead, "ThumbwheelDetail");
    assert_non_null(detail);
    assert_memory_equal(detail, "the message is n", 16);
    assert_int_equal(size_of(dead), 4096);
}

static void a_message_too_large_for_its_dead_letters_stays(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    queue("dead")->facts.message_max = 1024;
    char body[1200];
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    fake_queue_put(queue("web"), body);
    start_default();
    UNTIL(stats().retried == 2); /* until the redrive policy moves it */
    assert_int_equal(depth("dead"), 0);
    assert_int_equal(depth("web"), 1);
}

static void a_detail_has_only_characters_valid_in_messages(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    /* A key with invalid UTF-8 and with a character that is invalid in messages (U+FFFF). */
    fake_queue_put(queue("web"), "{\"Records\":[{\"eventSource\":\"aws:s3\",\"eventName\":"
                                 "\"ObjectCreated:Put\",\"s3\":{"
                                 "\"bucket\":{\"name\":\"photos\"},\"object\":{\"key\":"
                                 "\"ingest/%FF%C0%AF%EF%BF%BF-%C3%A9.jpg\"}}}]}");
    start_default();
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_string_equal(fake_attribute(fake_queue_first(queue("dead")), "ThumbwheelDetail"),
                        "s3://photos/ingest/??"
                        "??"
                        "?"
                        "?-é.jpg does not exist");
}

/* ---- backoffs ---- */

static void backoffs_are_full_jitter_under_a_cap(void **state)
{
    (void)state;
    /* "Exponential Backoff And Jitter", AWS Architecture Blog: uniform in 0…min(cap, base × 2^n) */
    for (unsigned n = 0; n < 40; n++) {
        uint64_t ceiling = n < 9 ? 2ull << n : 900, least = UINT64_MAX, most = 0, sum = 0;
        if (ceiling > 900)
            ceiling = 900;
        for (int i = 0; i < 4000; i++) {
            uint64_t delay = jitter_full(2, 900, n);
            least = delay < least ? delay : least;
            most = delay > most ? delay : most;
            sum += delay;
        }
        assert_in_range(most, ceiling - ceiling / 20, ceiling);
        assert_in_range(least, 0, ceiling / 20);
        assert_in_range(sum / 4000, ceiling * 45 / 100, ceiling * 55 / 100 + 1);
    }
    assert_in_range(jitter_full(2, 900, 4000000000u), 0, 900);
}

static void the_backoff_grows_with_the_receive_count(void **state)
{
    (void)state;
    add_pipeline("web", "web");
    photo("a.jpg", "A");
    uploads_fail("web/a.jpg", 1);
    announce("web", "a.jpg");
    fake_queue_first(queue("web"))->receives = 99; /* of earlier consumers */
    start_default();
    UNTIL(w.retries == 1 && engine_idle(w.engine));
    assert_in_range(queue("web")->last_visibility_s, 1, 901);
    assert_int_equal(depth("web"), 1);
}

/* ---- log lines ---- */

static int log_file;

static void log_begin(void)
{
    char name[] = "/tmp/thumbwheel-settlement-XXXXXX";
    log_file = mkstemp(name);
    assert_true(log_file >= 0);
    unlink(name);
    log_setup(log_file, LOG_FORMAT_JSON, LOG_INFO);
}

static size_t log_count(const char *word)
{
    static char text[1 << 20];
    ssize_t size = pread(log_file, text, sizeof text - 1, 0);
    size_t count = 0;
    assert_true(size >= 0);
    text[size] = '\0';
    for (const char *p = text; (p = strstr(p, word)); p++)
        count++;
    return count;
}

static void log_end(void)
{
    log_setup(STDERR_FILENO, LOG_FORMAT_TEXT, LOG_INFO);
    close(log_file);
}

static int refusal;

static int refused_get(struct object_store *store, const struct object_name *name, size_t max_size,
                       object_got *done, void *user, struct object_request **out)
{
    (void)store;
    (void)name;
    (void)max_size;
    (void)done;
    (void)user;
    (void)out;
    return refusal;
}

static void many_are_refused(int code, const char *reason)
{
    add_pipeline("web", "web");
    refusal = code;
    w.store.ops.get = refused_get;
    log_begin();
    start_default();
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.jpg", i);
        announce("web", name);
    }
    UNTIL(w.retries >= 100);
    char field[64];
    snprintf(field, sizeof field, "\"reason\":\"%s\"", reason);
    assert_int_equal(log_count(field), 1);
    assert_int_equal(log_count("\"level\":\"error\""), 1);
    log_end();
    assert_int_equal(depth("web"), 100); /* none is lost */
    assert_int_equal(depth("dead"), 0);
}

static void a_denied_bucket_is_logged_once_a_minute(void **state)
{
    (void)state;
    many_are_refused(ERR_DENIED, "access-denied");
}

static void a_missing_bucket_is_logged_once_a_minute(void **state)
{
    (void)state;
    many_are_refused(ERR_NO_CONTAINER, "bucket-missing");
}

static void a_missing_dead_letter_queue_is_logged_once(void **state)
{
    (void)state;
    fake_queue_add(&w.queues, "web", NULL);
    w.pipelines[w.pipeline_count++] = stub_pipeline("web", "web");
    log_begin();
    start_default();
    for (int i = 0; i < 20; i++)
        fake_queue_put(queue("web"), "not json");
    UNTIL(w.rejects == 20 && engine_idle(w.engine));
    assert_int_equal(log_count("no dead-letter queue"), 1);
    log_end();
    assert_int_equal(depth("web"), 20); /* left to their visibility */
    assert_int_equal(queue("web")->extend_calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(only_failed_records_are_repeated),
        CASE(one_dead_letter_covers_all_rejected_records),
        CASE(a_batch_whose_dead_letter_fails_repeats_only_that),
        CASE(nothing_is_dead_lettered_twice),
        CASE(a_returned_batch_remembers_finished_records),
        CASE(remembered_messages_are_bounded),
        CASE(every_attribute_of_the_message_is_kept),
        CASE(beside_nine_attributes_there_is_room_for_the_reason),
        CASE(beside_ten_attributes_there_is_room_for_nothing),
        CASE(reasons_of_an_earlier_rejection_are_replaced),
        CASE(a_body_of_the_largest_size_goes_without_reasons),
        CASE(a_body_with_little_room_keeps_the_reason),
        CASE(a_detail_is_cut_to_fit),
        CASE(a_message_too_large_for_its_dead_letters_stays),
        CASE(a_detail_has_only_characters_valid_in_messages),
        CASE(backoffs_are_full_jitter_under_a_cap),
        CASE(the_backoff_grows_with_the_receive_count),
        CASE(a_denied_bucket_is_logged_once_a_minute),
        CASE(a_missing_bucket_is_logged_once_a_minute),
        CASE(a_missing_dead_letter_queue_is_logged_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
