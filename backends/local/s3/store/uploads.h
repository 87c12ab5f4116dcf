/*
 * Multipart uploads under way ("Uploading and copying objects using multipart upload", S3 User
 * Guide): a row each, from its creation until it is completed or aborted. Its parts are in upload_parts.h;
 * its number is their owner.
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
    "full_object INTEGER NOT NULL);"                                                               \
    "CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket, key, id);"

struct part;

struct multipart_upload {
    uint64_t id;
    int64_t created_ms;
    char *content_type, *headers, *tags; /* of the object to be: struct object */
    enum checksum_kind checksum;
    bool full_object; /* its checksum is of the whole body, not of the parts' checksums */
};

void upload_clear(struct multipart_upload *upload);

/* ERR_NO_CONTAINER: the bucket is gone. */
int uploads_create(struct storage *storage, int64_t bucket, const char *key,
                   const struct multipart_upload *upload, struct error *error);
/* ERR_NOT_FOUND: there is none of that number under that name. *upload owns its strings. */
int uploads_find(struct storage *storage, int64_t bucket, const char *key, uint64_t id,
                 struct multipart_upload *upload, struct error *error);
/* Puts a part of an upload, which may have ended meanwhile: ERR_NOT_FOUND. */
int uploads_put_part(struct blobs *blobs, int64_t bucket, const char *key, uint64_t id,
                     const struct part *part, struct error *error);
/* The upload's row ends; its parts are somebody else's. */
int uploads_forget(struct storage *storage, uint64_t id, struct error *error);
/* With all of its parts. ERR_NOT_FOUND. */
int uploads_abort(struct blobs *blobs, int64_t bucket, const char *key, uint64_t id,
                  struct error *error);
int uploads_abort_all(struct blobs *blobs, int64_t bucket, struct error *error);

/* Listing, in the order of the keys' bytes, then of creation. */
struct upload_listing {
    struct slice prefix;
    struct slice delimiter; /* empty: none */
    const char *key_marker; /* beyond this key or common prefix; "": from the start */
    uint64_t id_marker;     /* or of this key, beyond this upload; 0: none of this key */
    unsigned max;
};

struct upload_listed {
    char *key; /* or a common prefix */
    bool common;
    uint64_t id;
    int64_t created_ms;
    enum checksum_kind checksum;
    bool full_object;
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
