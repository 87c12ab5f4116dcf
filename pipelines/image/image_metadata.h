/* Limits the metadata of an image. */
#ifndef THUMBWHEEL_IMAGE_METADATA_H
#define THUMBWHEEL_IMAGE_METADATA_H

#include "bytes.h"
#include "error.h"
#include "image_format.h"

enum {
    METADATA_MAX = 16 * 1024 * 1024, /* decompressed size per image in bytes */
    METADATA_CHUNKS_MAX = 10000,     /* of a PNG image */
};

/* Checks the metadata before a library reads it. ERR_LIMIT: in memory it would become too large.
 * Damage is not reported: anything that cannot be parsed is left to the decoder. */
int image_check_metadata(struct slice image, enum image_format format, struct error *error);
/* The same of one page of a TIFF, from 0; image_check_metadata looks at the first pages only. */
int image_check_page_metadata(struct slice image, unsigned page, struct error *error);

#endif
