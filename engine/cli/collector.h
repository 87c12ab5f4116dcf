/*
 * Fetches objects from a store into files, a bounded number at a time. The counterpart of feeder.h,
 * under the same rules: requests on the loop thread, files written on pool threads.
 */
#ifndef THUMBWHEEL_COLLECTOR_H
#define THUMBWHEEL_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "error.h"
#include "object_store.h"

struct collector;

struct collector_item {
    const char *bucket, *key;
    const char *path; /* of the file to write; parents are made */
};

/* Once for each item that was begun. error->code 0: the file is there, whole. */
typedef void collector_fetched(size_t index, uint64_t bytes, const struct error *error, void *user);

struct collector_options {
    struct object_store *store; /* borrowed, as everything here, until the collector is freed */
    const struct collector_item *items;
    size_t count;
    size_t max_bytes;   /* of an object */
    unsigned in_flight; /* 1–16 */
    collector_fetched *fetched;
    void *user;
};

int collector_start(uv_loop_t *loop, const struct collector_options *options,
                    struct collector **out);
bool collector_done(const struct collector *collector);
void collector_free(struct collector *collector); /* when done; NULL is fine */

/* Where an object goes under a directory, for free(): its key, but never outside of the directory,
 * and with no part longer than a file name may be. NULL: no memory. */
char *collector_path(const char *directory, const char *key);

#endif
