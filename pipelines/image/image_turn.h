/* Turning by any angle, and the colour of the corners and margins. As image_ops.h. */
#ifndef THUMBWHEEL_IMAGE_TURN_H
#define THUMBWHEEL_IMAGE_TURN_H

#include "image_ops.h"

enum { INK_BANDS_MAX = 5 }; /* CMYK and alpha: image_normalise leaves at most these */

/* The values of a background's pixel for this image, which gets alpha or colour if they need it; for
 * vips_area_unref. background.given false: transparent if alpha is allowed, else white. */
int image_margin_ink(VipsImage **image, const struct colour *background, bool alpha,
                     VipsArrayDouble **out);

/* Degrees clockwise around the middle; size is that of the result. */
int image_rotate(VipsImage **image, double angle, struct plan_size size,
                 const struct colour *background, bool alpha);

#endif
