/* Computes, uses and releases the stages in the order of the plan. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "image_draw.h"
#include "image_light.h"
#include "image_ops.h"
#include "image_trim.h"
#include "labels.h"
#include "render_private.h"

double render_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool is_wanted_for_labels(struct render *r)
{
    for (size_t i = 0; i < r->item_count; i++) {
        if (render_item_is_analysed(&r->items[i]) && render_item_is_live(&r->items[i]))
            return true;
    }
    return false;
}

/* Whether an output still needs a stage, directly or through a stage derived from it. */
static bool is_wanted(struct render *r, size_t stage)
{
    if (stage == r->labels_stage && is_wanted_for_labels(r))
        return true;
    for (size_t i = 0; i < r->output_count; i++) {
        if (render_stage_of(r, &r->outputs[i]) == stage && render_item_is_live(r->outputs[i].item))
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

/* The decoder's picture: lazy lines if one stage reads it, else in memory. */
static int source_borrow(struct render *r, VipsImage **out, struct error *error)
{
    if (r->decoded) {
        *out = g_object_ref(r->decoded);
        return 0;
    }
    VipsImage *image = NULL;
    r->image.drawn = render_drawn(r);
    int code = image_open(&r->image, render_shrink(r), &r->extent, &image);
    if (code)
        return fail_step(r, code, error);
    code = image_normalise(&image, r->image.alpha_band);
    if (!code && r->roots > 1 && !(code = image_to_memory(&image)))
        r->decoded = g_object_ref(image);
    if (code) {
        g_object_unref(image);
        return fail_step(r, code, error);
    }
    *out = image;
    return 0;
}

/* An orientation that undoes another one: the turns to the left and to the right are exchanged. */
static unsigned undone(unsigned orientation)
{
    return orientation == 6 ? 8 : orientation == 8 ? 6 : orientation;
}

static struct plan_size size_of(const VipsImage *image)
{
    return (struct plan_size){(unsigned)image->Xsize, (unsigned)image->Ysize};
}

/* The same part of the picture in another size, at least as large. */
static struct plan_box box_scaled(const struct plan_box *box, struct plan_size from,
                                  struct plan_size to)
{
    double across = (double)to.width / from.width, down = (double)to.height / from.height;
    unsigned left = (unsigned)floor(box->at.left * across),
             top = (unsigned)floor(box->at.top * down);
    double right = ceil((box->at.left + box->size.width) * across - 1e-6);
    double bottom = ceil((box->at.top + box->size.height) * down - 1e-6);
    return (struct plan_box){
        {left, top},
        {(unsigned)fmin(right, to.width) - left, (unsigned)fmin(bottom, to.height) - top}};
}

/* The part of the decoded picture, which is not upright, that the stage shows. */
static int region_cut(const struct render *r, size_t region, VipsImage **image,
                      struct resample_extent *extent)
{
    struct plan_box part =
        plan_box_turn(r->trims.parts[region], r->image.upright, undone(r->image.facts.orientation));
    if (image_is_drawing(&r->image))
        part = box_scaled(&part, r->image.upright, size_of(*image));
    int code = image_cut(image, part.at, part.size);
    *extent = image_extent(*image);
    return code;
}

/* Light is that of sRGB, so colours are converted before. */
static int light_resize(const struct render *r, double curve, struct plan_size size,
                        VipsImage **image)
{
    int code = r->image.foreign ? image_adopt_metadata(image, r->header, KEEP_ICC) : 0;
    return code ? code : image_resize_light(image, size, curve);
}

static int root_resize(const struct render *r, const struct plan_kind *kind, struct plan_size size,
                       VipsImage **image)
{
    struct resample_extent extent = r->extent;
    int code = kind->region ? region_cut(r, kind->region, image, &extent) : 0;
    if (code)
        return code;
    return kind->curve == 0 ? image_resize_to_memory(image, extent, size)
                            : light_resize(r, kind->curve, size, image);
}

/* Of the decoded picture, which is not upright. */
static struct plan_size root_size(const struct render *r, const struct plan_stage *stage)
{
    struct plan_size size = stage->size;
    return r->image.facts.orientation < 5 ? size : (struct plan_size){size.height, size.width};
}

/* In the colours of the stage, and upright. */
static int root_finish(const struct render *r, const struct plan_stage *stage, VipsImage **image)
{
    bool raw = !stage->kind.native && stage->kind.curve == 0; /* not in the colours of the stage */
    VipsImage *resized = *image;
    int code = 0;
    if (raw && r->image.foreign) /* its profile */
        code = image_adopt_metadata(image, r->header, KEEP_ICC);
    if (code)
        return code;
    if (raw)
        code = image_to_srgb(image, false);
    if (code)
        return code;
    code = image_upright(image, r->image.facts.orientation);
    return code || *image == resized ? code : image_to_memory(image);
}

/* Whether no one else needs the decoded picture. */
static bool is_only_resized(const struct render *r, const struct plan_stage *stage)
{
    return r->roots == 1 && !r->decoded && stage->kind.region == 0 && stage->kind.curve == 0;
}

static int source_resize(struct render *r, const struct plan_stage *stage, VipsImage **image,
                         struct error *error)
{
    struct plan_size size = root_size(r, stage);
    int code = ERR_UNSUPPORTED;
    if (is_only_resized(r, stage))
        code = image_open_resized(&r->image, render_shrink(r), size, r->header, image);
    if (code != ERR_UNSUPPORTED)
        return code;
    code = source_borrow(r, image, error);
    return code ? code : root_resize(r, &stage->kind, size, image);
}

static int root_make(struct render *r, const struct plan_stage *stage, VipsImage **image,
                     struct error *error)
{
    int code = source_resize(r, stage, image, error);
    if (code)
        return code;
    code = root_finish(r, stage, image);
    return code ? code : image_damage_end(&r->image);
}

static int source_try(struct render *r, const struct plan_stage *stage, VipsImage **image,
                      struct error *error)
{
    image_damage_begin();
    int code = root_make(r, stage, image, error);
    if (!code)
        return 0;
    g_clear_object(&r->decoded); /* a part of it is wrong */
    g_clear_object(image);
    return fail_step(r, code, error);
}

/* A file that breaks off is opened again in more tolerant ways, for those that accept that. *image
 * may be NULL: nobody needs the stage any more. */
static int source_make(struct render *r, size_t index, VipsImage **image, struct error *error)
{
    int code = source_try(r, &r->plan.stages[index], image, error);
    while (code == ERR_CORRUPT && image_degrade(&r->image)) {
        render_judge(r);
        if (!is_wanted(r, index))
            return 0;
        code = source_try(r, &r->plan.stages[index], image, error);
    }
    if (--r->roots == 0)
        g_clear_object(&r->decoded);
    return code;
}

static int derived_make(struct render *r, size_t index, VipsImage **image, struct error *error)
{
    const struct plan_stage *stage = &r->plan.stages[index];
    *image = g_object_ref(r->stages[stage->parent]);
    int code = stage->kind.curve == 0
                   ? image_resize_to_memory(image, image_extent(*image), stage->size)
                   : image_resize_light(image, stage->size, stage->kind.curve);
    if (!code)
        return 0;
    g_clear_object(image);
    return fail_step(r, code, error);
}

static int stage_make(struct render *r, size_t index, struct error *error)
{
    return r->plan.stages[index].parent == PLAN_FROM_SOURCE
               ? source_make(r, index, &r->stages[index], error)
               : derived_make(r, index, &r->stages[index], error);
}

/* Of the part of a decoded picture: the part of the upright source. */
static struct plan_box upright_part(const struct render *r, const struct plan_box *part,
                                    struct plan_size decoded)
{
    return image_is_drawing(&r->image) ? box_scaled(part, decoded, r->image.upright)
                                       : plan_box_turn(*part, decoded, r->image.facts.orientation);
}

static int trims_try(struct render *r, struct error *error)
{
    VipsImage *image = NULL;
    image_damage_begin();
    int code = source_borrow(r, &image, error);
    if (code || !image)
        return code;
    const struct plan_size decoded = size_of(image);
    for (size_t i = 1; !code && i < r->trims.count; i++) {
        struct plan_box *part = &r->trims.parts[i];
        code = image_find_content(image, r->trims.thresholds[i], part);
        *part = upright_part(r, part, decoded);
    }
    g_object_unref(image);
    code = code ? code : image_damage_end(&r->image);
    if (code ||
        image_is_drawing(&r->image)) /* it is drawn again in the size that the trimmed part needs */
        g_clear_object(&r->decoded);
    r->trims.known = true;
    return code ? fail_step(r, code, error) : 0;
}

int render_trims_find(struct render *r, struct error *error)
{
    int code = trims_try(r, error);
    while (code == ERR_CORRUPT && image_degrade(&r->image)) {
        render_judge(r);
        code = trims_try(r, error);
    }
    return code;
}

static void stage_release(struct render *r, size_t index)
{
    if (--r->plan.stages[index].users == 0)
        g_clear_object(&r->stages[index]);
}

/* An earlier output with the same bytes: several queues often request the same picture. */
static const struct render_output *find_twin(const struct render *r,
                                             const struct render_output *output, size_t stage)
{
    for (const struct render_output *other = r->outputs; other < output; other++) {
        if (other->made->body.data && render_stage_of(r, other) == stage &&
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

static bool is_hash(const struct label *label, const char *name)
{
    return strcmp(label->name, name) == 0;
}

/* All hashes that an item asks for are among the labels. */
static bool is_unwanted_hash(const struct labels_config *config, const struct label *label)
{
    return (is_hash(label, LABEL_DHASH_NAME) && !(config->hashes & LABEL_DHASH)) ||
           (is_hash(label, LABEL_PHASH_NAME) && !(config->hashes & LABEL_PHASH));
}

static int hashes_of(const struct render *r)
{
    int hashes = 0;
    for (size_t i = 0; i < r->item_count; i++)
        hashes |= r->items[i].pipeline->labels.hashes;
    return hashes;
}

static void labels_take(struct render_item *item, const struct label_set *all)
{
    const struct labels_config *config = &item->pipeline->labels;
    for (size_t i = 0; i < all->count && item->labels.count < (size_t)config->max; i++) {
        if (all->entries[i].confidence >= config->min_confidence &&
            !is_unwanted_hash(config, &all->entries[i]))
            item->labels.entries[item->labels.count++] = all->entries[i];
    }
}

static void labels_make(struct render *r, VipsImage *stage)
{
    struct label_set all = {0};
    struct error error = {0};
    if (!is_wanted_for_labels(r))
        return;
    labels_analyse(stage, r->header, &r->image.facts, hashes_of(r), &all, &error);
    for (size_t i = 0; i < r->item_count; i++) {
        struct render_item *item = &r->items[i];
        if (!render_item_is_analysed(item) || !render_item_is_live(item))
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
        if (render_stage_of(r, output) != index)
            continue;
        if (render_item_is_live(output->item))
            output_make(r, output, index);
        stage_release(r, index);
        /* The time of the first output includes that of the stage. */
        output->made->milliseconds = render_now_ms() - begun;
        begun = render_now_ms();
    }
    /* otherwise it was planned only for other pipelines */
    if (r->labels && index == r->labels_stage) {
        labels_make(r, r->stages[index]);
        stage_release(r, index);
    }
}

int render_stages(struct render *r, struct error *error)
{
    for (size_t i = 0; i < r->plan.count; i++) {
        double begun = render_now_ms();
        if (!is_wanted(r, i))
            continue;
        int code = stage_make(r, i, error);
        if (code)
            return code;
        if (!r->stages[i])
            continue;
        stage_use(r, i, begun);
        if (r->plan.stages[i].parent != PLAN_FROM_SOURCE)
            stage_release(r, (size_t)r->plan.stages[i].parent);
    }
    return 0;
}
