/* A source before its pixels: what it is, whether it is within the limits, and how it is opened. */
#ifndef THUMBWHEEL_IMAGE_LOAD_H
#define THUMBWHEEL_IMAGE_LOAD_H

#include "error.h"
#include "image_format.h"
#include "pipeline.h"
#include "plan.h"
#include "vips_api.h"

struct image_source {
    struct slice bytes; /* borrowed */
    enum image_format format;
    struct image_facts facts;
    struct plan_size upright; /* of one frame, after orientation */
    bool deep;                /* more than 8 bits a channel */
    unsigned sample_bytes;    /* of a channel of a pixel */
    bool interlaced;          /* progressive or interlaced: several passes over the whole picture */
    bool subsampled;          /* 4:2:0: a quarter as many values of colour */
    bool foreign;             /* its colours are not sRGB's or plain grey */
    bool cmyk;
};

/* Reads the header. ERR_UNSUPPORTED: not a format that we read; ERR_CORRUPT: its header is broken.
 * ERR_LIMIT: its metadata are too large (image_metadata.h).
 * *header (may be NULL) is the opened image, for its metadata; no pixel of it has been decoded. */
int image_probe(struct slice bytes, struct image_source *out, VipsImage **header,
                struct error *error);

/* ERR_LIMIT. Sizes of 0 in the limits stand for the defaults in pipeline.h. */
int image_check_bytes(size_t size, const struct pipeline_limits *limits, struct error *error);
int image_check_limits(const struct image_source *source, const struct pipeline_limits *limits,
                       struct error *error);
/* The same limit for a rendition. */
int image_check_size(struct plan_size size, const struct pipeline_limits *limits,
                     struct error *error);
/* ERR_LIMIT: all frames together exceed the pixel limit. */
int image_check_animation(const struct image_source *source, const struct pipeline_limits *limits,
                          struct error *error);

/* The largest of 1, 2, 4, 8 that the format's decoder can divide by at no cost in quality, up to
 * `wanted`. */
unsigned image_shrink(const struct image_source *source, unsigned wanted);

/* Opens for one pass from top to bottom, the sides divided by shrink. NULL: ERR_CORRUPT. */
VipsImage *image_open(const struct image_source *source, unsigned shrink);
/* All frames, one below the other. */
VipsImage *image_open_frames(const struct image_source *source);

int image_fail_corrupt(const struct image_source *source, struct error *error);

#endif
