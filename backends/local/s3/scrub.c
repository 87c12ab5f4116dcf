/*
 *   FINDING ──► READING … ──► [MARKING] ──► FINDING …      FINDING at the end ──► waits for a day
 *
 * FINDING is a task of the storage thread, which also opens the file, and compares the bodies in the
 * database, whose bytes count for the rate, too; READING is a task aside for each
 * piece, after which the timer waits as long as the rate says; MARKING is a task of the storage thread.
 * At most one of timer and task is pending.
 */
#include "scrub.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "blob_damage.h"
#include "buckets.h"
#include "cloud.h"
#include "container_of.h"
#include "log.h"
#include "scrub_scan.h"
#include "version_id.h"

enum { PIECE = 256 * 1024, DAY_MS = 24 * 3600 * 1000, TURN_MS = 1000 };

struct scrub {
    struct cloud *cloud;
    uint64_t rate; /* bytes per second */
    uv_timer_t timer;
    bool stopped;
    uint64_t began; /* the pass: uv_now, milliseconds */
    /* of the task's thread while it runs */
    struct storage_task task;
    struct scrub_cursor cursor;
    struct scrub_blob blob;
    struct error problem; /* of the blob */
    size_t count;         /* bytes of the last piece */
    bool ended, changed;
    char *room;
    /* of the end */
    void (*closed)(void *user);
    void *closed_user;
};

static void find(struct scrub *scrub);
static void read_piece(struct scrub *scrub);

static void submit(struct scrub *scrub, int (*run)(struct storage_task *, struct storage *),
                   void (*done)(struct storage_task *, int))
{
    scrub->task = (struct storage_task){.run = run, .done = done};
    storage_submit(scrub->cloud->storage, &scrub->task);
}

static void on_timer(uv_timer_t *timer)
{
    struct scrub *scrub = timer->data;
    if (scrub->blob.check.open)
        read_piece(scrub);
    else
        find(scrub);
}

static void wait_ms(struct scrub *scrub, uint64_t milliseconds)
{
    if (scrub->stopped)
        return;
    uv_update_time(scrub->cloud->loop);
    uv_timer_start(&scrub->timer, on_timer, milliseconds, 0);
}

static void wait_for_next_pass(struct scrub *scrub)
{
    uint64_t lasted = uv_now(scrub->cloud->loop) - scrub->began;
    wait_ms(scrub, lasted < DAY_MS ? DAY_MS - lasted : TURN_MS);
    scrub->cursor = (struct scrub_cursor){0};
}

/* Marking. */

static int mark_run(struct storage_task *task, struct storage *storage)
{
    struct scrub *scrub = container_of(task, struct scrub, task);
    (void)storage;
    return blob_damage_set(buckets_blobs(scrub->cloud->buckets), scrub->blob.blob,
                           scrub->problem.code != 0, &scrub->changed, &task->error);
}

static void report(const struct scrub *scrub)
{
    const struct scrub_blob *blob = &scrub->blob;
    char version[S3_VERSION_SIZE], file[BLOB_NAME_SIZE];
    s3_version_write(blob->version, blob->versioned, version);
    if (blob->blob)
        blob_name(blob->blob, file);
    else
        snprintf(file, sizeof file, "database");
    if (scrub->problem.code)
        log_error("a stored object is damaged: restore its file from a backup, or delete it",
                  LOG_TEXT("bucket", blob->bucket), LOG_TEXT("key", blob->key),
                  LOG_TEXT("version", version), LOG_INT("part", blob->part), LOG_TEXT("file", file),
                  LOG_TEXT("error", scrub->problem.text));
    else
        log_info("a stored object is no longer damaged", LOG_TEXT("bucket", blob->bucket),
                 LOG_TEXT("key", blob->key), LOG_TEXT("version", version),
                 LOG_INT("part", blob->part), LOG_TEXT("file", file));
}

static void mark_done(struct storage_task *task, int code)
{
    struct scrub *scrub = container_of(task, struct scrub, task);
    if (code)
        log_error("cannot record the state of a stored object", LOG_TEXT("key", scrub->blob.key),
                  LOG_TEXT("error", task->error.text));
    else if (scrub->changed)
        report(scrub);
    scrub_blob_clear(&scrub->blob);
    if (!scrub->stopped)
        find(scrub);
}

/* Too few descriptors, or a disk that does not respond: it says nothing about the bytes. */
static void log_unreadable(const struct scrub *scrub, const struct error *error)
{
    log_error("cannot check a stored object", LOG_TEXT("bucket", scrub->blob.bucket),
              LOG_TEXT("key", scrub->blob.key), LOG_TEXT("error", error->text));
}

static void settle(struct scrub *scrub, int code, const struct error *error)
{
    scrub->problem = code ? *error : (struct error){0};
    if (scrub->stopped)
        scrub_blob_clear(&scrub->blob);
    else
        submit(scrub, mark_run, mark_done);
}

/* Reading. */

static int read_run(struct storage_task *task, struct storage *storage)
{
    struct scrub *scrub = container_of(task, struct scrub, task);
    uint64_t before = scrub->blob.check.offset;
    (void)storage;
    int code = blob_check_step(&scrub->blob.check, scrub->room, PIECE, &task->error);
    scrub->count = (size_t)(scrub->blob.check.offset - before);
    return code < 0 ? code : 0;
}

static void read_done(struct storage_task *task, int code)
{
    struct scrub *scrub = container_of(task, struct scrub, task);
    if (code && code != ERR_CORRUPT) {
        log_unreadable(scrub, &task->error);
        scrub_blob_clear(&scrub->blob);
        wait_ms(scrub, TURN_MS);
    } else if (!scrub->blob.check.open) {
        settle(scrub, code, &task->error);
    } else if (scrub->stopped) {
        scrub_blob_clear(&scrub->blob);
    } else {
        wait_ms(scrub, scrub->count * 1000 / scrub->rate);
    }
}

static void read_piece(struct scrub *scrub)
{
    scrub->task = (struct storage_task){.run = read_run, .done = read_done};
    storage_submit_aside(scrub->cloud->storage, &scrub->task);
}

/* Finding. */

static int find_run(struct storage_task *task, struct storage *storage)
{
    struct scrub *scrub = container_of(task, struct scrub, task);
    struct scrub_blob *blob = &scrub->blob;
    int code = scrub_next(storage, &scrub->cursor, blob, &task->error);
    scrub->ended = code == 0;
    scrub->problem = blob->damage;
    scrub->count = (size_t)blob->read;
    if (code < 0)
        return code;
    if (blob->blob && blob->is_known)
        blob_check_open(&blob->check, buckets_blobs(scrub->cloud->buckets), blob->blob,
                        &scrub->problem);
    return 0;
}

static void find_done(struct storage_task *task, int code)
{
    struct scrub *scrub = container_of(task, struct scrub, task);
    struct error problem = scrub->problem;
    if (code)
        log_error("cannot check the stored objects", LOG_TEXT("error", task->error.text));
    if (scrub->blob.check.open && !scrub->stopped) {
        read_piece(scrub);
        return;
    }
    bool is_body = scrub->blob.damage.code != 0;
    if (problem.code == ERR_CORRUPT && !is_body && !scrub->stopped) {
        settle(scrub, problem.code, &problem);
        return;
    }
    if (is_body)
        report(scrub);
    else if (problem.code)
        log_unreadable(scrub, &problem);
    scrub_blob_clear(&scrub->blob);
    if (code || scrub->ended)
        wait_for_next_pass(scrub);
    else if (scrub->count)
        wait_ms(scrub, scrub->count * 1000 / scrub->rate);
    else if (!scrub->stopped)
        find(scrub);
}

static void find(struct scrub *scrub)
{
    if (scrub->cursor.stage == SCRUB_OBJECTS && !scrub->cursor.id)
        scrub->began = uv_now(scrub->cloud->loop);
    submit(scrub, find_run, find_done);
}

/* Lifecycle. */

struct scrub *scrub_start(struct cloud *cloud, uint64_t rate)
{
    struct scrub *scrub = calloc(1, sizeof *scrub);
    if (!scrub)
        return NULL;
    scrub->room = malloc(PIECE);
    if (!scrub->room) {
        free(scrub);
        return NULL;
    }
    scrub->cloud = cloud;
    scrub->rate = rate;
    uv_timer_init(cloud->loop, &scrub->timer);
    scrub->timer.data = scrub;
    wait_ms(scrub, TURN_MS);
    return scrub;
}

void scrub_stop(struct scrub *scrub)
{
    scrub->stopped = true;
    uv_timer_stop(&scrub->timer);
}

static void on_closed(uv_handle_t *handle)
{
    struct scrub *scrub = handle->data;
    void (*closed)(void *) = scrub->closed;
    void *user = scrub->closed_user;
    scrub_blob_clear(&scrub->blob);
    free(scrub->room);
    free(scrub);
    closed(user);
}

void scrub_close(struct scrub *scrub, void (*closed)(void *user), void *user)
{
    scrub->closed = closed;
    scrub->closed_user = user;
    uv_close((uv_handle_t *)&scrub->timer, on_closed);
}
