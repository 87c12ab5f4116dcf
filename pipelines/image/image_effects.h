/*
 * What is done with the pixels of a finished picture, which is 8-bit or 16-bit sRGB or grey, with or
 * without alpha. As image_ops.h: each replaces *image.
 */
#ifndef THUMBWHEEL_IMAGE_EFFECTS_H
#define THUMBWHEEL_IMAGE_EFFECTS_H

#include "image_ops.h"

/* The last band is taken from the image; *alpha, NULL before, is then the caller's, also after an
 * error if it is set. */
int image_take_alpha(VipsImage **image, VipsImage **alpha);
int image_put_alpha(VipsImage **image, VipsImage *alpha); /* borrows alpha */

typedef int image_effect(VipsImage **image, const void *how);
/* Applies an effect to all channels but alpha. */
int image_without_alpha(VipsImage **image, image_effect *effect, const void *how);

/* Stretches the lightness from its 1st and 99th percentiles to the whole range. Computes all
 * pixels. */
int image_stretch(VipsImage **image);
/* One channel: the luminance. */
int image_greyscale(VipsImage **image);
/* The lightness, in the hue of a colour; the ends stay black and white. */
int image_tint(VipsImage **image, const struct colour *colour);
/* Gaussian; sigma in pixels. Any kind of picture. */
int image_blur(VipsImage **image, double sigma);
/* The lightness only. */
int image_sharpen(VipsImage **image, double sigma);
/* Makes what lies outside a shape transparent. Any kind of picture. radius: of the corners;
 * 0: none. */
int image_mask(VipsImage **image, enum output_mask mask, int radius);

#endif
