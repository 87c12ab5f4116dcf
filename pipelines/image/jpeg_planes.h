/*
 * Decodes a JPEG into a smaller picture, without the detour over its full size in colour.
 *
 * The components of a JPEG are resized as they are stored, often with half the sides for colour, and
 * become red, green and blue only in the size of the result. That is a third of the work of decoding
 * to colours first and resizing these. For the usual kind of photo: baseline, three components (Y, Cb,
 * Cr), one scan, colour with the same sides as brightness or half of them. libjpeg itself decodes,
 * with all data in memory.
 *
 * Any thread.
 */
#ifndef THUMBWHEEL_JPEG_PLANES_H
#define THUMBWHEEL_JPEG_PLANES_H

#include "bytes.h"
#include "plan.h"

/* size: that of the picture in the file, which is not turned; shrink: 1, 2, 4 or 8, by which libjpeg
 * divides the sides; to: not larger than what that gives. Writes to.width × to.height pixels of three
 * bytes. ERR_UNSUPPORTED: it is another kind of file, or libjpeg has an objection, such as damage:
 * the caller decodes the file in the usual way, which finds out. ERR_MEMORY. */
int jpeg_planes_resize(struct slice file, struct plan_size size, unsigned shrink,
                       struct plan_size to, unsigned char *out);

#endif
