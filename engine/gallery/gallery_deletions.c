/*
 * Deletions of photos that are hidden already.
 *
 * A deletion carries itself out after DELETION_UNDO_MS, a few photos at a time. Until then it may be
 * undone, by anybody who is logged in and knows its id. What is pending when the process ends is
 * dropped: the photos are shown again. Photos that cannot be deleted, or were replaced meanwhile, are
 * shown again too.
 */
#include "gallery_deletions.h"

#include <stdlib.h>
#include <string.h>

#include "container_of.h"
#include "gallery_photos.h"
#include "log.h"
#include "photo_db.h"
#include "photo_removal.h"
#include "photo_rows.h"

enum {
    REMOVALS_MAX = 4,    /* photos that are deleted at once */
    DELETIONS_MAX = 256, /* that may be undone */
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

void gallery_deletion_free(struct gallery_deletion *deletion)
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
    gallery_deletion_free(reveal->deletion);
    free(reveal);
}

/* Takes the deletion. */
static void deletion_reveal(struct gallery_deletions *deletions, struct gallery_deletion *deletion)
{
    struct reveal *reveal = calloc(1, sizeof *reveal);
    if (!reveal) { /* the next start of the process shows them */
        gallery_deletion_free(deletion);
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
        gallery_deletion_free(one);
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
        gallery_deletion_free(first);
    }
}

/* ---- what requests ask for ---- */

void gallery_deletion_begin(struct gallery_deletions *deletions, struct gallery_deletion *deletion)
{
    struct gallery *gallery = deletions->gallery;
    for (size_t i = 0; i < deletion->count; i++)
        gallery_publish(gallery, "removed",
                        json_pack("{s:s, s:s}", "bucket", deletion->photos[i].bucket, "key",
                                  deletion->photos[i].key));
    photo_library_moved(gallery_photos(gallery));
    deletion->due_ms = uv_now(gallery->loop) + DELETION_UNDO_MS;
    list_push(&deletions->pending, &deletion->link);
    deletions->pending_count++;
    deletions_go(deletions);
}

bool gallery_deletion_undo(struct gallery_deletions *deletions, const char *id)
{
    for (struct list *link = deletions->pending.next; link != &deletions->pending;
         link = link->next) {
        struct gallery_deletion *deletion = container_of(link, struct gallery_deletion, link);
        if (strcmp(deletion->id, id) != 0)
            continue;
        list_remove(&deletion->link);
        deletions->pending_count--;
        deletion_reveal(deletions, deletion);
        return true;
    }
    return false;
}

bool gallery_deletions_full(const struct gallery_deletions *deletions)
{
    return deletions->pending_count >= DELETIONS_MAX;
}

bool gallery_deletions_ending(const struct gallery_deletions *deletions)
{
    return deletions->closing || deletions->gallery->draining;
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
        gallery_deletion_free(container_of(link, struct gallery_deletion, link));
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
