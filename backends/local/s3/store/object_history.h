/*
 * Versions of objects that are not the newest, and delete markers: the rows of `object_history`.
 * Used by objects.c, which keeps the rule that the newest version of a key is in `objects` unless
 * it is a delete marker.
 *
 * All functions: storage thread, in run(). They change only within the caller's unit.
 */
#ifndef THUMBWHEEL_LOCAL_OBJECT_HISTORY_H
#define THUMBWHEEL_LOCAL_OBJECT_HISTORY_H

#include "objects.h"
#include "storage_statement.h"

/* Moves the row to the history. */
int object_history_archive(struct storage *storage, uint64_t id, struct error *error);
int object_history_add_marker(struct storage *storage, int64_t bucket, const char *key, uint64_t id,
                              bool versioned, int64_t now_ms, struct error *error);
/* Moves the newest version back if it has become the key's newest and is not a delete marker. */
int object_history_promote(struct storage *storage, int64_t bucket, const char *key,
                           struct error *error);

/* Deletes a version and its content; *marker: it was a delete marker. ERR_NOT_FOUND. */
int object_history_remove(struct blobs *blobs, int64_t bucket, const char *key,
                          struct object_version version, bool *marker, struct error *error);
/* Deletes the null version, if it exists. */
int object_history_remove_null(struct blobs *blobs, int64_t bucket, const char *key,
                               struct error *error);

/* ERR_NOT_FOUND. Without a version given: the newest. */
int object_history_find(struct storage *storage, int64_t bucket, const char *key,
                        struct object_version version, struct object *object, struct error *error);

/* Of objects.c. */

/* The two values that name an object. */
void object_bind_name(struct statement *statement, int64_t bucket, const char *key);

/* A row of: id, size, etag, modified, blob, content_type, headers, tags, checksum, owner,
 * versioned, marker. */
int object_read_row(struct statement *row, struct object *object, struct error *error);

struct object_content { /* the location of a version's data */
    uint64_t id;
    uint64_t blob;
    uint64_t owner;
};
struct object_content object_content_read(struct statement *row); /* of: id, blob, owner */
int object_content_drop(struct blobs *blobs, const struct object_content *content,
                        struct error *error);

#endif
