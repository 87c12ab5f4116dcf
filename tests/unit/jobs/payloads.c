/* Messages whose body is in S3: when the payload is removed, and when it stays. */
#include "engine_world.h"

static struct queue *queue(const char *name)
{
    return fake_queue_find(&w.queues, name);
}

/* A message that points to the payload "p1". */
static void point(const char *payload)
{
    fake_store_put(&w.store, "payloads", "p1", payload);
    struct fake_message *message =
        fake_queue_put(queue("web"), "[\"com.amazon.sqs.javamessaging.MessageS3Pointer\",{"
                                     "\"s3BucketName\":\"payloads\",\"s3Key\":\"p1\"}]");
    message->attributes[message->attribute_count++] =
        (struct queue_attribute){strdup("SQSLargePayloadSize"), strdup("Number"), strdup("60")};
}

static void start_removing(bool removes)
{
    add_pipeline("web", "web");
    struct engine_options with = options();
    with.delete_payloads = removes;
    start(&with);
}

static bool payload_is_there(void)
{
    return fake_store_find(&w.store, "payloads", "p1") != NULL;
}

static int (*real_delete)(struct queue *, const struct queue_entry *, size_t, queue_batch_done *,
                          void *);
static bool was_there; /* the payload, when the message was deleted */

static int watched_delete(struct queue *from, const struct queue_entry *entries, size_t count,
                          queue_batch_done *done, void *user)
{
    was_there = payload_is_there();
    assert_stored("web/a.jpg", "web:pixels");
    return real_delete(from, entries, count, done, user);
}

static void a_payload_is_removed_after_its_message(void **state)
{
    (void)state;
    photo("a.jpg", "pixels");
    real_delete = w.queues.ops.delete_batch;
    w.queues.ops.delete_batch = watched_delete;
    start_removing(true);
    point("{\"bucket\":\"photos\",\"key\":\"ingest/a.jpg\"}");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_true(was_there);
    assert_false(payload_is_there());
    assert_int_equal(depth("web"), 0);
    w.queues.ops.delete_batch = real_delete;
}

static void by_default_it_stays(void **state)
{
    (void)state;
    photo("a.jpg", "pixels");
    start_removing(false);
    point("{\"bucket\":\"photos\",\"key\":\"ingest/a.jpg\"}");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_true(payload_is_there());
    assert_int_equal(w.store.removes, 0);
}

static int refuse_delete(struct queue *from, const struct queue_entry *entries, size_t count,
                         queue_batch_done *done, void *user)
{
    (void)from, (void)entries, (void)count, (void)done, (void)user;
    return ERR_RECEIPT;
}

static void the_payload_of_an_undeleted_message_stays(void **state)
{
    (void)state;
    photo("a.jpg", "pixels");
    real_delete = w.queues.ops.delete_batch;
    w.queues.ops.delete_batch = refuse_delete;
    start_removing(true);
    point("{\"bucket\":\"photos\",\"key\":\"ingest/a.jpg\"}");
    UNTIL(w.acks == 1 && engine_idle(w.engine));
    assert_true(payload_is_there());
    w.queues.ops.delete_batch = real_delete;
}

static void a_dead_letter_keeps_its_payload(void **state)
{
    (void)state;
    photo("a.jpg", "corrupt");
    start_removing(true);
    point("{\"bucket\":\"photos\",\"key\":\"ingest/a.jpg\"}");
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_non_null(fake_queue_first(queue("dead")));
    assert_true(payload_is_there());
}

static void a_payload_is_fetched_only_up_to_a_limit(void **state)
{
    (void)state;
    start_removing(true);
    point("{}");
    UNTIL(w.rejects == 1 && engine_idle(w.engine));
    assert_int_equal(w.store.last_cap, 16 * 1024 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_payload_is_removed_after_its_message),    CASE(by_default_it_stays),
        CASE(the_payload_of_an_undeleted_message_stays), CASE(a_dead_letter_keeps_its_payload),
        CASE(a_payload_is_fetched_only_up_to_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
