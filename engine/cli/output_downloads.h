/*
 * Downloads the outputs of a results's photos into files under a directory: objects of the photos'
 * bucket by their key, others under their bucket's name. Each output of the results then has a path
 * or an error. Loop thread.
 */
#ifndef THUMBWHEEL_OUTPUT_DOWNLOADS_H
#define THUMBWHEEL_OUTPUT_DOWNLOADS_H

#include <stdbool.h>
#include <uv.h>

#include "object_store.h"
#include "photo_results.h"

struct output_downloads;

/* store, results and directory are borrowed until the downloads is freed. ERR_MEMORY. */
int output_downloads_start(uv_loop_t *loop, struct object_store *store,
                           struct photo_results *results, const char *directory,
                           struct output_downloads **out);
bool output_downloads_done(const struct output_downloads *downloads);
/* How many of the outputs have been fetched, or cannot be. */
size_t output_downloads_fetched(const struct output_downloads *downloads, size_t *of);
void output_downloads_free(struct output_downloads *downloads); /* when done; NULL is fine */

#endif
