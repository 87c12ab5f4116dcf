/* Deletions of photos that may still be undone, or are under way. Loop thread. */
#ifndef THUMBWHEEL_GALLERY_DELETIONS_H
#define THUMBWHEEL_GALLERY_DELETIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"

struct gallery;
struct gallery_deletions;
struct photo_removal;

enum {
    DELETION_UNDO_MS = 10000,
    DELETION_ID_SIZE = 33,
};

struct deleted_photo { /* owned strings; etag NULL: unknown */
    struct gallery_deletions *deletions;
    struct photo_removal *removal; /* NULL: none is under way */
    char *bucket, *key, *etag;
    bool hidden;
};

struct gallery_deletion { /* of one request */
    struct list link;
    char id[DELETION_ID_SIZE];
    uint64_t due_ms; /* uv_now */
    struct deleted_photo *photos;
    size_t count;
    size_t next; /* to be removed */
    size_t settled;
};

void gallery_deletion_free(struct gallery_deletion *deletion);
/* Takes a deletion whose photos are hidden: who watches is told, and it may be undone for
 * DELETION_UNDO_MS. */
void gallery_deletion_begin(struct gallery_deletions *deletions, struct gallery_deletion *deletion);
/* False: there is none with that id that may be undone. */
bool gallery_deletion_undo(struct gallery_deletions *deletions, const char *id);
/* Too many are waiting for another one. */
bool gallery_deletions_full(const struct gallery_deletions *deletions);
/* None may begin any more. */
bool gallery_deletions_ending(const struct gallery_deletions *deletions);

struct gallery_deletions *gallery_deletions_make(struct gallery *gallery); /* NULL: out of memory */
void gallery_deletions_free(struct gallery_deletions *deletions); /* instead of beginning */
void gallery_deletions_begin(struct gallery_deletions *deletions);
/* What is not under way yet is given up: the photos stay. */
void gallery_deletions_drain(struct gallery_deletions *deletions);
/* Cancels what is under way; before the index is closed. */
void gallery_deletions_end(struct gallery_deletions *deletions);
/* After it; frees. */
void gallery_deletions_close(struct gallery_deletions *deletions, void (*closed)(void *user),
                             void *user);
struct gallery_deletions *gallery_photos_deletions(const struct gallery *gallery);

#endif
