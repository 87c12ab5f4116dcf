/* Renders one source, decoded once, for all items. */
#ifndef THUMBWHEEL_RENDER_H
#define THUMBWHEEL_RENDER_H

#include "pipeline.h"

/* See pipeline.h. Any worker thread. */
void render(const struct render_source *source, const struct pipeline_limits *limits,
            struct render_item *items, size_t count);

#endif
