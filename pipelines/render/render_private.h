/* The parts of one render, shared by render.c, render_plan.c and render_stages.c. */
#ifndef THUMBWHEEL_RENDER_PRIVATE_H
#define THUMBWHEEL_RENDER_PRIVATE_H

#include "image_load.h"
#include "plan.h"
#include "render.h"
#include "rendition.h"

struct render {
    const struct render_source *source;
    const struct pipeline_limits *limits;
    struct render_item *items;
    size_t item_count;

    struct image_source image;
    VipsImage *header;  /* for metadata */
    VipsImage *decoded; /* in memory, when several stages read it; else NULL */
    size_t roots;       /* stages still to be made from it */

    struct plan plan;
    VipsImage *stages[PLAN_STAGES_MAX];
    struct render_output *outputs;
    size_t output_count;
    bool labels; /* some item wants the built-in analyser */
    size_t labels_stage;
};

/* Also notices a cancel. */
bool render_item_is_live(struct render_item *item);
/* Whether the item's labels come from the built-in analyser. */
bool render_item_is_analysed(const struct render_item *item);

/* render_plan.c: places the outputs of all live items. ERR_MEMORY. */
int render_plan(struct render *r, struct error *error);
/* The stage that an output is made from; none of the plan's for an animation. */
size_t render_stage_of(const struct render *r, const struct render_output *output);

/* render_stages.c: makes the stages that are still wanted, and what is made of each. An error is
 * the source's: it fails every item. */
int render_stages(struct render *r, struct error *error);

double render_now_ms(void);

#endif
