/* The rows of the outbox. Tasks are created on the loop thread with their own copies of the
 * data. */
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "json_text.h"
#include "sns_outbox_internal.h"
#include "storage_statement.h"

const char sns_outbox_schema[] =
    "CREATE TABLE IF NOT EXISTS sns_outbox (id INTEGER PRIMARY KEY, subscription TEXT NOT NULL,"
    " message TEXT NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL);";

struct row_task {
    struct storage_task task;
    uint64_t id;
    struct sns_item *item; /* for an insertion: nothing else accesses it until done */
    void (*stored)(struct sns_item *item, int code);
    int attempts;
    int64_t due_ms;
};

static int insert_run(struct storage_task *task, struct storage *storage)
{
    struct row_task *t = container_of(task, struct row_task, task);
    struct statement insert =
        statement_prepare(storage, "INSERT INTO sns_outbox (id, subscription, message,"
                                   " attempts, due_ms) VALUES (?,?,?,0,0)");
    bind_uint(&insert, t->id);
    bind_text(&insert, t->item->subscription);
    bind_text(&insert, t->item->stored);
    return statement_execute(&insert, &task->error);
}

static int update_run(struct storage_task *task, struct storage *storage)
{
    struct row_task *t = container_of(task, struct row_task, task);
    struct statement update =
        statement_prepare(storage, "UPDATE sns_outbox SET attempts=?, due_ms=? WHERE id=?");
    bind_int(&update, t->attempts);
    bind_int(&update, t->due_ms);
    bind_uint(&update, t->id);
    return statement_execute(&update, &task->error);
}

static int delete_run(struct storage_task *task, struct storage *storage)
{
    struct row_task *t = container_of(task, struct row_task, task);
    return statement_execute_with(storage, "DELETE FROM sns_outbox WHERE id=?", t->id,
                                  &task->error);
}

static void row_done(struct storage_task *task, int code)
{
    struct row_task *t = container_of(task, struct row_task, task);
    if (t->stored)
        t->stored(t->item, code);
    free(t);
}

static struct row_task *row_task_new(int (*run)(struct storage_task *, struct storage *),
                                     uint64_t id)
{
    struct row_task *t = calloc(1, sizeof *t);
    if (t)
        *t = (struct row_task){.task = {.run = run, .done = row_done}, .id = id};
    return t;
}

int sns_row_insert(struct sns_item *item, void (*stored)(struct sns_item *item, int code),
                   struct storage_unit *unit)
{
    struct row_task *t = row_task_new(insert_run, item->id);
    if (!t)
        return ERR_MEMORY;
    t->item = item;
    t->stored = stored;
    storage_unit_add(unit, &t->task);
    return 0;
}

int sns_row_update(struct sns_item *item, int64_t due_ms)
{
    struct row_task *t = row_task_new(update_run, item->id);
    if (!t)
        return ERR_MEMORY;
    t->attempts = item->attempts;
    t->due_ms = due_ms;
    storage_submit(item->outbox->cloud->storage, &t->task);
    return 0;
}

int sns_row_delete(struct sns_outbox *outbox, uint64_t id, struct storage_unit *unit)
{
    struct row_task *t = row_task_new(delete_run, id);
    if (!t)
        return ERR_MEMORY;
    if (unit)
        storage_unit_add(unit, &t->task);
    else
        storage_submit(outbox->cloud->storage, &t->task);
    return 0;
}

static int row_load(struct sns_outbox *outbox, struct statement *row)
{
    const char *subscription = column_text(row, 1);
    const char *text = column_text(row, 2);
    json_t *message = text ? json_text_read(slice_of(text), 0, NULL) : NULL;
    if (!message || !subscription) {
        json_decref(message);
        return ERR_CORRUPT;
    }
    struct sns_item *item = sns_item_new(outbox, subscription, message, strlen(text));
    if (!item)
        return ERR_MEMORY;
    item->id = column_uint(row, 0);
    item->attempts = (int)column_int(row, 3);
    if (item->id >= outbox->next_id)
        outbox->next_id = item->id + 1;
    int64_t due = column_int(row, 4);
    if (due > deadlines_now(outbox->deadlines))
        deadline_set(outbox->deadlines, &item->deadline, due);
    else
        list_push(&outbox->ready, &item->link);
    return 0;
}

int sns_rows_load(struct sns_outbox *outbox, struct error *error)
{
    struct storage *storage = outbox->cloud->storage;
    struct statement row = statement_prepare(
        storage, "SELECT id, subscription, message, attempts, due_ms FROM sns_outbox ORDER BY id");
    int code;
    while ((code = statement_step(&row, error)) == 1) {
        code = row_load(outbox, &row);
        if (!code)
            continue;
        statement_reset(&row);
        return error_set(error, code, "%s",
                         code == ERR_MEMORY ? "out of memory while loading SNS's deliveries"
                                            : "a stored delivery of SNS is damaged");
    }
    return code;
}
