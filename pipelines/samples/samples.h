#ifndef THUMBWHEEL_SAMPLES_H
#define THUMBWHEEL_SAMPLES_H

#include <stddef.h>

#include "error.h"

/* Sample photographs; samples.c describes what each covers. Missing files are created, by one
 * thread of this process at a time and by any number of processes: files are created atomically. */
size_t samples_count(void);
size_t samples_missing(const char *directory);
/* Creates the sample with that index unless it exists; starts libvips if necessary. Blocks for up
 * to some seconds; any thread. *path is for free(). ERR_IO, ERR_NOT_FOUND: it cannot be written
 * there. */
int sample_make(const char *directory, size_t index, char **path, struct error *error);

/* Creates all samples in a directory (created if absent). Blocking. The paths are appended to
 * *paths (malloc'd strings in a malloc'd array). Existing files are kept. */
int samples_write(const char *directory, char ***paths, size_t *count, struct error *error);

#endif
