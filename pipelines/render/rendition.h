/*
 * One output of one item: from the picture of its stage to encoded bytes with a name.
 *
 *     rendition_plan.c         format, what is kept of the source, sizes
 *     rendition.c              the picture
 *     rendition_placeholder.c  its placeholders
 *     rendition_finish.c       its bytes and its name; twins
 */
#ifndef THUMBWHEEL_RENDITION_H
#define THUMBWHEEL_RENDITION_H

#include "image_load.h"
#include "pipeline.h"
#include "pipeline_file.h"
#include "plan.h"

struct render_output {
    struct render_item *item;
    const struct output_config *config;
    struct rendition *made;   /* in the item's array */
    enum image_format format; /* with FORMAT_AUTO: for which the picture is composed */
    unsigned candidates;      /* the formats that it may get: bits of enum image_format */
    struct plan_kind kind;    /* of its stage */
    struct plan_box part;     /* of the upright source that remains after trim */
    struct plan_turn turn;
    struct plan_placement place; /* of the turned picture */
    struct plan_size stage;      /* the size before it is turned */
    struct plan_size canvas;     /* the final size and its padding */
    struct plan_point focal;     /* of the upright source; if config has one */
    bool crop_first;             /* then enlarged, because the whole picture would be too large */
    bool animated;               /* keeps all frames: does not use the stages */
};

/* Fills all members except output->config, made and item. region is the part's number in the plan,
 * 0 if it is the whole source; from has the points that the source's metadata and tags name. */
void rendition_plan(struct render_output *output, const struct image_source *source,
                    const struct render_source *from, size_t region, const struct plan_box *part);
/* After rendition_plan, if the part is not known yet: makes the sizes those that no part of the
 * source exceeds. */
void rendition_bound(struct render_output *output);

/* After rendition_plan, if the whole picture would exceed the limit: plans to crop before
 * enlarging. Nothing changes if the output is not of this kind. */
void rendition_crop_first(struct render_output *output);

/* Of a planned output: whether it has the source's 16 bits, and its colours with their profile. */
bool rendition_keeps_depth(const struct render_output *output, const struct image_source *source);
bool rendition_keeps_colours(const struct render_output *output, const struct image_source *source);

/* Converts the stage's picture to the final one: crop or margins, background, colours. Replaces
 * *image. */
int rendition_compose(VipsImage **image, const struct render_output *output,
                      const struct image_source *source, VipsImage *header, struct error *error);
/* Encodes and names the picture; frames is its number of frames. */
int rendition_finish(VipsImage *image, const struct render_output *output,
                     const struct render_source *source, unsigned frames, struct error *error);
/* The placeholders of an output, of the picture that rendition_finish encodes. */
int rendition_placeholders(VipsImage *image, const struct render_output *output,
                           struct error *error);
/* Whether two outputs of one stage have the same bytes, and a has the placeholders of b. */
bool rendition_is_twin(const struct render_output *a, const struct render_output *b);
/* Copies the encoded bytes for a twin, which has its own name. */
int rendition_copy(const struct render_output *output, const struct render_output *twin,
                   const struct render_source *source, struct error *error);

/* The key of the item's sidecar, if its labels have one. */
int rendition_name_sidecar(struct render_item *item, const struct render_source *source,
                           struct plan_size size, struct error *error);

/* Renders an output that keeps all frames. */
int animation_render(const struct render_output *output, const struct image_source *image,
                     const struct render_source *source, struct error *error);

#endif
