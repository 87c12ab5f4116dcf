/*
 * Colours: from whatever an image contains to sRGB or grey.
 *
 * ICC profiles are applied with black point compensation, as image editors do, and with the
 * relative intent, unless the profile only has a table for another one (colour_profile.h). An image
 * is only opened with a profile that can be used (image_profile_check): one that is damaged, or
 * describes another number of channels, counts as absent.
 *
 * Alpha is separated before a conversion: libvips 8.14 would convert its type without its scale.
 */
#include "colour_profile.h"
#include "image_ops.h"

/* ---- profiles ---- */

struct slice image_profile(VipsImage *image)
{
    const void *data;
    size_t size;
    if (!vips_image_get_typeof(image, VIPS_META_ICC_NAME) ||
        vips_image_get_blob(image, VIPS_META_ICC_NAME, &data, &size))
        return (struct slice){"", 0};
    return (struct slice){data, size};
}

static bool is_grey(const VipsImage *image)
{
    return image->Type == VIPS_INTERPRETATION_B_W || image->Type == VIPS_INTERPRETATION_GREY16;
}

static bool is_lab(const VipsImage *image)
{
    return image->Coding == VIPS_CODING_LABQ || image->Type == VIPS_INTERPRETATION_LAB ||
           image->Type == VIPS_INTERPRETATION_LABS || image->Type == VIPS_INTERPRETATION_LABQ;
}

int image_channels(const VipsImage *image)
{
    if (image->Type == VIPS_INTERPRETATION_CMYK)
        return 4;
    return image->Bands >= 3 && !is_grey(image) ? 3 : 1;
}

/* Lab values need no profile. */
static bool is_usable(VipsImage *image, struct slice profile)
{
    return !is_lab(image) && (int)colour_profile_channels(profile) == image_channels(image) &&
           colour_profile_intent(profile) != INTENT_NONE &&
           vips_icc_is_compatible_profile(image, profile.data, profile.size);
}

void image_profile_check(VipsImage *image)
{
    struct slice profile = image_profile(image);
    bool rgb = image_channels(image) == 3 && !is_lab(image);
    bool plain = rgb && colour_profile_is_srgb(profile); /* common, so it comes first */
    if (profile.size && !plain && !is_usable(image, profile))
        vips_image_remove(image, VIPS_META_ICC_NAME);
}

/* Of the image, or of libvips for CMYK without one. */
static int transform(VipsImage *image, VipsImage **made, bool deep)
{
    static const VipsIntent intents[] = {
        [INTENT_NONE] = VIPS_INTENT_RELATIVE,
        [INTENT_RELATIVE] = VIPS_INTENT_RELATIVE,
        [INTENT_PERCEPTUAL] = VIPS_INTENT_PERCEPTUAL,
        [INTENT_SATURATION] = VIPS_INTENT_SATURATION,
    };
    bool cmyk = image->Type == VIPS_INTERPRETATION_CMYK;
    return vips_icc_transform(image, made, "srgb", "embedded", TRUE, "input_profile",
                              cmyk ? "cmyk" : "srgb", "intent",
                              intents[colour_profile_intent(image_profile(image))],
                              "black_point_compensation", TRUE, "depth", deep ? 16 : 8, NULL);
}

bool image_profile_works(VipsImage *image)
{
    VipsImage *made = NULL;
    if (transform(image, &made, false)) {
        vips_error_clear();
        return false;
    }
    g_object_unref(made);
    return true;
}

static int set_space(VipsImage **image, VipsInterpretation space)
{
    VipsImage *made = NULL;
    return image_replace(image, vips_copy(*image, &made, "interpretation", space, NULL), &made);
}

/* A grey profile gives three equal values. */
static int take_grey(VipsImage **image, bool deep)
{
    VipsImage *made = NULL;
    int code = image_replace(image, vips_extract_band(*image, &made, 1, NULL), &made);
    return code ? code
                : set_space(image, deep ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W);
}

static int drop_profile(VipsImage **image)
{
    VipsImage *made = NULL;
    int code = image_replace(image, vips_copy(*image, &made, NULL), &made);
    if (!code)
        vips_image_remove(*image, VIPS_META_ICC_NAME);
    return code;
}

/* A profile whose contents turn out to be damaged counts as absent. Without alpha. */
static int apply_profile(VipsImage **image, bool deep)
{
    VipsImage *made = NULL;
    struct slice profile = image_profile(*image);
    bool cmyk = (*image)->Type == VIPS_INTERPRETATION_CMYK, grey = (*image)->Bands == 1;
    if (colour_profile_is_srgb(profile) || (profile.size == 0 && !cmyk))
        return 0;
    int code = image_replace(image, transform(*image, &made, deep), &made);
    if (!code)
        return grey ? take_grey(image, deep) : 0;
    if (!profile.size)
        return code;
    code = drop_profile(image);
    made = NULL;
    if (code || !cmyk)
        return code;
    return image_replace(image, transform(*image, &made, deep), &made);
}

/* ---- alpha ---- */

double image_alpha_max(const VipsImage *image)
{
    switch (image->BandFmt) {
    case VIPS_FORMAT_USHORT:
    case VIPS_FORMAT_SHORT: /* of Lab */
        return 65535;
    case VIPS_FORMAT_FLOAT:
    case VIPS_FORMAT_DOUBLE:
        return is_grey(image) ? 255 : 1;
    default:
        return 255;
    }
}

static int times(VipsImage **image, double factor, VipsBandFormat format)
{
    VipsImage *made = NULL;
    if (factor == 1 && (*image)->BandFmt == format)
        return 0;
    /* a cast cuts off the fraction */
    int code = image_replace(image, vips_linear1(*image, &made, factor, 0.5, NULL), &made);
    return code ? code : image_cast(image, format);
}

/* libvips stores alpha in the signed values of Lab. */
static int alpha_to_depth(VipsImage **alpha, double most, bool deep)
{
    VipsImage *made = NULL;
    VipsBandFormat format = VIPS_FORMAT_USHORT;
    if ((*alpha)->BandFmt == VIPS_FORMAT_SHORT &&
        image_replace(alpha, vips_copy(*alpha, &made, "format", format, NULL), &made))
        return ERR_INVALID;
    return times(alpha, (deep ? 65535 : 255) / most, deep ? format : VIPS_FORMAT_UCHAR);
}

/* Takes alpha from the image, in the depth of the result. NULL: the image has none. */
static int split_alpha(VipsImage **image, VipsImage **alpha, bool deep)
{
    VipsImage *made = NULL;
    double most = image_alpha_max(*image);
    int last = (*image)->Bands - 1;
    *alpha = NULL;
    if (!vips_image_hasalpha(*image))
        return 0;
    if (vips_extract_band(*image, alpha, last, NULL)) {
        vips_error_clear();
        return ERR_INVALID;
    }
    int code = image_replace(image, vips_extract_band(*image, &made, 0, "n", last, NULL), &made);
    return code ? code : alpha_to_depth(alpha, most, deep);
}

/* Puts it back. Releases alpha; code: of the conversion. */
static int join_alpha(VipsImage **image, VipsImage *alpha, int code)
{
    VipsImage *made = NULL;
    if (alpha && !code)
        code = image_replace(image, vips_bandjoin2(*image, alpha, &made, NULL), &made);
    if (alpha)
        g_object_unref(alpha);
    return code;
}

/* ---- conversion ---- */

static VipsInterpretation plain_space(bool grey, bool deep)
{
    if (grey)
        return deep ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W;
    return deep ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB;
}

static bool is_plain(const VipsImage *image)
{
    return is_grey(image) || image->Type == VIPS_INTERPRETATION_sRGB ||
           image->Type == VIPS_INTERPRETATION_RGB16;
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
    if ((*image)->Type != VIPS_INTERPRETATION_MULTIBAND && vips_colourspace_issupported(*image))
        return 0;
    bool deep = (*image)->BandFmt == VIPS_FORMAT_USHORT;
    return set_space(image, plain_space((*image)->Bands < 3, deep));
}

static int colours_to_srgb(VipsImage **image, bool deep)
{
    bool grey = (*image)->Bands == 1;
    int code = apply_profile(image, deep);
    if (code)
        return code;
    code = is_plain(*image) ? 0 : to_known_kind(image);
    if (code)
        return code;
    code = to_space(image, plain_space(grey, deep));
    return code ? code : image_cast(image, deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR);
}

static bool is_srgb_already(VipsImage *image, bool deep)
{
    struct slice profile = image_profile(image);
    return image->BandFmt == (deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR) &&
           image->Type == plain_space(image_colour_bands(image) == 1, deep) &&
           (profile.size == 0 || colour_profile_is_srgb(profile));
}

int image_to_srgb(VipsImage **image, bool deep)
{
    VipsImage *alpha = NULL;
    if (is_srgb_already(*image, deep))
        return 0;
    int code = split_alpha(image, &alpha, deep);
    if (!code)
        code = colours_to_srgb(image, deep);
    return join_alpha(image, alpha, code);
}

int image_to_depth(VipsImage **image, bool deep)
{
    VipsImage *made = NULL;
    VipsBandFormat format = deep ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR;
    if ((*image)->Type == VIPS_INTERPRETATION_CMYK)
        return (*image)->BandFmt == format
                   ? 0
                   : image_replace(image, vips_cast(*image, &made, format, "shift", TRUE, NULL),
                                   &made);
    int code = to_space(image, plain_space(image_colour_bands(*image) == 1, deep));
    return code ? code : image_cast(image, format);
}

/* ---- right after opening ---- */

/* A single extra sample is alpha; of several, the one that the file names. */
static int drop_extra_bands(VipsImage **image, unsigned alpha_band)
{
    VipsImage *colours = NULL, *alpha = NULL, *made = NULL;
    int bands = (*image)->Bands, channels = image_channels(*image);
    if (bands <= channels + 1)
        return 0;
    if (vips_extract_band(*image, &colours, 0, "n", channels, NULL) ||
        vips_extract_band(*image, &alpha, alpha_band ? (int)alpha_band : channels, NULL)) {
        g_clear_object(&colours);
        return image_replace(image, 1, &made);
    }
    int failed = alpha_band ? vips_bandjoin2(colours, alpha, &made, NULL) : 0;
    if (!alpha_band)
        made = g_object_ref(colours);
    g_object_unref(colours);
    g_object_unref(alpha);
    return image_replace(image, failed, &made);
}

/* Lab values are relative to D50 and take the same way as a profile's. Without alpha. */
static int export_lab(VipsImage **image, bool deep)
{
    VipsImage *made = NULL;
    int code = to_space(image, VIPS_INTERPRETATION_LAB);
    if (code)
        return code;
    return image_replace(image,
                         vips_icc_export(*image, &made, "output_profile", "srgb", "intent",
                                         VIPS_INTENT_RELATIVE, "depth", deep ? 16 : 8, NULL),
                         &made);
}

static int lab_to_srgb(VipsImage **image)
{
    VipsImage *alpha = NULL;
    bool packed = (*image)->Coding == VIPS_CODING_LABQ;
    int code = packed ? 0 : split_alpha(image, &alpha, true);
    if (!code)
        code = export_lab(image, !packed);
    code = join_alpha(image, alpha, code);
    return code ? code : drop_profile(image); /* that of the export */
}

/* Floating-point values from 0 to 1 that a profile describes, as whole numbers for ICC. */
static int floats_to_deep(VipsImage **image)
{
    static const VipsInterpretation spaces[] = {[1] = VIPS_INTERPRETATION_GREY16,
                                                [3] = VIPS_INTERPRETATION_RGB16,
                                                [4] = VIPS_INTERPRETATION_CMYK};
    int colours = image_channels(*image);
    int code = times(image, 65535, VIPS_FORMAT_USHORT);
    return code ? code : set_space(image, spaces[colours]);
}

static bool is_float(const VipsImage *image)
{
    return image->BandFmt == VIPS_FORMAT_FLOAT || image->BandFmt == VIPS_FORMAT_DOUBLE;
}

int image_normalise(VipsImage **image, unsigned alpha_band)
{
    int code = (*image)->Coding == VIPS_CODING_NONE ? drop_extra_bands(image, alpha_band) : 0;
    if (code)
        return code;
    if (is_lab(*image))
        return lab_to_srgb(image);
    if (!is_float(*image))
        return 0;
    bool described = (*image)->Type == VIPS_INTERPRETATION_CMYK ||
                     (image_profile(*image).size && image_profile_works(*image));
    return described ? floats_to_deep(image) : 0;
}
