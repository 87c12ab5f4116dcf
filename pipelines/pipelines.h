/* The public interface of this module. */
#ifndef THUMBWHEEL_PIPELINES_H
#define THUMBWHEEL_PIPELINES_H

#include <stdio.h>

#include "error.h"
#include "pipeline.h"

/* Loads and starts libvips (one thread for each operation, no cache, untrusted loaders blocked),
 * unless it is running. Call it before anything is rendered or probed in this process; main thread.
 * sample_make, and loading a pipeline file that needs to know libvips' formats, call it
 * themselves: a process that decodes images in other processes does not need it. ERR_UNSUPPORTED:
 * libvips is not installed. */
int pipelines_start(const char *program, struct error *error);
void pipelines_stop(void);

/* The seam, implemented with libvips. */
extern const struct pipeline_ops vips_pipeline_ops;

/* Its load, for those to whom the first problem is enough. */
int pipeline_load(const char *path, struct pipeline **out, struct error *error);

/* A pipeline of no file, which has every label of the built-in analyser and no outputs. */
int labels_pipeline_make(struct pipeline **out, struct error *error);

/* The form of a pipeline file as a markdown table, as the README shows it. 0, or ERR_IO. */
int pipeline_schema_print(FILE *stream);

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
