#include "lifecycle.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "buckets.h"
#include "cloud.h"
#include "container_of.h"
#include "lifecycle_scan.h"
#include "log.h"
#include "object_archive.h"
#include "s3_events.h"
#include "s3_time.h"
#include "uploads.h"
#include "uuid.h"
#include "version_id.h"

struct expiration {
    struct storage_task task;
    struct lifecycle_worker *worker;
    const struct lifecycle_finding *finding;
    struct object_removal removal;
    bool must_fail; /* some of its messages could not be created */
};

struct lifecycle_worker {
    struct cloud *cloud;
    uv_timer_t timer;
    bool stopped;
    bool busy;  /* a scan is running */
    bool again; /* and another is requested */
    /* time of the scan */
    struct storage_task task;
    char *bucket; /* name of the current bucket; NULL: none yet */
    struct lifecycle *rules;
    struct lifecycle_scan scan;
    struct expiration deletions[LIFECYCLE_PAGE];
    size_t pending;
    /* of the end */
    void (*closed)(void *user);
    void *closed_user;
};

static void next_bucket(struct lifecycle_worker *worker);
static void next_page(struct lifecycle_worker *worker);

/* Time. */

static void on_timer(uv_timer_t *timer)
{
    lifecycle_worker_wake(timer->data);
}

static bool any_active(const struct lifecycle_worker *worker)
{
    const struct buckets *buckets = worker->cloud->buckets;
    for (size_t i = 0; i < buckets_count(buckets); i++) {
        struct bucket bucket = buckets_at(buckets, i);
        if (lifecycle_is_active(bucket.settings[BUCKET_LIFECYCLE].read))
            return true;
    }
    return false;
}

static void wait_for_midnight(struct lifecycle_worker *worker)
{
    int64_t now = s3_time_now_ms();
    if (worker->stopped || !any_active(worker))
        return;
    uv_update_time(worker->cloud->loop);
    uv_timer_start(&worker->timer, on_timer, (uint64_t)(lifecycle_midnight_after(now) - now), 0);
}

/* Moving. */

/* A restored copy does not move with its object. */
static char *move_headers(const struct object *object, void *user, bool *refused)
{
    const struct lifecycle_finding *finding = user;
    *refused = object->id != finding->id;
    if (*refused)
        return NULL;
    char *without = object_headers_with(object->headers, OBJECT_RESTORE_HEADER, NULL);
    char *headers =
        without ? object_headers_with(without, OBJECT_CLASS_HEADER, finding->new_class) : NULL;
    free(without);
    return headers;
}

static int announce_move(const struct expiration *move, const struct bucket *bucket,
                         struct storage_unit *unit)
{
    const struct lifecycle_finding *finding = move->finding;
    char version[S3_VERSION_SIZE] = "", id[UUID_TEXT_SIZE];
    if (bucket->versioning != VERSIONING_NONE)
        s3_version_write(finding->id, finding->versioned, version);
    uuid_make_text(id);
    const struct s3_event event = {.name = "LifecycleTransition",
                                   .key = finding->key,
                                   .size = finding->size,
                                   .etag = finding->etag,
                                   .version = version,
                                   .sequencer = move->removal.number,
                                   .time_ms = move->removal.now_ms,
                                   .storage_class = finding->new_class,
                                   .bucket = bucket->name,
                                   .request_id = id,
                                   .agent = "s3.amazonaws.com"};
    return s3_events_send_for(move->worker->cloud, bucket->notification, &event, unit);
}

/* Deleting. */

static int delete_run(struct storage_task *task, struct storage *storage)
{
    struct expiration *deletion = container_of(task, struct expiration, task);
    const struct lifecycle_finding *finding = deletion->finding;
    struct lifecycle_worker *worker = deletion->worker;
    struct blobs *blobs = buckets_blobs(worker->cloud->buckets);
    (void)storage;
    if (deletion->must_fail)
        return error_set(&task->error, ERR_MEMORY, "out of memory");
    if (finding->kind == LIFECYCLE_TRANSITION)
        return objects_set_headers(blobs, worker->scan.bucket, finding->key,
                                   deletion->removal.version, move_headers, (void *)finding,
                                   &task->error);
    if (finding->kind == LIFECYCLE_UPLOAD)
        return uploads_abort(blobs, worker->scan.bucket, finding->key, finding->id, &task->error);
    return objects_delete(blobs, worker->scan.bucket, finding->key, &deletion->removal,
                          &task->error);
}

static void delete_done(struct storage_task *task, int code)
{
    struct expiration *deletion = container_of(task, struct expiration, task);
    struct lifecycle_worker *worker = deletion->worker;
    if (code && code != ERR_NOT_FOUND && code != ERR_NO_CONTAINER && code != ERR_CONFLICT)
        log_error("cannot apply a lifecycle rule to an object", LOG_TEXT("bucket", worker->bucket),
                  LOG_TEXT("key", deletion->finding->key), LOG_TEXT("error", task->error.text));
    if (--worker->pending == 0)
        next_page(worker);
}

static bool makes_marker(const struct expiration *deletion)
{
    return deletion->finding->kind == LIFECYCLE_CURRENT &&
           deletion->removal.versioning != VERSIONING_NONE;
}

static int announce(struct expiration *deletion, const struct bucket *bucket,
                    struct storage_unit *unit)
{
    static const char nothing[] = "d41d8cd98f00b204e9800998ecf8427e"; /* MD5 of no bytes */
    bool marker = makes_marker(deletion);
    char version[S3_VERSION_SIZE] = "", id[UUID_TEXT_SIZE];
    if (marker)
        s3_version_write(deletion->removal.number,
                         deletion->removal.versioning == VERSIONING_ENABLED, version);
    else if (bucket->versioning != VERSIONING_NONE)
        s3_version_write(deletion->finding->id, deletion->finding->versioned, version);
    uuid_make_text(id);
    struct s3_event event = {
        .name = marker ? "LifecycleExpiration:DeleteMarkerCreated" : "LifecycleExpiration:Delete",
        .key = deletion->finding->key,
        .etag = marker ? nothing : NULL,
        .version = version,
        .sequencer = deletion->removal.number,
        .time_ms = deletion->removal.now_ms,
        .bucket = bucket->name,
        .request_id = id,
        .agent = "s3.amazonaws.com",
    };
    return s3_events_send_for(deletion->worker->cloud, bucket->notification, &event, unit);
}

static void start_deletion(struct lifecycle_worker *worker, struct expiration *deletion,
                           const struct lifecycle_finding *finding, const struct bucket *bucket)
{
    struct storage_unit unit = {0};
    bool current = finding->kind == LIFECYCLE_CURRENT;
    *deletion = (struct expiration){
        .task = {.run = delete_run, .done = delete_done},
        .worker = worker,
        .finding = finding,
        .removal = {.version = {!current, finding->versioned ? finding->id : 0},
                    .versioning = bucket->versioning,
                    .number = buckets_next_number(worker->cloud->buckets),
                    .now_ms = s3_time_now_ms(),
                    .newest = current ? finding->id : 0},
    };
    storage_unit_add(&unit, &deletion->task);
    if (finding->kind == LIFECYCLE_TRANSITION)
        deletion->must_fail = announce_move(deletion, bucket, &unit) != 0;
    else if (finding->kind != LIFECYCLE_UPLOAD)
        deletion->must_fail = announce(deletion, bucket, &unit) != 0;
    worker->pending++;
    storage_submit_unit(worker->cloud->storage, &unit);
}

/* Looking. */

static int page_run(struct storage_task *task, struct storage *storage)
{
    struct lifecycle_worker *worker = container_of(task, struct lifecycle_worker, task);
    return lifecycle_scan_page(&worker->scan, storage, &task->error);
}

static void page_done(struct storage_task *task, int code)
{
    struct lifecycle_worker *worker = container_of(task, struct lifecycle_worker, task);
    struct bucket bucket;
    bool found = worker->bucket && buckets_find(worker->cloud->buckets, worker->bucket, &bucket) &&
                 bucket.id == worker->scan.bucket;
    if (code)
        log_error("cannot apply the lifecycle rules of a bucket",
                  LOG_TEXT("bucket", worker->bucket), LOG_TEXT("error", task->error.text));
    if (code || !found)
        worker->scan.ended = true;
    worker->pending = 1; /* for this function */
    for (size_t i = 0; i < worker->scan.count && !code && found && !worker->stopped; i++)
        start_deletion(worker, &worker->deletions[i], &worker->scan.findings[i], &bucket);
    if (--worker->pending == 0)
        next_page(worker);
}

static void next_page(struct lifecycle_worker *worker)
{
    lifecycle_scan_clear_page(&worker->scan);
    if (worker->stopped || worker->scan.ended) {
        next_bucket(worker);
        return;
    }
    worker->task = (struct storage_task){.run = page_run, .done = page_done};
    storage_submit(worker->cloud->storage, &worker->task);
}

static void leave_bucket(struct lifecycle_worker *worker)
{
    lifecycle_scan_clear(&worker->scan);
    lifecycle_release(worker->rules);
    worker->rules = NULL;
}

/* The first bucket after a name with enabled rules. */
static bool find_bucket(const struct lifecycle_worker *worker, struct bucket *out)
{
    const struct buckets *buckets = worker->cloud->buckets;
    for (size_t i = 0; i < buckets_count(buckets); i++) {
        *out = buckets_at(buckets, i);
        if ((!worker->bucket || strcmp(out->name, worker->bucket) > 0) &&
            lifecycle_is_active(out->settings[BUCKET_LIFECYCLE].read))
            return true;
    }
    return false;
}

static void end_look(struct lifecycle_worker *worker)
{
    free(worker->bucket);
    worker->bucket = NULL;
    worker->busy = false;
    if (worker->again && !worker->stopped)
        lifecycle_worker_wake(worker);
    else
        wait_for_midnight(worker);
}

static void next_bucket(struct lifecycle_worker *worker)
{
    struct bucket bucket;
    leave_bucket(worker);
    if (worker->stopped || !find_bucket(worker, &bucket)) {
        end_look(worker);
        return;
    }
    char *name = strdup(bucket.name);
    free(worker->bucket);
    worker->bucket = name;
    if (!name) { /* retried at the next midnight */
        end_look(worker);
        return;
    }
    worker->rules = lifecycle_retain(bucket.settings[BUCKET_LIFECYCLE].read);
    worker->scan = (struct lifecycle_scan){
        .bucket = bucket.id,
        .rules = worker->rules,
        .now_ms = s3_time_now_ms(),
        .small_archived = bucket.settings[BUCKET_TRANSITION_SIZE].document != NULL};
    next_page(worker);
}

void lifecycle_worker_wake(struct lifecycle_worker *worker)
{
    if (worker->stopped)
        return;
    worker->again = worker->busy;
    if (worker->busy)
        return;
    uv_timer_stop(&worker->timer);
    worker->busy = true;
    next_bucket(worker);
}

/* Lifecycle. */

struct lifecycle_worker *lifecycle_worker_start(struct cloud *cloud)
{
    struct lifecycle_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return NULL;
    worker->cloud = cloud;
    uv_timer_init(cloud->loop, &worker->timer);
    worker->timer.data = worker;
    lifecycle_worker_wake(worker);
    return worker;
}

void lifecycle_worker_stop(struct lifecycle_worker *worker)
{
    worker->stopped = true;
    uv_timer_stop(&worker->timer);
}

static void on_closed(uv_handle_t *handle)
{
    struct lifecycle_worker *worker = handle->data;
    void (*closed)(void *) = worker->closed;
    void *user = worker->closed_user;
    free(worker->bucket);
    free(worker);
    closed(user);
}

void lifecycle_worker_close(struct lifecycle_worker *worker, void (*closed)(void *user), void *user)
{
    worker->closed = closed;
    worker->closed_user = user;
    leave_bucket(worker);
    uv_close((uv_handle_t *)&worker->timer, on_closed);
}
