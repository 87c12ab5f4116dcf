/*
 * Computes what a render will do: no image, no libvips, no allocation that outlives the plan.
 *
 * A stage is the whole upright picture at one size, in memory. Every output is cut, padded or
 * simply encoded from a stage; outputs of one size share one. Stages are made in descending size,
 * each from the smallest stage already made that is at least twice its size in both directions,
 * else from the source.
 */
#ifndef THUMBWHEEL_PLAN_H
#define THUMBWHEEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>

enum plan_fit { FIT_INSIDE, FIT_COVER, FIT_CONTAIN, FIT_FILL };
enum plan_crop { CROP_CENTRE, CROP_ENTROPY, CROP_ATTENTION };

struct plan_size {
    unsigned width, height;
};

struct plan_wish {
    unsigned width, height; /* 0: free */
    double scale;           /* 0: none; else the two above are 0 */
    enum plan_fit fit;
    bool enlarge;
};

struct plan_placement {
    struct plan_size whole; /* the picture is resized to this */
    struct plan_size final; /* then cropped or padded to this */
};

/* source: the size after orientation. */
struct plan_placement plan_place(struct plan_size source, const struct plan_wish *wish);

enum { PLAN_FROM_SOURCE = -1, PLAN_STAGES_MAX = 256 };

struct plan_kind {
    bool native;   /* in the source's colours and depth, else 8-bit sRGB or grey */
    size_t region; /* which part of the source; 0: all of it */
    double curve;  /* resized in light (image_light.h); 0: in the values of the pixels */
};

struct plan_stage {
    struct plan_size size;
    struct plan_kind kind;
    int parent;     /* index of the parent stage, or PLAN_FROM_SOURCE */
    unsigned users; /* number of outputs and stages derived from it */
};

struct plan {
    struct plan_stage stages[PLAN_STAGES_MAX]; /* largest first; a parent precedes its children */
    size_t count;
};

/* Adds a stage unless it exists already. Its index may change until plan_order; false: the plan is
 * full. */
bool plan_add(struct plan *plan, struct plan_size size, struct plan_kind kind);
/* Sorts and chooses the parents. sources: the size of each region. */
void plan_order(struct plan *plan, const struct plan_size *sources);
/* After plan_order. The index of a stage that was added. */
size_t plan_find(const struct plan *plan, struct plan_size size, struct plan_kind kind);
/* After plan_order: counts an output that is derived from the stage. */
void plan_use(struct plan *plan, struct plan_size size, struct plan_kind kind);
/* The number of stages derived directly from the source. */
size_t plan_roots(const struct plan *plan);
/* The largest of 1, 2, 4 and 8 by which a decoder may divide the source's sides without going below
 * the size of a stage: 1 if a stage is a region, whose edges are exact, or resized in light. */
unsigned plan_shrink(const struct plan *plan, struct plan_size source);

#endif
