/* The state of the render of one page, shared by render.c, render_plan.c and render_stages.c. */
#ifndef THUMBWHEEL_RENDER_PRIVATE_H
#define THUMBWHEEL_RENDER_PRIVATE_H

#include "image_load.h"
#include "plan.h"
#include "render.h"
#include "rendition.h"

enum { RENDER_TRIMS_MAX = 8 };

/* The parts of the source that remain without its border: a region of the plan for each threshold,
 * after region 0, which is the whole source. */
struct render_trims {
    int thresholds[RENDER_TRIMS_MAX + 1];
    struct plan_box parts[RENDER_TRIMS_MAX + 1]; /* of the upright source */
    size_t count;                                /* regions; at least 1 */
    bool known;                                  /* the parts have been found */
};

/* Pages have different sizes, depths and profiles, so each has a plan of its own. */
struct render {
    const struct render_source *source;
    const struct pipeline_limits *limits;
    struct render_item *items;
    size_t item_count;
    struct render *next; /* another page; owned */
    bool failed;         /* nothing more is done with this page */

    struct image_source image;
    VipsImage *header;             /* for metadata */
    VipsImage *decoded;            /* in memory if several stages read it; else NULL */
    struct resample_extent extent; /* of the decoded picture */
    size_t roots;                  /* number of stages still to be computed from it */

    struct render_trims trims;
    struct plan plan;
    VipsImage *stages[PLAN_STAGES_MAX];
    struct render_output *outputs;
    size_t output_count;
    bool labels; /* an item needs the built-in analyser */
    size_t labels_stage;
};

/* Also checks for cancellation. */
bool render_item_is_live(struct render_item *item);
/* Whether the pipeline needs this page: for an output, or for labels, which are of the first. */
bool render_reads(const struct render *r, const struct pipeline *pipeline);
/* Whether an output is made of this page. */
bool render_has(const struct render *r, const struct output_config *config);
/* Whether the item's labels come from the built-in analyser. */
bool render_item_is_analysed(const struct render_item *item);

/* Sets the facts about damage, and fails the active items that do not tolerate it. */
void render_judge(struct render *r);

/* render_plan.c: computes the sizes of the outputs of all active items. ERR_MEMORY. */
int render_plan(struct render *r, struct error *error);
/* Whether the plan needs render_trims_find. */
bool render_trims_unknown(const struct render *r);
/* By how much the decoder divides the sides of the source. */
unsigned render_shrink(const struct render *r);
/* The size in which a drawing is opened for the plan, or for render_trims_find; of others, 0 × 0. */
struct plan_size render_drawn(const struct render *r);
/* The stage that an output is derived from; animations do not use the plan. */
size_t render_stage_of(const struct render *r, const struct render_output *output);

/* render_stages.c: computes the stages that are still needed, and the outputs of each. An error
 * concerns the source and fails every item. */
int render_stages(struct render *r, struct error *error);

/* Decodes the source and finds the parts that the trims leave, after which render_plan makes the
 * real plan. An error concerns the source. */
int render_trims_find(struct render *r, struct error *error);

double render_now_ms(void);

#endif
