#include "queue_rows.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "storage_statement.h"

enum { LOG_EVERY_MS = 1000 };

const char queues_schema[] =
    "CREATE TABLE IF NOT EXISTS queues (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL, attributes TEXT NOT NULL,"
    " purged INTEGER NOT NULL DEFAULT 0, tags TEXT);"
    "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, queue INTEGER NOT NULL,"
    " uuid BLOB NOT NULL, sent_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    " first_ms INTEGER NOT NULL, count INTEGER NOT NULL, base INTEGER NOT NULL, trace TEXT,"
    " source TEXT, received_ms INTEGER NOT NULL DEFAULT 0, group_id TEXT, dedup TEXT, body BLOB,"
    " attributes TEXT);"
    "CREATE TABLE IF NOT EXISTS message_bodies (id INTEGER PRIMARY KEY, body BLOB NOT NULL,"
    " attributes TEXT);"
    "CREATE TABLE IF NOT EXISTS deduplications (message INTEGER PRIMARY KEY, queue INTEGER NOT"
    " NULL, key TEXT NOT NULL, sent_ms INTEGER NOT NULL, uuid BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS message_moves (id INTEGER PRIMARY KEY, queue INTEGER NOT NULL,"
    " uuid BLOB NOT NULL, destination TEXT, rate INTEGER NOT NULL, status INTEGER NOT NULL,"
    " moved INTEGER NOT NULL, to_move INTEGER NOT NULL, below INTEGER NOT NULL,"
    " started_ms INTEGER NOT NULL, reason TEXT);"
    "CREATE TABLE IF NOT EXISTS queue_settings (name TEXT PRIMARY KEY, value BLOB NOT NULL);";

/* A disk error rarely concerns only one task, so one log line per second suffices. */
void queue_task_log(const struct storage_task *task, const struct local_queue *queue, int code)
{
    static struct log_gate gate;
    const struct queues *queues = queue->queues;
    if (code && code != ERR_CANCELLED &&
        log_gate_open(&gate, (uint64_t)deadlines_now(queues->deadlines), LOG_EVERY_MS))
        log_error("queue change not stored", LOG_TEXT("queue", local_queue_name(queue)),
                  LOG_TEXT("error", task->error.text), LOG_SUPPRESSED(&gate));
}

static struct queue_task *queue_task_of(struct storage_task *task)
{
    return container_of(task, struct queue_task, task);
}

int queue_row_insert(struct storage_task *task, struct storage *storage)
{
    static const char sql[] =
        "INSERT INTO queues (id, name, created_ms, modified_ms, attributes, tags)"
        " VALUES (?,?,?,?,?,?)";
    struct queue_task *t = queue_task_of(task);
    struct statement s = statement_prepare(storage, sql);
    bind_uint(&s, t->queue->id);
    bind_text(&s, t->name);
    bind_int(&s, t->modified_ms);
    bind_int(&s, t->modified_ms);
    bind_text(&s, t->attributes);
    bind_text(&s, t->tags);
    return statement_execute(&s, &task->error);
}

int queue_row_update(struct storage_task *task, struct storage *storage)
{
    static const char sql[] = "UPDATE queues SET modified_ms=?, attributes=? WHERE id=?";
    struct queue_task *t = queue_task_of(task);
    struct statement s = statement_prepare(storage, sql);
    bind_int(&s, t->modified_ms);
    bind_text(&s, t->attributes);
    bind_uint(&s, t->queue->id);
    return statement_execute(&s, &task->error);
}

int queue_row_tags(struct storage_task *task, struct storage *storage)
{
    static const char sql[] = "UPDATE queues SET tags=? WHERE id=?";
    struct queue_task *t = queue_task_of(task);
    struct statement s = statement_prepare(storage, sql);
    bind_text(&s, t->tags);
    bind_uint(&s, t->queue->id);
    return statement_execute(&s, &task->error);
}

/* The rows of the messages are deleted later: queue_sweep.h. */
int queue_row_purge(struct storage_task *task, struct storage *storage)
{
    static const char sql[] = "UPDATE queues SET purged=? WHERE id=?";
    struct queue_task *t = queue_task_of(task);
    struct statement s = statement_prepare(storage, sql);
    bind_uint(&s, t->below_id);
    bind_uint(&s, t->queue->id);
    return statement_execute(&s, &task->error);
}

int queue_row_delete(struct storage_task *task, struct storage *storage)
{
    static const char queue_sql[] = "DELETE FROM queues WHERE id=?";
    static const char moves_sql[] = "DELETE FROM message_moves WHERE queue=?";
    struct queue_task *t = queue_task_of(task);
    int code = 0;
    for (int i = 0; i < 2 && !code; i++) {
        struct statement s = statement_prepare(storage, i ? moves_sql : queue_sql);
        bind_uint(&s, t->queue->id);
        code = statement_execute(&s, &task->error);
    }
    return code;
}

/* Writes nothing: completes after all earlier tasks. */
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
    free(t->tags);
    json_decref(t->previous_tags);
    free(t);
}

static void queue_task_done(struct storage_task *task, int code)
{
    struct queue_task *t = queue_task_of(task);
    queue_task_log(task, t->queue, code);
    if (t->settled)
        t->settled(t, code);
    if (t->done)
        t->done(code, t->user);
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
                                  void (*settled)(struct queue_task *task, int code))
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
    t->tags = json_dumps(queue->tags, JSON_COMPACT);
    if (t->name && t->attributes && t->tags)
        return t;
    queue_task_free(t);
    return NULL;
}

void queue_task_submit(struct queue_task *t)
{
    storage_submit(t->queue->queues->cloud->storage, &t->task);
}
