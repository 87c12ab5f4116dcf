#include "image_turn.h"

#include <math.h>

/* A pixel's coordinates are those of its centre. */
static int turn(VipsImage *image, VipsImage **made, double angle, struct plan_size size,
                VipsArrayDouble *ink)
{
    double c = cos(angle * M_PI / 180), s = sin(angle * M_PI / 180);
    const int box[] = {0, 0, (int)size.width, (int)size.height};
    VipsInterpolate *cubic = vips_interpolate_new("bicubic");
    VipsArrayInt *area = vips_array_int_new(box, 4);
    int failed =
        !cubic || vips_affine(image, made, c, -s, s, c, "interpolate", cubic, "oarea", area, "idx",
                              -(image->Xsize - 1) / 2.0, "idy", -(image->Ysize - 1) / 2.0, "odx",
                              (size.width - 1) / 2.0, "ody", (size.height - 1) / 2.0, "extend",
                              VIPS_EXTEND_BACKGROUND, "background", ink, NULL);
    vips_area_unref(VIPS_AREA(area));
    g_clear_object(&cubic);
    return failed;
}

int image_rotate(VipsImage **image, double angle, struct plan_size size,
                 const struct colour *background, bool alpha)
{
    VipsImage *made = NULL;
    VipsArrayDouble *ink = NULL;
    int code = image_margin_ink(image, background, alpha, &ink);
    if (code)
        return code;
    code = image_replace(image, turn(*image, &made, angle, size, ink), &made);
    vips_area_unref(VIPS_AREA(ink));
    return code;
}
