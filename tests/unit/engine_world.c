#include "engine_world.h"

enum { LOOK_MS = 10 };

struct world w;

/* A worker at the gate does not wake the loop, so conditions are checked periodically. */
static void on_look(uv_timer_t *timer)
{
    w.late = uv_now(timer->loop) > w.due_ms;
}

void wait_begin(void)
{
    uv_update_time(&w.loop);
    w.due_ms = uv_now(&w.loop) + WATCHDOG_MS;
    uv_timer_start(&w.watchdog, on_look, LOOK_MS, LOOK_MS);
}

void wait_end(void)
{
    uv_timer_stop(&w.watchdog);
}

void on_record(const struct engine_record *record, void *user)
{
    (void)user;
    unsigned *const counters[] = {&w.acks, &w.retries, &w.rejects};
    (*counters[record->outcome])++;
    snprintf(w.last_reason, sizeof w.last_reason, "%s", record->reason);
    snprintf(w.last_key, sizeof w.last_key, "%s", record->key);
}

void on_ready(const struct error *error, void *user)
{
    (void)user;
    w.ready = true;
    w.ready_error = *error;
}

void set_true(void *user)
{
    *(bool *)user = true;
}

int setup(void **state)
{
    w = (struct world){0};
    uv_loop_init(&w.loop);
    uv_timer_init(&w.loop, &w.watchdog);
    fake_queues_init(&w.queues, &w.loop);
    fake_store_init(&w.store, &w.loop);
    stub_gate_open();
    *state = &w;
    return 0;
}

void add_pipeline(const char *name, const char *queue)
{
    if (!fake_queue_find(&w.queues, "dead"))
        fake_queue_add(&w.queues, "dead", NULL);
    fake_queue_add(&w.queues, queue, "dead");
    w.pipelines[w.pipeline_count++] = stub_pipeline(name, queue);
}

struct engine_options options(void)
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

void start_unawaited(const struct engine_options *with)
{
    struct error error;
    assert_int_equal(engine_create(&w.loop, with, &w.engine, &error), 0);
    engine_start(w.engine, on_ready, NULL);
}

void start(const struct engine_options *with)
{
    start_unawaited(with);
    UNTIL(w.ready);
}

void start_default(void)
{
    struct engine_options with = options();
    start(&with);
    assert_int_equal(w.ready_error.code, 0);
}

void start_leasing(void)
{
    struct engine_options with = options();
    with.visibility_s = 2;
    start(&with);
}

struct engine_stats stats(void)
{
    struct engine_stats out;
    engine_stats(w.engine, &out);
    return out;
}

int teardown(void **state)
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

void photo(const char *name, const char *text)
{
    char key[64];
    snprintf(key, sizeof key, "ingest/%s", name);
    fake_store_put(&w.store, "photos", key, text);
}

void announce(const char *queue, const char *name)
{
    char body[256];
    snprintf(body, sizeof body,
             "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":"
             "\"photos\"},\"object\":{\"key\":\"ingest/%s\",\"eTag\":\"etag\"}}}]}",
             name);
    fake_queue_put(fake_queue_find(&w.queues, queue), body);
}

void announce_photos(const char *queue, int count, const char *text)
{
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.jpg", i);
        photo(name, text);
        announce(queue, name);
    }
}

struct fake_message *receive_elsewhere(const char *queue)
{
    struct fake_message *message = fake_queue_first(fake_queue_find(&w.queues, queue));
    snprintf(message->receipt, sizeof message->receipt, "newer");
    message->visible_at_ms = UINT64_MAX;
    return message;
}

void assert_stored(const char *key, const char *text)
{
    struct fake_object *object = fake_store_find(&w.store, "photos", key);
    assert_non_null(object);
    assert_int_equal(object->size, strlen(text));
    assert_memory_equal(object->data, text, object->size);
}

size_t depth(const char *queue)
{
    return fake_queue_count(fake_queue_find(&w.queues, queue));
}
