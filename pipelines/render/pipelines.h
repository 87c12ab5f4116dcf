/* The public interface of this module. */
#ifndef THUMBWHEEL_PIPELINES_H
#define THUMBWHEEL_PIPELINES_H

#include <stdio.h>

#include "error.h"
#include "pipeline.h"

/* The seam, implemented with libvips. */
extern const struct pipeline_ops vips_pipeline_ops;

/* Its load, which starts libvips if it must know what this one can write. */
int pipelines_load(const char *path, struct pipeline **out, struct problem_list *problems);
/* The same, but reports only the first problem. */
int pipeline_load(const char *path, struct pipeline **out, struct error *error);

/* The form of a pipeline file as a markdown table, as docs/pipelines.md shows it. 0, or ERR_IO. */
int pipeline_schema_print(FILE *stream);

#endif
