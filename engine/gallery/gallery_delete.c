/*
 * POST /api/photos/delete and /api/photos/undo. A request hides its photos in the index at once, and
 * hands them over to gallery_deletions.c, which carries the deletion out later.
 */
#include "gallery_deletions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "container_of.h"
#include "gallery_photos.h"
#include "photo_db.h"
#include "photo_rows.h"
#include "wall_clock.h"

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

static void hide_done(struct index_task *task, int code)
{
    struct delete_request *request = container_of(task, struct delete_request, task.task);
    struct gallery_call *call = gallery_task_end(&request->task, code);
    struct gallery_deletion *deletion = request->deletion;
    if (!code)
        hidden_keep(deletion);
    if (!code && deletion->count && !gallery_deletions_ending(request->deletions)) {
        const size_t count = deletion->count;
        char id[DELETION_ID_SIZE];
        memcpy(id, deletion->id, sizeof id);
        request->deletion = NULL;
        gallery_deletion_begin(request->deletions, deletion);
        if (call)
            gallery_respond_json(call, 200,
                                 json_pack("{s:s, s:I, s:I}", "undo", id, "at",
                                           (json_int_t)wall_clock_ms() + DELETION_UNDO_MS, "count",
                                           (json_int_t)count));
    } else if (call) {
        gallery_refuse(call, 404, "not_found",
                       "the photos are not in the gallery any more: reload the page");
    }
    if (request->deletion)
        gallery_deletion_free(request->deletion);
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
    gallery_deletion_free(deletion);
    return NULL;
}

void gallery_photos_delete(struct gallery_call *call)
{
    struct gallery_deletions *deletions = gallery_photos_deletions(call->gallery);
    json_t *photos;
    if (!gallery_body_photos(call, &photos))
        return;
    if (gallery_deletions_full(deletions)) {
        gallery_refuse_for(call, 429, "too_many", DELETION_UNDO_MS / 1000,
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
    if (gallery_deletion_undo(deletions, id))
        gallery_respond_done(call);
    else
        gallery_refuse(call, 410, "too_late",
                       "the photos have been deleted already, or the deletion was undone before");
}
