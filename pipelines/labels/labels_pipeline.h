#ifndef THUMBWHEEL_LABELS_PIPELINE_H
#define THUMBWHEEL_LABELS_PIPELINE_H

#include "pipeline.h"

/* A built-in pipeline, without a file, with all labels of the built-in analyser and no outputs. */
int labels_pipeline_make(struct pipeline **out, struct error *error);

#endif
