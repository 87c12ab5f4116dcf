/* What an image carries besides its pixels. */
#ifndef THUMBWHEEL_IMAGE_METADATA_H
#define THUMBWHEEL_IMAGE_METADATA_H

#include "bytes.h"
#include "error.h"
#include "image_format.h"

enum {
    METADATA_MAX = 16 * 1024 * 1024, /* bytes of one image, decompressed */
    METADATA_CHUNKS_MAX = 10000,     /* of a PNG image */
};

/* Checks it before a library reads it. ERR_LIMIT: a library would make much more of it than there
 * is. Damage is not looked for: whatever can't be followed is left to the decoder. */
int image_check_metadata(struct slice image, enum image_format format, struct error *error);

#endif
