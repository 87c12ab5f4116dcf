/*
 * Fetches objects from a store into files, a bounded number at a time. The counterpart of
 * photo_uploader.h, under the same rules: requests on the loop thread, files written on pool
 * threads.
 */
#ifndef THUMBWHEEL_OBJECT_DOWNLOADER_H
#define THUMBWHEEL_OBJECT_DOWNLOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "error.h"
#include "object_store.h"

struct object_downloader;

struct object_download {
    const char *bucket, *key;
    const char *path; /* of the file to write; parents are made */
};

/* Once for each item that was begun. error->code 0: the file is there, whole. */
typedef void object_downloaded(size_t index, uint64_t bytes, const struct error *error, void *user);

struct object_downloader_options {
    struct object_store *store; /* borrowed, as everything here, until the downloader is freed */
    const struct object_download *items;
    size_t count;
    size_t max_bytes;   /* of an object */
    unsigned in_flight; /* 1–16 */
    object_downloaded *fetched;
    void *user;
};

int object_downloader_start(uv_loop_t *loop, const struct object_downloader_options *options,
                            struct object_downloader **out);
bool object_downloader_done(const struct object_downloader *downloader);
void object_downloader_free(struct object_downloader *downloader); /* when done; NULL is fine */

/* Where an object goes under a directory, for free(): its key, but never outside of the directory,
 * and with no part longer than a file name may be. NULL: no memory. */
char *object_download_path(const char *directory, const char *key);

#endif
