/* The process in which images are decoded: see isolation.h for why. */
#ifndef THUMBWHEEL_DECODER_CHILD_H
#define THUMBWHEEL_DECODER_CHILD_H

#include "pipeline.h"

typedef void decoder_render(const struct render_source *source,
                            const struct pipeline_limits *limits, struct render_item *items,
                            size_t count);

/* The main function of the executable when it is started as "decoder": serves renders until its
 * parent exits. Returns an exit status only if something other than the engine started it. */
int decoder_main(decoder_render *render);

#endif
