/*
 * Where a backfill continues: a small JSON file in $XDG_STATE_HOME/thumbwheel (~/.local/state). Its
 * name is made of what the backfill does, so that the same command finds it. Blocking.
 */
#ifndef THUMBWHEEL_CHECKPOINT_H
#define THUMBWHEEL_CHECKPOINT_H

#include <stddef.h>

#include "error.h"

/* The path for a backfill that these texts describe, for free(); NULL: out of memory, or there is no
 * home directory. */
char *checkpoint_path(const char *const *parts, size_t count);
/* *after: the key, for free(); NULL: there is no checkpoint. ERR_CORRUPT: the file is not one. */
int checkpoint_read(const char *path, char **after, struct error *error);
/* Replaces the file in one step. */
int checkpoint_write(const char *path, const char *after, struct error *error);
void checkpoint_remove(const char *path);

#endif
