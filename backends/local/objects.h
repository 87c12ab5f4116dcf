/*
 * The index of objects: a row for each (bucket, key). Small bodies lie in the database, large ones
 * in a blob file, and what was uploaded in parts in a blob file for each part.
 *
 * A row's id is the number that was taken when its PUT was committed: unique, rising for the life
 * of the data directory, and so the sequencer of its event. A blob has a number of its own, from
 * when its upload began.
 *
 * All functions: storage thread, in run().
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
    "CREATE TABLE IF NOT EXISTS object_parts (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL);"

enum { OBJECT_INLINE_MAX = 16 * 1024 };

struct object {
    uint64_t id;
    uint64_t size;
    int64_t modified_ms;
    uint64_t blob;  /* the file of the body; 0: it is in parts or in the database */
    uint64_t owner; /* of its parts (parts.h); 0: it has none */
    char *etag;     /* without quotes */
    char *content_type;
    char *headers; /* "name: value\n" each, returned with the object: Cache-Control, x-amz-meta-… */
    char *tags;    /* form-encoded, "a=b&c=d" */
    char *checksum; /* "name: value" as a header, or empty */
};

void object_clear(struct object *object);

/* ERR_NOT_FOUND. On success *object owns its strings. */
int objects_find(struct storage *storage, int64_t bucket, const char *key, struct object *object,
                 struct error *error);

/* The body of an object without blob and parts, appended to *out. */
int objects_read_inline(struct storage *storage, uint64_t id, struct buffer *out,
                        struct error *error);

/* Conditions under which a write happens ("Conditional writes", S3 User Guide); ERR_CONFLICT
 * otherwise. */
struct object_condition {
    bool if_absent;       /* If-None-Match: * */
    const char *if_match; /* an ETag without quotes; NULL: none */
};

/* Replaces what is there. `body` is used where the object has neither blob nor parts.
 * ERR_NO_CONTAINER: the bucket is gone. */
int objects_put(struct blobs *blobs, int64_t bucket, const char *key, const struct object *object,
                struct slice body, const struct object_condition *condition, struct error *error);

/* ERR_NOT_FOUND when there is nothing to delete. */
int objects_delete(struct blobs *blobs, int64_t bucket, const char *key, struct error *error);

/* ERR_NOT_FOUND. */
int objects_set_tags(struct storage *storage, int64_t bucket, const char *key, const char *tags,
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

/* Whether a bucket has no object. 1, 0, or an error. */
int objects_none(struct storage *storage, int64_t bucket, struct error *error);

#endif
