/*
 * Image operations. Each replaces *image by its result (and releases the old one), or leaves it and
 * returns a code. Nothing is computed before image_to_memory or a saver requests pixels.
 */
#ifndef THUMBWHEEL_IMAGE_OPS_H
#define THUMBWHEEL_IMAGE_OPS_H

#include <stdbool.h>

#include "error.h"
#include "pipeline_file.h"
#include "plan.h"
#include "vips_api.h"

/* The way of all steps: takes what a libvips call made, unless it failed. */
int image_replace(VipsImage **image, int failed, VipsImage **made);
/* Without alpha. */
unsigned image_colour_bands(VipsImage *image);

/* Right after opening: plain numbers, and nothing but colour and alpha (a TIFF may have packed
 * values, or any number of channels). */
int image_normalise(VipsImage **image);
/* Lanczos, with the colours weighted by their alpha. */
int image_resize(VipsImage **image, struct plan_size size);
/* Turns by an EXIF orientation, 1–8. */
int image_upright(VipsImage **image, unsigned orientation);
/* To sRGB or grey, from whatever its profile and its kind say; 8 bit, or 16 where deep. */
int image_to_srgb(VipsImage **image, bool deep);
int image_to_depth(VipsImage **image, bool deep);
/* Alpha onto a background. */
int image_flatten(VipsImage **image, const struct colour *background);
/* Cuts down or pads to size. background.given false: transparent where alpha is allowed, else
 * white. */
int image_crop(VipsImage **image, struct plan_size size, enum plan_crop crop);
int image_pad(VipsImage **image, struct plan_size size, const struct colour *background,
              bool alpha);
/* Metadata of another image: EXIF, XMP, IPTC and profile, without orientation and preview. */
int image_adopt_metadata(VipsImage **image, VipsImage *from);
/* Computes the pixels, on this thread, into memory. ERR_MEMORY: there is none; any other code: the
 * pixels could not be computed. Metadata stay behind. */
int image_to_memory(VipsImage **image);
/* The two in one: faster. */
int image_resize_to_memory(VipsImage **image, struct plan_size size);

#endif
