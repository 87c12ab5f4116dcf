/*
 * The index's thread and its tasks.
 *
 * Threads. `inbox` and `outbox` are the only data that both threads access; the mutex guards them.
 * The database belongs to the index thread, from its opening to its closing. A config that was
 * replaced is freed on the loop thread, after the task that made the index thread forget it.
 */
#include "photo_index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container_of.h"
#include "files.h"
#include "log.h"
#include "photo_db.h"

struct task_chain {
    struct index_task *first, *last;
};

struct photo_index {
    /* constant */
    uv_loop_t *loop;
    uv_thread_t thread;
    char *path;

    /* both threads, under the mutex */
    uv_mutex_t mutex;
    uv_cond_t wake;
    struct task_chain inbox, outbox;
    bool emptied; /* to the loop: tell it */
    bool stop, ended;

    /* loop thread */
    uv_async_t completion;
    struct photo_config *config; /* the newest */
    photo_index_rebuilt *rebuilt;
    void *user;
    size_t outstanding; /* submitted and not yet done */
    bool closing, stopping;
    void (*closed)(void *user);
    void *closed_user;

    /* index thread */
    struct photo_db db;
};

static void chain_add(struct task_chain *chain, struct index_task *task)
{
    task->next = NULL;
    if (chain->last)
        chain->last->next = task;
    else
        chain->first = task;
    chain->last = task;
}

static struct index_task *chain_take(struct task_chain *chain)
{
    struct index_task *first = chain->first;
    *chain = (struct task_chain){0};
    return first;
}

/* ---- index thread: opening ---- */

static void file_delete(const struct photo_index *index)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct buffer path;
        buffer_init(&path, 8192);
        if (buffer_format(&path, "%s%s", index->path, ends[i]) == 0)
            unlink(path.data);
        buffer_free(&path);
    }
}

/* The file may hold nothing but a cache, so every failure is cured by making a new one. */
static void database_begin(struct photo_index *index, const struct photo_config *config,
                           bool *empty)
{
    struct error error = {0};
    if (photo_db_open(&index->db, index->path, config, empty, &error) == 0)
        return;
    file_delete(index);
    if (photo_db_open(&index->db, index->path, config, empty, &error) == 0)
        return;
    log_warn("the gallery's index cannot be stored, and is kept in memory",
             LOG_TEXT("error", error.text));
    if (photo_db_open(&index->db, ":memory:", config, empty, &error))
        log_error("the gallery has no index", LOG_TEXT("error", error.text));
}

static void emptied_tell(struct photo_index *index)
{
    uv_mutex_lock(&index->mutex);
    index->emptied = true;
    uv_mutex_unlock(&index->mutex);
    uv_async_send(&index->completion);
}

static void database_renew(struct photo_index *index)
{
    const struct photo_config *config = index->db.config;
    bool empty = true;
    log_warn("the gallery's index is damaged, and is built again", LOG_TEXT("file", index->path));
    photo_db_close(&index->db);
    file_delete(index);
    database_begin(index, config, &empty);
    emptied_tell(index);
}

/* ---- index thread: tasks ---- */

static int task_run(struct photo_index *index, struct index_task *task)
{
    struct database *database = &index->db.database;
    if (!database->handle)
        return error_set(&task->error, ERR_IO, "the gallery has no index: see the log");
    int code = database_script(database, "SAVEPOINT task", &task->error);
    if (code)
        return code;
    code = task->run(task, &index->db);
    database_settle(database);
    task->revision = index->db.revision;
    if (code && !database_idle(database))
        database_script(database, "ROLLBACK TO task", NULL);
    if (!database_idle(database))
        database_script(database, "RELEASE task", NULL);
    return code;
}

static void all_fail(struct index_task *first, int code, const struct error *error)
{
    for (struct index_task *task = first; task; task = task->next) {
        if (!task->code) {
            task->code = code;
            task->error = *error;
        }
    }
}

static void batch_run(struct photo_index *index, struct index_task *first)
{
    struct database *database = &index->db.database;
    struct error error = {0};
    bool damaged = false;
    if (database->handle)
        database_script(database, "BEGIN", NULL);
    for (struct index_task *task = first; task; task = task->next)
        task->code = task_run(index, task);
    if (database->handle && !database_idle(database) &&
        database_script(database, "COMMIT", &error)) {
        all_fail(first, error.code, &error);
        if (!database_idle(database))
            database_script(database, "ROLLBACK", NULL);
    }
    for (struct index_task *task = first; task; task = task->next)
        damaged |= task->code == ERR_CORRUPT;
    if (damaged && !index->db.in_memory)
        database_renew(index);
}

static void batch_return(struct photo_index *index, struct index_task *first)
{
    uv_mutex_lock(&index->mutex);
    while (first) {
        struct index_task *next = first->next;
        chain_add(&index->outbox, first);
        first = next;
    }
    uv_mutex_unlock(&index->mutex);
    uv_async_send(&index->completion);
}

static struct index_task *batch_wait(struct photo_index *index)
{
    uv_mutex_lock(&index->mutex);
    while (!index->inbox.first && !index->stop)
        uv_cond_wait(&index->wake, &index->mutex);
    struct index_task *first = chain_take(&index->inbox);
    uv_mutex_unlock(&index->mutex);
    return first;
}

static void thread_main(void *argument)
{
    struct photo_index *index = argument;
    struct index_task *first;
    bool empty = false;
    database_begin(index, index->db.config, &empty);
    if (empty)
        emptied_tell(index);
    while ((first = batch_wait(index)) != NULL) {
        batch_run(index, first);
        batch_return(index, first);
    }
    if (index->db.database.handle)
        photo_db_close(&index->db);
    uv_mutex_lock(&index->mutex);
    index->ended = true;
    uv_mutex_unlock(&index->mutex);
    uv_async_send(&index->completion);
}

/* ---- loop thread ---- */

static void index_free(struct photo_index *index)
{
    uv_mutex_destroy(&index->mutex);
    uv_cond_destroy(&index->wake);
    photo_config_free(index->config);
    free(index->path);
    free(index);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct photo_index *index = handle->data;
    void (*closed)(void *user) = index->closed;
    void *user = index->closed_user;
    index_free(index);
    if (closed)
        closed(user);
}

static void stop_when_idle(struct photo_index *index)
{
    if (!index->closing || index->outstanding || index->stopping)
        return;
    index->stopping = true;
    uv_mutex_lock(&index->mutex);
    index->stop = true;
    uv_cond_signal(&index->wake);
    uv_mutex_unlock(&index->mutex);
}

static void on_completion(uv_async_t *async)
{
    struct photo_index *index = async->data;
    uv_mutex_lock(&index->mutex);
    struct index_task *task = chain_take(&index->outbox);
    const bool emptied = index->emptied, ended = index->ended;
    index->emptied = false;
    uv_mutex_unlock(&index->mutex);
    if (emptied && !index->closing)
        index->rebuilt(index->user);
    while (task) {
        struct index_task *next = task->next;
        index->outstanding--;
        task->done(task, task->code);
        task = next;
    }
    stop_when_idle(index);
    if (ended) {
        uv_thread_join(&index->thread);
        uv_close((uv_handle_t *)&index->completion, on_handle_closed);
    }
}

static int locks_init(struct photo_index *index)
{
    if (uv_mutex_init(&index->mutex))
        return ERR_MEMORY;
    if (uv_cond_init(&index->wake) == 0)
        return 0;
    uv_mutex_destroy(&index->mutex);
    return ERR_MEMORY;
}

int photo_index_open(uv_loop_t *loop, const char *path, struct photo_config *config,
                     photo_index_rebuilt *rebuilt, void *user, struct photo_index **out,
                     struct error *error)
{
    struct photo_index *index = calloc(1, sizeof *index);
    *out = NULL;
    if (!index || !(index->path = strdup(path)) || locks_init(index)) {
        if (index)
            free(index->path);
        free(index);
        photo_config_free(config);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    index->loop = loop;
    index->config = config;
    index->db.config = config;
    index->rebuilt = rebuilt;
    index->user = user;
    index->completion.data = index;
    if (uv_async_init(loop, &index->completion, on_completion)) {
        index_free(index);
        return error_set(error, ERR_MEMORY, "out of memory");
    }
    index->completion.data = index;
    if (uv_thread_create(&index->thread, thread_main, index)) {
        uv_close((uv_handle_t *)&index->completion, on_handle_closed);
        return error_set(error, ERR_MEMORY, "cannot start the thread of the gallery's index");
    }
    *out = index;
    return 0;
}

void photo_index_submit(struct photo_index *index, struct index_task *task)
{
    task->error = (struct error){0};
    index->outstanding++;
    uv_mutex_lock(&index->mutex);
    chain_add(&index->inbox, task);
    uv_cond_signal(&index->wake);
    uv_mutex_unlock(&index->mutex);
}

const struct photo_config *photo_index_config(const struct photo_index *index)
{
    return index->config;
}

struct configuration {
    struct index_task task;
    struct photo_index *index;
    struct photo_config *before;
    const struct photo_config *after;
};

static int configuration_run(struct index_task *task, struct photo_db *db)
{
    struct configuration *c = container_of(task, struct configuration, task);
    const bool differs = db->config->fingerprint != c->after->fingerprint;
    db->config = c->after;
    if (!differs)
        return 0;
    const int code = photo_db_empty(db, &task->error);
    if (!code)
        emptied_tell(c->index);
    return code;
}

static void configuration_done(struct index_task *task, int code)
{
    struct configuration *c = container_of(task, struct configuration, task);
    if (code)
        log_warn("the gallery's index could not be emptied", LOG_TEXT("error", task->error.text));
    photo_config_free(c->before);
    free(c);
}

void photo_index_configure(struct photo_index *index, struct photo_config *config)
{
    struct configuration *c = calloc(1, sizeof *c);
    if (!c) { /* the one before stays in use */
        photo_config_free(config);
        return;
    }
    *c = (struct configuration){
        {.run = configuration_run, .done = configuration_done}, index, index->config, config};
    index->config = config;
    photo_index_submit(index, &c->task);
}

void photo_index_close(struct photo_index *index, void (*closed)(void *user), void *user)
{
    index->closing = true;
    index->closed = closed;
    index->closed_user = user;
    stop_when_idle(index);
}
