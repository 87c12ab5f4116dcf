/*
 * Blob files: bodies that are too large for a database row.
 *
 *   incoming/<id>      written in pieces, then sealed (fsync)
 *   row in `blobs`     committed together with the object that owns it: from here the blob is live
 *   blobs/<2 hex>/<id> renamed there after the commit, so that incoming/ stays small
 *
 * Why a crash neither loses nor leaks a file:
 * - Before the commit the row is absent: opening finds the file in incoming/ without a row and
 * deletes it.
 * - The commit waits for the file's fsync and for the sync of incoming/, so a row implies a whole
 * file.
 * - After the commit the file is in incoming/ or in blobs/; opening finishes the rename for the
 * files in incoming/ that have a row, and readers look in both places. The rename needs no sync.
 * - Dropping marks the row (in the transaction that removes the object) and unlinks after the
 * commit; opening unlinks what is still marked. Marks that are done with are removed along with
 * later drops. So opening costs what was under way, never a scan of all blobs. (Relaxed durability
 * leaves out the syncs: true for a killed process, not for a power cut.)
 *
 * A rolled back unit leaves its file in incoming/; whoever sealed it discards it.
 *
 * Readers hold an open descriptor, so a blob that is dropped while it is sent stays readable. What
 * is read from many blobs is held by blob_segments.h, which unlinks dropped ones when its last reader
 * ends.
 *
 * A copy of a whole blob is a hard link: a blob with an id, a row and an end of its own, whose
 * bytes are on the disk already.
 *
 * All functions: storage thread, or while loading; what makes a file that has no row yet (create,
 * write, seal, discard), or opens one to read, on any thread. Ids are unique for the life of a data
 * directory.
 */
#ifndef THUMBWHEEL_LOCAL_BLOBS_H
#define THUMBWHEEL_LOCAL_BLOBS_H

#include <stddef.h>
#include <stdint.h>

#include "body_pipe.h"
#include "list.h"
#include "object_changes.h"
#include "storage.h"

#define BLOBS_SCHEMA                                                                               \
    "CREATE TABLE IF NOT EXISTS blobs (id INTEGER PRIMARY KEY, "                                   \
    "dropped INTEGER NOT NULL DEFAULT 0);"                                                         \
    "CREATE INDEX IF NOT EXISTS blobs_dropped ON blobs (id) WHERE dropped = 1;"

enum { BLOBS_GONE_MAX = 4096 };

struct blobs { /* embed it; belongs to the storage thread once that runs */
    struct storage *storage;
    struct object_changes changes; /* any thread */
    struct list segments;          /* of blob_segments.h: what is read from several blobs */
    uint64_t *gone;                /* unlinked, and their marks not yet removed; BLOBS_GONE_MAX */
    size_t gone_count;
    struct body_pipes pipes; /* any thread */
};

/* Finishes what a crash interrupted. */
int blobs_open(struct blobs *blobs, struct storage *storage, struct error *error);
/* After storage has closed. */
void blobs_close(struct blobs *blobs);

/* A new file in incoming/. *fd is open for writing. */
int blob_create(struct blobs *blobs, uint64_t id, int *fd, struct error *error);
int blob_write(struct blobs *blobs, int fd, const void *data, size_t size, struct error *error);
/* Makes the content durable and closes *fd (-1 afterwards, whatever the result). */
int blob_seal(struct blobs *blobs, int *fd, struct error *error);
/* A sealed file in incoming/ with the bytes of a live blob. ERR_UNSUPPORTED where the file system
 * has no (more) links for it: then copy. */
int blob_link(struct blobs *blobs, uint64_t from, uint64_t id, struct error *error);
/* An upload that came to nothing. */
void blob_discard(struct blobs *blobs, uint64_t id);

/* In a unit: the blob becomes live, or ends, with the commit. */
int blob_keep(struct blobs *blobs, uint64_t id, struct error *error);
int blob_drop(struct blobs *blobs, uint64_t id, struct error *error);

/* The file of a dropped blob that was still read when its drop was committed (blob_segments.h). */
void blob_unlink(struct blobs *blobs, uint64_t id);

/* Any thread, for a blob that is not dropped meanwhile. *fd is the caller's to close. */
int blob_read_open(struct blobs *blobs, uint64_t id, int *fd, struct error *error);

#endif
