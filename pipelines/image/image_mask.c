/*
 * How much of each pixel a shape covers, from the distance between the pixel's middle and the
 * outline: all of it from half a pixel inside, nothing from half a pixel outside.
 */
#include <math.h>
#include <stdlib.h>

#include "image_effects.h"

/* Half of the size of the shape, which is in the middle of the picture. */
struct shape {
    double across, down;
    double radius; /* of the corners; 0: an ellipse */
};

static struct shape shape_of(VipsImage *image, enum output_mask mask, int radius)
{
    struct shape shape = {image->Xsize / 2.0, image->Ysize / 2.0, 0};
    double half = fmin(shape.across, shape.down);
    if (mask == MASK_CIRCLE)
        shape.across = shape.down = half;
    if (mask == MASK_NONE)
        shape.radius = fmin(radius, half);
    return shape;
}

/* Negative inside. */
static double distance_to_corners(const struct shape *s, double x, double y)
{
    double right = fabs(x) - s->across + s->radius, below = fabs(y) - s->down + s->radius;
    double inside = fmin(fmax(right, below), 0);
    return hypot(fmax(right, 0), fmax(below, 0)) + inside - s->radius;
}

/* To the first order, which is enough near the outline. */
static double distance_to_ellipse(const struct shape *s, double x, double y)
{
    double length = hypot(x / s->across, y / s->down);
    double slope = hypot(x / (s->across * s->across), y / (s->down * s->down));
    return slope > 0 ? length * (length - 1) / slope : -fmin(s->across, s->down);
}

static void cover(const struct shape *s, int width, int height, VipsPel *out)
{
    for (int row = 0; row < height; row++) {
        for (int column = 0; column < width; column++) {
            double x = column + 0.5 - width / 2.0, y = row + 0.5 - height / 2.0;
            double distance =
                s->radius > 0 ? distance_to_corners(s, x, y) : distance_to_ellipse(s, x, y);
            double part = fmin(fmax(0.5 - distance, 0), 1);
            *out++ = (VipsPel)(part * 255 + 0.5);
        }
    }
}

/* In one channel of 8 bits, which owns its pixels. */
static VipsImage *coverage_new(VipsImage *image, const struct shape *shape)
{
    size_t bytes = (size_t)image->Xsize * (size_t)image->Ysize;
    VipsPel *pixels = malloc(bytes);
    if (!pixels)
        return NULL;
    cover(shape, image->Xsize, image->Ysize, pixels);
    VipsImage *made =
        vips_image_new_from_memory(pixels, bytes, image->Xsize, image->Ysize, 1, VIPS_FORMAT_UCHAR);
    if (made)
        g_object_set_data_full(G_OBJECT(made), "thumbwheel-pixels", pixels, free);
    else
        free(pixels);
    return made;
}

/* An 8-bit coverage as alpha in the depth of the image. */
static int to_depth(VipsImage **coverage, double most, VipsBandFormat format)
{
    VipsImage *made = NULL;
    if (most == 255)
        return 0;
    int code =
        image_replace(coverage, vips_linear1(*coverage, &made, most / 255, 0.5, NULL), &made);
    return code ? code : image_cast(coverage, format);
}

/* What remains of the image's own alpha. */
static int take_part(VipsImage **alpha, VipsImage *coverage, VipsBandFormat format)
{
    VipsImage *made = NULL;
    int code = image_replace(alpha, vips_multiply(*alpha, coverage, &made, NULL), &made);
    if (code)
        return code;
    made = NULL;
    code = image_replace(alpha, vips_linear1(*alpha, &made, 1.0 / 255, 0.5, NULL), &made);
    return code ? code : image_cast(alpha, format);
}

static int mask_colours(VipsImage **image, VipsImage **coverage)
{
    VipsImage *made = NULL;
    int code = to_depth(coverage, image_alpha_max(*image), (*image)->BandFmt);
    return code ? code
                : image_replace(image, vips_bandjoin2(*image, *coverage, &made, NULL), &made);
}

static int mask_alpha(VipsImage **image, VipsImage *coverage)
{
    VipsImage *alpha = NULL;
    int code = image_take_alpha(image, &alpha);
    if (code)
        goto out;
    code = take_part(&alpha, coverage, (*image)->BandFmt);
    if (code)
        goto out;
    code = image_put_alpha(image, alpha);
out:
    g_clear_object(&alpha);
    return code;
}

int image_mask(VipsImage **image, enum output_mask mask, int radius)
{
    const struct shape shape = shape_of(*image, mask, radius);
    VipsImage *coverage = coverage_new(*image, &shape);
    if (!coverage)
        return ERR_MEMORY;
    int code =
        vips_image_hasalpha(*image) ? mask_alpha(image, coverage) : mask_colours(image, &coverage);
    g_object_unref(coverage);
    return code;
}
