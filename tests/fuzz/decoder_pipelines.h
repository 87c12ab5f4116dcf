/* Pipelines for the targets of the decoder's wire and their seeds. */
#ifndef THUMBWHEEL_TESTS_FUZZ_DECODER_PIPELINES_H
#define THUMBWHEEL_TESTS_FUZZ_DECODER_PIPELINES_H

#include "pipeline_file.h"

enum { DECODER_PIPELINES = 2 };

struct pipeline *decoder_pipeline(size_t index);

extern const struct render_source decoder_source;

#endif
