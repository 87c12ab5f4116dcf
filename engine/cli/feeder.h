/*
 * The photo feeder: sends local files to an object store, a bounded number at a time.
 *
 * Files are read on pool threads, one request each; everything else happens on the loop thread.
 * Memory is bounded by in_flight × max_bytes.
 */
#ifndef THUMBWHEEL_FEEDER_H
#define THUMBWHEEL_FEEDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "error.h"
#include "object_store.h"

struct feeder;

struct feeder_item {
    const char *path; /* of the file */
    const char *key;  /* what it becomes */
};

/* Once for each item that was begun. error->code 0: the store has it. */
typedef void feeder_sent(size_t index, uint64_t bytes, const struct error *error, void *user);

struct feeder_options {
    struct object_store *store; /* borrowed, as everything here, until the feeder is freed */
    const char *bucket;
    const struct feeder_item *items;
    size_t count;
    size_t max_bytes;   /* of a file */
    unsigned in_flight; /* 1–16 */
    feeder_sent *sent;
    void *user;
};

/* Begins. ERR_MEMORY. */
int feeder_start(uv_loop_t *loop, const struct feeder_options *options, struct feeder **out);
/* Begins no more; those under way end as they do. */
void feeder_stop(struct feeder *feeder);
/* Nothing is under way and nothing will begin. */
bool feeder_done(const struct feeder *feeder);
void feeder_free(struct feeder *feeder); /* when done; NULL is fine */

#endif
