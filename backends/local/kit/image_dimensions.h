/*
 * The size of an image, from the header of its file: JPEG (ITU-T T.81, B.2.2) and PNG (RFC 2083,
 * IHDR). Pure; any thread.
 */
#ifndef THUMBWHEEL_LOCAL_IMAGE_DIMENSIONS_H
#define THUMBWHEEL_LOCAL_IMAGE_DIMENSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

/* In pixels. false: unknown. */
bool image_dimensions(struct slice image, uint32_t *width, uint32_t *height);

#endif
