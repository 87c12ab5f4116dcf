/* The public interface of this module. */
#ifndef THUMBWHEEL_PIPELINES_H
#define THUMBWHEEL_PIPELINES_H

#include <stdio.h>

#include "error.h"
#include "pipeline.h"

/* Loads and starts libvips (one thread for each operation, no cache, untrusted loaders blocked),
 * unless it is running. Call it before anything is rendered or probed in this process; main thread.
 * samples_write, and loading a pipeline file that needs to know libvips' formats, call it
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

/* Writes sample photographs into a directory (made if absent): see samples.c for what each covers.
 * Blocking. The paths are appended to *paths (malloc'd strings in a malloc'd array). Existing files
 * are kept. */
int samples_write(const char *directory, char ***paths, size_t *count, struct error *error);

#endif
