#include "rendition.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "image_effects.h"
#include "image_light.h"
#include "image_ops.h"
#include "image_overlay.h"
#include "image_save.h"
#include "image_turn.h"
#include "key_template.h"
#include "quality_search.h"
#include "schema.h"

static bool has_alpha(const struct image_source *source)
{
    unsigned bands = source->facts.bands;
    return source->cmyk ? bands > 4 : bands == 2 || bands == 4;
}

/* The formats to try: if the source has transparency, those that have it, too, if there are any. */
static unsigned candidates_of(const struct output_config *config, const struct image_source *source)
{
    unsigned with_alpha = 0;
    for (enum image_format format = FORMAT_JPEG; format < FORMAT_COUNT; format++) {
        if (config->candidates & 1 << format && image_format_facts(format)->alpha)
            with_alpha |= 1u << format;
    }
    return has_alpha(source) && with_alpha ? with_alpha : (unsigned)config->candidates;
}

/* The picture is composed once, as the format with the least possibilities needs it. */
static enum image_format narrowest(unsigned candidates)
{
    static const enum image_format order[] = {FORMAT_JPEG, FORMAT_AVIF, FORMAT_HEIF,
                                              FORMAT_WEBP, FORMAT_JXL,  FORMAT_PNG};
    size_t i = 0;
    while (!(candidates & 1u << order[i]) && order[i] != FORMAT_PNG)
        i++;
    return order[i];
}

static enum image_format target_format(const struct output_config *config,
                                       const struct image_source *source)
{
    if (config->format == FORMAT_AUTO)
        return narrowest(candidates_of(config, source));
    if (config->format != FORMAT_KEEP)
        return (enum image_format)config->format;
    return image_format_kept(source->format);
}

static bool keeps_depth(const struct render_output *output, const struct image_source *source)
{
    return source->deep && output->config->format == FORMAT_KEEP && !output->config->palette &&
           image_format_facts(output->format)->deep;
}

static bool is_coloured(const struct colour *colour)
{
    return colour->given && (colour->red != colour->green || colour->green != colour->blue);
}

/* Whether the picture's kind of pixels, which a profile describes, is also the output's. */
static bool keeps_kind(const struct render_output *output, const struct image_source *source)
{
    const struct image_format_facts *format = image_format_facts(output->format);
    if (source->grey)
        return format->grey && !is_coloured(&output->config->background);
    return format->cmyk || !source->cmyk;
}

/* They compute lightness, so the picture is sRGB before. */
static bool changes_colours(const struct operations_config *operations)
{
    return operations->normalise || operations->greyscale || operations->tint.given ||
           operations->sharpen > 0 || operations->overlay.given;
}

static bool keeps_colours(const struct render_output *output, const struct image_source *source)
{
    return source->foreign && output->config->format != FORMAT_AUTO &&
           output->config->keep & (KEEP_ICC | KEEP_ALL) &&
           image_format_facts(output->format)->profiles && keeps_kind(output, source) &&
           !changes_colours(&output->config->operations);
}

static void plan_canvas(struct render_output *output)
{
    const struct pad_config *pad = &output->config->operations.pad;
    struct plan_size final = output->place.final;
    output->canvas = (struct plan_size){final.width + (unsigned)(pad->left + pad->right),
                                        final.height + (unsigned)(pad->top + pad->bottom)};
}

static void plan_geometry(struct render_output *output, const struct plan_wish *wish)
{
    const struct operations_config *operations = &output->config->operations;
    output->turn = plan_turn(operations->rotate, operations->flip, operations->flop);
    output->place = plan_place(plan_turned(output->part.size, &output->turn), wish);
    output->stage = plan_unturned(output->place.whole, output->part.size, &output->turn);
    plan_canvas(output);
}

static double curve_of(const struct operations_config *operations)
{
    return operations->linear ? IMAGE_LIGHT_SRGB : operations->gamma;
}

static struct plan_point focal_of(const struct focal_config *focal, const struct focal_point *named)
{
    if (focal->from == FOCAL_METADATA && named->given)
        return (struct plan_point){named->x, named->y};
    return (struct plan_point){focal->x, focal->y};
}

void rendition_plan(struct render_output *output, const struct image_source *source,
                    const struct focal_point *named, size_t region, const struct plan_box *part)
{
    const struct output_config *config = output->config;
    struct plan_wish wish = {
        .width = (unsigned)config->width,
        .height = (unsigned)config->height,
        .scale = config->scale,
        .fit = (enum plan_fit)config->fit,
        .enlarge = config->enlarge,
    };
    output->format = target_format(config, source);
    output->candidates =
        config->format == FORMAT_AUTO ? candidates_of(config, source) : 1u << output->format;
    output->part = *part;
    output->focal = focal_of(&config->operations.focal, named);
    plan_geometry(output, &wish);
    output->kind = (struct plan_kind){.region = region, .curve = curve_of(&config->operations)};
    output->kind.native =
        output->kind.curve == 0 && (keeps_depth(output, source) || keeps_colours(output, source));
    output->animated = config->frames == FRAMES_ALL && source->facts.frames > 1 &&
                       image_format_facts(source->format)->moves &&
                       image_format_facts(output->format)->moves;
}

static bool enlarges(const struct render_output *output)
{
    struct plan_size turned = plan_turned(output->part.size, &output->turn);
    return output->place.whole.width > turned.width && output->place.whole.height > turned.height;
}

void rendition_crop_first(struct render_output *output)
{
    if (output->config->fit != FIT_COVER || !enlarges(output))
        return;
    output->crop_first = true;
    output->place.whole = plan_turned(output->part.size, &output->turn);
    output->stage = output->part.size;
}

static unsigned lesser(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* A turned stage has no more pixels than the rectangle around it. */
void rendition_bound(struct render_output *output)
{
    const struct output_config *config = output->config;
    struct plan_size turned = plan_turned(output->part.size, &output->turn), most = turned;
    struct plan_size box = {config->width ? (unsigned)config->width : UINT_MAX,
                            config->height ? (unsigned)config->height : UINT_MAX};
    bool boxed = config->width && config->height;
    if (config->scale > 0)
        most = output->place.whole;
    else if (boxed && config->enlarge && config->fit != FIT_COVER)
        most = box;
    else if (config->fit != FIT_COVER)
        most =
            (struct plan_size){lesser(box.width, turned.width), lesser(box.height, turned.height)};
    output->place.whole = output->stage = output->place.final = most;
    if (boxed && (config->fit == FIT_CONTAIN || (config->fit == FIT_COVER && config->enlarge)))
        output->place.final = box;
    plan_canvas(output);
}

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
    bool deep = keeps_depth(output, source);
    /* the profile also for the conversion */
    unsigned keep = (unsigned)output->config->keep | KEEP_ICC;
    int code = image_adopt_metadata(image, header, keep);
    if (code)
        return code;
    if (!keeps_colours(output, source)) {
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
    if (compose(image, output, source, header))
        return error_set(error, ERR_UNSUPPORTED, "this kind of %s picture can't be converted",
                         source->facts.format);
    return 0;
}

static char *copy_or_null(const char *text, int *code)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        *code = ERR_MEMORY;
    return copy;
}

/* Call it when the size and the format are known. */
static int name_output(const struct render_output *output, enum image_format chosen,
                       const struct render_source *source, struct error *error)
{
    struct rendition *made = output->made;
    const struct image_format_facts *format = image_format_facts(chosen);
    made->content_type = format->content_type;
    made->settings = &output->config->settings;
    if (!output->config->key) /* it is not stored */
        return 0;
    struct key_values values = {
        .bucket = source->bucket,
        .key = source->key,
        .pipeline = output->item->pipeline->name,
        .ext = format->ext,
        .width = made->width,
        .height = made->height,
    };
    int code = key_template_expand(output->config->key, &values, &made->key, error);
    if (code)
        return code;
    made->bucket = copy_or_null(output->config->bucket, &code);
    return code ? error_set(error, code, "not enough memory for an output's name") : 0;
}

static int finish_search(VipsImage *image, const struct render_output *output,
                         const struct render_source *source, struct error *error)
{
    struct encoding encoding;
    int code = quality_search(image, output->candidates, output->config, &encoding, error);
    if (code)
        return code;
    output->made->body = encoding.body;
    output->made->too_large = encoding.too_large;
    return name_output(output, encoding.format, source, error);
}

int rendition_finish(VipsImage *image, const struct render_output *output,
                     const struct render_source *source, unsigned frames, struct error *error)
{
    struct rendition *made = output->made;
    made->width = (unsigned)image->Xsize;
    made->height = (unsigned)vips_image_get_page_height(image);
    made->frames = frames;
    if (output->config->placeholder) {
        int code = rendition_placeholders(image, output, error);
        if (code)
            return code;
    }
    if (quality_search_is_wanted(output->config))
        return finish_search(image, output, source, error);
    int code = name_output(output, output->format, source, error);
    return code ? code : image_save(image, output->format, output->config, &made->body, error);
}

/* Files of two pipelines may have the same name. */
static bool pictures_alike(const struct slice *a, const struct slice *b)
{
    return a->size == b->size && (a->data == b->data || memcmp(a->data, b->data, a->size) == 0);
}

bool rendition_is_twin(const struct render_output *a, const struct render_output *b)
{
    return a->format == b->format && a->candidates == b->candidates &&
           a->kind.native == b->kind.native && a->animated == b->animated &&
           a->crop_first == b->crop_first && a->place.final.width == b->place.final.width &&
           a->place.final.height == b->place.final.height &&
           !(b->config->placeholder & ~a->config->placeholder) &&
           schema_outputs_alike(a->config, b->config) &&
           pictures_alike(&a->config->operations.overlay.picture,
                          &b->config->operations.overlay.picture);
}

static void placeholder_copy(const struct render_output *output,
                             const struct rendition_placeholder *from)
{
    struct rendition_placeholder *to = &output->made->placeholder;
    int wanted = output->config->placeholder;
    *to = *from;
    if (!(wanted & PLACEHOLDER_THUMBHASH))
        *to->thumbhash = '\0';
    if (!(wanted & PLACEHOLDER_BLURHASH))
        *to->blurhash = '\0';
    if (!(wanted & PLACEHOLDER_COLOUR))
        *to->colour = '\0';
}

int rendition_copy(const struct render_output *output, const struct render_output *twin,
                   const struct render_source *source, struct error *error)
{
    struct rendition *made = output->made;
    const struct rendition *other = twin->made;
    made->width = other->width;
    made->height = other->height;
    made->frames = other->frames;
    placeholder_copy(output, &other->placeholder);
    made->too_large = other->too_large;
    int code = name_output(output, image_format_of_type(other->content_type), source, error);
    if (code)
        return code;
    void *copy = malloc(other->body.size);
    if (!copy)
        return error_set(error, ERR_MEMORY, "not enough memory for an output");
    memcpy(copy, other->body.data, other->body.size);
    made->body = bytes_give(copy, other->body.size);
    return 0;
}

int rendition_name_sidecar(struct render_item *item, const struct render_source *source,
                           struct plan_size size, struct error *error)
{
    const struct labels_config *labels = &item->pipeline->labels;
    struct key_values values = {.bucket = source->bucket,
                                .key = source->key,
                                .pipeline = item->pipeline->name,
                                .ext = "json",
                                .width = size.width,
                                .height = size.height};
    int code = 0;
    if (!labels->sidecar)
        return 0;
    code = key_template_expand(labels->sidecar, &values, &item->sidecar_key, error);
    if (code)
        return code;
    item->sidecar_bucket = copy_or_null(labels->bucket, &code);
    return code ? error_set(error, code, "not enough memory for the sidecar's name") : 0;
}
