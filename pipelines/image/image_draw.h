/*
 * Drawings: SVG and PDF, which have lines and texts instead of pixels.
 *
 * A drawing has a nominal size, in units of 1/96 inch as in browsers, but is drawn in any other one
 * as sharply. For the plan it is a picture of IMAGE_DRAWN_SIDE pixels or more on its long side: so no
 * output needs an enlargement, and aspect ratios are exact. It is then drawn in the size that the
 * largest output needs (struct image_source: drawn).
 */
#ifndef THUMBWHEEL_IMAGE_DRAW_H
#define THUMBWHEEL_IMAGE_DRAW_H

#include "image_load.h"
#include "pipeline_file.h"

enum { IMAGE_DRAWN_SIDE = PIPELINE_SIDE_MAX };

bool image_is_drawing(const struct image_source *source);
/* Whether this process may open drawings, and can draw the texts of this one. ERR_UNSUPPORTED: not,
 * or it refers to something outside the file. */
int image_check_drawing(const struct image_source *source, struct error *error);
/* After the header has been read: fills enlarged and upright. ERR_CORRUPT: it can't be drawn. */
int image_measure_drawing(struct image_source *source);
/* The drawing, at a factor of its nominal size; NULL: it is damaged. Its pixels are computed when
 * they are read. */
VipsImage *image_draw_at(const struct image_source *source, double factor);
/* The same, in exactly the size that source->drawn says, or larger if the shapes differ.
 * ERR_CORRUPT. */
int image_draw(const struct image_source *source, VipsImage **out);
/* A PDF document that needs a password. */
bool image_is_encrypted(const struct image_source *source);

#endif
