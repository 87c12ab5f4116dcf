/* From the items' outputs to a plan of stages, with one for the labels where they are wanted. */
#include <stdlib.h>
#include <string.h>

#include "render_private.h"

enum {
    LABELS_LEAST = 256, /* pixels of the long side that the analyser wants */
    LABELS_SIDE = 512,  /* what it gets where no rendition has a stage for it */
};

bool render_item_is_analysed(const struct render_item *item)
{
    const struct labels_config *labels = &item->pipeline->labels;
    return labels->given && strcmp(labels->labeler, "builtin") == 0;
}

static int outputs_new(struct render *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->item_count; i++)
        count += r->items[i].pipeline->outputs.count;
    r->outputs = calloc(count + 1, sizeof *r->outputs);
    return r->outputs ? 0 : ERR_MEMORY;
}

static void plan_item(struct render *r, struct render_item *item)
{
    const struct output_list *list = &item->pipeline->outputs;
    if (!render_item_is_live(item))
        return;
    item->renditions = calloc(list->count + 1, sizeof *item->renditions);
    if (!item->renditions) {
        error_set(&item->error, ERR_MEMORY, "not enough memory to plan the renditions");
        return;
    }
    item->rendition_count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        struct render_output *output = &r->outputs[r->output_count++];
        *output = (struct render_output){
            .item = item, .config = &list->entries[i], .made = &item->renditions[i]};
        rendition_plan(output, &r->image);
        if (image_check_size(output->place.whole, r->limits, &item->error) ||
            image_check_size(output->place.final, r->limits, &item->error))
            return;
        if (!output->animated && !plan_add(&r->plan, output->place.whole, output->native))
            error_set(&item->error, ERR_LIMIT, "more than %d sizes of one image", PLAN_STAGES_MAX);
    }
    r->labels |= render_item_is_analysed(item);
}

static unsigned long_side(struct plan_size size)
{
    return size.width > size.height ? size.width : size.height;
}

/* The smallest picture that is to be made anyway, undistorted and large enough; else one apart. */
static struct plan_size labels_size(const struct render *r)
{
    const struct plan_wish own = {.width = LABELS_SIDE, .height = LABELS_SIDE};
    struct plan_size best = plan_place(r->image.upright, &own).whole;
    bool found = false;
    for (size_t i = 0; i < r->output_count; i++) {
        const struct render_output *output = &r->outputs[i];
        unsigned side = long_side(output->place.whole);
        bool fits = !output->item->error.code && !output->animated && !output->native &&
                    output->config->fit != FIT_FILL && side >= LABELS_LEAST;
        if (fits && (!found || side < long_side(best))) {
            best = output->place.whole;
            found = true;
        }
    }
    return best;
}

int render_plan(struct render *r, struct error *error)
{
    if (outputs_new(r))
        return error_set(error, ERR_MEMORY, "not enough memory to plan the renditions");
    for (size_t i = 0; i < r->item_count; i++)
        plan_item(r, &r->items[i]);
    struct plan_size size = labels_size(r);
    if (r->labels)
        r->labels = plan_add(&r->plan, size, false);
    plan_order(&r->plan);
    r->roots = plan_roots(&r->plan);
    r->labels_stage = r->labels ? plan_find(&r->plan, size, false) : PLAN_STAGES_MAX;
    return 0;
}

size_t render_stage_of(const struct render *r, const struct render_output *output)
{
    return output->animated ? PLAN_STAGES_MAX
                            : plan_find(&r->plan, output->place.whole, output->native);
}
