/* The blocks of a GIF (GIF89a specification): where a file ends. Any thread. */
#ifndef THUMBWHEEL_GIF_BLOCKS_H
#define THUMBWHEEL_GIF_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

struct gif_end {
    bool complete; /* up to its trailer, or to something that is not a block */
    bool cut;      /* the last frame lacks pixels */
    size_t frames; /* complete ones */
    size_t usable; /* bytes that can be read: behind them, the trailer must be added */
    size_t block;  /* the sub-block of a frame that is cut: must get its real length; 0: none */
};

struct gif_end gif_end_of(struct slice image);

enum { GIF_MENDED_MAX = 2 };
/* Completes a copy that has room for GIF_MENDED_MAX more bytes. Returns its size. */
size_t gif_mend(char *copy, size_t size);

#endif
