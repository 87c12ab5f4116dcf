/*
 * An engine in a test: a real loop and workers, over the seams in memory of fake_services.h. Each
 * file of tests has one such world, made anew for each case by setup and teardown.
 */
#ifndef ENGINE_WORLD_H
#define ENGINE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "fake_services.h"

enum { WATCHDOG_MS = 60000, LOOK_MS = 10, PIPELINES_MAX = 4 };

struct world {
    uv_loop_t loop;
    uv_timer_t watchdog;
    uint64_t due_ms;
    struct fake_queues queues;
    struct fake_store store;
    struct pipeline *pipelines[PIPELINES_MAX];
    size_t pipeline_count;
    struct engine *engine;
    struct error ready_error;
    bool ready, drained, closed, late;
    unsigned acks, retries, rejects;
    char last_reason[64], last_key[128];
};

static struct world w;

static inline struct world *world(void)
{
    return &w;
}

/* A worker at the gate does not wake the loop: a condition is looked at again now and then. */
static inline void on_look(uv_timer_t *timer)
{
    w.late = uv_now(timer->loop) > w.due_ms;
}

#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        uv_update_time(&w.loop);                                                                   \
        w.due_ms = uv_now(&w.loop) + WATCHDOG_MS;                                                  \
        uv_timer_start(&w.watchdog, on_look, LOOK_MS, LOOK_MS);                                    \
        while (!(condition) && !w.late)                                                            \
            uv_run(&w.loop, UV_RUN_ONCE);                                                          \
        assert_true(condition);                                                                    \
        uv_timer_stop(&w.watchdog);                                                                \
    } while (0)

static inline void on_record(const struct engine_record *record, void *user)
{
    (void)user;
    unsigned *const counters[] = {&w.acks, &w.retries, &w.rejects};
    (*counters[record->outcome])++;
    snprintf(w.last_reason, sizeof w.last_reason, "%s", record->reason);
    snprintf(w.last_key, sizeof w.last_key, "%s", record->key);
}

static inline void on_ready(const struct error *error, void *user)
{
    (void)user;
    w.ready = true;
    w.ready_error = *error;
}

static inline void set_true(void *user)
{
    *(bool *)user = true;
}

static inline int setup(void **state)
{
    w = (struct world){0};
    uv_loop_init(&w.loop);
    uv_timer_init(&w.loop, &w.watchdog);
    fake_queues_init(&w.queues, &w.loop);
    fake_store_init(&w.store, &w.loop);
    stub_gate_open();
    *state = world();
    return 0;
}

static inline void add_pipeline(const char *name, const char *queue)
{
    if (!fake_queue_find(&w.queues, "dead"))
        fake_queue_add(&w.queues, "dead", NULL);
    fake_queue_add(&w.queues, queue, "dead");
    w.pipelines[w.pipeline_count++] = stub_pipeline(name, queue);
}

static inline struct engine_options options(void)
{
    return (struct engine_options){
        .queues = &w.queues.backend,
        .store = &w.store.store,
        .pipeline_ops = &stub_pipeline_ops,
        .pipelines = w.pipelines,
        .pipeline_count = w.pipeline_count,
        .workers = 2,
        .limits = {.max_bytes = 1 << 20},
        .polls_abortable = true,
        .observer = {.record_finished = on_record},
    };
}

/* Does not wait until it is ready. */
static inline void start_unawaited(const struct engine_options *with)
{
    struct error error;
    assert_int_equal(engine_create(&w.loop, with, &w.engine, &error), 0);
    engine_start(w.engine, on_ready, NULL);
}

static inline void start(const struct engine_options *with)
{
    start_unawaited(with);
    UNTIL(w.ready);
}

static inline void start_default(void)
{
    struct engine_options with = options();
    start(&with);
    assert_int_equal(w.ready_error.code, 0);
}

/* With leases that are short enough to see them extended or lost. */
static inline void start_leasing(void)
{
    struct engine_options with = options();
    with.visibility_s = 2;
    start(&with);
}

static inline struct engine_stats stats(void)
{
    struct engine_stats out;
    engine_stats(w.engine, &out);
    return out;
}

static inline int teardown(void **state)
{
    (void)state;
    stub_gate_open();
    if (w.engine) {
        engine_close(w.engine, set_true, &w.closed);
        UNTIL(w.closed);
    }
    for (size_t i = 0; i < w.pipeline_count; i++)
        stub_pipeline_ops.release(w.pipelines[i]);
    fake_queues_clear(&w.queues);
    fake_store_clear(&w.store);
    uv_close((uv_handle_t *)&w.watchdog, NULL);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w.loop), 0); /* no handle is left behind */
    return 0;
}

static inline void photo(const char *name, const char *text)
{
    char key[64];
    snprintf(key, sizeof key, "ingest/%s", name);
    fake_store_put(&w.store, "photos", key, text);
}

static inline void announce(const char *queue, const char *name)
{
    char body[256];
    snprintf(body, sizeof body,
             "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":"
             "\"photos\"},\"object\":{\"key\":\"ingest/%s\",\"eTag\":\"etag\"}}}]}",
             name);
    fake_queue_put(fake_queue_find(&w.queues, queue), body);
}

/* So many photos, 0.jpg and so on, each with its event. */
static inline void announce_photos(const char *queue, int count, const char *text)
{
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.jpg", i);
        photo(name, text);
        announce(queue, name);
    }
}

/* Somebody else receives the queue's first message: its lease is lost. */
static inline struct fake_message *receive_elsewhere(const char *queue)
{
    struct fake_message *message = fake_queue_first(fake_queue_find(&w.queues, queue));
    snprintf(message->receipt, sizeof message->receipt, "newer");
    message->visible_at_ms = UINT64_MAX;
    return message;
}

static inline void assert_stored(const char *key, const char *text)
{
    struct fake_object *object = fake_store_find(&w.store, "photos", key);
    assert_non_null(object);
    assert_int_equal(object->size, strlen(text));
    assert_memory_equal(object->data, text, object->size);
}

static inline size_t depth(const char *queue)
{
    return fake_queue_count(fake_queue_find(&w.queues, queue));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
