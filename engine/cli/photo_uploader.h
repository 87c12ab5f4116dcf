/*
 * The photo uploader: sends local files to an object store, a bounded number at a time.
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
    const char *path; /* of the file */
    const char *key;  /* what it becomes */
};

/* Once for each item that was begun. error->code 0: the store has it. */
typedef void photo_uploaded(size_t index, uint64_t bytes, const struct error *error, void *user);

struct photo_uploader_options {
    struct object_store *store; /* borrowed, as everything here, until the uploader is freed */
    const char *bucket;
    const struct photo_upload *items;
    size_t count;
    size_t max_bytes;   /* of a file */
    unsigned in_flight; /* 1–16 */
    photo_uploaded *sent;
    void *user;
};

/* Begins. ERR_MEMORY. */
int photo_uploader_start(uv_loop_t *loop, const struct photo_uploader_options *options,
                         struct photo_uploader **out);
/* Begins no more; those under way end as they do. */
void photo_uploader_stop(struct photo_uploader *uploader);
/* Nothing is under way and nothing will begin. */
bool photo_uploader_done(const struct photo_uploader *uploader);
void photo_uploader_free(struct photo_uploader *uploader); /* when done; NULL is fine */

#endif
