/*
 * Labels one image outside of a job, with the built-in analyser. It renders a pipeline that has
 * labels and no outputs through pipeline.h, so the limits and the isolation of a job's image apply.
 */
#ifndef THUMBWHEEL_IMAGE_ANALYSER_H
#define THUMBWHEEL_IMAGE_ANALYSER_H

#include <stdatomic.h>

#include "pipeline.h"

struct image_analyser { /* must not change while it is used */
    const struct pipeline_ops *ops;
    struct pipeline *pipeline;
    struct pipeline_limits limits;
    unsigned at_once; /* concurrent images; at least 1 */
};

/* Call it on a thread of libuv's pool. *cancelled is checked while it waits for the decoder. *out:
 * all labels, best first. ERR_CANCELLED, and the codes of a struct render_item's error. */
int image_analyse(const struct image_analyser *analyser, struct slice image,
                  const atomic_bool *cancelled, struct label_set *out, struct error *error);

#endif
