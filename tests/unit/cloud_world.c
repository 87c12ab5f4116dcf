#include "cloud_world.h"

#include <sqlite3.h>

#include "container_of.h"
#include "database.h"

static void world_mark(void *user)
{
    *(bool *)user = true;
}

/* Before and after the loop waits, because a timer may have fulfilled the condition. */
static void world_look(struct world *w)
{
    if (*w->awaited)
        uv_stop(&w->loop);
}

static void world_before_wait(uv_prepare_t *handle)
{
    world_look(handle->data);
}

static void world_after_wait(uv_check_t *handle)
{
    world_look(handle->data);
}

void world_run_until(struct world *w, const bool *flag)
{
    w->awaited = flag;
    while (!*flag)
        uv_run(&w->loop, UV_RUN_DEFAULT);
}

static void world_timer(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void world_timer_closed(uv_handle_t *timer)
{
    *(bool *)timer->data = true;
}

void world_pass(struct world *w, uint64_t ms)
{
    bool passed = false, closed = false;
    uv_timer_t timer;
    uv_timer_init(&w->loop, &timer);
    timer.data = &passed;
    uv_timer_start(&timer, world_timer, ms, 0);
    world_run_until(w, &passed);
    timer.data = &closed;
    uv_close((uv_handle_t *)&timer, world_timer_closed);
    world_run_until(w, &closed);
}

/* All worlds of a program share one key, because generating it takes a while. */
struct world_key {
    struct sns_signer_wish wish;
    bool done;
};

static void world_key_ready(struct sns_signer_wish *wish, int code)
{
    assert_int_equal(code, 0);
    container_of(wish, struct world_key, wish)->done = true;
}

static void world_key_file(struct world *w, const char *mode, char *text, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/sns-signing-key.pem", w->directory);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    size = *mode == 'r' ? fread(text, 1, size, file) : fwrite(text, 1, strlen(text), file);
    assert_true(size > 0);
    assert_int_equal(fclose(file), 0);
}

static void world_signer_open(struct world *w)
{
    static char key[8192];
    struct world_key made = {.wish = {.ready = world_key_ready}};
    if (key[0])
        world_key_file(w, "w", key, 0);
    assert_int_equal(sns_signer_open(&w->loop, w->directory, &w->cloud.signer), 0);
    sns_signer_want(w->cloud.signer, &made.wish);
    world_run_until(w, &made.done);
    if (!key[0])
        world_key_file(w, "r", key, sizeof key - 1);
}

static void world_open(struct world *w)
{
    const char *const schemas[] = {queues_schema, topics_schema, sns_outbox_schema};
    struct error error = {0};
    w->cloud = (struct cloud){.loop = &w->loop,
                              .region = "us-east-1",
                              .account = "000000000000",
                              .endpoint = "http://127.0.0.1:4566"};
    assert_int_equal(storage_open(&w->loop, w->directory, STORAGE_RELAXED, schemas, 3,
                                  &w->cloud.storage, &error),
                     0);
    assert_int_equal(queues_open(&w->cloud, &w->cloud.queues, &error), 0);
    assert_int_equal(topics_open(&w->cloud, &w->cloud.topics, &error), 0);
    world_signer_open(w);
    assert_int_equal(sns_outbox_open(&w->cloud, NULL, &w->cloud.outbox, &error), 0);
    storage_loaded(w->cloud.storage);
}

static void world_close(struct world *w)
{
    bool closed = false;
    queues_stop(w->cloud.queues);
    sns_outbox_stop(w->cloud.outbox, world_mark, &closed);
    world_run_until(w, &closed);
    closed = false;
    storage_close(w->cloud.storage, world_mark, &closed);
    world_run_until(w, &closed);
    topics_close(w->cloud.topics);
    closed = false;
    sns_outbox_close(w->cloud.outbox, world_mark, &closed);
    world_run_until(w, &closed);
    sns_signer_close(w->cloud.signer, NULL, NULL);
    closed = false;
    queues_close(w->cloud.queues, world_mark, &closed);
    world_run_until(w, &closed);
}

void world_reopen(struct world *w)
{
    world_close(w);
    world_open(w);
}

int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    snprintf(w->directory, sizeof w->directory, "/tmp/thumbwheel-cloud-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    uv_loop_init(&w->loop);
    uv_prepare_init(&w->loop, &w->prepare);
    uv_check_init(&w->loop, &w->check);
    w->prepare.data = w->check.data = w;
    uv_prepare_start(&w->prepare, world_before_wait);
    uv_check_start(&w->check, world_after_wait);
    world_open(w);
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;
    char command[128];
    world_close(w);
    uv_close((uv_handle_t *)&w->prepare, NULL);
    uv_close((uv_handle_t *)&w->check, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    snprintf(command, sizeof command, "rm -rf '%s'", w->directory);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

void world_written(int code, void *user)
{
    struct world_change *change = user;
    change->done = true;
    change->code = code;
}

int world_wait(struct world *w, struct world_change *change)
{
    world_run_until(w, &change->done);
    change->done = false;
    return change->code;
}

/* Waits until everything submitted before has completed. */
static int world_nothing(struct storage_task *task, struct storage *storage)
{
    (void)task;
    (void)storage;
    return 0;
}

struct world_barrier {
    struct storage_task task;
    bool done;
};

static void world_barrier_done(struct storage_task *task, int code)
{
    (void)code;
    container_of(task, struct world_barrier, task)->done = true;
}

void world_settle(struct world *w)
{
    struct world_barrier barrier = {.task = {.run = world_nothing, .done = world_barrier_done}};
    storage_submit(w->cloud.storage, &barrier.task);
    world_run_until(w, &barrier.done);
}

struct arn_home world_home(const struct world *w)
{
    return (struct arn_home){w->cloud.region, w->cloud.account};
}

struct local_queue *world_queue(struct world *w, const char *name, const char *attributes)
{
    struct world_change change = {0};
    struct service_error error = {0};
    json_t *object = json_loads(attributes, 0, NULL);
    assert_non_null(object);
    assert_int_equal(queues_create(w->cloud.queues, world_home(w), name, object, NULL,
                                   world_written, &change, &error),
                     0);
    json_decref(object);
    assert_int_equal(world_wait(w, &change), 0);
    struct local_queue *queue = queues_find(w->cloud.queues, world_home(w), name);
    assert_non_null(queue);
    return queue;
}

int world_set(struct world *w, struct local_queue *queue, json_t *changes)
{
    struct world_change change = {0};
    struct service_error error = {0};
    int code = local_queue_set(queue, changes, world_written, &change, &error);
    json_decref(changes);
    if (!code)
        assert_int_equal(world_wait(w, &change), 0);
    return code;
}

void world_send(struct world *w, struct local_queue *queue, const char *body,
                char id[UUID_TEXT_SIZE])
{
    struct message_draft draft = {.body = slice_of(body), .delay_s = -1};
    struct world_change change = {0};
    struct message_sent sent;
    assert_int_equal(local_queue_send(queue, &draft, 1, &sent, NULL, world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    if (id)
        memcpy(id, sent.id, UUID_TEXT_SIZE);
}

static void world_keep(struct world_poll *p, size_t i, const struct queue_delivery *delivery)
{
    struct slice body = local_message_body(delivery->message);
    const char *attributes = local_message_attributes(delivery->message);
    json_t *system = local_message_system(delivery->message);
    const char *source = json_string_value(json_object_get(system, "DeadLetterQueueSourceArn"));
    p->receipts[i] = delivery->receipt;
    queues_receipt_text(p->queues, &delivery->receipt, p->handles[i]);
    local_message_id(delivery->message, p->ids[i]);
    snprintf(p->bodies[i], sizeof p->bodies[i], "%.*s", (int)body.size, body.data);
    snprintf(p->attributes[i], sizeof p->attributes[i], "%s", attributes ? attributes : "");
    snprintf(p->sources[i], sizeof p->sources[i], "%s", source ? source : "");
    p->receive_counts[i] =
        atoi(json_string_value(json_object_get(system, "ApproximateReceiveCount")));
    json_decref(system);
}

void world_completed(struct queue_poll *poll, int code, const struct queue_delivery *deliveries,
                     size_t count)
{
    struct world_poll *p = container_of(poll, struct world_poll, poll);
    assert_false(p->done);
    p->done = true;
    p->code = code;
    p->count = count;
    for (size_t i = 0; i < count; i++)
        world_keep(p, i, &deliveries[i]);
}

void world_poll_start(struct world *w, struct local_queue *queue, struct world_poll *p,
                      unsigned max, int visibility_s, int wait_s)
{
    memset(p, 0, sizeof *p);
    p->queues = w->cloud.queues;
    p->poll =
        (struct queue_poll){.max = max, .visibility_s = visibility_s, .completed = world_completed};
    assert_int_equal(local_queue_poll(queue, &p->poll, wait_s), 0);
    assert_false(p->done); /* never from within the call */
}

size_t world_receive(struct world *w, struct local_queue *queue, struct world_poll *p, unsigned max,
                     int visibility_s, int wait_s)
{
    world_poll_start(w, queue, p, max, visibility_s, wait_s);
    world_run_until(w, &p->done);
    assert_int_equal(p->code, 0);
    return p->count;
}

int world_delete(struct world *w, struct local_queue *queue, const char *handle)
{
    struct queue_receipt_entry entry = {.receipt = slice_of(handle)};
    struct service_error error = {0};
    struct world_change change = {0};
    assert_int_equal(local_queue_delete_messages(queue, &entry, 1, &error, world_written, &change),
                     0);
    assert_int_equal(world_wait(w, &change), 0);
    return error.code;
}

int world_change_visibility(struct world *w, struct local_queue *queue, const char *handle,
                            int visibility_s)
{
    struct queue_receipt_entry entry = {slice_of(handle), visibility_s};
    struct service_error error = {0};
    struct world_change change = {0};
    assert_int_equal(local_queue_change(queue, &entry, 1, &error, world_written, &change), 0);
    assert_int_equal(world_wait(w, &change), 0);
    return error.code;
}

int world_count(struct local_queue *queue, const char *name)
{
    json_t *all = local_queue_describe(queue);
    const char *text = json_string_value(json_object_get(all, name));
    assert_non_null(text);
    int count = atoi(text);
    json_decref(all);
    return count;
}

struct world_sql {
    struct storage_task task;
    const char *sql;
    bool done;
};

static int world_sql_run(struct storage_task *task, struct storage *storage)
{
    const char *sql = container_of(task, struct world_sql, task)->sql;
    return database_script(storage_database(storage), sql, NULL) ? ERR_IO : 0;
}

static void world_sql_done(struct storage_task *task, int code)
{
    assert_int_equal(code, 0);
    container_of(task, struct world_sql, task)->done = true;
}

void world_sql(struct world *w, const char *sql)
{
    struct world_sql task = {.task = {.run = world_sql_run, .done = world_sql_done}, .sql = sql};
    storage_submit(w->cloud.storage, &task.task);
    world_run_until(w, &task.done);
}

int world_rows(struct world *w, const char *sql)
{
    char path[128];
    sqlite3 *database;
    sqlite3_stmt *statement;
    world_settle(w);
    snprintf(path, sizeof path, "%s/cloud.sqlite3", w->directory);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return count;
}
