/* Pipelines of which a test sets the facts; they make no outputs. */
#ifndef THUMBWHEEL_TESTS_PLAIN_PIPELINES_H
#define THUMBWHEEL_TESTS_PLAIN_PIPELINES_H

#include "pipeline.h"

struct pipeline { /* the seam's opaque type */
    struct pipeline_facts facts;
};

extern const struct pipeline_ops plain_pipeline_ops;

#endif
