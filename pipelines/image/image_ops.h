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
#include "resample.h"
#include "turn.h"
#include "vips_api.h"

/* Common end of all operations: takes the result of a libvips call, unless it failed. */
int image_replace(VipsImage **image, int failed, VipsImage **made);
/* Of colour: 1, 3 or 4. A grey TIFF may have any number of samples; libvips would convert the first
 * one to three colours and keep the rest. */
int image_channels(const VipsImage *image);
/* All bands but alpha. */
unsigned image_colour_bands(VipsImage *image);

/* The value of an opaque pixel's alpha. */
double image_alpha_max(const VipsImage *image);
int image_cast(VipsImage **image, VipsBandFormat format);

/* Its ICC profile; empty if it has none. Valid as long as the image. */
struct slice image_profile(VipsImage *image);
/* Right after opening: removes a profile that can't be used, because it is damaged or describes
 * another number of channels than the image has. */
void image_profile_check(VipsImage *image);
/* Whether the image could be converted by its profile; reads all of the profile. */
bool image_profile_works(VipsImage *image);

/* Right after opening: converts Lab to sRGB, floating-point values with a profile to 16 bits, and
 * removes extra channels (a TIFF may have any number of channels). alpha_band: which of several is
 * alpha; 0: none. */
int image_normalise(VipsImage **image, unsigned alpha_band);
/* Lanczos, with colours weighted by alpha. */
int image_resize(VipsImage **image, struct plan_size size);
/* The same, with the value of an opaque pixel's alpha. */
int image_resize_to(VipsImage **image, struct plan_size size, double alpha_max);
/* Turns by an EXIF orientation, 1–8. */
int image_upright(VipsImage **image, unsigned orientation);
/* Converts to sRGB or grey according to its profile and colour space; 8 bit, or 16 if deep. */
int image_to_srgb(VipsImage **image, bool deep);
/* The same colours in 8 bit, or in 16 if deep. */
int image_to_depth(VipsImage **image, bool deep);
/* Blends alpha onto a background. */
int image_flatten(VipsImage **image, const struct colour *background);
/* Crops to size, at a place that depends on the content. */
int image_crop(VipsImage **image, struct plan_size size, enum plan_crop crop);
/* The same at a given place. */
int image_cut(VipsImage **image, struct plan_spot spot, struct plan_size size);
/* Adds margins: the picture lies at the spot. background.given false: transparent if alpha is
 * allowed, else white. */
int image_pad(VipsImage **image, struct plan_spot spot, struct plan_size size,
              const struct colour *background, bool alpha);
/* Copies metadata of another image: those of EXIF, XMP, IPTC and profile that keep has (enum
 * metadata_kept), without orientation and preview. */
int image_adopt_metadata(VipsImage **image, VipsImage *from, unsigned keep);
/* Passes the lines, from top to bottom, to a callback. ERR_CORRUPT: they can't be computed. */
int image_pull_lines(VipsImage *image, void (*take)(void *user, const VipsPel *line), void *user);
/* An image of 8 bits a sample with the pixels, of which it takes ownership in any case, and with
 * the bands and the kind of another one. NULL: memory is short. */
VipsImage *image_of_pixels(VipsImage *like, VipsPel *pixels, struct plan_size size);
/* Decodes all pixels and drops them. ERR_CORRUPT. */
int image_read(VipsImage *image);
/* Computes the pixels into memory, on this thread. ERR_MEMORY: memory is short; any other code: the
 * pixels could not be computed. Metadata is not kept. */
int image_to_memory(VipsImage **image);
/* Of an image without a part of a pixel at an edge. */
struct resample_extent image_extent(VipsImage *image);
/* Both in one step, which is faster. Beyond 8 bits, and from RESAMPLE_FACTOR_MAX, a part of a pixel
 * counts as a whole one: no such picture has one, or it is not visible. */
int image_resize_to_memory(VipsImage **image, struct resample_extent extent, struct plan_size size);

#endif
