/* The picture of an output: what is cut out of its stage, turned, converted, drawn on it. */
#include "rendition.h"

#include "image_effects.h"
#include "image_light.h"
#include "image_ops.h"
#include "image_overlay.h"
#include "image_turn.h"
#include "overlay_pictures.h"

/* Cuts out what the output shows. */
static int crop(VipsImage **image, struct plan_size size, const struct render_output *output,
                const struct image_source *source)
{
    const struct operations_config *operations = &output->config->operations;
    struct plan_size whole = {(unsigned)(*image)->Xsize, (unsigned)(*image)->Ysize};
    if (operations->focal.given) {
        const struct plan_box *part = &output->part;
        struct plan_point point = {
            (output->focal.x * source->upright.width - part->at.left) / part->size.width,
            (output->focal.y * source->upright.height - part->at.top) / part->size.height};
        point = plan_point_turn(point, part->size, &output->turn);
        return image_cut(image, plan_spot_around(whole, size, point), size);
    }
    if (operations->gravity != GRAVITY_CENTRE)
        return image_cut(image, plan_spot_at(whole, size, (enum plan_gravity)operations->gravity),
                         size);
    return image_crop(image, size, (enum plan_crop)output->config->crop);
}

/* The part of the source that becomes the output: at least one pixel. */
static int crop_and_enlarge(VipsImage **image, const struct render_output *output,
                            const struct image_source *source)
{
    struct plan_size final = output->place.final;
    double across = (double) final.width / (*image)->Xsize;
    double down = (double) final.height / (*image)->Ysize;
    double factor = across > down ? across : down;
    struct plan_size part = {(unsigned)(final.width / factor + 0.5),
                             (unsigned)(final.height / factor + 0.5)};
    part.width = part.width ? part.width : 1;
    part.height = part.height ? part.height : 1;
    int code = crop(image, part, output, source);
    return code ? code : image_resize(image, final);
}

/* A native stage has the source's colours and depth; what the output does not keep is converted
 * here.
 */
static int compose_native(VipsImage **image, const struct render_output *output,
                          const struct image_source *source, VipsImage *header)
{
    bool deep = rendition_keeps_depth(output, source);
    /* the profile also for the conversion */
    unsigned keep = (unsigned)output->config->keep | KEEP_ICC;
    int code = image_adopt_metadata(image, header, keep);
    if (code)
        return code;
    if (!rendition_keeps_colours(output, source)) {
        code = image_to_srgb(image, deep);
        if (!code && !(output->config->keep & (KEEP_ICC | KEEP_ALL)))
            vips_image_remove(*image, VIPS_META_ICC_NAME);
        return code;
    }
    bool works = image_profile_works(*image);
    if (!works)
        vips_image_remove(*image, VIPS_META_ICC_NAME);
    return works || source->cmyk ? image_to_depth(image, deep) : image_to_srgb(image, deep);
}

static int adopt_without_profile(VipsImage **image, const struct image_source *source,
                                 VipsImage *header, int keep)
{
    int code = image_adopt_metadata(image, header, (unsigned)keep);
    /* the pixels are sRGB now, so the source's profile no longer applies */
    if (!code && source->foreign)
        vips_image_remove(*image, VIPS_META_ICC_NAME);
    return code;
}

/* The turned picture has exactly the planned size, which is that of the whole. */
static int turn(VipsImage **image, const struct render_output *output)
{
    const struct colour *background = &output->config->background;
    struct plan_size size = output->place.whole;
    bool alpha = image_format_facts(output->format)->alpha;
    if (output->turn.orientation >= 5)
        size = (struct plan_size){size.height, size.width};
    int code = output->turn.angle > 0
                   ? image_rotate(image, output->turn.angle, size, background, alpha)
                   : 0;
    return code ? code : image_upright(image, output->turn.orientation);
}

static int margins(VipsImage **image, const struct render_output *output)
{
    const struct output_config *config = output->config;
    const struct pad_config *pad = &config->operations.pad;
    struct plan_size now = {(unsigned)(*image)->Xsize, (unsigned)(*image)->Ysize};
    bool alpha = image_format_facts(output->format)->alpha;
    struct plan_spot spot =
        plan_spot_at(output->place.final, now, (enum plan_gravity)config->operations.gravity);
    if (now.width == output->canvas.width && now.height == output->canvas.height)
        return 0;
    spot.left += (unsigned)pad->left;
    spot.top += (unsigned)pad->top;
    return image_pad(image, spot, output->canvas, &config->background, alpha);
}

static bool is_masked(const struct operations_config *operations)
{
    return operations->round || operations->mask != MASK_NONE;
}

static int colours(VipsImage **image, const struct operations_config *operations)
{
    int code = operations->normalise ? image_stretch(image) : 0;
    if (code)
        return code;
    code = operations->greyscale ? image_greyscale(image) : 0;
    if (code)
        return code;
    return operations->tint.given ? image_tint(image, &operations->tint) : 0;
}

/* In the order that docs/image-operations.md states. */
static int effects(VipsImage **image, const struct operations_config *operations)
{
    int code = colours(image, operations);
    if (code)
        return code;
    code = operations->blur > 0 ? image_blur(image, operations->blur) : 0;
    if (code)
        return code;
    code = operations->sharpen > 0 ? image_sharpen(image, operations->sharpen) : 0;
    if (code || !is_masked(operations))
        return code;
    return image_mask(image, (enum output_mask)operations->mask, operations->round);
}

/* The part of the picture that the output shows, in its size. */
static int place(VipsImage **image, const struct render_output *output,
                 const struct image_source *source)
{
    struct plan_size whole = output->place.whole, final = output->place.final;
    bool differs = whole.width != final.width || whole.height != final.height;
    int code = turn(image, output);
    if (code)
        return code;
    if (output->crop_first)
        return crop_and_enlarge(image, output, source);
    return differs && output->config->fit == FIT_COVER ? crop(image, final, output, source) : 0;
}

static int compose(VipsImage **image, const struct render_output *output,
                   const struct image_source *source, VipsImage *header)
{
    const struct output_config *config = output->config;
    int code = 0;
    if (output->kind.native)
        code = compose_native(image, output, source, header);
    else if (!config->strip)
        code = adopt_without_profile(image, source, header, config->keep);
    if (code)
        return code;
    code = place(image, output, source);
    if (code)
        return code;
    code = effects(image, &config->operations);
    if (code)
        return code;
    if (!image_format_facts(output->format)->alpha ||
        (config->background.given && is_masked(&config->operations)))
        code = image_flatten(image, &config->background);
    if (code)
        return code;
    code = margins(image, output);
    if (code || !config->operations.overlay.given)
        return code;
    return image_overlay(image, &config->operations.overlay);
}

int rendition_compose(VipsImage **image, const struct render_output *output,
                      const struct image_source *source, VipsImage *header, struct error *error)
{
    int code = compose(image, output, source, header);
    if (code == ERR_OVERLAY)
        return error_set(error, code,
                         "the picture of an overlay is damaged, larger than %d × %d pixels, or not "
                         "in a format that is read by default",
                         OVERLAY_SIDE_MAX, OVERLAY_SIDE_MAX);
    if (code)
        return error_set(error, ERR_UNSUPPORTED, "this kind of %s picture can't be converted",
                         source->facts.format);
    return 0;
}
