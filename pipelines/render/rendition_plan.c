/* Planning an output: its format, what it keeps of the source, its sizes. */
#include <limits.h>

#include "image_light.h"
#include "rendition.h"

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

bool rendition_keeps_depth(const struct render_output *output, const struct image_source *source)
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

bool rendition_keeps_colours(const struct render_output *output, const struct image_source *source)
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
    output->place = plan_place(plan_turned(output->part.size, &output->turn), wish);
    output->stage = plan_unturned(output->place.whole, output->part.size, &output->turn);
    plan_canvas(output);
}

/* The plan's picture is larger than the drawing's nominal size, which sides that are not given, and
 * `scale`, refer to. */
static void wish_for_drawing(const struct render_output *output, const struct image_source *source,
                             struct plan_wish *wish)
{
    const struct plan_size own = {source->facts.width, source->facts.height};
    struct plan_size nominal = plan_turned(own, &output->turn);
    if (!wish->width && !wish->height)
        wish->scale = (wish->scale > 0 ? wish->scale : 1) / source->enlarged;
    if (wish->fit != FIT_FILL || wish->scale > 0)
        return;
    wish->width = wish->width ? wish->width : nominal.width;
    wish->height = wish->height ? wish->height : nominal.height;
}

static double curve_of(const struct operations_config *operations)
{
    return operations->linear ? IMAGE_LIGHT_SRGB : operations->gamma;
}

static struct plan_point focal_of(const struct focal_config *focal,
                                  const struct render_source *source)
{
    const struct focal_point *named = focal->from == FOCAL_TAGS ? &source->tagged : &source->focal;
    if (focal->from != FOCAL_FIXED && named->given)
        return (struct plan_point){named->x, named->y};
    return (struct plan_point){focal->x, focal->y};
}

void rendition_plan(struct render_output *output, const struct image_source *source,
                    const struct render_source *from, size_t region, const struct plan_box *part)
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
    output->focal = focal_of(&config->operations.focal, from);
    output->turn =
        plan_turn(config->operations.rotate, config->operations.flip, config->operations.flop);
    if (source->enlarged > 1)
        wish_for_drawing(output, source, &wish);
    plan_geometry(output, &wish);
    output->kind = (struct plan_kind){.region = region, .curve = curve_of(&config->operations)};
    output->kind.native = output->kind.curve == 0 && (rendition_keeps_depth(output, source) ||
                                                      rendition_keeps_colours(output, source));
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
    if (config->scale > 0 || (!config->width && !config->height))
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
