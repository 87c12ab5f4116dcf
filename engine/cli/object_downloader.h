/*
 * Downloads objects from a store into files, with a bounded number of concurrent downloads. As in
 * photo_uploader.h, requests run on the loop thread, and files are written on pool threads.
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
    const char *path; /* of the file to write; parent directories are created */
};

/* Called once for each started item. error->code 0: the file was written completely. */
typedef void object_downloaded(size_t index, uint64_t bytes, const struct error *error, void *user);

struct object_downloader_options {
    struct object_store *store; /* borrowed, like all pointers here, until the downloader is
                                 * freed */
    const struct object_download *items;
    size_t count;
    size_t max_bytes;   /* largest size of an object */
    unsigned in_flight; /* 1–16 */
    object_downloaded *fetched;
    void *user;
};

int object_downloader_start(uv_loop_t *loop, const struct object_downloader_options *options,
                            struct object_downloader **out);
bool object_downloader_done(const struct object_downloader *downloader);
void object_downloader_free(struct object_downloader *downloader); /* only when done; NULL: does
                                                                    * nothing */

/* The path of an object's file under a directory, to be freed by the caller: its key, but never
 * outside of the directory, and with no component longer than a file name may be. NULL: out of
 * memory. */
char *object_download_path(const char *directory, const char *key);

#endif
