/*
 * Uploads local files to an object store, with a bounded number of concurrent uploads.
 *
 * Files are read on pool threads, one request each; everything else happens on the loop thread.
 * Memory is bounded by in_flight × max_bytes.
 */
#ifndef THUMBWHEEL_PHOTO_UPLOADER_H
#define THUMBWHEEL_PHOTO_UPLOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "error.h"
#include "object_store.h"

struct photo_uploader;

struct photo_upload {
    const char *path; /* path of the file */
    const char *key;  /* key of the object */
};

/* Called once for each started item. error->code 0: it was stored. */
typedef void photo_uploaded(size_t index, uint64_t bytes, const struct error *error, void *user);

struct photo_uploader_options {
    struct object_store *store; /* borrowed, like all pointers here, until the uploader is freed */
    const char *bucket;
    const struct photo_upload *items;
    size_t count;
    size_t max_bytes;   /* largest size of a file */
    unsigned in_flight; /* 1–16 */
    photo_uploaded *sent;
    void *user;
};

/* Starts uploading. ERR_MEMORY. */
int photo_uploader_start(uv_loop_t *loop, const struct photo_uploader_options *options,
                         struct photo_uploader **out);
/* Starts no more uploads; pending ones complete. */
void photo_uploader_stop(struct photo_uploader *uploader);
/* No upload is pending, and none will start. */
bool photo_uploader_done(const struct photo_uploader *uploader);
void photo_uploader_free(struct photo_uploader *uploader); /* only when done; NULL: does nothing */

#endif
