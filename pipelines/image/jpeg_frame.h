/*
 * The frame header of a JPEG (SOF, ITU-T T.81, B.2.2): the size of the picture.
 *
 * A JPEG contains whole blocks of 8 x 8 samples of each component, also at its right and bottom
 * edges, so the size in its header can be rounded up as far as the number of blocks remains the
 * same. Pure functions; any thread.
 */
#ifndef THUMBWHEEL_JPEG_FRAME_H
#define THUMBWHEEL_JPEG_FRAME_H

#include <stdbool.h>

#include "bytes.h"
#include "plan.h"

/* Whether a picture of one size has the same blocks as one of the other size, which is not smaller.
 * False as well if the file has no header with the first size. */
bool jpeg_frame_fits(struct slice file, struct plan_size from, struct plan_size to);
/* Writes a size that fits. */
void jpeg_frame_resize(char *file, size_t size, struct plan_size to);

#endif
