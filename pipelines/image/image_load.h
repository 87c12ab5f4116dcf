/* A source before decoding: format, limits, opening. */
#ifndef THUMBWHEEL_IMAGE_LOAD_H
#define THUMBWHEEL_IMAGE_LOAD_H

#include "error.h"
#include "image_damage.h"
#include "image_format.h"
#include "pipeline.h"
#include "plan.h"
#include "resample.h"
#include "vips_api.h"

struct image_source {
    struct slice bytes; /* borrowed */
    enum image_format format;
    unsigned page; /* from 1; 0: the one that is meant if none is named */
    struct image_facts facts;
    struct plan_size
        upright; /* of one frame, after orientation; of a drawing, enlarged (image_draw.h) */
    struct plan_size drawn; /* of a drawing: in this size it is opened; 0 × 0: its own */
    double enlarged;        /* upright in comparison with facts; 1, except for drawings */
    struct image_state state;
    bool checked;          /* opened to find out whether its pixels are complete */
    bool deep;             /* more than 8 bits per channel */
    unsigned sample_bytes; /* per channel of a pixel */
    /* progressive or interlaced: decoded in several passes over the whole picture */
    bool interlaced;
    bool subsampled; /* 4:2:0: a quarter of the colour samples */
    bool foreign;    /* its colours are neither sRGB nor plain grey */
    bool cmyk;
    unsigned alpha_band; /* if the file says which one it is; else 0 */
    bool grey;           /* one channel of colour */
};

extern const struct pipeline_limits image_limits_default;

/* Reads the header. Of the limits, formats are checked; for BMP and ICO, which are decoded as a
 * whole, also the size. ERR_UNSUPPORTED: the format is not supported; ERR_CORRUPT: the header is
 * broken; ERR_LIMIT: the metadata is too large (image_metadata.h). *header (may be NULL) is the
 * opened image, for its metadata; no pixels have been decoded. */
int image_probe(struct slice bytes, const struct pipeline_limits *limits, struct image_source *out,
                VipsImage **header, struct error *error);

/* Of the source's page, from 0. */
unsigned image_page_index(const struct image_source *source);
/* The number in image_source of a page that an output names: 0 if it is the same as without. */
unsigned image_page(const struct image_source *source, int page);
/* Reads the header of another page of a source that image_probe has read. ERR_UNSUPPORTED, also:
 * there is no such page; ERR_CORRUPT; ERR_LIMIT: too many frames precede it. */
int image_probe_page(const struct image_source *first, unsigned page,
                     const struct pipeline_limits *limits, struct image_source *out,
                     VipsImage **header, struct error *error);

/* ERR_LIMIT. Sizes of 0 in the limits mean the defaults in pipeline.h. */
int image_check_bytes(size_t size, const struct pipeline_limits *limits, struct error *error);
int image_check_limits(const struct image_source *source, const struct pipeline_limits *limits,
                       struct error *error);
/* The same limit for a rendition. */
int image_check_size(struct plan_size size, const struct pipeline_limits *limits,
                     struct error *error);
/* For an output that keeps all frames. ERR_LIMIT: there are too many, or together they exceed the
 * pixel limit. */
int image_check_animation(const struct image_source *source, const struct pipeline_limits *limits,
                          struct error *error);

/* The largest of 1, 2, 4, 8, up to `wanted`, by which the format's decoder can divide. */
unsigned image_shrink(const struct image_source *source, unsigned wanted);
/* Bytes that image_open needs for a changed copy of the source. */
size_t image_copied_bytes(const struct image_source *source, unsigned shrink);

/* Opens the image for one pass from top to bottom, its sides divided by shrink. *extent is what the
 * decoded pixels cover. ERR_CORRUPT, ERR_MEMORY. */
int image_open(const struct image_source *source, unsigned shrink, struct resample_extent *extent,
               VipsImage **out);
/* Decodes and resizes in one step, which is faster; only for the usual kind of JPEG, and to a smaller
 * size than shrink alone gives. header: of image_probe. ERR_UNSUPPORTED: image_open will do, and
 * tells what is wrong with the file, if anything is. ERR_MEMORY. */
int image_open_resized(const struct image_source *source, unsigned shrink, struct plan_size to,
                       VipsImage *header, VipsImage **out);
/* All frames, one below the other. ERR_CORRUPT, ERR_MEMORY. */
int image_open_frames(const struct image_source *source, VipsImage **out);
/* Whether libvips was built for a format, and has the module for it. */
bool image_can_open(enum image_format format);
/* NULL: it is damaged. No pixels are decoded. */
VipsImage *image_open_header(const struct image_source *source);

/* After the decoder has reported damage: the source is opened in a more tolerant way from now on
 * (source->state). False: there is none. */
bool image_degrade(struct image_source *source);

/* Before the source is opened, and after its pixels have been decoded and the image has been closed:
 * ERR_CORRUPT if the decoder of a JPEG has found damage inside, unless that is tolerated. */
void image_damage_begin(void);
int image_damage_end(struct image_source *source);

int image_fail_truncated(const struct image_source *source, struct error *error);
int image_fail_corrupt(const struct image_source *source, struct error *error);

#endif
