/*
 * Files that end too early.
 *
 * Some end behind the last pixel, others in the middle of the picture; only the second kind has lost
 * something that can be seen. What the containers tell is read here. Whether the pixels of a JPEG or
 * a PNG are complete is known only to their decoders (image_open.c: image_degrade). Pure function; any
 * thread.
 */
#ifndef THUMBWHEEL_IMAGE_DAMAGE_H
#define THUMBWHEEL_IMAGE_DAMAGE_H

#include <stdbool.h>

#include "bytes.h"
#include "image_format.h"
#include "pipeline.h"

enum { WEBP_XMP = 4, WEBP_EXIF = 8 }; /* flags of an extended header */

struct image_state {
    enum image_damage first; /* of the first frame, or of the page that is opened */
    enum image_damage all;   /* of all frames */
    size_t usable;           /* bytes that libwebp accepts; others: the size of the file */
    /* opened as a copy: a JPEG or GIF with an end, a WebP with another size in its header */
    bool mended;
    bool holed;    /* its decoder has warned that pixels in the middle are wrong */
    unsigned lost; /* flags of a WebP's metadata that is not complete */
};

/* What is known before pixels are decoded. page: from 0. */
struct image_state image_damage_of(struct slice image, enum image_format format, unsigned page);

#endif
