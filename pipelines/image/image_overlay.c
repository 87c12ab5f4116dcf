#include "image_overlay.h"

#include "image_load.h"
#include "overlay_pictures.h"

enum { RGBA = 4 };

/* ---- the picture ---- */

/* One from a bucket has not been checked before. */
static int picture_probe(const struct overlay_config *overlay, struct image_source *out)
{
    struct error error;
    if (image_probe(overlay->picture, &image_limits_default, out, NULL, &error))
        return ERR_OVERLAY;
    bool fits = out->facts.width <= OVERLAY_SIDE_MAX && out->facts.height <= OVERLAY_SIDE_MAX;
    return fits ? 0 : ERR_OVERLAY;
}

size_t image_overlay_pixels(const struct overlay_config *overlay)
{
    struct image_source source;
    if (picture_probe(overlay, &source))
        return 0;
    return (size_t)source.facts.width * source.facts.height;
}

static int to_colour(VipsImage **image)
{
    VipsImage *made = NULL;
    bool deep = (*image)->BandFmt == VIPS_FORMAT_USHORT;
    if (image_colour_bands(*image) != 1)
        return 0;
    return image_replace(
        image,
        vips_colourspace(*image, &made, deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB,
                         NULL),
        &made);
}

static int add_alpha(VipsImage **image)
{
    VipsImage *made = NULL;
    if (vips_image_hasalpha(*image))
        return 0;
    return image_replace(image, vips_bandjoin_const1(*image, &made, image_alpha_max(*image), NULL),
                         &made);
}

/* Upright, as 8-bit sRGB with alpha. */
static int picture_convert(VipsImage **image, const struct image_source *source)
{
    int code = image_normalise(image, source->alpha_band);
    if (code)
        return code;
    code = image_to_srgb(image, false);
    if (code)
        return code;
    code = to_colour(image);
    if (code)
        return code;
    code = image_to_memory(image); /* turning reads the lines in another order */
    if (code)
        return code;
    code = image_upright(image, source->facts.orientation);
    return code ? code : add_alpha(image);
}

static int picture_open(const struct overlay_config *overlay, VipsImage **out)
{
    struct image_source source;
    struct resample_extent extent;
    int code = picture_probe(overlay, &source);
    if (code)
        return code;
    code = image_open(&source, 1, &extent, out);
    if (!code)
        code = picture_convert(out, &source);
    return code && code != ERR_MEMORY ? ERR_OVERLAY : code;
}

/* Its size in the output: as requested, but never larger than the output. */
static struct plan_size size_in(const VipsImage *picture, struct plan_size output,
                                const struct overlay_config *overlay)
{
    struct plan_wish wish = {.width = output.width, .height = output.height};
    struct plan_size own = {(unsigned)picture->Xsize, (unsigned)picture->Ysize};
    double width =
        overlay->scale > 0 ? output.width * overlay->scale : own.width * overlay->enlarged;
    if (width > 0) {
        wish.width = width < output.width ? (unsigned)(width + 0.5) : output.width;
        wish.width = wish.width ? wish.width : 1;
        wish.enlarge = true;
    }
    return plan_place(own, &wish).whole;
}

/* In memory, so that its alpha can be changed. */
static int picture_fit(VipsImage **picture, struct plan_size size, double opacity)
{
    int code = image_resize_to_memory(picture, image_extent(*picture), size);
    if (code || opacity >= 1)
        return code;
    VipsPel *pixel = (*picture)->data;
    for (size_t i = 0; i < (size_t)size.width * size.height; i++, pixel += RGBA)
        pixel[RGBA - 1] = (VipsPel)(pixel[RGBA - 1] * opacity + 0.5);
    return 0;
}

/* ---- its place ---- */

static int embed(VipsImage **image, struct plan_spot spot, struct plan_size size)
{
    VipsImage *made = NULL;
    return image_replace(image,
                         vips_embed(*image, &made, (int)spot.left, (int)spot.top, (int)size.width,
                                    (int)size.height, NULL),
                         &made);
}

static int repeat(VipsImage **picture, struct plan_size output,
                  const struct overlay_config *overlay)
{
    VipsImage *made = NULL;
    struct plan_size cell = {(unsigned)((*picture)->Xsize + overlay->x),
                             (unsigned)((*picture)->Ysize + overlay->y)};
    int code = embed(picture, (struct plan_spot){0, 0}, cell);
    if (code)
        return code;
    int across = (int)((output.width + cell.width - 1) / cell.width);
    int down = (int)((output.height + cell.height - 1) / cell.height);
    code = image_replace(picture, vips_replicate(*picture, &made, across, down, NULL), &made);
    return code ? code : image_cut(picture, (struct plan_spot){0, 0}, output);
}

/* From the edge that gravity names, but not beyond the other one. */
static unsigned shifted(unsigned at, unsigned room, int by)
{
    unsigned shift = (unsigned)by;
    if (at == room && room > 0) /* at the right or bottom edge */
        return shift > at ? 0 : at - shift;
    return at + shift > room ? room : at + shift;
}

static int place(VipsImage **picture, struct plan_size output, const struct overlay_config *overlay)
{
    struct plan_size own = {(unsigned)(*picture)->Xsize, (unsigned)(*picture)->Ysize};
    if (overlay->tile)
        return repeat(picture, output, overlay);
    struct plan_spot spot = plan_spot_at(output, own, (enum plan_gravity)overlay->gravity);
    spot.left = shifted(spot.left, output.width - own.width, overlay->x);
    spot.top = shifted(spot.top, output.height - own.height, overlay->y);
    return embed(picture, spot, output);
}

/* ---- both ---- */

static int to_deep(VipsImage **picture)
{
    VipsImage *made = NULL;
    int code = image_replace(picture, vips_linear1(*picture, &made, 257, 0, NULL), &made);
    if (code)
        return code;
    code = image_cast(picture, VIPS_FORMAT_USHORT);
    if (code)
        return code;
    made = NULL;
    return image_replace(
        picture, vips_copy(*picture, &made, "interpretation", VIPS_INTERPRETATION_RGB16, NULL),
        &made);
}

static int blend(VipsImage **image, VipsImage *picture)
{
    VipsImage *made = NULL;
    VipsInterpretation space = (*image)->Type;
    VipsBandFormat format = (*image)->BandFmt;
    bool alpha = vips_image_hasalpha(*image);
    int code = image_replace(image,
                             vips_composite2(*image, picture, &made, VIPS_BLEND_MODE_OVER,
                                             "compositing_space", space, NULL),
                             &made);
    if (code)
        return code;
    code = image_cast(image, format);
    if (code || alpha)
        return code;
    made = NULL;
    return image_replace(image, vips_extract_band(*image, &made, 0, "n", 3, NULL), &made);
}

static int lay(VipsImage **image, VipsImage **picture, const struct overlay_config *overlay)
{
    struct plan_size output = {(unsigned)(*image)->Xsize, (unsigned)(*image)->Ysize};
    int code = picture_fit(picture, size_in(*picture, output, overlay), overlay->opacity);
    if (code)
        return code;
    code = place(picture, output, overlay);
    if (code)
        return code;
    code = (*image)->BandFmt == VIPS_FORMAT_USHORT ? to_deep(picture) : 0;
    if (code)
        return code;
    code = to_colour(image);
    return code ? code : blend(image, *picture);
}

int image_overlay(VipsImage **image, const struct overlay_config *overlay)
{
    VipsImage *picture = NULL;
    int code = picture_open(overlay, &picture);
    if (!code)
        code = lay(image, &picture, overlay);
    g_clear_object(&picture);
    return code;
}
