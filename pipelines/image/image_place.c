/* From a resized picture to the requested box: crop, background, margins. */
#include "error.h"
#include "image_ops.h"
#include "image_turn.h"

/* Converts a colour to the bands and depth of an image; opaque. Returns the number of bands. */
static int ink_of(VipsImage *image, const struct colour *background, double ink[INK_BANDS_MAX])
{
    double unit = image->BandFmt == VIPS_FORMAT_USHORT ? 65535.0 / 255 : 1;
    int bands = (int)image_colour_bands(image);
    if (bands > 3) /* CMYK: no ink is white */
        return bands;
    ink[0] = unit * (background->given ? background->red : 255);
    ink[1] = unit * (background->given ? background->green : 255);
    ink[2] = unit * (background->given ? background->blue : 255);
    return bands;
}

/* A coloured background turns a grey picture into a colour picture. */
static int admit_colour(VipsImage **image, const struct colour *background)
{
    VipsImage *made = NULL;
    bool grey = background->red == background->green && background->green == background->blue;
    if (!background->given || grey || image_colour_bands(*image) != 1)
        return 0;
    VipsInterpretation space = (*image)->BandFmt == VIPS_FORMAT_USHORT ? VIPS_INTERPRETATION_RGB16
                                                                       : VIPS_INTERPRETATION_sRGB;
    return image_replace(image, vips_colourspace(*image, &made, space, NULL), &made);
}

int image_flatten(VipsImage **image, const struct colour *background)
{
    VipsImage *made = NULL;
    double ink[INK_BANDS_MAX] = {0};
    if (!vips_image_hasalpha(*image))
        return 0;
    int code = admit_colour(image, background);
    if (code)
        return code;
    if ((*image)->Bands > INK_BANDS_MAX)
        return ERR_UNSUPPORTED;
    VipsArrayDouble *array = vips_array_double_new(ink, ink_of(*image, background, ink));
    code = image_replace(image,
                         vips_flatten(*image, &made, "background", array, "max_alpha",
                                      image_alpha_max(*image), NULL),
                         &made);
    vips_area_unref(VIPS_AREA(array));
    return code;
}

int image_crop(VipsImage **image, struct plan_size size, enum plan_crop crop)
{
    static const VipsInteresting interests[] = {
        [CROP_CENTRE] = VIPS_INTERESTING_CENTRE,
        [CROP_ENTROPY] = VIPS_INTERESTING_ENTROPY,
        [CROP_ATTENTION] = VIPS_INTERESTING_ATTENTION,
    };
    VipsImage *made = NULL;
    int failed = vips_smartcrop(*image, &made, (int)size.width, (int)size.height, "interesting",
                                interests[crop], NULL);
    return image_replace(image, failed, &made);
}

int image_cut(VipsImage **image, struct plan_spot spot, struct plan_size size)
{
    VipsImage *made = NULL;
    return image_replace(image,
                         vips_crop(*image, &made, (int)spot.left, (int)spot.top, (int)size.width,
                                   (int)size.height, NULL),
                         &made);
}

int image_margin_ink(VipsImage **image, const struct colour *background, bool alpha,
                     VipsArrayDouble **out)
{
    VipsImage *made = NULL;
    double ink[INK_BANDS_MAX] = {0};
    bool clear = alpha && !background->given;
    int code = admit_colour(image, background);
    if (code)
        return code;
    if (clear && !vips_image_hasalpha(*image))
        code = image_replace(
            image, vips_bandjoin_const1(*image, &made, image_alpha_max(*image), NULL), &made);
    if (code)
        return code;
    if ((*image)->Bands > INK_BANDS_MAX)
        return ERR_UNSUPPORTED;
    if (!clear) {
        int colours = ink_of(*image, background, ink);
        if (vips_image_hasalpha(*image))
            ink[colours] = image_alpha_max(*image);
    }
    *out = vips_array_double_new(ink, (*image)->Bands);
    return 0;
}

int image_pad(VipsImage **image, struct plan_spot spot, struct plan_size size,
              const struct colour *background, bool alpha)
{
    VipsImage *made = NULL;
    VipsArrayDouble *ink = NULL;
    int code = image_margin_ink(image, background, alpha, &ink);
    if (code)
        return code;
    int failed =
        vips_embed(*image, &made, (int)spot.left, (int)spot.top, (int)size.width, (int)size.height,
                   "extend", VIPS_EXTEND_BACKGROUND, "background", ink, NULL);
    vips_area_unref(VIPS_AREA(ink));
    return image_replace(image, failed, &made);
}
