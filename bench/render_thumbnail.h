/* The usual way, to compare with. */
#ifndef THUMBWHEEL_BENCH_RENDER_THUMBNAIL_H
#define THUMBWHEEL_BENCH_RENDER_THUMBNAIL_H

#include "bytes.h"
#include "pipeline.h"

/* Each output with a vips_thumbnail_buffer of its own, as a JPEG. 0, or -1 when one failed. */
int render_thumbnail(struct slice image, const struct pipeline *pipeline, size_t *made,
                     size_t *bytes);

#endif
