/* Resizing in light. */
#ifndef THUMBWHEEL_IMAGE_LIGHT_H
#define THUMBWHEEL_IMAGE_LIGHT_H

#include "image_ops.h"

/* The curve of sRGB (IEC 61966-2-1), among exponents. */
#define IMAGE_LIGHT_SRGB (-1.0)

/* Resizes into memory what the pixels stand for: the values are converted to light by the curve,
 * which is an exponent or IMAGE_LIGHT_SRGB, and back after the resize. The result is 8-bit sRGB or
 * grey. */
int image_resize_light(VipsImage **image, struct plan_size size, double curve);

#endif
