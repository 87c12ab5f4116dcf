/* Texts as pictures. */
#ifndef THUMBWHEEL_IMAGE_TEXT_H
#define THUMBWHEEL_IMAGE_TEXT_H

#include "pipeline_file.h"

/* Draws an overlay's text, with its font, size and colour on a transparent ground, as a PNG. Reads
 * fonts, so it is called by a process with rights to files. ERR_UNSUPPORTED, ERR_LIMIT. */
int image_text_draw(const struct overlay_config *overlay, struct bytes *out, struct error *error);

#endif
