/*
 * The index of objects: a row for each (bucket, key). Small bodies lie in the database, large ones
 * in a blob file, and what was uploaded in parts in a blob file for each part.
 *
 * Where a bucket keeps versions ("Using versioning in S3 buckets", S3 User Guide) the newest
 * version of a key is in `objects`, unless it is a delete marker; older ones and delete markers are
 * in `object_history`, whose rows are otherwise the same (object_history.c). So what asks for
 * current objects costs the same with and without versions, and a bucket that never had any has no
 * row there. A version's id is its row's; a version without one of its own, stored while the bucket
 * kept none, is the key's null version, of which there is at most one.
 *
 * A row's id is the number that was taken when its PUT was committed: unique, rising for the life
 * of the data directory, and so the sequencer of its event. A blob has a number of its own, from
 * when its upload began.
 *
 * All functions but for object_clear and object_copy: storage thread, in run(). Those that change
 * something note the change (object_changes.h).
 */
#ifndef THUMBWHEEL_LOCAL_OBJECTS_H
#define THUMBWHEEL_LOCAL_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "blobs.h"
#include "bytes.h"
#include "storage.h"

#define OBJECTS_SCHEMA                                                                             \
    "CREATE TABLE IF NOT EXISTS objects (id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, "        \
    "key TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, modified INTEGER NOT NULL, "    \
    "blob INTEGER NOT NULL, content_type TEXT NOT NULL, headers TEXT NOT NULL, "                   \
    "tags TEXT NOT NULL, checksum TEXT NOT NULL);"                                                 \
    "CREATE UNIQUE INDEX IF NOT EXISTS objects_by_key ON objects (bucket, key);"                   \
    "CREATE TABLE IF NOT EXISTS object_bodies (id INTEGER PRIMARY KEY, data BLOB NOT NULL);"       \
    "CREATE TABLE IF NOT EXISTS object_parts (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL);"    \
    "CREATE TABLE IF NOT EXISTS versioned_objects (id INTEGER PRIMARY KEY);"                       \
    "CREATE TABLE IF NOT EXISTS object_history (id INTEGER PRIMARY KEY, "                          \
    "bucket INTEGER NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, "      \
    "modified INTEGER NOT NULL, blob INTEGER NOT NULL, content_type TEXT NOT NULL, "               \
    "headers TEXT NOT NULL, tags TEXT NOT NULL, checksum TEXT NOT NULL, "                          \
    "versioned INTEGER NOT NULL, marker INTEGER NOT NULL);"                                        \
    "CREATE INDEX IF NOT EXISTS object_history_by_key ON object_history (bucket, key, id DESC);"   \
    "CREATE UNIQUE INDEX IF NOT EXISTS object_history_null ON object_history (bucket, key) "       \
    "WHERE versioned = 0;"

enum { OBJECT_INLINE_MAX = 16 * 1024 };

enum versioning { VERSIONING_NONE, VERSIONING_ENABLED, VERSIONING_SUSPENDED };

/* Which version of a key: none in particular, that of an id, or (id 0) the null version. */
struct object_version {
    bool given;
    uint64_t id;
};

struct object {
    uint64_t id;
    bool versioned; /* its id is its version's; else it is the null version */
    bool marker;    /* a delete marker: it has no content */
    uint64_t size;
    int64_t modified_ms;
    uint64_t blob;  /* the file of the body; 0: it is in parts or in the database */
    uint64_t owner; /* of its parts (upload_parts.h); 0: it has none */
    char *etag;     /* without quotes */
    char *content_type;
    char *headers; /* "name: value\n" each, returned with the object: Cache-Control, x-amz-meta-… */
    char *tags;    /* form-encoded, "a=b&c=d" */
    char *checksum; /* "name: value" as a header, or empty */
};

void object_clear(struct object *object); /* any thread */
/* With strings of its own. ERR_MEMORY: *to is empty. Any thread. */
int object_copy(struct object *to, const struct object *from);

/* ERR_NOT_FOUND. On success *object owns its strings. */
int objects_find(struct storage *storage, int64_t bucket, const char *key, struct object *object,
                 struct error *error);
/* Any version, delete markers too: without one given, the key's newest. ERR_NOT_FOUND. */
int objects_find_version(struct storage *storage, int64_t bucket, const char *key,
                         struct object_version version, struct object *object, struct error *error);

/* The body of an object without blob and parts, appended to *out. */
int objects_read_inline(struct storage *storage, uint64_t id, struct buffer *out,
                        struct error *error);

/* Conditions under which a write happens ("Conditional writes", S3 User Guide); ERR_CONFLICT
 * otherwise. */
struct object_condition {
    bool if_absent;       /* If-None-Match: * */
    const char *if_match; /* an ETag without quotes; NULL: none */
};

/* Becomes the key's newest version: with an id of its own where object->versioned says so, else in
 * the place of the null version. `body` is used where the object has neither blob nor parts.
 * ERR_NO_CONTAINER: the bucket is gone. */
int objects_put(struct blobs *blobs, int64_t bucket, const char *key, const struct object *object,
                struct slice body, const struct object_condition *condition, struct error *error);

struct object_removal {
    struct object_version version; /* not given: what the bucket's versioning makes of it */
    enum versioning versioning;    /* of the bucket */
    uint64_t number;               /* of the delete marker to make, if one is made */
    int64_t now_ms;
    uint64_t newest; /* only if this is the id of the key's newest version; 0: whatever it is */
    /* out */
    bool marker; /* a delete marker was made, or was what was deleted */
};

/* ERR_NOT_FOUND when there is nothing to delete (no delete marker is made of it either). */
int objects_delete(struct blobs *blobs, int64_t bucket, const char *key,
                   struct object_removal *removal, struct error *error);

/* Tags of a version; *object, if not NULL, is it as it was found. ERR_NOT_FOUND; ERR_UNSUPPORTED:
 * it is a delete marker. */
int objects_set_tags(struct blobs *blobs, int64_t bucket, const char *key,
                     struct object_version version, const char *tags, struct object *object,
                     struct error *error);

/* Listing, in the order of the keys' bytes. */
struct object_listing {
    struct slice prefix;
    struct slice delimiter; /* empty: none */
    struct slice after;     /* keys and common prefixes beyond it alone; empty: from the start */
    unsigned max;           /* entries: keys and common prefixes together */
};

struct object_listed {
    char *key; /* or a common prefix */
    bool common;
    uint64_t size;
    int64_t modified_ms;
    char *etag; /* NULL for a common prefix */
};

struct object_page {
    struct object_listed *entries;
    size_t count;
    bool truncated; /* there is more after the last entry */
};

int objects_list(struct storage *storage, int64_t bucket, const struct object_listing *listing,
                 struct object_page *page, struct error *error);
void object_page_free(struct object_page *page);

/* Whether a bucket has no object, nor any version of one. 1, 0, or an error. */
int objects_none(struct storage *storage, int64_t bucket, struct error *error);

#endif
