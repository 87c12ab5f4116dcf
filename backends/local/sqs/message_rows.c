/*
 * Rows of messages.
 *
 * A small body is stored in its message's row, so that sending and deleting change a single tree. A
 * receive rewrites that row, so a large body has its own row. The numbers that a receive changes
 * are stored in their final size from the beginning, so the row never grows and no page is split.
 */
#include <stdlib.h>

#include "queue_rows.h"
#include "spare_blocks.h"
#include "storage_statement.h"

static struct message_task *message_task_of(struct storage_task *task)
{
    return container_of(task, struct message_task, task);
}

static int body_insert(struct storage_task *task, struct storage *storage,
                       const struct local_message *m)
{
    static const char sql[] = "INSERT INTO message_bodies (id, body, attributes) VALUES (?,?,?)";
    struct statement s = statement_prepare(storage, sql);
    bind_uint(&s, m->entry.id);
    bind_blob(&s, m->body, m->body_size);
    bind_text(&s, m->attributes);
    return statement_execute(&s, &task->error);
}

/* The placeholder for the times of a message that was not received is as long as a time. */
static int64_t time_stored(const struct message_row *row, int64_t time_ms)
{
    return time_ms ? time_ms : row->message->sent_ms;
}

static int row_insert(struct storage_task *task, struct storage *storage,
                      const struct message_row *row)
{
    static const char sql[] =
        "INSERT INTO messages (id, queue, uuid, sent_ms, due_ms, first_ms, count, base, trace,"
        " received_ms, group_id, dedup, body, attributes) VALUES (?,?,?,?,?,?,0,0,?,?,?,?,?,?)";
    const struct local_message *m = row->message;
    struct statement s = statement_prepare(storage, sql);
    bind_uint(&s, row->id);
    bind_uint(&s, row->queue);
    bind_blob(&s, m->uuid, sizeof m->uuid);
    bind_int(&s, m->sent_ms);
    bind_int(&s, time_stored(row, row->due_ms));
    bind_int(&s, m->sent_ms);
    bind_text(&s, m->trace);
    bind_int(&s, m->sent_ms);
    bind_text(&s, m->group);
    bind_text(&s, m->dedup);
    if (m->body_apart)
        bind_null(&s);
    else
        bind_blob(&s, m->body, m->body_size);
    bind_text(&s, m->body_apart ? NULL : m->attributes);
    int code = statement_execute(&s, &task->error);
    return code || !m->body_apart ? code : body_insert(task, storage, m);
}

static int dedup_row_insert(struct storage_task *task, struct storage *storage,
                            const struct dedup *d)
{
    static const char sql[] =
        "INSERT INTO deduplications (message, queue, key, sent_ms, uuid) VALUES (?,?,?,?,?)";
    struct statement s = statement_prepare(storage, sql);
    bind_uint(&s, d->message);
    bind_uint(&s, d->queue);
    bind_text(&s, d->key);
    bind_int(&s, d->sent_ms);
    bind_blob(&s, d->uuid, UUID_SIZE);
    return statement_execute(&s, &task->error);
}

int message_rows_insert(struct storage_task *task, struct storage *storage)
{
    struct message_task *t = message_task_of(task);
    for (size_t i = 0; i < t->count; i++) {
        const struct local_message *m = t->rows[i].message;
        int code = row_insert(task, storage, &t->rows[i]);
        if (code)
            return code;
        code = m->dedup_entry ? dedup_row_insert(task, storage, m->dedup_entry) : 0;
        if (code)
            return code;
    }
    return 0;
}

int message_rows_update(struct storage_task *task, struct storage *storage)
{
    static const char sql[] =
        "UPDATE messages SET due_ms=?, first_ms=?, received_ms=?, count=? WHERE id=?";
    struct message_task *t = message_task_of(task);
    int code = 0;
    for (size_t i = 0; i < t->count && !code; i++) {
        const struct message_row *row = &t->rows[i];
        struct statement s = statement_prepare(storage, sql);
        bind_int(&s, row->due_ms ? row->due_ms : row->received_ms);
        bind_int(&s, row->first_ms);
        bind_int(&s, row->received_ms);
        bind_int(&s, row->count);
        bind_uint(&s, row->id);
        code = statement_execute(&s, &task->error);
    }
    return code;
}

int message_row_delete(struct storage_task *task, struct storage *storage, uint64_t id,
                       bool body_apart)
{
    static const char row_sql[] = "DELETE FROM messages WHERE id=?";
    static const char body_sql[] = "DELETE FROM message_bodies WHERE id=?";
    int code = 0;
    for (int i = 0; i < (body_apart ? 2 : 1) && !code; i++) {
        struct statement s = statement_prepare(storage, i ? body_sql : row_sql);
        bind_uint(&s, id);
        code = statement_execute(&s, &task->error);
    }
    return code;
}

int message_rows_delete(struct storage_task *task, struct storage *storage)
{
    struct message_task *t = message_task_of(task);
    int code = 0;
    for (size_t i = 0; i < t->count && !code; i++)
        code = message_row_delete(task, storage, t->rows[i].id, t->rows[i].body_apart);
    return code;
}

/* Deduplication history. */

struct forget_task {
    struct storage_task task;
    uint64_t last;
};

static int forget_run(struct storage_task *task, struct storage *storage)
{
    static const char sql[] = "DELETE FROM deduplications WHERE message<=?";
    return statement_execute_with(storage, sql, container_of(task, struct forget_task, task)->last,
                                  &task->error);
}

/* Remaining rows are too old to be read at the next start, and are deleted with later ones. */
static void forget_done(struct storage_task *task, int code)
{
    (void)code;
    free(container_of(task, struct forget_task, task));
}

void dedup_rows_forget(struct queues *queues, uint64_t last)
{
    struct forget_task *t = calloc(1, sizeof *t);
    if (!t)
        return;
    t->task = (struct storage_task){.run = forget_run, .done = forget_done};
    t->last = last;
    storage_submit(queues->cloud->storage, &t->task);
}

/* Tasks. */

static void message_task_free(struct message_task *t)
{
    queue_release(t->queue);
    block_free(t);
}

static void message_task_done(struct storage_task *task, int code)
{
    struct message_task *t = message_task_of(task);
    queue_task_log(task, t->queue, code);
    if (t->settled)
        t->settled(t, code);
    if (t->done)
        t->done(t->broken ? ERR_IO : code, t->user);
    message_task_free(t);
}

struct message_task *message_task_new(struct local_queue *queue, size_t rows, storage_run *run,
                                      void (*settled)(struct message_task *task, int code))
{
    struct message_task *t = block_new_zeroed(sizeof *t + rows * sizeof *t->rows);
    if (!t)
        return NULL;
    t->task.run = run;
    t->task.done = message_task_done;
    t->task.refuses_first = true; /* it never refuses */
    t->settled = settled;
    t->queue = queue;
    queue_retain(queue);
    return t;
}

void message_task_add(struct message_task *t, struct local_message *m)
{
    t->rows[t->count++] = (struct message_row){.message = m,
                                               .id = m->entry.id,
                                               .queue = m->queue->id,
                                               .due_ms = m->due_ms,
                                               .first_ms = m->first_ms,
                                               .received_ms = m->received_ms,
                                               .count = m->count,
                                               .base = m->base,
                                               .body_apart = m->body_apart};
}

void message_task_submit(struct message_task *t)
{
    storage_submit(t->queue->queues->cloud->storage, &t->task);
}

void message_task_discard(struct message_task *t)
{
    message_task_free(t);
}
