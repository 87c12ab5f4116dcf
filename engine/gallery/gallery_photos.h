/*
 * The photos, for the handlers that show and change them. Loop thread.
 *
 *     gallery_photos.c   the part: the index, what the engine reports, the events
 *     gallery_browse.c   layout, pages, one photo, links
 *     gallery_tags.c     the tags of people
 *     gallery_delete.c   requests to delete and to undo it; gallery_deletions.c carries them out
 *     gallery_retry.c    sending an event for a photo again
 */
#ifndef THUMBWHEEL_GALLERY_PHOTOS_H
#define THUMBWHEEL_GALLERY_PHOTOS_H

#include "gallery_private.h"
#include "photo_index.h"
#include "photo_library.h"

/* The part; for gallery_parts.c. */
int gallery_photos_open(struct gallery *gallery, struct error *error);
void gallery_photos_drain(struct gallery *gallery);
void gallery_photos_close(struct gallery *gallery);
void gallery_photos_record(struct gallery *gallery, const struct engine_record *record);
void gallery_photos_step(struct gallery *gallery, const struct engine_step *step);
void gallery_photos_reload(struct gallery *gallery);

struct photo_library *gallery_photos(const struct gallery *gallery);
/* Somebody looks at photos, also without following the events. */
void gallery_photos_looked_at(struct gallery *gallery);

/* Completes a photo of the index (photo_query.h) for the page: URLs, and the step that it is in. whole:
 * also of the original and of each rendition. */
void gallery_photo_finish(const struct gallery *gallery, json_t *photo, bool whole);

/* Changes of tags that are under way (gallery_tags.c), and the end of those that wait for the store;
 * before the index is closed. */
struct list *gallery_photos_tag_changes(const struct gallery *gallery);
void gallery_tags_end(struct list *changes);
/* The same of events that are sent again (gallery_retry.c). */
struct list *gallery_photos_retries(const struct gallery *gallery);
void gallery_retries_end(struct list *retries);

/* ---- requests that wait for the index (gallery_task.c) ---- */

struct gallery_task { /* embed it */
    struct index_task task;
    struct gallery_call *call; /* NULL: the request has ended */
};

/* run and done as in photo_index.h. */
void gallery_task_submit(struct gallery_task *task, struct gallery_call *call,
                         int (*run)(struct index_task *task, struct photo_db *db),
                         void (*done)(struct index_task *task, int code));
/* In done: the request, which needs its response before the next turn of the loop; NULL: it has
 * ended. With a code, it has been refused, and this returns NULL. */
struct gallery_call *gallery_task_end(struct gallery_task *task, int code);

/* Binds a request to a state of its handler, which is told when the request ends before; and
 * unbinds it. */
void gallery_call_bind(struct gallery_call *call, struct gallery_call **pointer);
void gallery_call_unbind(struct gallery_call **pointer);

/* A list {"photos": [{"bucket", "key"}]} of the body: false: it has refused the request, since it is
 * not one, has too many, or one that is not a photo. */
enum { GALLERY_PHOTOS_MAX = 1000 };
bool gallery_body_photos(struct gallery_call *call, json_t **photos);
const char *gallery_photo_bucket(const json_t *photo);
const char *gallery_photo_key(const json_t *photo);

#endif
