/*
 *   LOOKING ──► ENDING each, a unit ──► LOOKING, if the page was full ──► waits for the next one
 *
 * LOOKING is a task of the storage thread. At most one of timer, look and endings is pending.
 */
#include "restore_expiry.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "buckets.h"
#include "cloud.h"
#include "container_of.h"
#include "log.h"
#include "object_archive.h"
#include "restored_copies.h"
#include "s3_events.h"
#include "s3_time.h"
#include "uuid.h"
#include "version_id.h"

enum { WAIT_MAX_MS = 3600 * 1000 }; /* the system clock may be changed meanwhile */

struct ending {
    struct storage_task task;
    struct restore_expiry *expiry;
    struct restored_copy copy;
    bool must_fail; /* some of its messages could not be created */
};

struct restore_expiry {
    struct cloud *cloud;
    uv_timer_t timer;
    bool stopped, busy;
    int64_t next_ms; /* 0: none is known */
    /* of the look */
    struct storage_task task;
    struct restored_copy copies[RESTORED_COPIES_PAGE];
    size_t count;
    int64_t found_ms;
    struct ending endings[RESTORED_COPIES_PAGE];
    size_t pending;
    /* of the end */
    void (*closed)(void *user);
    void *closed_user;
};

static void look(struct restore_expiry *expiry);

static void on_timer(uv_timer_t *timer)
{
    look(timer->data);
}

static void wait_for_next(struct restore_expiry *expiry)
{
    int64_t left = expiry->next_ms - s3_time_now_ms();
    if (expiry->stopped || !expiry->next_ms)
        return;
    if (left < 0)
        left = 0;
    uv_update_time(expiry->cloud->loop);
    uv_timer_start(&expiry->timer, on_timer, (uint64_t)(left < WAIT_MAX_MS ? left : WAIT_MAX_MS),
                   0);
}

void restore_expiry_expect(struct restore_expiry *expiry, int64_t until_ms)
{
    if (!expiry->next_ms || until_ms < expiry->next_ms)
        expiry->next_ms = until_ms;
    if (!expiry->busy)
        wait_for_next(expiry);
}

/* Ending. */

static char *headers_without(const struct object *object, void *user, bool *refused)
{
    const struct ending *ending = user;
    int64_t until = object_restored_until(slice_of(object->headers));
    *refused = object->id != ending->copy.id || !until || until > ending->copy.until_ms;
    return *refused ? NULL : object_headers_with(object->headers, OBJECT_RESTORE_HEADER, NULL);
}

static int end_run(struct storage_task *task, struct storage *storage)
{
    struct ending *ending = container_of(task, struct ending, task);
    const struct restored_copy *copy = &ending->copy;
    const struct object_version version = {true, copy->versioned ? copy->id : 0};
    if (ending->must_fail)
        return error_set(&task->error, ERR_MEMORY, "out of memory");
    int code = copy->stale ? 0
                           : objects_set_headers(buckets_blobs(ending->expiry->cloud->buckets),
                                                 copy->bucket, copy->key, version, headers_without,
                                                 ending, &task->error);
    return code ? code : restored_copies_remove(storage, copy->id, &task->error);
}

/* An object that was changed meanwhile is looked at again. */
static void end_done(struct storage_task *task, int code)
{
    struct ending *ending = container_of(task, struct ending, task);
    struct restore_expiry *expiry = ending->expiry;
    if (code && code != ERR_NOT_FOUND && code != ERR_CONFLICT)
        log_error("cannot end the restored copy of an object", LOG_TEXT("key", ending->copy.key),
                  LOG_TEXT("error", task->error.text));
    if (code && !expiry->next_ms)
        expiry->next_ms = s3_time_now_ms() + WAIT_MAX_MS;
    restored_copy_clear(&ending->copy);
    if (--expiry->pending)
        return;
    expiry->busy = false;
    if (expiry->count == RESTORED_COPIES_PAGE && !code)
        look(expiry);
    else
        wait_for_next(expiry);
}

static bool bucket_of(const struct buckets *buckets, int64_t id, struct bucket *out)
{
    for (size_t i = 0; i < buckets_count(buckets); i++) {
        *out = buckets_at(buckets, i);
        if (out->id == id)
            return true;
    }
    return false;
}

static int announce(const struct ending *ending, struct storage_unit *unit)
{
    const struct restored_copy *copy = &ending->copy;
    struct cloud *cloud = ending->expiry->cloud;
    char version[S3_VERSION_SIZE] = "", id[UUID_TEXT_SIZE];
    struct bucket bucket;
    if (copy->stale || !bucket_of(cloud->buckets, copy->bucket, &bucket))
        return 0;
    if (bucket.versioning != VERSIONING_NONE)
        s3_version_write(copy->id, copy->versioned, version);
    uuid_make_text(id);
    const struct s3_event event = {.name = "ObjectRestore:Delete",
                                   .key = copy->key,
                                   .size = copy->size,
                                   .etag = copy->etag,
                                   .version = version,
                                   .sequencer = buckets_next_number(cloud->buckets),
                                   .time_ms = s3_time_now_ms(),
                                   .storage_class = copy->storage_class,
                                   .bucket = bucket.name,
                                   .request_id = id,
                                   .agent = "s3.amazonaws.com"};
    return s3_events_send_for(cloud, bucket.notification, &event, unit);
}

static void start_ending(struct restore_expiry *expiry, struct ending *ending,
                         struct restored_copy *copy)
{
    struct storage_unit unit = {0};
    *ending = (struct ending){
        .task = {.run = end_run, .done = end_done}, .expiry = expiry, .copy = *copy};
    *copy = (struct restored_copy){0};
    storage_unit_add(&unit, &ending->task);
    ending->must_fail = announce(ending, &unit) != 0;
    expiry->pending++;
    storage_submit_unit(expiry->cloud->storage, &unit);
}

/* Looking. */

static int look_run(struct storage_task *task, struct storage *storage)
{
    struct restore_expiry *expiry = container_of(task, struct restore_expiry, task);
    return restored_copies_due(storage, s3_time_now_ms(), expiry->copies, &expiry->count,
                               &expiry->found_ms, &task->error);
}

static void forget(struct restore_expiry *expiry)
{
    for (size_t i = 0; i < expiry->count; i++)
        restored_copy_clear(&expiry->copies[i]);
    expiry->count = 0;
}

static void look_done(struct storage_task *task, int code)
{
    struct restore_expiry *expiry = container_of(task, struct restore_expiry, task);
    if (code)
        log_error("cannot look for restored copies that have expired",
                  LOG_TEXT("error", task->error.text));
    if (code || expiry->stopped)
        forget(expiry);
    expiry->next_ms = code ? s3_time_now_ms() + WAIT_MAX_MS : expiry->found_ms;
    for (size_t i = 0; i < expiry->count; i++)
        start_ending(expiry, &expiry->endings[i], &expiry->copies[i]);
    if (expiry->count)
        return;
    expiry->busy = false;
    wait_for_next(expiry);
}

static void look(struct restore_expiry *expiry)
{
    if (expiry->stopped || expiry->busy)
        return;
    expiry->busy = true;
    expiry->task = (struct storage_task){.run = look_run, .done = look_done};
    storage_submit(expiry->cloud->storage, &expiry->task);
}

/* Lifecycle. */

struct restore_expiry *restore_expiry_start(struct cloud *cloud)
{
    struct restore_expiry *expiry = calloc(1, sizeof *expiry);
    if (!expiry)
        return NULL;
    expiry->cloud = cloud;
    uv_timer_init(cloud->loop, &expiry->timer);
    expiry->timer.data = expiry;
    look(expiry);
    return expiry;
}

void restore_expiry_stop(struct restore_expiry *expiry)
{
    expiry->stopped = true;
    uv_timer_stop(&expiry->timer);
}

static void on_closed(uv_handle_t *handle)
{
    struct restore_expiry *expiry = handle->data;
    void (*closed)(void *) = expiry->closed;
    void *user = expiry->closed_user;
    free(expiry);
    closed(user);
}

void restore_expiry_close(struct restore_expiry *expiry, void (*closed)(void *user), void *user)
{
    expiry->closed = closed;
    expiry->closed_user = user;
    forget(expiry);
    uv_close((uv_handle_t *)&expiry->timer, on_closed);
}
