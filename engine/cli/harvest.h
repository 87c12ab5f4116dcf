/*
 * Downloads the outputs of a ledger's photos into files under a directory: objects of the photos'
 * bucket by their key, others under their bucket's name. Each output of the ledger then has a path
 * or an error. Loop thread.
 */
#ifndef THUMBWHEEL_HARVEST_H
#define THUMBWHEEL_HARVEST_H

#include <stdbool.h>
#include <uv.h>

#include "ledger.h"
#include "object_store.h"

struct harvest;

/* store, ledger and directory are borrowed until the harvest is freed. ERR_MEMORY. */
int harvest_start(uv_loop_t *loop, struct object_store *store, struct ledger *ledger,
                  const char *directory, struct harvest **out);
bool harvest_done(const struct harvest *harvest);
/* How many of the outputs have been fetched, or cannot be. */
size_t harvest_fetched(const struct harvest *harvest, size_t *of);
void harvest_free(struct harvest *harvest); /* when done; NULL is fine */

#endif
