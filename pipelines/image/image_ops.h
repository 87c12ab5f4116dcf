/*
 * Image operations. Each replaces *image with its result (and releases the old one), or leaves it
 * unchanged and returns a code. Nothing is computed before image_to_memory or a saver requests
 * pixels.
 */
#ifndef THUMBWHEEL_IMAGE_OPS_H
#define THUMBWHEEL_IMAGE_OPS_H

#include <stdbool.h>

#include "error.h"
#include "pipeline_file.h"
#include "plan.h"
#include "vips_api.h"

/* Common end of all operations: takes the result of a libvips call, unless it failed. */
int image_replace(VipsImage **image, int failed, VipsImage **made);
/* Without alpha. */
unsigned image_colour_bands(VipsImage *image);

/* Right after opening: unpacks values and removes extra channels (a TIFF may have packed values or
 * any number of channels). */
int image_normalise(VipsImage **image);
/* Lanczos, with colours weighted by alpha. */
int image_resize(VipsImage **image, struct plan_size size);
/* Turns by an EXIF orientation, 1–8. */
int image_upright(VipsImage **image, unsigned orientation);
/* Converts to sRGB or grey according to its profile and colour space; 8 bit, or 16 if deep. */
int image_to_srgb(VipsImage **image, bool deep);
int image_to_depth(VipsImage **image, bool deep);
/* Blends alpha onto a background. */
int image_flatten(VipsImage **image, const struct colour *background);
/* Crops or pads to size. background.given false: transparent if alpha is allowed, else white. */
int image_crop(VipsImage **image, struct plan_size size, enum plan_crop crop);
int image_pad(VipsImage **image, struct plan_size size, const struct colour *background,
              bool alpha);
/* Copies metadata of another image: EXIF, XMP, IPTC and profile, without orientation and
 * preview. */
int image_adopt_metadata(VipsImage **image, VipsImage *from);
/* Computes the pixels into memory, on this thread. ERR_MEMORY: memory is short; any other code: the
 * pixels could not be computed. Metadata is not kept. */
int image_to_memory(VipsImage **image);
/* Both in one step, which is faster. */
int image_resize_to_memory(VipsImage **image, struct plan_size size);

#endif
