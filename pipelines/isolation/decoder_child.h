/* The process in which images are decoded: see isolation.h for why. */
#ifndef THUMBWHEEL_DECODER_CHILD_H
#define THUMBWHEEL_DECODER_CHILD_H

#include "pipeline.h"

typedef void decoder_render(const struct render_source *source,
                            const struct pipeline_limits *limits, struct render_item *items,
                            size_t count);

/* What the executable does when it is started as "decoder": serves renders until its parent goes.
 * Returns (a status for exit) only where it was started by something else. */
int decoder_main(decoder_render *render);

#endif
