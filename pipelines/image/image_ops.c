#include "image_ops.h"

#include <string.h>

#include "colour_profile.h"

int image_replace(VipsImage **image, int failed, VipsImage **made)
{
    if (failed) {
        vips_error_clear();
        return ERR_INVALID;
    }
    g_object_unref(*image);
    *image = *made;
    return 0;
}

static int cast(VipsImage **image, VipsBandFormat format)
{
    VipsImage *made = NULL;
    if ((*image)->BandFmt == format)
        return 0;
    return image_replace(image, vips_cast(*image, &made, format, NULL), &made);
}

static int scale(VipsImage **image, struct plan_size size)
{
    VipsImage *made = NULL;
    double across = (double)size.width / (*image)->Xsize;
    double down = (double)size.height / (*image)->Ysize;
    int failed = vips_resize(*image, &made, across, "vscale", down, NULL);
    return image_replace(image, failed, &made);
}

/* Resizing mixes neighbouring pixels, and the colour of transparent ones must not contribute. */
static int scale_with_alpha(VipsImage **image, struct plan_size size)
{
    VipsBandFormat format = (*image)->BandFmt;
    VipsImage *made = NULL;
    int code = image_replace(image, vips_premultiply(*image, &made, NULL), &made);
    if (!code)
        code = scale(image, size);
    made = NULL;
    if (code)
        return code;
    code = image_replace(image, vips_unpremultiply(*image, &made, NULL), &made);
    if (code)
        return code;
    return cast(image, format);
}

int image_resize(VipsImage **image, struct plan_size size)
{
    if ((unsigned)(*image)->Xsize == size.width && (unsigned)(*image)->Ysize == size.height)
        return 0;
    return vips_image_hasalpha(*image) ? scale_with_alpha(image, size) : scale(image, size);
}

static int turn(VipsImage **image, VipsAngle angle)
{
    VipsImage *made = NULL;
    return image_replace(image, vips_rot(*image, &made, angle, NULL), &made);
}

static int mirror(VipsImage **image)
{
    VipsImage *made = NULL;
    return image_replace(image, vips_flip(*image, &made, VIPS_DIRECTION_HORIZONTAL, NULL), &made);
}

int image_upright(VipsImage **image, unsigned orientation)
{
    /* Turn, then mirror (EXIF 2.32, tag 0x0112). */
    static const struct {
        VipsAngle angle;
        bool mirrored;
    } steps[9] = {
        [2] = {VIPS_ANGLE_D0, true},    [3] = {VIPS_ANGLE_D180, false},
        [4] = {VIPS_ANGLE_D180, true},  [5] = {VIPS_ANGLE_D90, true},
        [6] = {VIPS_ANGLE_D90, false},  [7] = {VIPS_ANGLE_D270, true},
        [8] = {VIPS_ANGLE_D270, false},
    };
    int code = 0;
    if (orientation < 2 || orientation > 8)
        return 0;
    if (steps[orientation].angle != VIPS_ANGLE_D0)
        code = turn(image, steps[orientation].angle);
    return code || !steps[orientation].mirrored ? code : mirror(image);
}

static bool has_profile(VipsImage *image)
{
    return vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0;
}

unsigned image_colour_bands(VipsImage *image)
{
    return (unsigned)image->Bands - (vips_image_hasalpha(image) ? 1 : 0);
}

/* Uses the embedded profile; for a CMYK picture without one, the profile of libvips. A broken
 * profile, or one for another colour space, is ignored. */
static void apply_profile(VipsImage **image, bool deep)
{
    VipsImage *made = NULL;
    bool cmyk = (*image)->Type == VIPS_INTERPRETATION_CMYK;
    if (!has_profile(*image) && !cmyk)
        return;
    image_replace(image,
                  vips_icc_transform(*image, &made, "srgb", "embedded", TRUE, "input_profile",
                                     cmyk ? "cmyk" : "srgb", "depth", deep ? 16 : 8, NULL),
                  &made);
}

static bool is_plain(VipsImage *image)
{
    return image->Type == VIPS_INTERPRETATION_sRGB || image->Type == VIPS_INTERPRETATION_B_W ||
           image->Type == VIPS_INTERPRETATION_RGB16 || image->Type == VIPS_INTERPRETATION_GREY16;
}

static VipsInterpretation plain_space(bool grey, bool deep)
{
    if (grey)
        return deep ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W;
    return deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB;
}

static int to_space(VipsImage **image, VipsInterpretation space)
{
    VipsImage *made = NULL;
    if ((*image)->Type == space)
        return 0;
    return image_replace(image, vips_colourspace(*image, &made, space, NULL), &made);
}

/* Images without a colour interpretation in libvips, such as measurements, are interpreted by their
 * depth and bands. */
static int to_known_kind(VipsImage **image)
{
    VipsImage *made = NULL;
    if ((*image)->Type != VIPS_INTERPRETATION_MULTIBAND && vips_colourspace_issupported(*image))
        return 0;
    bool deep = (*image)->BandFmt == VIPS_FORMAT_USHORT;
    VipsInterpretation space = plain_space((*image)->Bands < 3, deep);
    return image_replace(image, vips_copy(*image, &made, "interpretation", space, NULL), &made);
}

/* A grey TIFF may have any number of samples; libvips would convert the first one to three colours
 * and keep the rest. */
static int colours_of(const VipsImage *image)
{
    if (image->Type == VIPS_INTERPRETATION_CMYK)
        return 4;
    bool grey = image->Type == VIPS_INTERPRETATION_B_W || image->Type == VIPS_INTERPRETATION_GREY16;
    return image->Bands >= 3 && !grey ? 3 : 1;
}

static int drop_extra_bands(VipsImage **image)
{
    VipsImage *made = NULL;
    int bands = (*image)->Bands;
    int colours = colours_of(*image);
    /* A single extra sample is alpha; if there are several, none is. */
    if (bands <= colours + 1)
        return 0;
    return image_replace(image, vips_extract_band(*image, &made, 0, "n", colours, NULL), &made);
}

int image_normalise(VipsImage **image)
{
    /* Packed Lab, used by some TIFFs. */
    int code = (*image)->Coding == VIPS_CODING_NONE ? 0 : to_space(image, VIPS_INTERPRETATION_sRGB);
    return code ? code : drop_extra_bands(image);
}

int image_to_depth(VipsImage **image, bool deep)
{
    int code = to_space(image, plain_space(image_colour_bands(*image) == 1, deep));
    return code ? code : cast(image, deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR);
}

int image_to_srgb(VipsImage **image, bool deep)
{
    bool grey = image_colour_bands(*image) == 1;
    const void *profile;
    size_t size;
    bool srgb = has_profile(*image) &&
                !vips_image_get_blob(*image, VIPS_META_ICC_NAME, &profile, &size) &&
                colour_profile_is_srgb((struct slice){profile, size});
    if (!srgb)
        apply_profile(image, deep);
    int code = is_plain(*image) ? 0 : to_known_kind(image);
    if (code)
        return code;
    code = to_space(image, plain_space(grey, deep));
    if (code)
        return code;
    return cast(image, deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR);
}
