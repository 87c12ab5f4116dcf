/*
 * POST /api/photos/delete and /api/photos/undo.
 *
 * A deletion hides its photos in the index at once, and carries itself out after UNDO_MS, a few photos
 * at a time. Until then it may be undone, by anybody who is logged in and knows its id. What is pending
 * when the process ends is dropped: the photos are shown again. Photos that cannot be deleted, or were
 * replaced meanwhile, are shown again too.
 */
#include "gallery_delete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "container_of.h"
#include "gallery_photos.h"
#include "log.h"
#include "photo_db.h"
#include "photo_removal.h"
#include "photo_rows.h"
#include "wall_clock.h"

enum {
    UNDO_MS = 10000,
    REMOVALS_MAX = 4,    /* photos that are deleted at once */
    DELETIONS_MAX = 256, /* that may be undone */
    DELETION_ID_SIZE = 33,
};

struct deleted_photo {
    struct gallery_deletions *deletions;
    struct photo_removal *removal; /* NULL: none is under way */
    char *bucket, *key, *etag;
    bool hidden;
};

struct gallery_deletion {
    struct list link;
    char id[DELETION_ID_SIZE];
    uint64_t due_ms; /* uv_now */
    struct deleted_photo *photos;
    size_t count;
    size_t next; /* to be removed */
    size_t settled;
};

struct gallery_deletions {
    struct gallery *gallery;
    uv_timer_t timer;
    struct list pending; /* may be undone; the earliest first */
    struct list due;     /* under way */
    size_t pending_count, running;
    bool closing;
    void (*closed)(void *user);
    void *closed_user;
};

static void deletions_go(struct gallery_deletions *deletions);

static struct photo_index *index_of(const struct gallery_deletions *deletions)
{
    return photo_library_index(gallery_photos(deletions->gallery));
}

static void deletion_free(struct gallery_deletion *deletion)
{
    for (size_t i = 0; i < deletion->count; i++) {
        free(deletion->photos[i].bucket);
        free(deletion->photos[i].key);
        free(deletion->photos[i].etag);
    }
    free(deletion->photos);
    free(deletion);
}

/* ---- showing photos again ---- */

struct reveal {
    struct index_task task;
    struct gallery_deletions *deletions;
    struct gallery_deletion *deletion; /* owned */
    size_t from, to;                   /* of its photos */
};

static int reveal_run(struct index_task *task, struct photo_db *db)
{
    struct reveal *reveal = container_of(task, struct reveal, task);
    for (size_t i = reveal->from; i < reveal->to; i++) {
        struct deleted_photo *photo = &reveal->deletion->photos[i];
        const int code =
            row_hide(db, photo->bucket, photo->key, false, &photo->hidden, &task->error);
        if (code)
            return code;
    }
    return 0;
}

static void restored_tell(struct gallery_deletions *deletions, const struct deleted_photo *photo)
{
    struct gallery *gallery = deletions->gallery;
    gallery_publish(gallery, "restored",
                    json_pack("{s:s, s:s}", "bucket", photo->bucket, "key", photo->key));
    photo_library_touched(gallery_photos(gallery), photo->bucket, photo->key);
}

static void reveal_done(struct index_task *task, int code)
{
    struct reveal *reveal = container_of(task, struct reveal, task);
    for (size_t i = reveal->from; !code && i < reveal->to && !reveal->deletions->closing; i++) {
        if (reveal->deletion->photos[i].hidden)
            restored_tell(reveal->deletions, &reveal->deletion->photos[i]);
    }
    deletion_free(reveal->deletion);
    free(reveal);
}

/* Takes the deletion. */
static void deletion_reveal(struct gallery_deletions *deletions, struct gallery_deletion *deletion)
{
    struct reveal *reveal = calloc(1, sizeof *reveal);
    if (!reveal) { /* the next start of the process shows them */
        deletion_free(deletion);
        return;
    }
    *reveal = (struct reveal){
        {.run = reveal_run, .done = reveal_done}, deletions, deletion, 0, deletion->count};
    photo_index_submit(index_of(deletions), &reveal->task);
}

/* One photo of a deletion that goes on. */
static void photo_reveal(struct gallery_deletions *deletions, const char *bucket, const char *key)
{
    struct gallery_deletion *one = calloc(1, sizeof *one);
    struct deleted_photo *photo = calloc(1, sizeof *photo);
    if (!one || !photo) {
        free(one);
        free(photo);
        return;
    }
    one->photos = photo;
    one->count = 1;
    photo->bucket = strdup(bucket);
    photo->key = strdup(key);
    if (photo->bucket && photo->key)
        deletion_reveal(deletions, one);
    else
        deletion_free(one);
}

/* ---- carrying it out ---- */

static void on_removed(const char *bucket, const char *key, const struct error *error, void *user)
{
    struct deleted_photo *photo = user;
    struct gallery_deletions *deletions = photo->deletions;
    photo->removal = NULL;
    deletions->running--;
    container_of(deletions->due.next, struct gallery_deletion, link)->settled++;
    if (error->code) {
        log_warn("a photo could not be deleted, and is shown again", LOG_TEXT("bucket", bucket),
                 LOG_TEXT("key", key), LOG_TEXT("error", error->text));
        photo_reveal(deletions, bucket, key);
    } else {
        photo_library_moved(gallery_photos(deletions->gallery));
    }
    deletions_go(deletions);
}

static void photo_remove(struct gallery_deletions *deletions, struct gallery_deletion *deletion,
                         struct deleted_photo *photo)
{
    photo->removal = photo_removal_start(
        &(struct photo_removal_options){.store = deletions->gallery->options.store,
                                        .index = index_of(deletions),
                                        .bucket = photo->bucket,
                                        .key = photo->key,
                                        .etag = photo->etag,
                                        .done = on_removed,
                                        .user = photo});
    if (photo->removal) {
        deletions->running++;
        return;
    }
    deletion->settled++;
    photo_reveal(deletions, photo->bucket, photo->key);
}

static void on_timer(uv_timer_t *timer)
{
    deletions_go(container_of(timer, struct gallery_deletions, timer));
}

static void due_gather(struct gallery_deletions *deletions)
{
    while (!list_empty(&deletions->pending)) {
        struct gallery_deletion *first =
            container_of(deletions->pending.next, struct gallery_deletion, link);
        const uint64_t now = uv_now(deletions->gallery->loop);
        if (first->due_ms > now) {
            uv_timer_start(&deletions->timer, on_timer, first->due_ms - now, 0);
            return;
        }
        list_remove(&first->link);
        list_push(&deletions->due, &first->link);
        deletions->pending_count--;
    }
}

/* One deletion after the other, a few photos at a time. */
static void deletions_go(struct gallery_deletions *deletions)
{
    due_gather(deletions);
    while (!list_empty(&deletions->due)) {
        struct gallery_deletion *first =
            container_of(deletions->due.next, struct gallery_deletion, link);
        while (first->next < first->count && deletions->running < REMOVALS_MAX)
            photo_remove(deletions, first, &first->photos[first->next++]);
        if (first->settled < first->count)
            return;
        list_remove(&first->link);
        deletion_free(first);
    }
}

/* ---- the requests ---- */

struct delete_request {
    struct gallery_task task;
    struct gallery_deletions *deletions;
    struct gallery_deletion *deletion; /* owned until it is pending */
};

/* The ETag says what is to be deleted: a photo that replaces it is another one. */
static int photo_hide(struct deleted_photo *photo, struct photo_db *db, struct error *error)
{
    struct statement select = database_prepare(
        &db->database, "SELECT etag FROM photo WHERE bucket = ? AND key = ? AND hidden = 0");
    bind_text(&select, photo->bucket);
    bind_text(&select, photo->key);
    const int code = statement_step(&select, error);
    photo->etag = code > 0 ? column_dup(&select, 0) : NULL;
    statement_reset(&select);
    return code <= 0 ? code : row_hide(db, photo->bucket, photo->key, true, &photo->hidden, error);
}

static int hide_run(struct index_task *task, struct photo_db *db)
{
    struct delete_request *request = container_of(task, struct delete_request, task.task);
    for (size_t i = 0; i < request->deletion->count; i++) {
        const int code = photo_hide(&request->deletion->photos[i], db, &task->error);
        if (code)
            return code;
    }
    return 0;
}

/* Those that were not in the index, or are being deleted already, need nothing. */
static void hidden_keep(struct gallery_deletion *deletion)
{
    size_t kept = 0;
    for (size_t i = 0; i < deletion->count; i++) {
        const struct deleted_photo photo = deletion->photos[i];
        deletion->photos[i] = (struct deleted_photo){.hidden = false};
        if (photo.hidden) {
            deletion->photos[kept++] = photo;
            continue;
        }
        free(photo.bucket);
        free(photo.key);
        free(photo.etag);
    }
    deletion->count = kept;
}

static void deletion_begin(struct delete_request *request)
{
    struct gallery_deletions *deletions = request->deletions;
    struct gallery_deletion *deletion = request->deletion;
    struct gallery *gallery = deletions->gallery;
    for (size_t i = 0; i < deletion->count; i++)
        gallery_publish(gallery, "removed",
                        json_pack("{s:s, s:s}", "bucket", deletion->photos[i].bucket, "key",
                                  deletion->photos[i].key));
    photo_library_moved(gallery_photos(gallery));
    deletion->due_ms = uv_now(gallery->loop) + UNDO_MS;
    list_push(&deletions->pending, &deletion->link);
    deletions->pending_count++;
    request->deletion = NULL;
    deletions_go(deletions);
}

static void hide_done(struct index_task *task, int code)
{
    struct delete_request *request = container_of(task, struct delete_request, task.task);
    struct gallery_call *call = gallery_task_end(&request->task, code);
    struct gallery_deletion *deletion = request->deletion;
    if (!code)
        hidden_keep(deletion);
    if (!code && deletion->count && !request->deletions->closing &&
        !request->deletions->gallery->draining) {
        const size_t count = deletion->count;
        char id[DELETION_ID_SIZE];
        memcpy(id, deletion->id, sizeof id);
        deletion_begin(request);
        if (call)
            gallery_respond_json(call, 200,
                                 json_pack("{s:s, s:I, s:I}", "undo", id, "at",
                                           (json_int_t)wall_clock_ms() + UNDO_MS, "count",
                                           (json_int_t)count));
    } else if (call) {
        gallery_refuse(call, 404, "not_found",
                       "the photos are not in the gallery any more: reload the page");
    }
    if (request->deletion)
        deletion_free(request->deletion);
    free(request);
}

static int id_make(char out[DELETION_ID_SIZE])
{
    unsigned char bytes[DELETION_ID_SIZE / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return ERR_IO;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

static struct gallery_deletion *deletion_make(struct gallery_deletions *deletions,
                                              const json_t *photos)
{
    struct gallery_deletion *deletion = calloc(1, sizeof *deletion);
    if (!deletion)
        return NULL;
    list_init(&deletion->link);
    deletion->photos = calloc(json_array_size(photos), sizeof *deletion->photos);
    bool whole = deletion->photos && id_make(deletion->id) == 0;
    for (size_t i = 0; whole && i < json_array_size(photos); i++) {
        const json_t *named = json_array_get(photos, i);
        struct deleted_photo *photo = &deletion->photos[deletion->count++];
        photo->deletions = deletions;
        photo->bucket = strdup(gallery_photo_bucket(named));
        photo->key = strdup(gallery_photo_key(named));
        whole = photo->bucket && photo->key;
    }
    if (whole)
        return deletion;
    deletion_free(deletion);
    return NULL;
}

void gallery_photos_delete(struct gallery_call *call)
{
    struct gallery_deletions *deletions = gallery_photos_deletions(call->gallery);
    json_t *photos;
    if (!gallery_body_photos(call, &photos))
        return;
    if (deletions->pending_count >= DELETIONS_MAX) {
        gallery_refuse_for(call, 429, "too_many", UNDO_MS / 1000,
                           "too many deletions are waiting; try again in a few seconds");
        return;
    }
    struct delete_request *request = calloc(1, sizeof *request);
    struct gallery_deletion *deletion = request ? deletion_make(deletions, photos) : NULL;
    if (!deletion) {
        free(request);
        gallery_refuse_error(call, &(struct error){ERR_MEMORY, "out of memory"});
        return;
    }
    request->deletions = deletions;
    request->deletion = deletion;
    gallery_task_submit(&request->task, call, hide_run, hide_done);
}

void gallery_photos_undo(struct gallery_call *call)
{
    struct gallery_deletions *deletions = gallery_photos_deletions(call->gallery);
    const char *id = gallery_body_text(call, "undo", DELETION_ID_SIZE);
    if (!id)
        return;
    for (struct list *link = deletions->pending.next; link != &deletions->pending;
         link = link->next) {
        struct gallery_deletion *deletion = container_of(link, struct gallery_deletion, link);
        if (strcmp(deletion->id, id) != 0)
            continue;
        list_remove(&deletion->link);
        deletions->pending_count--;
        deletion_reveal(deletions, deletion);
        gallery_respond_done(call);
        return;
    }
    gallery_refuse(call, 410, "too_late",
                   "the photos have been deleted already, or the deletion was undone before");
}

/* ---- opening and closing ---- */

struct gallery_deletions *gallery_deletions_make(struct gallery *gallery)
{
    struct gallery_deletions *deletions = calloc(1, sizeof *deletions);
    if (!deletions)
        return NULL;
    deletions->gallery = gallery;
    list_init(&deletions->pending);
    list_init(&deletions->due);
    return deletions;
}

void gallery_deletions_free(struct gallery_deletions *deletions)
{
    free(deletions);
}

void gallery_deletions_begin(struct gallery_deletions *deletions)
{
    uv_timer_init(deletions->gallery->loop, &deletions->timer);
}

static void lists_drop(struct list *list)
{
    struct list *link;
    while ((link = list_shift(list)))
        deletion_free(container_of(link, struct gallery_deletion, link));
}

void gallery_deletions_drain(struct gallery_deletions *deletions)
{
    uv_timer_stop(&deletions->timer);
    while (!list_empty(&deletions->pending))
        deletion_reveal(deletions, container_of(list_shift(&deletions->pending),
                                                struct gallery_deletion, link));
    deletions->pending_count = 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct gallery_deletions *deletions =
        container_of((uv_timer_t *)handle, struct gallery_deletions, timer);
    void (*closed)(void *user) = deletions->closed;
    void *user = deletions->closed_user;
    free(deletions);
    closed(user);
}

void gallery_deletions_end(struct gallery_deletions *deletions)
{
    deletions->closing = true;
    uv_timer_stop(&deletions->timer);
    for (struct list *link = deletions->due.next; link != &deletions->due; link = link->next) {
        struct gallery_deletion *deletion = container_of(link, struct gallery_deletion, link);
        for (size_t i = 0; i < deletion->count; i++) {
            if (deletion->photos[i].removal)
                photo_removal_cancel(deletion->photos[i].removal);
        }
    }
    lists_drop(&deletions->pending);
    lists_drop(&deletions->due);
}

void gallery_deletions_close(struct gallery_deletions *deletions, void (*closed)(void *user),
                             void *user)
{
    deletions->closed = closed;
    deletions->closed_user = user;
    uv_close((uv_handle_t *)&deletions->timer, on_handle_closed);
}
