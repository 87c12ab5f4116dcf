/*
 * One decode for all.
 *
 * The items' outputs are placed (plan.c); their sizes become stages, each the whole upright picture
 * in memory. Where one stage alone reads the source, it is computed straight from the decoder's
 * lines and the decoded picture never exists as a whole; where several do, the decoded picture is
 * put into memory once. Turning upright and converting colours come after the resize, where there
 * are fewer pixels. A stage is released when its last user is done.
 *
 * An item that fails or is cancelled keeps the others' work: its outputs are skipped, and a stage
 * that no live output needs any more is not made. A source that can't be decoded fails every item.
 *
 * The same source, settings and set of items give the same bytes. With another set of items a
 * rendition may be derived by another way; the difference is below what can be seen (a test
 * measures it).
 */
#include "render.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "image_load.h"
#include "image_ops.h"
#include "labels.h"
#include "rendition.h"

enum {
    LABELS_LEAST = 256, /* pixels of the long side that the analyser wants */
    LABELS_SIDE = 512,  /* what it gets where no rendition has a stage for it */
};

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

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Also notices a cancel. */
static bool is_live(struct render_item *item)
{
    if (!item->error.code && item->cancelled && atomic_load(item->cancelled))
        error_set(&item->error, ERR_CANCELLED, "cancelled");
    return item->error.code == 0;
}

static void fail_all(struct render *r, const struct error *error)
{
    for (size_t i = 0; i < r->item_count; i++) {
        if (is_live(&r->items[i]))
            r->items[i].error = *error;
    }
}

static bool wants_analysis(const struct render_item *item)
{
    const struct labels_config *labels = &item->pipeline->labels;
    return labels->given && strcmp(labels->labeler, "builtin") == 0;
}

/* --- the plan
 * ------------------------------------------------------------------------------------------------
 */

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
    if (!is_live(item))
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
    r->labels |= wants_analysis(item);
}

static unsigned long_side(struct plan_size size)
{
    return size.width > size.height ? size.width : size.height;
}

/* The smallest picture that is already to be made, undistorted and large enough; else one of its
 * own. */
static struct plan_size labels_size(const struct render *r)
{
    const struct plan_wish own = {.width = LABELS_SIDE, .height = LABELS_SIDE};
    struct plan_size best = plan_place(r->image.upright, &own).whole;
    bool found = false;
    for (size_t i = 0; i < r->output_count; i++) {
        const struct render_output *output = &r->outputs[i];
        unsigned side = long_side(output->place.whole);
        bool fits = !output->animated && !output->native && output->config->fit != FIT_FILL &&
                    side >= LABELS_LEAST;
        if (fits && (!found || side < long_side(best))) {
            best = output->place.whole;
            found = true;
        }
    }
    return best;
}

static void plan_all(struct render *r)
{
    for (size_t i = 0; i < r->item_count; i++)
        plan_item(r, &r->items[i]);
    struct plan_size size = labels_size(r);
    if (r->labels)
        r->labels = plan_add(&r->plan, size, false);
    plan_order(&r->plan);
    r->roots = plan_roots(&r->plan);
    r->labels_stage = r->labels ? plan_find(&r->plan, size, false) : PLAN_STAGES_MAX;
}

/* --- stages
 * --------------------------------------------------------------------------------------------------
 */

static size_t stage_of(const struct render *r, const struct render_output *output)
{
    return output->animated ? PLAN_STAGES_MAX
                            : plan_find(&r->plan, output->place.whole, output->native);
}

static bool is_wanted_for_labels(struct render *r)
{
    for (size_t i = 0; i < r->item_count; i++) {
        if (wants_analysis(&r->items[i]) && is_live(&r->items[i]))
            return true;
    }
    return false;
}

/* Whether somebody still needs a stage, itself or through one that is derived from it. */
static bool is_wanted(struct render *r, size_t stage)
{
    if (stage == r->labels_stage && is_wanted_for_labels(r))
        return true;
    for (size_t i = 0; i < r->output_count; i++) {
        if (stage_of(r, &r->outputs[i]) == stage && is_live(r->outputs[i].item))
            return true;
    }
    for (size_t i = stage + 1; i < r->plan.count; i++) {
        if (r->plan.stages[i].parent == (int)stage && is_wanted(r, i))
            return true;
    }
    return false;
}

static int fail_step(const struct render *r, int code, struct error *error)
{
    if (code == ERR_MEMORY)
        return error_set(error, code, "not enough memory for %u × %u pixels", r->image.facts.width,
                         r->image.facts.height);
    if (code == ERR_CORRUPT)
        return image_fail_corrupt(&r->image, error);
    return error_set(error, ERR_UNSUPPORTED, "this kind of %s picture can't be converted",
                     r->image.facts.format);
}

/* The decoder's picture: a promise of lines where one stage reads it, else in memory. A new
 * reference. */
static int source_borrow(struct render *r, VipsImage **out, struct error *error)
{
    if (r->decoded) {
        *out = g_object_ref(r->decoded);
        return 0;
    }
    unsigned shrink = image_shrink(&r->image, plan_shrink(&r->plan, r->image.upright));
    VipsImage *image = image_open(&r->image, shrink);
    if (!image)
        return image_fail_corrupt(&r->image, error);
    int code = image_normalise(&image);
    if (!code && r->roots > 1 && !(code = image_to_memory(&image)))
        r->decoded = g_object_ref(image);
    if (code) {
        g_object_unref(image);
        return fail_step(r, code, error);
    }
    *out = image;
    return 0;
}

static int root_make(struct render *r, const struct plan_stage *stage, VipsImage **image)
{
    struct plan_size size = stage->size;
    unsigned orientation = r->image.facts.orientation;
    if (orientation >= 5)
        size = (struct plan_size){size.height, size.width};
    int code = image_resize_to_memory(image, size);
    VipsImage *resized = *image;
    if (!code && !stage->native && r->image.foreign) /* its profile */
        code = image_adopt_metadata(image, r->header);
    if (!code && !stage->native)
        code = image_to_srgb(image, false);
    if (!code)
        code = image_upright(image, orientation);
    return code || *image == resized ? code : image_to_memory(image);
}

static int stage_make(struct render *r, size_t index, struct error *error)
{
    const struct plan_stage *stage = &r->plan.stages[index];
    VipsImage *image = NULL;
    int code;
    if (stage->parent == PLAN_FROM_SOURCE) {
        code = source_borrow(r, &image, error);
        if (code)
            return code;
        code = root_make(r, stage, &image);
        if (--r->roots == 0)
            g_clear_object(&r->decoded);
    } else {
        image = g_object_ref(r->stages[stage->parent]);
        code = image_resize_to_memory(&image, stage->size);
    }
    if (code) {
        g_object_unref(image);
        return fail_step(r, code, error);
    }
    r->stages[index] = image;
    return 0;
}

static void stage_release(struct render *r, size_t index)
{
    if (--r->plan.stages[index].users == 0)
        g_clear_object(&r->stages[index]);
}

/* --- what is made of a stage
 * --------------------------------------------------------------------------------- */

/* An earlier output of the same stage that has the bytes already: several queues often want the
 * same picture. */
static const struct render_output *find_twin(const struct render *r,
                                             const struct render_output *output, size_t stage)
{
    for (const struct render_output *other = r->outputs; other < output; other++) {
        if (other->made->body.data && stage_of(r, other) == stage &&
            rendition_is_twin(other, output))
            return other;
    }
    return NULL;
}

static void output_make(struct render *r, struct render_output *output, size_t stage)
{
    struct error *error = &output->item->error;
    const struct render_output *twin = find_twin(r, output, stage);
    if (twin) {
        rendition_copy(output, twin, r->source, error);
        return;
    }
    VipsImage *image = g_object_ref(r->stages[stage]);
    if (!rendition_compose(&image, output, &r->image, r->header, error))
        rendition_finish(image, output, r->source, 1, error);
    g_object_unref(image);
}

static void labels_take(struct render_item *item, const struct label_set *all)
{
    const struct labels_config *config = &item->pipeline->labels;
    for (size_t i = 0; i < all->count && item->labels.count < (size_t)config->max; i++) {
        if (all->entries[i].confidence >= config->min_confidence)
            item->labels.entries[item->labels.count++] = all->entries[i];
    }
}

static void labels_make(struct render *r, VipsImage *stage)
{
    struct label_set all = {0};
    struct error error = {0};
    if (!is_wanted_for_labels(r))
        return;
    labels_analyse(stage, r->header, &r->image.facts, &all, &error);
    for (size_t i = 0; i < r->item_count; i++) {
        struct render_item *item = &r->items[i];
        if (!wants_analysis(item) || !is_live(item))
            continue;
        if (error.code)
            item->error = error;
        else
            labels_take(item, &all);
    }
}

static void stage_use(struct render *r, size_t index, double begun)
{
    for (size_t i = 0; i < r->output_count; i++) {
        struct render_output *output = &r->outputs[i];
        if (stage_of(r, output) != index)
            continue;
        if (is_live(output->item))
            output_make(r, output, index);
        stage_release(r, index);
        output->made->milliseconds = now_ms() - begun; /* the first one's include the stage's */
        begun = now_ms();
    }
    if (index == r->labels_stage) {
        labels_make(r, r->stages[index]);
        stage_release(r, index);
    }
}

static int stages_run(struct render *r, struct error *error)
{
    for (size_t i = 0; i < r->plan.count; i++) {
        double begun = now_ms();
        if (!is_wanted(r, i))
            continue;
        int code = stage_make(r, i, error);
        if (code)
            return code;
        stage_use(r, i, begun);
        if (r->plan.stages[i].parent != PLAN_FROM_SOURCE)
            stage_release(r, (size_t)r->plan.stages[i].parent);
    }
    return 0;
}

static void animations_run(struct render *r)
{
    for (size_t i = 0; i < r->output_count; i++) {
        struct render_output *output = &r->outputs[i];
        double begun = now_ms();
        if (!output->animated || !is_live(output->item))
            continue;
        animation_render(output, &r->image, r->source, r->limits, &output->item->error);
        output->made->milliseconds = now_ms() - begun;
    }
}

/* --- the whole
 * -----------------------------------------------------------------------------------------------
 */

static void item_begin(struct render_item *item)
{
    *item = (struct render_item){.pipeline = item->pipeline, .cancelled = item->cancelled};
}

static void item_end(struct render *r, struct render_item *item)
{
    const struct labels_config *labels = &item->pipeline->labels;
    if (is_live(item) && labels->given) {
        item->write_tags = labels->tags;
        rendition_name_sidecar(item, r->source, r->image.upright, &item->error);
    }
    if (item->error.code) { /* nothing but the error and what the source is */
        struct render_item kept = {.pipeline = item->pipeline,
                                   .cancelled = item->cancelled,
                                   .error = item->error,
                                   .facts = item->facts};
        render_item_clear(item);
        *item = kept;
    }
}

static bool any_live(struct render *r)
{
    for (size_t i = 0; i < r->item_count; i++) {
        if (is_live(&r->items[i]))
            return true;
    }
    return false;
}

static int run(struct render *r, struct error *error)
{
    int code = image_check_bytes(r->source->image.size, r->limits, error);
    if (!code)
        code = image_probe(r->source->image, &r->image, &r->header, error);
    for (size_t i = 0; !code && i < r->item_count; i++)
        r->items[i].facts = r->image.facts;
    if (!code)
        code = image_check_limits(&r->image, r->limits, error);
    if (!code && outputs_new(r))
        code = error_set(error, ERR_MEMORY, "not enough memory to plan the renditions");
    if (code)
        return code;
    plan_all(r);
    code = stages_run(r, error);
    if (!code)
        animations_run(r);
    return code;
}

static void render_clear(struct render *r)
{
    for (size_t i = 0; i < r->plan.count; i++)
        g_clear_object(&r->stages[i]);
    g_clear_object(&r->decoded);
    g_clear_object(&r->header);
    free(r->outputs);
}

void render(const struct render_source *source, const struct pipeline_limits *limits,
            struct render_item *items, size_t count)
{
    struct error error = {0};
    struct render *r = calloc(1, sizeof *r);
    for (size_t i = 0; i < count; i++)
        item_begin(&items[i]);
    if (!r) {
        error_set(&error, ERR_MEMORY, "not enough memory to plan the renditions");
        for (size_t i = 0; i < count; i++)
            items[i].error = error;
        return;
    }
    r->source = source;
    r->limits = limits;
    r->items = items;
    r->item_count = count;
    if (any_live(r) && run(r, &error))
        fail_all(r, &error);
    for (size_t i = 0; i < count; i++)
        item_end(r, &items[i]);
    render_clear(r);
    free(r);
}
