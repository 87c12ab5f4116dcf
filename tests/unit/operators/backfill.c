/* Backfills over a bucket that is made up as it is listed: what is sent, where it stops and continues,
 * and how much memory a million keys take. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backfill.h"
#include "container_of.h"
#include "key_pattern.h"

enum { PAGE = 1000, KEY_SIZE = 40, SENT_MAX = 4096, CALLS_MAX = 4096 };

/* Under ASan its own allocator counts. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t heap_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                   : mallinfo2().uordblks;
}

struct pipeline { /* the seam's opaque type */
    struct pipeline_facts facts;
    const char *match; /* what a key contains */
    const char *output;
};

struct queue {
    struct queue_facts facts;
};

static struct world {
    uv_loop_t loop;
    struct object_store store;
    struct queue_backend backend;
    struct queue queues[2];
    struct pipeline items[2];
    struct pipeline *pipelines[2];
    struct send_target targets[2];
    struct backfill_options options;
    struct backfill *backfill;
    size_t keys;      /* in the bucket: "in/0000000.jpg", … */
    size_t outputs;   /* those of the first so many exist */
    int64_t output_s; /* their Last-Modified; sources have 1000 */
    size_t heads, lists, most_held, heap_first, heap_most;
    int head_code; /* of every HEAD; 0: found or not */
    char sent[SENT_MAX][KEY_SIZE];
    size_t sent_count, calls;
    size_t fail_at; /* the message with this number is refused; 0: none */
    bool closed;
} w;

/* ---- the seams ---- */

struct object_request {
    uv_timer_t timer;
    size_t first;
    size_t number; /* of a HEAD's key */
    object_listed *listed;
    object_head_done *head;
    void *user;
};

static void request_free(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct object_request, timer));
}

static void watch_memory(void)
{
    size_t held = backfill_held(w.backfill), bytes = heap_bytes();
    w.most_held = held > w.most_held ? held : w.most_held;
    if (w.lists == 3)
        w.heap_first = bytes;
    w.heap_most = bytes > w.heap_most ? bytes : w.heap_most;
}

static void page_reply(struct object_request *request)
{
    static char keys[PAGE][KEY_SIZE];
    static struct object_entry entries[PAGE];
    size_t count = w.keys - request->first < PAGE ? w.keys - request->first : PAGE;
    for (size_t i = 0; i < count; i++) {
        snprintf(keys[i], KEY_SIZE, "in/%07zu.%s", request->first + i,
                 (request->first + i) % 100 == 0 ? "jpg" : "txt");
        entries[i] = (struct object_entry){keys[i], 3, "etag", 1000 * 1000};
    }
    request->listed(entries, count, request->first + count < w.keys, &(struct error){0},
                    request->user);
    watch_memory();
}

static void head_reply(struct object_request *request)
{
    struct error error = {0};
    const struct object_facts facts = {.size = 1, .modified_s = w.output_s};
    if (w.head_code)
        error_set(&error, w.head_code, "refused");
    else if (request->number >= w.outputs)
        error_set(&error, ERR_NOT_FOUND, "not there");
    request->head(&facts, &error, request->user);
}

static void on_timer(uv_timer_t *timer)
{
    struct object_request *request = container_of(timer, struct object_request, timer);
    if (request->listed)
        page_reply(request);
    else
        head_reply(request);
    uv_close((uv_handle_t *)timer, request_free);
}

static struct object_request *request_start(void *user, uint64_t ms)
{
    struct object_request *request = calloc(1, sizeof *request);
    request->user = user;
    uv_timer_init(&w.loop, &request->timer);
    uv_timer_start(&request->timer, on_timer, ms, 0);
    return request;
}

static size_t number_of(const char *key)
{
    return (size_t)strtoull(strrchr(key, '/') + 1, NULL, 10);
}

static int list(struct object_store *store, const char *bucket, const char *prefix,
                const char *after, object_listed *done, void *user, struct object_request **out)
{
    (void)store, (void)out;
    assert_string_equal(bucket, "photos");
    assert_string_equal(prefix, "in/");
    struct object_request *request = request_start(user, 1);
    request->listed = done;
    request->first = after ? number_of(after) + 1 : 0;
    w.lists++;
    return 0;
}

static int head(struct object_store *store, const struct object_name *name, object_head_done *done,
                void *user, struct object_request **out)
{
    (void)store, (void)out;
    assert_int_equal(strncmp(name->key, "out/", 4), 0);
    struct object_request *request = request_start(user, 1 + number_of(name->key) % 7);
    request->head = done;
    request->number = number_of(name->key);
    w.heads++;
    return 0;
}

static const struct object_store_ops store_ops = {.list = list, .head = head};

static const struct queue_facts *queue_facts(const struct queue *queue)
{
    return &queue->facts;
}

struct sent_reply {
    uv_timer_t timer;
    struct queue_send_result results[QUEUE_BATCH_MAX];
    size_t count;
    queue_batch_sent *done;
    void *user;
};

static void sent_free(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct sent_reply, timer));
}

static void on_sent(uv_timer_t *timer)
{
    struct sent_reply *reply = container_of(timer, struct sent_reply, timer);
    reply->done(reply->results, reply->count, &(struct error){0}, reply->user);
    uv_close((uv_handle_t *)timer, sent_free);
}

static int send_batch(struct queue *queue, const struct queue_send *messages, size_t count,
                      queue_batch_sent *done, void *user)
{
    struct sent_reply *reply = calloc(1, sizeof *reply);
    (void)queue;
    w.calls++;
    *reply = (struct sent_reply){.count = count, .done = done, .user = user};
    for (size_t i = 0; i < count; i++) {
        const char *key = strstr(messages[i].body, "in/");
        const bool refused = w.fail_at && ++w.sent_count == w.fail_at;
        w.sent_count += !w.fail_at;
        snprintf(w.sent[(w.sent_count - 1) % SENT_MAX], KEY_SIZE, "%.14s", key);
        reply->results[i] =
            (struct queue_send_result){refused ? ERR_UNACCEPTABLE : 0, refused ? NULL : "id", ""};
    }
    uv_timer_init(&w.loop, &reply->timer);
    uv_timer_start(&reply->timer, on_sent, 3, 0);
    return 0;
}

static const struct queue_backend_ops queue_ops = {.facts = queue_facts, .send_batch = send_batch};

static const struct pipeline_facts *facts_of(const struct pipeline *pipeline)
{
    return &pipeline->facts;
}

static struct pipeline_output output_of(const struct pipeline *pipeline, size_t index)
{
    return (struct pipeline_output){.key = index == 0 ? pipeline->output : NULL};
}

static int output_key(const struct pipeline *pipeline, size_t index, const char *bucket,
                      const char *key, char **out)
{
    (void)index, (void)bucket;
    return asprintf(out, "out/%s/%s", pipeline->facts.name, strrchr(key, '/') + 1) < 0 ? ERR_MEMORY
                                                                                       : 0;
}

static bool matches(const struct pipeline *pipeline, const char *bucket, const char *key)
{
    (void)bucket;
    return strstr(key, pipeline->match) != NULL;
}

static const struct pipeline_ops pipeline_ops = {
    .facts = facts_of, .output = output_of, .output_key = output_key, .matches = matches};

/* ---- the fixture ---- */

static int setup(void **state)
{
    static const char *const names[] = {"web", "small"};
    (void)state;
    w = (struct world){
        .store = {.ops = &store_ops}, .backend = {.ops = &queue_ops}, .output_s = 1000};
    for (size_t i = 0; i < 2; i++) {
        w.queues[i].facts = (struct queue_facts){.name = names[i], .message_max = 262144};
        w.items[i] =
            (struct pipeline){.facts = {.name = names[i], .queue = names[i], .output_count = 1},
                              .match = ".jpg",
                              .output = "out"};
        w.pipelines[i] = &w.items[i];
        w.targets[i] = (struct send_target){.queues = &w.backend, .queue = &w.queues[i]};
    }
    assert_int_equal(uv_loop_init(&w.loop), 0);
    w.options = (struct backfill_options){.loop = &w.loop,
                                          .store = &w.store,
                                          .pipeline_ops = &pipeline_ops,
                                          .pipelines = w.pipelines,
                                          .pipeline_count = 1,
                                          .targets = w.targets,
                                          .target_count = 1,
                                          .bucket = "photos",
                                          .prefix = "in/"};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(uv_loop_close(&w.loop), 0);
    return 0;
}

static void start(void)
{
    assert_int_equal(backfill_start(&w.options, &w.backfill), 0);
}

static void finish(void)
{
    while (!backfill_done(w.backfill))
        uv_run(&w.loop, UV_RUN_ONCE);
}

static void set_closed(void *user)
{
    (void)user;
    w.closed = true;
}

static void end(void)
{
    backfill_close(w.backfill, set_closed, NULL);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_true(w.closed);
}

static void assert_counts(uint64_t listed, uint64_t matched, uint64_t complete, uint64_t sent)
{
    const struct backfill_counts *counts = backfill_counts(w.backfill);
    assert_int_equal(counts->listed, listed);
    assert_int_equal(counts->matched, matched);
    assert_int_equal(counts->complete, complete);
    assert_int_equal(counts->sent, sent);
}

/* ---- tests ---- */

static void what_has_no_outputs_is_sent_in_order(void **state)
{
    (void)state;
    w.keys = 2500;
    w.outputs = 1000;
    start();
    finish();
    assert_counts(2500, 25, 10, 15);
    assert_int_equal(backfill_error(w.backfill)->code, 0);
    assert_int_equal(w.lists, 3);
    assert_int_equal(w.sent_count, 15);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(number_of(w.sent[i]), 1000 + 100 * i);
    assert_string_equal(backfill_after(w.backfill), "in/0002499.txt");
    end();
}

static void an_output_older_than_its_source_is_made_again(void **state)
{
    (void)state;
    w.keys = 500;
    w.outputs = 500;
    w.output_s = 999;
    start();
    finish();
    assert_counts(500, 5, 0, 5);
    end();
}

static void force_does_not_look(void **state)
{
    (void)state;
    w.keys = w.outputs = 500;
    w.options.force = true;
    start();
    finish();
    assert_int_equal(w.heads, 0);
    assert_counts(500, 5, 0, 5);
    end();
}

static void a_dry_run_sends_nothing(void **state)
{
    (void)state;
    w.keys = 500;
    w.options.dry_run = true;
    w.options.target_count = 0;
    start();
    finish();
    assert_counts(500, 5, 0, 5);
    assert_int_equal(w.calls, 0);
    end();
}

static void each_pipeline_gets_its_own_event(void **state)
{
    (void)state;
    w.keys = 500;
    w.options.pipeline_count = w.options.target_count = 2;
    w.items[1].match = "0000100.jpg";
    start();
    finish();
    assert_counts(500, 5, 0, 5);
    assert_int_equal(backfill_counts(w.backfill)->messages, 6);
    end();
}

static void one_target_gets_one_event_for_all_pipelines(void **state)
{
    (void)state;
    w.keys = 500;
    w.options.pipeline_count = 2;
    start();
    finish();
    assert_int_equal(backfill_counts(w.backfill)->messages, 5);
    end();
}

static void tags_alone_are_never_complete(void **state)
{
    (void)state;
    w.keys = w.outputs = 500;
    w.items[0].output = NULL;
    start();
    finish();
    assert_counts(500, 5, 0, 5);
    end();
}

/* Stopped anywhere and continued from its checkpoint, it sends each event once. */
static void it_continues_where_it_was_stopped(void **state)
{
    (void)state;
    char *after = NULL;
    size_t runs = 0, steps = 20;
    w.keys = 20000;
    for (bool finished = false; !finished; runs++, steps += 13) {
        w.options.after = after;
        start();
        for (size_t i = 0; i < steps && !backfill_done(w.backfill); i++)
            uv_run(&w.loop, UV_RUN_ONCE);
        finished = backfill_done(w.backfill);
        backfill_stop(w.backfill);
        finish();
        if (backfill_after(w.backfill)) {
            free(after);
            after = strdup(backfill_after(w.backfill));
        }
        end();
    }
    assert_in_range(runs, 3, 1000);
    assert_int_equal(w.sent_count, 200);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(number_of(w.sent[i]), 100 * i);
    free(after);
}

static void a_refused_message_stops_it_before_its_key(void **state)
{
    (void)state;
    w.keys = 5000;
    w.fail_at = 7;
    start();
    finish();
    assert_int_equal(backfill_error(w.backfill)->code, ERR_UNACCEPTABLE);
    assert_string_equal(backfill_after(w.backfill), "in/0000500.jpg");
    end();
}

static void an_output_that_cannot_be_looked_for_stops_it(void **state)
{
    (void)state;
    w.keys = 500;
    w.head_code = ERR_DENIED;
    start();
    finish();
    assert_int_equal(backfill_error(w.backfill)->code, ERR_DENIED);
    assert_null(backfill_after(w.backfill));
    assert_int_equal(w.calls, 0);
    end();
}

static void the_rate_is_kept(void **state)
{
    (void)state;
    w.keys = 2000;
    w.options.rate = 10;
    start();
    const uint64_t began = uv_now(&w.loop);
    finish();
    const uint64_t took = uv_now(&w.loop) - began;
    assert_counts(2000, 20, 0, 20);
    assert_in_range(took, 1900, 3000);
    end();
}

static void a_million_keys_take_the_memory_of_a_page(void **state)
{
    (void)state;
    w.keys = 1000 * 1000;
    w.outputs = 900 * 1000;
    start();
    finish();
    assert_counts(1000 * 1000, 10 * 1000, 9000, 1000);
    assert_in_range(w.most_held, 1, 2 * PAGE);
    assert_in_range(w.heap_most - w.heap_first, 0, 512 * 1024);
    end();
}

static void numbers_in_keys_match_digits(void **state)
{
    (void)state;
    assert_int_equal(key_pattern_literal("a/b.jpg"), 7);
    assert_int_equal(key_pattern_literal("a/" PIPELINE_NUMBER "x" PIPELINE_NUMBER ".jpg"), 2);
    assert_true(
        key_pattern_matches("a/" PIPELINE_NUMBER "x" PIPELINE_NUMBER ".jpg", "a/640x480.jpg"));
    assert_true(key_pattern_matches("a/" PIPELINE_NUMBER PIPELINE_NUMBER, "a/64"));
    assert_true(key_pattern_matches("a-" PIPELINE_NUMBER "0.jpg", "a-6400.jpg"));
    assert_false(key_pattern_matches("a/" PIPELINE_NUMBER ".jpg", "a/.jpg"));
    assert_false(key_pattern_matches("a/" PIPELINE_NUMBER ".jpg", "a/6b4.jpg"));
    assert_false(key_pattern_matches("a.jpg", "a.jpgx"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_has_no_outputs_is_sent_in_order),
        CASE(an_output_older_than_its_source_is_made_again),
        CASE(force_does_not_look),
        CASE(a_dry_run_sends_nothing),
        CASE(each_pipeline_gets_its_own_event),
        CASE(one_target_gets_one_event_for_all_pipelines),
        CASE(tags_alone_are_never_complete),
        CASE(it_continues_where_it_was_stopped),
        CASE(a_refused_message_stops_it_before_its_key),
        CASE(an_output_that_cannot_be_looked_for_stops_it),
        CASE(the_rate_is_kept),
        CASE(a_million_keys_take_the_memory_of_a_page),
        cmocka_unit_test(numbers_in_keys_match_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
