#include "image_ops.h"

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

int image_cast(VipsImage **image, VipsBandFormat format)
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
static int scale_with_alpha(VipsImage **image, struct plan_size size, double most)
{
    VipsBandFormat format = (*image)->BandFmt;
    VipsImage *made = NULL;
    int code =
        image_replace(image, vips_premultiply(*image, &made, "max_alpha", most, NULL), &made);
    if (!code)
        code = scale(image, size);
    made = NULL;
    if (code)
        return code;
    code = image_replace(image, vips_unpremultiply(*image, &made, "max_alpha", most, NULL), &made);
    if (code)
        return code;
    return image_cast(image, format);
}

int image_resize_to(VipsImage **image, struct plan_size size, double alpha_max)
{
    if ((unsigned)(*image)->Xsize == size.width && (unsigned)(*image)->Ysize == size.height)
        return 0;
    return vips_image_hasalpha(*image) ? scale_with_alpha(image, size, alpha_max)
                                       : scale(image, size);
}

int image_resize(VipsImage **image, struct plan_size size)
{
    return image_resize_to(image, size, image_alpha_max(*image));
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

unsigned image_colour_bands(VipsImage *image)
{
    return (unsigned)image->Bands - (vips_image_hasalpha(image) ? 1 : 0);
}
