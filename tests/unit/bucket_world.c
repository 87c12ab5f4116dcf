#include "bucket_world.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container_of.h"
#include "storage_statement.h"

static void mark_done(void *user)
{
    ((struct fixture *)user)->done = true;
}

int await(struct fixture *f)
{
    while (!f->done)
        uv_run(&f->loop, UV_RUN_ONCE);
    f->done = false;
    return f->code;
}

void open_state(struct fixture *f)
{
    const char *const schemas[] = {buckets_schema};
    struct error error = {0};
    assert_int_equal(
        storage_open(&f->loop, f->directory, STORAGE_FULL, schemas, 1, &f->cloud.storage, &error),
        0);
    assert_int_equal(buckets_open(&f->cloud, &f->cloud.buckets, &error), 0);
    storage_loaded(f->cloud.storage);
}

void close_state(struct fixture *f)
{
    storage_close(f->cloud.storage, mark_done, f);
    await(f);
    buckets_close(f->cloud.buckets);
    f->cloud.storage = NULL;
}

void on_bucket(int code, const struct error *error, void *user)
{
    (void)error;
    ((struct fixture *)user)->code = code;
    mark_done(user);
}

int create_bucket(struct fixture *f, const char *name)
{
    assert_int_equal(buckets_create(f->cloud.buckets, name, NULL, on_bucket, f), 0);
    return await(f);
}

int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct bucket bucket;
    strcpy(f->directory, "/tmp/thumbwheel-buckets-XXXXXX");
    if (!mkdtemp(f->directory) || uv_loop_init(&f->loop))
        return -1;
    open_state(f);
    if (create_bucket(f, "photos") || !buckets_find(f->cloud.buckets, "photos", &bucket))
        return -1;
    f->bucket = bucket.id;
    *state = f;
    return 0;
}

int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[96];
    if (f->cloud.storage)
        close_state(f);
    int code = uv_loop_close(&f->loop);
    snprintf(command, sizeof command, "rm -rf '%s'", f->directory);
    if (system(command))
        code = -1;
    free(f);
    return code;
}

struct call {
    struct storage_task task;
    struct fixture *f;
    work *function;
    void *argument;
};

static int call_run(struct storage_task *task, struct storage *storage)
{
    struct call *call = container_of(task, struct call, task);
    (void)storage;
    return call->function(call->f, call->argument, &task->error);
}

static void call_done(struct storage_task *task, int code)
{
    struct fixture *f = container_of(task, struct call, task)->f;
    f->code = code;
    f->done = true;
}

int on_storage(struct fixture *f, work *function, void *argument)
{
    struct call call = {.task = {.run = call_run, .done = call_done},
                        .f = f,
                        .function = function,
                        .argument = argument};
    storage_submit(f->cloud.storage, &call.task);
    return await(f);
}

struct blobs *blobs_of(struct fixture *f)
{
    return buckets_blobs(f->cloud.buckets);
}

int write_blob(struct fixture *f, uint64_t id, const char *body, struct error *error)
{
    int fd;
    int code = blob_create(blobs_of(f), id, &fd, error);
    if (code)
        return code;
    code = blob_write(blobs_of(f), fd, body, strlen(body), error);
    return code ? code : blob_seal(blobs_of(f), &fd, error);
}

static int delete_object(struct fixture *f, void *argument, struct error *error)
{
    return objects_delete(blobs_of(f), f->bucket, argument, &(struct object_removal){0}, error);
}

int delete_key(struct fixture *f, const char *key)
{
    char copy[64];
    snprintf(copy, sizeof copy, "%s", key);
    return on_storage(f, delete_object, copy);
}

/* For see_file, because ftw() passes no argument. */
static size_t files_seen;

static int see_file(const char *path, const struct stat *facts, int type)
{
    (void)path;
    (void)facts;
    files_seen += type == FTW_F;
    return 0;
}

size_t files_in(struct fixture *f, const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", f->directory, name);
    files_seen = 0;
    assert_int_equal(ftw(path, see_file, 8), 0);
    return files_seen;
}

static int nothing(struct fixture *f, void *argument, struct error *error)
{
    (void)f;
    (void)argument;
    (void)error;
    return 0;
}

void settle(struct fixture *f)
{
    assert_int_equal(on_storage(f, nothing, NULL), 0);
}

struct counting {
    const char *sql;
    size_t rows;
};

static int count_rows(struct fixture *f, void *argument, struct error *error)
{
    struct counting *counting = argument;
    struct statement select = statement_prepare(f->cloud.storage, counting->sql);
    int code = statement_step(&select, error);
    counting->rows = (size_t)column_uint(&select, 0);
    return code == 1 ? 0 : code;
}

void assert_files_are_rows(struct fixture *f, const char *sql)
{
    struct counting counting = {.sql = sql};
    assert_int_equal(on_storage(f, count_rows, &counting), 0);
    assert_int_equal(files_in(f, "incoming"), 0);
    assert_int_equal(files_in(f, "blobs"), counting.rows);
}

static void run_victim(struct fixture *f, victim_round *round, int told)
{
    uv_loop_init(&f->loop);
    open_state(f);
    for (unsigned i = 0;; i++) {
        round(f, i);
        if (write(told, &i, sizeof i) < 0)
            _exit(1);
    }
}

unsigned run_and_kill(struct fixture *f, victim_round *round, unsigned rounds, unsigned delay_us)
{
    int ends[2], status = 0;
    unsigned last = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        run_victim(f, round, ends[1]);
    close(ends[1]);
    for (unsigned count = 0; read(ends[0], &last, sizeof last) == sizeof last;) {
        if (++count != rounds)
            continue;
        usleep(delay_us);
        kill(child, SIGKILL);
    }
    close(ends[0]);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    return last;
}
