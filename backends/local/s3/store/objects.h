/*
 * The index of objects: a row for each (bucket, key). Small bodies are in the database, large ones
 * in a blob file, and multipart objects in a blob file for each part.
 *
 * If a bucket keeps versions ("Using versioning in S3 buckets", S3 User Guide), the newest version
 * of a key is in `objects`, unless it is a delete marker; older ones and delete markers are in
 * `object_history`, whose rows have otherwise the same columns (object_history.c). So access to
 * current objects costs the same with and without versions, and a bucket that never had versions
 * has no rows there. A version's id is that of its row; an object stored while the bucket kept no
 * versions is the key's null version, and there is at most one.
 *
 * A row's id is the number that was assigned when its PUT was committed. It is unique and increases
 * for the lifetime of the data directory, so it is also the sequencer of the object's event. A blob
 * has its own number, assigned when its upload began.
 *
 * All functions except object_clear and object_copy: storage thread, in run(). Those that change
 * something record the change (object_changes.h).
 */
#ifndef THUMBWHEEL_LOCAL_OBJECTS_H
#define THUMBWHEEL_LOCAL_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "blobs.h"
#include "bytes.h"
#include "object_placement.h"
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

/* Selects a version of a key: unspecified, by id, or (id 0) the null version. */
struct object_version {
    bool given;
    uint64_t id;
};

struct object {
    uint64_t id;
    bool versioned; /* its id is its version id; false: the null version */
    bool marker;    /* a delete marker, without content */
    uint64_t size;
    int64_t modified_ms;
    uint64_t blob;  /* the file of the body; 0: the body is in parts or in the database */
    uint64_t owner; /* owner of its parts (upload_parts.h); 0: none */
    char *etag;     /* without quotes */
    char *content_type;
    char *headers; /* "name: value\n" each, returned with the object: Cache-Control, x-amz-meta-… */
    char *tags;    /* form-encoded, "a=b&c=d" */
    char *checksum; /* "name: value" as a header, or empty */
};

void object_clear(struct object *object); /* any thread */
/* Copies all strings. ERR_MEMORY: *to is empty. Any thread. */
int object_copy(struct object *to, const struct object *from);

/* ERR_NOT_FOUND. On success *object owns its strings. */
int objects_find(struct storage *storage, int64_t bucket, const char *key, struct object *object,
                 struct error *error);
/* Any version, including delete markers; unspecified: the key's newest. ERR_NOT_FOUND. */
int objects_find_version(struct storage *storage, int64_t bucket, const char *key,
                         struct object_version version, struct object *object, struct error *error);

/* Appends the body of an object without blob and parts to *out. */
int objects_read_inline(struct storage *storage, uint64_t id, struct buffer *out,
                        struct error *error);

/* Conditions for a write ("Conditional writes", S3 User Guide); ERR_CONFLICT if they are not
 * met. */
struct object_condition {
    bool if_absent;       /* If-None-Match: * */
    const char *if_match; /* an ETag without quotes; NULL: none */
};

/* Stores the key's newest version: with its own id if object->versioned is set, else replacing the
 * null version. `body` is used if the object has neither blob nor parts. ERR_NO_CONTAINER: the
 * bucket no longer exists. */
int objects_put(struct blobs *blobs, int64_t bucket, const char *key, const struct object *object,
                struct slice body, const struct object_condition *condition, struct error *error);

/* What the key's newest version must be ("Conditional deletes", S3 User Guide). */
struct object_expectation {
    const char *etag; /* without quotes, or * for any; NULL: not asked */
    bool has_size, has_modified;
    uint64_t size;
    int64_t modified_s; /* Unix seconds */
};

struct object_removal {
    struct object_version version; /* unspecified: the bucket's versioning determines the effect */
    enum versioning versioning;    /* of the bucket */
    uint64_t number;               /* id of the delete marker, if one is created */
    int64_t now_ms;
    uint64_t newest; /* only if this is the id of the key's newest version; 0: unconditional */
    const struct object_expectation *expected; /* borrowed; NULL: unconditional */
    /* out */
    bool marker; /* a delete marker was created or deleted */
};

/* ERR_NOT_FOUND: there is nothing to delete (and no delete marker was created). ERR_CONFLICT: it is
 * not what was expected. */
int objects_delete(struct blobs *blobs, int64_t bucket, const char *key,
                   struct object_removal *removal, struct error *error);

/* Sets the tags of a version; *object, if not NULL, is set to the version before the change.
 * ERR_NOT_FOUND; ERR_UNSUPPORTED: it is a delete marker. */
int objects_set_tags(struct blobs *blobs, int64_t bucket, const char *key,
                     struct object_version version, const char *tags, struct object *object,
                     struct error *error);

/* Listing, sorted by the bytes of the keys. */
struct object_listing {
    struct slice prefix;
    struct slice delimiter; /* empty: none */
    /* only keys and common prefixes after this one; empty: from the start */
    struct slice after;
    bool skips_common; /* also not the common prefix of `after` */
    unsigned max;      /* maximum number of entries (keys and common prefixes) */
};

struct object_listed {
    char *key; /* or a common prefix */
    bool common;
    uint64_t size;
    int64_t modified_ms;
    char *etag;     /* NULL for a common prefix */
    char *checksum; /* as in struct object; NULL for a common prefix */
    char storage_class[OBJECT_CLASS_SIZE];
    int64_t restored_until_ms; /* see object_archive.h; 0: there is no restored copy */
};

struct object_page {
    struct object_listed *entries;
    size_t count;
    bool truncated; /* more entries follow the last one */
};

int objects_list(struct storage *storage, int64_t bucket, const struct object_listing *listing,
                 struct object_page *page, struct error *error);
void object_page_free(struct object_page *page);

/* Whether a bucket has neither objects nor versions. 1, 0, or an error. */
int objects_none(struct storage *storage, int64_t bucket, struct error *error);

#endif
