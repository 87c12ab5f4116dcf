/*
 * Deletes a photo: its outputs first, then the photo itself, then its entry in the index.
 *
 * Only objects that say so are deleted as its outputs: each is looked at before, and its metadata must
 * name this photo as its source. Outputs of another photo with the same key, or objects that somebody
 * else has put there, stay. If the photo was replaced since somebody decided to delete it, nothing is
 * deleted. If a request fails, the rest stays, with the photo, and may be deleted again. Loop thread.
 */
#ifndef THUMBWHEEL_PHOTO_REMOVAL_H
#define THUMBWHEEL_PHOTO_REMOVAL_H

#include "object_store.h"
#include "photo_index.h"

struct photo_removal;

/* code: 0: deleted, also if it was not there any more; ERR_CONFLICT: it was replaced; or a failure.
 * Not called after photo_removal_cancel. */
typedef void photo_removed(const char *bucket, const char *key, const struct error *error,
                           void *user);

struct photo_removal_options {
    struct object_store *store;
    struct photo_index *index;
    const char *bucket, *key; /* copied */
    const char *etag;         /* of the photo that is to be deleted; NULL or "": unknown */
    photo_removed *done;
    void *user;
};

/* NULL: out of memory. It frees itself after done. */
struct photo_removal *photo_removal_start(const struct photo_removal_options *options);
/* It frees itself, at the latest before the index is closed. */
void photo_removal_cancel(struct photo_removal *removal);

#endif
