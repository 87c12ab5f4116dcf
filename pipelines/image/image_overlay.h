/* A picture over another one. */
#ifndef THUMBWHEEL_IMAGE_OVERLAY_H
#define THUMBWHEEL_IMAGE_OVERLAY_H

#include "image_ops.h"

/* Lays the overlay's picture over an 8-bit or 16-bit sRGB or grey image, which becomes a colour
 * image and keeps its alpha or its lack of it. ERR_UNSUPPORTED: the picture can't be decoded. */
int image_overlay(VipsImage **image, const struct overlay_config *overlay);
/* Pixels of the overlay's picture. */
size_t image_overlay_pixels(const struct overlay_config *overlay);

#endif
