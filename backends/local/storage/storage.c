/*
 * The storage, on the loop thread: opening, submitting tasks, calling them back, closing.
 * storage_thread.c runs and commits them.
 *
 * Submitting. The loop thread gathers submitted tasks, appends them to the inbox before and after
 * each poll, or as soon as there are several, and wakes the storage thread: if units arrived one by
 * one, each would get its own transaction.
 *
 * Closing. The loop counts the tasks that are submitted and not yet done; when it is closing and
 * the count reaches zero, it tells the thread to stop, so `done` functions may still submit. The
 * thread closes the database (the last checkpoint may take a while) and reports; the loop joins it,
 * which then doesn't block.
 */
#include <stdlib.h>

#include "container_of.h"
#include "database_file.h"
#include "storage_private.h"

enum {
    FORMAT = 1,    /* of the tables */
    HAND_OVER = 8, /* maximum number of units that the loop gathers before passing them on */
};

struct aside {
    uv_work_t work;
    struct storage *storage;
    struct storage_task *task;
};

static void storage_free(struct storage *storage)
{
    void (*closed)(void *) = storage->closed;
    void *user = storage->closed_user;
    uv_cond_destroy(&storage->wake);
    uv_mutex_destroy(&storage->mutex);
    data_directory_close(&storage->directory);
    free(storage->after);
    free(storage);
    if (closed)
        closed(user);
}

static void on_closed(uv_handle_t *handle)
{
    struct storage *storage = handle->data;
    if (!--storage->handles)
        storage_free(storage);
}

static void close_handles(struct storage *storage)
{
    uv_close((uv_handle_t *)&storage->completion, on_closed);
    uv_close((uv_handle_t *)&storage->before_poll, on_closed);
    uv_close((uv_handle_t *)&storage->after_poll, on_closed);
}

static void stop_when_idle(struct storage *storage)
{
    if (!storage->closing || storage->outstanding)
        return;
    uv_mutex_lock(&storage->mutex);
    storage->stop = true;
    uv_cond_signal(&storage->wake);
    uv_mutex_unlock(&storage->mutex);
}

static void call_done(struct storage_task *head)
{
    struct storage_task *next;
    for (struct storage_task *task = head; task; task = next) {
        next = task->unit_next; /* done may free the task */
        if (task->done)
            task->done(task, task->code);
    }
}

static void on_completion(uv_async_t *handle)
{
    struct storage *storage = handle->data;
    struct task_list settled = {0};
    uv_mutex_lock(&storage->mutex);
    task_list_move(&settled, &storage->outbox);
    bool ended = storage->ended;
    uv_mutex_unlock(&storage->mutex);
    while (settled.first) {
        call_done(task_list_shift(&settled));
        storage->outstanding--;
    }
    if (ended) {
        uv_thread_join(&storage->thread);
        close_handles(storage);
        return;
    }
    stop_when_idle(storage);
}

static void hand_over(struct storage *storage)
{
    if (!storage->fresh_count)
        return;
    storage->fresh_count = 0;
    uv_mutex_lock(&storage->mutex);
    task_list_move(&storage->inbox, &storage->fresh);
    uv_cond_signal(&storage->wake);
    uv_mutex_unlock(&storage->mutex);
}

static void on_prepare(uv_prepare_t *handle)
{
    hand_over(handle->data);
}

static void on_check(uv_check_t *handle)
{
    hand_over(handle->data);
}

static void submit(struct storage *storage, struct storage_task *head)
{
    storage->outstanding++;
    unit_set(head, 0, NULL);
    task_list_append(&storage->fresh, head);
    if (++storage->fresh_count == HAND_OVER)
        hand_over(storage);
}

void storage_submit(struct storage *storage, struct storage_task *task)
{
    task->unit_next = NULL;
    submit(storage, task);
}

static void aside_run(uv_work_t *work)
{
    struct aside *aside = container_of(work, struct aside, work);
    unit_run_tasks(aside->storage, aside->task);
}

static void aside_start(struct storage *storage, struct storage_task *task);

static void aside_done(uv_work_t *work, int code)
{
    struct aside *aside = container_of(work, struct aside, work);
    struct storage *storage = aside->storage;
    (void)code; /* never cancelled */
    storage->asides--;
    if (storage->waiting_aside.first)
        aside_start(storage, task_list_shift(&storage->waiting_aside));
    call_done(aside->task);
    free(aside);
    storage->outstanding--;
    stop_when_idle(storage);
}

static void aside_start(struct storage *storage, struct storage_task *task)
{
    struct aside *aside = malloc(sizeof *aside);
    if (!aside) {
        storage_submit(storage, task);
        return;
    }
    aside->storage = storage;
    aside->task = task;
    storage->asides++;
    storage->outstanding++;
    uv_queue_work(storage->loop, &aside->work, aside_run, aside_done);
}

/* While some wait, others are running, and these keep the storage open. */
void storage_submit_aside(struct storage *storage, struct storage_task *task)
{
    task->unit_next = NULL;
    task->code = 0;
    if (storage->asides < STORAGE_ASIDES_MAX)
        aside_start(storage, task);
    else
        task_list_append(&storage->waiting_aside, task);
}

void storage_unit_add(struct storage_unit *unit, struct storage_task *task)
{
    task->unit_next = NULL;
    if (unit->last)
        unit->last->unit_next = task;
    else
        unit->first = task;
    unit->last = task;
}

void storage_submit_unit(struct storage *storage, struct storage_unit *unit)
{
    struct storage_task *head = unit->first;
    *unit = (struct storage_unit){0};
    if (head)
        submit(storage, head);
}

/* Opening and closing. */

static int open_handles(struct storage *storage, struct error *error)
{
    int result = uv_async_init(storage->loop, &storage->completion, on_completion);
    if (result)
        return error_set(error, ERR_MEMORY, "cannot watch the storage thread: %s",
                         uv_strerror(result));
    uv_prepare_init(storage->loop, &storage->before_poll);
    uv_check_init(storage->loop, &storage->after_poll);
    storage->completion.data = storage->before_poll.data = storage->after_poll.data = storage;
    storage->handles = 3;
    uv_prepare_start(&storage->before_poll, on_prepare);
    uv_check_start(&storage->after_poll, on_check);
    return 0;
}

static int start_thread(struct storage *storage, struct error *error)
{
    int code = open_handles(storage, error);
    if (code)
        return code;
    int result = uv_thread_create(&storage->thread, storage_thread_main, storage);
    if (result == 0)
        return 0;
    return error_set(error, ERR_MEMORY, "cannot start the storage thread: %s", uv_strerror(result));
}

static int open_database(struct storage *storage, const char *const *schemas, size_t count,
                         struct error *error)
{
    char *path = data_directory_join(&storage->directory, DATABASE_FILE);
    if (!path)
        return error_set(error, ERR_MEMORY, "out of memory");
    const struct database_settings settings = {.path = path,
                                               .directory = storage->directory.path,
                                               .option = "--data",
                                               .sync_commits = storage->durability == STORAGE_FULL,
                                               .format = FORMAT,
                                               .schemas = schemas,
                                               .schema_count = count};
    int code = database_file_prepare(&storage->directory, path, error);
    if (!code)
        code = database_open(&storage->database, &settings, error);
    free(path);
    return code;
}

static int init_locks(struct storage *storage)
{
    if (uv_mutex_init(&storage->mutex))
        return ERR_MEMORY;
    if (uv_cond_init(&storage->wake) == 0)
        return 0;
    uv_mutex_destroy(&storage->mutex);
    return ERR_MEMORY;
}

/* Cleans up if opening failed before the thread was started. An initialised async handle must be
 * closed by the loop. */
static void storage_abandon(struct storage *storage)
{
    if (storage->database.handle)
        database_close(&storage->database);
    if (storage->handles)
        close_handles(storage);
    else
        storage_free(storage);
}

int storage_open(uv_loop_t *loop, const char *directory, enum storage_durability durability,
                 const char *const *schemas, size_t schema_count, struct storage **out,
                 struct error *error)
{
    *out = NULL;
    struct storage *storage = calloc(1, sizeof *storage);
    if (!storage)
        return error_set(error, ERR_MEMORY, "out of memory");
    storage->loop = loop;
    storage->durability = durability;
    storage->directory.lock = -1;
    if (init_locks(storage)) {
        free(storage);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    int code = data_directory_open(&storage->directory, directory, error);
    if (code)
        goto failed;
    code = open_database(storage, schemas, schema_count, error);
    if (code)
        goto failed;
    code = start_thread(storage, error);
    if (code)
        goto failed;
    *out = storage;
    return 0;
failed:
    storage_abandon(storage);
    return code;
}

void storage_loaded(struct storage *storage)
{
    uv_mutex_lock(&storage->mutex);
    storage->loaded = true;
    uv_cond_signal(&storage->wake);
    uv_mutex_unlock(&storage->mutex);
}

void storage_close(struct storage *storage, void (*closed)(void *user), void *user)
{
    storage_loaded(storage); /* a load that failed has ended too */
    storage->closing = true;
    storage->closed = closed;
    storage->closed_user = user;
    stop_when_idle(storage);
}

/* What the parts ask of it. */

struct database *storage_database(struct storage *storage)
{
    return &storage->database;
}

void storage_map_file(struct storage *storage, bool mapped)
{
    database_script(&storage->database,
                    mapped ? "PRAGMA mmap_size=1099511627776" : "PRAGMA mmap_size=0", NULL);
}

const char *storage_directory(const struct storage *storage)
{
    return storage->directory.path;
}

enum storage_durability storage_durability(const struct storage *storage)
{
    return storage->durability;
}
