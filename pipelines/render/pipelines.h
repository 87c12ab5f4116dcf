/* The public interface of this module. */
#ifndef THUMBWHEEL_PIPELINES_H
#define THUMBWHEEL_PIPELINES_H

#include <stdio.h>

#include "error.h"
#include "pipeline.h"

/* The seam, implemented with libvips. */
extern const struct pipeline_ops vips_pipeline_ops;

/* Its render function without manifests, for a decoder process: the engine makes them. */
void pipelines_render_images(const struct render_source *source,
                             const struct pipeline_limits *limits, struct render_item *items,
                             size_t count);

/* Its load function, which starts libvips if it must know which formats can be written. */
int pipelines_load(const char *path, struct pipeline **out, struct problem_list *problems);
/* The same, but reports only the first problem. */
int pipeline_load(const char *path, struct pipeline **out, struct error *error);

/* Prints the format of a pipeline file as a Markdown table, for docs/pipelines.md. 0 or ERR_IO. */
int pipeline_schema_print(FILE *stream);

#endif
