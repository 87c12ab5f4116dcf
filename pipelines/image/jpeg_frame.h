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
/* Whether there is an end marker. Other data may follow it, as some cameras write it. */
bool jpeg_frame_has_end(struct slice file);
/* Whether there are scans for all bits of all coefficients, of all components. The data of the last
 * scan may be cut. */
bool jpeg_frame_scans_complete(struct slice file);
/* The bytes that libjpeg can read of a file that breaks off: without the part of a segment at the end,
 * which would be an error. */
size_t jpeg_frame_usable(struct slice file);
/* Writes a size that fits. */
void jpeg_frame_resize(char *file, size_t size, struct plan_size to);

#endif
