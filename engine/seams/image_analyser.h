/*
 * Labels one image without a job, with the built-in analyser: a pipeline that has labels and no
 * outputs, rendered through pipeline.h, so with the limits and the isolation of a job's image.
 */
#ifndef THUMBWHEEL_IMAGE_ANALYSER_H
#define THUMBWHEEL_IMAGE_ANALYSER_H

#include <stdatomic.h>

#include "pipeline.h"

struct image_analyser { /* does not change while it is used */
    const struct pipeline_ops *ops;
    struct pipeline *pipeline;
    struct pipeline_limits limits;
    unsigned at_once; /* images that may be under way; at least 1 */
};

/* A thread of libuv's pool. cancelled is looked at while it waits for the decoder. *out: every
 * label, best first. ERR_CANCELLED, and the codes of a struct render_item's error. */
int image_analyse(const struct image_analyser *analyser, struct slice image,
                  const atomic_bool *cancelled, struct label_set *out, struct error *error);

#endif
