/*
 * The job path with failing allocations: every allocation of the engine fails once, from its start
 * to the last delete. The result is always the same: the photo has its rendition, its tags and its
 * document, the invalid message is in the dead-letter queue with its reason, and no message is left
 * or lost.
 */
#include "engine_world.h"

#include <fcntl.h>

#include "failing_allocations.h"
#include "log.h"

enum { MANY = 10000 };

static int (*real_extend)(struct queue *, const struct queue_entry *, size_t, queue_batch_done *,
                          void *);

/* Returned messages become visible at once, because another test covers the backoff. */
static int hurry(struct queue *queue, const struct queue_entry *entries, size_t count,
                 queue_batch_done *done, void *user)
{
    struct queue_entry now[QUEUE_BATCH_MAX];
    for (size_t i = 0; i < count; i++)
        now[i] = (struct queue_entry){.receipt = entries[i].receipt};
    return real_extend(queue, now, count, done, user);
}

static void on_hurried(const int *codes, size_t count, const struct error *error, void *user)
{
    (void)codes, (void)count, (void)error, (void)user;
}

/* Whether all messages were deleted. Those that the engine lost track of for lack of memory would
 * become visible when their timeout ends; here at once. */
static bool settled(void)
{
    struct queue *queue = fake_queue_find(&w.queues, "web");
    struct queue_entry entries[QUEUE_BATCH_MAX];
    size_t count = 0;
    if (!engine_idle(w.engine) || stats().jobs)
        return false;
    for (struct list *l = queue->messages.next; l != &queue->messages; l = l->next) {
        struct fake_message *message = container_of(l, struct fake_message, link);
        if (message->visible_at_ms > uv_now(&w.loop) && count < QUEUE_BATCH_MAX)
            entries[count++] = (struct queue_entry){.receipt = message->receipt};
    }
    if (count)
        real_extend(queue, entries, count, on_hurried, NULL);
    return depth("web") == 0;
}

static int begin(void)
{
    struct engine_options with = options();
    struct error error = {0};
    int code = engine_create(&w.loop, &with, &w.engine, &error);
    if (code) {
        assert_int_equal(code, ERR_MEMORY);
        assert_null(w.engine);
        return code;
    }
    engine_start(w.engine, on_ready, NULL);
    return 0;
}

static void fill(void)
{
    add_pipeline("web", "web");
    w.pipelines[0]->facts.labels = true;
    photo("a.jpg", "pixels");
    photo("b.jpg", "corrupt");
    announce("web", "a.jpg");
    announce("web", "b.jpg");
    fake_queue_put(fake_queue_find(&w.queues, "web"), "not json");
    fake_store_put(&w.store, "payloads", "p", "{\"bucket\":\"photos\",\"key\":\"ingest/a.jpg\"}");
    struct fake_message *pointer =
        fake_queue_put(fake_queue_find(&w.queues, "web"),
                       "[\"software.amazon.payloadoffloading.PayloadS3Pointer\",{\"s3BucketName\":"
                       "\"payloads\",\"s3Key\":\"p\"}]");
    pointer->attributes[pointer->attribute_count++] =
        (struct queue_attribute){strdup("ExtendedPayloadSize"), strdup("Number"), strdup("60")};
}

/* At least once each, and nothing else. */
static void check_dead_letters(void)
{
    unsigned corrupt = 0, unreadable = 0;
    const struct list *all = &fake_queue_find(&w.queues, "dead")->messages;
    for (struct list *l = all->next; l != all; l = l->next) {
        struct fake_message *message = container_of(l, struct fake_message, link);
        const char *reason = fake_attribute(message, "ThumbwheelReason");
        bool is_text = strcmp(message->body, "not json") == 0;
        assert_non_null(reason);
        assert_string_equal(reason, is_text ? "message-unreadable" : "image-corrupt");
        assert_true(is_text || strstr(message->body, "b.jpg"));
        (*(is_text ? &unreadable : &corrupt))++;
    }
    assert_true(corrupt && unreadable);
}

/* Whether an allocation failed. */
static bool once(unsigned long n)
{
    void *state = NULL;
    setup(&state);
    real_extend = w.queues.ops.extend_batch;
    w.queues.ops.extend_batch = hurry;
    fill();
    allocations_fail(n);
    if (begin() == 0) {
        UNTIL(settled());
        assert_stored("web/a.jpg", "web:pixels");
        assert_non_null(fake_store_find(&w.store, "photos", "tags/labels.json"));
        assert_int_equal(fake_store_find(&w.store, "photos", "ingest/a.jpg")->tag_count, 2);
        check_dead_letters();
    }
    bool failed = allocations_end();
    teardown(&state);
    return failed;
}

static void nothing_is_lost_when_memory_is_short(void **state)
{
    (void)state;
    unsigned long n = 1;
    while (n < MANY && once(n))
        n++;
    assert_in_range(n, 50, MANY - 1); /* it does allocate */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_when_memory_is_short)};
    allocations_hook();
    log_setup(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_FORMAT_TEXT, LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
