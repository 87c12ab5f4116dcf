/*
 * The storage thread: group commit.
 *
 * Order. The storage thread moves the whole inbox to its own list and cuts groups from the front. A
 * group ends when the list does, or after GROUP_UNITS or GROUP_MS, so that a run of slow file
 * operations cannot hold back the responses of many others. Completed units go to the outbox in
 * submission order.
 *
 * Rollback. A unit in a group of several has a savepoint, unless it refuses before it changes
 * anything; a single unit is undone by ROLLBACK. On a full disk or an I/O error SQLite may roll back
 * the whole transaction by itself: then everything run so far in the group fails, and the rest of the
 * list starts a new transaction. The same happens if a unit without a savepoint fails half-way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage_private.h"

enum {
    GROUP_UNITS = 512,
    GROUP_MS = 25,
};

void task_list_append(struct task_list *list, struct storage_task *head)
{
    head->next = NULL;
    if (list->last)
        list->last->next = head;
    else
        list->first = head;
    list->last = head;
}

struct storage_task *task_list_shift(struct task_list *list)
{
    struct storage_task *head = list->first;
    list->first = head->next;
    if (!list->first)
        list->last = NULL;
    return head;
}

void task_list_move(struct task_list *to, struct task_list *from)
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

/* One unit. (A task aside runs as its own unit on a pool thread.) */

void unit_set(struct storage_task *head, int code, const struct error *error)
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

int unit_run_tasks(struct storage *storage, struct storage_task *head)
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

static bool needs_savepoint(const struct storage_task *head)
{
    return head->unit_next || !head->refuses_first;
}

/* Returns an error only if the whole transaction cannot continue. */
static int unit_undo(struct storage *storage, bool savepoint, bool changed, struct error *error)
{
    if (database_idle(&storage->database) || (!savepoint && changed))
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
    uint64_t changes = database_changes(&storage->database);
    if (savepoint) {
        struct sqlite3_stmt *begin = database_statement(&storage->database, "SAVEPOINT unit");
        int code = database_execute(&storage->database, begin, error);
        if (code)
            return code;
    }
    int code = unit_run_tasks(storage, head);
    database_settle(&storage->database);
    if (code) {
        storage->after_count = mark;
        bool changed = database_changes(&storage->database) != changes;
        code = unit_undo(storage, savepoint, changed, error);
        if (code && head->code)
            *error = head->error; /* report the cause rather than its consequence */
        return code;
    }
    if (!savepoint)
        return 0;
    struct sqlite3_stmt *release = database_statement(&storage->database, "RELEASE unit");
    return database_execute(&storage->database, release, error);
}

/* A group. */

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
        database_script(&storage->database, "ROLLBACK", NULL);
}

/* Moves units from the front of *pending to *group and runs them until a limit is met. */
static int group_run(struct storage *storage, struct task_list *pending, struct task_list *group,
                     struct error *error)
{
    bool several = pending->first->next != NULL;
    uint64_t deadline = uv_hrtime() + (uint64_t)GROUP_MS * 1000000;
    int code = database_execute(&storage->database, database_statement(&storage->database, "BEGIN"),
                                error);
    for (unsigned count = 0; pending->first && count < GROUP_UNITS; count++) {
        struct storage_task *head = task_list_shift(pending);
        task_list_append(group, head);
        if (!code)
            code = unit_run(storage, head, several && needs_savepoint(head), error);
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
    task_list_move(&storage->outbox, group);
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

/* The main function. */

/* Waits for work. False: the thread must stop. */
static bool take_inbox(struct storage *storage, struct task_list *pending)
{
    uv_mutex_lock(&storage->mutex);
    while (!storage->loaded || (!storage->inbox.first && !storage->stop))
        uv_cond_wait(&storage->wake, &storage->mutex);
    task_list_move(pending, &storage->inbox);
    uv_mutex_unlock(&storage->mutex);
    return pending->first != NULL;
}

void storage_thread_main(void *argument)
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

/* For run(). */

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
