/* Encoders. The same pixels and settings always produce the same bytes. */
#ifndef THUMBWHEEL_IMAGE_SAVE_H
#define THUMBWHEEL_IMAGE_SAVE_H

#include <stdbool.h>

#include "bytes.h"
#include "error.h"
#include "image_format.h"

struct output_config;
struct _VipsImage;

/* Whether this machine's libvips can write a format. Call it after pipelines_start. */
bool image_save_supports(enum image_format format);

/* The quality that the encoder gets: the configured one, or the format's default. */
int image_save_quality(enum image_format format, const struct output_config *config);
/* Whether colours are stored in the resolution of the picture (4:4:4). */
bool image_save_full_colour(enum image_format format, const struct output_config *config);

/* The image must not have alpha if the format has none. out is a buffer of libvips, with its
 * release function: no copy. ERR_LIMIT: a side is too long for the format. ERR_UNSUPPORTED: the
 * encoder refused. */
int image_save(struct _VipsImage *image, enum image_format format,
               const struct output_config *config, struct bytes *out, struct error *error);

#endif
