/* Valid images that libvips 8.14 and its libraries can't read, or read in false colours. */
#ifndef THUMBWHEEL_IMAGE_KIND_H
#define THUMBWHEEL_IMAGE_KIND_H

#include "bytes.h"
#include "image_format.h"

/* What makes the image unsupported, such as "lossless JPEG"; NULL: nothing that is known. Static.
 * page: of a TIFF, from 0. */
const char *image_kind_unsupported(struct slice image, enum image_format format, unsigned page);

#endif
