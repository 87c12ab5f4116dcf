/*
 * Encodes pixels in memory as a JPEG without metadata, as libvips does: byte for byte. libvips starts
 * threads for each picture that it saves and passes strips of lines between them, although these
 * pixels are already there.
 *
 * Any thread.
 */
#ifndef THUMBWHEEL_JPEG_WRITE_H
#define THUMBWHEEL_JPEG_WRITE_H

#include <stdbool.h>

#include "bytes.h"
#include "plan.h"

struct jpeg_settings {
    int quality;      /* 1–100 */
    bool full_colour; /* 4:4:4; otherwise 4:2:0 */
    bool optimised;   /* Huffman tables of the picture's own */
    bool progressive;
};

/* bands: 1 (grey) or 3 (sRGB). ERR_UNSUPPORTED: libjpeg refused, or memory is short. */
int jpeg_write(const unsigned char *pixels, struct plan_size size, unsigned bands,
               const struct jpeg_settings *settings, struct bytes *out);

#endif
