/*
 * Makes a plan of stages from the outputs, with one for the labels if needed.
 *
 * The plan contains the stages of every pipeline that accepts the object, including those of this
 * render's items: how a rendition is derived, and thus its bytes, depends on the configuration and
 * never on which messages are processed together. Stages that no item of this render needs are not
 * computed.
 *
 * Each page of a source that an output names has a plan: pages differ in size, depth and profile, and
 * no stage is derived from that of another page. Labels are of the page that is meant if none is named.
 *
 * What a trim leaves is known only after decoding, but memory is requested before. So there are two
 * plans: the first one has sizes that the real ones do not exceed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image_draw.h"
#include "render_private.h"

enum {
    TRIMMED_SIDE = 2048, /* of a drawing, to find its border */
    LABELS_LEAST = 256,  /* long side in pixels that the analyser prefers */
    LABELS_SIDE = 512,   /* its size if no rendition has a suitable stage */
};

static bool is_analysed(const struct pipeline *pipeline)
{
    return pipeline->labels.given && pipeline->labels.settings.kind == LABELER_BUILTIN;
}

/* Whether Rekognition accepts these bytes as they are. */
static bool is_plain(const struct image_source *image)
{
    return (image->format == FORMAT_JPEG || image->format == FORMAT_PNG) && !image->cmyk &&
           !image->deep && image->facts.width <= REKOGNITION_SIDE_MAX &&
           image->facts.height <= REKOGNITION_SIDE_MAX;
}

/* Whether the pipeline's labeling service needs a JPEG. It depends on the source and the pipeline
 * only, because its size is a stage of the plan. */
static bool needs_label_image(const struct render *r, const struct pipeline *pipeline)
{
    size_t max = r->source->labeler_reads ? REKOGNITION_OBJECT_MAX : REKOGNITION_BYTES_MAX;
    if (!pipeline->labels.given || pipeline->labels.settings.kind == LABELER_BUILTIN)
        return false;
    return pipeline->labels.settings.kind == LABELER_SERVER || !is_plain(&r->image) ||
           r->source->image.size > max;
}

/* The outputs that are stored, then the JPEG for a labeling service. */
static size_t outputs_of(const struct render *r, const struct pipeline *pipeline)
{
    return pipeline->outputs.count + needs_label_image(r, pipeline);
}

static const struct output_config *config_of(const struct pipeline *pipeline, size_t index)
{
    return index < pipeline->outputs.count ? &pipeline->outputs.entries[index]
                                           : &pipeline->labels.image;
}

bool render_has(const struct render *r, const struct output_config *config)
{
    return image_page(&r->image, config->page) == r->image.page;
}

bool render_reads(const struct render *r, const struct pipeline *pipeline)
{
    if (pipeline->labels.given && !r->image.page)
        return true;
    for (size_t i = 0; i < pipeline->outputs.count; i++) {
        if (render_has(r, &pipeline->outputs.entries[i]))
            return true;
    }
    return false;
}

bool render_item_is_analysed(const struct render_item *item)
{
    return is_analysed(item->pipeline);
}

/* The region of the output's trim; count: there are too many. */
static size_t region_of(struct render *r, const struct output_config *config)
{
    struct render_trims *trims = &r->trims;
    size_t region = 0;
    while (region < trims->count && trims->thresholds[region] != config->operations.trim)
        region++;
    if (region == trims->count && trims->count <= RENDER_TRIMS_MAX) {
        trims->thresholds[trims->count] = config->operations.trim;
        trims->parts[trims->count++] = trims->parts[0];
    }
    return region;
}

static int output_place(struct render *r, struct render_output *output, struct error *error)
{
    size_t region = region_of(r, output->config);
    if (region == r->trims.count)
        return error_set(error, ERR_LIMIT, "more than %d thresholds of trim for one image",
                         RENDER_TRIMS_MAX);
    rendition_plan(output, &r->image, r->source, region, &r->trims.parts[region]);
    int code = output->animated ? image_check_animation(&r->image, r->limits, error) : 0;
    if (code)
        return code;
    if (region && !r->trims.known) {
        rendition_bound(output);
        return 0;
    }
    if (region || image_check_size(output->place.whole, r->limits, NULL))
        rendition_crop_first(output);
    code = image_check_size(output->place.whole, r->limits, error);
    if (code)
        return code;
    code = image_check_size(output->stage, r->limits, error);
    return code ? code : image_check_size(output->canvas, r->limits, error);
}

/* ---- stages of all pipelines ---- */

struct survey { /* a candidate for the analyser */
    struct plan_size size;
    bool found; /* a picture that is computed anyway */
    bool wanted;
};

static unsigned long_side(struct plan_size size)
{
    return size.width > size.height ? size.width : size.height;
}

/* The smallest picture that is computed anyway, undistorted and large enough; else a separate
 * one. */
static void survey_output(struct survey *survey, const struct render_output *output)
{
    unsigned side = long_side(output->stage);
    if (output->kind.native || output->kind.region || output->kind.curve != 0 ||
        output->config->fit == FIT_FILL || side < LABELS_LEAST)
        return;
    if (!survey->found || side < long_side(survey->size))
        survey->size = output->stage;
    survey->found = true;
}

/* A pipeline's stages end at the first output that is refused, because the item fails there. */
static void plan_pipeline(struct render *r, const struct pipeline *pipeline, struct survey *survey)
{
    for (size_t i = 0; i < outputs_of(r, pipeline); i++) {
        struct render_output output = {.config = config_of(pipeline, i)};
        if (!render_has(r, output.config))
            continue;
        if (output_place(r, &output, NULL))
            return;
        if (output.animated)
            continue;
        if (!plan_add(&r->plan, output.stage, output.kind))
            return;
        survey_output(survey, &output);
    }
    survey->wanted |= is_analysed(pipeline) && !r->image.page;
}

static void plan_everybody(struct render *r)
{
    const struct plan_wish own = {.width = LABELS_SIDE, .height = LABELS_SIDE};
    struct survey survey = {.size = plan_place(r->image.upright, &own).whole};
    for (size_t i = 0; i < r->source->audience_count; i++)
        plan_pipeline(r, r->source->audience[i], &survey);
    for (size_t i = 0; i < r->item_count; i++)
        plan_pipeline(r, r->items[i].pipeline, &survey);
    bool labels = survey.wanted && plan_add(&r->plan, survey.size, (struct plan_kind){0});
    struct plan_size sizes[RENDER_TRIMS_MAX + 1];
    for (size_t i = 0; i < r->trims.count; i++)
        sizes[i] = r->trims.parts[i].size;
    plan_order(&r->plan, sizes);
    r->roots = plan_roots(&r->plan) + render_trims_unknown(r);
    r->labels_stage =
        labels ? plan_find(&r->plan, survey.size, (struct plan_kind){0}) : PLAN_STAGES_MAX;
}

/* ---- the outputs of this render ---- */

static void plan_output(struct render *r, struct render_item *item, size_t index)
{
    struct render_output *output = &r->outputs[r->output_count++];
    *output = (struct render_output){
        .item = item,
        .config = config_of(item->pipeline, index),
        .made = index < item->rendition_count ? &item->renditions[index] : &item->label_image};
    int code = output_place(r, output, &item->error);
    if (!code && output->animated)
        return;
    if (!code && render_stage_of(r, output) == r->plan.count)
        code =
            error_set(&item->error, ERR_LIMIT, "more than %d sizes of one image", PLAN_STAGES_MAX);
    if (code)
        r->output_count--; /* no stage is reserved for it */
    else
        plan_use(&r->plan, output->stage, output->kind);
}

static void plan_item(struct render *r, struct render_item *item)
{
    const struct output_list *list = &item->pipeline->outputs;
    if (!render_item_is_live(item))
        return;
    if (!item->renditions)
        item->renditions = calloc(list->count + 1, sizeof *item->renditions);
    if (!item->renditions) {
        error_set(&item->error, ERR_MEMORY, "not enough memory to plan the renditions");
        return;
    }
    item->rendition_count = list->count;
    for (size_t i = 0; i < outputs_of(r, item->pipeline) && !item->error.code; i++) {
        if (render_has(r, config_of(item->pipeline, i)))
            plan_output(r, item, i);
    }
    r->labels |= render_item_is_analysed(item) && !r->image.page;
}

static int outputs_new(struct render *r)
{
    size_t count = 0;
    for (size_t i = 0; i < r->item_count; i++)
        count += outputs_of(r, r->items[i].pipeline);
    r->outputs = calloc(count + 1, sizeof *r->outputs);
    return r->outputs ? 0 : ERR_MEMORY;
}

bool render_trims_unknown(const struct render *r)
{
    return r->trims.count > 1 && !r->trims.known;
}

/* For a second plan. */
static void plan_clear(struct render *r)
{
    free(r->outputs);
    r->outputs = NULL;
    r->output_count = 0;
    r->plan.count = 0;
    r->labels = false;
}

int render_plan(struct render *r, struct error *error)
{
    plan_clear(r);
    if (!r->trims.count) {
        r->trims.parts[0] = (struct plan_box){{0, 0}, r->image.upright};
        r->trims.count = 1;
    }
    if (outputs_new(r))
        return error_set(error, ERR_MEMORY, "not enough memory to plan the renditions");
    plan_everybody(r);
    for (size_t i = 0; i < r->item_count; i++)
        plan_item(r, &r->items[i]);
    if (r->labels && r->labels_stage < r->plan.count)
        r->plan.stages[r->labels_stage].users++;
    return 0;
}

unsigned render_shrink(const struct render *r)
{
    return image_shrink(&r->image, plan_shrink(&r->plan, r->image.upright));
}

/* The factor of a drawing's upright size that the stages need, of which some show a part only. */
static double drawn_factor(const struct render *r)
{
    double factor = 0;
    for (size_t i = 0; i < r->plan.count; i++) {
        const struct plan_stage *stage = &r->plan.stages[i];
        struct plan_size part = r->trims.parts[stage->kind.region].size;
        factor = fmax(factor, fmax((double)stage->size.width / part.width,
                                   (double)stage->size.height / part.height));
    }
    return factor;
}

static struct plan_size drawn_at(struct plan_size whole, double factor)
{
    return (struct plan_size){(unsigned)fmax(1, round(whole.width * factor)),
                              (unsigned)fmax(1, round(whole.height * factor))};
}

/* A small part of a drawing is not drawn as large as it could be, if the whole would be too large. */
static double within_limit(const struct render *r, double factor)
{
    struct plan_size whole = r->image.upright;
    double most = r->limits->max_pixels ? (double)r->limits->max_pixels : PIPELINE_MAX_PIXELS;
    return fmin(factor, sqrt(most / ((double)whole.width * whole.height)));
}

struct plan_size render_drawn(const struct render *r)
{
    struct plan_size whole = r->image.upright;
    if (!image_is_drawing(&r->image))
        return (struct plan_size){0, 0};
    double side = whole.width > whole.height ? whole.width : whole.height;
    double factor = fmin(1, TRIMMED_SIDE / side);
    return drawn_at(whole, within_limit(r, render_trims_unknown(r) ? factor : drawn_factor(r)));
}

size_t render_stage_of(const struct render *r, const struct render_output *output)
{
    return output->animated ? PLAN_STAGES_MAX : plan_find(&r->plan, output->stage, output->kind);
}
