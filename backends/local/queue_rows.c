#include "queue_rows.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

enum { LOG_EVERY_MS = 1000 };

const char queues_schema[] =
    "CREATE TABLE IF NOT EXISTS queues (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL, attributes TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, queue INTEGER NOT NULL,"
    " uuid BLOB NOT NULL, sent_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    " first_ms INTEGER NOT NULL, count INTEGER NOT NULL, base INTEGER NOT NULL, trace TEXT,"
    " source TEXT);"
    "CREATE TABLE IF NOT EXISTS message_bodies (id INTEGER PRIMARY KEY, body BLOB NOT NULL,"
    " attributes TEXT);"
    "CREATE TABLE IF NOT EXISTS queue_settings (name TEXT PRIMARY KEY, value BLOB NOT NULL);";

struct statement { /* binds in order */
    struct storage *storage;
    sqlite3_stmt *handle;
    int last;
};

static struct statement statement(struct storage *storage, const char *sql)
{
    return (struct statement){storage, storage_statement(storage, sql), 0};
}

static void bind_int(struct statement *s, int64_t value)
{
    sqlite3_bind_int64(s->handle, ++s->last, value);
}

static void bind_text(struct statement *s, const char *text)
{
    sqlite3_bind_text(s->handle, ++s->last, text, -1, SQLITE_STATIC);
}

static void bind_blob(struct statement *s, const void *data, size_t size)
{
    sqlite3_bind_blob64(s->handle, ++s->last, size ? data : "", size, SQLITE_STATIC);
}

static int execute(struct statement *s, struct storage_task *task)
{
    return storage_execute(s->storage, s->handle, &task->error);
}

static struct message_task *message_task_of(struct storage_task *task)
{
    return container_of(task, struct message_task, task);
}

static int body_insert(struct storage_task *task, struct storage *storage,
                       const struct local_message *m)
{
    static const char sql[] = "INSERT INTO message_bodies (id, body, attributes) VALUES (?,?,?)";
    struct statement s = statement(storage, sql);
    bind_int(&s, (int64_t)m->entry.id);
    bind_blob(&s, m->data, m->body_size);
    bind_text(&s, m->attributes);
    return execute(&s, task);
}

static int row_insert(struct storage_task *task, struct storage *storage,
                      const struct message_row *row)
{
    static const char sql[] =
        "INSERT INTO messages (id, queue, uuid, sent_ms, due_ms, first_ms, count, base, trace)"
        " VALUES (?,?,?,?,?,0,0,0,?)";
    const struct local_message *m = row->message;
    struct statement s = statement(storage, sql);
    bind_int(&s, (int64_t)row->id);
    bind_int(&s, (int64_t)row->queue);
    bind_blob(&s, m->uuid, sizeof m->uuid);
    bind_int(&s, m->sent_ms);
    bind_int(&s, row->due_ms);
    bind_text(&s, m->trace);
    return execute(&s, task);
}

int message_rows_insert(struct storage_task *task, struct storage *storage)
{
    struct message_task *t = message_task_of(task);
    int status = 0;
    for (size_t i = 0; i < t->count && !status; i++) {
        status = row_insert(task, storage, &t->rows[i]);
        if (!status)
            status = body_insert(task, storage, t->rows[i].message);
    }
    return status;
}

int message_rows_update(struct storage_task *task, struct storage *storage)
{
    static const char sql[] = "UPDATE messages SET due_ms=?, first_ms=?, count=? WHERE id=?";
    struct message_task *t = message_task_of(task);
    int status = 0;
    for (size_t i = 0; i < t->count && !status; i++) {
        struct statement s = statement(storage, sql);
        bind_int(&s, t->rows[i].due_ms);
        bind_int(&s, t->rows[i].first_ms);
        bind_int(&s, t->rows[i].count);
        bind_int(&s, (int64_t)t->rows[i].id);
        status = execute(&s, task);
    }
    return status;
}

int message_rows_move(struct storage_task *task, struct storage *storage)
{
    static const char sql[] = "UPDATE messages SET queue=?, due_ms=?, base=?, source=? WHERE id=?";
    struct message_task *t = message_task_of(task);
    int status = 0;
    for (size_t i = 0; i < t->count && !status; i++) {
        struct statement s = statement(storage, sql);
        bind_int(&s, (int64_t)t->rows[i].queue);
        bind_int(&s, t->rows[i].due_ms);
        bind_int(&s, t->rows[i].base);
        bind_text(&s, t->source);
        bind_int(&s, (int64_t)t->rows[i].id);
        status = execute(&s, task);
    }
    return status;
}

int message_rows_delete(struct storage_task *task, struct storage *storage)
{
    static const char row_sql[] = "DELETE FROM messages WHERE id=?";
    static const char body_sql[] = "DELETE FROM message_bodies WHERE id=?";
    struct message_task *t = message_task_of(task);
    int status = 0;
    for (size_t i = 0; i < t->count * 2 && !status; i++) {
        struct statement s = statement(storage, i % 2 ? body_sql : row_sql);
        bind_int(&s, (int64_t)t->rows[i / 2].id);
        status = execute(&s, task);
    }
    return status;
}

static void message_task_free(struct message_task *t)
{
    queue_release(t->queue);
    free(t->source);
    free(t);
}

/* What the disk refuses is seldom one task's matter: one line a second tells enough. */
static void task_log(const struct storage_task *task, const struct local_queue *queue, int status)
{
    static struct log_gate gate;
    const struct queues *queues = queue->queues;
    if (status && status != ERR_CANCELLED &&
        log_gate_open(&gate, (uint64_t)deadlines_now(queues->deadlines), LOG_EVERY_MS))
        log_error("queue change not stored", LOG_TEXT("queue", queue->named.name),
                  LOG_TEXT("error", task->error.text), LOG_INT("skipped", gate.skipped));
}

static void message_task_done(struct storage_task *task, int status)
{
    struct message_task *t = message_task_of(task);
    task_log(task, t->queue, status);
    if (t->settled)
        t->settled(t, status);
    if (t->done)
        t->done(status, t->user);
    message_task_free(t);
}

struct message_task *message_task_new(struct local_queue *queue, storage_run *run,
                                      void (*settled)(struct message_task *task, int status))
{
    struct message_task *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->task.run = run;
    t->task.done = message_task_done;
    t->settled = settled;
    t->queue = queue;
    queue_retain(queue);
    return t;
}

void message_task_add(struct message_task *t, struct local_message *m)
{
    t->rows[t->count++] = (struct message_row){m,           m->entry.id, m->queue->id, m->due_ms,
                                               m->first_ms, m->count,    m->base};
}

void message_task_submit(struct message_task *t)
{
    storage_submit(t->queue->queues->cloud->storage, &t->task);
}

void message_task_discard(struct message_task *t)
{
    message_task_free(t);
}

static struct queue_task *queue_task_of(struct storage_task *task)
{
    return container_of(task, struct queue_task, task);
}

int queue_row_insert(struct storage_task *task, struct storage *storage)
{
    static const char sql[] =
        "INSERT INTO queues (id, name, created_ms, modified_ms, attributes) VALUES (?,?,?,?,?)";
    struct queue_task *t = queue_task_of(task);
    struct statement s = statement(storage, sql);
    bind_int(&s, (int64_t)t->queue->id);
    bind_text(&s, t->name);
    bind_int(&s, t->modified_ms);
    bind_int(&s, t->modified_ms);
    bind_text(&s, t->attributes);
    return execute(&s, task);
}

int queue_row_update(struct storage_task *task, struct storage *storage)
{
    static const char sql[] = "UPDATE queues SET modified_ms=?, attributes=? WHERE id=?";
    struct queue_task *t = queue_task_of(task);
    struct statement s = statement(storage, sql);
    bind_int(&s, t->modified_ms);
    bind_text(&s, t->attributes);
    bind_int(&s, (int64_t)t->queue->id);
    return execute(&s, task);
}

int queue_row_purge(struct storage_task *task, struct storage *storage)
{
    static const char bodies_sql[] = "DELETE FROM message_bodies WHERE id IN"
                                     " (SELECT id FROM messages WHERE queue=? AND id<?)";
    static const char rows_sql[] = "DELETE FROM messages WHERE queue=? AND id<?";
    struct queue_task *t = queue_task_of(task);
    int status = 0;
    for (int i = 0; i < 2 && !status; i++) {
        struct statement s = statement(storage, i ? rows_sql : bodies_sql);
        bind_int(&s, (int64_t)t->queue->id);
        bind_int(&s, (int64_t)t->below_id);
        status = execute(&s, task);
    }
    return status;
}

int queue_row_delete(struct storage_task *task, struct storage *storage)
{
    static const char sql[] = "DELETE FROM queues WHERE id=?";
    struct queue_task *t = queue_task_of(task);
    struct statement s = statement(storage, sql);
    bind_int(&s, (int64_t)t->queue->id);
    int status = execute(&s, task);
    return status ? status : queue_row_purge(task, storage);
}

/* Writes nothing: its end comes after that of what was submitted before. */
int queue_row_none(struct storage_task *task, struct storage *storage)
{
    (void)task;
    (void)storage;
    return 0;
}

static void queue_task_free(struct queue_task *t)
{
    queue_release(t->queue);
    queue_attributes_free(&t->previous);
    free(t->name);
    free(t->attributes);
    free(t);
}

static void queue_task_done(struct storage_task *task, int status)
{
    struct queue_task *t = queue_task_of(task);
    task_log(task, t->queue, status);
    if (t->settled)
        t->settled(t, status);
    if (t->done)
        t->done(status, t->user);
    queue_task_free(t);
}

static char *attributes_text(const struct local_queue *queue)
{
    json_t *object = json_object();
    char *text = NULL;
    if (object && !queue_attributes_add(&queue->attributes, object))
        text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

struct queue_task *queue_task_new(struct local_queue *queue, storage_run *run,
                                  void (*settled)(struct queue_task *task, int status))
{
    struct queue_task *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->task.run = run;
    t->task.done = queue_task_done;
    t->settled = settled;
    t->queue = queue;
    queue_retain(queue);
    t->modified_ms = deadlines_now(queue->queues->deadlines);
    t->name = strdup(queue->named.name);
    t->attributes = attributes_text(queue);
    if (t->name && t->attributes)
        return t;
    queue_task_free(t);
    return NULL;
}

void queue_task_submit(struct queue_task *t)
{
    storage_submit(t->queue->queues->cloud->storage, &t->task);
}

void queue_task_discard(struct queue_task *t)
{
    queue_task_free(t);
}
