/* The storage thread: order, atomicity, durability, and errors of the disk. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "database.h"
#include "storage.h"
#include "storage_statement.h"

static const char *const schemas[] = {
    "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, value INTEGER NOT NULL, body BLOB)"};

struct fixture {
    uv_loop_t loop;
    struct storage *storage;
    char directory[64];
    int64_t order[2048]; /* values in the order of their done */
    size_t done;
    size_t failed;
    uint64_t acted; /* by actions after a commit; storage thread until closed */
    bool closed;
};

struct note {
    struct storage_task task;
    struct fixture *fixture;
    int64_t value;
    int body_size;
    int fails_with; /* after it has written */
    int code;
    char text[ERROR_TEXT_MAX];
};

static int note_run(struct storage_task *task, struct storage *storage)
{
    struct note *note = (struct note *)task;
    struct statement insert =
        statement_prepare(storage, "INSERT INTO notes (value, body) VALUES (?, zeroblob(?))");
    bind_int(&insert, note->value);
    bind_int(&insert, note->body_size);
    int code = statement_execute(&insert, &task->error);
    if (code)
        return code;
    if (note->fails_with)
        return error_set(&task->error, note->fails_with, "note %d is refused", (int)note->value);
    return 0;
}

/* For a task aside, which may not use the database. */
static int nothing_run(struct storage_task *task, struct storage *storage)
{
    (void)task;
    (void)storage;
    return 0;
}

static void note_done(struct storage_task *task, int code)
{
    struct note *note = (struct note *)task;
    struct fixture *f = note->fixture;
    note->code = code;
    snprintf(note->text, sizeof(note->text), "%s", task->error.text);
    f->order[f->done++ % 2048] = note->value;
    f->failed += code != 0;
}

static struct note note_of(struct fixture *f, int64_t value)
{
    return (struct note){
        .task = {.run = note_run, .done = note_done}, .fixture = f, .value = value, .code = 1};
}

static int open_storage(struct fixture *f, struct error *error)
{
    f->closed = false;
    int code = storage_open(&f->loop, f->directory, STORAGE_FULL, schemas, 1, &f->storage, error);
    if (!code)
        storage_loaded(f->storage);
    return code;
}

static void mark_closed(void *user)
{
    struct fixture *f = user;
    f->closed = true;
    f->storage = NULL;
}

static void close_storage(struct fixture *f)
{
    storage_close(f->storage, mark_closed, f);
    while (!f->closed)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static void reopen(struct fixture *f)
{
    struct error error = {0};
    close_storage(f);
    assert_int_equal(open_storage(f, &error), 0);
}

static void wait_done(struct fixture *f, size_t count)
{
    while (f->done < count)
        uv_run(&f->loop, UV_RUN_ONCE);
}

static int64_t query(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

/* What another process would see now. */
static int64_t query_file(struct fixture *f, const char *sql)
{
    char path[96];
    sqlite3 *database = NULL;
    snprintf(path, sizeof(path), "%s/cloud.sqlite3", f->directory);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    int64_t value = query(database, sql);
    sqlite3_close(database);
    return value;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct error error = {0};
    strcpy(f->directory, "/tmp/thumbwheel-storage-XXXXXX");
    if (!mkdtemp(f->directory) || uv_loop_init(&f->loop))
        return -1;
    *state = f;
    return open_storage(f, &error);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[96];
    if (f->storage)
        close_storage(f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    int code = uv_loop_close(&f->loop);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->directory);
    if (system(command))
        code = -1;
    free(f);
    return code;
}

static void done_comes_in_order(void **state)
{
    struct fixture *f = *state;
    struct note notes[1000];
    for (int i = 0; i < 1000; i++) {
        notes[i] = note_of(f, i);
        storage_submit(f->storage, &notes[i].task);
    }
    wait_done(f, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(f->order[i], i);
    assert_int_equal(f->failed, 0);
    assert_int_equal(query_file(f, "SELECT count(*) FROM notes"), 1000);
}

struct gate {
    struct storage_task task;
    uv_sem_t open;
};

static int gate_run(struct storage_task *task, struct storage *storage)
{
    (void)storage;
    uv_sem_wait(&((struct gate *)task)->open);
    return 0;
}

static int count_commit(void *user)
{
    ++*(int *)user;
    return 0;
}

static void waiting_tasks_share_a_commit(void **state)
{
    struct fixture *f = *state;
    struct gate gate = {.task = {.run = gate_run}};
    struct note notes[200];
    int commits = 0;
    sqlite3_commit_hook(storage_database(f->storage)->handle, count_commit, &commits);
    assert_int_equal(uv_sem_init(&gate.open, 0), 0);
    storage_submit(f->storage, &gate.task);
    for (int i = 0; i < 200; i++) {
        notes[i] = note_of(f, i);
        storage_submit(f->storage, &notes[i].task);
    }
    uv_sem_post(&gate.open);
    wait_done(f, 200);
    close_storage(f);
    uv_sem_destroy(&gate.open);
    assert_in_range(commits, 1, 100); /* each fsync covers several */
}

static void note_is_on_disk_when_done(struct storage_task *task, int code)
{
    struct note *note = (struct note *)task;
    char sql[96];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM notes WHERE value = %d", (int)note->value);
    assert_int_equal(code, 0);
    assert_int_equal(query_file(note->fixture, sql), 1);
    note_done(task, code);
}

static void done_comes_after_the_commit(void **state)
{
    struct fixture *f = *state;
    struct note notes[20];
    for (int i = 0; i < 20; i++) {
        notes[i] = note_of(f, i);
        notes[i].task.done = note_is_on_disk_when_done;
        storage_submit(f->storage, &notes[i].task);
    }
    wait_done(f, 20);
}

static void a_failing_task_is_undone_alone(void **state)
{
    struct fixture *f = *state;
    struct note notes[5];
    struct gate gate = {.task = {.run = gate_run}};
    assert_int_equal(uv_sem_init(&gate.open, 0), 0);
    storage_submit(f->storage, &gate.task);
    for (int i = 0; i < 5; i++) {
        notes[i] = note_of(f, i);
        notes[i].fails_with = i == 2 ? ERR_CONFLICT : 0;
        storage_submit(f->storage, &notes[i].task);
    }
    uv_sem_post(&gate.open);
    wait_done(f, 5);
    uv_sem_destroy(&gate.open);
    for (int i = 0; i < 5; i++)
        assert_int_equal(notes[i].code, i == 2 ? ERR_CONFLICT : 0);
    assert_string_equal(notes[2].text, "note 2 is refused");
    assert_int_equal(query_file(f, "SELECT sum(value) FROM notes"), 0 + 1 + 3 + 4);
}

static int refuse_run(struct storage_task *task, struct storage *storage)
{
    struct note *note = (struct note *)task;
    if (note->value == 2)
        return error_set(&task->error, ERR_CONFLICT, "note 2 is refused");
    return note_run(task, storage);
}

/* Five tasks in one group that need no savepoint. */
static void submit_without_savepoints(struct fixture *f, struct note notes[5])
{
    struct gate gate = {.task = {.run = gate_run}};
    assert_int_equal(uv_sem_init(&gate.open, 0), 0);
    storage_submit(f->storage, &gate.task);
    for (int i = 0; i < 5; i++) {
        notes[i].task.refuses_first = true;
        storage_submit(f->storage, &notes[i].task);
    }
    uv_sem_post(&gate.open);
    wait_done(f, 5);
    uv_sem_destroy(&gate.open);
}

static void a_task_that_refuses_first_fails_alone(void **state)
{
    struct fixture *f = *state;
    struct note notes[5];
    for (int i = 0; i < 5; i++) {
        notes[i] = note_of(f, i);
        notes[i].task.run = refuse_run;
    }
    submit_without_savepoints(f, notes);
    for (int i = 0; i < 5; i++)
        assert_int_equal(notes[i].code, i == 2 ? ERR_CONFLICT : 0);
    assert_string_equal(notes[2].text, "note 2 is refused");
    assert_int_equal(query_file(f, "SELECT sum(value) FROM notes"), 0 + 1 + 3 + 4);
}

/* Its change must not be committed, and there is no savepoint to go back to. */
static void a_task_without_a_savepoint_that_fails_half_way_fails_its_group(void **state)
{
    struct fixture *f = *state;
    struct note notes[5], later = note_of(f, 7);
    for (int i = 0; i < 5; i++)
        notes[i] = note_of(f, i);
    notes[4].fails_with = ERR_CONFLICT;
    submit_without_savepoints(f, notes);
    assert_int_equal(notes[4].code, ERR_CONFLICT);
    int sum = 0;
    for (int i = 0; i < 4; i++) {
        assert_true(notes[i].code == 0 || notes[i].code == ERR_IO);
        sum += notes[i].code ? 0 : i;
    }
    assert_int_equal(notes[3].code, ERR_IO);
    storage_submit(f->storage, &later.task);
    wait_done(f, 6);
    assert_int_equal(later.code, 0);
    assert_int_equal(query_file(f, "SELECT sum(value) FROM notes"), sum + 7);
}

static void a_lone_failing_task_is_undone(void **state)
{
    struct fixture *f = *state;
    struct note bad = note_of(f, 1), good = note_of(f, 2);
    bad.fails_with = ERR_INVALID;
    storage_submit(f->storage, &bad.task);
    wait_done(f, 1);
    storage_submit(f->storage, &good.task);
    wait_done(f, 2);
    assert_int_equal(bad.code, ERR_INVALID);
    assert_int_equal(good.code, 0);
    assert_int_equal(query_file(f, "SELECT sum(value) FROM notes"), 2);
}

static void a_unit_succeeds_or_fails_whole(void **state)
{
    struct fixture *f = *state;
    struct note bad[3], good[3];
    struct storage_unit first = {0}, second = {0};
    for (int i = 0; i < 3; i++) {
        bad[i] = note_of(f, 10 + i);
        bad[i].fails_with = i == 1 ? ERR_LIMIT : 0;
        storage_unit_add(&first, &bad[i].task);
        good[i] = note_of(f, 20 + i);
        storage_unit_add(&second, &good[i].task);
    }
    storage_submit_unit(f->storage, &first);
    storage_submit_unit(f->storage, &second);
    assert_null(first.first);
    wait_done(f, 6);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(bad[i].code, ERR_LIMIT);
        assert_string_equal(bad[i].text, "note 11 is refused");
        assert_int_equal(good[i].code, 0);
        assert_int_equal(f->order[i], 10 + i);
    }
    assert_int_equal(query_file(f, "SELECT sum(value) FROM notes"), 20 + 21 + 22);
}

static void written_data_exists_after_reopening(void **state)
{
    struct fixture *f = *state;
    struct note note = note_of(f, 42);
    storage_submit(f->storage, &note.task);
    reopen(f);
    assert_int_equal(note.code, 0);
    assert_int_equal(query(storage_database(f->storage)->handle, "SELECT value FROM notes"), 42);
}

static void submit_another(struct storage_task *task, int code)
{
    struct note *note = (struct note *)task;
    note_done(task, code);
    if (note->value > 0) {
        *note = note_of(note->fixture, note->value - 1);
        note->task.done = submit_another;
        storage_submit(note->fixture->storage, &note->task);
    }
}

static void closing_finishes_pending_work(void **state)
{
    struct fixture *f = *state;
    struct note note = note_of(f, 9);
    note.task.done = submit_another;
    storage_submit(f->storage, &note.task);
    close_storage(f);
    assert_int_equal(f->done, 10);
    assert_int_equal(f->failed, 0);
    assert_int_equal(query_file(f, "SELECT count(*) FROM notes"), 10);
}

static void a_directory_is_held_by_one(void **state)
{
    struct fixture *f = *state;
    struct storage *second = NULL;
    struct error error = {0};
    int code = storage_open(&f->loop, f->directory, STORAGE_FULL, schemas, 1, &second, &error);
    assert_int_equal(code, ERR_BUSY);
    assert_null(second);
    assert_non_null(strstr(error.text, f->directory));
    assert_non_null(strstr(error.text, "--data"));
    reopen(f); /* closing gives it free */
}

static void an_unwritable_directory_is_explained(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    char inner[96];
    snprintf(inner, sizeof(inner), "%s/data", f->directory);
    close_storage(f);
    assert_int_equal(chmod(f->directory, 0500), 0);
    bool root = geteuid() == 0;
    if (root) /* whom permissions don't stop */
        assert_int_equal(chmod(f->directory, 0755) | seteuid(65534), 0);
    int code = storage_open(&f->loop, inner, STORAGE_FULL, schemas, 1, &f->storage, &error);
    if (root)
        assert_int_equal(seteuid(0), 0);
    chmod(f->directory, 0700);
    assert_int_equal(code, ERR_IO);
    assert_non_null(strstr(error.text, "make it writable"));
    assert_non_null(strstr(error.text, inner));
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", f->directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs(text, file);
    fclose(file);
}

static void a_damaged_database_is_explained(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    close_storage(f);
    write_file(f, "cloud.sqlite3", "this is no database\n");
    assert_int_equal(open_storage(f, &error), ERR_CORRUPT);
    assert_non_null(strstr(error.text, "damaged"));
    assert_null(f->storage);
}

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A write that fails during the commit: the log may not grow beyond a limit. */
static void a_failed_commit_fails_its_group_and_later_ones_work(void **state)
{
    struct fixture *f = *state;
    struct note notes[4];
    struct gate gate = {.task = {.run = gate_run}};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(uv_sem_init(&gate.open, 0), 0);
    storage_submit(f->storage, &gate.task);
    for (int i = 0; i < 3; i++) {
        notes[i] = note_of(f, i);
        notes[i].body_size = 100 * 1024;
        storage_submit(f->storage, &notes[i].task);
    }
    set_file_limit(128 * 1024);
    uv_sem_post(&gate.open);
    wait_done(f, 3);
    set_file_limit(0);
    uv_sem_destroy(&gate.open);
    assert_int_equal(f->failed, 3);
    assert_int_equal(notes[0].code, ERR_IO);
    assert_non_null(strstr(notes[0].text, f->directory));
    notes[3] = note_of(f, 77);
    storage_submit(f->storage, &notes[3].task);
    wait_done(f, 4);
    assert_int_equal(notes[3].code, 0);
    assert_int_equal(query_file(f, "SELECT sum(value) FROM notes"), 77);
}

static void a_full_disk_is_explained_and_passes(void **state)
{
    struct fixture *f = *state;
    struct note big = note_of(f, 1), small = note_of(f, 2);
    sqlite3_exec(storage_database(f->storage)->handle, "PRAGMA max_page_count = 16", NULL, NULL,
                 NULL);
    big.body_size = 1024 * 1024;
    storage_submit(f->storage, &big.task);
    storage_submit(f->storage, &small.task);
    wait_done(f, 2);
    assert_int_equal(big.code, ERR_IO);
    assert_non_null(strstr(big.text, "full"));
    small.code = 1;
    storage_submit(f->storage, &small.task);
    wait_done(f, 3);
    assert_int_equal(small.code, 0);
}

static void count_action(struct storage *storage, uint64_t id, void *user)
{
    (void)storage;
    *(uint64_t *)user += id;
}

static int act_run(struct storage_task *task, struct storage *storage)
{
    struct note *note = (struct note *)task;
    int code =
        storage_after_commit(storage, count_action, (uint64_t)note->value, &note->fixture->acted);
    return code ? code : note_run(task, storage);
}

static void actions_follow_only_what_was_committed(void **state)
{
    struct fixture *f = *state;
    struct note notes[6];
    for (int i = 0; i < 6; i++) {
        notes[i] = note_of(f, 1 << i);
        notes[i].task.run = act_run;
        notes[i].fails_with = i % 2 ? ERR_INVALID : 0;
        storage_submit(f->storage, &notes[i].task);
    }
    close_storage(f);
    assert_int_equal(f->acted, 1 + 4 + 16);
}

static int sync_run(struct storage_task *task, struct storage *storage)
{
    int code = storage_sync_directory(storage, "no such directory", &task->error);
    return code ? code : note_run(task, storage);
}

static void a_directory_that_cannot_be_synced_fails_the_commit(void **state)
{
    struct fixture *f = *state;
    struct note note = note_of(f, 5);
    note.task.run = sync_run;
    storage_submit(f->storage, &note.task);
    wait_done(f, 1);
    assert_int_equal(note.code, ERR_IO);
    assert_int_equal(query_file(f, "SELECT count(*) FROM notes"), 0);
}

/* The process to kill: keeps several notes pending and writes the value of each to a pipe when it
 * is acknowledged. */

static int acknowledged;

static void acknowledge(struct storage_task *task, int code)
{
    struct note *note = (struct note *)task;
    if (code || write(acknowledged, &note->value, sizeof(note->value)) < 0)
        _exit(1);
    note->value += 8;
    note->body_size = (int)(note->value * 37 % 9000);
    storage_submit(note->fixture->storage, &note->task);
}

static void victim(struct fixture *f, int64_t base)
{
    struct error error = {0};
    struct note notes[8];
    uv_loop_init(&f->loop);
    if (open_storage(f, &error))
        _exit(1);
    for (int i = 0; i < 8; i++) {
        notes[i] = note_of(f, base + i);
        notes[i].task.done = acknowledge;
        storage_submit(f->storage, &notes[i].task);
    }
    uv_run(&f->loop, UV_RUN_DEFAULT);
    _exit(1);
}

static size_t run_and_kill(struct fixture *f, int64_t base, size_t after, int64_t *values)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        acknowledged = ends[1];
        victim(f, base);
    }
    close(ends[1]);
    size_t count = 0;
    while (read(ends[0], &values[count], sizeof(*values)) == sizeof(*values)) {
        if (++count == after)
            kill(child, SIGKILL);
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    return count;
}

static void check_acknowledged(struct fixture *f, const int64_t *values, size_t count)
{
    struct error error = {0};
    char sql[96];
    assert_int_equal(open_storage(f, &error), 0);
    for (size_t i = 0; i < count; i++) {
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM notes WHERE value = %lld",
                 (long long)values[i]);
        assert_int_equal(query(storage_database(f->storage)->handle, sql), 1);
    }
    close_storage(f);
}

static void a_killed_process_loses_nothing_acknowledged(void **state)
{
    struct fixture *f = *state;
    static int64_t values[65536];
    close_storage(f);
    srand((unsigned)getpid());
    for (int round = 0; round < 6; round++) {
        size_t after = 1 + (size_t)(rand() % 400);
        size_t count = run_and_kill(f, (int64_t)round * 1000000, after, values);
        assert_true(count >= after);
        check_acknowledged(f, values, count);
    }
}

/* Work aside. */

struct meeting { /* of a task on the storage thread and one aside: neither goes on alone */
    struct note note;
    uv_sem_t *mine, *other;
};

static int meet_run(struct storage_task *task, struct storage *storage)
{
    struct meeting *meeting = (struct meeting *)task;
    (void)storage;
    uv_sem_post(meeting->mine);
    uv_sem_wait(meeting->other);
    return meeting->note.fails_with;
}

static void work_aside_runs_in_parallel_to_the_storage_thread(void **state)
{
    struct fixture *f = *state;
    uv_sem_t first, second;
    uv_sem_init(&first, 0);
    uv_sem_init(&second, 0);
    struct meeting on_thread = {note_of(f, 1), &first, &second};
    struct meeting aside = {note_of(f, 2), &second, &first};
    on_thread.note.task.run = aside.note.task.run = meet_run;
    storage_submit(f->storage, &on_thread.note.task);
    storage_submit_aside(f->storage, &aside.note.task);
    wait_done(f, 2);
    assert_int_equal(f->failed, 0);
    uv_sem_destroy(&first);
    uv_sem_destroy(&second);
}

struct late_work { /* on the pool: it lets the tasks aside end, which have waited for it */
    uv_work_t work;
    uv_sem_t open;
    size_t asides_done; /* when it was done */
    struct fixture *fixture;
};

struct patient { /* a task aside */
    struct note note;
    struct late_work *late;
};

static int wait_run(struct storage_task *task, struct storage *storage)
{
    (void)storage;
    uv_sem_wait(&((struct patient *)task)->late->open);
    return 0;
}

static void late_run(uv_work_t *work)
{
    (void)work;
}

static void late_done(uv_work_t *work, int code)
{
    struct late_work *late = (struct late_work *)work;
    assert_int_equal(code, 0);
    late->asides_done = late->fixture->done;
    for (int i = 0; i < 3 * STORAGE_ASIDES_MAX; i++)
        uv_sem_post(&late->open);
}

/* An fsync may take long, and image work uses the pool too. */
static void work_aside_that_waits_leaves_threads_to_others(void **state)
{
    struct fixture *f = *state;
    struct late_work late = {.fixture = f};
    struct patient asides[3 * STORAGE_ASIDES_MAX];
    uv_sem_init(&late.open, 0);
    for (int i = 0; i < 3 * STORAGE_ASIDES_MAX; i++) {
        asides[i] = (struct patient){note_of(f, i), &late};
        asides[i].note.task.run = wait_run;
        storage_submit_aside(f->storage, &asides[i].note.task);
    }
    assert_int_equal(uv_queue_work(&f->loop, &late.work, late_run, late_done), 0);
    wait_done(f, 3 * STORAGE_ASIDES_MAX);
    assert_int_equal(late.asides_done, 0);
    assert_int_equal(f->failed, 0);
    uv_sem_destroy(&late.open);
}

/* The parts of the cloud load their state one after the other, and the first may already submit. */
static void nothing_runs_while_state_is_loaded(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    struct note early = note_of(f, 1), aside = note_of(f, 2);
    close_storage(f);
    f->closed = false;
    assert_int_equal(
        storage_open(&f->loop, f->directory, STORAGE_FULL, schemas, 1, &f->storage, &error), 0);
    storage_submit(f->storage, &early.task);
    aside.task.run = nothing_run;
    storage_submit_aside(f->storage, &aside.task);
    wait_done(f, 1);
    assert_int_equal(f->order[0], 2);
    assert_int_equal(query(storage_database(f->storage)->handle, "SELECT count(*) FROM notes"), 0);
    storage_loaded(f->storage);
    wait_done(f, 2);
    assert_int_equal(early.code, 0);
}

static void a_load_that_failed_loses_nothing_submitted(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    struct note early = note_of(f, 1);
    close_storage(f);
    f->closed = false;
    assert_int_equal(
        storage_open(&f->loop, f->directory, STORAGE_FULL, schemas, 1, &f->storage, &error), 0);
    storage_submit(f->storage, &early.task);
    close_storage(f);
    assert_int_equal(f->done, 1);
    assert_int_equal(early.code, 0);
    assert_int_equal(open_storage(f, &error), 0);
}

static void work_aside_is_done_before_the_storage_closes(void **state)
{
    struct fixture *f = *state;
    uv_sem_t open;
    uv_sem_init(&open, 1);
    struct meeting aside = {note_of(f, 1), &open, &open};
    aside.note.task.run = meet_run;
    aside.note.fails_with = ERR_IO;
    storage_submit_aside(f->storage, &aside.note.task);
    close_storage(f);
    assert_int_equal(f->done, 1);
    assert_int_equal(aside.note.code, ERR_IO);
    assert_string_not_equal(aside.note.text, "");
    uv_sem_destroy(&open);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    char threads[16];
    snprintf(threads, sizeof threads, "%d", STORAGE_ASIDES_MAX + 1);
    setenv("UV_THREADPOOL_SIZE", threads, 1);
    const struct CMUnitTest tests[] = {
        CASE(done_comes_in_order),
        CASE(waiting_tasks_share_a_commit),
        CASE(done_comes_after_the_commit),
        CASE(a_failing_task_is_undone_alone),
        CASE(a_task_that_refuses_first_fails_alone),
        CASE(a_task_without_a_savepoint_that_fails_half_way_fails_its_group),
        CASE(a_lone_failing_task_is_undone),
        CASE(a_unit_succeeds_or_fails_whole),
        CASE(written_data_exists_after_reopening),
        CASE(closing_finishes_pending_work),
        CASE(a_directory_is_held_by_one),
        CASE(an_unwritable_directory_is_explained),
        CASE(a_damaged_database_is_explained),
        CASE(a_failed_commit_fails_its_group_and_later_ones_work),
        CASE(a_full_disk_is_explained_and_passes),
        CASE(actions_follow_only_what_was_committed),
        CASE(a_directory_that_cannot_be_synced_fails_the_commit),
        CASE(a_killed_process_loses_nothing_acknowledged),
        CASE(work_aside_runs_in_parallel_to_the_storage_thread),
        CASE(work_aside_is_done_before_the_storage_closes),
        CASE(work_aside_that_waits_leaves_threads_to_others),
        CASE(nothing_runs_while_state_is_loaded),
        CASE(a_load_that_failed_loses_nothing_submitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
