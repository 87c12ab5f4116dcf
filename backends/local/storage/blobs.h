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
 * commit; opening unlinks what is still marked. Later drops remove the marks of deleted files. So
 * the cost of opening depends on what was in progress, not on the number of blobs. (Relaxed
 * durability omits the syncs: then this holds for a killed process, but not for a power failure.)
 *
 * A rolled back unit leaves its file in incoming/; the code that sealed it must discard it.
 *
 * Readers have an open descriptor, so a blob that is dropped while it is sent stays readable.
 * Objects of many blobs are read through blob_segments.h, which unlinks dropped blobs when their
 * last reader ends.
 *
 * A copy of a whole blob is a hard link: a blob with its own id, row and lifetime, whose bytes are
 * on the disk already.
 *
 * Functions run on the storage thread, or while loading; those for files without a row (create,
 * write, seal, discard) and those that open a file for reading run on any thread. Ids are never
 * reused in a data directory.
 */
#ifndef THUMBWHEEL_LOCAL_BLOBS_H
#define THUMBWHEEL_LOCAL_BLOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "body_pipe.h"
#include "list.h"
#include "object_changes.h"
#include "storage.h"

#define BLOBS_SCHEMA                                                                               \
    "CREATE TABLE IF NOT EXISTS blobs (id INTEGER PRIMARY KEY, "                                   \
    "dropped INTEGER NOT NULL DEFAULT 0);"                                                         \
    "CREATE INDEX IF NOT EXISTS blobs_dropped ON blobs (id) WHERE dropped = 1;"                    \
    "CREATE TABLE IF NOT EXISTS damaged_blobs (id INTEGER PRIMARY KEY);"

enum { BLOBS_GONE_MAX = 4096, BLOBS_CHECKED_MAX = 64, BLOBS_CHECKED_MS = 10 * 60 * 1000 };

struct blobs { /* embed it; belongs to the storage thread once it runs */
    struct storage *storage;
    struct object_changes changes; /* any thread */
    /* for blob_segments.h: objects of several blobs that are being read */
    struct list segments;
    /* unlinked blobs whose marks are not yet removed; BLOBS_GONE_MAX */
    uint64_t *gone;
    size_t gone_count;
    struct body_pipes pipes; /* any thread */
    bool any_damaged;        /* some blob may be marked (blob_damage.h) */
    /* for copies of ranges: blobs whose bytes were compared a short time ago */
    struct blob_checked {
        uint64_t blob, at_ms; /* monotonic */
    } checked[BLOBS_CHECKED_MAX];
    size_t next_checked;
};

/* Completes operations that a crash interrupted. */
int blobs_open(struct blobs *blobs, struct storage *storage, struct error *error);
/* Call it after storage has closed. */
void blobs_close(struct blobs *blobs);

/* Creates a file in incoming/. *fd is open for writing. */
int blob_create(struct blobs *blobs, uint64_t id, int *fd, struct error *error);
int blob_write(struct blobs *blobs, int fd, const void *data, size_t size, struct error *error);
/* Makes the content durable and closes *fd (-1 afterwards, even after an error). */
int blob_seal(struct blobs *blobs, int *fd, struct error *error);
/* Creates a sealed file in incoming/ with the bytes of a live blob. ERR_UNSUPPORTED: the file
 * system does not allow another link; copy instead. */
int blob_link(struct blobs *blobs, uint64_t from, uint64_t id, struct error *error);
/* Deletes the file of an upload that failed. */
void blob_discard(struct blobs *blobs, uint64_t id);

/* In a unit: with the commit, the blob becomes live or is deleted. */
int blob_keep(struct blobs *blobs, uint64_t id, struct error *error);
int blob_drop(struct blobs *blobs, uint64_t id, struct error *error);

/* Deletes the file of a dropped blob that was still being read when the drop was committed
 * (blob_segments.h). */
void blob_unlink(struct blobs *blobs, uint64_t id);

/* Where a live blob's file is in the data directory: "blobs/0a/…". Any thread. */
enum { BLOB_NAME_SIZE = 40 };
void blob_name(uint64_t id, char out[BLOB_NAME_SIZE]);

/* Whether a live blob has no file. Any thread. */
bool blob_is_missing(struct blobs *blobs, uint64_t id);

/* Any thread, for a blob that is not dropped meanwhile. The caller closes *fd. */
int blob_read_open(struct blobs *blobs, uint64_t id, int *fd, struct error *error);

#endif
