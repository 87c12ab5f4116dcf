/*
 * POST /api/photos/retry: sends the event of a photo again, to the queue of each pipeline that has not
 * made all of its outputs, and of those that leave nothing but tags.
 *
 * The steps: the index says what is missing; the queues are opened; the events are sent, some at a
 * time; the response says how many were sent. A reason for which a photo was rejected is
 * forgotten: if it is rejected again, there is a new one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "event_record.h"
#include "gallery_photos.h"
#include "photo_db.h"
#include "photo_rows.h"
#include "queue_group.h"
#include "text_list.h"
#include "wall_clock.h"

enum { SENDS_MAX = 16, PIPELINES_MAX = 64 /* further ones are left out */ };

struct retried_photo {
    char *bucket, *key, *etag;
    uint64_t size;
    uint64_t needs; /* a set of pipelines */
};

struct gallery_retry {
    struct gallery_task task;
    struct list link;
    struct gallery *gallery;
    struct retried_photo *photos;
    size_t count;
    struct text_list queues; /* of the pipelines, in order */
    struct queue_group group;
    bool grouped;
    bool responding;        /* a task does */
    size_t photo, pipeline; /* to be sent next */
    size_t pending, sent, failed;
    struct error error; /* of the first failure */
};

static void retry_free(struct gallery_retry *retry)
{
    gallery_call_unbind(&retry->task.call);
    if (retry->grouped)
        queue_group_close(&retry->group);
    for (size_t i = 0; i < retry->count; i++) {
        free(retry->photos[i].bucket);
        free(retry->photos[i].key);
        free(retry->photos[i].etag);
    }
    list_remove(&retry->link);
    text_list_clear(&retry->queues);
    free(retry->photos);
    free(retry);
}

/* ---- what is missing (index thread) ---- */

struct retry_plan {
    const struct photo_config *config;
    struct retried_photo *photo;
};

static int output_note(const struct expected_output *output, void *user)
{
    const struct retry_plan *plan = user;
    const size_t pipeline = plan->config->outputs[output->output].pipeline;
    if (output->stale && pipeline < PIPELINES_MAX)
        plan->photo->needs |= UINT64_C(1) << pipeline;
    return 0;
}

static bool has_outputs(const struct photo_config *config, size_t pipeline)
{
    for (size_t i = 0; i < config->output_count; i++) {
        if (config->outputs[i].pipeline == pipeline)
            return true;
    }
    return false;
}

/* A pipeline that stores nothing but tags leaves no trace that says whether it is done. */
static void traceless_note(const struct photo_config *config, struct retried_photo *photo)
{
    for (size_t i = 0; i < config->pipeline_count && i < PIPELINES_MAX; i++) {
        if (!has_outputs(config, i) &&
            config->ops->matches(config->pipelines[i], photo->bucket, photo->key))
            photo->needs |= UINT64_C(1) << i;
    }
}

static int photo_plan(struct photo_db *db, struct retried_photo *photo, struct error *error)
{
    struct retry_plan plan = {db->config, photo};
    struct statement select = database_prepare(
        &db->database, "SELECT id, size, etag FROM photo WHERE bucket = ? AND key = ?");
    bind_text(&select, photo->bucket);
    bind_text(&select, photo->key);
    int code = statement_step(&select, error);
    const int64_t id = code > 0 ? column_int(&select, 0) : 0;
    if (code > 0) {
        photo->size = column_uint(&select, 1);
        photo->etag = column_dup(&select, 2);
    }
    statement_reset(&select);
    if (code <= 0)
        return code;
    code = row_each_output(db, photo->bucket, photo->key, output_note, &plan, error);
    if (code)
        return code;
    traceless_note(db->config, photo);
    return row_reason(db, id, NULL, NULL, error);
}

static int plan_run(struct index_task *task, struct photo_db *db)
{
    struct gallery_retry *retry = container_of(task, struct gallery_retry, task.task);
    for (size_t i = 0; i < retry->count; i++) {
        const int code = photo_plan(db, &retry->photos[i], &task->error);
        if (code)
            return code;
    }
    return 0;
}

/* ---- sending ---- */

static int nothing_run(struct index_task *task, struct photo_db *db)
{
    (void)task;
    (void)db;
    return 0;
}

static void response_done(struct index_task *task, int code)
{
    struct gallery_retry *retry = container_of(task, struct gallery_retry, task.task);
    struct gallery_call *call = retry->task.call;
    (void)code;
    gallery_call_unbind(&retry->task.call);
    if (call && !retry->sent && retry->failed)
        gallery_refuse_error(call, &retry->error);
    else if (call)
        gallery_respond_json(call, 200,
                             json_pack("{s:I, s:I}", "sent", (json_int_t)retry->sent, "failed",
                                       (json_int_t)retry->failed));
    retry_free(retry);
}

/* Not inside a callback of the queue that is closed then. */
static void retry_respond(struct gallery_retry *retry)
{
    retry->responding = true;
    retry->task.task.run = nothing_run;
    retry->task.task.done = response_done;
    photo_index_submit(photo_library_index(gallery_photos(retry->gallery)), &retry->task.task);
}

static void failure_note(struct gallery_retry *retry, const struct error *error)
{
    if (!retry->failed++)
        retry->error = *error;
}

static void sends_go(struct gallery_retry *retry);

static void on_sent(const char *id, const struct error *error, void *user)
{
    struct gallery_retry *retry = user;
    (void)id;
    retry->pending--;
    if (error->code)
        failure_note(retry, error);
    else
        retry->sent++;
    sends_go(retry);
}

static int event_send(struct gallery_retry *retry, const struct retried_photo *photo,
                      struct queue *queue)
{
    struct queue_backend *backend = retry->gallery->options.queues;
    const struct event_object object = {.bucket = photo->bucket,
                                        .key = photo->key,
                                        .size = photo->size,
                                        .etag = photo->etag && *photo->etag ? photo->etag : NULL};
    const int64_t now_ms = wall_clock_ms();
    char deduplication[DEDUPLICATION_SIZE];
    char *body = event_record_make(&object, "", now_ms);
    struct queue_send message = {.body = body, .body_size = body ? strlen(body) : 0};
    if (!body)
        return ERR_MEMORY;
    if (queue_is_fifo(backend->ops->facts(queue))) {
        event_deduplication(&object, deduplication);
        /* a retry within five minutes is not a duplicate */
        const size_t kept = DEDUPLICATION_SIZE - 18;
        snprintf(deduplication + kept, sizeof deduplication - kept, "-%016llx",
                 (unsigned long long)now_ms);
        message.group = "thumbwheel";
        message.deduplication = deduplication;
    }
    const int code = backend->ops->send(queue, &message, on_sent, retry);
    free(body);
    return code;
}

static void one_send(struct gallery_retry *retry, size_t photo, size_t pipeline)
{
    const struct group_queue *item = &retry->group.items[pipeline];
    struct error error = item->error;
    int code = item->queue ? event_send(retry, &retry->photos[photo], item->queue) : error.code;
    if (!item->queue && !code)
        code = ERR_NO_CONTAINER;
    if (!code) {
        retry->pending++;
        return;
    }
    if (!error.code)
        error_set(&error, code, "the event could not be sent (%s)", error_name(code));
    failure_note(retry, &error);
}

static void sends_go(struct gallery_retry *retry)
{
    while (retry->photo < retry->count && retry->pending < SENDS_MAX) {
        if (retry->photos[retry->photo].needs >> retry->pipeline & 1)
            one_send(retry, retry->photo, retry->pipeline);
        if (++retry->pipeline == retry->queues.count || retry->pipeline == PIPELINES_MAX) {
            retry->pipeline = 0;
            retry->photo++;
        }
    }
    if (!retry->pending)
        retry_respond(retry);
}

static void on_opened(struct queue_group *group)
{
    struct gallery_retry *retry = container_of(group, struct gallery_retry, group);
    struct photo_library *photos = gallery_photos(retry->gallery);
    for (size_t i = 0; i < retry->count; i++) {
        photo_library_touched(photos, retry->photos[i].bucket, retry->photos[i].key);
        photo_library_expect(photos, retry->photos[i].bucket, retry->photos[i].key);
    }
    sends_go(retry);
}

static void plan_done(struct index_task *task, int code)
{
    struct gallery_retry *retry = container_of(task, struct gallery_retry, task.task);
    if (!code)
        code = queue_group_init(&retry->group, retry->gallery->options.queues,
                                (const char *const *)retry->queues.items, retry->queues.count);
    retry->grouped = true;
    if (!code && retry->task.call) {
        retry->group.idle = on_opened;
        queue_group_open(&retry->group);
        return;
    }
    if (retry->task.call)
        gallery_refuse_error(retry->task.call, task->error.code
                                                   ? &task->error
                                                   : &(struct error){code, "out of memory"});
    retry_free(retry);
}

/* ---- the request ---- */

static int photos_copy(struct gallery_retry *retry, const json_t *photos)
{
    retry->photos = calloc(json_array_size(photos), sizeof *retry->photos);
    if (!retry->photos)
        return ERR_MEMORY;
    for (size_t i = 0; i < json_array_size(photos); i++) {
        const json_t *named = json_array_get(photos, i);
        struct retried_photo *photo = &retry->photos[retry->count++];
        photo->bucket = strdup(gallery_photo_bucket(named));
        photo->key = strdup(gallery_photo_key(named));
        if (!photo->bucket || !photo->key)
            return ERR_MEMORY;
    }
    return 0;
}

static int queues_copy(struct gallery_retry *retry)
{
    const struct gallery *gallery = retry->gallery;
    for (size_t i = 0; i < gallery->pipeline_count; i++) {
        if (text_list_add(&retry->queues,
                          gallery->options.pipeline_ops->facts(gallery->pipelines[i])->queue))
            return ERR_MEMORY;
    }
    return 0;
}

void gallery_photos_retry(struct gallery_call *call)
{
    json_t *photos;
    if (!gallery_body_photos(call, &photos))
        return;
    struct gallery_retry *retry = calloc(1, sizeof *retry);
    if (retry) {
        list_init(&retry->link);
        retry->gallery = call->gallery;
    }
    if (!retry || photos_copy(retry, photos) || queues_copy(retry)) {
        if (retry)
            retry_free(retry);
        gallery_refuse_error(call, &(struct error){ERR_MEMORY, "out of memory"});
        return;
    }
    list_push(gallery_photos_retries(call->gallery), &retry->link);
    gallery_task_submit(&retry->task, call, plan_run, plan_done);
}

void gallery_retries_end(struct list *retries)
{
    struct list *next;
    for (struct list *link = retries->next; link != retries; link = next) {
        struct gallery_retry *retry = container_of(link, struct gallery_retry, link);
        next = link->next;
        gallery_call_unbind(&retry->task.call);
        if (retry->grouped && !retry->responding)
            retry_free(retry); /* otherwise a task has it, which frees it */
    }
}
