#ifndef THUMBWHEEL_SAMPLES_H
#define THUMBWHEEL_SAMPLES_H

#include <stddef.h>

#include "error.h"

/* Sample photographs: see samples.c for what each covers. They are made where they are not there
 * yet, by one thread of this process at a time, and by any number of processes: a file appears
 * under its name whole or not at all. */
size_t samples_count(void);
size_t samples_missing(const char *directory);
/* Makes the one of that index, unless it is there; starts libvips if it has to. Blocking, for up to
 * seconds; any thread. *path is for free(). ERR_IO, ERR_NOT_FOUND: it cannot be written there. */
int sample_make(const char *directory, size_t index, char **path, struct error *error);

/* All of them, into a directory (made if absent). Blocking. The paths are appended to *paths
 * (malloc'd strings in a malloc'd array). Existing files are kept. */
int samples_write(const char *directory, char ***paths, size_t *count, struct error *error);

#endif
