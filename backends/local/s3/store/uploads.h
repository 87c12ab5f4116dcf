/*
 * Pending multipart uploads ("Uploading and copying objects using multipart upload", S3 User
 * Guide): a row for each, from its creation until it is completed or aborted. upload_parts.h stores
 * the parts; the upload's number is their owner.
 *
 * All functions: storage thread, in run().
 */
#ifndef THUMBWHEEL_LOCAL_UPLOADS_H
#define THUMBWHEEL_LOCAL_UPLOADS_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "checksum.h"
#include "objects.h"

#define UPLOADS_SCHEMA                                                                             \
    "CREATE TABLE IF NOT EXISTS uploads (id INTEGER PRIMARY KEY, bucket INTEGER NOT NULL, "        \
    "key TEXT NOT NULL, created INTEGER NOT NULL, content_type TEXT NOT NULL, "                    \
    "headers TEXT NOT NULL, tags TEXT NOT NULL, checksum INTEGER NOT NULL, "                       \
    "full_object INTEGER NOT NULL, existed INTEGER NOT NULL DEFAULT 0);"                           \
    "CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket, key, id);"

struct part;

struct multipart_upload {
    uint64_t id;
    int64_t created_ms;
    char *content_type, *headers, *tags; /* of the resulting object: struct object */
    enum checksum_kind checksum;
    bool full_object; /* its checksum covers the whole body, not the parts' checksums */
    bool existed;     /* the key had an object when the upload was created */
};

void upload_clear(struct multipart_upload *upload);

/* Sets `existed` in the row. ERR_NO_CONTAINER: the bucket no longer exists. */
int uploads_create(struct storage *storage, int64_t bucket, const char *key,
                   const struct multipart_upload *upload, struct error *error);
/* ERR_NOT_FOUND: no such upload for this key. *upload owns its strings. */
int uploads_find(struct storage *storage, int64_t bucket, const char *key, uint64_t id,
                 struct multipart_upload *upload, struct error *error);
/* Stores a part of an upload. ERR_NOT_FOUND: the upload has ended meanwhile. */
int uploads_put_part(struct blobs *blobs, int64_t bucket, const char *key, uint64_t id,
                     const struct part *part, struct error *error);
/* Deletes the upload's row; its parts belong to an object. */
int uploads_forget(struct storage *storage, uint64_t id, struct error *error);
/* Deletes it with all of its parts. ERR_NOT_FOUND. */
int uploads_abort(struct blobs *blobs, int64_t bucket, const char *key, uint64_t id,
                  struct error *error);
int uploads_abort_all(struct blobs *blobs, int64_t bucket, struct error *error);

/* Listing, sorted by the bytes of the keys, then by creation. */
struct upload_listing {
    struct slice prefix;
    struct slice delimiter; /* empty: none */
    const char *key_marker; /* after this key or common prefix; "": from the start */
    uint64_t id_marker;     /* or for this key, after this upload; 0: skip this key */
    unsigned max;
};

struct upload_listed {
    char *key; /* or a common prefix */
    bool common;
    uint64_t id;
    int64_t created_ms;
    enum checksum_kind checksum;
    bool full_object;
    char storage_class[OBJECT_CLASS_SIZE];
};

struct upload_page {
    struct upload_listed *entries;
    size_t count;
    bool truncated;
};

int uploads_list(struct storage *storage, int64_t bucket, const struct upload_listing *listing,
                 struct upload_page *page, struct error *error);
void upload_page_free(struct upload_page *page);

#endif
