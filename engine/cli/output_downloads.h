/*
 * Downloads the outputs of the photos into files under a directory: objects of the photos' bucket
 * by their key, others under their bucket's name. Afterwards each output in the results has a path
 * or an error. Loop thread.
 */
#ifndef THUMBWHEEL_OUTPUT_DOWNLOADS_H
#define THUMBWHEEL_OUTPUT_DOWNLOADS_H

#include <stdbool.h>
#include <uv.h>

#include "object_store.h"
#include "photo_results.h"

struct output_downloads;

/* store, results and directory are borrowed until output_downloads_free. ERR_MEMORY. */
int output_downloads_start(uv_loop_t *loop, struct object_store *store,
                           struct photo_results *results, const char *directory,
                           struct output_downloads **out);
bool output_downloads_done(const struct output_downloads *downloads);
/* The number of outputs that were downloaded or failed. */
size_t output_downloads_fetched(const struct output_downloads *downloads, size_t *of);
void output_downloads_free(struct output_downloads *downloads); /* only when done; NULL: does
                                                                 * nothing */

#endif
