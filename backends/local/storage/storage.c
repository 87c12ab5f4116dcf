/*
 * The storage thread and its group commit.
 *
 * Threads. `inbox` and `outbox` are the only data that both threads access; the mutex guards them.
 * The loop thread gathers submitted tasks, appends them to the inbox before and after each poll, or
 * as soon as there are several, and wakes the storage thread: if units arrived one by one, each
 * would get its own transaction. The storage thread appends completed units to the outbox and wakes
 * the loop. Everything in the "storage thread" part of the struct belongs to the loop thread until
 * storage_loaded(), and to the storage thread alone from then on: it takes nothing from the inbox
 * before.
 *
 * Order. The storage thread moves the whole inbox to its own list and cuts groups from the front. A
 * group ends when the list does, or after GROUP_UNITS or GROUP_MS, so that a run of slow file
 * operations cannot hold back the responses of many others. Completed units go to the outbox in
 * submission order.
 *
 * Rollback. A unit in a group of several has a savepoint; a single unit is undone by ROLLBACK. On a
 * full disk or an I/O error SQLite may roll back the whole transaction by itself: then everything
 * run so far in the group fails, and the rest of the list starts a new transaction.
 *
 * Closing. The loop counts the tasks that are submitted and not yet done; when it is closing and
 * the count reaches zero, it tells the thread to stop, so `done` functions may still submit. The
 * thread closes the database (the last checkpoint may take a while) and reports; the loop joins it,
 * which then doesn't block.
 */
#include "storage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container_of.h"
#include "data_directory.h"
#include "database.h"
#include "database_file.h"

enum {
    GROUP_UNITS = 512,
    GROUP_MS = 25,
    HAND_OVER = 8,        /* maximum number of units that the loop gathers before passing them on */
    SYNC_DIRECTORIES = 4, /* distinct directories to sync per group */
};

struct task_list {
    /* linked by next; each is the head of a unit, linked by unit_next */
    struct storage_task *first, *last;
};

struct after_commit {
    storage_action *action;
    uint64_t id;
    void *user;
};

struct aside {
    uv_work_t work;
    struct storage *storage;
    struct storage_task *task;
};

struct storage {
    /* constant once open */
    struct data_directory directory;
    enum storage_durability durability;
    uv_loop_t *loop;
    uv_thread_t thread;

    /* both threads, under the mutex */
    uv_mutex_t mutex;
    uv_cond_t wake;
    struct task_list inbox, outbox;
    bool loaded; /* to the thread: the database is yours */
    bool stop;   /* to the thread: stop when the inbox is empty */
    bool ended;  /* from the thread: it no longer accesses anything */

    /* loop thread */
    uv_async_t completion;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    unsigned handles;       /* number of handles not yet closed */
    struct task_list fresh; /* submitted, not yet in the inbox */
    size_t fresh_count;
    size_t outstanding; /* units submitted and not yet done */
    bool closing;
    void (*closed)(void *user);
    void *closed_user;

    /* storage thread */
    struct database database;
    const char *sync[SYNC_DIRECTORIES];
    size_t sync_count;
    struct after_commit *after;
    size_t after_count, after_capacity;
};

static void list_append(struct task_list *list, struct storage_task *head)
{
    head->next = NULL;
    if (list->last)
        list->last->next = head;
    else
        list->first = head;
    list->last = head;
}

static void list_move(struct task_list *to, struct task_list *from)
{
    if (!from->first)
        return;
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    *from = (struct task_list){0};
}

/* Storage thread: one unit. (A task aside runs as its own unit on a pool thread.) */

static void unit_set(struct storage_task *head, int code, const struct error *error)
{
    for (struct storage_task *task = head; task; task = task->unit_next) {
        task->code = code;
        if (code && error != &task->error)
            task->error = *error;
    }
}

/* If a task returns a code without a message, the log still needs one. */
static void complete_error(struct storage_task *task, int code)
{
    if (task->error.code != code)
        error_set(&task->error, code, "%s", error_name(code));
}

static int unit_run_tasks(struct storage *storage, struct storage_task *head)
{
    for (struct storage_task *task = head; task; task = task->unit_next) {
        task->error = (struct error){0};
        int code = task->run(task, storage);
        if (code) {
            complete_error(task, code);
            unit_set(head, code, &task->error);
            return code;
        }
    }
    return 0;
}

/* Returns an error only if the whole transaction cannot continue. */
static int unit_undo(struct storage *storage, bool savepoint, struct error *error)
{
    if (database_idle(&storage->database))
        return error_set(error, ERR_IO, "the transaction was rolled back");
    if (!savepoint)
        return 0;
    return database_script(&storage->database, "ROLLBACK TO unit; RELEASE unit", error);
}

/* Runs a unit; its failure is recorded in its tasks. Returns an error if the whole group was rolled
 * back.
 */
static int unit_run(struct storage *storage, struct storage_task *head, bool savepoint,
                    struct error *error)
{
    size_t mark = storage->after_count;
    if (savepoint) {
        sqlite3_stmt *begin = database_statement(&storage->database, "SAVEPOINT unit");
        int code = database_execute(&storage->database, begin, error);
        if (code)
            return code;
    }
    int code = unit_run_tasks(storage, head);
    database_settle(&storage->database);
    if (code) {
        storage->after_count = mark;
        code = unit_undo(storage, savepoint, error);
        if (code && head->code)
            *error = head->error; /* report the cause rather than its consequence */
        return code;
    }
    if (!savepoint)
        return 0;
    sqlite3_stmt *release = database_statement(&storage->database, "RELEASE unit");
    return database_execute(&storage->database, release, error);
}

/* Storage thread: a group. */

static int sync_one(struct storage *storage, const char *name, struct error *error)
{
    char *path = data_directory_join(&storage->directory, name);
    if (!path)
        return error_set(error, ERR_MEMORY, "out of memory");
    int code = 0;
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || fsync(directory))
        code = data_directory_error(path, errno, error);
    if (directory >= 0)
        close(directory);
    free(path);
    return code;
}

static int group_commit(struct storage *storage, struct error *error)
{
    int code = 0;
    for (size_t i = 0; i < storage->sync_count && !code; i++)
        code = sync_one(storage, storage->sync[i], error);
    if (code)
        return code;
    return database_execute(&storage->database, database_statement(&storage->database, "COMMIT"),
                            error);
}

static void group_roll_back(struct storage *storage)
{
    storage->after_count = 0;
    if (!database_idle(&storage->database))
        sqlite3_exec(storage->database.handle, "ROLLBACK", NULL, NULL, NULL);
}

/* Moves units from the front of *pending to *group and runs them until a limit is met. */
static int group_run(struct storage *storage, struct task_list *pending, struct task_list *group,
                     struct error *error)
{
    bool savepoint = pending->first->next != NULL;
    uint64_t deadline = uv_hrtime() + (uint64_t)GROUP_MS * 1000000;
    int code = database_execute(&storage->database, database_statement(&storage->database, "BEGIN"),
                                error);
    for (unsigned count = 0; pending->first && count < GROUP_UNITS; count++) {
        struct storage_task *head = pending->first;
        pending->first = head->next;
        if (!pending->first)
            pending->last = NULL;
        list_append(group, head);
        if (!code)
            code = unit_run(storage, head, savepoint, error);
        if (code || uv_hrtime() >= deadline)
            break;
    }
    return code;
}

/* A unit that failed by itself keeps its own error. */
static void group_fail(struct task_list *group, int code, const struct error *error)
{
    for (struct storage_task *head = group->first; head; head = head->next) {
        if (!head->code)
            unit_set(head, code, error);
    }
}

/* Whether the group is a single failed unit: then there is nothing to commit. */
static bool group_empty(const struct task_list *group)
{
    return group->first == group->last && group->first->code;
}

static void group_announce(struct storage *storage, struct task_list *group)
{
    uv_mutex_lock(&storage->mutex);
    list_move(&storage->outbox, group);
    uv_mutex_unlock(&storage->mutex);
    uv_async_send(&storage->completion);
}

static void group_handle(struct storage *storage, struct task_list *pending)
{
    struct task_list group = {0};
    struct error error = {0};
    storage->sync_count = 0;
    storage->after_count = 0;
    int code = group_run(storage, pending, &group, &error);
    if (!code && !group_empty(&group))
        code = group_commit(storage, &error);
    if (code)
        group_fail(&group, code, &error);
    if (!database_idle(&storage->database))
        group_roll_back(storage);
    if (code)
        storage->after_count = 0;
    group_announce(storage, &group);
    for (size_t i = 0; i < storage->after_count; i++)
        storage->after[i].action(storage, storage->after[i].id, storage->after[i].user);
}

/* Storage thread: main function. */

/* Waits for work. False: the thread must stop. */
static bool take_inbox(struct storage *storage, struct task_list *pending)
{
    uv_mutex_lock(&storage->mutex);
    while (!storage->loaded || (!storage->inbox.first && !storage->stop))
        uv_cond_wait(&storage->wake, &storage->mutex);
    list_move(pending, &storage->inbox);
    uv_mutex_unlock(&storage->mutex);
    return pending->first != NULL;
}

static void thread_main(void *argument)
{
    struct storage *storage = argument;
    struct task_list pending = {0};
    while (take_inbox(storage, &pending)) {
        while (pending.first)
            group_handle(storage, &pending);
    }
    database_close(&storage->database);
    uv_mutex_lock(&storage->mutex);
    storage->ended = true;
    uv_mutex_unlock(&storage->mutex);
    uv_async_send(&storage->completion);
}

/* Loop thread. */

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
    list_move(&settled, &storage->outbox);
    bool ended = storage->ended;
    uv_mutex_unlock(&storage->mutex);
    while (settled.first) {
        struct storage_task *head = settled.first;
        settled.first = head->next;
        call_done(head);
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
    list_move(&storage->inbox, &storage->fresh);
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
    list_append(&storage->fresh, head);
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

static void aside_done(uv_work_t *work, int code)
{
    struct aside *aside = container_of(work, struct aside, work);
    struct storage *storage = aside->storage;
    (void)code; /* never cancelled */
    call_done(aside->task);
    free(aside);
    storage->outstanding--;
    stop_when_idle(storage);
}

void storage_submit_aside(struct storage *storage, struct storage_task *task)
{
    struct aside *aside = malloc(sizeof *aside);
    if (!aside) {
        storage_submit(storage, task);
        return;
    }
    task->unit_next = NULL;
    task->code = 0;
    aside->storage = storage;
    aside->task = task;
    storage->outstanding++;
    uv_queue_work(storage->loop, &aside->work, aside_run, aside_done);
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
    int result = uv_thread_create(&storage->thread, thread_main, storage);
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
    int code = database_file_prepare(&storage->directory, path, error);
    if (!code)
        code = database_open(&storage->database, storage->directory.path, path,
                             storage->durability == STORAGE_FULL, schemas, count, error);
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

/* Functions for run(). */

struct database *storage_database(struct storage *storage)
{
    return &storage->database;
}

void storage_map_file(struct storage *storage, bool mapped)
{
    sqlite3_exec(storage->database.handle,
                 mapped ? "PRAGMA mmap_size=1099511627776" : "PRAGMA mmap_size=0", NULL, NULL,
                 NULL);
}

const char *storage_directory(const struct storage *storage)
{
    return storage->directory.path;
}

enum storage_durability storage_durability(const struct storage *storage)
{
    return storage->durability;
}

int storage_sync_directory(struct storage *storage, const char *name, struct error *error)
{
    if (storage->durability == STORAGE_RELAXED)
        return 0;
    for (size_t i = 0; i < storage->sync_count; i++) {
        if (strcmp(storage->sync[i], name) == 0)
            return 0;
    }
    if (storage->sync_count == SYNC_DIRECTORIES)
        return sync_one(storage, name, error);
    storage->sync[storage->sync_count++] = name;
    return 0;
}

int storage_after_commit(struct storage *storage, storage_action *action, uint64_t id, void *user)
{
    if (storage->after_count == storage->after_capacity) {
        size_t capacity = storage->after_capacity ? 2 * storage->after_capacity : 64;
        struct after_commit *grown = realloc(storage->after, capacity * sizeof *grown);
        if (!grown)
            return ERR_MEMORY;
        storage->after = grown;
        storage->after_capacity = capacity;
    }
    storage->after[storage->after_count++] = (struct after_commit){action, id, user};
    return 0;
}
